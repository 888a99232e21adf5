"""`ozrules schema`: what editors and pipelines need to know of the files that ozrules reads and of the lines it writes.

The schemas of files are described by the very shapes that read them. Lines of the record are written in one place,
`ozrules.runtime.records`, and described here: every name that stands in the contract with readers is required.
"""

import argparse
import json
from collections.abc import Callable
from typing import Final, get_args

from ozrules.cli.commands import ABOUT
from ozrules.engine.effects import Certainty, EventKind, OutcomeName, Reason
from ozrules.rules import loader
from ozrules.rules.model import Routing
from ozrules.rules.shape import Schema
from ozrules.scenario import reading
from ozrules.settings import configuration

EXAMPLE: Final = """example:
  ozrules schema rules > ozrules.schema.json

The line # yaml-language-server: $schema=ozrules.schema.json at the top of a rule file makes editors use it."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "schema",
        help=ABOUT["schema"],
        description="Prints a JSON Schema (Draft 2020-12).",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("of", nargs="?", choices=list(SCHEMAS), default="rules", help="rules unless given")
    parser.set_defaults(run=schema)


def schema(arguments: argparse.Namespace) -> int:
    """Always 0."""
    print(json.dumps(SCHEMAS[arguments.of](), ensure_ascii=False, indent=2))
    return 0


_SAYS: Final[dict[str, str]] = {
    "type": "What kind of line this is.",
    "schema": "The version of this form.",
    "seq": "Counts all lines, without gaps.",
    "time": "When it happened, wall clock.",
    "mode": "enforce: rules act; observe: they only decide.",
    "revision": "The hash of the rule files in force.",
    "connection": "The connection, by its name in the configuration.",
    "sessionId": "The session, by the phone system's id.",
    "masterSessionId": "What all sessions of one call have in common.",
    "by": "Who did it.",
    "uid": "The user's number on this host.",
    "who": "Who did it, and how.",
    "kind": "What kind of event it was.",
    "state": "The state that the session was in then.",
    "from": "The state before it.",
    "since": "When that state began.",
    "due": "The moment that a timer or the calendar planned.",
    "lateBy": "Seconds after that moment.",
    "routing": "What the phone system asked.",
    "caller": "The number that calls.",
    "callee": "The number that is called.",
    "direction": "inbound, outbound, internal or transit.",
    "dialedNumber": "The number that was dialled.",
    "callerDisplayName": "The name that the caller shows.",
    "startTime": "When the session began, as the phone system says it.",
    "hops": "How often the call was forwarded or transferred.",
    "decision_id": "This decision, or the one that it follows from.",
    "command_id": "The command that was sent; null where none was.",
    "action": "What was done, or would have been.",
    "args": "With what.",
    "at": "Where the rule says so, file:line:column.",
    "path": "The way to the condition in the rule.",
    "wanted": "What the rule wants.",
    "actual": "What was there; null for nothing.",
    "event": "What happened.",
    "session": "The session as it was then.",
    "rule": "The rule, by its id.",
    "trigger": "The trigger, by its id or its number in the rule.",
    "reason": "Why it did or did not act; or why there was a gap.",
    "status": "The rule's status.",
    "actions": "What was to be done, in order.",
    "values": "What conditions read, by the way to each in the rule; null for nothing.",
    "chosen": "Which ways its actions took at once; lines of type chosen tell of later ones.",
    "branch": "if 1, if 2 …, else or none of a choose; onFailure, onTimeout or onExhausted.",
    "to": "The number that the call was sent to.",
    "failed": "All conditions that were not as the rule wants them.",
    "outranked": "The rules that would have controlled the call had this one not been there.",
    "certainty": "complete: the phone system said so; derived: it follows; degraded: the link was down, and nothing "
    "that can be believed says what happened meanwhile.",
    "masked": "Paths in this line whose values are secrets.",
    "erased": "Paths in this line that were taken out.",
    "metrics": "What it cost.",
    "eval_us": "Microseconds that the decision took.",
    "outcome": "What became of the command.",
    "after_ms": "Milliseconds after it was sent.",
    "error": "What went wrong, in words; null for nothing.",
    "text": "What the rule said.",
    "ok": "Whether it was done.",
    "rules": "How many rules are in force.",
    "errors": "What is wrong, each with its place.",
    "command": "What was asked for.",
    "ready": "Whether the phone system can be reached.",
    "detail": "How it came to that.",
}

# --- the record -----------------------------------------------------------------------------------------------------

_TEXT: Final[Schema] = {"type": "string"}
_PERHAPS: Final[Schema] = {"type": ["string", "null"]}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}


def decision() -> Schema:
    """The JSON Schema of a line of the record, of whatever type."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of the decision record of ozrules",
        "description": "One JSON object a line: what was decided, what became of it, and what else mattered.",
        "examples": [_EXAMPLE_OF_A_LINE],
        "oneOf": [
            _line("decision", _DECISION, "A rule that fired, or was stopped after its trigger matched, and why."),
            _line("outcome", _OUTCOME, "What became of a command. unknown may be followed once; all others are final."),
            _line("chosen", _CHOSEN, "Which way the actions of a decision took later, where there was another."),
            _line("log", _LOG, "What a rule's own log action said."),
            _line("event", _EVENT, "A change on which no rule's trigger matched (log.decisions: all)."),
            _line("reload", _RELOAD, "Rules were reloaded, or could not be."),
            _line("control", _CONTROL, "An admin paused, resumed or cancelled something."),
            _line("connection", _CONNECTION, "A connection was reached, or lost."),
            _line("gap", _GAP, "Changes may have been missed here."),
        ],
    }


SCHEMAS: Final[dict[str, Callable[[], Schema]]] = {
    "rules": loader.schema,
    "config": configuration.schema,
    "test": reading.schema,
    "decision": decision,
}


def _closed(words: object) -> Schema:
    return {"enum": list(get_args(words))}


def _object(properties: Schema, *optional: str) -> Schema:
    return {
        "type": "object",
        "properties": {name: {"description": _SAYS[name]} | inner for name, inner in properties.items()},
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _line(kind: str, own: Schema, description: str) -> Schema:
    head: Schema = {
        "type": {"const": kind},
        "schema": {"const": 1, "description": "The version of this form."},
        "seq": {"type": "integer", "minimum": 1, "description": "Counts all lines, without gaps."},
        "time": _MOMENT,
        "mode": {"enum": ["enforce", "observe"]},
        "revision": _TEXT | {"description": "The hash of the rule files in force."},
        "connection": _TEXT,
        "sessionId": _TEXT,
    }
    of_no_session = {"connection", "sessionId"} - ({"connection"} if kind in ("gap", "connection") else set())
    if kind in ("outcome", "chosen", "log", "event"):
        of_no_session = set()
    optional = {"to"} if kind == "outcome" else {"values", "chosen"} if kind == "decision" else set()
    return {"description": description} | _object(head | own, *of_no_session, *optional)


_WHO: Final[Schema] = _object({"by": _TEXT, "uid": {"type": "integer"}}, "uid")
_EVENT_VIEW: Final[Schema] = _object(
    {
        "kind": _closed(EventKind),
        "state": _TEXT,
        "from": _PERHAPS,
        "since": _MOMENT,
        "due": _MOMENT | {"description": "The moment that a timer or the calendar planned."},
        "lateBy": {"type": "number", "description": "Seconds after it."},
        "routing": _closed(Routing) | {"description": "What the phone system asked."},
    },
    "due",
    "lateBy",
    "routing",
)
_OF_SESSION: Final = ("caller", "callee", "direction", "dialedNumber", "callerDisplayName", "startTime")
_SESSION: Final[Schema] = _object(
    dict.fromkeys(_OF_SESSION, _TEXT) | {"hops": {"type": "integer", "minimum": 0}}, *_OF_SESSION, "hops"
)
_ACTION: Final[Schema] = _object(
    {
        "command_id": _PERHAPS,
        "action": _TEXT,
        "args": {"type": "object", "additionalProperties": _TEXT},
        "at": _TEXT | {"description": "Where the rule says so, file:line:column."},
    }
)
_FAILED: Final[Schema] = _object({"path": _TEXT, "wanted": _TEXT, "actual": _PERHAPS, "at": _TEXT})
_VALUES: Final[Schema] = {"type": "object", "additionalProperties": _PERHAPS}
_WAY: Final[Schema] = {
    "at": _TEXT | {"description": "Where the rule says so, file:line:column."},
    "branch": _TEXT,
    "values": _VALUES,
    "actions": {"type": "array", "items": _ACTION},
}
_DECISION: Final[Schema] = {
    "decision_id": _TEXT,
    "masterSessionId": _PERHAPS,
    "event": _EVENT_VIEW,
    "session": {"anyOf": [_SESSION, {"type": "null"}]},
    "rule": _TEXT,
    "trigger": _TEXT,
    "reason": _closed(Reason),
    "status": {"enum": ["active", "shadow", "disabled", "canary"]},
    "actions": {"type": "array", "items": _ACTION},
    "values": _VALUES,
    "chosen": {"type": "array", "items": _object(_WAY)},
    "failed": {"type": "array", "items": _FAILED},
    "by": _PERHAPS | {"description": "The rule, exception or guard that stopped it."},
    "outranked": _TEXTS,
    "certainty": _closed(Certainty),
    "masked": _TEXTS | {"description": "Paths in this line whose values are secrets."},
    "erased": _TEXTS,
    "metrics": _object({"eval_us": {"type": "integer", "minimum": 0}}),
}
_OUTCOME: Final[Schema] = {
    "decision_id": _TEXT,
    "command_id": _TEXT,
    "rule": _TEXT,
    "action": _TEXT,
    "outcome": _closed(OutcomeName),
    "state": _PERHAPS,
    "after_ms": {"type": "integer"},
    "error": _PERHAPS,
    "to": _TEXT,
}
_CHOSEN: Final[Schema] = {"decision_id": _TEXT, "rule": _TEXT} | _WAY
_LOG: Final[Schema] = {"decision_id": _TEXT, "rule": _TEXT, "text": _TEXT}
_EVENT: Final[Schema] = {
    "masterSessionId": _PERHAPS,
    "event": _EVENT_VIEW,
    "session": _SESSION,
    "certainty": _closed(Certainty),
}
_RELOAD: Final[Schema] = {"ok": _BOOLEAN, "who": _WHO, "rules": {"type": ["integer", "null"]}, "errors": _TEXTS}
_CONTROL: Final[Schema] = {
    "command": _TEXT,
    "args": {"type": "object", "additionalProperties": _TEXT},
    "who": _WHO,
    "ok": _BOOLEAN,
    "error": _PERHAPS,
}
_CONNECTION: Final[Schema] = {"ready": _BOOLEAN, "detail": _TEXT}
_GAP: Final[Schema] = {"reason": _TEXT}
_EXAMPLE_OF_A_LINE: Final[Schema] = {
    "type": "outcome",
    "schema": 1,
    "seq": 4712,
    "time": "2026-11-23T10:00:20.414+01:00",
    "mode": "enforce",
    "revision": "sha256:9f3c",
    "connection": "office",
    "sessionId": "s1",
    "decision_id": "01JD3Z6Q0H8W4T2N5C7R9KXMVB",
    "command_id": "01JD3Z6Q0H8W4T2N5C7R9KXMVB-0",
    "rule": "sales-no-answer",
    "action": "forward",
    "outcome": "confirmed",
    "state": "Ringing",
    "after_ms": 410,
    "error": None,
}
