"""Questions of the phone system about routing, as the rules read them. No I/O.

Sources: ozekiphone.com p_4201 (parameters of RoutingInterception), p_4695 (its states).
"""

from typing import Final

from ozrules.connectors.ozeki_http.notifications import RoutingQuestion
from ozrules.connectors.ozeki_http.rows import is_number
from ozrules.rules.model import Routing
from ozrules.session.session import Session
from ozrules.session.state import SETUP

_KINDS: Final[dict[str, Routing]] = {
    "calling": "Calling",
    "noanswer": "NoAnswer",
    "notanswered": "NoAnswer",
    "busy": "Busy",
    "notfound": "NotFound",
}


def kind_of(question: RoutingQuestion) -> Routing | None:
    """Why the phone system asks. None where it is no reason that a rule can name (its Error is "not used")."""
    letters = "".join(character for character in question.state or "Calling" if character.isalpha())
    return _KINDS.get(letters.lower())


def session_of(question: RoutingQuestion) -> Session:
    """The call that is asked about, as far as the question tells of it.

    CallerID is read as in a list of calls: a number, or else a name, and then the extension is who calls.
    """
    label, extension = question.caller, question.caller_extension
    return Session(
        session_id=question.call_id or "",
        session_state=SETUP,
        caller=label if is_number(label) else extension or label,
        caller_display_name=None if is_number(label) else label,
        callee=_tried(question),
        source=extension,
        dialed_number=question.original_dialed,
    )


def _tried(question: RoutingQuestion) -> str | None:
    """The number that was tried last: an extension; for a call to the outside the number, as then a line was called."""
    named = (question.last_called, question.last_dialed, question.original_dialed)
    return next((each for each in named if is_number(each)), None) or next(filter(None, named), None)
