"""Who may look: whoever shows the token, as a bearer or by a cookie that was given for it.

The cookie is no session that is kept: it is the moment at which it ends, signed with a key made from the token. So it
outlives a restart of the daemon, ends with a new token, and holds no secret. Wrong tokens are counted by peer, and
after `TRIES` in a minute each further one waits for its answer. The right one never waits: somebody else behind the
same address (a proxy, a program on this machine) must not be able to lock the admin out.
"""

import hashlib
import hmac
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from ozrules.runtime.secret import Secret

LASTS: Final = 12 * 3600.0
TRIES: Final = 5
WINDOW: Final = 60.0
MOST_PEERS: Final = 1_000


class Access:
    """``now`` is the wall clock for cookies, ``stopwatch`` a clock that nobody sets for the tries."""

    def __init__(self, token: Secret, now: Callable[[], float], stopwatch: Callable[[], float]) -> None:
        self._token = token
        self._key = hmac.digest(token.reveal().encode(), b"ozrules dashboard cookie", hashlib.sha256)
        self._now = now
        self._stopwatch = stopwatch
        self._tries: dict[str, deque[float]] = {}

    def matches(self, token: str) -> bool:
        """Whether this is the token."""
        return Secret(token) == self._token

    def wrong(self, peer: str) -> float:
        """This peer was wrong. For how many seconds it should leave us alone: 0 where it may try again."""
        now = self._stopwatch()
        tries = self._tries.pop(peer, None) or deque(maxlen=TRIES + 1)
        tries.append(now)
        self._tries[peer] = tries
        if len(self._tries) > MOST_PEERS:
            del self._tries[next(iter(self._tries))]
        while tries[0] <= now - WINDOW:
            tries.popleft()
        return tries[0] + WINDOW - now if len(tries) > TRIES else 0.0

    def cookie(self) -> str:
        """What stands for the token for the next `LASTS` seconds."""
        ends = str(math.ceil(self._now() + LASTS))
        return f"{ends}.{self._sign(ends)}"

    def knows(self, cookie: str) -> bool:
        """Whether this cookie was given here and has not ended."""
        ends, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(ends).encode()):
            return False
        return self._now() < float(ends)  # we have written it

    def _sign(self, ends: str) -> str:
        return hmac.new(self._key, ends.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
