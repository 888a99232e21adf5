"""One try to deliver a message to another program: guarded, signed, and judged by its status alone.

Each try has a connection of its own, so that nothing that was checked before holds for the next. Redirects are not
followed, and the body of an answer is not read: nothing in it matters.
"""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

import aiohttp
import msgspec

from ozrules.actions.cloud_event import CONTENT_TYPE, signature
from ozrules.actions.targets import GuardedResolver, Targets
from ozrules.runtime.lookups import Lookups
from ozrules.runtime.secret import Secret

Verdict: TypeAlias = Literal["confirmed", "rejected", "again"]
BUSY: Final = (429, 503)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. ``headers`` never replace our own; ``at`` is the moment of this try, wall clock, whole seconds."""

    url: str
    method: str
    headers: dict[str, str]
    body: bytes
    identity: str
    at: int


class Try(msgspec.Struct, frozen=True):
    """What came of a try, what an admin may read about it, and for how many seconds the target wants no other."""

    verdict: Verdict
    detail: str
    leave: float = 0.0


async def deliver(message: Message, targets: Targets, secret: Secret | None, *, names: Lookups, within: float) -> Try:
    """One try. ``names`` looks up the host; ``within`` is in seconds."""
    refusal = targets.refusal(message.url)
    if refusal is not None:
        return Try("rejected", refusal)
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(targets, names), use_dns_cache=False, force_close=True, limit=1
    )
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
            leave = _leave(answer.headers.get("Retry-After", ""), message.at) if status in BUSY else 0.0
    except TimeoutError:
        return Try("again", f"no answer within {within:g} s")
    except (aiohttp.ClientError, OSError) as error:
        return Try("again", str(error) or type(error).__name__)
    except ValueError as error:  # a header or URL that HTTP cannot carry
        return Try("rejected", str(error))
    if 200 <= status < 300:
        return Try("confirmed", f"status {status}")
    return Try("rejected" if status == 410 else "again", f"status {status}", leave)


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


def _leave(wanted: str, at: int) -> float:
    """Seconds, as RFC 9110, section 10.2.3, lets a target say them: a number, or a date. All else is not heard."""
    if wanted.isascii() and wanted.isdigit():
        return float(wanted)
    try:
        moment = parsedate_to_datetime(wanted)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - at)
    except (ValueError, OverflowError):  # the parser lets years through that no date can have
        return 0.0
