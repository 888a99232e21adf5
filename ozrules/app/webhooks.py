"""The queue of webhooks, as the settings want it."""

import random

from ozrules.actions.targets import Targets
from ozrules.actions.webhooks import Webhooks
from ozrules.runtime.ports import Clock, Log
from ozrules.settings.model import WebhookSettings
from ozrules.store.journal import SqliteJournal


def apply(settings: WebhookSettings, webhooks: Webhooks) -> None:
    """These settings hold from now on."""
    webhooks.apply(Targets(settings.allow, settings.addresses), settings.secret, settings.expire)


def webhook_queue(settings: WebhookSettings, journal: SqliteJournal, clock: Clock, log: Log) -> Webhooks:
    """Takes webhooks over at once; they are delivered for as long as its `run` runs."""
    webhooks = Webhooks(journal.pending_posts(), clock, log, random.Random())  # noqa: S311  # spreads retries
    apply(settings, webhooks)
    return webhooks
