"""Manager events in, changes of sessions out. No clock, no socket, nothing but what the events say.

Each event first adds to the facts about legs; then the calls that these legs belong to are judged anew, and what
differs from what was told last is told. Events may come twice, a little out of order, or not at all: then a call may be
told late, or at the next full list, but what has ended stays ended and nothing is told twice.

A session lives as long as its two ends ring or talk to each other. When they do not any more, why is sometimes said
only by an event that comes with the next ones. So it waits for `MOMENT` by Asterisk's clock, or, where nothing more
comes, for `PATIENCE` by ours, and is then over whether that came or not:
`settle` says what became so by waiting alone.

A call begins with the leg that has its own Linkedid: the session carries that leg's id, and the first leg that it
dials becomes the callee. Every further leg that it dials (a ring group, a queue, a forward) is a session of its own
with the same master: ``CALLER/CALLEE``.

The file is long because dialling, meeting, holding, transferring and telling all turn on the same legs and calls.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from ozrules.connectors.asterisk.ami import Fields, timestamp, whole_number
from ozrules.connectors.asterisk.calls import Call, Doubt, Verdict, judge
from ozrules.connectors.asterisk.dialling import beside, speaker
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.legs import OURS, Leg, Legs, age
from ozrules.connectors.asterisk.listing import in_order, pair, parking_places, place
from ozrules.connectors.asterisk.parties import number_outside, session_of
from ozrules.connectors.asterisk.register import Register
from ozrules.connectors.asterisk.surroundings import around, has_another, is_connected
from ozrules.engine.events import SessionSeen
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    CANCELLED,
    COMPLETED,
    IN_CALL,
    REDIRECTED,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    TRANSFER_SETUP,
)

Kind: TypeAlias = Literal["created", "stateChanged", "closed"]

PATIENCE: Final = 0.05
"""Seconds of ours that are waited for that second event; it may be on its way while this machine has much to do."""

_PASSED: Final = frozenset({CANCELLED, COMPLETED})  # ends of a call to a transfer's target that are no failure


class Reducer:
    """What one Asterisk has been seen to do."""

    def __init__(self, connection: str, outside: Outside) -> None:
        self._connection = connection
        self._outside = outside
        self._legs = Legs()
        self.calls = Register()
        self._transferees: dict[str, Call] = {}
        self._doubts: dict[str, tuple[float, float | None, float]] = {}

    # -- questions

    @property
    def due(self) -> float | None:
        """The moment, in `hear`'s time, at which `settle` has something to say; None where there is nothing."""
        return min(at + max(lasts, PATIENCE) for at, _, lasts in self._doubts.values()) if self._doubts else None

    def leg(self, leg_id: str) -> Leg | None:
        """The leg of this id, also for a while after its end."""
        return self._legs.get(leg_id)

    def is_alone(self, leg: Leg) -> bool:
        """Whether nobody hears it."""
        return not leg.gone and len(self._legs.joined(leg)) == 1

    def serving(self, leg: Leg) -> list[Leg]:
        """The living legs that the connector made for this one."""
        return list(self._legs.serving(leg))

    def made(self) -> list[Leg]:
        """The living legs that connectors like this one made, not those that came of them."""
        return [leg for leg in self._legs.living() if leg.is_ours and not leg.channel.endswith(";2")]

    def leg_named(self, channel: str) -> Leg | None:
        """The leg of this channel name."""
        return self._legs.named(channel)

    def is_connected(self, call: Call) -> bool:
        """Whether both parties hear each other, as far as bridges go."""
        return is_connected(call, self._legs)

    def is_parked(self, leg: Leg) -> bool:
        """Whether it sits in a bridge where nobody hears anybody."""
        return self._legs.is_parked(leg)

    def hearing(self, leg: Leg) -> list[Leg]:
        """The phones that hear each other with this one, itself among them."""
        return [one for one in (leg, *beside(self._legs, leg)) if one.is_phone and not one.gone]

    # -- what is heard

    def hear(self, fields: Fields, at: float) -> list[SessionSeen]:
        """One event, and the changes of sessions that it makes, after those that became due before it."""
        settled = self._settle_doubts(at, timestamp(fields))
        name = fields.get("Event", "")
        leg = self._legs.see(fields)
        far = self._legs.see(fields, "Dest") if name.startswith("Dial") else None
        touched = {one.id: one for one in (leg, far) if one is not None}
        match name:
            case "DialBegin" | "DialState" | "DialEnd":
                if far is not None:
                    self._legs.dial(leg, far, fields)
            case "BridgeEnter" | "BridgeLeave":
                if leg is not None:
                    self._gather(leg, touched)
                    self.calls.part(leg)
                    if name == "BridgeEnter":
                        self._legs.enter(leg, fields)
                    else:
                        self._legs.leave(leg, fields.get("BridgeUniqueid"))
            case "Hold" | "Unhold":
                if leg is not None:
                    self._hold(leg, name == "Hold")
            case "MusicOnHoldStart" | "MusicOnHoldStop":
                if leg is not None:
                    self._play(leg, name == "MusicOnHoldStart")
            case "DTMFBegin" | "DTMFEnd":
                if leg is not None:
                    leg.keyed = leg.keyed or fields.get("Direction") == "Received"
            case "HangupRequest":
                if leg is not None:
                    self._legs.request_hangup(leg, whole_number(fields, "Cause"))
            case "SoftHangupRequest":
                if leg is not None:
                    self._legs.ask_to_leave(leg)
            case "Rename":
                if leg is not None:
                    self._legs.rename(leg, fields.get("Newname", ""))
            case "Hangup":
                if leg is not None:
                    self._gather(leg, touched)
                    self._end(leg, whole_number(fields, "Cause"))
                    self._left_both(leg)
            case "Pickup":
                picked_up = self._legs.see(fields, "Target")
                if picked_up is not None:
                    picked_up.picked_up = True
                    touched[picked_up.id] = picked_up
            case "BlindTransfer":
                self._blind(fields, touched)
            case "AttendedTransfer":
                self._attended(fields, touched)
            case "ParkedCall" | "ParkedCallSwap":
                self._park(fields, touched)
            case "UnParkedCall" | "ParkedCallTimeOut" | "ParkedCallGiveUp":
                self._unpark(fields, touched)
            case _:
                if leg is None:
                    return settled
        return settled + self._settle(touched, at, timestamp(fields))

    def settle(self, at: float) -> list[SessionSeen]:
        """What became so by waiting: sessions that are over though no event said why."""
        return self._settle_doubts(at, None)

    def begin_list(self) -> None:
        """The list of channels is asked for now."""
        self._legs.begin_list()

    def listed(self, items: Iterable[Fields]) -> tuple[Session, ...]:
        """A full list of channels (CoreShowChannels): the sessions that live, what is not on it having ended.

        Of a channel that events have named since the list was asked for, the events know better.
        """
        fresh, doubted = self._legs.end_list(), set(self._doubts)
        named = in_order(items)
        for absent in [leg for leg in self._legs.living() if leg.id not in named and leg.id not in fresh]:
            self._end(absent, 0)
        parking = parking_places(named.values())
        for leg_id, item in named.items():
            leg = self._legs.see(item) if leg_id not in fresh else None
            if leg is not None:
                place(self._legs, leg, item, parking)
                leg.listed_for = item.get("Duration", "")
        held = pair(self._legs, named)
        # events may have named the phone that rings beside another first: that one must not be taken for the first
        living = sorted(self._legs.living(), key=lambda leg: leg.linked_id.startswith(OURS))
        self._settle({leg.id: leg for leg in living}, 0.0, None)
        # what the list itself shows is in no doubt; of what events said right before it, the next ones may say more
        for call in [one for one in self.calls.all_living() if one.id not in doubted]:
            self._decide(call, 0.0)
        for call in [call for call in self.calls.all_living() if any(leg.gone for leg in call.legs())]:
            self._finish(call, Verdict(ABORTED, ends=True, derived=True))
        for call in self.calls.all_living():
            call.apart = call.apart or (call.callee is not None and {call.caller.id, call.callee.id} <= held)
        return self.sessions()

    def hear_device(self, endpoint: str, state: str) -> None:
        """The state of a device (``DEVICE_STATE``), asked for after a list: whether it hears music says who holds.

        Of a device with several calls it says so only where all of them are on hold.
        """
        legs = list(self._legs.of_endpoint(endpoint))
        for leg in legs:
            for call in self.calls.of(leg):
                other = call.other(leg)
                if other is not None and (state == "ONHOLD" or len(legs) == 1):
                    self._hold(other, state == "ONHOLD")
                    call.release(other.id)
        self._settle({leg.id: leg for leg in legs}, 0.0, None)

    def talking(self) -> set[str]:
        """The endpoints whose phones talk, or are held."""
        return {
            leg.endpoint for call in self.calls.all_living() if call.answered and not call.apart for leg in call.legs()
        }

    def sessions(self) -> tuple[Session, ...]:
        """All that live, right after a list."""
        return tuple(_listed(call, call.told) for call in self.calls.all_living() if call.told is not None)

    # -- edges of the graph of dialling

    def _link(self, leg: Leg) -> None:
        """Make the calls that this leg's own beginning, or its being dialled, amounts to."""
        if not leg.is_phone:
            for one in sorted(leg.dialled):
                target = self._legs.get(one)
                if target is not None and target.is_phone:
                    self._link(target)
            return
        if not leg.calls and not leg.bridged:  # who comes out of a bridge is in no call until it calls somebody
            self._begin_own(leg)
        if not leg.dialled_by or self.calls.is_called(leg):
            return
        caller = speaker(self._legs, self._legs.get(leg.dialled_by))
        if caller is None or caller is leg or caller.is_ours or self.calls.have_met(leg, caller):
            return
        self._begin_own(caller)
        own = self.calls.living(caller.id)
        if own is not None and own.callee is None and leg.linked_id.startswith(OURS):
            self._finish(own, Verdict(REDIRECTED, ends=True, derived=True))  # on a list: forwarded before we came
            own = None
        refused = next((call for call in self.calls.of(caller) if self._goes_on(call, leg)), None)
        if refused is not None:
            self.calls.try_next(refused, leg)
        elif own is not None and own.callee is None:
            self.calls.adopt(own, leg)
        elif not caller.gone:
            call = Call(f"{caller.id}/{leg.id}", leg, caller.linked_id, caller, leg)
            call.transfer_of = self._transferees.get(caller.id)
            self.calls.begin(call)
        self._drop_own(leg)

    def _goes_on(self, call: Call, leg: Leg) -> bool:
        """Whether this leg leads to whom the call is for by the next trunk, as the one before refused it."""
        before = call.callee
        if before is None or before is leg or not before.gone or call.answered or before.dialled_by != leg.dialled_by:
            return False
        numbers = {number_outside(one) if self._outside.holds(one) else None for one in (before, leg)}
        return len(numbers) == 1 and None not in numbers

    def _begin_own(self, leg: Leg) -> None:
        """A leg that has its own Linkedid is a call from its first moment on."""
        if leg.id == leg.linked_id and not leg.is_ours and not leg.gone:
            self.calls.begin(Call(leg.id, leg, leg.linked_id, leg))

    def _drop_own(self, leg: Leg) -> None:
        """A leg that became the far end of another's call (it picked that up) has no call of its own any more."""
        own = self.calls.living(leg.id)
        if own is not None and own.callee is None:
            own.verdict = Verdict(COMPLETED, ends=True, derived=True)

    def _meet(self, leg: Leg) -> None:
        """Two that hear each other alone, and whom no call has brought together: a fetched parked call, a bridge.

        Who fetched it calls; else who began the call (of the other it is told by its Linkedid), who has called
        somebody before, who has been there longer.
        """
        if not leg.is_phone or leg.gone:
            return
        company = beside(self._legs, leg)
        if any(self._legs.is_in_a_room(one) for one in (leg, *company)):
            return
        others = [one for one in company if one.is_phone]
        if len(others) != 1 or not self._is_free(leg) or not self._is_free(others[0]):
            return
        if self.calls.are_together(leg, others[0]):
            return
        pair = sorted((leg, others[0]), key=self._came_to)
        caller, callee = pair
        self._begin_own(caller)
        own = self.calls.living(caller.id)
        if own is not None and own.callee is None and own.caller is caller:
            self.calls.adopt(own, callee)
        else:
            self.calls.begin(Call(self.calls.free_id(caller, callee), callee, caller.linked_id, caller, callee))
        self._drop_own(callee)

    def _is_free(self, leg: Leg) -> bool:
        """Whether it is in no call with anybody but one that it holds."""
        return all(call.callee is None or leg.id in call.holders for call in self.calls.of(leg))

    def _came_to(self, leg: Leg) -> tuple[bool, bool, bool, bool, tuple[int, int]]:
        return leg.fetched, leg.linked_now != leg.id, leg.rung, not leg.dials, age(leg.id)

    # -- holds and transfers

    def _hold(self, leg: Leg, holds: bool) -> None:
        for call in self.calls.of(leg):
            other = call.other(leg)
            if not holds:
                call.releasing |= call.holders & {leg.id}
                if other is not None and not other.music and not self._may_transfer(call, leg):
                    call.release(leg.id)
            elif call.answered:
                call.hold(leg)
                leg.keyed = False

    def _play(self, leg: Leg, plays: bool) -> None:
        """Music that stops while both are still together says that who held has taken the other back.

        Not so where that phone may be about to transfer.
        """
        leg.music = plays and not leg.gone
        for call in self.calls.of(leg) if not plays else ():
            holder = call.other(leg)
            if holder is not None and is_connected(call, self._legs) and not self._may_transfer(call, holder):
                call.release(holder.id)

    def _may_transfer(self, call: Call, holder: Leg) -> bool:
        """Whether it has another call, or pressed keys since it held: they may be a code and a number."""
        return holder.keyed or has_another(call, holder, self._legs, self.calls)

    def _park(self, fields: Fields, touched: dict[str, Leg]) -> None:
        """Who is parked talks to nobody. Sent there by the other, it was transferred, whatever the other does next."""
        parked = speaker(self._legs, self._legs.see(fields, "Parkee"))
        if parked is None or parked.gone:
            return
        parked.parked = parked.fetched = True
        touched[parked.id] = parked
        for call in self.calls.of(parked):
            # both may be sent to a parking place to be held: then the dialplan's place of each is there
            if call.answered and not call.apart and parked.place in call.answered_in:
                call.verdict = Verdict(TRANSFER_COMPLETED, ends=True, derived=True)

    def _unpark(self, fields: Fields, touched: dict[str, Leg]) -> None:
        parked = speaker(self._legs, self._legs.see(fields, "Parkee"))
        fetcher = self._legs.see(fields, "Retriever")
        if parked is not None:
            parked.parked = False
            parked.fetched = fetcher is not None
            touched[parked.id] = parked

    def _blind(self, fields: Fields, touched: dict[str, Leg]) -> None:
        leaves = self._legs.see(fields, "Transferer")
        stays = speaker(self._legs, self._legs.see(fields, "Transferee"))
        if fields.get("Result") != "Success" or leaves is None or stays is None:
            return
        for call in self.calls.of(leaves):
            if call.other(leaves) is stays and call.stays is None:
                call.stays = stays
                self._transferees[stays.id] = call
                for onward in self.calls.of(stays):  # an event that came before this one may have begun it
                    if onward.caller is stays and not onward.answered and onward.transfer_of is None:
                        onward.transfer_of = call
                touched[leaves.id] = leaves

    def _attended(self, fields: Fields, touched: dict[str, Leg]) -> None:
        first, second = self._legs.see(fields, "OrigTransferer"), self._legs.see(fields, "SecondTransferer")
        stays = speaker(self._legs, self._legs.see(fields, "Transferee"))
        if fields.get("Result") != "Success" or first is None or second is None or stays is None:
            return
        onward = [call for call in self.calls.of(second) if stays not in call.legs()]
        for call in self.calls.of(first):
            if call.other(first) is stays:
                call.verdict = Verdict(TRANSFER_COMPLETED, ends=True)
        for call in onward:
            self._hand_over(call, second, stays)
        touched[stays.id] = stays

    def _hand_over(self, onward: Call, leaves: Leg, stays: Leg) -> None:
        """Who was transferred takes the transferring leg's place in the call to the target, if it has found one."""
        if onward.callee is None:
            onward.verdict = Verdict(COMPLETED, ends=True, derived=True)
            return
        if onward.caller is leaves:
            onward.caller, onward.answered_in = stays, (stays.place, onward.answered_in[1])
        else:
            onward.callee, onward.answered_in = stays, (onward.answered_in[0], stays.place)
        onward.holders -= {leaves.id}
        leaves.calls.discard(onward.id)
        stays.calls.add(onward.id)

    def _left_both(self, leg: Leg) -> None:
        """A leg in two calls is gone, and the two that it leaves hear each other: so it transferred them."""
        calls = self.calls.of(leg)
        if len(calls) != 2:
            return
        call, onward = sorted(calls, key=lambda one: one.callee is not leg)
        stays, far = call.other(leg), onward.other(leg)
        if stays is not None and far is not None and stays is not far and far.id in self._legs.joined(stays):
            call.verdict = Verdict(TRANSFER_COMPLETED, ends=True)
            self._hand_over(onward, leg, stays)

    # -- telling

    def _gather(self, leg: Leg, touched: dict[str, Leg]) -> None:
        for one in self._legs.joined(leg):
            member = self._legs.get(one)
            if member is not None:
                touched[one] = member

    def _settle(self, touched: dict[str, Leg], at: float, reported_at: float | None) -> list[SessionSeen]:
        for leg in list(touched.values()):
            self._gather(leg, touched)
        for leg in list(touched.values()):
            self._link(leg)
        for leg in touched.values():
            self._meet(leg)
        return self._tell_all(self._concerned(touched.values()), at, reported_at)

    def _settle_doubts(self, at: float, reported_at: float | None) -> list[SessionSeen]:
        told: list[SessionSeen] = []
        for call_id, (since, reported, lasts) in sorted(self._doubts.items(), key=lambda doubt: doubt[1][0]):
            if reported is not None and reported_at is not None:
                over, moment = reported_at >= reported + lasts, min(at, since + lasts)
            else:
                patience = max(lasts, PATIENCE)
                over, moment = at >= since + patience, since + patience
            call = self.calls.living(call_id)
            if call is not None and over:
                told += self._decide(call, moment)
        return told

    def _decide(self, call: Call, at: float) -> list[SessionSeen]:
        """Nothing more is waited for: what the facts amount to is so."""
        call.release()
        found = judge(call, around(call, self._legs, self.calls, self._outside)) if not call.over else None
        if isinstance(found, Doubt):
            call.verdict = found.otherwise
        self._doubts.pop(call.id, None)
        return self._tell_all([call], at, None)

    def _tell_all(self, waiting: list[Call], at: float, reported_at: float | None) -> list[SessionSeen]:
        seen: list[SessionSeen] = []
        while waiting:
            call = waiting.pop(0)
            if call.over:
                continue
            told = self._judge(call, at, reported_at)
            if told:  # only a change makes others be looked at again, so this ends
                seen += told
                waiting += self._affected(call)
        return seen

    def _concerned(self, legs: Iterable[Leg]) -> list[Call]:
        found: dict[str, Call] = {}
        for leg in legs:
            for call in self.calls.of(leg):
                found[call.id] = call
            for one in leg.dialled:  # a cancelled branch is judged by what its dialler does next
                target = self._legs.get(one)
                for call in self.calls.of(target) if target is not None else ():
                    found[call.id] = call
        return list(found.values())

    def _affected(self, call: Call) -> list[Call]:
        """The calls whose state hangs on this one's: transferred into it, held for it, rung beside it, begun by it."""
        found = [call.transfer_of] if call.transfer_of is not None else []
        for leg in call.legs() if call.over else (call.caller,):
            found += self.calls.of(leg)
            if call.over:
                self._meet(leg)
                found += [one for other in (leg, *beside(self._legs, leg)) for one in self.calls.of(other)]
        for leg in self._legs.of_endpoint(call.caller.endpoint):
            found += [one for one in self.calls.of(leg) if leg.id in one.holders]
        return [one for one in found if one is not call]

    def _judge(self, call: Call, at: float, reported_at: float | None) -> list[SessionSeen]:
        if not call.verdict.ends:
            if call.stays is not None and self._legs.is_parked(call.stays):
                call.verdict = Verdict(TRANSFER_COMPLETED, ends=True, derived=True)  # it led to a parking place
            else:
                call.verdict = self._weigh(call, at, reported_at)
        if call.transfer_of is not None:
            self._report_transfer(call, call.transfer_of)
        verdict = call.verdict
        told: list[SessionSeen] = []
        if verdict.ends and not call.answered and call.told is not None and _was_answered(call, verdict):
            call.answered = True  # and moved before both were joined: whoever meant to forward it was too late
            told.append(self._tell(call, "stateChanged", Verdict(IN_CALL, derived=True), at, reported_at))
        if call.told is None:  # every call is set up first, though its ringing or its end may be seen before that
            begun = Verdict(SETUP if call.transfer_of is None else TRANSFER_SETUP)
            told.append(self._tell(call, "created", begun, at, reported_at))
        if not verdict.ends and session_of(call, verdict.state, self._outside) != call.told:
            told.append(self._tell(call, "stateChanged", verdict, at, reported_at))
        if verdict.ends:
            told.append(self._tell(call, "closed", verdict, at, reported_at))
            self._finish(call, verdict)
        return told

    def _weigh(self, call: Call, at: float, reported_at: float | None) -> Verdict:
        """What the facts amount to now; what is in doubt is noted, and stays as it was told."""
        surroundings = around(call, self._legs, self.calls, self._outside)
        call.apart = call.apart and (call.joined or not surroundings.connected)
        call.joined = surroundings.connected
        found = judge(call, surroundings)
        if isinstance(found, Doubt):
            since, reported, _ = self._doubts.get(call.id, (at, reported_at, found.lasts))
            self._doubts[call.id] = since, reported, found.lasts
            return found.meanwhile or call.verdict
        self._doubts.pop(call.id, None)
        return found or call.verdict

    def _tell(self, call: Call, kind: Kind, verdict: Verdict, at: float, reported_at: float | None) -> SessionSeen:
        call.told = session_of(call, verdict.state, self._outside)
        return SessionSeen(
            at=at,
            connection=self._connection,
            kind=kind,
            session=call.told,
            reported_at=reported_at,
            derived=verdict.derived,
        )

    def _report_transfer(self, call: Call, transferred: Call) -> None:
        if call.verdict.ends and not call.answered and call.verdict.state not in _PASSED:
            transferred.transfer_failed = True
        elif call.verdict.state == IN_CALL:
            transferred.verdict = Verdict(TRANSFER_COMPLETED, ends=True)

    def _end(self, leg: Leg, cause: int) -> None:
        forgotten = self._legs.end(leg, cause)
        if forgotten is not None:
            for call_id in forgotten.calls:
                self._doubts.pop(call_id, None)
            self.calls.forget(forgotten)

    def _finish(self, call: Call, verdict: Verdict) -> None:
        self.calls.finish(call, verdict)
        call.joined = is_connected(call, self._legs)
        self._doubts.pop(call.id, None)
        for leg in call.legs():
            if self._transferees.get(leg.id) is call:
                del self._transferees[leg.id]


def _listed(call: Call, told: Session) -> Session:
    """With what only a list says: how long a phone rings, and not how long the caller has been in a queue before."""
    if told.session_state != RINGING or call.callee is None or not call.callee.listed_for:
        return told
    return replace(told, state_duration=call.callee.listed_for)


def _was_answered(call: Call, verdict: Verdict) -> bool:
    callee = call.callee
    return verdict.state == REDIRECTED and callee is not None and callee.dial_status == "ANSWER"
