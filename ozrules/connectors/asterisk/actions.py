"""The ten methods as manager actions, each on the right leg, or a reason why not.

Asterisk answers ``Success`` to much that kills a call, so everything is looked at before it is sent: the extension
must exist, the call must still be in the state that the method is for, and only ever the calling leg is moved while a
phone rings (moving the ringing one strands both). A forward to a phone of this Asterisk rings that phone beside the
first and picks the call up when it answers, so that nothing is lost where it is busy. Every other forward must redirect
the caller at once, which cannot be taken back: the last look and the sending are in one turn of the loop.
"""

import itertools
import re
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, assert_never

from ozrules.connectors.asterisk.ami import Unsafe
from ozrules.connectors.asterisk.ari import Ari, AriFailed, HoldBroken
from ozrules.connectors.asterisk.calls import Call
from ozrules.connectors.asterisk.configuration import AsteriskAccess
from ozrules.connectors.asterisk.dialogue import Answer
from ozrules.connectors.asterisk.legs import FOR, HOLD, LISTENS, OURS, Leg
from ozrules.connectors.asterisk.link import Closed, NoAnswer
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, RefusalKind, Refused, Unanswered
from ozrules.session.state import RINGING

RING_FOR: Final = 60.0
"""Seconds for which the target of a forward may ring beside the first phone; the dialplan mostly ends it earlier."""
NORMAL_CLEARING: Final = "16"

_DIALABLE: Final = re.compile(r"\+?[0-9*#]{1,20}")
_KEYS: Final = frozenset("0123456789*#ABCD")
_GONE: Final = ("no such channel", "does not exist", "channel not found")

Done: TypeAlias = Accepted | Refused | Unanswered


class Ask(Protocol):
    """How an action is sent."""

    def ask(self, action: str, fields: Mapping[str, str], within: float) -> Awaitable[Answer]: ...

    def tell(self, action: str, fields: Mapping[str, str]) -> str: ...


class _Stop(Exception):
    """The method ends here, with this answer."""

    def __init__(self, done: Refused | Unanswered) -> None:
        super().__init__(done.message)
        self.done = done


class Actions:
    """Carries out methods over one link, by what one reducer knows."""

    def __init__(self, access: AsteriskAccess, reducer: Reducer, ari: Ari | None, ids: "itertools.count[int]") -> None:
        self._access = access
        self._reducer = reducer
        self._ari = ari
        self._ids = ids
        self._outside = Outside.of(access.trunks)
        self._beside: dict[str, Leg] = {}

    async def execute(self, link: Ask, command: Command) -> Done:
        """Calls a method of a session, once."""
        call = self._reducer.calls.living(command.session.session_id)
        if call is None:
            return Refused("notFound", "Asterisk has no such call any more")
        try:
            return await self._run(_Way(link, command.timeout), command, call)
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

    # -- forward

    async def _forward(self, way: "_Way", call: Call, to: str) -> Done:
        _ringing(call)
        if to in self._reducer.calls.path_of(call):
            return Refused("invalid", f"{to} has been rung in this call already: forwarding back would be a loop")
        await self._must_exist(way, to)
        callee = _ringing(call)
        if await self._is_phone(way, callee, to):
            return await self._ring_beside(way, call, to)
        return await self._redirect(way, call, to)

    async def _ring_beside(self, way: "_Way", call: Call, to: str) -> Done:
        """Make before break: the first phone rings on until the target answers."""
        callee = _ringing(call)
        for earlier, instead_of in list(self._beside.items()):
            if instead_of is callee:
                self._end(way.link, earlier)
        helper = self._new_id(OURS, call.caller)
        self._beside[helper] = callee
        return _accepted(
            await way.ask(
                "Originate",
                {
                    "Channel": f"Local/{to}@{self._access.context}/n",
                    "ChannelId": helper,
                    "Application": "PickupChan",
                    "Data": callee.channel,
                    "CallerID": _caller_id(call.caller),
                    "Timeout": str(int(RING_FOR * 1000)),
                    "Async": "true",
                },
            )
        )

    async def _redirect(self, way: "_Way", call: Call, to: str) -> Done:
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
        return _accepted(await way.ask("Redirect", self._to(moves, to)))

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
        caller, callee = _talking(call)
        leaves = callee if moved == "caller" else caller
        if not self._reducer.is_connected(call):
            # held by us: joined for a moment, because only who is joined can be transferred, and it ends the music
            joined = _accepted(await way.ask("Bridge", _pair(caller, callee)))
            if not isinstance(joined, Accepted):
                return joined
        fields = {"Channel": leaves.channel, "Context": self._access.context, "Exten": to}
        return _accepted(await way.ask("BlindTransfer", fields))

    async def _hang_up(self, way: "_Way", call: Call) -> Done:
        """By the calling leg: hanging up only a ringing phone lets the dialplan go on, to voicemail perhaps."""
        first = call.caller if not call.caller.gone else call.callee
        if first is None or first.gone:
            return Refused("notFound", "Asterisk has no such call any more")
        return _accepted(await way.ask("Hangup", {"Channel": first.channel, "Cause": NORMAL_CLEARING}))

    async def _hold(self, way: "_Way", call: Call) -> Done:
        caller, callee = _joined(call, self._reducer)
        if self._ari is not None:
            return await self._hold_with_music(way, call, self._ari)
        exten = self._access.hold_extension
        if exten is None:
            return Refused("denied", "this connection has neither ari nor holdExtension, so it cannot hold a call")
        await self._must_exist(way, exten)
        caller, callee = _joined(call, self._reducer)
        done = _accepted(await way.ask("Redirect", _both(caller, callee, self._access.context, exten)))
        call.apart = isinstance(done, Accepted)
        return done

    async def _hold_with_music(self, way: "_Way", call: Call, ari: Ari) -> Done:
        refusal: list[Done] = []

        async def redirect() -> bool:
            caller, callee = _joined(call, self._reducer)
            done = _accepted(await way.ask("Redirect", _both(caller, callee, ari.context, HOLD)))
            call.apart = isinstance(done, Accepted)
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
        caller, callee = _talking(call)
        if self._reducer.is_connected(call):
            return Refused("wrongState", "a phone holds this call: only that phone can take it back")
        return _accepted(await way.ask("Bridge", _pair(caller, callee)))

    async def _send_key(self, way: "_Way", call: Call, command: Command) -> Done:
        if not isinstance(command.key, str) or command.key not in _KEYS or command.party is None:
            return Refused("invalid", "sendDtmf needs one key (0-9, *, #, A-D) and the party that receives it")
        caller, callee = _talking(call)
        leg = caller if command.party == "caller" else callee
        return _accepted(await way.ask("PlayDTMF", {"Channel": leg.channel, "Digit": command.key, "Duration": "160"}))

    # -- listening

    async def _listen(self, way: "_Way", call: Call) -> Done:
        supervisor = self._access.supervisor
        if supervisor is None:
            return Refused("denied", "this connection has no supervisor, so nobody could listen")
        if self._listener(call) is not None:
            return Refused("wrongState", "somebody listens to this call already")
        caller, _ = _talking(call)
        return _accepted(
            await way.ask(
                "Originate",
                {
                    "Channel": supervisor,
                    "ChannelId": self._new_id(LISTENS, caller),
                    "Application": "ChanSpy",
                    "Data": f"{caller.channel},qSE",  # q: no word to anybody, S and E: it ends with the call
                    "CallerID": _caller_id(caller),
                    "Timeout": str(int(RING_FOR * 1000)),
                    "Async": "true",
                },
            )
        )

    async def _stop_listening(self, way: "_Way", call: Call) -> Done:
        listener = self._listener(call)
        if listener is None:
            return Refused("wrongState", "nobody listens to this call")
        return _accepted(await way.ask("Hangup", {"Channel": listener.channel, "Cause": NORMAL_CLEARING}))

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
        for helper, instead_of in list(self._beside.items()):
            if instead_of.picked_up:
                del self._beside[helper]  # it has become the call
            elif instead_of.dial_status == "ANSWER" or not self._reducer.calls.of(instead_of):
                # not as soon as it is gone: a pick-up may only not be told yet
                self._end(link, helper)
        if call.over:
            for leg in call.legs():
                if call.apart and self._reducer.is_alone(leg):
                    self._end(link, leg.id)

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
    """A link, with the time that one command has."""

    def __init__(self, link: Ask, within: float) -> None:
        self.link = link
        self._within = within

    def ask(self, action: str, fields: Mapping[str, str]) -> Awaitable[Answer]:
        return self.link.ask(action, fields, self._within)

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
        raise _Stop(Refused("wrongState", "the call does not ring any more"))
    if call.answered or callee.state == "Up" or callee.dial_status == "ANSWER":
        raise _Stop(Refused("wrongState", "the call has been answered"))
    if call.verdict.state != RINGING:
        raise _Stop(Refused("wrongState", "the call does not ring at anybody yet"))
    return callee


def _talking(call: Call) -> tuple[Leg, Leg]:
    callee = call.callee
    if call.over or callee is None or callee.gone or call.caller.gone:
        raise _Stop(Refused("wrongState", "the call is not between two parties"))
    if not call.answered or call.stays is not None:
        raise _Stop(Refused("wrongState", f"the call is {call.verdict.state}"))
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


def _accepted(answer: Answer) -> Accepted | Refused:
    return Accepted() if answer.succeeded else _refused(answer)


def _refused(answer: Answer) -> Refused:
    message = answer.message
    kind: RefusalKind = "invalid"
    if "denied" in message.lower() or "forbidden" in message.lower():
        kind = "denied"
    elif any(words in message.lower() for words in _GONE):
        kind = "notFound"
    elif message == "Transfer invalid":
        kind = "wrongState"
    return Refused(kind, f"Asterisk says: {message[:200]}", handed_over=True)
