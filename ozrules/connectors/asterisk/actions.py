"""The ten methods as manager actions, each on the right leg, or a reason why not.

Asterisk answers ``Success`` to much that kills a call, so everything is looked at before it is sent: the extension
must exist, the call must still be in the state that the method is for, and only ever the calling leg is moved while a
phone rings (moving the ringing one strands both). A forward to a phone of this Asterisk rings that phone beside the
first and picks the call up when it answers, so that nothing is lost where it is busy. Every other forward must redirect
the caller at once, which cannot be taken back.

Every command to somebody's call leaves by `Actions._act`, which takes the last look: nothing is sent to a call that is
not what its session says any more. What is done to channels that we made ourselves needs none.

The file is long because all methods share that one door and what is left behind by them.
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, assert_never

from ozrules.connectors.asterisk.ami import Unsafe
from ozrules.connectors.asterisk.ari import Ari, AriFailed, HoldBroken
from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.connectors.asterisk.dialogue import Answer
from ozrules.connectors.asterisk.last_look import by_asterisk, by_the_facts, gone
from ozrules.connectors.asterisk.legs import FOR, HOLD, LISTENS, OURS, Leg
from ozrules.connectors.asterisk.link import Closed, NoAnswer
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, RefusalKind, Refused, Unanswered, Withheld
from ozrules.session.session import Session
from ozrules.session.state import RINGING

RING_FOR: Final = 60.0
"""Seconds for which the target of a forward may ring beside the first phone; the dialplan mostly ends it earlier."""
NORMAL_CLEARING: Final = "16"

_FREEPBX: Final = "from-internal"
_GROUP_S_OWN: Final = (
    "NODEST",
    "BLKVM_CHANNEL",
    "SHARED(BLKVM)",
    "CWIGNORE",
    "CFIGNORE",
    "FORWARD_CONTEXT",
    "PICKUPMARK",
    "TRUNKCIDOVERRIDE",
)
"""What FreePBX's dialplan sets on who calls a group or a queue. It must not go along to where the call is sent: there a
mailbox would be refused and the call ended, and forwards would be ignored."""

_DIALABLE: Final = re.compile(r"\+?[0-9*#]{1,20}")
_KEYS: Final = frozenset("0123456789*#ABCD")
JOINED_WITHIN: Final = 2.0
"""Seconds for two parties that were told to be joined again to be seen so."""

Done: TypeAlias = Accepted | Refused | Unanswered | Withheld
Order: TypeAlias = tuple[str, dict[str, str]]
"""An action and its fields."""


class Ask(Protocol):
    """How an action is sent."""

    def ask(
        self, action: str, fields: Mapping[str, str], within: float, *, in_order: bool = False
    ) -> Awaitable[Answer]: ...

    def tell(self, action: str, fields: Mapping[str, str]) -> str: ...


class _Stop(Exception):
    """The method ends here, with this answer."""

    def __init__(self, done: Refused | Unanswered | Withheld) -> None:
        super().__init__(done.message)
        self.done = done


class Actions:
    """Carries out methods over one link, by what one reducer knows.

    ``missed`` is called where Asterisk contradicts what events have told: then some of them are late, or missing. What
    it is given says whether that is still so.
    """

    def __init__(
        self,
        access: AsteriskAccess,
        reducer: Reducer,
        ari: Ari | None,
        ids: "itertools.count[int]",
        missed: Callable[[Callable[[], bool]], None],
    ) -> None:
        self._access = access
        self._reducer = reducer
        self._ari = ari
        self._ids = ids
        self._missed = missed
        self._beside: dict[str, Leg] = {}
        self._joining: dict[str, asyncio.Event] = {}
        self.tells_status = False

    async def execute(self, link: Ask, command: Command, session: Session) -> Done:
        """Calls a method of a session, once."""
        call = self._reducer.calls.living(command.session.session_id)
        if call is None:
            return Withheld("targetGone", "Asterisk has no such call any more")
        way = _Way(link, command.timeout, session)
        try:
            if command.action != "stopListen":  # whoever listens is hung up, whatever has become of the call
                self._look(way, call)
            return await self._run(way, command, call)
        except _Stop as stop:
            return stop.done
        except Closed as error:
            return Refused("unavailable", str(error))
        except NoAnswer as error:
            return Unanswered(str(error))
        except Unsafe as error:
            return Refused("invalid", str(error))

    async def _run(self, way: "_Way", command: Command, call: Call) -> Done:
        match command.action:
            case "attendedTransfer" | "call" | "play" | "record" | "sendEmail" | "sendSms" | "speak":
                return Refused("denied", f"{command.action} is not possible on Asterisk")
            case "forward":
                return await self._forward(way, call, _target(command))
            case "blindTransfer":
                return await self._transfer(way, call, _target(command), command.party)
            case "hangup" | "close" | "closeWithHangup":
                return await self._hang_up(way, call)
            case "hold":
                return await self._hold(way, call)
            case "unhold":
                return await self._unhold(way, call)
            case "sendDtmf":
                return await self._send_key(way, call, command)
            case "startListen":
                return await self._listen(way, call)
            case "stopListen":
                return await self._stop_listening(way, call)
            case _:
                assert_never(command.action)

    # -- the one place where commands to somebody's call leave

    async def _act(self, way: "_Way", call: Call, order: Callable[[], Order]) -> Accepted | Refused:
        """Takes the last look, and sends what ``order`` gives, in one turn of the loop. Raises _Stop instead.

        ``order`` may raise _Stop, and is asked in that turn.
        """
        self._look(way, call)
        if self.tells_status:
            await self._ask_asterisk(way, call)
        return self._accepted(await way.ask(*order()), lambda: not call.over)

    def _look(self, way: "_Way", call: Call) -> None:
        withheld = by_the_facts(call, way.session, self._reducer)
        if withheld is not None:
            raise _Stop(withheld)

    async def _ask_asterisk(self, way: "_Way", call: Call) -> None:
        legs = call.legs()
        try:
            answers = await asyncio.gather(*(way.status(leg) for leg in legs))
        except NoAnswer as error:
            raise _Stop(Refused("unavailable", f"nothing was sent: {error}, how the call stands")) from None
        self._look(way, call)  # the facts are newer now, and say more exactly what has become of the call
        withheld = by_asterisk(call, list(zip(legs, answers, strict=True)))
        if withheld is not None:
            self._missed(lambda: not call.over)
            raise _Stop(withheld)

    def _accepted(self, answer: Answer, still: Callable[[], bool]) -> Accepted | Refused:
        if gone(answer):
            self._missed(still)
        return Accepted() if answer.succeeded else _refused(answer)

    # -- forward

    async def _forward(self, way: "_Way", call: Call, to: str) -> Done:
        _ringing(call)
        if to in self._reducer.calls.path_of(call):
            return Refused("invalid", f"{to} has been rung in this call already: forwarding back would be a loop")
        await self._must_exist(way, to)
        callee = _ringing(call)
        if await self._is_phone(way, callee, to):
            return await self._act(way, call, lambda: self._ring_beside(way, call, to))
        return await self._act(way, call, lambda: self._redirect(way, call, to))

    def _ring_beside(self, way: "_Way", call: Call, to: str) -> Order:
        """Make before break: the first phone rings on until the target answers."""
        callee = _ringing(call)
        for earlier, instead_of in list(self._beside.items()):
            if instead_of is callee:
                self._end(way.link, earlier)
        helper = self._new_id(OURS, call.caller)
        self._beside[helper] = callee
        return "Originate", {
            "Channel": f"Local/{to}@{self._access.context}/n",
            "ChannelId": helper,
            "Application": "PickupChan",
            "Data": callee.channel,
            "CallerID": _caller_id(call.caller),
            "Timeout": str(int(RING_FOR * 1000)),
            "Async": "true",
        }

    def _redirect(self, way: "_Way", call: Call, to: str) -> Order:
        """Moves what dials the phone: the caller, or one branch of a group. Never the ringing phone's own leg."""
        callee = _ringing(call)
        dialler = self._reducer.leg(callee.dialled_by or "")
        moves = dialler if dialler is not None and not dialler.is_phone and not dialler.gone else call.caller
        number = callee.number or ""
        # from the look above to the Redirect all is sent in one turn of the loop, and the manager works in order
        for name, value in (("orig-num", number), ("from-num", number), ("reason", "no_answer")):
            way.tell("Setvar", moves, {"Variable": f"REDIRECTING({name},i)", "Value": value})
        count = str(self._reducer.calls.forwards_of(call) + 1)
        way.tell("Setvar", moves, {"Variable": "REDIRECTING(count,i)", "Value": count})
        if self._access.context.startswith(_FREEPBX):
            for name in _GROUP_S_OWN:
                way.tell("Setvar", moves, {"Variable": name, "Value": ""})
        return "Redirect", self._to(moves, to)

    async def _is_phone(self, way: "_Way", callee: Leg, to: str) -> bool:
        """Whether Asterisk has a phone of that name: then it may ring beside the first."""
        technology = callee.channel.partition("/")[0]
        answer = await way.ask("Getvar", {"Variable": f"DEVICE_STATE({technology}/{to})"})
        return answer.succeeded and answer.response.get("Value", "") not in ("", "INVALID", "UNKNOWN")

    async def _must_exist(self, way: "_Way", to: str) -> None:
        context = self._access.context
        answer = await way.ask("Getvar", {"Variable": f"DIALPLAN_EXISTS({context},{to},1)"})
        if not answer.succeeded:
            raise _Stop(_refused(answer))
        if answer.response.get("Value") != "1":
            raise _Stop(Refused("invalid", f"the dialplan's context {context} has no extension {to}"))

    # -- a call that is answered

    async def _transfer(self, way: "_Way", call: Call, to: str, moved: str | None) -> Done:
        if moved is None:
            return Refused("invalid", "blindTransfer needs the party that moves")
        _talking(call)
        await self._must_exist(way, to)
        if not self._reducer.is_connected(call):
            # held by us: joined for a moment, because only who is joined can be transferred, and it ends the music
            joined = await self._act(way, call, lambda: ("Bridge", _pair(*_talking(call))))
            if not isinstance(joined, Accepted):
                return joined
            await self._until_joined(call)

        def order() -> Order:
            caller, callee = _joined(call, self._reducer)
            leaves = callee if moved == "caller" else caller
            return "BlindTransfer", {"Channel": leaves.channel, "Context": self._access.context, "Exten": to}

        return await self._act(way, call, order)

    async def _until_joined(self, call: Call) -> None:
        """Waits until both parties are seen to hear each other. Raises _Stop where they are not in time."""
        if self._reducer.is_connected(call):
            return
        joined = self._joining.setdefault(call.id, asyncio.Event())
        try:
            async with asyncio.timeout(JOINED_WITHIN):
                await joined.wait()
        except TimeoutError:
            raise _Stop(Withheld("lostRace", "the parties were joined again, and are not seen to be")) from None
        finally:
            self._joining.pop(call.id, None)

    async def _hang_up(self, way: "_Way", call: Call) -> Done:
        """By the calling leg: hanging up only a ringing phone lets the dialplan go on, to voicemail perhaps."""

        def order() -> Order:
            return "Hangup", {"Channel": call.caller.channel, "Cause": NORMAL_CLEARING}

        return await self._act(way, call, order)

    async def _hold(self, way: "_Way", call: Call) -> Done:
        _joined(call, self._reducer)
        if self._ari is not None:
            return await self._hold_with_music(way, call, self._ari)
        exten = self._access.hold_extension
        if exten is None:
            return Refused("denied", "this connection has neither ari nor holdExtension, so it cannot hold a call")
        await self._must_exist(way, exten)
        return await self._take_apart(way, call, self._access.context, exten)

    async def _take_apart(self, way: "_Way", call: Call, context: str, exten: str) -> Accepted | Refused:
        def order() -> Order:
            both = _both(*_joined(call, self._reducer), context, exten)
            call.apart = True  # before the parting can be heard of, which else would end the session
            return "Redirect", both

        done: Done | None = None
        try:
            done = await self._act(way, call, order)
            return done
        finally:
            if not isinstance(done, Accepted):
                call.apart = False

    async def _hold_with_music(self, way: "_Way", call: Call, ari: Ari) -> Done:
        refusal: list[Done] = []

        async def redirect() -> bool:
            done = await self._take_apart(way, call, ari.context, HOLD)
            if not call.apart:
                refusal.append(done)
            return call.apart

        caller, callee = _joined(call, self._reducer)
        try:
            await ari.hold((caller.id, callee.id), redirect)
        except AriFailed as error:
            return Refused("unavailable", str(error))
        except HoldBroken as error:
            return Unanswered(str(error))
        return refusal[0] if refusal else Accepted()

    async def _unhold(self, way: "_Way", call: Call) -> Done:
        def order() -> Order:
            both = _talking(call)
            if self._reducer.is_connected(call):
                raise _Stop(Refused("wrongState", "a phone holds this call: only that phone can take it back"))
            return "Bridge", _pair(*both)

        return await self._act(way, call, order)

    async def _send_key(self, way: "_Way", call: Call, command: Command) -> Done:
        if not isinstance(command.key, str) or command.key not in _KEYS or command.party is None:
            return Refused("invalid", "sendDtmf needs one key (0-9, *, #, A-D) and the party that receives it")
        key = command.key

        def order() -> Order:
            caller, callee = _talking(call)
            leg = caller if command.party == "caller" else callee
            return "PlayDTMF", {"Channel": leg.channel, "Digit": key, "Duration": "160"}

        return await self._act(way, call, order)

    # -- listening

    async def _listen(self, way: "_Way", call: Call) -> Done:
        supervisor = self._access.supervisor
        if supervisor is None:
            return Refused("denied", "this connection has no supervisor, so nobody could listen")

        def order() -> Order:
            if self._listener(call) is not None:
                raise _Stop(Refused("wrongState", "somebody listens to this call already"))
            caller, _ = _talking(call)
            return "Originate", {
                "Channel": supervisor,
                "ChannelId": self._new_id(LISTENS, caller),
                "Application": "ChanSpy",
                "Data": f"{caller.channel},qSE",  # q: no word to anybody, S and E: it ends with the call
                "CallerID": _caller_id(caller),
                "Timeout": str(int(RING_FOR * 1000)),
                "Async": "true",
            }

        return await self._act(way, call, order)

    async def _stop_listening(self, way: "_Way", call: Call) -> Done:
        listener = self._listener(call)
        if listener is None:
            return Refused("wrongState", "nobody listens to this call")
        answer = await way.ask("Hangup", {"Channel": listener.channel, "Cause": NORMAL_CLEARING})
        return self._accepted(answer, lambda: not listener.gone)

    def _listener(self, call: Call) -> Leg | None:
        made = (one for leg in call.legs() for one in self._reducer.serving(leg))
        return next((one for one in made if one.id.startswith(LISTENS)), None)

    # -- what is left behind

    def found(self, link: Ask) -> None:
        """After a list: phones that an earlier run of ours made ring beside others are ours again, or end."""
        for leg in self._reducer.made():
            if leg.id in self._beside or leg.id.startswith(LISTENS) or leg.bridge is not None:
                continue
            served = self._reducer.leg(leg.serves or "")
            rung = self._reducer.calls.of(served) if served is not None else []
            instead_of = next((call.callee for call in rung if call.verdict.state == RINGING and call.callee), None)
            if instead_of is not None:
                self._beside[leg.id] = instead_of
            else:
                self._end(link, leg.id)

    def tidy(self, link: Ask, call: Call) -> None:
        """After a change of this call: ends what is of no more use, a phone that rings, a party left alone on hold."""
        if call.id in self._joining and self._reducer.is_connected(call):
            self._joining[call.id].set()
        for helper, instead_of in list(self._beside.items()):
            if instead_of.picked_up:
                del self._beside[helper]  # it has become the call
            elif instead_of.dial_status == "ANSWER" or not self._reducer.calls.of(instead_of):
                # not as soon as it is gone: a pick-up may only not be told yet
                self._end(link, helper)
        if call.over:
            for leg in call.legs():
                if call.apart and self._reducer.is_alone(leg) and self._still_waits(leg):
                    self._end(link, leg.id)

    def _still_waits(self, leg: Leg) -> bool:
        """Whether it is where `hold` put it, and not sent on meanwhile by somebody else."""
        return self._reducer.is_parked(leg) or leg.exten in (HOLD, self._access.hold_extension)

    def _end(self, link: Ask, leg_id: str) -> None:
        self._beside.pop(leg_id, None)
        leg = self._reducer.leg(leg_id)
        if leg is not None and not leg.gone:
            with suppress(Closed):  # what is left then ends with its own timeout
                link.tell("Hangup", {"Channel": leg.channel, "Cause": NORMAL_CLEARING})

    def _new_id(self, kind: str, leg: Leg) -> str:
        return f"{kind}{next(self._ids)}{FOR}{leg.id}"

    def _to(self, leg: Leg, exten: str) -> dict[str, str]:
        return {"Channel": leg.channel, "Context": self._access.context, "Exten": exten, "Priority": "1"}


class _Way:
    """A link, with the time that one command has, and the session that it is meant for."""

    def __init__(self, link: Ask, within: float, session: Session) -> None:
        self.link = link
        self.session = session
        self._within = within

    def ask(self, action: str, fields: Mapping[str, str]) -> Awaitable[Answer]:
        return self.link.ask(action, fields, self._within)

    def status(self, leg: Leg) -> Awaitable[Answer]:
        """How Asterisk says that a channel stands, when all events before that have been heard."""
        return self.link.ask("Status", {"Channel": leg.channel}, self._within, in_order=True)

    def tell(self, action: str, leg: Leg, fields: Mapping[str, str]) -> None:
        self.link.tell(action, {"Channel": leg.channel} | dict(fields))


def _target(command: Command) -> str:
    if command.to is None or not _DIALABLE.fullmatch(command.to):
        raise _Stop(Refused("invalid", "a target is 1 to 20 of 0-9, * and #, with + before it at most"))
    return command.to


def _ringing(call: Call) -> Leg:
    """The phone that rings and nobody has answered, as far as is known in this turn of the loop."""
    callee = call.callee
    if call.over or callee is None or callee.gone or call.caller.gone or call.caller.requested:
        raise _Stop(Withheld("lostRace", "the call does not ring any more"))
    if call.answered or callee.state == "Up" or callee.dial_status == "ANSWER":
        raise _Stop(Withheld("lostRace", "the call has been answered"))
    if call.verdict.state != RINGING:
        raise _Stop(Withheld("lostRace", "the call does not ring at anybody yet"))
    return callee


def _talking(call: Call) -> tuple[Leg, Leg]:
    callee = call.callee
    if call.over or callee is None or callee.gone or call.caller.gone:
        raise _Stop(Withheld("lostRace", "the call is not between two parties"))
    if not call.answered or call.stays is not None:
        raise _Stop(Withheld("lostRace", f"the call is {call.verdict.state}"))
    return call.caller, callee


def _joined(call: Call, reducer: Reducer) -> tuple[Leg, Leg]:
    both = _talking(call)
    if not reducer.is_connected(call):
        raise _Stop(Refused("wrongState", "both parties are held already"))
    return both


def _pair(caller: Leg, callee: Leg) -> dict[str, str]:
    return {"Channel1": caller.channel, "Channel2": callee.channel, "Tone": "no"}


def _both(caller: Leg, callee: Leg, context: str, exten: str) -> dict[str, str]:
    return {
        "Channel": caller.channel,
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "ExtraChannel": callee.channel,
        "ExtraContext": context,
        "ExtraExten": exten,
        "ExtraPriority": "1",
    }


def _caller_id(leg: Leg) -> str:
    """The caller as the target's display shows it. What a caller chose for a name must not change the number."""
    name = "".join(letter for letter in leg.name or "" if letter.isprintable() and letter not in '"<>\\')
    number = "".join(letter for letter in leg.number or "" if letter in "0123456789*#+")
    return f'"{name[:80]}" <{number[:40]}>'


def _refused(answer: Answer) -> Refused:
    message = answer.message
    said = f"Asterisk says: {message[:200]}"
    if gone(answer):
        return Refused("notFound", said)  # what is not there was not touched, whatever is seen of the call later
    kind: RefusalKind = "invalid"
    if "denied" in message.lower() or "forbidden" in message.lower():
        kind = "denied"
    elif message == "Transfer invalid":
        kind = "wrongState"
    return Refused(kind, said, handed_over=True)
