"""`ozrules token`: one token on stdout, or a line that says why there is none."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from ozrules.connectors.simulator import OFFICE, Behaviour, HttpManners, PhoneSystem, SimulatorHttp, Switchboard
from tests.fakes.clock import StandingClock


def config(folder: Path, *connections: str) -> Path:
    file = folder / "ozrules.yaml"
    listed = "".join(f"  - {{{each}}}\n" for each in connections)
    file.write_text(f"ozrules: 1\nconnections:\n{listed}", encoding="utf-8")
    return file


def command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("ozrules")), "token", *words]


async def asked(folder: Path, *words: str, more: str = "") -> tuple[int | None, str, str, dict[str, bool]]:
    """The command before a simulated phone system: exit code, stdout, stderr, and the tokens that were given out."""
    clock = StandingClock()
    board = Switchboard(PhoneSystem(OFFICE, Behaviour(), start=clock.now(), seed=1), seed=1)
    served = SimulatorHttp(board, HttpManners(users={"api": "canary"}), clock, host="127.0.0.1", port=0)
    serving = asyncio.get_running_loop().create_task(served.run())
    try:
        await served.until_listening()
        branch = f"name: branch, type: ozeki-http, server: 127.0.0.1, port: {served.port}{more}"
        process = await asyncio.create_subprocess_exec(
            *command(*words, "--config", str(config(folder, branch))),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        return process.returncode, stdout.decode(), stderr.decode(), served.api.tokens
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@pytest.mark.parametrize(("words", "modifies"), [((), True), (("branch", "--watch-only"), False)])
async def test_the_token_is_shown_with_its_rights(tmp_path: Path, words: tuple[str, ...], modifies: bool) -> None:
    code, stdout, stderr, given = await asked(tmp_path, *words, more=", username: api, password: canary")
    assert code == 0
    assert given == {stdout.strip(): modifies}
    assert "one day" in stderr
    assert "canary" not in stdout + stderr


async def test_a_phone_system_that_gives_none_is_quoted(tmp_path: Path) -> None:
    code, stdout, stderr, given = await asked(tmp_path)
    assert (code, stdout, given) == (1, "", {})
    assert "branch: the phone system answers 304" in stderr
    assert "set username and password on this connection" in stderr


@pytest.mark.parametrize(
    ("connections", "words", "part"),
    [
        (("name: sim, type: simulator",), (), "name one: the ozeki-http connections"),
        (("name: a, type: ozeki-http, server: one", "name: b, type: ozeki-http, server: two"), (), "are: a, b"),
        (("name: a, type: ozeki-http, server: pbx",), ("c",), "there is no 'c'"),
        (("name: a, type: ozeki-http, server: pbx, generation: ozeki10",), (), "make one in its interface"),
    ],
)
def test_whom_to_ask_must_be_clear(
    tmp_path: Path, connections: tuple[str, ...], words: tuple[str, ...], part: str
) -> None:
    file = config(tmp_path, *connections)
    done = subprocess.run(
        command(*words, "--config", str(file)), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 78
    assert done.stdout == ""
    assert part in done.stderr
    assert "Traceback" not in done.stderr
