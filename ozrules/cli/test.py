"""`ozrules test`: rule tests in virtual time, on the same engine as the daemon, without a daemon."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ozrules.cli import junit
from ozrules.cli.commands import ABOUT
from ozrules.cli.explanation import lines
from ozrules.engine.index import EVERY, EXPLAIN_ALL
from ozrules.rules import rendering
from ozrules.rules.characters import visible
from ozrules.rules.diagnostics import Diagnostic, DocumentInvalid
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.scenario.coverage import coverage
from ozrules.scenario.model import ScenarioFile
from ozrules.scenario.mutation import mutants, unnoticed
from ozrules.scenario.reading import read
from ozrules.scenario.suite import Result, play_all
from ozrules.settings.sources import read_source

EXAMPLE: Final = """example:
  ozrules test tests/office.test.yaml --coverage

Without FILE, every *.test.yaml below the current folder is run.
Exit codes: 0 all passed, 1 failed or vacuous, 2 usage."""


class Suite(msgspec.Struct, frozen=True):
    """A test file with the rules that it names."""

    file: ScenarioFile
    rule_files: tuple[str, ...]
    rules: RuleSet


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "test",
        help=ABOUT["test"],
        description="Runs rule tests in virtual time, on the same engine as the daemon.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="test files (ozrulesTest: 1)")
    parser.add_argument("--coverage", action="store_true", help="name the rules and clauses that no test reached")
    parser.add_argument("--mutate", action="store_true", help="name the edits of the rules that no test would notice")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the results here, as JUnit XML")
    parser.set_defaults(run=test)


def test(arguments: argparse.Namespace) -> int:
    """Run the tests; 0 where all passed."""
    paths = arguments.files or sorted(Path().rglob("*.test.yaml"))
    if not paths:
        print("ozrules test: there is no *.test.yaml here; name a test file.", file=sys.stderr)
        return 2
    missing = [path for path in paths if not path.exists()]
    if missing:
        print(f"ozrules test: there is no file {visible(str(missing[0]))}.", file=sys.stderr)
        return 2
    shown = _Shown()
    suites = [suite for path in paths if (suite := _read(path, shown)) is not None]
    explain = EVERY if arguments.coverage else EXPLAIN_ALL
    results = [(suite, play_all(suite.file, suite.rules, explain=explain)) for suite in suites]
    for suite, played in results:
        _show(suite, played, shown)
    every = [result for _, played in results for result in played]
    failed = sum(not result.passed for result in every)
    unread = len(paths) - len(suites)
    print(", ".join(_totals(len(every), failed, unread)))
    for rule_files in dict.fromkeys(suite.rule_files for suite in suites):
        same = [(suite, played) for suite, played in results if suite.rule_files == rule_files]
        if arguments.coverage:
            _show_coverage(same)
        if arguments.mutate and not failed and not unread:
            _show_unnoticed([suite for suite, _ in same])
    if arguments.mutate and (failed or unread):
        print("--mutate: the tests must pass before an edit can be noticed.")
    if arguments.junit is not None:
        try:
            read_files = {suite.file.name for suite in suites}
            broken = [str(path) for path in paths if str(path) not in read_files]
            text = junit.report([(suite.file.name, played) for suite, played in results], broken)
            arguments.junit.write_text(text, encoding="utf-8")
        except OSError as problem:
            print(f"ozrules test: {problem.filename}: {problem.strerror}.", file=sys.stderr)
            return 2
    return 1 if failed or unread else 0


def _totals(tests: int, failed: int, unread: int) -> Iterator[str]:
    yield f"{tests} test{'' if tests == 1 else 's'}"
    if failed:
        yield f"{failed} failed"
    if unread:
        yield f"{unread} file{'' if unread == 1 else 's'} could not be run"
    if not failed and not unread:
        yield "all passed"


class _Shown:
    """Prints findings with the lines that they are about."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def read(self, path: Path) -> Source | None:
        """The file, or None once it has been said why not."""
        source = read_source(path)
        if isinstance(source, Diagnostic):
            self.show(source)
            return None
        self._lines[source.name] = source.data.decode("utf-8", "replace").splitlines()
        return source

    def show(self, diagnostic: Diagnostic, indent: str = "") -> None:
        for line in rendering.as_text(diagnostic, self._lines, colour=self._colour):
            print(indent + line)


def _read(path: Path, shown: _Shown) -> Suite | None:
    """The test file with its rules, or None once all that is wrong with either has been said."""
    source = shown.read(path)
    if source is None:
        return None
    try:
        file = read(source)
        paths = [path.parent / name for name in file.rules]
        rule_files = [each for each in map(shown.read, paths) if each is not None]
        if len(rule_files) < len(paths):
            return None
        return Suite(file, tuple(str(each.resolve()) for each in paths), load(rule_files))
    except DocumentInvalid as problem:
        for diagnostic in problem.diagnostics:
            shown.show(diagnostic)
        return None


def _show(suite: Suite, results: Iterable[Result], shown: _Shown) -> None:
    print(visible(suite.file.name))
    for result in results:
        print(f"  {'ok  ' if result.passed else 'FAIL'}  {visible(result.scenario.name)}")
        for failure in result.failures:
            code = "vacuous-test" if failure.kind == "vacuous" else "failed-test"
            place, length = failure.spot.place, failure.spot.length
            found = Diagnostic(code=code, severity="error", place=place, length=length, message=failure.message)
            shown.show(found, "        ")
            if failure.why is not None:
                print("\n".join(f"        {line}" for line in lines(failure.why)))


def _show_coverage(results: list[tuple[Suite, tuple[Result, ...]]]) -> None:
    rules = results[0][0].rules
    runs = [result.played for _, played in results for result in played if result.played is not None]
    found = coverage(rules, runs)
    reached = found.parts - len(found.unreached)
    print(f"\ncoverage: {reached} of {found.parts} parts of the rules were reached{_percent(reached, found.parts)}")
    for each in found.unreached:
        print(f"  {each.place}: {each.rule}: {visible(each.message)}")


def _show_unnoticed(suites: list[Suite]) -> None:
    rules = suites[0].rules
    files = [suite.file for suite in suites]
    left = list(unnoticed(rules, files))
    total = sum(1 for _ in mutants(rules))
    noticed = total - len(left)
    print(f"\nmutate: {noticed} of {total} edits of the rules would be noticed{_percent(noticed, total)}")
    for mutant in left:
        print(f"  {mutant.place}: {mutant.rule}: no test notices that {visible(mutant.edit)}")


def _percent(part: int, whole: int) -> str:
    """The score, rounded down: 100 % only for all."""
    return f" ({100 * part // whole} %)" if whole else ""
