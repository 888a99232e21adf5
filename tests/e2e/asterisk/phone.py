"""A small SIP phone for tests: calls, rings, answers, refuses, holds, transfers, hangs up, and says what happened.

UDP on loopback, G.711, no registration. It follows what a test tells it to do and nothing else.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Final, Literal, cast

from tests.e2e.asterisk.sound import Sound

State = Literal["calling", "ringing", "answered", "failed", "cancelled", "refused", "ended"]
WITHIN: Final = 15.0
_OVER: Final[tuple[State, ...]] = ("failed", "cancelled", "refused", "ended")
_REASONS: Final = {
    180: "Ringing",
    200: "OK",
    404: "Not Found",
    486: "Busy Here",
    487: "Request Terminated",
    603: "Decline",
}
_SHORT: Final = {"i": "call-id", "f": "from", "t": "to", "v": "via", "m": "contact", "l": "content-length"}


class Message:
    """A SIP message."""

    def __init__(self, data: bytes) -> None:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.body = body
        self.fields: list[tuple[str, str]] = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.fields.append((_SHORT.get(name, name), value.strip()))
        words = self.first.split()
        self.status = int(words[1]) if self.first.startswith("SIP/2.0") else 0
        self.method = self.get("cseq").split()[1] if self.status else words[0]
        self.sequence = int(self.get("cseq").split()[0])

    def get(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


def _tag(value: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", value)
    return found[1] if found else ""


def _uri(value: str) -> str:
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0]


class PhoneCall:
    """One call of a phone."""

    def __init__(self, phone: "Phone", call_id: str, local: str, remote: str, tone: int | None = None) -> None:
        self.phone = phone
        self.call_id = call_id
        self.states: list[State] = []
        self.status = 0
        self.sound = Sound(tone or phone.tone)
        self.invite: Message | None = None
        self._local, self._remote, self._target = local, remote, remote
        self._local_tag, self._remote_tag = f"{random.getrandbits(32):08x}", ""
        self._sequence = random.randrange(1, 500)
        self._branch = ""
        self._direction = "sendrecv"
        self._version = 1
        self._doing: set[asyncio.Future[None]] = set()
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._changed = asyncio.Event()

    @property
    def state(self) -> State | None:
        return self.states[-1] if self.states else None

    async def until(self, *states: State) -> State:
        """Waits until the call has come to one of these states."""
        async with asyncio.timeout(WITHIN):
            while not (reached := [state for state in self.states if state in states]):
                self._changed.clear()
                await self._changed.wait()
        return reached[0]

    async def hears(self, yes: int, no: int) -> bool:
        """Whether one tone comes to be heard, and the other not, soon."""
        async with asyncio.timeout(WITHIN):
            return await self.sound.comes_to(yes, no)

    # -- what a test does with it

    def ring(self) -> None:
        self._respond(self._invited(), 180)
        self.enter("ringing")

    async def answer(self) -> None:
        await self._open_sound()
        self._take(self._invited())
        self._respond(self._invited(), 200, self._description())
        self.enter("answered")

    def refuse(self, status: int) -> None:
        self._respond(self._invited(), status)
        self.enter("refused")

    def cancel(self) -> None:
        self._request("CANCEL", sequence=self._sequence, branch=self._branch, to_tag="")

    def when_free(self, doing: Coroutine[None, None, None]) -> None:
        """Does this as soon as the loop is free, and sees it to its end."""
        task = asyncio.ensure_future(doing)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def hang_up(self) -> None:
        await self._asked("BYE")
        self.enter("ended")

    async def finish(self) -> None:
        """Ends a call of ours in whatever state it is, answered or not: that may change at any moment."""
        if self.state != "answered":
            self.cancel()
            await self.until("answered", "failed", "ended")
        if self.state == "answered":
            await self.hang_up()

    async def press(self, keys: str) -> None:
        """Presses keys, as on the phone's keypad."""
        async with asyncio.timeout(WITHIN):
            await self.sound.press(keys)

    async def hold(self, on: bool) -> None:
        self._direction = "sendonly" if on else "sendrecv"
        self._version += 1
        await self._asked("INVITE", body=self._description())

    async def refer(self, number: str, instead_of: "PhoneCall | None" = None) -> int:
        """Transfers the other party to this number, or into another call of the same phone, in its place."""
        host, port = self.phone.server
        into = "" if instead_of is None else f"?Replaces={instead_of.as_replaced()}"
        to = f"Refer-To: <sip:{number}@{host}:{port}{into}>\r\nReferred-By: <{self._local}>\r\n"
        return await self._asked("REFER", to)

    def as_replaced(self) -> str:
        """This dialogue as the phone system knows it, for a Replaces in an address (RFC 3891)."""
        return f"{self.call_id}%3Bto-tag%3D{self._remote_tag}%3Bfrom-tag%3D{self._local_tag}".replace("@", "%40")

    # -- the protocol

    def enter(self, state: State) -> None:
        if not self.states or self.states[-1] not in _OVER:
            self.states.append(state)
        if state in _OVER:
            self.sound.close()  # or it would be heard in whatever call is given the same port next
        self._changed.set()

    async def start(self) -> None:
        await self._open_sound()
        self.enter("calling")
        self._sequence += 1
        self._branch = self._request("INVITE", body=self._description(), sequence=self._sequence)

    def requested(self, message: Message) -> None:
        match message.method:
            case "INVITE" if self.invite is None:
                self.invite = message
                self._remote_tag = _tag(message.get("from"))
                self._target = _uri(message.get("contact"))
            case "INVITE":
                self._take(message)
                self._respond(message, 200, self._description())
            case "CANCEL":
                self._respond(message, 200)
                if self.state in (None, "ringing"):
                    self._respond(self._invited(), 487)
                    self.enter("cancelled")
            case "BYE":
                self._respond(message, 200)
                self.enter("ended")
            case "ACK":
                pass
            case _:
                self._respond(message, 200)

    def responded(self, message: Message) -> None:
        if message.method == "INVITE":
            self._invite_answered(message)
        waiting = self._answers.get(message.sequence)
        if waiting is not None and not waiting.done() and message.status >= 200 and message.method != "CANCEL":
            waiting.set_result(message.status)

    def close(self) -> None:
        self.sound.close()

    def _invite_answered(self, message: Message) -> None:
        if message.status == 180 and self.state == "calling":
            self.enter("ringing")
        if message.status < 200:
            return
        self._remote_tag = _tag(message.get("to"))
        if message.status < 300:
            self._target = _uri(message.get("contact")) or self._target
            self._take(message)
            self._request("ACK", sequence=message.sequence)
            if self.state in ("calling", "ringing"):
                self.enter("answered")
        else:
            self._request("ACK", sequence=message.sequence, branch=self._branch)
            self.status = message.status
            self.enter("failed")

    def _invited(self) -> Message:
        assert self.invite is not None
        return self.invite

    async def _open_sound(self) -> None:
        if not self.sound.port:
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: self.sound, local_addr=(self.phone.host, 0))

    def _take(self, message: Message) -> None:
        host = re.search(r"^c=IN IP4 (\S+)", message.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", message.body, re.MULTILINE)
        if host and port:
            self.sound.remote = (host[1], int(port[1]))

    def _description(self) -> str:
        return (
            f"v=0\r\no=- 1 {self._version} IN IP4 {self.phone.host}\r\ns=-\r\nc=IN IP4 {self.phone.host}\r\nt=0 0\r\n"
            f"m=audio {self.sound.port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
            f"a=fmtp:101 0-16\r\na=ptime:20\r\na={self._direction}\r\n"
        )

    async def _asked(self, method: str, extra: str = "", body: str = "") -> int:
        self._sequence += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[self._sequence] = answer
        self._request(method, extra, body, sequence=self._sequence)
        async with asyncio.timeout(WITHIN):
            return await answer

    def _request(
        self,
        method: str,
        extra: str = "",
        body: str = "",
        *,
        sequence: int,
        branch: str = "",
        to_tag: str | None = None,
    ) -> str:
        branch = branch or f"z9hG4bK{random.getrandbits(48):012x}"
        tag = self._remote_tag if to_tag is None else to_tag
        host, port = self.phone.host, self.phone.port
        self.phone.send(
            f"{method} {self._target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};rport;branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <{self._local}>;tag={self._local_tag}\r\n"
            f"To: <{self._remote}>{';tag=' + tag if tag else ''}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {sequence} {method}\r\nContact: <sip:{self.phone.number}@{host}:{port}>\r\n{extra}"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return branch

    def _respond(self, message: Message, status: int, body: str = "") -> None:
        to = message.get("to")
        if not _tag(to):
            to += f";tag={self._local_tag}"
        vias = "".join(f"Via: {via}\r\n" for via in message.all("via"))
        routes = "".join(f"Record-Route: {route}\r\n" for route in message.all("record-route"))
        self.phone.answer(
            message,
            f"SIP/2.0 {status} {_REASONS.get(status, 'No')}\r\n{vias}{routes}"
            f"From: {message.get('from')}\r\nTo: {to}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {message.get('cseq')}\r\n"
            f"Contact: <sip:{self.phone.number}@{self.phone.host}:{self.phone.port}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}",
        )


class Phone(asyncio.DatagramProtocol):
    """A phone on its own port. ``on_call`` is what it does with a call that comes; it rings, where nothing is said."""

    def __init__(self, number: str, port: int, server: tuple[str, int], tone: int, host: str) -> None:
        self.number, self.port, self.server, self.tone, self.host = number, port, server, tone, host
        self.calls: list[PhoneCall] = []
        self.on_call: Callable[[PhoneCall], None] = PhoneCall.ring
        self._answered: dict[tuple[str, str], bytes] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._came = asyncio.Event()

    async def call(self, number: str, caller: str | None = None, tone: int | None = None) -> PhoneCall:
        """Calls a number, as somebody else where a caller is given, and with another voice where a tone is."""
        host, port = self.server
        local = f"sip:{caller or self.number}@{self.host}"
        call = PhoneCall(self, f"{random.getrandbits(64):016x}@test", local, f"sip:{number}@{host}:{port}", tone)
        self.calls.append(call)
        await call.start()
        return call

    async def incoming(self, count: int = 1) -> PhoneCall:
        """The newest call, as soon as so many have been."""
        async with asyncio.timeout(WITHIN):
            while len(self.calls) < count:
                self._came.clear()
                await self._came.wait()
        return self.calls[-1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 20:
            return
        message = Message(data)
        call = next((one for one in self.calls if one.call_id == message.get("call-id")), None)
        if message.status:
            if call is not None:
                call.responded(message)
            return
        again = self._answered.get((message.get("call-id"), message.get("cseq")))
        if again is not None and message.method != "ACK":
            self._write(again)
        elif call is not None:
            call.requested(message)
        elif message.method == "INVITE":
            call = PhoneCall(self, message.get("call-id"), _uri(message.get("to")), _uri(message.get("from")))
            self.calls.append(call)
            call.requested(message)
            self.on_call(call)
            self._came.set()

    def send(self, text: str) -> None:
        self._write(text.encode())

    def answer(self, message: Message, text: str) -> None:
        self._answered[message.get("call-id"), message.get("cseq")] = text.encode()
        self._write(text.encode())

    def close(self) -> None:
        for call in self.calls:
            call.close()
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(data, self.server)


@asynccontextmanager
async def plugged(
    number: str, port: int, server: tuple[str, int], tone: int, host: str = "127.0.0.1"
) -> AsyncIterator[Phone]:
    """A phone while it is plugged in."""
    phone = Phone(number, port, server, tone, host)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: phone, local_addr=(host, port))
    try:
        yield phone
    finally:
        phone.close()
        await asyncio.sleep(0)  # the loop closes the sockets at its next turn
