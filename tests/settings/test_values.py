"""Single values of a configuration."""

import pytest

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Source, parse
from ozrules.rules.shape import INVALID, Shape
from ozrules.settings import values
from ozrules.settings.model import Address


def _read(shape: Shape[object], text: str) -> object:
    findings = Findings()
    node = parse(Source("f.yaml", text.encode()), findings)
    assert node is not None
    value = shape.read(node, findings)
    assert (value is INVALID) == bool(findings.errors)
    return value


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8780", Address("127.0.0.1", 8780)),
        ("pbx.example:1", Address("pbx.example", 1)),
        ('"[::1]:8780"', Address("::1", 8780)),
    ],
)
def test_addresses_are_host_and_port(text: str, address: Address) -> None:
    assert _read(values.ADDRESS, text) == address
    assert _read(values.ADDRESS, f'"{address}"') == address


@pytest.mark.parametrize("text", ["8780", "localhost", "127.0.0.1:x", "127.0.0.1:65536", "a b:1", "::1:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert _read(values.ADDRESS, f'"{text}"') is INVALID


@pytest.mark.fault(97)
@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("pbx", False)],
)
def test_only_this_host_is_loopback(host: str, loopback: bool) -> None:
    assert values.is_loopback(host) is loopback


@pytest.mark.parametrize("text", ["ws://", "http://x", "ws://a b/", "ws://é/", "ws://h:99999/", "ws://[::1"])
def test_what_is_no_url_of_the_scheme_is_refused(text: str) -> None:
    assert _read(values.url("ws", "wss"), f'"{text}"') is INVALID


@pytest.mark.parametrize(("text", "network"), [("10.0.0.1", "10.0.0.1/32"), ("10.1.2.3/16", "10.1.0.0/16")])
def test_networks_are_written_in_one_form(text: str, network: str) -> None:
    assert _read(values.NETWORK, text) == network


@pytest.mark.parametrize(("text", "value"), [("null", None), ('"null"', "null"), ("701", "701")])
def test_null_is_none_and_quoted_null_a_text(text: str, value: str | None) -> None:
    assert _read(values.LINE_OR_NULL, text) == value
