"""`ozrules why`: every rule on one call, as the daemon recorded it, under the rules in force."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from ozrules.cli import configuration
from ozrules.cli.stored import with_journal
from ozrules.engine.effects import Reason
from ozrules.engine.identity import SessionKey
from ozrules.logs.escaping import escaped
from ozrules.replay.recording import NotARecording, read, story
from ozrules.replay.smallest import Changes, changes
from ozrules.replay.why import Answer, calls_of, lookback, on_record, why
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.runtime.clock import SystemClock
from ozrules.settings.model import Settings
from ozrules.settings.rule_files import rule_files
from ozrules.settings.sources import read_source
from ozrules.store.reading import Reader

EXAMPLE: Final = """examples:
  ozrules why s1
  ozrules why office/s1 sales-no-answer
  ozrules why s1@2026-11-23T10:00:00Z       the call of that startTime; else the latest under this id"""

MOST_CHANGES: Final = 25
"""Rules for which the smallest change is looked for when all are asked for."""


class _Recorded(msgspec.Struct):
    """What is read of a decision on the record."""

    time: datetime
    rule: str
    reason: Reason
    revision: str
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None


_DECISION: Final = msgspec.json.Decoder(_Recorded)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "why",
        help="why each rule did, or did not, act on a call",
        description="Plays a recorded call to the rules in force and says of each why it did, or did not, act, and the"
        " smallest change of the call and of the rule with which it would have.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("session", metavar="[CONNECTION/]SESSION[@START]", help="the call, by its sessionId")
    parser.add_argument("rule", metavar="RULE", nargs="?", help="this rule only")
    configuration.add_argument(parser)
    parser.set_defaults(run=explain)


def explain(arguments: argparse.Namespace) -> int:
    """0, 1 where there is no such call or rule, or nothing to read."""

    def work(reader: Reader, settings: Settings) -> int:
        try:
            return _explain(arguments, reader, _rules(settings))
        except DocumentInvalid:
            print("ozrules why: the rules have errors; `ozrules check` shows them.", file=sys.stderr)
        except NotARecording as problem:
            print(f"ozrules why: {escaped(str(problem))}", file=sys.stderr)
        return 1

    return with_journal(arguments, work)


def _explain(arguments: argparse.Namespace, reader: Reader, rules: RuleSet) -> int:
    if arguments.rule is not None and arguments.rule not in {rule.id for rule in rules.rules}:
        return _missing(f"there is no rule {arguments.rule} in force")
    named, _, start = arguments.session.partition("@")
    connection, _, session = named.rpartition("/")
    span = reader.times_of(session)
    if span is None:
        return _missing(f"no call {arguments.session} is in the recording")
    lines = reader.recording(since=span[0] - lookback(rules), until=span[1])
    told = story(read(line.body for line in lines if line.intact))
    calls = [key for key in calls_of(told.events, rules, session, connection or None) if start in ("", key.start)]
    if not calls:
        return _missing(f"no call {arguments.session} is in the recording")
    call, now = calls[-1], SystemClock().now()
    print(escaped(f"{call.connection}/{call.session_id}@{call.start}"))
    answers = on_record(why(told, rules, call, until=now), _recorded(reader, rules, call, told.span_of(call)))
    shown = [each for each in answers if arguments.rule in (None, each.rule)]
    for number, answer in enumerate(shown):
        print("\n".join(_lines(answer)))
        if answer.reason != "fired" and number < MOST_CHANGES:
            print("\n".join(_changes(changes(told, rules, call, answer.rule, until=now))))
    if len(shown) > MOST_CHANGES:
        print(f"What would have made the others fire: ozrules why {escaped(arguments.session)} RULE")
    return 0


def _recorded(reader: Reader, rules: RuleSet, call: SessionKey, span: tuple[float, float]) -> Iterator[Answer]:
    """What the daemon decided on the call, where that was under these rules."""
    places = {rule.id: rule.place for rule in rules.rules}
    lines = reader.records(session=f"{call.connection}/{call.session_id}", since=span[0], until=span[1])
    for line in lines:
        try:
            one = _DECISION.decode(line.body)
        except msgspec.ValidationError:
            continue  # a line of another type
        if line.intact and one.revision == rules.revision and one.rule in places:
            yield Answer(
                rule=one.rule,
                place=places[one.rule],
                reason=one.reason,
                at=one.time.timestamp(),
                failed=one.failed,
                by=one.by,
            )


def _rules(settings: Settings) -> RuleSet:
    sources = [read_source(path) for path in rule_files(settings.rules)]
    problems = tuple(each for each in sources if isinstance(each, Diagnostic))
    if problems:
        raise DocumentInvalid(problems)
    return load([each for each in sources if not isinstance(each, Diagnostic)], frozenset(settings.secrets))


def _missing(what: str) -> int:
    print(f"ozrules why: {escaped(what)}.", file=sys.stderr)
    return 1


def _lines(answer: Answer) -> Iterator[str]:
    by = f" {answer.by}" if answer.by else ""
    yield escaped(f"{answer.rule}: {answer.reason}{by}  ({answer.place})")
    for leaf in answer.failed:
        actual = "nothing" if leaf.actual is None else leaf.actual
        yield escaped(f"    {leaf.path}: wanted {leaf.wanted}, actual {actual}  ({leaf.at})", 1024)


def _changes(found: Changes) -> Iterator[str]:
    if found.rule == ():
        yield "    played again without what disturbed it then, it fires"
        return
    if found.call is not None:
        yield escaped(f"    smallest change of the call: {_and(edit.text for edit in found.call)}", 1024)
    if found.rule is not None:
        edits = _and(f"{edit.text} ({edit.at})" for edit in found.rule)
        yield escaped(f"    smallest change of the rule: {edits}", 1024)
    if found.call is None and found.rule is None:
        yield "    no change of the call or of the rule was found with which it would have fired"


def _and(texts: Iterable[str]) -> str:
    return ", and ".join(texts)
