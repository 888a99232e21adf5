"""`ozrules decisions`: the decision record, from the store; it may be followed while the daemon writes it."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Final

from ozrules.cli import configuration, moments
from ozrules.cli.commands import ABOUT
from ozrules.cli.stored import with_journal
from ozrules.logs.escaping import json_safe
from ozrules.logs.sentences import sentence
from ozrules.store.reading import Line, Reader

LOOK_EVERY: Final = 0.25  # seconds
EXAMPLE: Final = """examples:
  ozrules decisions --since 1h
  ozrules decisions --rule sales-no-answer --follow
  ozrules decisions --session office/s1 --format json"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "decisions",
        help=ABOUT["decisions"],
        description="Prints the decision record: what was decided, why, and what became of it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_argument(parser)
    parser.add_argument("--session", metavar="S", help="of this session alone: SESSION or CONNECTION/SESSION")
    parser.add_argument("--rule", metavar="R", help="of this rule alone")
    parser.add_argument("--since", metavar="T", type=moments.moment, help=moments.HELP)
    parser.add_argument("--until", metavar="T", type=moments.moment, help="likewise")
    parser.add_argument("--follow", action="store_true", help="go on with what is written from now on")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text unless given")
    parser.set_defaults(run=decisions)


def decisions(arguments: argparse.Namespace) -> int:
    """0, 1 where there is no record to read."""
    return with_journal(arguments, lambda reader, _: _show(reader, arguments))


def _show(reader: Reader, arguments: argparse.Namespace) -> int:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def lines(after: int) -> Iterable[Line]:
        return reader.records(
            session=arguments.session,
            rule=arguments.rule,
            since=arguments.since,
            until=arguments.until,
            after=after,
        )

    last = 0
    later = {} if arguments.follow or arguments.format == "text" else _later(lines(0))
    while True:
        for line in lines(last):
            last = line.number
            if not line.intact:
                print(f"ozrules: record {line.number} is damaged: it is not as it was written", file=sys.stderr)
            print(_text(line, colour=colour) if arguments.format == "text" else json_safe(_whole(line.body, later)))
        if not arguments.follow:
            return 0
        sys.stdout.flush()
        time.sleep(LOOK_EVERY)


def _later(lines: Iterable[Line]) -> dict[str, list[object]]:
    """The ways that actions took later, by the decision that they belong to."""
    found: dict[str, list[object]] = {}
    for line in lines:
        if line.intact and '"type":"chosen"' in line.body:
            body = json.loads(line.body)
            way = {name: body[name] for name in ("at", "branch", "values", "actions")}
            found.setdefault(body.get("decision_id"), []).append(way)
    return found


def _whole(text: str, later: Mapping[str, list[object]]) -> str:
    """A decision with all the ways that its actions took; any other line as it is."""
    if not later or '"type":"decision"' not in text:
        return text
    body = json.loads(text)
    ways = later.get(body.get("decision_id"))
    if ways is None:
        return text
    return json.dumps(body | {"chosen": [*body.get("chosen", ()), *ways]}, ensure_ascii=False, separators=(",", ":"))


def _text(line: Line, *, colour: bool) -> str:
    try:
        body = json.loads(line.body)
    except ValueError:
        body = None
    return sentence(body, colour=colour) if isinstance(body, dict) else f"(record {line.number} cannot be read)"
