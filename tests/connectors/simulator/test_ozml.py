"""OzML replies as commands, in order; what cannot be read does nothing."""

import pytest

from ozrules.connectors.simulator.ozml import Directive, commands, directive


def test_commands_in_order_with_the_call_of_the_notification_unless_another_is_named() -> None:
    reply = b"""<?xml version="1.0"?><Response>
        <Hold/><Speak Party="all" Language="en-UK">Please wait</Speak><SendDTMF Party="caller" Keys="1#"></SendDTMF>
        <Hangup CallId="other"/><BlindTransfer TransferorParty="callee">1001</BlindTransfer><Delay/></Response>"""
    assert commands(reply, "s1") == [
        {"callid": "s1", "command": "Hold"},
        {"callid": "s1", "party": "all", "language": "en-UK", "text": "Please wait", "command": "Speak"},
        {"callid": "s1", "party": "caller", "keys": "1#", "command": "SendDTMF"},
        {"callid": "other", "command": "Hangup"},
        {"callid": "s1", "transferorparty": "callee", "target": "1001", "command": "BlindTransfer"},
    ]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b'<Response><Route Destination="1000" RingTime="30"/></Response>', Directive("1000", 30.0)),
        (b"<Response><Route>1000</Route></Response>", Directive("1000", None)),
        (b'<response><route destination=""/></response>', Directive("", None)),
        (
            b'<Response><Route Destination="Line1" DialedNumber="+36201234567"/></Response>',
            Directive("+36201234567", None),
        ),
        (b"<Response><Hold/></Response>", None),
        (b"", None),
        (b"<html/>", None),
        (b"not xml", None),
    ],
)
def test_a_route(reply: bytes, told: Directive | None) -> None:
    assert directive(reply) == told
    assert commands(reply, "s1") == ([{"callid": "s1", "command": "Hold"}] if b"Hold" in reply else [])
