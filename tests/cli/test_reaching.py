"""`ozrules check --connect`: each phone system is reached once, and what it says of itself is shown."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ozrules.cli.main import main
from tests.connectors.asterisk.manager import MAY, PASSWORD, Manager, manager
from tests.e2e.stage import TOKEN, configure, daemon, environment, ozrules, phones

RULES = "ozrules: 1\nrules:\n  - {id: a, trigger: {state: Ringing, for: 20s}, actions: [hangup]}\n"
NOBODY: dict[str, object] = {"name": "away", "type": "gateway", "url": "ws://127.0.0.1:9/", "token": TOKEN}


def asterisk(port: int) -> dict[str, object]:
    login = {"username": "ozrules", "password": {"file": "password"}, "context": "internal"}
    return {"name": "open", "type": "asterisk", "host": "127.0.0.1", "port": port, "trunks": ["PJSIP/t*"]} | login


CLASSED = (
    "; phones: PJSIP/1001; trunks: PJSIP/trunk; named nowhere, so their calls count as from outside: "
    "PJSIP/1002 (dials in from-trunk), PJSIP/anonymous; name them under phones or trunks"
)


@asynccontextmanager
async def with_endpoints(folder: Path) -> AsyncIterator[Manager]:
    """An Asterisk with four endpoints, and a configuration for it."""
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    async with manager() as standin:
        standin.may = (*MAY, "DeviceStateList")
        standin.devices = [f"PJSIP/{name}" for name in ("1001", "1002", "anonymous", "trunk")]
        standin.contexts = {"1001": "internal", "1002": "from-trunk", "anonymous": "internal", "trunk": "from-trunk"}
        configure(folder, asterisk(standin.port), RULES)
        yield standin


async def test_an_asterisk_says_which_endpoints_count_as_what_and_how_to_name_them(tmp_path: Path) -> None:
    async with with_endpoints(tmp_path) as standin:
        code, said = await ozrules(tmp_path, "check", "--connect")
    assert code == 0, said
    first, last = said.splitlines()
    assert first == "2 files, 1 rule: 0 errors, 0 warnings."
    assert last.startswith("open: connected; not possible here: ")
    assert last.endswith(CLASSED)
    assert not {action["Action"] for action in standin.actions} & {"Hangup", "Redirect", "PlayDTMF"}


async def test_the_daemon_says_the_same_when_it_connects_and_in_its_status(tmp_path: Path) -> None:
    async with with_endpoints(tmp_path), daemon(tmp_path) as one:
        await one.ready()
        [line] = one.of("connection")
        _, said = await ozrules(tmp_path, "status")
        assert await one.stop() == 0
    assert line["detail"].endswith(CLASSED)
    assert any(each.startswith("  open: ready, connected") and each.endswith(CLASSED) for each in said.splitlines())


async def test_one_that_is_not_reached_is_named_beside_those_that_are(tmp_path: Path) -> None:
    async with phones() as system:
        configure(tmp_path, system.url, RULES, connections=[system.settings(), NOBODY])
        code, said = await ozrules(tmp_path, "check", "--connect")
    assert code == 1
    *_, first, last = said.splitlines()
    assert first == "lab: connected, 0 sessions"
    assert last.startswith("away: not reached: ")
    assert TOKEN not in said


async def test_a_port_that_the_daemon_may_have_open_is_not_opened(tmp_path: Path) -> None:
    async with phones(way="ozeki-http-classic") as system:
        heard = {"listen": f"127.0.0.1:{system.front.port}", "allow": ["127.0.0.1"]}
        configure(tmp_path, system.settings(notifications=heard), RULES)
        code, said = await ozrules(tmp_path, "check", "--connect")
    assert code == 0
    assert "cannot listen" not in said


def test_a_secret_that_is_not_there_is_found_and_nothing_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configure(tmp_path, asterisk(1), RULES)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    assert main(["check", "--config", str(path)]) == 0
    capsys.readouterr()
    assert main(["check", "--config", str(path), "--connect"]) == 1
    said = capsys.readouterr().out
    assert str(tmp_path / "password") in said
    assert "No connection is tried: a configuration without errors is needed for that." in said


def test_only_text_is_shown_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configure(tmp_path, NOBODY, RULES)
    assert json.loads(path.read_text())["connections"] == [NOBODY]
    for more in (["--format", "json"], ["--format", "sarif"], ["--at", "now", "--callee", "2001"]):
        assert main(["check", "--config", str(path), "--connect", *more]) == 2
        assert "--connect shows text" in capsys.readouterr().err
