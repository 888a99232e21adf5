"""A real Asterisk out of Debian's archive, without touching the packages of this machine.

An apt of its own (its own sources, lists and an empty status file) fetches the packages with all that they depend on
from the mirror that this machine uses; `dpkg-deb` unpacks them into a folder, and no maintainer script runs. The
programs are started with the folder's own loader and libraries, because the archive's newest suite has a newer C
library than the host. No root is needed. It is done once; the folder is kept.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

FOLDER: Final = Path(os.environ.get("OZRULES_ASTERISK_TREE") or Path(__file__).parents[3] / ".cache" / "asterisk")
NEWEST: Final = "sid"
OLDEST: Final = "bullseye"
PACKAGES: Final = ("asterisk", "asterisk-modules", "sip-tester")
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH_WITHIN: Final = 240


class NoAsterisk(Exception):
    """There can be no Asterisk on this machine; the text says why."""


class Tree:
    """The unpacked packages of one suite."""

    def __init__(self, root: Path) -> None:
        self.root = root
        machine = f"{os.uname().machine}-linux-gnu"
        found = [*root.glob("usr/lib/*/asterisk/modules"), *root.glob("usr/lib/asterisk/modules")]
        loaders = [
            *root.glob("usr/lib/*/ld-linux*.so.*"),
            *root.glob("lib/*/ld-linux*.so.*"),
            *root.glob("lib/*/ld-2*.so"),
        ]
        if not found or not loaders:
            raise NoAsterisk(f"{root} holds no Asterisk; remove it to fetch it again")
        self.modules = found[0]
        self._loader = loaders[0]
        self._libraries = [root / "usr/lib" / machine, root / "lib" / machine, self.modules.parent, root / "usr/lib"]

    def command(self, program: str, *arguments: str) -> list[str]:
        """How a program of the tree is started."""
        libraries = ":".join(str(folder) for folder in self._libraries)
        return [str(self._loader), "--library-path", libraries, str(self.root / program), *arguments]


def fetch(suite: str) -> Tree:
    """The Asterisk of this suite; the oldest where the newest cannot be had. Raises NoAsterisk."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise NoAsterisk(f"there is no {tool} here to fetch Asterisk with")
    reasons: list[str] = []
    for each in dict.fromkeys((suite, OLDEST)):
        root = FOLDER / each
        if not (root / ".complete").exists():
            try:
                _unpack(each, root)
            except NoAsterisk as reason:
                reasons.append(f"{each}: {reason}")
                continue
        return Tree(root)
    raise NoAsterisk("Asterisk cannot be fetched from Debian's archive: " + "; ".join(reasons))


def _unpack(suite: str, root: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    apt = FOLDER / f"apt-{suite}"
    debs = apt / "var/cache/apt/archives"
    for folder in ("etc/apt/preferences.d", "etc/apt/apt.conf.d", "var/lib/apt/lists/partial", "var/lib/dpkg"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "var/lib/dpkg/status").write_text("")  # nothing is installed: so apt takes all that is needed
    (apt / "etc/apt/sources.list").write_text(_sources(suite))
    _apt(apt, "update")
    _apt(apt, "-y", "--download-only", "install", *PACKAGES)
    part = root.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    part.mkdir(parents=True)
    leave = ("doc/*", "man/*", "locale/*", "perl/*", "zoneinfo/*")
    excludes = [f"--exclude=./usr/share/{name}" for name in leave]
    for deb in sorted(debs.glob("*.deb")):
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], check=True, capture_output=True).stdout
        options = ["--keep-directory-symlink", "--no-same-owner", *excludes]
        subprocess.run(["tar", "-x", "-C", str(part), *options], input=data, check=True)
        deb.unlink()
    part.rename(root)
    (root / ".complete").touch()


def _sources(suite: str) -> str:
    sites = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], check=False, capture_output=True, text=True
    ).stdout.split()
    mirror = next((site for site in sites if "security" not in site), None)
    if mirror is None:
        raise NoAsterisk("this machine's apt names no mirror")
    lines = [f"deb [signed-by={KEYRING}] {mirror} {suite} main"]
    security = next((site for site in sites if "security" in site), None)
    if suite != NEWEST and security is not None:
        lines.append(f"deb [signed-by={KEYRING}] {security} {suite}-security main")
    return "\n".join(lines) + "\n"


def _apt(apt: Path, *arguments: str) -> None:
    options = {
        "Dir": apt,
        "Dir::State": apt / "var/lib/apt",
        "Dir::State::status": apt / "var/lib/dpkg/status",
        "Dir::Cache": apt / "var/cache/apt",
        "Dir::Etc": apt / "etc/apt",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "0",
        "Debug::NoLocking": "1",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "15",
        "Acquire::Languages": "none",
    }
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    try:
        done = subprocess.run(
            ["apt-get", *given, "-q", *arguments], check=False, capture_output=True, text=True, timeout=FETCH_WITHIN
        )
    except subprocess.TimeoutExpired:
        raise NoAsterisk(f"apt-get {arguments[0]} took longer than {FETCH_WITHIN} s") from None
    failed = done.returncode or (arguments[0] == "update" and "Failed to fetch" in done.stderr)
    if failed:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NoAsterisk(f"apt-get {arguments[0]} failed: {' '.join(last)[:300]}")
