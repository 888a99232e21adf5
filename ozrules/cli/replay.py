"""`ozrules replay`: recorded calls under other rules, before those rules meet a living caller."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from ozrules.cli.backtest import opened, progress_bar
from ozrules.cli.commands import ABOUT
from ozrules.engine.effects import Decision
from ozrules.engine.identity import SessionKey
from ozrules.logs.escaping import escaped, json_safe
from ozrules.replay.compare import Difference, by_cause, compare
from ozrules.replay.compare import calls as calls_of
from ozrules.replay.parts import action_texts
from ozrules.replay.recording import NotARecording
from ozrules.rules import rendering
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.settings.sources import read_source

EXAMPLE: Final = """examples:
  ozrules export --since 30d > recording.jsonl
  ozrules replay recording.jsonl --rules rules.yaml
  ozrules replay recording.jsonl --rules new.yaml --against old.yaml --calls

Exit codes: 0, 1 unreadable; with --against --exit-code: 1 where anything changes."""

_IN_MEMORY: Final = 64 << 20
"""Bytes of output that are kept in memory until all is known to be good."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "replay",
        help=ABOUT["replay"],
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
        sources = _sources(arguments.rules)
        rules = load(sources)
        old_sources = _sources(arguments.against) if arguments.against else None
        old = load(old_sources) if old_sources is not None else None
        with opened(arguments.recording) as recording, progress_bar() as bar:
            if old is None or old_sources is None:
                _show_decisions(recording.decided(rules, bar), arguments.format)
                return 0
            (before, calls), (after, _) = recording.decided_by((old_sources, sources), bar)
    except (OSError, NotARecording) as problem:
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        print(f"ozrules replay: {escaped(str(arguments.recording))}: {escaped(str(why))}", file=sys.stderr)
        return 1
    except DocumentInvalid as invalid:
        for diagnostic in invalid.diagnostics:
            print("\n".join(rendering.as_text(diagnostic, {})), file=sys.stderr)
        return 1
    found = compare(before, after, old, rules)
    if arguments.format == "json":
        print(json_safe(json.dumps(_summary(found, calls), ensure_ascii=False, indent=2)))
    else:
        _show(found, calls, each_call=arguments.calls)
    return 1 if found and arguments.exit_code else 0


def _sources(paths: Iterable[Path]) -> tuple[Source, ...]:
    sources = [read_source(path) for path in paths]
    problems = tuple(each for each in sources if isinstance(each, Diagnostic))
    if problems:
        raise DocumentInvalid(problems)
    return tuple(each for each in sources if not isinstance(each, Diagnostic))


def _show_decisions(decided: Iterable[Decision], form: str) -> None:
    """All of them, or nothing where the recording turns out to be none."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8") as shown:
        for decision in decided:
            line = json_safe(json.dumps(_line(decision), ensure_ascii=False)) if form == "json" else _text(decision)
            shown.write(line + "\n")
        shown.seek(0)
        shutil.copyfileobj(shown, sys.stdout)


# --- decisions ------------------------------------------------------------------------------------------------------


def _moment(at: float) -> str:
    thousandths = round(at * 1000)
    begun, zone = _second(thousandths // 1000)
    return f"{begun}.{thousandths % 1000:03}{zone}"


@lru_cache(maxsize=4096)
def _second(at: int) -> tuple[str, str]:
    """A second as it is written here, and its distance from UTC: many things happen in one."""
    text = datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]


def _call(key: SessionKey | None) -> str:
    return f"{key.connection}/{key.session_id}" if key is not None else "no call"


def _actions(decision: Decision) -> str:
    return ", ".join(action_texts(decision))


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


def _show(found: tuple[Difference, ...], calls: int, *, each_call: bool) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    print(f"{bold}{len(calls_of(found))} of {calls} calls change{plain}")
    for cause, differences in by_cause(found):
        print(escaped(f"{len(calls_of(differences)):6}  {cause}", 1024))
        for each in differences if each_call else ():
            print(escaped(f"          {_call(each.call)}: {_did(each.old)} -> {_did(each.new)}", 4096))


def _did(decision: Decision | None) -> str:
    return "nothing" if decision is None else f"{_moment(decision.at)} {_actions(decision)}"


def _summary(found: tuple[Difference, ...], calls: int) -> dict[str, object]:
    return {
        "calls": calls,
        "changed": len(calls_of(found)),
        "causes": [
            {
                "cause": str(cause),
                "rule": cause.rule,
                "kind": cause.kind,
                "detail": cause.detail,
                "calls": len(calls_of(differences)),
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
            for cause, differences in by_cause(found)
        ],
    }
