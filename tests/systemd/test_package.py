"""The Debian package: what it brings, what an upgrade keeps, what a purge leaves."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import ozrules
from ozrules.cli.commands import ABOUT
from tests.systemd.boot import Container, Phones, until
from tests.systemd.service import FORWARD, STATE, Service


@pytest.fixture
def anew(container: Container) -> Iterator[Container]:
    """The machine, on which the package is installed again afterwards."""
    yield container
    container.run("dpkg", "--force-unsafe-io", "--force-confmiss", "--install", "/root/ozrules.deb")


def test_it_comes_set_to_observe_and_does_nothing_until_it_is_told(container: Container) -> None:
    assert "\nmode: observe\n" in (container.root / "etc/ozrules/ozrules.yaml").read_text()
    container.run("ozrules", "check", "--config", "/etc/ozrules/ozrules.yaml")
    assert container.run("systemctl", "is-enabled", "ozrules").stdout.strip() == "enabled"
    assert container.show("ozrules-webclient", "UnitFileState") == "disabled"


def test_its_example_runs_as_it_is(container: Container) -> None:
    container.run("systemctl", "start", "ozrules")
    try:
        status = json.loads(container.run("ozrules", "status", "--format", "json").stdout)
        assert (status["ready"], status["mode"]) == (True, "observe")
        assert status["version"] == ozrules.__version__
    finally:
        container.run("systemctl", "stop", "ozrules")


def test_the_program_uses_nothing_of_the_hosts_python(container: Container) -> None:
    assert container.run("ozrules", "--version").stdout == f"ozrules {ozrules.__version__}\n"
    path = "import sys; sys.argv = ['ozrules', '--version']; import runpy\n"
    path += "try: runpy.run_path('/usr/bin/ozrules', run_name='__main__')\n"
    path += "except SystemExit: print(sys.modules['ozrules'].__file__)"
    assert container.run("python3", "-I", "-c", path).stdout.endswith("/usr/lib/ozrules/ozrules/__init__.py\n")


def test_the_manual_and_the_completion_know_every_command(container: Container, tmp_path: Path) -> None:
    page = subprocess.run(
        ["gunzip", "--stdout", container.root / "usr/share/man/man1/ozrules.1.gz"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    bash = (container.root / "usr/share/bash-completion/completions/ozrules").read_text()
    zsh = (container.root / "usr/share/zsh/vendor-completions/_ozrules").read_text()
    for command in ABOUT:
        assert f'\n.SS "ozrules {command}"\n' in page, command
        assert f"_ozrules_{command.replace('-', '_')}" in bash, command
        assert command in zsh, command
    complete = "source /usr/share/bash-completion/completions/ozrules; COMP_WORDS=(ozrules dec); COMP_CWORD=1; "
    complete += '$(complete -p ozrules | sed "s/.*-F \\([^ ]*\\).*/\\1/") ozrules dec ozrules; echo "${COMPREPLY[@]}"'
    assert container.run("bash", "-c", complete).stdout.strip() == "decisions"


@pytest.mark.fault(87)
def test_an_upgrade_keeps_the_timers_and_what_the_admin_wrote(
    service: Service, phones: Phones, anew: Container, deb: Path, tmp_path: Path
) -> None:
    service.rules(FORWARD.format(after="25s"))
    service.start()
    pid = service.pid
    phones.call("+36201234567", "2666")
    until(lambda: "to-desk" in service.ozrules("sessions"), "the timer waits")

    shutil.copy(_next_version(deb, tmp_path), anew.root / "root/next.deb")
    anew.run("dpkg", "--force-unsafe-io", "--force-confdef", "--force-confold", "--install", "/root/next.deb")
    assert (service.state, service.pid == pid) == ("active", False)
    assert "lab" in (anew.root / "etc/ozrules/ozrules.yaml").read_text()
    until(lambda: bool(service.said("OZ_TYPE=outcome")), "the outcome is in the journal")
    assert phones.commands() == [("forward", "2010")]
    (decision,) = service.said("OZ_TYPE=decision", "OZ_RULE=to-desk")
    assert json.loads(decision["MESSAGE"])["reason"] == "fired"


def test_a_removal_keeps_the_state_and_a_purge_leaves_nothing(
    service: Service, phones: Phones, anew: Container
) -> None:
    service.start()
    anew.run("dpkg", "--remove", "ozrules")
    assert anew.run("systemctl", "is-active", "ozrules", check=False).stdout.strip() == "inactive"
    assert anew.run("test", "-s", f"{STATE}/journal.db").returncode == 0
    assert (anew.root / "etc/ozrules/ozrules.yaml").exists()
    anew.run("dpkg", "--purge", "ozrules")
    where = ("/etc", "/var/lib", "/run", "/usr/lib", "/usr/bin", "/usr/share")
    left = anew.run("find", *where, "-xdev", "-name", "*ozrules*", "-not", "-path", "/var/lib/dpkg/*").stdout.split()
    assert left == []


def _next_version(deb: Path, folder: Path) -> Path:
    """The same package, as if it were newer."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), flags=re.MULTILINE))
    target = folder / "next.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, target], check=True, capture_output=True
    )
    return target
