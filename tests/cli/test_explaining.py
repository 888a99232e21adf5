"""The dashboard's dear questions, answered from a journal as the daemon writes it; and by a child, as it is done."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ozrules.cli import explaining
from ozrules.cli.explaining import AskCall, AskWeek, Explainer, Question, answer
from ozrules.cli.told import told
from ozrules.replay.smallest import changes
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.settings.model import LogSettings, Retention, Settings, WebhookSettings
from ozrules.store.journal import SqliteJournal
from ozrules.store.reading import Reader
from ozrules.web.source import Busy, NotFound
from tests.fakes.clock import StandingClock
from tests.fakes.effects import observed
from tests.replay.recorded import text

RULES = text(
    "{id: other, trigger: {state: Ringing}, conditions: {callee: 2099}, actions: [hangup]}",
    "{id: desk, trigger: {state: OnHold}, actions: [hangup]}",
).encode()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    journal = SqliteJournal(tmp_path / "state", StandingClock())

    async def write() -> None:
        seen = observed()
        session = msgspec.structs.replace(seen.session, start_time=seen.key.start)
        await journal.commit([msgspec.structs.replace(seen, session=session)], [])
        await journal.keep_rule_files({"rules.yaml": RULES})

    asyncio.run(write())
    journal.close()
    return tmp_path / "state"


def _ask(state: Path, **more: str) -> AskCall:
    key = observed().key
    asked = {"connection": key.connection, "session": key.session_id, "start": key.start} | more
    return AskCall(state=str(state), secrets=frozenset(), now=2_000_000.0, **asked)


def _answered(question: Question) -> Any:
    said = json.loads(answer(question))
    assert said["missing"] is None
    return said["body"]


def test_a_call_is_told_as_a_timeline_with_the_why_of_ozrules_why(state: Path) -> None:
    found = _answered(_ask(state))
    [leg] = found["legs"]
    assert leg["sessionId"] == observed().session.session_id
    assert [each["state"] for each in leg["states"]] == [str(observed().session.session_state)]
    reader = Reader(state)
    rules = load([Source("rules.yaml", RULES)])
    same = told(reader, rules, connection=None, session=observed().key.session_id, start="", until=2_000_000.0)
    reader.close()
    assert same is not None
    assert [(each["rule"], each["reason"], each["at"]) for each in found["why"]] == [
        (each.rule, each.reason, each.at) for each in same.answers
    ]
    other = next(each for each in found["why"] if each["rule"] == "other")
    change = changes(same.story, rules, same.call, "other", until=2_000_000.0)
    assert change.rule
    assert other["change"] == {"call": None, "rule": [edit.text for edit in change.rule]}
    assert {each["rule"] for each in found["why"]} == {"other", "desk"}
    assert set(found["rules"]) == {"other", "desk"}


def test_without_its_start_the_latest_call_under_the_id_is_meant(state: Path) -> None:
    assert _answered(_ask(state, start=""))["call"] == _answered(_ask(state))["call"]


@pytest.mark.parametrize("more", [{"session": "nobody"}, {"connection": "branch"}])
def test_a_call_that_is_not_recorded_is_missing(more: dict[str, str], state: Path) -> None:
    assert "is in the recording" in json.loads(answer(_ask(state, **more)))["missing"]


def test_a_week_is_of_the_rules_in_force(state: Path) -> None:
    asked = AskWeek(state=str(state), secrets=frozenset(), caller=None, callee="2099", now=2_000_000.0)
    found = _answered(asked)
    assert [[act["rule"] for act in outcome] for outcome in found["outcomes"]] == [["other"]]


def _settings(state: Path) -> Settings:
    return Settings(
        file="",
        connections=(),
        rules=(),
        mode="enforce",
        state=state,
        control=state / "control",
        log=LogSettings(),
        web=None,
        webhooks=WebhookSettings(),
        secrets={},
        retention=Retention(),
    )


async def test_a_child_answers(state: Path) -> None:
    explainer, key = Explainer(), observed().key
    call, week = await asyncio.gather(
        explainer.call(_settings(state), connection=key.connection, session=key.session_id, start="", now=2_000_000.0),
        explainer.week(_settings(state), caller="", callee="2099", now=2_000_000.0),
    )
    assert len(json.loads(call)["why"]) == 2
    assert len(json.loads(week)["slots"]) == 672
    with pytest.raises(NotFound, match="no call office/nobody"):
        await explainer.call(_settings(state), connection="office", session="nobody", start="", now=2_000_000.0)


async def test_a_child_that_fails_or_takes_too_long_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Busy, match="ozrules why"):
        await Explainer().week(_settings(tmp_path / "nowhere"), caller="", callee="1", now=0.0)
    monkeypatch.setattr(explaining, "WALL_SECONDS", 0.0)
    with pytest.raises(Busy, match="longer"):
        await Explainer().week(_settings(tmp_path), caller="", callee="1", now=0.0)


async def test_a_crowd_is_told_to_come_back(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "MOST_WAITING", 0)
    with pytest.raises(Busy, match="others are asking"):
        await Explainer().week(_settings(state), caller="", callee="1", now=0.0)
