"""The judge of the tests of this folder, judged: without an Asterisk, on a small history made by hand."""

import json

import pytest

from ozrules.engine.events import Gap, SessionSeen, SessionsListed
from ozrules.runtime.ports import FromPhoneSystem
from ozrules.session.session import Session
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL, RINGING, State
from tests.e2e.asterisk.judged import judge, judge_record
from tests.oracle.small import Script, named

HAPPENED = Script().talk(0).gone(5, "1001", "1002").history()


def session(state: State) -> Session:
    return Session(
        session_id="s1", session_state=state, caller_call_leg_id=named("1001"), callee_call_leg_id=named("1002")
    )


def seen(at: float, state: State) -> SessionSeen:
    what = session(state)
    if state == CALLER_HUNG_UP:
        return SessionSeen(at=99.0, connection="open", kind="closed", session=what, reported_at=at)
    return SessionSeen(at=99.0, connection="open", kind="stateChanged", session=what, reported_at=at)


RIGHT: list[FromPhoneSystem] = [seen(0, RINGING), seen(1, IN_CALL), seen(5, CALLER_HUNG_UP)]


def test_a_connector_that_tells_what_happened_passes() -> None:
    judge(HAPPENED, RIGHT)


@pytest.mark.parametrize("items", [RIGHT[:2], [RIGHT[0], RIGHT[2]], []])
def test_a_connector_that_tells_something_else_does_not(items: list[FromPhoneSystem]) -> None:
    with pytest.raises(AssertionError, match=r"one (ringing )?session|ends with its called leg"):
        judge(HAPPENED, items)


def test_after_a_lost_connection_or_a_stop_nothing_is_judged() -> None:
    judge(HAPPENED, [*RIGHT[:2], Gap(at=99.0, connection="open", why="lost")])
    judge(HAPPENED, RIGHT[:2], until=4.0)


def test_what_became_so_by_waiting_counts_from_the_moment_in_which_it_was_told() -> None:
    waited = SessionSeen(at=5.1, connection="open", kind="closed", session=session(CALLER_HUNG_UP))
    judge(HAPPENED, [*RIGHT[:2], waited])


def test_what_a_later_list_lacks_has_ended() -> None:
    empty = SessionsListed(at=99.0, connection="open", sessions=())
    with pytest.raises(AssertionError, match="two who talk are one session"):
        judge(HAPPENED, [*RIGHT[:2], empty, RIGHT[2]])


def test_an_oracle_that_heard_nothing_is_no_judge() -> None:
    with pytest.raises(AssertionError, match="heard nothing"):
        judge(Script().history(), RIGHT)


def recorded(*states: tuple[str, str]) -> str:
    legs = {"callerCallLegId": named("1001"), "calleeCallLegId": named("1002")}
    return "\n".join(
        json.dumps(
            {
                "at": f"1970-01-01T00:00:0{second}.000Z",
                "event": "closed" if state == "CallerHungUp" else "stateChanged",
                "session": {"sessionId": "s1", "sessionState": state, **legs},
            }
        )
        for second, state in states
    )


def test_a_record_is_judged_as_a_connector_is() -> None:
    judge_record(HAPPENED, recorded(("0", "Ringing"), ("1", "InCall"), ("5", "CallerHungUp")), 6.0)
    judge_record(HAPPENED, recorded(("0", "Ringing"), ("1", "InCall")), 4.0)
    with pytest.raises(AssertionError, match="ends with its called leg"):
        judge_record(HAPPENED, recorded(("0", "Ringing"), ("1", "InCall")), 6.0)
    with pytest.raises(AssertionError, match="recorded nothing"):
        judge_record(HAPPENED, "", 6.0)
