"""The browser's remote control, against the other end of the socket."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from ozrules.connectors.webclient.devtools import BrowserEvent, BrowserGone, CallFailed, DevTools

T = TypeVar("T")


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(test)


async def _until_gone(devtools: DevTools, heard: list[BrowserEvent]) -> None:
    with contextlib.suppress(BrowserGone):
        async for event in devtools.events():
            heard.append(event)


async def _talk(method: str, target: str | None, *answers: bytes) -> tuple[bytes, object, list[BrowserEvent]]:
    """What is sent for a call, how it ends when the browser says ``answers`` and goes, and what was heard besides."""
    ours, theirs = socket.socketpair()
    devtools = await DevTools.over(ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    heard: list[BrowserEvent] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_until_gone(devtools, heard))
        call = tasks.create_task(_outcome(devtools, method, target))
        sent = await reader.readuntil(b"\0")
        writer.write(b"".join(answer + b"\0" for answer in answers))
        await writer.drain()
        writer.close()
        outcome = await call
    devtools.close()
    return sent, outcome, heard


async def _outcome(devtools: DevTools, method: str, target: str | None) -> object:
    try:
        return await devtools.call(method, target, url="about:blank")
    except (BrowserGone, CallFailed) as error:
        return error


def test_a_call_is_answered_among_what_the_browser_reports() -> None:
    sent, outcome, heard = run(
        _talk(
            "Page.navigate", "tab", b'{"method":"Page.loaded","params":{"a":1}}', b'{"id":1,"result":{"frameId":"f"}}'
        )
    )
    assert sent == b'{"id":1,"method":"Page.navigate","params":{"url":"about:blank"},"sessionId":"tab"}\0'
    assert outcome == {"frameId": "f"}
    assert heard == [BrowserEvent("Page.loaded", {"a": 1})]


def test_what_the_browser_cannot_do_is_no_death() -> None:
    _, outcome, _ = run(_talk("Page.navigate", None, b'{"id":1,"error":{"message":"no such tab"}}'))
    assert isinstance(outcome, CallFailed)
    assert str(outcome) == "no such tab"


@pytest.mark.parametrize("answers", [(), (b'{"id":7,"result":{}}',), (b"[", b'{"id":1,"result":{}}'), (b'{"id":"x"}',)])
def test_a_browser_that_goes_or_babbles_leaves_nobody_waiting(answers: tuple[bytes, ...]) -> None:
    _, outcome, _ = run(_talk("Page.navigate", None, *answers))
    assert isinstance(outcome, BrowserGone)
