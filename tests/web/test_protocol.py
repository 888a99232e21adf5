"""What was no request, and faults of ours: a plain answer under the same policy, and nothing more."""

import pytest

from ozrules.web.protocol import HEADERS
from ozrules.web.source import Json
from tests.fakes.source import FakeSource
from tests.web.stage import served


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00", b"<script>alert(1)</script>\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n"]
)
async def test_what_is_no_request_at_all_is_refused_without_an_echo(
    junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served() as (stage, _):
        head, _, body = (await stage.raw(junk)).partition(b"\r\n\r\n")
        assert head.split()[1] == b"400"
        assert body == b"this is not a request\n"
        for name, value in HEADERS.items():
            assert f"\r\n{name}: {value}".encode() in head
        assert b"aiohttp" not in head
    assert caplog.records == []  # or a stranger could fill the log


class Faulty(FakeSource):
    """A daemon in which there is a fault."""

    def rules(self) -> list[Json]:
        raise ValueError("secret-canary")


async def test_a_fault_of_ours_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        served(Faulty()) as (stage, client),
        client.get(f"{stage.url}/api/rules", headers=stage.bearer | {"Accept": "text/html"}) as answer,
    ):
        assert answer.status == 500
        assert await answer.text() == "a fault in ozrules\n"
        assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    assert [record.getMessage() for record in caplog.records] == ["a fault in the dashboard"]
