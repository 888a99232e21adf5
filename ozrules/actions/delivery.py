"""One try to deliver a message to another program: guarded, signed, and judged by its status alone.

Each try has a connection of its own, so that nothing that was checked before holds for the next. Redirects are not
followed, and the body of an answer is not read: nothing in it matters.
"""

from typing import Literal, TypeAlias

import aiohttp
import msgspec

from ozrules.actions.cloud_event import CONTENT_TYPE, signature
from ozrules.actions.targets import GuardedResolver, Targets
from ozrules.runtime.secret import Secret

Verdict: TypeAlias = Literal["confirmed", "rejected", "again"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. ``headers`` never replace our own; ``at`` is the moment of this try, wall clock, whole seconds."""

    url: str
    method: str
    headers: dict[str, str]
    body: bytes
    identity: str
    at: int


async def deliver(message: Message, targets: Targets, secret: Secret | None, *, within: float) -> tuple[Verdict, str]:
    """What came of it, and what an admin may read about it. ``within`` is in seconds."""
    refusal = targets.refusal(message.url)
    if refusal is not None:
        return "rejected", refusal
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(targets), use_dns_cache=False, force_close=True, limit=1)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                message.method,
                message.url,
                data=message.body,
                headers=_headers(message, secret),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=within),
            ) as answer,
        ):
            status = answer.status
    except TimeoutError:
        return "again", f"no answer within {within:g} s"
    except (aiohttp.ClientError, OSError) as error:
        return "again", str(error) or type(error).__name__
    except ValueError as error:  # a header or URL that HTTP cannot carry
        return "rejected", str(error)
    if 200 <= status < 300:
        return "confirmed", f"status {status}"
    return ("rejected" if status == 410 else "again"), f"status {status}"


def _headers(message: Message, secret: Secret | None) -> dict[str, str]:
    ours = {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "ozrules",
        "webhook-id": message.identity,
        "webhook-timestamp": str(message.at),
    }
    if secret is not None:
        ours["webhook-signature"] = signature(secret, message.identity, message.at, message.body)
    reserved = {name.lower() for name in ours} | {"host", "content-length", "transfer-encoding", "webhook-signature"}
    return {name: value for name, value in message.headers.items() if name.lower() not in reserved} | ours
