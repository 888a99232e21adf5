"""The queue of webhooks in the daemon."""

import asyncio
from pathlib import Path

import pytest

from ozrules.app.webhooks import apply, webhook_queue
from ozrules.engine.events import Accepted, Withheld
from ozrules.runtime.clock import SystemClock
from ozrules.settings.model import WebhookSettings
from ozrules.store.journal import SqliteJournal
from tests.fakes.effects import post
from tests.fakes.phone import QuietLog

NOWHERE = WebhookSettings(allow=("http://127.0.0.1:1/",))


def test_what_is_allowed_may_change_while_it_runs(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = SystemClock()
        journal = SqliteJournal(tmp_path, clock)
        try:
            webhooks = webhook_queue(WebhookSettings(), journal, clock, QuietLog())
            assert isinstance(webhooks.post(post(1, url="http://127.0.0.1:1/")), Withheld)
            apply(NOWHERE, webhooks)
            assert webhooks.post(post(1, url="http://127.0.0.1:1/")) == Accepted()
        finally:
            journal.close()

    asyncio.run(scene())


@pytest.mark.fault(43)
def test_what_waits_when_the_daemon_ends_is_there_when_it_starts(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = SystemClock()
        journal = SqliteJournal(tmp_path, clock)
        request = post(1, url="http://127.0.0.1:1/")
        await journal.commit([request], [])
        webhook_queue(NOWHERE, journal, clock, QuietLog()).post(request)
        journal.close()
        journal = SqliteJournal(tmp_path, clock)
        assert webhook_queue(NOWHERE, journal, clock, QuietLog()).figures()["waiting"] == 1
        journal.close()

    asyncio.run(scene())
