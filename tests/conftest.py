"""What every test shares: the Hypothesis profiles, and `pytest --faults`.

Profiles (``--hypothesis-profile=NAME``): ``default`` seeks new examples at each run, ``ci`` takes the same ones always,
``torture`` takes many. ``--faults`` runs nothing: it prints which cases of docs/faults.md have a test that
names them, and why the others have none.
"""

import asyncio
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
FAULTS = TESTS.parent / "docs" / "faults.md"
REAL_TIME = {("e2e", "asterisk"), ("e2e", "dashboard")}
_CASE = re.compile(r"\| (?P<number>\d+) \| (?P<priority>[012]) \| (?P<title>[^|]+) \|")
_REASON = re.compile(r"\| (?P<number>\d+) \| (?P<reason>[^|]{9,}) \|$")

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("torture", deadline=None, max_examples=5_000)
settings.load_profile("default")


@pytest.fixture
def enough(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """The first of two numbers in a usual run, the second under ``--hypothesis-profile=torture`` (`make torture`)."""
    long = pytestconfig.getoption("--hypothesis-profile") == "torture"
    return lambda short, thorough: thorough if long else short


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.function(**arguments))
    return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="print which fault cases have tests; run nothing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    return True if session.config.getoption("faults") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What races another program in real time (calls on an Asterisk, a browser, a booting machine) is tried twice.

    A first failure stands in the summary as RERUN, to be looked at. Nothing else is: what may happen never must be
    seen the first time.
    """
    for item in items:
        if item.path.relative_to(TESTS).parts[:2] in REAL_TIME or item.path.parent == TESTS / "systemd":
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish(session: pytest.Session) -> None:
    cases = fault_cases()
    for item in session.items:
        for mark in item.iter_markers("fault"):
            for number in mark.args:
                if number not in cases:
                    raise pytest.UsageError(f"{item.nodeid}: docs/faults.md has no case {number!r}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session = terminalreporter._session
    if not config.getoption("faults") or session is None:
        return
    tests = _tests_by_case(session.items)
    terminalreporter.section("fault cases")
    for number, case in fault_cases().items():
        count = tests[number]
        state = f"{count:3} test{'s' if count != 1 else ' '}" if count else "not covered"
        terminalreporter.line(f"{number:4}  P{case.priority}  {state:11}  {case.title}")
        if not count:
            terminalreporter.line(f"{'':23}because {case.reason or '… docs/faults.md does not say why'}")
    terminalreporter.line(f"{len(tests)} of {len(fault_cases())} cases are covered")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """``--faults`` fails where a case has neither a test nor a reason, or both."""
    if session.config.getoption("faults"):
        tests = _tests_by_case(session.items)
        unclear = [number for number, case in fault_cases().items() if bool(tests[number]) == bool(case.reason)]
        session.exitstatus = 1 if unclear else 0


def _tests_by_case(items: Iterable[pytest.Item]) -> Counter[int]:
    return Counter(number for item in items for mark in item.iter_markers("fault") for number in mark.args)


class Case(NamedTuple):
    """A case of docs/faults.md; ``reason`` is why no test shows it, empty where one does."""

    priority: int
    title: str
    reason: str


def fault_cases() -> dict[int, Case]:
    """All cases by number."""
    lines = FAULTS.read_text(encoding="utf-8").splitlines()
    reasons = {int(found["number"]): found["reason"].strip() for line in lines if (found := _REASON.match(line))}
    return {
        (number := int(found["number"])): Case(int(found["priority"]), found["title"].strip(), reasons.get(number, ""))
        for line in lines
        if (found := _CASE.match(line))
    }
