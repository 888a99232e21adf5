"""What the people on a call do, as data: decided before it begins, so that the same seed gives the same calls."""

from typing import Literal, TypeAlias

import msgspec

Party = Literal["caller", "callee"]


class Hold(msgspec.Struct, frozen=True):
    """After ``after`` seconds of talk, ``by`` puts the other party on hold for ``seconds``; None: until hung up."""

    after: float
    by: Party
    seconds: float | None


class Transfer(msgspec.Struct, frozen=True):
    """After ``after`` seconds of talk, ``by`` sends the other party on to ``to``, and leaves."""

    after: float
    by: Party
    to: str


Act: TypeAlias = Hold | Transfer


class CallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as its people mean it to go. Times are seconds; a ring that nothing ends is ended by the phone system.

    ``acts`` are in order of ``after``. ``talk`` counts only time spent talking; ``fails`` ends the call before a phone
    rings.
    """

    caller: str
    callee: str
    caller_name: str | None = None
    answers_after: float | None = None
    rejects_after: float | None = None
    gives_up_after: float | None = None
    fails: Literal["NotFound", "Error"] | None = None
    talk: float = 60.0
    hangs_up: Party = "caller"
    acts: tuple[Act, ...] = ()
