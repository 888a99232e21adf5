"""Questions about routing, as rules read them."""

import pytest

from ozrules.connectors.ozeki_http.notifications import RoutingQuestion
from ozrules.connectors.ozeki_http.routing import kind_of, session_of


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("Calling", "Calling"),
        ("NoAnswer", "NoAnswer"),
        ("NO_ANSWER", "NoAnswer"),
        ("Busy", "Busy"),
        ("NotFound", "NotFound"),
        ("Error", None),
        ("Odd", None),
        (None, "Calling"),
    ],
)
def test_why_it_asks(state: str | None, kind: str | None) -> None:
    assert kind_of(RoutingQuestion(state=state)) == kind


def test_the_call_that_is_asked_about() -> None:
    session = session_of(
        RoutingQuestion(
            caller="+36201234567", original_dialed="2001", last_dialed="2002", last_called="2003", caller_extension="L1"
        )
    )
    assert (session.session_id, session.caller, session.callee) == ("", "+36201234567", "2003")
    assert (session.dialed_number, session.source) == ("2001", "L1")


def test_the_callers_extension_says_who_calls_where_nothing_else_does() -> None:
    assert session_of(RoutingQuestion(caller_extension="1000", original_dialed="2001")).caller == "1000"


@pytest.mark.parametrize(
    ("label", "extension", "caller", "name"),
    [
        ("Kovács Ágnes", "1000", "1000", "Kovács Ágnes"),
        ("Kovács Ágnes", None, "Kovács Ágnes", "Kovács Ágnes"),
        ("+36201234567", "L1", "+36201234567", None),
        (None, None, None, None),
    ],
)
def test_a_name_in_the_place_of_the_number_is_a_name(
    label: str | None, extension: str | None, caller: str | None, name: str | None
) -> None:
    session = session_of(RoutingQuestion(caller=label, caller_extension=extension))
    assert (session.caller, session.caller_display_name) == (caller, name)


@pytest.mark.parametrize(
    ("called", "dialed", "original", "tried"),
    [
        ("2003", "2002", "2001", "2003"),
        ("Line1", "+36201234567", "2001", "+36201234567"),
        (None, None, "2001", "2001"),
        (None, None, "anna", "anna"),
        (None, None, None, None),
    ],
)
def test_the_number_that_was_tried_last(
    called: str | None, dialed: str | None, original: str | None, tried: str | None
) -> None:
    question = RoutingQuestion(last_called=called, last_dialed=dialed, original_dialed=original)
    assert session_of(question).callee == tried
