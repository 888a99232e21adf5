"""Notifications: any pairs in any spelling, and nothing that could hurt."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.ozeki_http.notifications import (
    MAX_BYTES,
    CallHint,
    NotANotification,
    OtherNews,
    RoutingQuestion,
    decode,
)
from ozrules.session.state import BUSY, IN_CALL, State


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        (b"NotificationName=CallChanged&CallId=uteom&CallState=Busy", CallHint("uteom", BUSY)),
        (b"notificationname=callchanged&CALLID=uteom&callstate=IN_CALL&Extra=1", CallHint("uteom", IN_CALL)),
        (b"CallState=Answered&CallId=%20a%20&NotificationName=CallChanged", CallHint("a", IN_CALL)),
        (b"NotificationName=CallChanged", CallHint(None, None)),
        (b"NotificationName=CallChanged&CallId=a&CallId=b", CallHint("a", None)),
        (b"NotificationName=CallChanged&CallId=a&State=Odd", CallHint("a", State("other:Odd"))),
        (b"NotificationName=RecordCompleted&RecordURL=x", OtherNews("RecordCompleted")),
        (
            b"NotificationName=RoutingInterception&CallerID=%2B36201234567&OriginalDialedNumber=2001"
            b"&LastDialedNumber=2002&LastCalledExtension=2003&LastCallState=NoAnswer&CallerExtension=Line1",
            RoutingQuestion(
                caller="+36201234567",
                original_dialed="2001",
                last_dialed="2002",
                last_called="2003",
                state="NoAnswer",
                caller_extension="Line1",
            ),
        ),
        (b"NotificationName=RoutingInterception", RoutingQuestion()),
    ],
)
def test_what_is_heard(body: bytes, heard: object) -> None:
    assert decode(body) == heard


ATTACKS = {
    "empty": b"",
    "no name": b"CallId=a",
    "empty name": b"NotificationName=&CallId=a",
    "json": b'{"NotificationName": "CallChanged"}',
    "many pairs": b"NotificationName=CallChanged" + b"&a=b" * 1000,
    "large": b"NotificationName=CallChanged&a=" + b"b" * MAX_BYTES,
    "binary": bytes(range(256)),
}


@pytest.mark.fault(26)
@pytest.mark.parametrize("body", ATTACKS.values(), ids=list(ATTACKS))
def test_what_is_no_notification(body: bytes) -> None:
    with pytest.raises(NotANotification) as caught:
        decode(body)
    assert str(caught.value).isascii()


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(max_size=12), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)).map(
        lambda pairs: urlencode(pairs | {"NotificationName": "CallChanged"}).encode()
    )
)
def test_whatever_comes_is_a_notification_or_none(body: bytes) -> None:
    with suppress(NotANotification):
        decode(body)
