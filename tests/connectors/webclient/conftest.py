"""One browser for many tests: it is started once for each way of speaking that the phone system may have."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ozrules.connectors.webclient.browser import NoBrowser, find_browser
from tests.connectors.webclient.linked import TOKEN, WATCHING_TOKEN, Linked, linked
from tests.connectors.webclient.modules import Evaluate, evaluated, opened
from tests.standin.webphone import Options, Webphone

DIALECTS = {
    "as-documented": Options(),
    "other-page": Options(
        property_case="pascal",
        state_spelling="old",
        callback_order="stateFirst",
        connection_event="onConStateChanged",
        refresh="newObject",
        helper=False,
        delivers_running=True,
    ),
    "keys": Options(state_spelling="key", refresh="stale", delivers_running=True, final_state=False),
    "http": Options(property_case="pascal", state_spelling="http", refresh="inPlace", helper=False),
}


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


@pytest.fixture(scope="session", params=list(DIALECTS.values()), ids=list(DIALECTS))
def office(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[Linked]:
    """A connection that is ready, to a phone system that speaks one of the dialects."""
    stack = contextlib.AsyncExitStack()

    async def start() -> Linked:
        phone = Webphone({TOKEN: True, WATCHING_TOKEN: False})
        phone.options = request.param
        await stack.enter_async_context(phone.running())
        link = await stack.enter_async_context(linked(phone))
        await link.ready()
        return link

    yield runner.run(start())
    runner.run(stack.aclose())


@pytest.fixture(scope="session")
def evaluate(runner: asyncio.Runner) -> Iterator[Evaluate]:
    """Evaluates the body of an async function in the page: the modules' names are all there."""
    stack = contextlib.AsyncExitStack()
    devtools, tab = runner.run(opened(stack))

    def ask(body: str) -> Any:
        return runner.run(evaluated(devtools, tab, body))

    yield ask
    runner.run(stack.aclose())
