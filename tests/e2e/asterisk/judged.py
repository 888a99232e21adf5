"""What a connector told of a real Asterisk, held against what the oracle beside it saw of the same calls.

Both hear the same manager by connections of their own; the moments are Asterisk's. After a lost connection nothing is
judged: what a connector may believe then is tried elsewhere. A list that came later says what lives.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ozrules.engine.events import Gap, SessionSeen, SessionsListed
from ozrules.runtime.ports import FromPhoneSystem
from ozrules.session.session import Session
from tests.oracle.history import History
from tests.oracle.laws import FOREVER, Told, breaches

GRACE: Final = 0.5
"""Seconds that a law may be broken here: these machines have other work to do than telephony."""


def judge(history: History, items: Iterable[FromPhoneSystem], until: float = FOREVER) -> None:
    """Fails where what was told is not what happened. ``until`` is when the telling was stopped, if it was."""
    told, lost = reports(items)
    assert history.moments or not told, "the oracle heard nothing"
    found = breaches(history, told, until=min(until, lost), grace=GRACE)
    assert not found, "\n".join(str(breach) for breach in found)


def judge_record(history: History, exported: str, stopped: float) -> None:
    """The same of a daemon's own record, as `ozrules export` prints it. ``stopped`` is when it was told to end."""
    told: list[Told] = []
    until = stopped
    for line in exported.splitlines():
        entry = json.loads(line)
        at = datetime.fromisoformat(entry["at"]).timestamp()
        match entry["event"]:
            case "created" | "stateChanged" | "closed" as event:
                told.append(_recorded(entry["session"], at, over=event == "closed"))
            case "snapshot":
                told += [_recorded(session, at) for session in entry["sessions"]]
            case "gap" if told:
                until = at
                break
            case _:
                pass
    assert told, "the daemon recorded nothing"
    found = breaches(history, told, until=until, grace=GRACE)
    assert not found, "\n".join(str(breach) for breach in found)


def _recorded(session: dict[str, str], at: float, *, over: bool = False) -> Told:
    legs = session.get("callerCallLegId"), session.get("calleeCallLegId")
    return Told(at, session["sessionId"], session["sessionState"], *legs, over)


def reports(items: Iterable[FromPhoneSystem]) -> tuple[list[Told], float]:
    """The reports, and the moment after which a connection was lost."""
    told: list[Told] = []
    living: dict[str, Told] = {}
    at = 0.0
    for item in items:
        match item:
            case Gap():
                return told, at
            case SessionSeen():
                at = item.at if item.reported_at is None else item.reported_at  # what became so by waiting alone
                told.append(_report(item.session, at, over=item.kind == "closed"))
            case SessionsListed(sessions=tuple() as sessions):
                listed = [_report(session, at) for session in sessions]
                ids = {one.session for one in listed}
                told += [
                    one._replace(at=at, state="Completed", over=True)
                    for one in living.values()
                    if one.session not in ids
                ]
                told += listed
            case _:
                continue
        living = {one.session: one for one in told}
        living = {session: one for session, one in living.items() if not one.over}
    return told, FOREVER


def _report(session: Session, at: float, *, over: bool = False) -> Told:
    legs = session.caller_call_leg_id, session.callee_call_leg_id
    return Told(at, session.session_id, session.session_state, *legs, over)
