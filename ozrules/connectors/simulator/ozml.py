"""OzML replies, as the phone system carries them out: one command after another. No I/O.

Sources: ozekiphone.com p_4254, p_4697, p_4594. A parameter is an attribute; one main parameter may be the element's
text; CallId may be left out and is then the call of the notification.
"""

from typing import Final

import msgspec

from ozrules.connectors.ozeki_http.xml import NotXml, parse

_MAIN: Final = {
    "play": "audiofile",
    "speak": "text",
    "senddtmf": "keys",
    "forward": "destination",
    "forwardcall": "destination",
    "blindtransfer": "target",
    "route": "destination",
}
_USABLE: Final = frozenset(
    {"attendedtransfer", "blindtransfer", "forward", "forwardcall", "hangup", "hold", "play", "record", "senddtmf"}
    | {"speak", "unhold"}
)


class Directive(msgspec.Struct, frozen=True):
    """Where a call goes, as a Route says. An empty ``to`` turns the caller away."""

    to: str
    ring: float | None


def commands(reply: bytes, call_id: str) -> list[dict[str, str]]:
    """The commands of a reply to CallChanged, as parameters of the HTTP API. Empty where it says nothing usable."""
    return [
        {"callid": call_id} | values | {"command": name} for name, values in _elements(reply) if name.lower() in _USABLE
    ]


def directive(reply: bytes) -> Directive | None:
    """The Route in a reply to RoutingInterception. None: the dial plan decides."""
    for name, values in _elements(reply):
        if name.lower() == "route":
            ring = values.get("ringtime", "")
            to = values.get("dialednumber") or values.get("destination", "")
            return Directive(to, float(ring) if ring.isascii() and ring.isdecimal() else None)
    return None


def _elements(reply: bytes) -> list[tuple[str, dict[str, str]]]:
    if not reply.strip():
        return []
    try:
        root = parse(reply)
    except NotXml:
        return []
    if root.name.lower() != "response":
        return []
    found = []
    for element in root.children:
        values = {name.lower(): value for name, value in element.attributes}
        main = _MAIN.get(element.name.lower())
        if main is not None and element.text:
            values.setdefault(main, element.text)
        found.append((element.name, values))
    return found
