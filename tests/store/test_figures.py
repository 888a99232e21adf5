"""What the record says of one rule, and searching it, on a journal that was really written."""

import asyncio
from pathlib import Path

import pytest

from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import Record
from ozrules.store import figures
from ozrules.store.figures import Figures, PlaceFigure, TooDear
from ozrules.store.journal import SqliteJournal

REVISION = "sha256:1"
FAILED = [{"path": "conditions.callee", "wanted": "eq 2001", "actual": "2002", "at": "/etc/rules.yaml:7:13"}]
ACTIONS = [{"action": "forward", "args": {"to": "2010"}, "at": "/etc/rules.yaml:9:9"}]


def _record(seq: int, reason: str, **more: object) -> Record:
    failed = FAILED if reason == "conditionFalse" else []
    actions = ACTIONS if reason == "fired" else []
    body = {"type": "decision", "seq": seq, "rule": "r", "reason": reason, "revision": REVISION, "trigger": "0"}
    whole = body | {"failed": failed, "actions": actions} | more
    return Record(
        seq=seq,
        type=str(whole["type"]),
        time=1000.0 + seq,
        body=whole,
        rule=str(whole["rule"]),
        decision_id=f"d{seq}",
        session_id="s1",
    )


RECORDS = [
    _record(1, "conditionFalse"),
    _record(2, "fired", session={"callerDisplayName": "Kovács Zoë"}),
    _record(3, "conditionFalse", revision="sha256:0"),
    _record(4, "conditionFalse"),
    _record(5, "fired", rule="other"),
    _record(6, "", type="event"),
]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    clock = SystemClock()
    journal = SqliteJournal(tmp_path / "state", clock)

    async def write() -> None:
        await journal.commit([], RECORDS)
        await journal.keep_rule_files({"/etc/rules.yaml": b"ozrules: 1\n"})

    asyncio.run(write())
    journal.close()
    return tmp_path / "state"


def test_reasons_are_counted_with_when_they_came_last(state: Path) -> None:
    one = Figures(state)
    assert [(each.reason, each.count, each.last) for each in one.reasons("r", 0.0)] == [
        ("conditionFalse", 3, 1004.0),
        ("fired", 1, 1002.0),
    ]
    assert [(each.reason, each.count) for each in one.reasons("r", 1004.0)] == [("conditionFalse", 1)]
    assert one.reasons("nobody", 0.0) == []
    one.close()


def test_places_and_triggers_count_for_the_text_in_force_alone(state: Path) -> None:
    one = Figures(state)
    assert one.triggers("r", 0.0, REVISION) == {"0": 3}
    assert one.places("r", 0.0, REVISION) == [
        PlaceFigure("/etc/rules.yaml:7:13", "stopped", 2),
        PlaceFigure("/etc/rules.yaml:9:9", "acted", 1),
    ]
    one.close()


def _found(one: Figures, **asked: object) -> list[int]:
    usual: dict[str, object] = {"text": "", "rule": "", "reason": "", "before": None, "limit": 100}
    lines = one.search(**(usual | asked))  # type: ignore[arg-type]  # each test gives what it asks for
    return [int(line.split('"seq":')[1].split(",")[0]) for line in lines]


def test_a_search_is_newest_first_and_takes_all_that_is_asked(state: Path) -> None:
    one = Figures(state)
    assert _found(one) == [5, 4, 3, 2, 1]  # without the lines on mere events
    assert _found(one, rule="r") == [4, 3, 2, 1]
    assert _found(one, reason="fired") == [5, 2]
    assert _found(one, rule="r", reason="fired") == [2]
    assert _found(one, text="KOVÁCS ZOë".replace("Á", "á")) == [2]
    assert _found(one, text="2010", limit=1) == [5]
    assert _found(one, before=3) == [2, 1]
    assert _found(one, text="'; DROP TABLE records; --") == []
    assert _found(one, text="%") == []
    assert _found(one, text="callerDisplayName") == []  # that is how it is said, not what
    assert _found(one, text="conditions.callee") == [4, 3, 1]
    one.close()


def test_rule_files_are_those_in_force(state: Path) -> None:
    one = Figures(state)
    assert one.rule_files() == {"/etc/rules.yaml": b"ozrules: 1\n"}
    one.close()


def test_what_takes_too_long_is_given_up(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "WITHIN", -1.0)
    monkeypatch.setattr(figures, "LOOK_EVERY", 1)
    one = Figures(state)
    with pytest.raises(TooDear, match="too long for an answer"):
        one.reasons("r", 0.0)
    one.close()
