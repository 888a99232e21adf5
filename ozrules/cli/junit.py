"""Results of rule tests as JUnit XML, in the form that Jenkins, GitLab and GitHub's reporters read.

A file that could not be run is a test case in error: a report without it would look as if all were well.
"""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import quoteattr

from ozrules.cli.explanation import lines
from ozrules.rules.characters import visible
from ozrules.scenario.suite import Result


def report(files: Sequence[tuple[str, Sequence[Result]]], broken: Sequence[str]) -> str:
    """The whole document: a suite for each test file, ``broken`` are those that could not be run."""
    tests = sum(len(results) for _, results in files) + len(broken)
    failures = sum(not result.passed for _, results in files for result in results)
    written = ['<?xml version="1.0" encoding="UTF-8"?>']
    written.append(f'<testsuites name="ozrules" tests="{tests}" failures="{failures}" errors="{len(broken)}">')
    for name, results in files:
        failed = sum(not result.passed for result in results)
        written.append(_suite(name, len(results), failed, 0))
        for result in results:
            written += _case(name, result)
        written.append("  </testsuite>")
    for name in broken:
        written.append(_suite(name, 1, 0, 1))
        written.append(f'    <testcase classname={_attribute(name)} name="the file can be run">')
        written.append('      <error type="invalid" message="the file, or a rule file that it names, is not valid"/>')
        written += ["    </testcase>", "  </testsuite>"]
    written.append("</testsuites>")
    return "\n".join(written) + "\n"


def _suite(name: str, tests: int, failures: int, errors: int) -> str:
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="0"'
    return f"  <testsuite name={_attribute(name)} {counts}>"


def _case(name: str, result: Result) -> Iterable[str]:
    case = f"    <testcase classname={_attribute(name)} name={_attribute(result.scenario.name)}"
    if result.passed:
        yield f"{case}/>"
        return
    yield f"{case}>"
    for failure in result.failures:
        said = [f"{failure.spot.place}: {failure.message}", *(lines(failure.why) if failure.why is not None else ())]
        yield f'      <failure type="{failure.kind}" message={_attribute(chr(10).join(said))}/>'
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr("\n".join(map(visible, text.split("\n"))), {"\n": "&#10;"})
