"""State directories that older releases left are opened by this one: nothing is lost, and nothing is done twice.

What is in them, and how they were made, stands in tests/data/upgrade/README.md. Each is opened some time after its last
line was written, so that all its timers are late.
"""

import json
import lzma
import re
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from tests.e2e.stage import TOKEN, Daemon, configure, daemon, ozrules
from tests.e2e.upgrade.office import RULES, SETTINGS, Office, as_left, call
from tests.fakes.gateway import gateway
from tests.torture.audit import Books
from tests.torture.clocks import WallClock, needs_faketime

DATA: Final = Path(__file__).parent.parent.parent / "data" / "upgrade"
ALL: Final = ("small", "busy", "killed")
RECORDED_IN: Final = re.compile(r'(?<=")/tmp/[^/"]+/')
Row = tuple[Any, ...]

pytestmark = needs_faketime


def unpacked(name: str, folder: Path) -> Path:
    with lzma.open(DATA / f"{name}.tar.xz") as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return folder


def rows(folder: Path, statement: str, *values: float) -> list[Row]:
    """What the journal holds, asked without any code of ours."""
    db = apsw.Connection(str(folder / "state" / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return list(db.execute(statement, values))
    finally:
        db.close()


def table(folder: Path, name: str) -> set[Row]:
    return set(rows(folder, f"SELECT * FROM {name}"))  # noqa: S608  # our own words


def an_hour_later(folder: Path) -> WallClock:
    last = max(datetime.fromisoformat(json.loads(line)["time"]) for line in lines(folder, "decisions.jsonl"))
    return WallClock(folder, f"@{last + timedelta(hours=1):%Y-%m-%d %H:%M:%S}")


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text(encoding="utf-8").splitlines()


async def quiet(one: Daemon) -> None:
    """The list has been merged, and what it made due has left."""
    await one.ready()
    assert (await ozrules(one.folder, "status"))[0] in (0, 3)


@pytest.mark.parametrize("name", ALL)
async def test_all_that_was_there_is_there_and_numbers_go_on(tmp_path: Path, name: str) -> None:
    folder = unpacked(name, tmp_path)
    before = {name: table(folder, name) for name in ("records", "intents", "recording")}
    known = set(rows(folder, "SELECT id, at, outcome FROM outcomes WHERE outcome <> 'unknown'"))
    webhooks = set(rows(folder, "SELECT id, at, request FROM webhooks"))
    [(seq,)] = rows(folder, "SELECT value FROM counters WHERE name = 'seq'")
    [(number,)] = rows(folder, "SELECT value FROM counters WHERE name = 'decision'")
    async with gateway(Office().play) as port:
        configure(folder, f"ws://127.0.0.1:{port}/", (folder / "rules.yaml").read_text(), **SETTINGS)
        async with daemon(folder, **an_hour_later(folder).environment) as one:
            await quiet(one)
            assert await one.stop() == 0
    for each, was in before.items():
        assert was <= table(folder, each), each
    assert known <= set(rows(folder, "SELECT id, at, outcome FROM outcomes"))
    assert webhooks == set(rows(folder, "SELECT id, at, request FROM webhooks"))
    assert [line["seq"] for line in one.lines if "seq" in line] == list(
        range(seq, seq + sum("seq" in line for line in one.lines))
    )
    assert all(new >= number for (new,) in rows(folder, "SELECT number FROM decisions WHERE at > ?", _at(one)))
    assert len(Books(folder / "state").records) == seq - 1 + sum("seq" in line for line in one.lines)
    assert rows(folder, "SELECT id FROM intents WHERE id NOT IN (SELECT id FROM outcomes)") == []
    assert rows(folder, "SELECT * FROM memories") == [], "no call of those lives any more"


def _at(one: Daemon) -> float:
    first = next(line for line in one.lines if "time" in line)
    return datetime.fromisoformat(first["time"]).timestamp()


async def test_what_was_under_way_goes_on_and_nothing_is_done_twice(tmp_path: Path) -> None:
    folder = unpacked("small", tmp_path)
    clock = an_hour_later(folder)
    office = Office(*as_left())
    async with gateway(office.play) as port:
        configure(folder, f"ws://127.0.0.1:{port}/", RULES, **SETTINGS)
        async with daemon(folder, **clock.environment) as one:
            await one.saw("outcome", rule="made-up")
            await one.saw("outcome", rule="holds", action="unhold")
            [lost] = await one.saw("outcome", rule="unheard", outcome="unconfirmed")
            [chosen] = await one.saw("log", rule="chooses")
            await office.begin(call("next", "2008", start=None))  # it begins now
            await one.saw("decision", rule="by-hand", reason="fired")
            code, said = await ozrules(folder, "sessions")
            assert (code, "waits-on" in said) == (0, True)
            assert await one.stop() == 0
        commands = list(office.commands)
        async with daemon(folder, **clock.environment) as two:
            await quiet(two)
            assert await two.stop() == 0
    assert sorted(commands) == [("forward", "s2001", "2010"), ("unhold", "s2005", None)]
    assert office.commands == commands, "and not again at the next start"
    assert chosen["text"] == "open for +36201234567"
    assert lost["command_id"] == f"{lost['decision_id']}-0"
    met = [line for line in one.of("decision") if line["reason"] != "conditionFalse"]
    reasons = {line["rule"]: line["reason"] for line in met if line["event"]["kind"] == "timer"}
    assert reasons == {"made-up": "fired", "too-late": "missedTooLate", "skipped": "missedSkip"}
    after = {line["rule"]: line["reason"] for line in met if line["sessionId"] == "next"}
    assert after["seldom"] == "throttled"
    assert after["third-time"] == "fired"
    assert after["stopped"] == "disabled", "an admin has paused it"
    assert after["by-hand"] == "fired", "an admin has switched the schedule open"
    assert two.of("decision") == []
    assert TOKEN not in json.dumps(one.lines)


@pytest.mark.parametrize("name", ALL)
async def test_exports_and_recordings_of_before_are_read_as_they_were(tmp_path: Path, name: str) -> None:
    folder = unpacked(name, tmp_path)
    configure(folder, "ws://127.0.0.1:9/", (folder / "rules.yaml").read_text(), **SETTINGS)
    recording = str(folder / "export.jsonl")
    for file, asked in {
        "export.jsonl": ("export", "--since", "2025-11-01"),
        "decisions.jsonl": ("decisions", "--since", "2025-11-01", "--format", "json"),
        "replay.jsonl": ("replay", recording, "--rules", str(folder / "rules.yaml"), "--format", "json"),
    }.items():
        code, said = await ozrules(folder, *asked)
        assert code == 0, said
        was, now = (folder / file).read_text(encoding="utf-8"), said.replace(f"{folder}/", "")
        assert RECORDED_IN.sub("", now) == RECORDED_IN.sub("", was), file
