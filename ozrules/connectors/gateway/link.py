"""One open WebSocket with a gateway: its frames become items, commands become requests and their answers receipts.

There is no task and no queue here. Whoever reads `items` reads the socket; who reads slowly makes websockets stop
reading from the network. A request whose answer did not come before the link ended, or in time, is Unanswered.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Final, Literal, Protocol, assert_never

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ozrules.connectors.gateway.conversation import Conversation, Unusable
from ozrules.connectors.gateway.requests import MovedParty, call_for
from ozrules.connectors.session_messages import Call, ErrorResponse, ListSessions, RequestId, Response
from ozrules.connectors.session_protocol import encode
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, Refused, Unanswered
from ozrules.runtime.ports import Clock, FromPhoneSystem, Malformed
from ozrules.session.session import Session

HELLO_WITHIN: Final = 10.0
LIST_WITHIN: Final = 2.0  # before it is asked for: a timer that falls due meanwhile must still be within its grace
LIST_AGAIN_WITHIN: Final = 10.0  # before it is asked for once more: a large office takes a while to list itself
MENDED_WITHIN: Final = 2.0  # the pause between two lists that are asked for because messages were lost
ANSWER_WITHIN: Final = 5.0
TOO_BIG: Final = 1009  # the WebSocket close code for a message that is larger than allowed


class Socket(Protocol):
    """What a link needs of a WebSocket; its methods raise ConnectionClosed once it has ended."""

    @property
    def state(self) -> State: ...

    async def recv(self, decode: Literal[False]) -> bytes: ...

    async def send(self, message: bytes, *, text: Literal[True]) -> None: ...

    async def close(self) -> None: ...


class Link:
    """A gateway on one socket, which was not open before ``since``.

    `why` says after the end of `items` why it ended.
    """

    def __init__(
        self,
        socket: Socket,
        *,
        connection: str,
        moved_party: MovedParty | None,
        clock: Clock,
        timezone: str,
        since: float,
    ) -> None:
        self.why = ""
        self._socket = socket
        self._connection = connection
        self._moved_party = moved_party
        self._clock = clock
        self._conversation = Conversation(connection, timezone, since=since)
        self._waiting: dict[int, asyncio.Future[Response | ErrorResponse]] = {}
        self._ids = itertools.count(1)
        self._awaited_part: int | None = None
        self._list_due = 0.0  # by the event loop's clock, as the two that follow
        self._mended = -MENDED_WITHIN
        self._mend_due: float | None = None

    @property
    def greeted(self) -> bool:
        """Whether the gateway has said hello."""
        return self._conversation.hello is not None

    async def items(self) -> AsyncGenerator[FromPhoneSystem, None]:
        """Everything the gateway says, until the link ends."""
        try:
            while True:
                await self._mend()
                frame = await self._next_frame()
                if frame is None:
                    if self._awaited_part is not None and self._list_due <= _now():
                        self._list_due = _now() + LIST_AGAIN_WITHIN
                        await self.request_list()
                    continue
                items, answer = self._conversation.hear(frame, self._clock.now())
                self._expect_list()
                if answer is not None and not self._answered(answer):
                    yield self._malformed("unexpectedAnswer", f"request {str(answer.id)[:20]!a}")
                for item in items:
                    yield item
        except (Unusable, TimeoutError) as error:
            self.why = str(error)
        except ConnectionClosed as closed:
            self.why = _why_closed(closed)
            if closed.sent is not None and closed.sent.code == TOO_BIG:
                yield self._malformed("oversize", self.why)
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.cancel()
            await self._socket.close()

    async def _next_frame(self) -> bytes | None:
        """The next frame; None where a list of sessions is overdue, or to be asked for."""
        if self._conversation.hello is None:
            try:
                async with asyncio.timeout(HELLO_WITHIN):
                    return await self._socket.recv(decode=False)
            except TimeoutError:
                raise TimeoutError(f"connected, but no gateway.hello within {HELLO_WITHIN:g} s") from None
        due = [] if self._awaited_part is None else [self._list_due]
        due += [] if self._mend_due is None else [self._mend_due]
        try:
            async with asyncio.timeout_at(min(due, default=None)):
                return await self._socket.recv(decode=False)
        except TimeoutError:
            return None

    async def _mend(self) -> None:
        """Asks for the list where a message was lost: at once, but not again and again."""
        if self._conversation.dropped:
            self._conversation.dropped = False
            self._mend_due = self._mend_due or max(_now(), self._mended + MENDED_WITHIN)
        if self._mend_due is not None and self._mend_due <= _now():
            self._mend_due, self._mended = None, _now()
            await self.request_list()

    def _expect_list(self) -> None:
        """The time for a list, or its next part, runs from when it became awaited. Other news does not extend it."""
        awaited = self._conversation.awaited_part
        if awaited != self._awaited_part:
            self._awaited_part = awaited
            self._list_due = _now() + LIST_WITHIN

    async def request_list(self) -> None:
        """Ask for all live sessions. Their list comes among the items."""
        hello = self._conversation.hello
        if hello is None or not hello.snapshot:
            return
        id = next(self._ids)
        self._conversation.asks(id, self._clock.now())
        try:
            await self._socket.send(encode(ListSessions(id)), text=True)
        except ConnectionClosed:
            return  # the end of the link is told by `items`, and the next link begins with a list

    async def execute(self, command: Command, session: Session) -> Accepted | Refused | Unanswered:
        """Call the method on the phone system, once."""
        conversation = self._conversation
        if conversation.hello is None or self._socket.state is not State.OPEN:
            return Refused("unavailable", "not connected")
        if conversation.away is not None:
            return Refused("unavailable", f"the gateway cannot reach the phone system: {conversation.away}")
        call = call_for(
            command,
            session,
            id=next(self._ids),
            moved_party=self._moved_party,
            privileges=conversation.hello.privileges,
        )
        if isinstance(call, Refused):
            return call
        return await self._asked(call, min(command.timeout, ANSWER_WITHIN))

    async def _asked(self, call: Call, within: float) -> Accepted | Refused | Unanswered:
        assert isinstance(call.id, int)
        waiting = self._waiting[call.id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._socket.send(encode(call), text=True)
                await asyncio.wait([waiting])
        except TimeoutError:
            return Unanswered(f"no answer within {within:g} s")
        except ConnectionClosed as closed:
            return Unanswered(f"the connection ended while this was sent: {_why_closed(closed)}")
        finally:
            del self._waiting[call.id]
        if waiting.cancelled():
            return Unanswered("the connection ended before an answer came")
        match waiting.result():
            case Response():
                return Accepted()
            case ErrorResponse(kind=kind, message=message):
                if kind is None:
                    return Unanswered(f"the gateway met an error, and does not say whether it was done: {message}")
                return Refused(kind, message, handed_over=True)
            case answer:
                assert_never(answer)

    def _answered(self, answer: Response | ErrorResponse) -> bool:
        """Whether this was asked for; a list is wanted whenever it comes."""
        id = _own(answer.id)
        if isinstance(answer, Response) and (answer.listed is not None or self._conversation.was_asked(id)):
            return True
        waiting = self._waiting.get(id)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(answer)
        return True

    def _malformed(self, kind: str, sample: str) -> Malformed:
        return Malformed(at=self._clock.now(), connection=self._connection, kind=kind, sample=sample)


def _own(id: RequestId) -> int:
    """The number of our request; some gateways give it back as a text. -1: it cannot be one of ours."""
    if isinstance(id, str):
        return int(id) if id.isascii() and id.isdecimal() and len(id) < 10 else -1
    return id


def _now() -> float:
    return asyncio.get_running_loop().time()


def _why_closed(closed: ConnectionClosed) -> str:
    """One line: who ended the link, with what code and reason."""
    if closed.rcvd is not None and closed.rcvd_then_sent is not False:
        reason = closed.rcvd.reason.encode("unicode_escape").decode("ascii")
        return f"the gateway closed the connection ({closed.rcvd.code}{' ' + reason if reason else ''})"
    if closed.sent is not None:
        return f"the connection was closed ({closed.sent.code} {closed.sent.reason})"
    return "the connection was lost"
