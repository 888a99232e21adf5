"""The record in sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.logs.sentences import sentence

TIME = "2026-11-23T10:00:20.004+01:00"
_ANY = st.none() | st.text() | st.integers() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {
                "type": "decision",
                "connection": "office",
                "sessionId": "s1",
                "rule": "sales-no-answer",
                "reason": "fired",
                "actions": [{"action": "forward", "args": {"to": "2010"}}],
                "session": {"caller": "+36201234567", "callee": "2001"},
                "event": {"state": "Ringing", "from": None},
            },
            "office/s1 sales-no-answer fired: forward to 2010  +36201234567 → 2001  Ringing",
        ),
        (
            {
                "type": "decision",
                "rule": "vip",
                "reason": "conditionFalse",
                "failed": [{"path": "conditions.caller", "wanted": "+361*", "actual": None}],
                "certainty": "degraded",
                "mode": "observe",
            },
            "vip condition false: conditions.caller wants +361*, is absent (degraded) (observe: nothing is sent)",
        ),
        (
            {
                "type": "decision",
                "rule": "boss",
                "reason": "fired",
                "actions": [{"action": "forward", "args": {"to": "2002"}}],
                "session": {"caller": "2005", "callee": "2001"},
                "event": {"kind": "routing", "state": "Setup", "from": "NotAnswered", "routing": "NoAnswer"},
            },
            "boss fired: forward to 2002  2005 → 2001  asked where it goes: no answer",
        ),
        ({"type": "decision", "rule": "a", "reason": "outrankedBy", "by": "b"}, "a outranked by b"),
        (
            {"type": "outcome", "rule": "a", "action": "forward", "outcome": "confirmed", "after_ms": 410},
            "a forward confirmed after 410 ms",
        ),
        (
            {"type": "outcome", "rule": "a", "action": "hold", "outcome": "rejected", "error": "no privilege"},
            "a hold rejected: no privilege",
        ),
        ({"type": "gap", "connection": "office", "reason": "link"}, "office changes may have been missed: link"),
        ({"type": "connection", "connection": "office", "ready": True}, "office ready"),
        (
            {"type": "connection", "connection": "office", "ready": True, "detail": "PJSIP/1001, " * 50},
            f"office ready  {('PJSIP/1001, ' * 50).rstrip()}",
        ),
        ({"type": "reload", "ok": True, "rules": 12}, "12 rules hold from now on"),
        ({"type": "reload", "ok": True, "rules": 1}, "1 rule holds from now on"),
        ({"type": "reload", "ok": False, "errors": ["a:1:1 x"]}, "the rules were refused, the old ones stay: a:1:1 x"),
        (
            {"type": "control", "command": "pause", "args": {"rule": "a"}, "ok": False, "error": "unknown rule"},
            "pause rule a  refused: unknown rule",
        ),
        ({"type": "log", "rule": "a", "text": "hello\nworld"}, "a: hello\\u000aworld"),
    ],
)
def test_each_type_is_said(body: dict[str, object], said: str) -> None:
    assert sentence({"time": TIME, **body}) == f"10:00:20.004 {said}"


@given(
    st.dictionaries(
        st.sampled_from(["type", "time", "actions", "failed", "session", "event", "args", "errors", "rule", "reason"]),
        _ANY | st.sampled_from(["decision", "outcome", "reload", "control", "event"]),
    )
)
def test_any_body_becomes_one_line(body: dict[str, object]) -> None:
    assert len(sentence(body).splitlines()) <= 1


def test_colour_is_only_around_our_own_words() -> None:
    assert "\x1b[32m" in sentence({"type": "decision", "reason": "fired"}, colour=True)
    assert "\x1b" not in sentence({"type": "decision", "rule": "\x1b[2J"})
