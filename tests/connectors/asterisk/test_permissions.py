"""Which methods a manager user can have, and what an admin is told about the others."""

import msgspec

from ozrules.connectors.asterisk.configuration import AriAccess
from ozrules.connectors.asterisk.permissions import forbidden_by, methods_of
from ozrules.session.methods import METHODS
from tests.connectors.asterisk.manager import MAY, access

PLAIN = access(5038)
WHOLE = access(5038, hold="700", listen="PJSIP/1004")


def test_the_documented_user_may_do_everything() -> None:
    assert methods_of(frozenset(MAY), WHOLE) == set(METHODS)


def test_a_method_needs_each_of_its_actions() -> None:
    assert "forward" not in methods_of(frozenset(MAY) - {"Originate"}, WHOLE)
    assert methods_of(frozenset(), WHOLE) == frozenset()


def test_hold_needs_somewhere_to_hold() -> None:
    assert "hold" not in methods_of(frozenset(MAY), PLAIN)
    assert "holdExtension" in forbidden_by("hold", PLAIN)
    ari = AriAccess(url="http://127.0.0.1:8088/ari", app="ozrules", username="u", password="p")
    assert "hold" in methods_of(frozenset(MAY), msgspec.structs.replace(PLAIN, ari=ari))


def test_listening_needs_a_supervisor() -> None:
    assert "startListen" not in methods_of(frozenset(MAY), PLAIN)
    assert "supervisor" in forbidden_by("startListen", PLAIN)


def test_what_the_user_may_not_is_said_with_the_remedy() -> None:
    assert "write = call,originate,reporting" in forbidden_by("hangup", WHOLE)
