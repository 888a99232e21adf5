"""What may differ from one Ozeki HTTP API to another, and where the vendor's pages leave things open."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

Generation: TypeAlias = Literal["classic", "ozeki10"]
WrongState: TypeAlias = Literal[303, 601, 200]


class HttpManners(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulated phone system serves its HTTP API.

    ``users``: user names and passwords; empty: no authentication, though a real Ozeki 10 always wants both
    (``barred`` users have a password and no access). ``api_extensions``: those that there are; None: all.
    ``addresses``: the networks that may use it; empty: all. ``refusal``: the code where a command is refused.
    ``wrong_state``: the code where the call is in another state; 200 does nothing and says that it did.
    ``lingers``: seconds for which a call that has ended stays on the list. ``caller_id``: what CallerId holds.
    ``hears_changes``, ``hears_routing``: where CallChanged and RoutingInterception are posted.
    Whom BlindTransfer moves is `Behaviour.moved_party`.
    """

    generation: Generation = "classic"
    users: Mapping[str, str] = {}
    barred: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    api_extensions: frozenset[str] | None = None
    refusal: int = 306
    wrong_state: WrongState = 303
    lingers: float = 2.0
    caller_id: Literal["name", "number"] = "name"
    hears_changes: str | None = None
    hears_routing: str | None = None
