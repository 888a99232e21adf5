"""What every test shares: the Hypothesis profiles, and `pytest --faults`.

Profiles (``--hypothesis-profile=NAME``): ``default`` seeks new examples at each run, ``ci`` takes the same ones always,
``torture`` takes many. ``--faults`` runs nothing: it prints which cases of docs/faults.md have a test that names them.
"""

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

FAULTS = Path(__file__).parent.parent / "docs" / "faults.md"
_CASE = re.compile(r"\| (?P<number>\d+) \| (?P<priority>[012]) \| (?P<title>[^|]+) \|")

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


def pytest_collection_finish(session: pytest.Session) -> None:
    cases = fault_cases()
    for item in session.items:
        for mark in item.iter_markers("fault"):
            for number in mark.args:
                if number not in cases:
                    raise pytest.UsageError(f"{item.nodeid}: docs/faults.md has no case {number!r}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("faults"):
        return
    session = terminalreporter._session
    covered: dict[int, int] = {}
    for item in session.items if session is not None else ():
        for mark in item.iter_markers("fault"):
            for number in mark.args:
                covered[number] = covered.get(number, 0) + 1
    cases = fault_cases()
    terminalreporter.section("fault cases")
    for number, (priority, title) in cases.items():
        tests = covered.get(number, 0)
        state = f"{tests:3} test{'s' if tests != 1 else ' '}" if tests else "not covered"
        terminalreporter.line(f"{number:4}  P{priority}  {state:11}  {title}")
    terminalreporter.line(f"{len(covered)} of {len(cases)} cases are covered")


def fault_cases() -> dict[int, tuple[int, str]]:
    """Number, priority and title of every case in docs/faults.md."""
    found = (_CASE.match(line) for line in FAULTS.read_text(encoding="utf-8").splitlines())
    return {int(case["number"]): (int(case["priority"]), case["title"].strip()) for case in found if case}
