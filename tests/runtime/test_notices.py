"""Notices: counted always, logged once for each kind and detail, and never without end."""

from ozrules.engine.effects import Notice
from ozrules.runtime.notices import MOST, Notices
from ozrules.runtime.ports import Malformed
from ozrules.session.session import session_from
from tests.fakes.phone import QuietLog


def test_the_same_thing_is_logged_once() -> None:
    log = QuietLog()
    notices = Notices(log)
    for _ in range(9):
        notices.take(Notice(kind="duplicate", connection="office", detail="created"))
        notices.take(Malformed(at=0.0, connection="office", kind="notJson", sample="{"))
    notices.take(Notice(kind="duplicate", connection="office", detail="closed"))
    assert notices.counts == {"duplicate": 10, "notJson": 9}
    assert len(log.said) == 3


def test_a_phone_system_cannot_fill_the_log() -> None:
    log = QuietLog()
    notices = Notices(log)
    for number in range(3 * MOST):
        notices.take(Notice(kind="unknownState", connection="office", detail=f"other:{number}"))
    assert notices.counts["unknownState"] == 3 * MOST
    assert len(log.said) == MOST


def test_a_time_that_cannot_be_read_is_said_once_with_its_text() -> None:
    log = QuietLog()
    notices = Notices(log)
    told = {
        "sessionId": "s1",
        "sessionState": "InCall",
        "stateDuration": "0:07",
        "talkDuration": "/Date(1795424400000)/",
    }
    for number in range(5):
        odd = {"startTime": f"03/04/2026 10:00:0{number}\x1b[2J", "stateDuration": "eine Minute"}
        notices.look_at_times("office", session_from(told | odd))
        notices.look_at_times("office", session_from(told | {"startTime": "23.11.2026 10:00:00"}))
    notices.look_at_times("branch", session_from(told | {"startTime": "soon"}))
    assert notices.counts == {"unreadableTime": 11}
    said = [str(each) for each in log.said]
    assert len(said) == 3
    assert "03/04/2026 10:00:00" in said[0]
    assert "eine Minute" in said[1]
    assert "\x1b" not in said[0]
