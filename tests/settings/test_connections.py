"""The kinds of connections: what each fills in, and what it cannot do without."""

from pathlib import Path

import pytest

from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.settings.configuration import load
from ozrules.settings.model import (
    Address,
    AsteriskSettings,
    ConnectionSettings,
    GatewaySettings,
    OzekiHttpSettings,
    SimulatorSettings,
    WebclientSettings,
)

SYSTEM = Path("/etc/ozrules/ozrules.yaml")


def _connection(text: str) -> ConnectionSettings:
    (found,) = load(SYSTEM, f"ozrules: 1\nconnections: [{text}]\n".encode(), {"T": "t", "TZ": "Asia/Tokyo"}).connections
    return found


@pytest.mark.parametrize(
    ("port", "more"), [(7780, ""), (9509, ", generation: ozeki10"), (80, ", generation: ozeki10, port: 80")]
)
def test_the_generation_gives_the_port(port: int, more: str) -> None:
    found = _connection(f"{{name: a, type: ozeki-http, server: pbx{more}}}")
    assert isinstance(found, OzekiHttpSettings)
    assert (found.port, found.timezone) == (port, "Asia/Tokyo")


def test_http_is_asked_by_post_unless_it_is_wanted_otherwise() -> None:
    plain = _connection("{name: a, type: ozeki-http, server: pbx}")
    more = "notifications: {listen: '127.0.0.1:0', allow: [127.0.0.1], deadline: 1200ms}"
    all_of_it = f"method: get, tls: true, ringTime: 45s, outsideLine: Line1, apiExtension: '9998', {more}"
    other = _connection(f"{{name: a, type: ozeki-http, server: pbx, {all_of_it}}}")
    assert isinstance(plain, OzekiHttpSettings)
    assert isinstance(other, OzekiHttpSettings)
    assert (plain.method, plain.tls, plain.ring_time, plain.outside_line) == ("post", False, None, None)
    assert (other.method, other.tls, other.ring_time, other.outside_line) == ("get", True, 45.0, "Line1")
    assert other.api_extension == "9998"
    assert other.notifications is not None
    assert other.notifications.deadline == 1.2


@pytest.mark.parametrize(("server", "script"), [("pbx", "http://pbx:7777/"), ('"fe80::1"', "http://[fe80::1]:7777/")])
def test_the_script_comes_from_the_server(server: str, script: str) -> None:
    found = _connection(f"{{name: a, type: ozeki-webclient, server: {server}, token: {{env: T}}}}")
    assert isinstance(found, WebclientSettings)
    assert found.script == script + "WebphoneAPI"
    assert (found.browser, found.bridge) == ("managed", None)


def test_a_gateway_is_dialled_or_comes() -> None:
    dialled = _connection("{name: a, type: gateway, url: 'ws://127.0.0.1:1/'}")
    comes = _connection('{name: a, type: gateway, listen: "[::1]:8790", token: {env: T}}')
    assert isinstance(dialled, GatewaySettings)
    assert isinstance(comes, GatewaySettings)
    assert (dialled.way, comes.way) == ("ws://127.0.0.1:1/", Address("::1", 8790))


@pytest.mark.parametrize(("tls", "port"), [("false", 5038), ("true", 5039)])
def test_an_asterisk_has_its_usual_port(tls: str, port: int) -> None:
    found = _connection(f"{{name: a, type: asterisk, host: h, username: u, password: {{env: T}}, tls: {tls}}}")
    assert isinstance(found, AsteriskSettings)
    assert (found.port, found.context, found.ari) == (port, "from-internal", None)


def test_a_simulator_needs_nothing() -> None:
    assert _connection("{name: a, type: simulator}") == SimulatorSettings(name="a", calls=None, rate=12.0, seed=1)


@pytest.mark.parametrize(
    "text",
    [
        "{name: a, type: gateway}",
        "{name: a, type: gateway, url: 'ws://h/', listen: '127.0.0.1:1', token: {env: T}}",
        "{name: a, type: gateway, listen: '127.0.0.1:1'}",
        "{name: a, type: ozeki-webclient, server: pbx}",
        "{name: a, type: ozeki-webclient, server: pbx, token: {env: T}, browser: external}",
        "{name: a, type: asterisk, host: h, username: u}",
        "{type: simulator}",
    ],
)
def test_what_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid, match="missing-key"):
        _connection(text)
