"""A line of the record as a person reads it. Shared by the console and by `ozrules decisions`.

Every text of the record that is not ours is escaped here, the last moment before a terminal sees it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from ozrules.engine.effects import DONE
from ozrules.logs.escaping import MAX_DETAIL, MAX_SHOWN, escaped

Paint: TypeAlias = Callable[[str, str], str]
_COLOURS: Final = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}
_GOOD: Final = frozenset({"fired", *DONE})
_BAD: Final = frozenset({"rejected", "refused", "unconfirmed", "unknown", "actionFailed"})


def sentence(body: Mapping[str, object], *, colour: bool = False) -> str:
    """One line, without its line break."""
    paint = _paint if colour else _plain
    kind = body.get("type")
    match kind:
        case "decision":
            said = _decision(body, paint)
        case "outcome":
            said = _outcome(body, paint)
        case "chosen":
            said = f"{paint('bold', _text(body, 'rule'))} {_way(body)}"
        case "event":
            said = f"{_event(body)}  {_parties(body)}"
        case "log":
            said = f"{_text(body, 'rule')}: {_text(body, 'text')}"
        case "gap":
            said = paint("yellow", f"changes may have been missed: {_text(body, 'reason')}")
        case "connection":
            ready = body.get("ready") is True
            said = paint("green" if ready else "yellow", "ready" if ready else "not ready")
            said += f"  {_text(body, 'detail', MAX_DETAIL)}"
        case "reload":
            said = _reload(body, paint)
        case "control":
            result = "" if body.get("ok") is not False else paint("red", f"  refused: {_text(body, 'error')}")
            said = f"{_text(body, 'command')}{_arguments(body.get('args'))}{result}"
        case _:
            said = escaped(str(dict(body)))
    where = _where(body)
    return f"{paint('dim', _clock(body))} {f'{where} ' if where else ''}{said}".rstrip()


def _decision(body: Mapping[str, object], paint: Paint) -> str:
    reason = _text(body, "reason")
    hue = "green" if reason in _GOOD else "red" if reason in _BAD else "dim"
    said = f"{paint('bold', _text(body, 'rule'))} {paint(hue, _words(reason))}"
    if by := _text(body, "by"):
        said += f" {by}"
    actions = [action for action in _list(body.get("actions")) if isinstance(action, Mapping)]
    if actions:
        said += ": " + ", ".join(f"{_text(one, 'action')}{_arguments(one.get('args'))}" for one in actions)
    failed = [leaf for leaf in _list(body.get("failed")) if isinstance(leaf, Mapping)]
    if failed:
        said += ": " + "; ".join(
            f"{_text(one, 'path')} wants {_text(one, 'wanted')}, is {_text(one, 'actual') or 'absent'}"
            for one in failed
        )
    ways = [way for way in _list(body.get("chosen")) if isinstance(way, Mapping)]
    if ways:
        said += "; " + ", ".join(_way(way) for way in ways)
    if body.get("certainty") not in (None, "complete"):
        said += f" ({_text(body, 'certainty')})"
    if body.get("mode") == "observe":
        said += " (observe: nothing is sent)"
    return f"{said}  {paint('dim', f'{_parties(body)}  {_event(body)}'.strip())}"


def _way(way: Mapping[str, object]) -> str:
    """Which way actions went, and to what: ``chose else: forward to 2010``."""
    actions = [action for action in _list(way.get("actions")) if isinstance(action, Mapping)]
    said = ", ".join(f"{_text(one, 'action')}{_arguments(one.get('args'))}" for one in actions)
    return f"chose {_text(way, 'branch')}{f': {said}' if said else ''}"


def _outcome(body: Mapping[str, object], paint: Paint) -> str:
    outcome = _text(body, "outcome")
    hue = "green" if outcome in _GOOD else "red" if outcome in _BAD else "yellow"
    to = f" {_text(body, 'to')}" if body.get("to") else ""
    said = f"{paint('bold', _text(body, 'rule'))} {_text(body, 'action')}{to} {paint(hue, _words(outcome))}"
    after = body.get("after_ms")
    if isinstance(after, int):
        said += f" after {after} ms"
    error = _text(body, "error")
    return f"{said}: {error}" if error else said


def _reload(body: Mapping[str, object], paint: Paint) -> str:
    if body.get("ok"):
        count = _text(body, "rules")
        return paint("green", "1 rule holds from now on" if count == "1" else f"{count} rules hold from now on")
    errors = "; ".join(escaped(str(error)) for error in _list(body.get("errors")))
    return paint("red", "the rules were refused, the old ones stay") + (f": {errors}" if errors else "")


def _clock(body: Mapping[str, object]) -> str:
    try:
        return datetime.fromisoformat(str(body.get("time"))).strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return "--:--:--.---"


def _where(body: Mapping[str, object]) -> str:
    connection, session = _text(body, "connection"), _text(body, "sessionId")
    return f"{connection}/{session}" if session else connection


def _parties(body: Mapping[str, object]) -> str:
    session = body.get("session")
    if not isinstance(session, Mapping):
        return ""
    return f"{_text(session, 'caller') or '?'} → {_text(session, 'callee') or '?'}"


def _event(body: Mapping[str, object]) -> str:
    event = body.get("event")
    if not isinstance(event, Mapping):
        return ""
    if asked := _text(event, "routing"):
        return f"asked where it goes: {_words(asked).strip()}"
    before = _text(event, "from")
    return f"{before} → {_text(event, 'state')}" if before else _text(event, "state")


def _arguments(found: object) -> str:
    if not isinstance(found, Mapping):
        return ""
    return "".join(f" {escaped(str(name))} {escaped(str(value))}" for name, value in found.items())


def _text(of: Mapping[str, object], name: str, most: int = MAX_SHOWN) -> str:
    value = of.get(name)
    return "" if value is None else escaped(str(value), most)


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _words(name: str) -> str:
    """``stateLeftBeforeFor`` as ``state left before for``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _paint(hue: str, text: str) -> str:
    return f"\x1b[{_COLOURS[hue]}m{text}\x1b[0m" if text else text


def _plain(hue: str, text: str) -> str:
    return text
