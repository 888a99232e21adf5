"""OzML, as far as we say anything in it: where a call goes. No I/O.

Source: ozekiphone.com p_4594 (Route). An empty Destination turns the caller away, and for an outside call it is the
outside line's name beside the number; an empty reply leaves the call to the phone system's dial plan.
"""

from typing import Final
from xml.sax.saxutils import quoteattr

from ozrules.runtime.ports import Route

DIAL_PLAN: Final = b""
"""The reply that decides nothing."""


def reply(route: Route | None, *, outside_line: str | None) -> bytes:
    """The reply to a RoutingInterception.

    A number in international form goes out by ``outside_line``, if there is one.
    """
    if route is None:
        return DIAL_PLAN
    attributes = {"Destination": route.to}
    if outside_line is not None and route.to.startswith("+"):
        attributes = {"Destination": outside_line, "DialedNumber": route.to}
    if route.ring is not None:
        attributes["RingTime"] = str(max(1, round(route.ring)))
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<Response><Route {written}/></Response>".encode()
