"""The settings as data, whole: every default is filled in, every path is absolute, every secret has been read."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from ozrules.rules.diagnostics import Diagnostic
from ozrules.runtime.secret import Secret

MovedParty = Literal["argument", "other"]
"""Whom blindTransfer moves: the party named in its first argument, or the other one."""


class Address(msgspec.Struct, frozen=True):
    """Where to listen. ``host`` is a name or an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Generate(msgspec.Struct, frozen=True):
    """A token that the phone system gives out: asked for over an ozeki-http connection, renewed before it expires.

    ``life`` is how many seconds one holds; the vendor's default is a day.
    """

    connection: str
    life: float = 86_400.0


class Bridge(msgspec.Struct, frozen=True):
    """Where the page in the browser meets the daemon."""

    listen: Address
    token: Secret


class WebclientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``ozeki-webclient``: the vendor's script in a page in a browser. ``bridge`` None: made up at the start."""

    name: str
    server: str
    script: str
    token: Secret | Generate
    password: Secret | None
    moved_party: MovedParty | None
    timezone: str
    bridge: Bridge | None
    browser: Literal["managed", "external"]


class Notifications(msgspec.Struct, frozen=True):
    """Where the phone system posts what happens, and the addresses it may come from.

    ``deadline``: seconds in which it is told where a call goes.
    """

    listen: Address
    allow: tuple[str, ...]
    deadline: float = 0.5


class OzekiHttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``ozeki-http``: the vendor's HTTP API.

    ``watch`` False: its calls are seen over another connection, and not here.
    ``method``: how commands are sent. ``ring_time``: for how many seconds this phone system lets a phone ring, where
    that is known. ``outside_line``: by which line a routed call goes outside. ``api_extension`` makes calls and
    sends texts where a rule names none.
    """

    name: str
    server: str
    port: int
    generation: Literal["classic", "ozeki10"]
    username: str | None
    password: Secret | None
    moved_party: MovedParty | None
    timezone: str
    notifications: Notifications | None
    method: Literal["post", "get"] = "post"
    tls: bool = False
    ring_time: float | None = None
    outside_line: str | None = None
    watch: bool = True
    api_extension: str | None = None


class Ari(msgspec.Struct, frozen=True):
    """Asterisk's REST interface."""

    url: str
    app: str
    username: str
    password: Secret


class AsteriskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``asterisk``: the manager interface, with or without ARI."""

    name: str
    host: str
    port: int
    username: str
    password: Secret
    tls: bool
    context: str
    hold_extension: str | None
    supervisor: str | None
    trunks: tuple[str, ...]
    phones: tuple[str, ...]
    ari: Ari | None


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """``gateway``: the session protocol; we dial ``url``, or listen for the gateway to come."""

    name: str
    way: str | Address
    token: Secret | None
    moved_party: MovedParty | None
    timezone: str


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``simulator``: a phone system that is only played. ``calls`` None: for ever; ``rate`` is calls a minute."""

    name: str
    calls: int | None
    rate: float
    seed: int


ConnectionSettings: TypeAlias = (
    WebclientSettings | OzekiHttpSettings | AsteriskSettings | GatewaySettings | SimulatorSettings
)


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the log and the record look. ``decisions``: those of matched rules, or a line on every event too."""

    format: Literal["auto", "console", "json", "journal"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"
    decisions: Literal["matched", "all"] = "matched"
    pseudonyms: bool = False


class WebSettings(msgspec.Struct, frozen=True):
    """Dashboard, metrics and health. ``hosts`` are further names under which they may be asked for."""

    listen: Address
    token: Secret
    hosts: tuple[str, ...]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whereto webhooks may go, how they are signed, and how long delivery is tried.

    ``addresses`` are networks that a host name may lead to though they are not public.
    """

    allow: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    secret: Secret | None = None
    expire: float = 86_400.0


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell when a connection, the journal or the rules have failed for ``after`` seconds."""

    url: str
    after: float = 30.0


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long the record and the recorded sessions are kept, seconds."""

    decisions: float = 90 * 86_400.0
    sessions: float = 30 * 86_400.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. ``rules`` are absolute paths and patterns; ``warnings`` is what was worth a word."""

    file: str
    connections: tuple[ConnectionSettings, ...]
    rules: tuple[str, ...]
    mode: Literal["enforce", "observe"]
    state: Path
    control: Path
    log: LogSettings
    web: WebSettings | None
    webhooks: WebhookSettings
    alerts: AlertSettings | None = None
    secrets: dict[str, Secret]
    retention: Retention
    warnings: tuple[Diagnostic, ...] = ()
