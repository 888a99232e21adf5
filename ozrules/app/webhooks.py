"""The queue of webhooks, for as long as the daemon runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ozrules.engine.effects import Post
from ozrules.engine.events import Receipt, Withheld
from ozrules.runtime.ports import Clock, WebhookQueue
from ozrules.settings.model import WebhookSettings
from ozrules.store.journal import SqliteJournal


class NoWebhooks:
    """Where the configuration allows no webhook to anywhere."""

    def post(self, request: Post) -> Receipt:
        return Withheld("rejected", "the configuration allows no webhooks (webhooks.allow)")


@asynccontextmanager
async def webhook_queue(settings: WebhookSettings, journal: SqliteJournal, clock: Clock) -> AsyncIterator[WebhookQueue]:
    """Takes webhooks over until the daemon ends."""
    yield NoWebhooks()
