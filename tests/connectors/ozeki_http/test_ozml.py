"""What we answer to a question about routing."""

import pytest

from ozrules.connectors.ozeki_http.ozml import reply
from ozrules.runtime.ports import Route


@pytest.mark.parametrize(
    ("route", "line", "written"),
    [
        (None, None, b""),
        (Route("2010"), None, b'<Response><Route Destination="2010"/></Response>'),
        (Route("2010", 20.0), "Line1", b'<Response><Route Destination="2010" RingTime="20"/></Response>'),
        (Route(""), None, b'<Response><Route Destination=""/></Response>'),
        (Route("2010", 0.2), None, b'<Response><Route Destination="2010" RingTime="1"/></Response>'),
        (Route("+36201234567"), None, b'<Response><Route Destination="+36201234567"/></Response>'),
        (
            Route("+36201234567"),
            "A & B",
            b'<Response><Route Destination="A &amp; B" DialedNumber="+36201234567"/></Response>',
        ),
    ],
)
def test_a_reply(route: Route | None, line: str | None, written: bytes) -> None:
    assert reply(route, outside_line=line) == written
