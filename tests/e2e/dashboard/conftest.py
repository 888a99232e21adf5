"""One browser and one daemon for all tests of the dashboard: starting them is what takes time."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser

from ozrules.connectors.simulator.callers import CallPlan, Hold
from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from tests.e2e.dashboard.site import Running, Site, a_browser, site

RULES = """
ozrules: 1
defaults: {country: HU, timezone: Europe/Budapest, extensions: ["_2XXX"]}
lists: {salesTeam: [2001, 2002, 2003]}
schedules:
  officeHours: {weekdays: [monday..friday], times: [08:00-17:30]}
conditions:
  toSales: {direction: inbound, callee: {in: salesTeam}}
rules:
  - id: after-hours
    description: Outside office hours calls to accounts go to the night desk
    priority: 500
    trigger: {state: Ringing}
    conditions: {callee: 2006, schedule: {outside: officeHours}}
    actions: [{forward: 2090}]
  - id: no-answer
    description: A call to the empty room goes to the desk
    trigger: {state: Ringing, for: 1s}
    conditions: {callee: 2666}
    actions: [{forward: 2010}]
  - id: sales-no-answer
    description: A sales call that nobody answers goes to the sales desk
    trigger: {state: Ringing, for: 20s}
    conditions: {use: toSales}
    actions: [{forward: 2010}]
  - id: two-hours
    description: No call lasts longer than two hours
    trigger: {state: active, for: 2h, clock: session}
    actions: [hangup]
  - id: weekly-test
    description: The alarm is tested on Mondays
    trigger: {at: "0 10 * * mon", sessions: InCall}
    actions: [{log: tested}]
"""
CALLS = [
    CallPlan(caller="+36201234567", caller_name="Kovács Kft.", callee="2666", talk=3600.0),
    CallPlan(caller="+36301112222", caller_name="Nagy Zsófia", callee="2004", answers_after=0.5, talk=3600.0),
    CallPlan(
        caller="+36704445555",
        caller_name="Szabó & Társa",
        callee="2005",
        answers_after=0.3,
        talk=3600.0,
        acts=(Hold(after=0.3, by="callee", seconds=None),),
    ),
    CallPlan(caller="+441632960123", caller_name="London Branch", callee="2666", talk=3600.0),
    CallPlan(caller="+36205550101", callee="2003", answers_after=0.4, talk=1.0),
]


@pytest.fixture(scope="session", autouse=True)
def _browser_is_there() -> None:
    try:
        find_browser()
    except NoBrowser as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def browser(runner: asyncio.Runner) -> Iterator[Browser]:
    stack = contextlib.AsyncExitStack()
    yield runner.run(stack.enter_async_context(a_browser()))
    runner.run(stack.aclose())


@pytest.fixture(scope="session")
def office(runner: asyncio.Runner, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon in the middle of its work: calls that live, one that was forwarded, one that has ended."""
    stack = contextlib.AsyncExitStack()

    async def start() -> Site:
        one = await stack.enter_async_context(site(tmp_path_factory.mktemp("office"), RULES, browser))
        running = await stack.enter_async_context(one.running())
        for plan in CALLS:
            one.phones.call(plan)
        await running.saw("outcome", 2, action="forward", outcome="confirmed")
        return one

    yield Running(runner, runner.run(start()))
    runner.run(stack.aclose())
