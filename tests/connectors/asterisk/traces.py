"""The recorded traces of Asterisk 22 and 16 as test data, and sessions as text to compare them with.

`NAME.ami.txt` is what the manager sent to a user with ``read = call,dtmf,system``, byte by byte; `NAME.sessions.txt`
beside it is what the reducer must make of it, written down and checked by hand against what the phones did. Asterisk
16 was made to do the same as 22, so the same sessions must come of its traces.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from ozrules.connectors.asterisk.ami import Decoder, Fields
from ozrules.connectors.asterisk.endpoints import Outside
from ozrules.connectors.asterisk.reducer import Reducer
from ozrules.engine.events import SessionSeen

TRACES = Path(__file__).parents[2] / "data" / "asterisk-22"
EARLIER = Path(__file__).parents[2] / "data" / "asterisk-16"
CONVERSATIONS = Path(__file__).parents[2] / "data" / "conversations"


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)).removesuffix(".ami.txt") for path in folder.glob("*/*.ami.txt"))


NAMES = _names(TRACES)
EARLIER_NAMES = _names(EARLIER)
CONVERSATION_NAMES = _names(CONVERSATIONS)
TRUNKS = Outside.of(["PJSIP/trunk-*"])


def events_of(name: str, folder: Path = TRACES) -> list[Fields]:
    """The events of a trace, in the order in which they came."""
    messages = Decoder().feed((folder / f"{name}.ami.txt").read_bytes())
    return [message for message in messages if isinstance(message, dict) and "Event" in message]


def moment_of(event: Fields) -> float:
    """When Asterisk raised it."""
    return float(event.get("Timestamp") or 0)


def reduce(events: Iterable[Fields]) -> list[SessionSeen]:
    """What a new reducer makes of these events."""
    reducer = Reducer("open", TRUNKS)
    return [seen for event in events for seen in reducer.hear(event, moment_of(event))]


def as_text(changes: Iterable[SessionSeen]) -> str:
    """One line for each change; sessions and masters are numbered as they appear, derived states bear a ``~``."""
    sessions: dict[str, str] = {}
    masters: dict[str | None, str] = {}
    lines: list[str] = []
    for change in changes:
        one = change.session
        sessions.setdefault(one.session_id, f"s{len(sessions) + 1}")
        masters.setdefault(one.master_session_id, f"m{len(masters) + 1}")
        state = one.session_state + ("~" if change.derived else "")
        parties = f"{one.caller} -> {one.callee}"
        ways = f"{one.source_type}:{one.source} -> {one.destination_type}:{one.destination}"
        lines.append(
            f"{sessions[one.session_id]} {masters[one.master_session_id]} {change.kind:12} {state:18} {parties:28}"
            f" {one.direction or '-':8} {ways}"
        )
    return "\n".join(lines) + "\n" if lines else ""


def lives(changes: Iterable[SessionSeen]) -> list[tuple[str | None, ...]]:
    """Each session's parties and the states that it went through, whichever session is told first."""
    seen: dict[str, list[SessionSeen]] = {}
    for change in changes:
        seen.setdefault(change.session.session_id, []).append(change)
    told: list[tuple[str | None, ...]] = []
    for one in seen.values():
        states = [change.session.session_state + ("~" if change.derived else "") for change in one]
        last = one[-1].session
        parties = (last.caller, last.callee, last.direction, last.source_type, last.destination_type)
        told.append((*parties, *(state for state, _ in groupby(states))))
    return sorted(told, key=repr)
