"""What is installed is what was locked, what is locked is used, and what is used is explained."""

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [re.split(r"[<>=]", each)[0] for each in PROJECT["dependencies"]]
MODULES = {
    "google-re2": "re2",
    "phonenumberslite": "phonenumbers",
    "prometheus-client": "prometheus_client",
    "pyyaml": "yaml",
}
"""Modules that are not named like their package."""
NOT_IMPORTED = {
    "tzdata": "read by the standard library",
}
"""Packages that no module imports, and why they are there."""


def _pins(lock: str) -> dict[str, int]:
    """Each package that a lock pins, with the number of its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9-]+)==\S+ \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)", text, re.MULTILINE)
    return {name: hashes.count("--hash") for name, hashes in entries}


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.fault(106)
def test_every_package_is_pinned_with_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = _pins(lock)
    assert len(pins) == sum(1 for line in text.splitlines() if line and line[0] not in "# ")
    assert all(pins.values())


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.fault(106)
def test_no_lock_says_where_packages_come_from(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|--index|--extra|--find-links|--trusted", text)


def test_all_that_the_project_needs_is_locked() -> None:
    assert [name for name in DIRECT if name not in _pins("requirements.lock")] == []
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()


@pytest.mark.fault(106)
def test_a_wheel_with_one_byte_altered_is_not_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "office-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("office.py", "")
        archive.writestr("office-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: office\nVersion: 1.0\n")
        archive.writestr("office-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("office-1.0.dist-info/RECORD", "")
    whole = wheel.read_bytes()
    lock = tmp_path / "office.lock"
    lock.write_text(f"office==1.0 --hash=sha256:{hashlib.sha256(whole).hexdigest()}\n", encoding="utf-8")

    assert _install(lock, tmp_path).returncode == 0
    wheel.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = _install(lock, tmp_path)
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr


def _install(lock: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--require-hashes", "--only-binary", ":all:"]
    where: list[str | Path] = [
        "--no-index",
        "--find-links",
        folder,
        "--no-cache-dir",
        "--target",
        folder / "target",
        "--upgrade",
    ]
    return subprocess.run([*command, *where, "-r", lock], capture_output=True, text=True, timeout=60, check=False)


def test_every_package_is_imported_or_says_why_not() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "ozrules").rglob("*.py")]

    def is_imported(package: str) -> bool:
        imported = re.compile(rf"^\s*(?:import|from) {MODULES.get(package, package)}\b", re.MULTILINE)
        return any(imported.search(source) for source in sources)

    assert {package for package in DIRECT if not is_imported(package)} == set(NOT_IMPORTED)


@pytest.mark.parametrize("package", DIRECT)
def test_every_package_is_explained(package: str) -> None:
    assert f"\n## {package}\n" in (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
