"""What an admin says of one Asterisk. Neither shows its password, whoever prints it."""

import ssl

import msgspec


class AriAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Asterisk's REST interface, for hold with music. ``url`` ends in ``/ari``."""

    url: str
    app: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"AriAccess({self.url})"


class AsteriskAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The manager interface of one Asterisk, and what the connector needs to know of its dialplan.

    ``context`` is where numbers are dialled; ``hold_extension`` parks, for hold without ARI; ``supervisor`` is the
    endpoint that startListen calls; ``trunks`` are patterns of what leads outside, ``phones`` of who is inside.
    """

    host: str
    port: int = 5038
    username: str
    password: str
    tls: ssl.SSLContext | None = None
    context: str
    hold_extension: str | None = None
    supervisor: str | None = None
    trunks: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    ari: AriAccess | None = None

    def __repr__(self) -> str:
        return f"AsteriskAccess({self.username}@{self.host}:{self.port})"
