"""Notifications over a real socket: HTTP/1.0 form posts, and everything else that may knock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ozrules.connectors.ozeki_http.listener import NotificationListener
from ozrules.connectors.ozeki_http.notifications import MAX_BYTES, CallHint, OtherNews, RoutingQuestion
from ozrules.session.state import BUSY


class Heard:
    def __init__(self) -> None:
        self.port = 0
        self.hints: list[CallHint | OtherNews] = []
        self.questions: list[RoutingQuestion] = []
        self.complaints: list[tuple[str, str]] = []

    async def decide(self, question: RoutingQuestion) -> bytes:
        self.questions.append(question)
        return b'<Response><Route Destination="2010"/></Response>'

    async def post(self, body: bytes, *, method: str = "POST", path: str = "/") -> tuple[str, bytes]:
        """As the vendor's sample posts: HTTP/1.0, and its headers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"{method} {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Cache-Control: no-store,no-cache\r\nPragma: no-cache\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        head_back, _, body_back = answer.partition(b"\r\n\r\n")
        return head_back.split(b" ")[1].decode(), body_back


@asynccontextmanager
async def listening(*allow: str, host: str = "127.0.0.1") -> AsyncIterator[Heard]:
    heard = Heard()
    listener = NotificationListener(
        host,
        0,
        allow=allow or ("127.0.0.1/32",),
        hear=heard.hints.append,
        decide=heard.decide,
        complain=lambda kind, sample: heard.complaints.append((kind, sample)),
    )
    async with listener:
        heard.port = listener.port
        yield heard


@pytest.mark.parametrize("path", ["/", "/ozeki/calls.aspx?x=1"])
async def test_a_change_is_heard_at_any_path_and_answered_with_nothing(path: str) -> None:
    async with listening() as heard:
        answer = await heard.post(b"NotificationName=CallChanged&CallId=uteom&CallState=Busy", path=path)
    assert answer == ("200", b"")
    assert heard.hints == [CallHint("uteom", BUSY)]


async def test_another_notification_is_heard_too() -> None:
    async with listening() as heard:
        assert await heard.post(b"NotificationName=RecordCompleted") == ("200", b"")
    assert heard.hints == [OtherNews("RecordCompleted")]


async def test_a_question_is_answered_with_what_is_decided() -> None:
    async with listening() as heard:
        status, body = await heard.post(b"NotificationName=RoutingInterception&CallerID=1000&LastCallState=Calling")
    assert (status, body) == ("200", b'<Response><Route Destination="2010"/></Response>')
    assert heard.questions == [RoutingQuestion(caller="1000", state="Calling")]
    assert heard.hints == []


@pytest.mark.fault(26)
async def test_who_is_not_allowed_is_not_heard() -> None:
    async with listening("192.0.2.0/24", "2001:db8::/32") as heard:
        status, _ = await heard.post(b"NotificationName=CallChanged&CallId=uteom&CallState=Busy")
    assert status == "403"
    assert (heard.hints, heard.questions) == ([], [])
    assert heard.complaints == [("foreignNotification", "127.0.0.1")]


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("GET", b"", "405"),
        ("PUT", b"NotificationName=CallChanged", "405"),
        ("POST", b"", "400"),
        ("POST", b"CallId=a", "400"),
        ("POST", b"NotificationName=CallChanged&a=" + b"b" * MAX_BYTES, "413"),
    ],
)
async def test_what_is_no_notification_is_refused(method: str, body: bytes, status: str) -> None:
    async with listening() as heard:
        assert (await heard.post(body, method=method))[0] == status
    assert (heard.hints, heard.questions) == ([], [])


async def test_an_address_in_the_dress_of_the_new_protocol_is_the_same_address() -> None:
    try:
        async with listening(host="::") as heard:
            assert (await heard.post(b"NotificationName=CallChanged"))[0] == "200"
    except OSError:
        pytest.skip("there is no IPv6 here")
    assert len(heard.hints) == 1


async def test_an_address_that_is_taken_is_an_error() -> None:
    async with listening() as heard:
        second = NotificationListener(
            "127.0.0.1",
            heard.port,
            allow=(),
            hear=heard.hints.append,
            decide=heard.decide,
            complain=lambda kind, sample: None,
        )
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
