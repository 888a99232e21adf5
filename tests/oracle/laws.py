"""The laws that hold between what the sessions say and what Asterisk did.

A law may be broken for `GRACE` seconds: Asterisk itself takes some thousandths to let two channels leave one bridge and
enter another, to hang up the second channel after the first, or to swap a Local channel for what is behind it. What
lasts longer is a breach. Nothing here knows how the sessions were made.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tests.oracle.history import A_MOMENT, History, Moment

GRACE: Final = 0.1
"""Seconds. The longest such moment in all recordings lasts less than half of that."""

FOREVER: Final = float("inf")

TALKS: Final = frozenset({"InCall"})
HELD: Final = frozenset({"CalleeOnHold", "CallerOnHold", "OnHold", "OnHoldInactive", "TransferRequested"})
RINGS: Final = frozenset({"Ringing"})
SENT_ON: Final = frozenset({"Transferring", "TransferFailed"})
"""The called party, or the caller, has left: the session tells what becomes of the one who stays."""

TOGETHER: Final = "who is in a call is together"
RINGING: Final = "what is told to ring rings, for this caller"
PAIR: Final = "two who talk are one session"
OVER: Final = "a session ends with its called leg, and when a leg talks with somebody else"
NEVER: Final = "nothing is told of a channel that is not there"
HEARD: Final = "a phone that rings for somebody is one ringing session"
PASSING: Final = "nobody is told to be back in a call that ends in that moment"
BEGINS: Final = "a session with two legs begins while the one calls the other, or both talk"
COMPLETED: Final = "a call whose transfer completes ends as transferred"
ENDED: Final = "a session ends as what happened to its legs"

UNANSWERED: Final = frozenset({"NotAnswered", "Busy", "NotFound", "Cancelled"})


class Told(NamedTuple):
    """A report of a session: when, which, its state, the names of its channels, and whether it is over."""

    at: float
    session: str
    state: str
    caller: str | None
    callee: str | None
    over: bool


class Breach(NamedTuple):
    """A law that was broken, since when, for how long (infinity: to the end), and by what; and the phone whose ringing
    it is about, if it is.
    """

    law: str
    at: float
    lasted: float
    what: str
    rings: str = ""

    def __str__(self) -> str:
        return f"{self.at:.3f} for {self.lasted:.3f} s: {self.law}: {self.what}"


class Fault(NamedTuple):
    """What is wrong at a moment."""

    law: str
    what: str
    rings: str = ""


class Stay(NamedTuple):
    """A session between two reports of it. Its legs are the ids of channels; empty where there is none."""

    since: float
    until: float
    session: str
    state: str
    caller: str
    callee: str

    def __str__(self) -> str:
        return f"{self.session} {self.state} {self.caller} -> {self.callee or 'nobody'}"


def breaches(history: History, told: Iterable[Told], *, until: float = FOREVER, grace: float = GRACE) -> list[Breach]:
    """All that is broken before ``until``, the earliest first."""
    reports = [one for one in told if one.at <= until]
    found = [*_strangers(history, reports, grace), *_passing(history, reports, grace), *_ends(history, reports, grace)]
    found += [*_begins(history, reports, grace), *_transferred(history, reports, grace)]
    found += _lasting(history, [*_stays(history, reports)], 0.0, until, grace)
    return sorted(found, key=lambda breach: breach.at)


def breaches_after_a_list(history: History, told: Iterable[Told], since: float) -> list[Breach]:
    """All that is broken after ``since``, when a full list came after a gap, and ``told`` begins with what it showed.

    A list does not show who holds whom, so one who is held may be told as in a call; nor who calls whom, so of a phone
    that rings already nothing is asked. What was never heard may have been why a call ended: its end is not judged.
    """
    stays = [stay._replace(state="OnHold") if stay.state in TALKS else stay for stay in _stays(history, list(told))]
    rang = {phone for moment in history.between(since, since) for phone in moment.rings}
    return [one for one in _lasting(history, stays, since, FOREVER, GRACE) if one.rings not in rang]


def _stays(history: History, reports: list[Told]) -> Iterator[Stay]:
    by_session: dict[str, list[Told]] = {}
    for one in reports:
        by_session.setdefault(one.session, []).append(one)
    for session, mine in by_session.items():
        for one, after in zip(mine, [*mine[1:], None], strict=True):
            if one.over:
                break
            legs = [
                history.channel(name, one.at) or f"{name} (unknown)" if name else ""
                for name in (one.caller, one.callee)
            ]
            yield Stay(one.at, FOREVER if after is None else after.at, session, one.state, legs[0], legs[1])


def _lasting(history: History, stays: list[Stay], since: float, until: float, grace: float) -> Iterator[Breach]:
    """Every fault that is there without a pause for longer than the grace."""
    begun: dict[Fault, float] = {}
    for moment, now, at in _spans(history, stays, since, until):
        faults = set(_faults(history, moment, now))
        for fault in faults:
            begun.setdefault(fault, at)
        for fault in [one for one in begun if one not in faults]:
            yield from _breach(fault, begun.pop(fault), at, grace)
    for fault, at in begun.items():
        yield from _breach(fault, at, until, grace)


def _breach(fault: Fault, since: float, until: float, grace: float) -> Iterator[Breach]:
    if until - since > grace:
        yield Breach(fault.law, since, until - since, fault.what, fault.rings)


def _spans(
    history: History, stays: list[Stay], since: float, until: float
) -> Iterator[tuple[Moment, list[Stay], float]]:
    """Each stretch of time in which neither Asterisk nor a session changed: its moment, its sessions, its beginning."""
    if not history.moments:
        return
    times = {moment.at for moment in history.moments} | {stay.since for stay in stays} | {stay.until for stay in stays}
    latest = {moment.at: moment for moment in history.moments}
    moment = history.moments[0]
    coming = sorted(stays, key=lambda stay: stay.since, reverse=True)
    now: list[Stay] = []
    for at in sorted(at for at in times | {since} if at < until):
        moment = latest.get(at, moment)
        while coming and coming[-1].since <= at:
            now.append(coming.pop())
        now = [stay for stay in now if at < stay.until]
        if at >= max(since, history.moments[0].at):
            yield moment, now, at


def _faults(history: History, moment: Moment, stays: list[Stay]) -> Iterator[Fault]:
    for stay in stays:
        law = _fault(history, moment, stay)
        if law is not None:
            yield Fault(law, str(stay), stay.callee if law == RINGING else "")
    yield from _pairs(moment, stays)
    yield from _rung(moment, stays)


def _fault(history: History, moment: Moment, stay: Stay) -> str | None:
    caller, callee = stay.caller, stay.callee
    legs = [leg for leg in (caller, callee) if leg]
    strangers = {leg: moment.company(leg) - set(legs) for leg in legs}
    if not callee and (moment.together.get(caller, frozenset()) & moment.rooms or len(strangers[caller]) > 1):
        strangers[caller] = frozenset()  # it is its own call into a room of many
    if stay.state in SENT_ON:
        stays = [leg for leg in legs if moment.lives(leg)]
        return OVER if not stays or (len(stays) == 1 and strangers[stays[0]]) else None
    if not all(moment.lives(leg) for leg in legs):
        return OVER
    if callee and moment.are_together(caller, callee):
        return TOGETHER if callee in moment.callers.get(caller, ()) else None
    if stay.state in HELD:
        return (
            None if _is_held_apart(moment, caller, callee, strangers) else OVER if any(strangers.values()) else TOGETHER
        )
    if any(strangers.values()):
        return OVER
    if stay.state in TALKS:
        return None if _goes_on_hold(history, moment, caller, callee) else TOGETHER
    if stay.state in RINGS:
        rings = callee in moment.rings or (callee in moment.called and callee in moment.up)
        return None if rings and caller in moment.callers[callee] else RINGING
    return None


def _is_held_apart(moment: Moment, caller: str, callee: str, strangers: dict[str, frozenset[str]]) -> bool:
    """Whether one of the two waits alone, and the other waits too or is the one that made it wait."""
    waiting = {leg for leg in (caller, callee) if leg in moment.waiting | moment.held and not strangers.get(leg)}
    return waiting == {caller, callee} or bool(waiting and {caller, callee} - waiting <= moment.holds)


def _goes_on_hold(history: History, moment: Moment, caller: str, callee: str) -> bool:
    """Whether the two, who are apart, are on their way to where both wait: to be held by being parked, both have to be
    taken out of their bridge first, and Asterisk may say a parking place aloud before it plays music."""
    if {caller, callee} <= moment.waiting:
        return False  # they are there
    if {caller, callee} <= moment.held:
        return True
    for later in history.since(moment.at):
        if not later.lives(caller) or not later.lives(callee) or later.company(caller) or later.company(callee):
            return False
        if {caller, callee} <= later.waiting:
            return True
    return False


def _pairs(moment: Moment, stays: list[Stay]) -> Iterator[Fault]:
    for members in set(moment.together.values()):
        pair = members & moment.phones
        if len(pair) != 2 or not pair <= moment.up or members & moment.rooms:
            continue  # one alone; three and more, and whoever meets in a conference room, are no call of two
        sessions = [stay.session for stay in stays if {stay.caller, stay.callee} == pair and stay.state in TALKS | HELD]
        if len(sessions) != 1:
            yield Fault(PAIR, f"{' and '.join(sorted(pair))} are {len(sessions)} sessions {sorted(sessions)}")


def _rung(moment: Moment, stays: list[Stay]) -> Iterator[Fault]:
    for phone in moment.rings:
        callers = moment.callers[phone]
        sessions = [
            stay.session for stay in stays if stay.callee == phone and stay.caller in callers and stay.state in RINGS
        ]
        if callers and len(sessions) != 1:
            called = f"{phone}, called by {' and '.join(sorted(callers))}"
            yield Fault(HEARD, f"{called}, is {len(sessions)} sessions {sorted(sessions)}", phone)


def _strangers(history: History, reports: list[Told], grace: float) -> Iterator[Breach]:
    """Reports of channels that nobody has seen yet, or a session that begins when its caller has long been gone."""
    begun: set[str] = set()
    for one in reports:
        for name in (one.caller, one.callee):
            channel = history.channel(name, one.at + grace) if name else ""
            if channel is None:
                yield Breach(NEVER, one.at, 0.0, f"{one.session} {one.state} names {name}")
            elif one.session not in begun and channel and history.died(channel) + grace < one.at:
                yield Breach(NEVER, one.at, 0.0, f"{one.session} begins when {name} is gone")
        begun.add(one.session)


def _begins(history: History, reports: list[Told], grace: float) -> Iterator[Breach]:
    """Of two legs that had a session before, a second one needs a second talk: what has just ended is none."""
    begun: set[str] = set()
    pairs: set[frozenset[str]] = set()
    for one in reports:
        if one.session in begun or not one.callee:
            continue
        begun.add(one.session)
        caller, callee = (history.channel(name or "", one.at + grace) for name in (one.caller, one.callee))
        if caller is None or callee is None:
            continue
        pair = frozenset({caller, callee})
        since = one.at if pair in pairs else one.at - grace
        pairs.add(pair)
        around = [*history.between(since, one.at + grace)]
        called = any(callee in moment.called for moment in around)
        calls = called and any(caller in moment.callers.get(callee, ()) for moment in around)
        if not calls and not any(moment.are_together(caller, callee) for moment in around):
            yield Breach(BEGINS, one.at, 0.0, f"{one.session} {one.state} {caller} -> {callee}")


def _transferred(history: History, reports: list[Told], grace: float) -> Iterator[Breach]:
    for one in reports:
        legs = {history.channel(name, one.at) for name in (one.caller, one.callee) if name}
        for transfer in history.transfers:
            about = transfer.leaves in legs and legs & transfer.stay and abs(transfer.at - one.at) <= grace
            if about and one.over and one.state != "TransferCompleted":
                yield Breach(COMPLETED, one.at, 0.0, f"{one.session} {one.state}")


def _ends(history: History, reports: list[Told], grace: float) -> Iterator[Breach]:
    """Who talked was answered; who is said to have hung up did, or is gone."""
    for one in reports:
        caller, callee = (history.channel(name, one.at + grace) if name else None for name in (one.caller, one.callee))
        if not one.over or caller is None:
            continue
        if one.state in UNANSWERED and history.were_connected(caller, callee, one.at):
            yield Breach(ENDED, one.at, 0.0, f"{one.session} {one.state}, and was answered")
        hung_up = {"CallerHungUp": caller, "CalleeHungUp": callee}.get(one.state)
        if hung_up is not None and history.hung_up(hung_up) > one.at + grace:
            yield Breach(ENDED, one.at, 0.0, f"{one.session} {one.state}, and is still there")


def _passing(history: History, reports: list[Told], grace: float) -> Iterator[Breach]:
    """A hold that ends for its transfer brings nobody back, except where both were apart and were joined for it."""
    last: dict[str, list[Told]] = {}
    for one in reports:
        mine = last.setdefault(one.session, [])
        if mine and mine[-1].state == one.state and not one.over:
            continue
        if len(mine) > 1 and one.state in ("TransferCompleted", "Transferring"):
            held, back = mine[-2:]
            if held.state in HELD and back.state in TALKS and one.at - back.at <= grace:
                legs = [history.channel(name or "", back.at) or "" for name in (back.caller, back.callee)]
                around = [moment.are_together(*legs) for moment in history.between(back.at - A_MOMENT, one.at)]
                if all(around) or not any(around):
                    yield Breach(PASSING, back.at, one.at - back.at, f"{one.session} {one.state}")
        mine.append(one)
