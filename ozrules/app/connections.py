"""The connectors, made by kind from the configuration; and the browsers that some of them need."""

import random
import secrets
import ssl
from collections.abc import Callable, Coroutine
from typing import Final, TypeAlias, assert_never

from ozrules.connectors.asterisk.configuration import AriAccess, AsteriskAccess
from ozrules.connectors.asterisk.connector import AsteriskConnector
from ozrules.connectors.gateway import Dial, GatewayConnector, Listen
from ozrules.connectors.ozeki_http import Access, Listening, OzekiHttpConnector
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
from ozrules.connectors.webclient.webclient import WebClient, bridge_url
from ozrules.runtime.ports import Clock, Connector, RoutingDesk
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

LOCAL: Final = "127.0.0.1"
ENDLESS: Final = 100_000
"""Calls of a simulated phone system that is to go on for ever: more than a year of them in any office."""

Side: TypeAlias = Callable[[], Coroutine[None, None, None]]
"""What must run beside a connector for as long as the daemon does."""


class Unsupported(Exception):
    """The configuration asks for what this version cannot do; the text says what to change."""


def connect(
    settings: ConnectionSettings, clock: Clock, chance: random.Random, routes: RoutingDesk
) -> tuple[Connector, Side | None]:
    """The connector for one phone system, and what must run beside it. It may ask at ``routes`` where calls go."""
    match settings:
        case GatewaySettings():
            return _gateway(settings, clock, chance), None
        case WebclientSettings():
            return _webclient(settings, clock, chance)
        case SimulatorSettings():
            return _simulator(settings, clock), None
        case AsteriskSettings():
            return _asterisk(settings, clock, chance), None
        case OzekiHttpSettings():
            return _ozeki_http(settings, clock, chance, routes), None
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


def _webclient(settings: WebclientSettings, clock: Clock, chance: random.Random) -> tuple[Connector, Side | None]:
    bridge = settings.bridge
    host, port = (bridge.listen.host, bridge.listen.port) if bridge is not None else (LOCAL, 0)
    bridge_token = bridge.token.reveal() if bridge is not None else secrets.token_urlsafe(32)
    connector = GatewayConnector(
        settings.name,
        Listen(host, port, bridge_token, frozenset({ORIGIN})),
        moved_party=settings.moved_party,
        clock=clock,
        chance=chance,
        timezone=settings.timezone,
    )
    if settings.browser == "external":
        return connector, None
    token = settings.token
    if isinstance(token, Generate):
        raise Unsupported(f"connection {settings.name}: token: {{generate: …}} is not supported yet")

    async def fixed() -> str:
        return token.reveal()

    try:
        webclient = WebClient(
            connection=settings.name,
            server=settings.server,
            script=settings.script,
            token=fixed,
            password=settings.password.reveal() if settings.password is not None else None,
            bridge_token=bridge_token,
            chance=chance,
        )
    except (NoBrowser, ValueError) as error:
        raise Unsupported(f"connection {settings.name}: {error}") from error

    async def browse() -> None:
        await webclient.run(bridge_url(host, await connector.listening_port()))

    return connector, browse


def _ozeki_http(
    settings: OzekiHttpSettings, clock: Clock, chance: random.Random, routes: RoutingDesk
) -> OzekiHttpConnector:
    heard = settings.notifications
    return OzekiHttpConnector(
        settings.name,
        Access(
            host=settings.server,
            port=settings.port,
            generation=settings.generation,
            username=settings.username,
            password=settings.password.reveal() if settings.password is not None else None,
            way=settings.method,
            tls=ssl.create_default_context() if settings.tls else None,
        ),
        moved_party=settings.moved_party,
        ring_time=settings.ring_time,
        listening=None
        if heard is None
        else Listening(host=heard.listen.host, port=heard.listen.port, allow=heard.allow, deadline=heard.deadline),
        outside_line=settings.outside_line,
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
