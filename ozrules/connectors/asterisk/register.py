"""The register of calls: which there are, who takes part in which, and who has been part of one.

A call that is over stays on it for as long as its legs are remembered, so that the way of a call stays known.
"""

import itertools
from collections.abc import Iterator

from ozrules.connectors.asterisk.calls import Call, Verdict
from ozrules.connectors.asterisk.legs import Leg
from ozrules.session.state import REDIRECTED


class Register:
    """All calls by the ids of their sessions."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def known(self, session_id: str) -> Call | None:
        """The call behind a session, also for a while after its end."""
        return self._calls.get(session_id)

    def living(self, session_id: str) -> Call | None:
        """The living call behind a session."""
        call = self._calls.get(session_id)
        return None if call is None or call.over else call

    def all_living(self) -> Iterator[Call]:
        """Every call that is not over."""
        return (call for call in self._calls.values() if not call.over)

    def of(self, leg: Leg) -> list[Call]:
        """The living calls that a leg takes part in."""
        return [call for call_id in sorted(leg.calls) if (call := self.living(call_id)) is not None]

    def is_called(self, leg: Leg) -> bool:
        """Whether the leg is, or was, the callee of any call."""
        return leg.called

    def have_met(self, one: Leg, other: Leg) -> bool:
        """Whether there is, or was, a call between these two."""
        return any(self._calls[call_id].other(one) is other for call_id in one.calls)

    def are_together(self, one: Leg, other: Leg) -> bool:
        """Whether there is a call between these two, or one that is over and whose bridge they have not left yet."""
        theirs = (self._calls[call_id] for call_id in one.calls)
        return any((not call.over or call.joined) and call.other(one) is other for call in theirs)

    def part(self, leg: Leg) -> None:
        """The leg goes to another bridge, or to none: whom it meets from now on it meets anew."""
        for call_id in leg.calls:
            self._calls[call_id].joined = False

    def free_id(self, caller: Leg, callee: Leg) -> str:
        """An id for a call between these two that no earlier one had."""
        name = f"{caller.id}/{callee.id}"
        again = (f"{name}/{number}" for number in itertools.count(2))
        return next(one for one in itertools.chain([name], again) if one not in self._calls)

    def path_of(self, call: Call) -> set[str]:
        """Everybody who has been part of this call, under any name: whom it must not be forwarded to again."""
        found: set[str] = set()
        for one in self._calls.values():
            if one.master == call.master or one.caller is call.caller:
                found |= {one.caller.dialed or ""}
                for leg in one.legs():
                    found |= {leg.number or "", leg.endpoint.partition("/")[2], leg.dialled_from}
        return found - {""}

    def forwards_of(self, call: Call) -> int:
        """How often the caller has been sent on to somebody else."""
        return sum(self._calls[one].verdict.state == REDIRECTED for one in call.caller.calls)

    def begin(self, call: Call) -> None:
        """A new call, where none of its id is on the register."""
        if call.id in self._calls:
            return
        self._calls[call.id] = call
        for leg in call.legs():
            leg.calls.add(call.id)
        if call.callee is not None:
            call.callee.called = True

    def adopt(self, call: Call, callee: Leg) -> None:
        """The call has found whom it calls."""
        call.callee = callee
        callee.called = True
        callee.calls.add(call.id)

    def try_next(self, call: Call, callee: Leg) -> None:
        """The call goes to whom it is for by another trunk."""
        if call.callee is not None:
            call.callee.calls.discard(call.id)
        self.adopt(call, callee)

    def finish(self, call: Call, verdict: Verdict) -> None:
        """The call is over."""
        call.verdict, call.over = verdict, True

    def forget(self, leg: Leg) -> None:
        """The leg is remembered no more, and so are its calls."""
        for call_id in leg.calls:
            call = self._calls.pop(call_id)
            call.over = True
            for one in call.legs():
                if one is not leg:
                    one.calls.discard(call_id)
