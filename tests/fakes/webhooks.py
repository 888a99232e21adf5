"""A queue of webhooks that takes none."""

import asyncio
from collections.abc import Callable

from ozrules.engine.effects import Post
from ozrules.engine.events import PostSettled, Receipt, Withheld


class NoWebhooks:
    """`ozrules.runtime.ports.WebhookQueue` without a queue."""

    def post(self, request: Post) -> Receipt:
        return Withheld("rejected", "no webhook goes anywhere")

    async def run(self, settled: Callable[[PostSettled], None]) -> None:
        await asyncio.Event().wait()

    def figures(self) -> dict[str, int]:
        return {"waiting": 0, "delivered": 0, "dead": 0, "refused": 0}
