"""The queue of webhooks, for as long as the daemon runs."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ozrules.actions.targets import Targets
from ozrules.actions.webhooks import Webhooks
from ozrules.runtime.ports import Clock, Log
from ozrules.settings.model import WebhookSettings
from ozrules.store.journal import SqliteJournal


def apply(settings: WebhookSettings, webhooks: Webhooks) -> None:
    """These settings hold from now on."""
    webhooks.apply(Targets(settings.allow, settings.addresses), settings.secret, settings.expire)


@asynccontextmanager
async def webhook_queue(
    settings: WebhookSettings, journal: SqliteJournal, clock: Clock, log: Log
) -> AsyncIterator[Webhooks]:
    """Takes webhooks over until the daemon ends. Where delivery itself breaks, the daemon ends too."""
    webhooks = Webhooks(journal, clock, log, random.Random())  # noqa: S311  # spreads retries
    apply(settings, webhooks)
    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(webhooks.run(), name="webhooks")
        try:
            yield webhooks
        finally:
            delivering.cancel()
