"""`ozrules why` on a journal as the daemon writes it."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from ozrules.cli.main import main
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.settings.sources import read_source
from ozrules.store.journal import SqliteJournal
from tests.fakes.clock import StandingClock
from tests.fakes.effects import EVENT, observed, record
from tests.replay.recorded import text

OTHER = "{id: other, trigger: {state: Ringing}, conditions: {callee: 2099}, actions: [hangup]}"
DESK = "{id: desk, trigger: {state: OnHold}, actions: [hangup]}"


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "rules.yaml").write_text(text(OTHER, DESK), encoding="utf-8")
    path = tmp_path / "ozrules.yaml"
    path.write_text("ozrules: 1\nstate: state\nrules: [rules.yaml]\nconnections: [{name: office, type: simulator}]\n")
    journal = SqliteJournal(tmp_path / "state", StandingClock())
    created = msgspec.structs.replace(EVENT, kind="created")
    asyncio.run(journal.commit([observed(event=created)], []))
    journal.close()
    return str(path)


def test_every_rule_is_explained_with_the_place_in_the_file(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    session = observed().key
    assert main(["why", session.session_id, "--config", config]) == 0
    said = capsys.readouterr().out
    assert "other: " in said
    assert "desk: stateOther" in said
    assert "rules.yaml:" in said
    assert "smallest change" not in said
    assert f"ozrules why {session.session_id} RULE" in said
    assert main(["why", session.session_id, "other", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "smallest change of the call: callee 2099 instead of" in said
    assert "smallest change of the rule: " in said
    assert main(["why", f"{session.connection}/{session.session_id}", "desk", "--config", config]) == 0
    assert "other" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nobody"], ["branch/s1"], ["s1@1999"], ["s1", "no-such-rule"]])
def test_what_is_not_there_is_one(words: list[str], config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", *words, "--config", config]) == 1
    assert capsys.readouterr().err.startswith("ozrules why: ")


def test_where_nothing_was_recorded_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ozrules.yaml"
    path.write_text("ozrules: 1\nstate: state\nconnections: [{name: office, type: simulator}]\n")
    assert main(["why", "s1", "--config", str(path)]) == 1
    assert "there is no journal yet" in capsys.readouterr().err


def test_it_shows_what_the_conditions_read_and_which_way_was_taken(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = read_source(tmp_path / "rules.yaml")
    assert isinstance(source, Source)
    key = observed().key
    common: dict[str, object] = {"rule": "other", "decision_id": "D1", "revision": load([source]).revision}
    values = {"conditions.callee": "2099\x1b[2J", "conditions.source": None}
    moved = {"action": "forward", "args": {"to": "2010"}}
    said_then = {"time": "1970-01-12T13:46:40Z"} | common
    lines = [
        record(1, 1, reason="fired", failed=[], by=None, values=values, chosen=[]),
        record(2, 1, type_="chosen", at="r:1:1", branch="onFailure", values={}, actions=[moved]),
    ]
    lines = [structs.replace(each, body=each.body | said_then) for each in lines]
    journal = SqliteJournal(tmp_path / "state", StandingClock())
    asyncio.run(journal.commit([], lines))
    journal.close()
    assert main(["why", f"{key.connection}/{key.session_id}", "other", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "other: fired" in said
    assert "read conditions.callee: 2099" in said
    assert "read conditions.source: nothing" in said
    assert "chose onFailure: forward to 2010" in said
    assert "\x1b" not in said
