"""The commands that ask the running daemon: `status`, `sessions`, `reload`, `pause`, `override`, ….

They speak to its control socket, wait for the effect and say it. They read the configuration only to find the socket,
and so need none of its secrets.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ozrules.cli import configuration, moments
from ozrules.cli.commands import ABOUT
from ozrules.logs.escaping import MAX_DETAIL, escaped
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.store.reading import Reader
from ozrules.store.state_directory import StateUnusable

ANSWER_WITHIN: Final = 90.0
ARGUMENTS: Final = ("target", "to", "until")
"""Of the command line, what goes to the daemon."""
_LOOKING: Final = ("status", "sessions")
REFUSED: Final = 1
NOT_READY: Final = 3
_LATENCIES: Final = {
    "eventToDecision": "event to decision",
    "decisionToCommand": "decision to command",
    "commandToProof": "command to proof",
    "journalSync": "journal to disk",
}


class NoDaemon(Exception):
    """No daemon answers; the text says where it was looked for."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the program's."""
    _add(subparsers, "status", "ozrules status", _status, machine=True)
    _add(
        subparsers,
        "sessions",
        "ozrules sessions --format json",
        _sessions,
        machine=True,
    )
    _add(subparsers, "reload", "ozrules reload", _plain)
    rule = ("target", "RULE", "?", "the rule's id; all rules when left out")
    _add(subparsers, "pause", "ozrules pause sales-no-answer", _plain, rule)
    _add(subparsers, "resume", "ozrules resume sales-no-answer", _plain, rule)
    _override(subparsers)
    number = ("target", "NUMBER", None, "the number, in any form")
    _add(subparsers, "forget", "ozrules forget +36201234567", _plain, number)
    _add(subparsers, "trust-clock", "ozrules trust-clock", _plain)
    timer = ("target", "TIMER", None, "the timer's name, as `ozrules sessions` shows it")
    _add(subparsers, "cancel", "ozrules cancel office/s17/sales-no-answer/0", _plain, timer)


def ask(path: Path, command: str, **more: object) -> dict[str, Any]:
    """What the daemon that listens at ``path`` answers to a command with these arguments. Raises NoDaemon."""
    question = {"command": command} | {name: value for name, value in more.items() if value is not None}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(ANSWER_WITHIN)
        try:
            peer.connect(str(path))
            peer.sendall(json.dumps(question).encode() + b"\n")
            with peer.makefile("rb") as lines:
                answer = json.loads(lines.readline())
        except PermissionError as error:
            raise NoDaemon(f"{path}: only the daemon's own user and root may ask it; you are {os.geteuid()}") from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoDaemon(f"no daemon is running here (nobody listens at {path})") from error
        except (OSError, ValueError) as error:
            raise NoDaemon(f"{path}: the daemon does not answer: {error}") from error
    found: dict[str, Any] = answer
    return found


def _add(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    example: str,
    show: Callable[[Mapping[str, Any]], int],
    target: tuple[str, str, str | None, str] | None = None,
    *,
    machine: bool = False,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=ABOUT[name],
        description=f"Asks the running daemon: {ABOUT[name]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    if target is not None:
        key, metavar, nargs, about = target
        parser.add_argument(key, metavar=metavar, nargs=nargs, help=about)
    if machine:
        parser.add_argument("--format", choices=["text", "json"], default="text", help="text unless given")
    parser.set_defaults(run=lambda arguments: _run(name, arguments, show))
    return parser


def _override(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    example = "ozrules override officeHours closed --until 18:00\n  ozrules override officeHours off"
    schedule = ("target", "SCHEDULE", "?", "the schedule's name; without it, what is switched now")
    parser = _add(subparsers, "override", example, _plain, schedule)
    parser.add_argument(
        "to", metavar="TO", nargs="?", choices=["open", "closed", "off"], help="open, closed, or off: back to its hours"
    )
    until = parser.add_mutually_exclusive_group()
    then = f"back to its hours then: {moments.UPCOMING}"
    until.add_argument("--until", metavar="T", type=moments.upcoming, help=then)
    until.add_argument(
        "--for", dest="until", metavar="D", type=moments.from_now, help="back to its hours after so long, such as 2h"
    )


def _run(command: str, arguments: argparse.Namespace, show: Callable[[Mapping[str, Any]], int]) -> int:
    path = configuration.path_of(arguments)
    try:
        settings = configuration.read(path, with_secrets=False)
        answer = ask(settings.control, command, **{name: getattr(arguments, name, None) for name in ARGUMENTS})
    except DocumentInvalid as invalid:
        configuration.show(invalid, path)
        return configuration.EX_CONFIG if command in _LOOKING else REFUSED
    except NoDaemon as nobody:
        print(f"ozrules {command}: {nobody}", file=sys.stderr)
        return NOT_READY if command in _LOOKING else REFUSED
    if getattr(arguments, "format", "text") == "json":
        print(json.dumps(answer.get("data"), indent=2))
        return 0 if answer["ok"] else NOT_READY
    code = show(answer)
    if command == "status" and answer["data"]["mode"] == "observe":
        _observed(settings.state)
    return code


def _observed(state: Path) -> None:
    """What the rules would have done so far: what an admin wants to know before the rules may act."""
    try:
        reader = Reader(state)
        would = reader.would_have()
        reader.close()
    except StateUnusable as unusable:
        print(escaped(f"what the rules would have done cannot be read: {unusable}"), file=sys.stderr)
        return
    print("so far the rules would have" if would else "so far the rules would have done nothing")
    for rule, action, times, last in would:
        moment = datetime.fromtimestamp(last, UTC).astimezone()
        print(escaped(f"  {rule}: {action}, {times} time{'' if times == 1 else 's'}, last {moment:%Y-%m-%d %H:%M}"))


def _plain(answer: Mapping[str, Any]) -> int:
    print(_lines(answer["text"]), file=sys.stdout if answer["ok"] else sys.stderr)
    return 0 if answer["ok"] else REFUSED


def _status(answer: Mapping[str, Any]) -> int:
    data = answer["data"]
    print("ready" if data["ready"] else "not ready")
    for problem in data["problems"]:
        print(f"  {escaped(problem)}")
    print(f"mode {data['mode']}, {data['rules']} rules, revision {data['revision'][:19]}")
    print(f"{data['sessions']} live sessions, up for {data['uptime']} s, ozrules {data['version']}")
    for one in data["connections"]:
        print(f"  {one['name']}: {'ready' if one['ready'] else 'not ready'}, {escaped(one['detail'], MAX_DETAIL)}")
    timers, hooks, latency = data["timers"], data["webhooks"], data["latency"]
    print(f"timers: {timers['waiting']} waiting, {timers['late']} late")
    print(f"webhooks: {hooks['waiting']} waiting, {hooks['delivered']} delivered, {hooks['dead']} dead")
    for name, what in _LATENCIES.items():
        if latency[name]["count"]:
            print(
                f"{what}: half within {_bound(latency[name]['p50'])}, 99 of 100 within {_bound(latency[name]['p99'])}"
            )
    for one in data["overrides"]:
        until = one["until"] or "it is switched again"
        print(escaped(f"{one['schedule']} is {one['to']} by hand until {until}, by {one['by']}"))
    if data["paused"]:
        print(f"paused: {escaped(', '.join(data['paused']))}")
    if data["retentionHeld"]:
        print(f"retention: {escaped(data['retentionHeld'])}")
    for kind, count in sorted(data["tolerated"].items()):
        print(f"tolerated: {escaped(kind)} {count} times")
    return 0 if answer["ok"] else NOT_READY


def _bound(seconds: float | None) -> str:
    return "more than any bound" if seconds is None else f"{seconds * 1000:g} ms"


def _sessions(answer: Mapping[str, Any]) -> int:
    for one in answer["data"]:
        parties = f"{one['caller'] or '?'} to {one['callee'] or '?'}"
        print(escaped(f"{one['connection']}/{one['sessionId']}  {one['state']} for {one['seconds']} s  {parties}"))
        for timer in one["timers"]:
            print(escaped(f"    timer {timer['timer']} due {timer['due']}"))
        for rule in one["running"]:
            print(escaped(f"    {rule} is under way"))
    print(escaped(answer["text"]))
    return 0


def _lines(text: str) -> str:
    return "\n".join(escaped(line) for line in text.split("\n"))
