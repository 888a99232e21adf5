"""Where a webhook may go."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.actions.targets import GuardedResolver, Targets
from ozrules.runtime.lookups import Lookups

TARGETS = Targets(("https://crm.example/", "https://hooks.example/ozrules", "http://10.0.0.7:8080/"), ("10.1.0.0/16",))


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/",
        "https://CRM.example:443/calls?x=1",
        "https://hooks.example/ozrules",
        "https://hooks.example/ozrules/a",
        "http://10.0.0.7:8080/a",
    ],
)
def test_what_is_listed_may_be_reached(url: str) -> None:
    assert TARGETS.refusal(url) is None


@pytest.mark.fault(98)
@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.evil/",
        "https://crm.example@evil/",
        "https://evil/https://crm.example/",
        "http://crm.example/",
        "https://crm.example:8443/",
        "https://hooks.example/ozrules2",
        "https://hooks.example/ozrules/../admin",
        "https://hooks.example/ozrules/%2e%2e/admin",
        "https://hooks.example/ozrules/%2F..",
        "https://crm.example/\\..\\evil",
        "file:///etc/passwd",
        "gopher://crm.example/",
        "https://[::1/",
        "https://crm.example:99999/",
        "",
    ],
)
def test_what_is_not_listed_is_refused(url: str) -> None:
    assert TARGETS.refusal(url)


@pytest.mark.fault(98)
@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", True),
        ("10.0.0.7", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_public_and_listed_addresses_are_reached(address: str, allowed: bool) -> None:
    assert TARGETS.may_reach(address) is allowed


def test_a_host_named_as_an_address_is_meant() -> None:
    assert Targets(("http://localhost:8080/",), ()).may_reach("127.0.0.1")
    assert not Targets(("http://localhost:8080/",), ()).may_reach("10.0.0.1")


@pytest.mark.fault(98)
def test_a_name_that_leads_inside_is_not_resolved() -> None:
    async def resolve(targets: Targets) -> list[str]:
        found = await GuardedResolver(targets, Lookups(1)).resolve("localhost", 80, socket.AF_INET)
        return [one["host"] for one in found]

    with pytest.raises(OSError, match="not public"):
        asyncio.run(resolve(TARGETS))
    assert asyncio.run(resolve(Targets((), ("127.0.0.0/8",)))) == ["127.0.0.1"]


@given(st.text())
def test_any_text_gets_an_answer(url: str) -> None:
    assert TARGETS.refusal(url)
