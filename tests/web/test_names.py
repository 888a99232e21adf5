"""Under which names the page answers, and which pages may ask it."""

import pytest

from ozrules.web.names import Names

LOCAL = Names("127.0.0.1", 8780, ())
OPEN = Names("0.0.0.0", 8780, ("phones.example", "Dash.example:8443"))


@pytest.mark.parametrize("host", ["127.0.0.1:8780", "localhost:8780", "[::1]:8780", "LOCALHOST:8780"])
def test_this_machine_is_known(host: str) -> None:
    assert LOCAL.known(host)


@pytest.mark.fault(96)
@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:8780",
        "attacker.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "localhost:8780.attacker.example",
        "localhost.attacker.example:8780",
        "127.0.0.1.attacker.example:8780",
        "127.0.0.1:8780@attacker.example",
        "attacker.example/127.0.0.1:8780",
        "localhost:8780 ",
        "0.0.0.0:8780",
        "2130706433:8780",
        "127.1:8780",
        "[::ffff:127.0.0.1]:8780",
        "",
    ],
)
def test_no_other_name_is(host: str) -> None:
    assert not LOCAL.known(host)
    assert not OPEN.known(host)


def test_names_of_the_configuration_are_known_with_and_without_the_port() -> None:
    assert OPEN.known("phones.example")
    assert OPEN.known("phones.example:8780")
    assert OPEN.known("dash.example:8443")
    assert not OPEN.known("dash.example")
    assert not LOCAL.known("phones.example")


def test_an_address_that_is_listened_at_is_known() -> None:
    assert Names("192.168.1.5", 8780, ()).known("192.168.1.5:8780")
    assert Names("fd00::5", 8780, ()).known("[fd00::5]:8780")


@pytest.mark.fault(95)
@pytest.mark.parametrize(
    "origin",
    [
        "http://attacker.example",
        "null",
        "",
        "http://127.0.0.1:8780.attacker.example",
        "http://127.0.0.1:87800",
        "http://127.0.0.1",
        "http://localhost:8780",
        "http://user@127.0.0.1:8780",
        "file://127.0.0.1:8780",
    ],
)
def test_only_the_page_itself_is_ours(origin: str) -> None:
    assert not LOCAL.ours(origin, "127.0.0.1:8780")
    assert LOCAL.ours("http://127.0.0.1:8780", "127.0.0.1:8780")
    assert OPEN.ours("https://phones.example", "phones.example")
