"""`ozrules check --at TIME --caller N --callee N`: the rules that such a call would meet, in order."""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ozrules.logs.escaping import escaped
from ozrules.rules.calendar import first_moment, zone_of
from ozrules.rules.model import CalendarTrigger, RuleSet

if TYPE_CHECKING:
    from ozrules.scenario.meeting import Call, Meeting, Met

MOST_UNMET: Final = 10
WORDS: Final = {
    "shadow": "only watches (status: shadow)",
    "disabled": "is disabled",
    "notInCanary": "does not act for this call (status: canary)",
    "throttled": "acted too recently (throttle)",
    "hops": "is refused",
    "budget": "is refused",
    "guard": "is refused",
    "protected": "is refused",
    "actionFailed": "has nowhere to send the call",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--at``, ``--caller`` and ``--callee``."""
    group = parser.add_argument_group("a call", "which rules it would meet, in order; the rules must have no errors")
    group.add_argument("--at", metavar="TIME", help='when: "2026-12-24 18:00", "18:00" today, or now')
    group.add_argument("--caller", metavar="N", help="who calls; left out, the number is withheld")
    group.add_argument("--callee", metavar="N", help="who is called")


def wrong_call(arguments: argparse.Namespace) -> str | None:
    """What is wrong with these words, or None."""
    if arguments.at is None and arguments.caller is None and arguments.callee is None:
        return None
    if arguments.at is None or not arguments.callee:
        return "a call needs --at TIME and --callee N"
    if arguments.format == "sarif":
        return "--at is shown as text or json"
    try:
        _moment(arguments.at, UTC)
    except ValueError:
        return f'{arguments.at!r} is no time; write "2026-12-24 18:00", 18:00 or now'
    return None


def shown(arguments: argparse.Namespace, rules: RuleSet) -> list[str]:
    """The rules that the call of ``arguments`` would meet, in lines."""
    from ozrules.scenario.meeting import Call, meet  # the engine, which nobody who only checks needs

    zone = _zone(rules)
    at = _moment(arguments.at, zone)
    call = Call(at=at, caller=arguments.caller or None, callee=arguments.callee)
    meeting = meet(rules, call)
    if arguments.format == "json":
        return [msgspec.json.format(msgspec.json.encode(_object(call, meeting)), indent=2).decode()]
    return [escaped(line, 1024) for line in _text(call, meeting, datetime.fromtimestamp(at, zone))]


# --- when -----------------------------------------------------------------------------------------------------------


def _zone(rules: RuleSet) -> tzinfo:
    """The zone in which these rules tell the time, by most of their schedules; this host's where they tell none."""
    names = Counter(each.timezone for each in rules.schedules.values())
    names.update(
        each.cron.timezone for rule in rules.rules for each in rule.triggers if isinstance(each, CalendarTrigger)
    )
    if names:
        return zone_of(names.most_common(1)[0][0])
    here = datetime.fromtimestamp(_now()).astimezone().tzinfo
    assert here is not None, "astimezone gives one"
    return here


def _now() -> float:
    from ozrules.runtime.clock import SystemClock  # likewise

    return SystemClock().now()


def _moment(text: str, zone: tzinfo) -> float:
    """Seconds since 1970 UTC. Raises ValueError where the text is no time."""
    now = _now()
    text = text.strip()
    if text == "now":
        return now
    if ":" in text[:3]:
        text = f"{datetime.fromtimestamp(now, zone).date()}T{text.zfill(5)}"
    read = datetime.fromisoformat(text)
    if read.tzinfo is None and isinstance(zone, ZoneInfo):
        return first_moment(read, zone)
    return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).timestamp()


# --- showing --------------------------------------------------------------------------------------------------------


def _text(call: "Call", meeting: "Meeting", when: datetime) -> Iterator[str]:
    caller = call.caller or "a withheld number"
    yield f"A call from {caller} to {call.callee}, {when:%A %Y-%m-%d %H:%M %Z}:"
    if not meeting.met:
        yield "  meets no rule"
    last = None
    for number, each in enumerate(meeting.met, 1):
        if each.when != last:
            yield f"  {each.when}"
            last = each.when
        yield f"    {number}. {each.rule} {_verdict(each)}  ({each.place})"
    if meeting.unmet or meeting.rest:
        yield "Not met:"
    for each in meeting.unmet[:MOST_UNMET]:
        leaf = each.failed[0]
        actual = "nothing" if leaf.actual is None else leaf.actual
        besides = f", and {len(each.failed) - 1} more" if len(each.failed) > 1 else ""
        yield f"    {each.rule}: {leaf.path}: wanted {leaf.wanted}, actual {actual}{besides}  ({leaf.at})"
    more = len(meeting.unmet[MOST_UNMET:]) + len(meeting.rest)
    if more:
        yield f"    and {more} rule{'' if more == 1 else 's'} more"
    if meeting.other:
        yield f"Not by a state of the call: {', '.join(meeting.other)}"


def _verdict(met: "Met") -> str:
    if met.reason == "fired":
        return f"acts: {', '.join(map(_action, met.actions))}"
    if met.reason == "outrankedBy":
        return f"is outranked by {met.by}"
    if met.reason == "exception":
        return f"does not act: exception {met.by}"
    said = WORDS.get(met.reason, f"does not act: {met.reason}")
    return f"{said}: {met.by}" if met.by else said


def _action(action: Any) -> str:
    to = action.args.get("to") or action.args.get("url") or action.args.get("seconds")
    return f"{action.action} {to}" if to else str(action.action)


def _object(call: "Call", meeting: "Meeting") -> dict[str, Any]:
    return {
        "schema": 1,
        "call": {"at": datetime.fromtimestamp(call.at, UTC), "caller": call.caller, "callee": call.callee},
        "met": [_rule(each) for each in meeting.met],
        "unmet": [_rule(each) for each in meeting.unmet],
        "other": meeting.other,
        "rest": meeting.rest,
    }


def _rule(met: "Met") -> dict[str, Any]:
    return {
        "rule": met.rule,
        "file": met.place.file,
        "line": met.place.line,
        "column": met.place.column,
        "priority": met.priority,
        "when": met.when,
        "reason": met.reason,
        "by": met.by,
        "actions": [{"action": each.action, "args": each.args} for each in met.actions],
        "failed": met.failed,
    }
