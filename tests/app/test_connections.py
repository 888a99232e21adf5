"""Connectors by kind, with the names of their connections."""

import random

from ozrules.app.connections import Shared, connect
from ozrules.connectors.asterisk.connector import AsteriskConnector
from ozrules.connectors.gateway import GatewayConnector
from ozrules.connectors.ozeki_http import OzekiHttpConnector
from ozrules.connectors.simulator import SimulatorConnector
from ozrules.runtime.clock import SystemClock
from ozrules.runtime.ports import Connector
from ozrules.runtime.routes import Routes
from ozrules.runtime.secret import Secret
from ozrules.settings.model import (
    Address,
    Ari,
    AsteriskSettings,
    Bridge,
    ConnectionSettings,
    GatewaySettings,
    Notifications,
    OzekiHttpSettings,
    SimulatorSettings,
    WebclientSettings,
)

TOKEN = Secret("token")
GATEWAY = GatewaySettings(name="lab", way="ws://127.0.0.1:1/", token=TOKEN, moved_party=None, timezone="UTC")
WEBCLIENT = WebclientSettings(
    name="office",
    server="192.0.2.1",
    script="http://192.0.2.1:7777/WebphoneAPI",
    token=TOKEN,
    password=None,
    moved_party="argument",
    timezone="UTC",
    bridge=Bridge(Address("127.0.0.1", 0), TOKEN),
    browser="external",
)
ASTERISK = AsteriskSettings(
    name="open",
    host="127.0.0.1",
    port=5038,
    username="ozrules",
    password=TOKEN,
    tls=True,
    context="from-internal",
    hold_extension=None,
    supervisor=None,
    trunks=("PJSIP/trunk-*",),
    phones=(),
    ari=Ari("http://127.0.0.1:8088/ari", "ozrules", "ozrules", TOKEN),
)

OZEKI_HTTP = OzekiHttpSettings(
    name="branch",
    server="192.0.2.2",
    port=9509,
    generation="ozeki10",
    username="api",
    password=TOKEN,
    moved_party=None,
    timezone="UTC",
    notifications=Notifications(Address("127.0.0.1", 0), ("127.0.0.1/32",)),
    tls=True,
)


def made(settings: ConnectionSettings) -> Connector:
    clock = SystemClock()
    shared = Shared(clock=clock, chance=random.Random(1), routes=Routes(clock), troubles={}, connections=(settings,))
    connector, beside = connect(settings, shared)
    assert beside is None
    assert connector.name == settings.name
    return connector


def test_each_kind_gets_its_connector() -> None:
    assert isinstance(made(GATEWAY), GatewayConnector)
    assert isinstance(made(WEBCLIENT), GatewayConnector)
    assert isinstance(made(ASTERISK), AsteriskConnector)
    assert isinstance(made(SimulatorSettings(name="sim", calls=3, rate=60.0, seed=1)), SimulatorConnector)
    assert isinstance(made(OZEKI_HTTP), OzekiHttpConnector)
