"""`ozrules why`: every rule on one call, as the daemon recorded it, under the rules in force."""

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from ozrules.cli import configuration
from ozrules.cli.configuration import EX_CONFIG
from ozrules.logs.escaping import escaped
from ozrules.replay.recording import NotARecording, events, read
from ozrules.replay.why import Answer, calls_of, why
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.runtime.clock import SystemClock
from ozrules.settings.model import Settings
from ozrules.settings.rule_files import rule_files
from ozrules.settings.sources import read_source
from ozrules.store.reading import Reader
from ozrules.store.state_directory import StateUnusable

EXAMPLE: Final = """examples:
  ozrules why s1
  ozrules why office/s1 sales-no-answer
  ozrules why s1@2026-11-23T10:00:00Z       the call of that startTime; else the latest under this id"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "why",
        help="why each rule did, or did not, act on a call",
        description="Plays a recorded call to the rules in force and says of each why it did, or did not, act.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("session", metavar="[CONNECTION/]SESSION[@START]", help="the call, by its sessionId")
    parser.add_argument("rule", metavar="RULE", nargs="?", help="this rule only")
    configuration.add_argument(parser)
    parser.set_defaults(run=explain)


def explain(arguments: argparse.Namespace) -> int:
    """0, 1 where there is no such call or rule, or nothing to read."""
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path, with_secrets=False)
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return EX_CONFIG
    try:
        rules = _rules(settings)
        entries = read(_recorded(settings))
    except DocumentInvalid:
        print("ozrules why: the rules have errors; `ozrules check` shows them.", file=sys.stderr)
        return 1
    except (StateUnusable, NotARecording) as problem:
        print(f"ozrules why: {escaped(str(problem))}", file=sys.stderr)
        return 1
    if arguments.rule is not None and arguments.rule not in {rule.id for rule in rules.rules}:
        return _missing(f"there is no rule {arguments.rule} in force")
    named, _, start = arguments.session.partition("@")
    connection, _, session = named.rpartition("/")
    told = tuple(events(entries, with_ours=True))
    calls = [key for key in calls_of(told, rules, session, connection or None) if start in ("", key.start)]
    if not calls:
        return _missing(f"no call {arguments.session} is in the recording")
    call = calls[-1]
    print(escaped(f"{call.connection}/{call.session_id}@{call.start}"))
    for answer in why(told, rules, call, until=SystemClock().now()):
        if arguments.rule in (None, answer.rule):
            print("\n".join(_lines(answer)))
    return 0


def _recorded(settings: Settings) -> Iterator[str]:
    reader = Reader(settings.state)
    try:
        yield from (line.body for line in reader.recording(since=0.0) if line.intact)
    finally:
        reader.close()


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
    if answer.at is None and answer.seen:
        yield escaped(f"    the call was in: {', '.join(answer.seen)}", 1024)
