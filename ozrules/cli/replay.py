"""`ozrules replay`: recorded calls under other rules, before those rules meet a living caller."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ozrules.engine.effects import Decision
from ozrules.engine.identity import SessionKey
from ozrules.logs.escaping import escaped, json_safe
from ozrules.replay.compare import Difference, compare
from ozrules.replay.drive import drive
from ozrules.replay.recording import Entry, NotARecording, events, read
from ozrules.rules import rendering
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.settings.sources import read_source

EXAMPLE: Final = """examples:
  ozrules export --since 30d > recording.jsonl
  ozrules replay recording.jsonl --rules rules.yaml
  ozrules replay recording.jsonl --rules new.yaml --against old.yaml --calls

Exit codes: 0, 1 unreadable; with --against --exit-code: 1 where anything changes."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "replay",
        help="what rules would decide on recorded calls",
        description="Plays recorded calls to rules in virtual time. Nothing is sent.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recording", metavar="RECORDING", type=Path, help="what `ozrules export` printed")
    parser.add_argument("--rules", metavar="FILE", type=Path, nargs="+", required=True, help="the rules to try")
    parser.add_argument(
        "--against", metavar="FILE", type=Path, nargs="+", help="show only what these would do otherwise"
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text unless given")
    parser.add_argument("--calls", action="store_true", help="with --against: each call under its cause")
    parser.add_argument("--exit-code", action="store_true", help="with --against: exit with 1 where anything changes")
    parser.set_defaults(run=replay)


def replay(arguments: argparse.Namespace) -> int:
    """0; 1 where a file cannot be read, or something changes and that was asked for."""
    try:
        with arguments.recording.open(encoding="utf-8") as lines:
            entries = read(lines)
        rules = _rules(arguments.rules)
        old = _rules(arguments.against) if arguments.against else None
    except (OSError, UnicodeDecodeError, NotARecording) as problem:
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        print(f"ozrules replay: {escaped(str(arguments.recording))}: {escaped(str(why))}", file=sys.stderr)
        return 1
    except DocumentInvalid as invalid:
        for diagnostic in invalid.diagnostics:
            print("\n".join(rendering.as_text(diagnostic, {})), file=sys.stderr)
        return 1
    decided = _decisions(entries, rules)
    if old is None:
        for decision in decided:
            print(
                json_safe(json.dumps(_line(decision), ensure_ascii=False))
                if arguments.format == "json"
                else _text(decision)
            )
        return 0
    found = compare(_decisions(entries, old), decided, old, rules)
    calls = len(
        {(each.connection, session.session_id, session.start_time) for each in entries for session in each.sessions}
    )
    if arguments.format == "json":
        print(json_safe(json.dumps(_summary(found, calls), ensure_ascii=False, indent=2)))
    else:
        _show(found, calls, each_call=arguments.calls)
    return 1 if found and arguments.exit_code else 0


def _rules(paths: Iterable[Path]) -> RuleSet:
    sources = [read_source(path) for path in paths]
    problems = tuple(each for each in sources if isinstance(each, Diagnostic))
    if problems:
        raise DocumentInvalid(problems)
    return load([each for each in sources if not isinstance(each, Diagnostic)])


def _decisions(entries: tuple[Entry, ...], rules: RuleSet) -> list[Decision]:
    return [each for each in drive(events(entries), rules) if isinstance(each, Decision)]


# --- decisions ------------------------------------------------------------------------------------------------------


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="milliseconds")


def _call(key: SessionKey | None) -> str:
    return f"{key.connection}/{key.session_id}" if key is not None else "no call"


def _actions(decision: Decision) -> str:
    return ", ".join(" ".join((action.action, *action.args.values())) for action in decision.actions)


def _text(decision: Decision) -> str:
    parts = [_moment(decision.at), _call(decision.session_key), decision.rule, decision.reason]
    parts += [decision.by or "", _actions(decision)]
    parts += [f"({leaf.path}: wanted {leaf.wanted}, actual {leaf.actual}, {leaf.at})" for leaf in decision.failed]
    return escaped("  ".join(part for part in parts if part), 4096)


def _line(decision: Decision) -> dict[str, object]:
    key = decision.session_key
    return {
        "time": _moment(decision.at),
        "connection": key.connection if key else None,
        "sessionId": key.session_id if key else None,
        "rule": decision.rule,
        "trigger": decision.trigger,
        "reason": decision.reason,
        "by": decision.by,
        "actions": [{"action": each.action, "args": each.args, "at": str(each.place)} for each in decision.actions],
        "failed": [
            {"path": leaf.path, "wanted": leaf.wanted, "actual": leaf.actual, "at": leaf.at} for leaf in decision.failed
        ],
    }


# --- differences ----------------------------------------------------------------------------------------------------


def _by_cause(found: Iterable[Difference]) -> list[tuple[str, list[Difference]]]:
    """The most frequent cause first."""
    causes: dict[str, list[Difference]] = {}
    for each in found:
        causes.setdefault(each.cause, []).append(each)
    return sorted(causes.items(), key=lambda cause: (-len(_calls(cause[1])), cause[0]))


def _calls(differences: Iterable[Difference]) -> set[SessionKey]:
    return {each.call for each in differences}


def _show(found: tuple[Difference, ...], calls: int, *, each_call: bool) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    print(f"{bold}{len(_calls(found))} of {calls} calls change{plain}")
    for cause, differences in _by_cause(found):
        print(f"{len(_calls(differences)):6}  {cause}")
        for each in differences if each_call else ():
            print(escaped(f"          {_call(each.call)}: {_did(each.old)} -> {_did(each.new)}", 4096))


def _did(decision: Decision | None) -> str:
    return "nothing" if decision is None else f"{_moment(decision.at)} {_actions(decision)}"


def _summary(found: tuple[Difference, ...], calls: int) -> dict[str, object]:
    return {
        "calls": calls,
        "changed": len(_calls(found)),
        "causes": [
            {
                "cause": cause,
                "calls": len(_calls(differences)),
                "changes": [
                    {
                        "connection": each.call.connection,
                        "sessionId": each.call.session_id,
                        "rule": each.rule,
                        "old": _line(each.old) if each.old else None,
                        "new": _line(each.new) if each.new else None,
                    }
                    for each in differences
                ],
            }
            for cause, differences in _by_cause(found)
        ],
    }
