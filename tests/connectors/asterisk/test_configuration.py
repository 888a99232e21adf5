"""The configuration never shows a password."""

from ozrules.connectors.asterisk.configuration import AriAccess
from tests.connectors.asterisk.manager import PASSWORD, access


def test_neither_interface_shows_its_password() -> None:
    ari = AriAccess(url="http://127.0.0.1:8088/ari", app="ozrules", username="ozrules", password=PASSWORD)
    for shown in (repr(access(5038)), repr(ari), f"{access(5038)!s} {ari!s}"):
        assert PASSWORD not in shown
