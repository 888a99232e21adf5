"""The phone system and its gateway: calls go on whoever watches, requests are carried out, refused, or spoilt.

The calls are those of the project's own simulated phone system, which is not under test here; what is said about them
passes the real codec. Each seed is another phone system: `Manner` is what may differ from one to the next.
It is one long file because calls, lists, announcements and requests meet in the same gateway.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args

import msgspec
from msgspec.structs import replace

from ozrules.connectors.session_messages import (
    Call,
    ConnectionNews,
    ErrorResponse,
    FromGateway,
    Hello,
    ListSessions,
    RequestId,
    SessionNews,
    SnapshotPart,
)
from ozrules.connectors.session_messages import Response as Answer
from ozrules.connectors.session_protocol import decode_request, encode
from ozrules.connectors.simulator import Behaviour, PhoneSystem, Switchboard
from ozrules.connectors.simulator.callers import CallPlan
from ozrules.connectors.simulator.office import Office, Phone
from ozrules.connectors.simulator.switchboard import Conduct, Done, Misdeed, Silent
from ozrules.engine.events import RefusalKind, Refused
from ozrules.session.session import Session
from ozrules.session.state import HELD, IN_CALL, KNOWN_STATES, RINGING, State
from tests.simulation.loop import SimLoop
from tests.simulation.machine import EPOCH, Machine
from tests.simulation.telling import Announces, Durations, Telling
from tests.simulation.truth import Asked, Truth
from tests.simulation.truth import Call as TrueCall
from tests.simulation.wire import Wire

OFFICE: Final = Office(
    {
        phone.number: phone
        for phone in (
            Phone("2000", "Reception", 4.0),
            Phone("2001", "Sales Anna", None),
            Phone("2002", "Sales Bela", 8.0),
            Phone("2003", "Sales Cecil", None),
            Phone("2004", "Support Dora", 9.0),
            Phone("2005", "Support Emil", 5.0),
            Phone("2006", "Accounts Flora", 4.0),
            Phone("2007", "Director", 6.0),
            Phone("2010", "Sales desk", None),
            Phone("2090", "Night desk", 3.0),
            Phone("2099", "Supervisor", 3.0),
            Phone("112", "Emergency", 6.0),
        )
    }
)
MISDEEDS: Final[tuple[Misdeed, ...]] = ("refuse", "silence", "close", "idle", "lie", "mute")


LACKING: Final[tuple[frozenset[State], ...]] = (
    frozenset(KNOWN_STATES),
    frozenset({IN_CALL}),
    frozenset({RINGING}),
    HELD,
)
"""States that a list may lack for a while."""
FILLS: Final = 6.0
"""Seconds in which a list may fill."""
WAITS: Final[tuple[tuple[float, float], ...]] = ((0.0, 0.05), (0.05, 0.3), (0.3, 5.0), (2.0, 5.0))
"""Seconds that a list may take to be drawn up, and then to be told."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How this phone system and its gateway do things, all within the protocol."""

    behaviour: Behaviour
    tells_starts: bool = True
    durations: Durations = "run"
    announces: Announces = "not"
    lists_fill: bool = False
    """For some seconds after a connect its lists lack sessions, and say that they are not complete."""
    tells_moments: bool = True
    """``at`` of a change, and of a list."""
    numbers_changes: bool = True
    """``seq`` of a change, and of a list."""
    list_parts: int = 1
    slow_lists: float = 0.4
    """The share of lists that are drawn up some time after the greeting, and told some time after that."""
    lists_when_asked: bool = False
    """It sends no list by itself."""
    ahead: float = 0.0
    """Seconds by which the phone system's clock is ahead of the true time."""


class _Phones(PhoneSystem):
    """Gives no id again within six seconds of its bearer's start: a start may differ by five each time that it is told.

    After a crash it gives the ids of the calls that were cut off first, so that only the epoch tells them apart.
    """

    def __init__(self, office: Office, behaviour: Behaviour, *, start: float, seed: int) -> None:
        super().__init__(office, behaviour, start=start, seed=seed)
        self.cut_off: tuple[str, ...] = ()
        self.again: set[str] = set()

    def restart(self, now: float) -> None:
        gone = tuple(self._live)
        super().restart(now)
        self.cut_off = gone
        self.again.clear()

    def _new_id(self) -> str:
        while self.cut_off:
            id, *rest = self.cut_off
            self.cut_off = tuple(rest)
            if id not in self.again:
                self.again.add(id)
                return id
        id = self._fresh_id()
        while id in self.again:
            id = self._fresh_id()
        return id

    def _fresh_id(self) -> str:
        if not self.behaviour.reuse_ids:
            return super()._new_id()
        given = self.__dict__.setdefault("given", {})
        for number in itertools.count(1):
            id = f"s{number}"
            if id not in self._live and given.get(id, 0.0) + 6.0 < self._now:
                given[id] = self._now
                return id
        raise AssertionError("numbers never end")


class Exchange:
    """One phone system behind one gateway. ``down``: nobody can connect."""

    def __init__(
        self, manner: Manner, loop: SimLoop, machine: Machine, chance: random.Random, happened: Counter[str]
    ) -> None:
        self.truth = Truth()
        self.wires: list[Wire] = []
        self.manner = manner
        self.down = False
        self.misdeeds = 0.0
        self.restless = 0.0
        """The share of changes that are told twice, or after the next one."""
        self.on_asked = _nothing
        self._loop = loop
        self._machine = machine
        self._chance = chance
        self._happened = happened
        self._phones = _Phones(OFFICE, manner.behaviour, start=self._clock(), seed=chance.randrange(1 << 30))
        self._board = Switchboard(self._phones, seed=0)
        self.listed_at = 0.0
        """When the last list was drawn up, or sent, by the loop's time."""
        self._poked = asyncio.Event()
        self._kept: list[bytes] = []
        self._listless: list[Wire] = []
        self._telling = Telling(manner.durations)
        self._unannounced: set[Wire] = set()
        self._filling: dict[Wire, frozenset[State]] = {}
        """Who is told lists that lack these states, for now."""
        self._calm = False
        self._owed: set[Wire] = set()
        """Who will be told a list that is not drawn up yet: it shows the changes that are told before it."""
        self._drawn: dict[Wire, list[SnapshotPart]] = {}
        """Lists that are drawn up already and not told yet: changes since then are told before them."""

    # --- calls ----------------------------------------------------------------------------------------------------

    def place(self, plan: CallPlan) -> None:
        """Somebody calls, now."""
        self._phones.place(plan, self._clock())
        self.poke()

    def _call_again(self, call: TrueCall) -> None:
        """Whoever is cut off calls again, sooner or later."""
        plan = CallPlan(
            caller=call.session.caller or "",
            caller_name=call.session.caller_display_name,
            callee=call.session.dialed_number or "",
            answers_after=self._chance.choice((4.0, 15.0, None)),
            gives_up_after=30.0,
            talk=self._chance.choice((5.0, 30.0)),
        )
        self._loop.call_later(self._chance.uniform(0.1, 5.0), self.place, plan)

    def poke(self) -> None:
        self._poked.set()

    async def run(self) -> None:
        """Lets the calls go on, for ever."""
        while True:
            self.advance()
            due = self._phones.next_due()
            alarm = None
            if due is not None:
                at = max(self._loop.time(), self._machine.loop_time(due - EPOCH - self.manner.ahead))
                alarm = self._loop.call_at(at, self._poked.set)
            await self._poked.wait()
            self._poked.clear()
            if alarm is not None:
                alarm.cancel()

    def advance(self) -> None:
        """What has happened by now is told to whoever is connected."""
        for news in self._phones.advance(self._clock()):
            self._note(news)
            self._tell(news)

    def _note(self, news: SessionNews) -> None:
        assert news.at is not None, "the simulated phone system tells the moment"
        if self.truth.note(news, self._phones.epoch, news.at - EPOCH - self.manner.ahead):
            self._happened["an id came back in the same epoch"] += 1

    def restart(self) -> None:
        """The phone system crashes and comes up again: calls and connections are gone, ids begin anew."""
        self.advance()
        for call in self.truth.alive.values():
            self._call_again(call)
        self.truth.all_gone(self._machine.true())
        self._phones.restart(self._clock())
        self._kept.clear()
        for wire in list(self.wires):
            wire.cut(1012)

    @property
    def quiet(self) -> bool:
        return not self.truth.alive

    def _clock(self) -> float:
        return EPOCH + self.manner.ahead + self._machine.true()

    # --- the gateway --------------------------------------------------------------------------------------------------

    def accept(self, wire: Wire, *, list_after: float) -> None:
        """A daemon has connected. The list follows the greeting; where it takes long the daemon may ask for it."""
        self.advance()
        self._flush()
        self.wires.append(wire)
        self._connects(wire)
        privileges = self.manner.behaviour.privileges
        hello = Hello(
            protocol=1,
            name="simulated",
            epoch=self._phones.epoch,
            privileges=frozenset(map(str, privileges)) if privileges is not None else None,
        )
        self._say(wire, hello)
        self._say(wire, ConnectionNews(state="ACCESS_GRANTED"))
        if self.manner.lists_when_asked:
            self._listless.append(wire)
        elif list_after:
            self._listless.append(wire)
            self._loop.call_later(list_after, self._send_late_list, wire)
        elif not self._calm and self._chance.random() < self.manner.slow_lists:
            self._owed.add(wire)
            self._loop.call_later(self._chance.uniform(*self._chance.choice(WAITS)), self._draw, wire)
        else:
            self._send_list(wire)

    def _connects(self, wire: Wire) -> None:
        """It comes to know its calls, sooner or later."""
        self._unannounced.add(wire)
        if self.manner.lists_fill and not self._calm and self._chance.random() < 0.6:
            self._filling[wire] = self._chance.choice(LACKING)
            self._loop.call_later(self._chance.uniform(0.1, FILLS), self._filled, wire)

    def _filled(self, wire: Wire) -> None:
        """Its lists are complete now; it gives one unasked."""
        if self._filling.pop(wire, None) is not None and wire in self.wires and not self._waits_for_list(wire):
            self._send_list(wire)

    def _waits_for_list(self, wire: Wire) -> bool:
        return wire in self._listless or wire in self._owed or wire in self._drawn

    def _announce(self, wire: Wire) -> None:
        """All that lives is told as if it had just been created, once after each connect."""
        if wire not in self._unannounced:
            return
        self._unannounced.remove(wire)
        if self.manner.announces == "not":
            return
        now = self._clock()
        for session in self._phones.sessions(now):
            news = SessionNews(
                "created",
                self._shown(session, now),
                now if self.manner.tells_moments else None,
                announced=self.manner.announces == "marked",
            )
            self._say(wire, news)
            self._happened[f"a call was announced at a connect, {self.manner.announces}"] += 1

    def _draw(self, wire: Wire) -> None:
        if wire not in self._owed:
            return
        self._owed.remove(wire)
        self.advance()
        self._flush()
        self._announce(wire)
        self._drawn[wire] = list(self._parts(wire))
        self._loop.call_later(self._chance.uniform(*self._chance.choice(WAITS)), self._send_drawn, wire)

    def _send_drawn(self, wire: Wire) -> None:
        for part in self._drawn.pop(wire, ()):
            self._say(wire, part)

    def _forget_list(self, wire: Wire) -> None:
        """The list that it would have been told is not told."""
        self._owed.discard(wire)
        self._drawn.pop(wire, None)

    def _send_late_list(self, wire: Wire) -> None:
        if wire in self._listless:
            self._listless.remove(wire)
            self._send_list(wire)

    def behave(self) -> None:
        """From now on it does all that it is asked for, at once."""
        self.misdeeds = self.restless = 0.0
        self.down = False
        self._calm = True
        for wire in list(self._listless):
            if not self.manner.lists_when_asked:
                self._send_late_list(wire)
        for wire in list(self._filling):
            self._filled(wire)
        for wire in list(self.wires):
            self._draw(wire)
            self._send_drawn(wire)

    def lost(self, wire: Wire) -> None:
        """A daemon is gone."""
        self._forget_list(wire)
        self._filling.pop(wire, None)
        self._unannounced.discard(wire)
        for those in (self.wires, self._listless):
            if wire in those:
                those.remove(wire)

    def shun(self, wire: Wire) -> None:
        """The gateway loses the phone system for a while, and says so; no change is told meanwhile."""
        self._forget_list(wire)
        if wire not in self._listless:
            self._listless.append(wire)
        self._say(wire, ConnectionNews(state="CONNECTION_FAILED", detail="no route"))

    def welcome(self, wire: Wire) -> None:
        """It has the phone system again."""
        if wire in self.wires:
            self._connects(wire)
            self._say(wire, ConnectionNews(state="ACCESS_GRANTED"))
            if not self.manner.lists_when_asked:
                self._send_late_list(wire)

    def _tell(self, news: SessionNews) -> None:
        manner = self.manner
        assert news.at is not None, "the simulated phone system tells the moment"
        if self._told():
            self.truth.told(news)
        shown = replace(
            news,
            session=self._shown(news.session, news.at),
            at=news.at if manner.tells_moments else None,
            seq=news.seq if manner.numbers_changes else None,
        )
        frame = encode(shown)
        frames = [frame]
        roll = self._chance.random()
        if manner.numbers_changes and roll < self.restless / 2:
            self._kept.append(frame)  # it is told after the next one
            self._loop.call_later(self._chance.uniform(0.05, 1.0), self._flush)
            self._happened["a change was told late"] += 1
            return
        if roll > 1.0 - self.restless:
            frames.append(frame)
            self._happened["a change was told twice"] += 1
        for wire in self._told():
            if wire in self._drawn:
                self._happened["a change was told before the list that it follows"] += 1
            if wire in self._owed:
                self._happened["a change was told before the list that shows it"] += 1
            for each in frames:
                wire.tell(each)
        self._flush()

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        for wire in self._told():
            for frame in kept:
                wire.tell(frame)

    def _told(self) -> list[Wire]:
        """Who is told of changes: not before the list that they change."""
        return [wire for wire in self.wires if wire not in self._listless]

    def _send_list(self, wire: Wire) -> None:
        if wire not in self.wires:
            return
        self.advance()
        self._flush()
        self._announce(wire)
        for part in self._parts(wire):
            self._say(wire, part)
            if part.part is not None and not part.last:
                self._happened["a list came in parts"] += 1

    def _parts(self, wire: Wire, answers: RequestId | None = None) -> Iterator[SnapshotPart]:
        manner, now = self.manner, self._clock()
        self.listed_at = self._loop.time()
        lacking = self._filling.get(wire, frozenset())
        alive = self._phones.sessions(now)
        sessions = [self._shown(session, now) for session in alive if session.session_state not in lacking]
        if len(sessions) < len(alive):
            self._happened["a list lacked " + ("all" if not sessions else "some") + " of the calls"] += 1
        parts = min(manner.list_parts, max(1, len(sessions)))
        size = -(-len(sessions) // parts) if sessions else 1
        for number in range(parts):
            yield SnapshotPart(
                sessions=tuple(sessions[number * size : (number + 1) * size]),
                complete=wire not in self._filling,
                part=number + 1 if parts > 1 else None,
                last=number == parts - 1,
                seq=self._phones.latest if manner.numbers_changes else None,
                at=now if manner.tells_moments else None,
                answers=answers if parts > 1 else None,
            )

    def _shown(self, session: Session, now: float) -> Session:
        shown = self._telling.shown(session, now)
        self._happened[f"durations: {self.manner.durations}"] += 1
        return shown if self.manner.tells_starts else replace(shown, start_time=None)

    def _say(self, wire: Wire, message: FromGateway) -> None:
        wire.tell(encode(message))

    # --- requests -----------------------------------------------------------------------------------------------------

    def asked(self, wire: Wire, frame: bytes, tag: object) -> None:
        """A request arrives."""
        request = decode_request(frame)
        match request:
            case ListSessions(id=id):
                self._happened["the daemon asked for the list"] += 1
                if wire in self._listless:
                    self._listless.remove(wire)
                self._forget_list(wire)  # this one takes its place
                self.advance()
                self._flush()
                self._announce(wire)
                parts = list(self._parts(wire, id))
                if len(parts) == 1:
                    self._say(wire, Answer(id, parts[0]))
                    return
                self._say(wire, Answer(id, SnapshotPart(sessions=(), complete=False)))
                for part in parts:
                    self._say(wire, part)
            case Call():
                self._call(wire, request, tag)

    def _call(self, wire: Wire, request: Call, tag: object) -> None:
        assert isinstance(tag, tuple), "a request is tagged with the command that it carries"
        command, place = tag
        self.advance()
        misdeed = self._chance.choice(MISDEEDS) if self._chance.random() < self.misdeeds else None
        self._board.conduct = (
            Conduct()
            if misdeed is None
            else Conduct(methods={request.method: misdeed}, lie=self._chance.choice(get_args(RefusalKind)))
        )
        bearer = self.truth.alive.get(request.session_id)
        reply = self._board.ask(request, self._clock())
        line = self._board.ledger.pop()
        asked = Asked(
            at=self._machine.true(),
            command=command,
            place=place,
            method=request.method,
            to=request.phone_number if request.method != "sendDtmf" else None,
            session_id=request.session_id,
            call=bearer,
            result=line.result,
            performed=line.performed,
        )
        self.truth.ledger.append(asked)
        if misdeed is not None:
            self._happened[f"the phone system misbehaved: {misdeed}"] += 1
        self.advance()
        self.poke()
        self.on_asked(asked)
        match reply:
            case Done():
                self._say(wire, Answer(request.id))
            case Refused(kind=kind, message=text):
                self._say(wire, ErrorResponse(request.id, kind, text))
            case Silent(closes=True):
                wire.cut(1011)
            case Silent():
                pass


def _nothing(asked: Asked) -> None: ...
