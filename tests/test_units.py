"""The shipped units: systemd finds nothing to say about them, and they are as closed as they claim.

``systemd-analyze verify`` exits with 0 on keys it does not know, so its output must be empty as well. The executable
that a unit names is not installed here: a copy of the unit starts one that is.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "systemd").glob("*.service"))
DAEMON = next(unit for unit in UNITS if unit.name == "ozrules.service")
EXPOSURE = {"ozrules.service": 12}
"""Ten times the score that ``systemd-analyze security`` may give at most."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_all_of_it(unit: Path, tmp_path: Path) -> None:
    for each in UNITS:  # units may name each other
        text, started = re.subn(r"^(Exec\w+=)\S+", rf"\g<1>{shutil.which('true')}", _text(each), flags=re.MULTILINE)
        assert started
        (tmp_path / each.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@needs_systemd
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.name in EXPOSURE], ids=lambda unit: unit.name)
@pytest.mark.fault(102)
def test_its_exposure_stays_low(unit: Path) -> None:
    limit = EXPOSURE[unit.name]
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.fault(88)
def test_a_daemon_that_falls_again_and_again_is_given_up() -> None:
    unit = DAEMON.read_text(encoding="utf-8")
    assert "Restart=always" in unit
    assert re.search(r"^StartLimitBurst=\d+$", unit, re.MULTILINE)
    assert re.search(r"^StartLimitIntervalSec=\d+$", unit, re.MULTILINE)


def test_a_wrong_configuration_is_not_started_again_and_again() -> None:
    assert "RestartPreventExitStatus=78" in _lines(DAEMON)
    assert "Restart=always" in _lines(DAEMON)


def test_a_reload_is_a_client_that_waits_and_can_fail() -> None:
    (reload,) = [line for line in _lines(DAEMON) if line.startswith("ExecReload=")]
    assert "ozrules reload" in reload


def test_only_the_daemon_itself_says_that_it_is_ready_and_alive() -> None:
    assert {"Type=notify", "NotifyAccess=main", "WatchdogSec=30"} <= set(_lines(DAEMON))


@pytest.mark.fault(99)
def test_secrets_are_in_no_dump_and_for_no_other_user() -> None:
    assert {"LimitCORE=0", "UMask=0077", "StateDirectoryMode=0700", "DynamicUser=yes"} <= set(_lines(DAEMON))


def _text(unit: Path) -> str:
    return unit.read_text(encoding="utf-8")


def _lines(unit: Path) -> list[str]:
    return [line for line in _text(unit).splitlines() if line and not line.startswith("#")]
