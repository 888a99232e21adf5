"""The connectors, made by kind from the configuration; and the browsers that some of them need."""

import random
import secrets
import ssl
from collections.abc import Callable, Coroutine, Iterable
from typing import Final, TypeAlias, assert_never

import msgspec

from ozrules.connectors.asterisk.configuration import AriAccess, AsteriskAccess
from ozrules.connectors.asterisk.connector import AsteriskConnector
from ozrules.connectors.gateway import Dial, GatewayConnector, Listen
from ozrules.connectors.ozeki_http import Access, Listening, OzekiHttpConnector
from ozrules.connectors.ozeki_http.tokens import NoToken, generate
from ozrules.connectors.simulator import (
    OFFICE,
    Behaviour,
    PhoneSystem,
    SimulatorConnector,
    Switchboard,
    traffic,
)
from ozrules.connectors.webclient.browser import NoBrowser
from ozrules.connectors.webclient.page_server import ORIGIN
from ozrules.connectors.webclient.tokens import FixedToken, NotGiven, RenewedToken, Tokens
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.runtime.ports import Clock, Connector, RoutingDesk
from ozrules.runtime.secret import Secret
from ozrules.settings.model import (
    Address,
    AsteriskSettings,
    ConnectionSettings,
    GatewaySettings,
    Generate,
    OzekiHttpSettings,
    SimulatorSettings,
    WebclientSettings,
)
from ozrules.settings.surroundings import NoSecret

LOCAL: Final = "127.0.0.1"
ENDLESS: Final = 100_000
"""Calls of a simulated phone system that is to go on for ever: more than a year of them in any office."""

Side: TypeAlias = Callable[[], Coroutine[None, None, None]]
"""What must run beside a connector for as long as the daemon does."""


class Unsupported(Exception):
    """The configuration asks for what this version cannot do; the text says what to change."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What the connectors of one daemon have in common.

    They ask at ``routes`` where calls go. ``troubles`` is where they write what else is wrong, by their names.
    ``connections`` are all that there are.
    """

    clock: Clock
    chance: random.Random
    routes: RoutingDesk
    troubles: dict[str, str]
    connections: tuple[ConnectionSettings, ...]


def connect(settings: ConnectionSettings, shared: Shared) -> tuple[Connector, Side | None]:
    """The connector for one phone system, and what must run beside it."""
    clock, chance = shared.clock, shared.chance
    match settings:
        case GatewaySettings():
            return _gateway(settings, clock, chance), None
        case WebclientSettings():
            return _webclient(settings, shared)
        case SimulatorSettings():
            return _simulator(settings, clock), None
        case AsteriskSettings():
            return _asterisk(settings, clock, chance), None
        case OzekiHttpSettings():
            return _ozeki_http(settings, clock, chance, shared.routes), None
        case _:
            assert_never(settings)


def _gateway(settings: GatewaySettings, clock: Clock, chance: random.Random) -> Connector:
    token = settings.token.reveal() if settings.token is not None else ""
    match settings.way:
        case str(url):
            way: Dial | Listen = Dial(url, token)
        case Address(host=host, port=port):
            way = Listen(host, port, token)
    return GatewayConnector(
        settings.name,
        way,
        moved_party=settings.moved_party,
        clock=clock,
        chance=chance,
        timezone=settings.timezone,
    )


def _webclient(settings: WebclientSettings, shared: Shared) -> tuple[Connector, Side | None]:
    bridge = settings.bridge
    host, port = (bridge.listen.host, bridge.listen.port) if bridge is not None else (LOCAL, 0)
    bridge_token = bridge.token.reveal() if bridge is not None else secrets.token_urlsafe(32)
    connector = GatewayConnector(
        settings.name,
        Listen(host, port, bridge_token, frozenset({ORIGIN})),
        moved_party=settings.moved_party,
        clock=shared.clock,
        chance=shared.chance,
        timezone=settings.timezone,
    )
    if settings.browser == "external":
        return connector, None

    def trouble(text: str | None) -> None:
        if text is None:
            shared.troubles.pop(settings.name, None)
        else:
            shared.troubles[settings.name] = text

    tokens = tokens_of(settings, shared.connections, shared.clock, shared.chance, trouble)
    try:
        webclient = WebClient(
            connection=settings.name,
            server=settings.server,
            script=settings.script,
            tokens=tokens,
            password=settings.password.reveal() if settings.password is not None else None,
            bridge_token=bridge_token,
            chance=shared.chance,
        )
    except (NoBrowser, ValueError) as error:
        raise Unsupported(f"connection {settings.name}: {error}") from error

    async def browse() -> None:
        await webclient.run(bridge_url(host, await connector.listening_port()))

    return connector, browse


def tokens_of(
    settings: WebclientSettings,
    connections: Iterable[ConnectionSettings],
    clock: Clock,
    chance: random.Random,
    trouble: Callable[[str | None], None],
) -> Tokens:
    """Where a web client gets its token from. ``trouble`` is told what is wrong with that, None when nothing is.

    Raises Unsupported where the connection to ask cannot be asked here.
    """
    token = settings.token
    if not isinstance(token, Generate):
        return FixedToken(settings.name, lambda: _given(token))
    asked = (each for each in connections if isinstance(each, OzekiHttpSettings) and each.name == token.connection)
    over = next(asked, None)
    if over is None:
        raise Unsupported(
            f"connection {settings.name}: the connection {token.connection}, which its token comes over, is not here"
        )
    if over.password is not None and not over.password.reveal():
        raise Unsupported(
            f"connection {settings.name}: its token comes over the connection {over.name}, whose password cannot be had"
            " here; give this process the secret too"
        )
    access = access_of(over)

    async def give() -> str:
        try:
            return await generate(access, modify=True)
        except NoToken as error:
            raise NotGiven(f"over {over.name}: {error}", denied=error.denied) from error

    return RenewedToken(settings.name, give, life=token.life, clock=clock, chance=chance, trouble=trouble)


def _given(token: Secret) -> str:
    try:
        return token.reveal()
    except NoSecret as error:
        raise NotGiven(str(error), denied=False) from error


def access_of(settings: OzekiHttpSettings) -> Access:
    """How the HTTP API of a connection is reached."""
    return Access(
        host=settings.server,
        port=settings.port,
        generation=settings.generation,
        username=settings.username,
        password=settings.password.reveal() if settings.password is not None else None,
        way=settings.method,
        tls=ssl.create_default_context() if settings.tls else None,
    )


def _ozeki_http(
    settings: OzekiHttpSettings, clock: Clock, chance: random.Random, routes: RoutingDesk
) -> OzekiHttpConnector:
    heard = settings.notifications
    return OzekiHttpConnector(
        settings.name,
        access_of(settings),
        moved_party=settings.moved_party,
        ring_time=settings.ring_time,
        listening=None
        if heard is None
        else Listening(host=heard.listen.host, port=heard.listen.port, allow=heard.allow, deadline=heard.deadline),
        outside_line=settings.outside_line,
        watches=settings.watch,
        api_extension=settings.api_extension,
        routes=routes,
        clock=clock,
        chance=chance,
        timezone=settings.timezone,
    )


def _asterisk(settings: AsteriskSettings, clock: Clock, chance: random.Random) -> Connector:
    ari = settings.ari
    access = AsteriskAccess(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password.reveal(),
        tls=ssl.create_default_context() if settings.tls else None,
        context=settings.context,
        hold_extension=settings.hold_extension,
        supervisor=settings.supervisor,
        trunks=settings.trunks,
        phones=settings.phones,
        ari=None
        if ari is None
        else AriAccess(url=ari.url, app=ari.app, username=ari.username, password=ari.password.reveal()),
    )
    return AsteriskConnector(settings.name, access, clock=clock, chance=chance)


def _simulator(settings: SimulatorSettings, clock: Clock) -> Connector:
    start = clock.now()
    phones = PhoneSystem(OFFICE, Behaviour(), start=start, seed=settings.seed)
    count = settings.calls if settings.calls is not None else ENDLESS
    phones.expect(traffic(count, rate=settings.rate / 60, start=start, seed=settings.seed))
    return SimulatorConnector(settings.name, Switchboard(phones, seed=settings.seed), clock)
