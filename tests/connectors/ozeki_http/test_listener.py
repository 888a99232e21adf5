"""Notifications over a real socket: HTTP/1.0 form posts, and everything else that may knock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ozrules.connectors.ozeki_http.listener import NotificationListener
from ozrules.connectors.ozeki_http.notifications import MAX_BYTES, CallHint, OtherNews, RoutingQuestion
from ozrules.runtime import doorway
from ozrules.runtime.doorway import MOST
from ozrules.session.state import BUSY


class Heard:
    def __init__(self) -> None:
        self.port = 0
        self.thinks = 0.0
        self.hints: list[CallHint | OtherNews] = []
        self.questions: list[RoutingQuestion] = []
        self.complaints: list[tuple[str, str]] = []

    async def decide(self, question: RoutingQuestion) -> bytes:
        self.questions.append(question)
        await asyncio.sleep(self.thinks)
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
async def test_who_is_not_allowed_is_turned_away_before_a_word_is_said() -> None:
    async with listening("192.0.2.0/24", "2001:db8::/32") as heard:
        reader, writer = await asyncio.open_connection("127.0.0.1", heard.port)
        assert (await reader.read()).startswith(b"HTTP/1.1 403 ")
        writer.close()
    assert (heard.hints, heard.questions) == ([], [])
    assert heard.complaints == [("foreignNotification", "127.0.0.1")]


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"POST / HTTP/1.0\r\n",
        b"POST / HTTP/1.0\r\nX-Slow: ",
        b"POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\nNotifi",
    ],
)
async def test_who_does_not_finish_what_it_says_is_cut_off(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.2)
    async with listening() as heard:
        assert await _left_alone_with(heard.port, said) == b""
        assert await heard.post(b"NotificationName=CallChanged&CallId=a&CallState=Busy") == ("200", b"")
    assert heard.hints == [CallHint("a", BUSY)]


async def _left_alone_with(port: int, said: bytes) -> bytes:
    """What comes back where nothing more is said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.fault(26)
async def test_no_more_than_so_many_are_let_in_at_once() -> None:
    async with listening() as heard:
        held = [await asyncio.open_connection("127.0.0.1", heard.port) for _ in range(MOST)]
        assert (await _left_alone_with(heard.port, b"")).startswith(b"HTTP/1.1 503 ")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        assert await heard.post(b"NotificationName=CallChanged") == ("200", b"")
    assert heard.complaints == [("tooManyNotifications", "at once")]


async def test_a_question_that_is_thought_about_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "WITHIN", 0.05)
    async with listening() as heard:
        heard.thinks = 0.2
        assert (await heard.post(b"NotificationName=RoutingInterception&LastCallState=Calling"))[0] == "200"


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: <b>\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\nNotificationName=CallChanged",
    ],
)
async def test_what_others_get_wrong_is_counted_and_no_fault_of_ours(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as heard:
        reader, writer = await asyncio.open_connection("127.0.0.1", heard.port)
        writer.write(said)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
    assert answer == b"" or answer.split()[1] == b"400"
    assert b"<b>" not in answer
    assert [kind for kind, _ in heard.complaints] == ["notANotification"]
    assert heard.hints == []
    assert caplog.records == []


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
