"""`ozrules check`: everything that is wrong with rule files and configurations, all at once."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from time import thread_time  # what else the machine does is not in it
from typing import Final

import ozrules
from ozrules.app import abilities
from ozrules.cli import meeting, reaching
from ozrules.cli.commands import ABOUT
from ozrules.proofs import checking
from ozrules.rules import rendering
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid, Findings, Span
from ozrules.rules.document import ListNode, MapNode, Source, TextNode, parse
from ozrules.rules.model import Place, RuleSet
from ozrules.rules.repair import repaired
from ozrules.rules.suggest import closest
from ozrules.settings import configuration
from ozrules.settings.model import ConnectionSettings, Settings
from ozrules.settings.rule_files import rule_files
from ozrules.settings.sources import read_source

DEFAULT: Final = Path("/etc/ozrules/ozrules.yaml")
ROUNDS: Final = 5  # a repair may show the next one
EXAMPLE: Final = """examples:
  ozrules check rules.yaml
  ozrules check --config /etc/ozrules/ozrules.yaml --strict
  ozrules check --config /etc/ozrules/ozrules.yaml --connect
  ozrules check --explain unknown-state
  ozrules check --at "2026-12-24 18:00" --caller +36201234567 --callee 2001"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "check",
        help=ABOUT["check"],
        description="Checks rule and configuration files, and says everything that is wrong with them at once.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help="rule or configuration files")
    parser.add_argument(
        "--config", metavar="FILE", help="the configuration, for its rules and the names of its secrets"
    )
    parser.add_argument("--format", choices=["text", "json", "sarif"], default="text", help="text unless given")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument(
        "--connect",
        action="store_true",
        help="read the secrets too, and reach each phone system once; each says what is possible there, and an "
        "Asterisk also which endpoints count as phones, which as trunks, and which are named nowhere",
    )
    parser.add_argument("--fix", action="store_true", help="write the repairs that are certain")
    parser.add_argument(
        "--witnesses", metavar="FILE", type=Path, help="write the calls that show findings, as rule tests"
    )
    parser.add_argument("--explain", metavar="CODE", help="what a code means, with an example")
    meeting.add_arguments(parser)
    parser.set_defaults(run=check)


@dataclass
class _Report:
    """What was read and found; ``with_secrets``: the secrets that a configuration names are read too."""

    with_secrets: bool
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    connections: tuple[ConnectionSettings, ...] = ()
    named: int = 0
    rules: RuleSet | None = None
    rule_files: tuple[str, ...] = ()

    @property
    def errors(self) -> int:
        return sum(each.severity == "error" for each in self.diagnostics)


def check(arguments: argparse.Namespace) -> int:
    """0 where there are no errors (with --strict: nothing at all), 1 where there are, 2 for a wrong call."""
    if arguments.explain is not None:
        return _explain(arguments.explain)
    problem = meeting.wrong_call(arguments)
    if problem is not None:
        print(f"ozrules check: {problem}", file=sys.stderr)
        return 2
    files: list[str] = arguments.files
    given = arguments.config or (None if files else os.environ.get("OZRULES_CONFIG") or str(DEFAULT))
    if given is not None and arguments.config is None and not Path(given).exists():
        print("ozrules check: name a rule file, or a configuration with --config", file=sys.stderr)
        return 2
    if arguments.connect and (arguments.format != "text" or arguments.at is not None):
        print("ozrules check: --connect shows text, and nothing else beside it", file=sys.stderr)
        return 2
    fixed = 0
    report = _examine(files, given, os.environ, arguments.connect)
    if arguments.fix:
        for _ in range(ROUNDS):
            made = _fix(report)
            if not made:
                break
            fixed += made
            report = _examine(files, given, os.environ, arguments.connect)
    if arguments.witnesses is not None and not _witnesses(report, arguments.witnesses):
        return 2
    if arguments.at is not None and report.rules is not None and not report.errors:
        print("\n".join(meeting.shown(arguments, report.rules)))
        return 0
    _show(report, arguments.format, fixed)
    reached = _reach(report) if arguments.connect else True
    return 0 if reached and not report.errors and not (arguments.strict and report.diagnostics) else 1


def _reach(report: _Report) -> bool:
    if not report.connections:
        print("No connection is tried: a configuration without errors is needed for that.")
        return False
    lines, reached = reaching.reach(report.connections)
    print("\n".join(lines))
    return reached


# --- finding out ----------------------------------------------------------------------------------------------------


def _examine(files: list[str], given: str | None, environment: Mapping[str, str], with_secrets: bool) -> _Report:
    report = _Report(with_secrets=with_secrets)
    settings = _configuration(given, environment, report) if given is not None else None
    secrets = frozenset(settings.secrets) if settings is not None else None
    paths = [Path(name) for name in dict.fromkeys(files)]
    if not paths and settings is not None:
        paths = list(rule_files(settings.rules))
    rules: list[Source] = []
    for path in paths:
        source = _read(path, report)
        if source is None:
            continue
        if re.search(rb"(?m)^ozrulesTest *:", source.data) is not None:
            report.diagnostics += _not_to_check(source).all
        elif _is_configuration(source):
            _settings(path, source, environment, report)
        else:
            rules.append(source)
    if rules:
        report.rule_files = tuple(source.name for source in rules)
        report.rules, diagnostics = checking.check(rules, secrets, stopwatch=thread_time)
        report.diagnostics += diagnostics
        if report.rules is not None and settings is not None:
            abilities.check(report.rules, settings.connections, findings := Findings())
            report.diagnostics += findings.all
    return report


def _read(path: Path, report: _Report) -> Source | None:
    report.named += 1
    source = read_source(path)
    if isinstance(source, Diagnostic):
        report.diagnostics.append(source)
        return None
    report.sources[source.name] = source
    return source


def _configuration(name: str, environment: Mapping[str, str], report: _Report) -> Settings | None:
    source = _read(Path(name), report)
    return None if source is None else _settings(Path(name), source, environment, report)


def _settings(path: Path, source: Source, environment: Mapping[str, str], report: _Report) -> Settings | None:
    try:
        settings = configuration.load(path, source.data, environment, with_secrets=report.with_secrets)
    except DocumentInvalid as invalid:
        report.diagnostics += invalid.diagnostics
        return None
    report.connections = settings.connections
    report.diagnostics += settings.warnings
    from ozrules.app import browsers  # loads asyncio, which nothing else here needs

    browsers.check(settings.connections, source, findings := Findings())
    report.diagnostics += findings.all
    return settings


def _not_to_check(tests: Source) -> Findings:
    findings = Findings()
    findings.error(
        "wrong-type",
        Span(Place(tests.name, 1, 1)),
        "A rule file or a configuration belongs here, not a file of rule tests.",
        suggestion=f"Run: ozrules test {tests.name}",
    )
    return findings


def _is_configuration(source: Source) -> bool:
    """A configuration names connections, or rule files where a rule file has rules."""
    if re.search(rb"(?m)^(?:connections|rules) *:", source.data) is None:
        return False
    root = parse(source, Findings())
    if not isinstance(root, MapNode):
        return False
    rules = root.get("rules")
    named = isinstance(rules, ListNode) and bool(rules.items) and isinstance(rules.items[0], TextNode)
    return root.get("connections") is not None or named


# --- repairs --------------------------------------------------------------------------------------------------------


def _fix(report: _Report) -> int:
    """Write every certain repair; how many there were."""
    total = 0
    for name, source in report.sources.items():
        mine = [each for each in report.diagnostics if each.edit is not None and each.edit.place.file == name]
        if not mine:
            continue
        text, made = repaired(source.data.decode("utf-8"), mine)
        if made:
            _replace(Path(name).resolve(), text)
            total += made
    return total


def _replace(path: Path, text: str) -> None:
    """The whole file or nothing of it, with the mode it had."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(text.encode("utf-8"))
    new.chmod(path.stat().st_mode & 0o7777)
    new.replace(path)


# --- witnesses ------------------------------------------------------------------------------------------------------


def _witnesses(report: _Report, path: Path) -> bool:
    """Write the calls that show findings, if there are any, as a test file; whether that went well."""
    tests = [each.witness | {"name": f"{each.place}: {each.code}"} for each in report.diagnostics if each.witness]
    if not tests:
        return True
    files = [os.path.relpath(Path(name).resolve(), path.resolve().parent) for name in report.rule_files]
    try:
        # JSON is YAML
        document = {"ozrulesTest": 1, "rules": files, "tests": tests}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        print(f"ozrules check: {problem.filename}: {problem.strerror}", file=sys.stderr)
        return False
    return True


# --- showing --------------------------------------------------------------------------------------------------------


def _show(report: _Report, form: str, fixed: int) -> None:
    match form:
        case "json":
            print(json.dumps(rendering.as_json(report.diagnostics), ensure_ascii=False, indent=2))
        case "sarif":
            pages = {each.code: _page(each.code) for each in report.diagnostics if each.code in codes()}
            log = rendering.as_sarif(report.diagnostics, ozrules.__version__, pages)
            print(json.dumps(log, ensure_ascii=False, indent=2))
        case _:
            print("\n".join(_text(report, fixed)))


def _text(report: _Report, fixed: int) -> list[str]:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lines = rendering.without_secrets(
        {name: _lines(source) for name, source in report.sources.items()}, report.diagnostics
    )
    shown: list[str] = []
    for diagnostic in report.diagnostics:
        shown += rendering.as_text(diagnostic, lines, colour=colour)
        shown.append("")
    if fixed:
        shown.append(f"{fixed} repair{'' if fixed == 1 else 's'} written.")
    what = f"{report.named} file{'' if report.named == 1 else 's'}"
    if report.rules is not None and report.rules.rules:
        number = len(report.rules.rules)
        what += f", {number} rule{'' if number == 1 else 's'}"
    shown.append(f"{what}: {rendering.summary(report.diagnostics)}.")
    return shown


def _lines(source: Source) -> list[str]:
    """What can be shown of a file: nothing of one that is no text."""
    if b"\x00" in source.data:
        return []
    return [line.removesuffix("\r") for line in source.data.decode("utf-8", "replace").split("\n")]


# --- explanations ---------------------------------------------------------------------------------------------------


def codes() -> tuple[str, ...]:
    """Every code that has a page."""
    pages = resources.files("ozrules.cli") / "explanations"
    return tuple(sorted(page.name.removesuffix(".md") for page in pages.iterdir() if page.name.endswith(".md")))


def _explain(code: str) -> int:
    known = codes()
    if code not in known:
        meant = closest(code, known)
        hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(known)}"
        print(f"ozrules check: there is no code {code!r}; {hint}", file=sys.stderr)
        return 2
    print(_page(code).rstrip())
    return 0


def _page(code: str) -> str:
    return (resources.files("ozrules.cli") / "explanations" / f"{code}.md").read_text("utf-8")
