"""The rows of ListActiveCalls as Sessions. No I/O.

Both generations' rows are read: ``CallInfo`` (classic) and ``Call`` (Ozeki 10), with StartTime and durations in either
form. ``CallerId`` is a display name in one of the vendor's samples and a number in others: a number says who calls, any
other text is a name. Sources: ozekiphone.com p_4058, p_4149, p_4587; ozeki.hu p_7637.
"""

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from ozrules.connectors.ozeki_http.answers import Answer
from ozrules.connectors.ozeki_http.xml import Element
from ozrules.session.durations import seconds_from
from ozrules.session.session import NotASession, Session, session_from
from ozrules.session.state import RINGING

ROWS: Final = frozenset({"callinfo", "call"})
_NUMBER: Final = re.compile(r"\+?[0-9*#][0-9*# ()./-]{0,31}", re.ASCII)
_READ_HERE: Final = frozenset(
    {"source", "callerid", "destination", "callerdialed", "calleedialed", "celleedialed", "ringduration"}
)


class Row(msgspec.Struct, frozen=True):
    """One active call, and for how many seconds it has rung, where that is told."""

    session: Session
    rang: float | None


class Listed(msgspec.Struct, frozen=True):
    """The active calls of one answer, and how many rows could not be read."""

    rows: tuple[Row, ...]
    unreadable: int = 0


def listed(answer: Answer) -> Listed:
    """The calls in an answer to ListActiveCalls. Of two rows with one id the later holds."""
    rows: dict[str, Row] = {}
    unreadable = 0
    for element in answer.root.walk():
        if element.name.lower() not in ROWS or not element.children:
            continue
        try:
            row = _row(element)
        except NotASession:
            unreadable += 1
        else:
            rows[row.session.session_id] = row
    return Listed(tuple(rows.values()), unreadable)


def _row(element: Element) -> Row:
    cells = {child.name.lower(): child.text for child in element.children if child.text}
    source, label, destination = cells.get("source"), cells.get("callerid"), cells.get("destination")
    # the vendor's table writes CelleeDialed once
    dialed = cells.get("callerdialed") or cells.get("calleedialed") or cells.get("celleedialed")
    others = {child.name: child.text for child in element.children if child.name.lower() not in _READ_HERE}
    session = session_from(
        others
        | {
            "caller": label if is_number(label) else source or label,
            "callerDisplayName": None if is_number(label) else label,
            "callee": dialed if is_number(dialed) and not is_number(destination) else destination,
            "dialedNumber": dialed,
            "source": source,
            "destination": destination,
        }
    )
    rang = cells.get("ringduration")
    if session.session_state == RINGING and rang:
        session = replace(session, state_duration=rang)
    return Row(session, seconds_from(rang))


def is_number(text: str | None) -> bool:
    """Whether a text is a phone number, in the digits and signs in which numbers are written."""
    return text is not None and _NUMBER.fullmatch(text) is not None
