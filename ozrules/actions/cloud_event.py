"""A webhook's bytes: a CloudEvent 1.0 in JSON, signed by the convention of Standard Webhooks.

What a caller chose stands in the body alone, as JSON strings. The id is made of the request itself, so that it is the
same on every repetition, also after a restart, and differs from that of any other ozrules.
"""

import binascii
import contextlib
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import msgspec

from ozrules.engine.effects import Post
from ozrules.runtime.secret import Secret

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_MARK: Final = "whsec_"


def message_id(post: Post) -> str:
    """The id under which this webhook is sent, however often."""
    key = post.session
    parts = (post.id, key.connection, key.epoch, key.session_id, key.start)
    return "msg_" + blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def cloud_event(post: Post, at: float) -> bytes:
    """The body. ``at`` is when the webhook was taken over, wall clock."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": message_id(post),
            "source": "/ozrules",
            "type": "ozrules.webhook",
            "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "rule": post.rule,
            "connection": post.session.connection,
            "sessionid": post.session.session_id,
            "data": post.body,
        }
    )


def signature(secret: Secret, identity: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``. After ``whsec_`` a secret is base64; any other is taken as it is."""
    text = secret.reveal()
    key = text.encode()
    if text.startswith(_MARK):
        with contextlib.suppress(binascii.Error):  # then the text itself is the secret
            key = b64decode(text.removeprefix(_MARK), validate=True)
    digest = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{b64encode(digest).decode()}"
