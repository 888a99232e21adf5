"""Test files: what is read, and what is refused with its place."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.rules.document import Source
from ozrules.scenario.model import Daemon, Happens
from ozrules.scenario.reading import CONNECTION, read, schema
from tests.scenario.playing import HEAD, RINGS, file_of, scenario_of


def test_a_scenario_is_read() -> None:
    scenario = scenario_of(
        f"""    timeline:
{RINGS}
      - {{at: 1m30s, session: s1, callee: 2005, result: {{action: forward, outcome: unavailable}}}}
      - {{at: 2m, daemon: down}}
      - {{at: 3m, daemon: up}}
    expect: []
    never: [hangup, hunt, webhook]
    whyNot:
      - {{rule: one, reason: throttled}}
      - {{rule: two, reason: guard, session: s1}}
    until: 1h
"""
    )
    assert scenario.name == "one"
    assert scenario.start == 1795424400.0
    assert scenario.until == 3600.0
    (participant,) = scenario.sessions
    assert participant.values == {"caller": "+36201234567", "callee": "2001", "direction": "inbound"}
    assert participant.connection == CONNECTION
    ringing, moved, down, up = scenario.timeline
    assert isinstance(ringing, Happens)
    assert (ringing.at, ringing.session, ringing.state) == (0.0, "s1", "Ringing")
    assert isinstance(moved, Happens)
    assert (moved.at, moved.state, moved.values) == (90.0, None, {"callee": "2005"})
    assert isinstance(down, Daemon)
    assert isinstance(up, Daemon)
    assert (down.up, up.up) == (False, True)
    (script,) = scenario.script
    assert (script.at, script.action, script.outcome, script.session) == (90.0, "forward", "unavailable", "s1")
    assert scenario.expect == ()
    assert [never.action for never in scenario.never] == ["hangup", "hunt", "webhook"]
    assert [(why.rule, why.reason, why.session) for why in scenario.why_not] == [
        ("one", "throttled", None),
        ("two", "guard", "s1"),
    ]


def findings(body: str) -> list[str]:
    with pytest.raises(DocumentInvalid) as caught:
        scenario_of(body)
    return [f"{each.place.line}:{each.place.column} {each.code}" for each in caught.value.diagnostics]


RINGING = f"    timeline:\n{RINGS}\n"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (RINGING, "4:11 vacuous-test"),  # asks for nothing
        ("    expect: []\n", "7:21 vacuous-test"),  # a session to which nothing happens
        (f"{RINGING}      - {{at: 1s, session: s2, state: InCall}}\n    expect: []\n", "10:27 unknown-session"),
        (f"{RINGING}    expect:\n      - {{action: hold, session: s3}}\n", "11:9 unknown-session"),
        (f"{RINGING}    never: [hangUp]\n", "10:13 unknown-action"),
        (f"{RINGING}    never: [fly]\n", "10:13 unknown-action"),
        (f"{RINGING}    whyNot: {{rule: r, reason: weather}}\n", "10:31 unknown-value"),
        (f"{RINGING}      - {{at: 1s, session: s1, state: Ringin}}\n    expect: []\n", "10:38 unknown-state"),
        (f"{RINGING}      - {{at: 1s, session: s1, state: held}}\n    expect: []\n", "10:38 bad-state"),
        (f"{RINGING}      - {{at: 1s, state: InCall}}\n    expect: []\n", "10:9 missing-key"),
        (f"{RINGING}      - {{at: 1s, session: s1}}\n    expect: []\n", "10:9 empty-entry"),
        (f"{RINGING}      - {{at: 1s, daemon: up}}\n    expect: []\n", "10:9 bad-entry"),
        (f"{RINGING}      - {{at: 1, daemon: down}}\n    expect: []\n", "10:14 bad-duration"),
        (
            RINGING.replace("0s", "5s") + "      - {at: 4s, session: s1, state: OnHold}\n    expect: []\n",
            "10:27 out-of-order",
        ),
        ("    timeline:\n      - {at: 0s, session: s1, callee: 2001}\n    expect: []\n", "9:27 missing-key"),
        (f"{RINGING}    expectt: []\n", "10:5 unknown-key"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(body: str, found: str) -> None:
    assert found in findings(body)


def test_a_start_without_its_distance_from_utc_is_refused() -> None:
    for start in ("2026-11-23T10:00:00", "tomorrow", "10:00"):
        with pytest.raises(DocumentInvalid, match="bad-time"):
            file_of(f"  - name: one{HEAD}{RINGING}    expect: []\n".replace("2026-11-23T10:00:00+01:00", start))


def test_a_session_stands_once() -> None:
    head = HEAD + "      - {sessionId: s1}\n"
    with pytest.raises(DocumentInvalid, match="two sessions s1"):
        file_of(f"  - name: one{head}{RINGING}    expect: []\n")


def test_nothing_at_all_happens() -> None:
    with pytest.raises(DocumentInvalid, match="Nothing happens in this test"):
        file_of("  - name: one\n    start: 2026-11-23T10:00:00+01:00\n    expect: []\n")


@pytest.mark.parametrize(
    "text", ["", "[]", "ozrulesTest: 2\nrules: [a]\ntests: []", "ozrulesTest: 1\nrules: []\ntests: []", "ozrules: 1"]
)
def test_what_is_no_test_file_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        read(Source("x.test.yaml", text.encode()))


def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    example = Path(__file__).parents[1] / "scenarios" / "rules.example.test.yaml"
    # times are texts to us, whatever YAML would make of them
    document = yaml.load(example.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506  builds texts only
    assert [error.message for error in validator.iter_errors(document)] == []
    document["tests"][0]["expected"] = []
    assert not validator.is_valid(document)


def test_a_rule_file_is_named_as_what_it_is() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read(Source("office.rules.yaml", b"ozrules: 1\nrules: []\nlists: {}\n"))
    (only,) = refused.value.diagnostics
    assert only.code == "wrong-type"
    assert "not a rule file" in only.message
