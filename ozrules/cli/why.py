"""`ozrules why`: every rule on one call, as the daemon recorded it, under the rules in force."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from ozrules.cli import configuration
from ozrules.cli.commands import ABOUT
from ozrules.cli.explanation import lines
from ozrules.cli.stored import with_journal
from ozrules.cli.told import told
from ozrules.logs.escaping import escaped
from ozrules.replay.recording import NotARecording
from ozrules.replay.smallest import Changes, changes
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


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "why",
        help=ABOUT["why"],
        description="Plays a recorded call to the rules in force and says of each why it did, or did not, act; of one"
        " rule also the smallest change of the call and of the rule with which it would have.",
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
    now = SystemClock().now()
    found = told(reader, rules, connection=connection or None, session=session, start=start, until=now)
    if found is None:
        return _missing(f"no call {arguments.session} is in the recording")
    call = found.call
    print(escaped(f"{call.connection}/{call.session_id}@{call.start}"))
    shown = [each for each in found.answers if arguments.rule in (None, each.rule)]
    for answer in shown:
        print("\n".join(lines(answer)), flush=True)
    if arguments.rule is None:
        print(f"What would have made one of them fire: ozrules why {escaped(arguments.session)} RULE")
        return 0
    for answer in shown:
        if answer.reason != "fired":  # it takes a while: the call is played again for each change that is tried
            print("\n".join(_changes(changes(found.story, rules, call, answer.rule, until=now))))
    return 0


def _rules(settings: Settings) -> RuleSet:
    sources = [read_source(path) for path in rule_files(settings.rules)]
    problems = tuple(each for each in sources if isinstance(each, Diagnostic))
    if problems:
        raise DocumentInvalid(problems)
    return load([each for each in sources if not isinstance(each, Diagnostic)], frozenset(settings.secrets))


def _missing(what: str) -> int:
    print(f"ozrules why: {escaped(what)}.", file=sys.stderr)
    return 1


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
