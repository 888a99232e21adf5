"""Notices: counted always, logged once for each kind and detail, and never without end."""

from ozrules.engine.effects import Notice
from ozrules.runtime.notices import MOST, Notices
from ozrules.runtime.ports import Malformed
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
