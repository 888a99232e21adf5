"""The queue of webhooks and the alerts, as the settings want them."""

import random

from ozrules.actions.alerts import Alerts
from ozrules.actions.targets import Targets
from ozrules.actions.webhooks import Webhooks
from ozrules.runtime.ports import Clock, Log
from ozrules.settings.model import Settings, WebhookSettings
from ozrules.store.journal import SqliteJournal


def apply(settings: WebhookSettings, webhooks: Webhooks) -> None:
    """These settings hold from now on."""
    webhooks.apply(Targets(settings.allow, settings.addresses), settings.secret, settings.expire)


def alerts(settings: Settings, clock: Clock, log: Log) -> Alerts | None:
    """Whoever is told when something fails; their URL needs no other leave than to stand there."""
    if settings.alerts is None:
        return None
    hooks = settings.webhooks
    return Alerts(
        settings.alerts.url,
        after=settings.alerts.after,
        targets=Targets((settings.alerts.url,), hooks.addresses),
        secret=hooks.secret,
        clock=clock,
        log=log,
    )


def webhook_queue(settings: WebhookSettings, journal: SqliteJournal, clock: Clock, log: Log) -> Webhooks:
    """Takes webhooks over at once; they are delivered for as long as its `run` runs."""
    webhooks = Webhooks(journal.pending_posts(), clock, log, random.Random())  # noqa: S311  # spreads retries
    apply(settings, webhooks)
    return webhooks
