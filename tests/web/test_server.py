"""The web server over real sockets: what it shows to whom, and what it refuses."""

import asyncio
import json
import logging
import re
from importlib import resources

import aiohttp
import pytest

from ozrules.runtime.secret import Secret
from ozrules.web import server
from ozrules.web.protocol import HEADERS
from ozrules.web.server import FILES, Listening, open_listener
from ozrules.web.source import Json, Search
from tests.fakes.source import FakeSource
from tests.web.stage import TOKEN, Stage, served

ASKED = [
    "/api/status",
    "/api/rules",
    "/api/rule?id=sales-no-answer",
    "/api/records",
    "/api/call",
    "/api/week",
    "/metrics",
]
ATTACKER = "http://attacker.example"


async def _cookie(stage: Stage, client: aiohttp.ClientSession) -> dict[str, str]:
    """The header with which a browser that has logged in asks."""
    async with client.post(f"{stage.url}/login", json={"token": TOKEN}) as answer:
        assert answer.status == 204
        [cookie] = answer.cookies.values()
        return {"Cookie": f"{cookie.key}={cookie.value}"}


async def test_health_is_for_anybody() -> None:
    async with served() as (stage, client):
        async with client.get(f"{stage.url}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with client.get(f"{stage.url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ready\n")
        stage.source.wrong = ["connection office: not connected", "journal: the disk is full"]
        async with client.get(f"{stage.url}/readyz") as answer:
            assert answer.status == 503
            assert await answer.text() == "connection office: not connected\njournal: the disk is full\n"
        async with client.get(f"{stage.url}/healthz") as answer:
            assert answer.status == 200


@pytest.mark.fault(92)
async def test_what_a_phone_system_says_cannot_command_a_terminal() -> None:
    async with served() as (stage, client):
        stage.source.wrong = ["connection office: \x1b[31mred\r\njournal: well\u202e"]
        async with client.get(f"{stage.url}/readyz") as answer:
            assert await answer.text() == "connection office: \ufffd[31mred\ufffd\ufffdjournal: well\ufffd\n"


@pytest.mark.parametrize("path", ASKED)
async def test_all_that_is_about_calls_is_behind_the_token(path: str) -> None:
    async with served() as (stage, client):
        async with client.get(f"{stage.url}{path}") as answer:
            assert answer.status == 401
        async with client.get(f"{stage.url}{path}", headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401
        async with client.get(f"{stage.url}{path}", headers=stage.bearer) as answer:
            assert answer.status == 200
        async with client.get(f"{stage.url}{path}", headers=await _cookie(stage, client)) as answer:
            assert answer.status == 200


async def test_the_cookie_is_only_for_this_page() -> None:
    async with served() as (stage, client), client.post(f"{stage.url}/login", json={"token": TOKEN}) as answer:
        said = answer.headers["Set-Cookie"]
        assert "HttpOnly" in said
        assert "SameSite=Strict" in said
        assert "Path=/" in said
        assert TOKEN not in said
        assert "Secure" not in said
    async with served() as (stage, client):
        through_proxy = {"Host": "phones.example", "Origin": "https://phones.example"}
        async with client.post(f"{stage.url}/login", json={"token": TOKEN}, headers=through_proxy) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_login_is_json_and_small_and_right() -> None:
    async with served() as (stage, client):
        url = f"{stage.url}/login"
        async with client.post(url, data={"token": TOKEN}) as answer:
            assert answer.status == 415  # what a form of another page could send
        async with client.post(url, data=b"[]", headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 400
        async with client.post(url, json={"token": "x" * 4096}) as answer:
            assert answer.status == 413
        async with client.post(url, json={"token": "wrong"}) as answer:
            assert answer.status == 401
            assert "Set-Cookie" not in answer.headers
        assert stage.figures.refused == 2, "what was no login is a wrong try too"


async def test_logging_out_takes_the_cookie_away() -> None:
    async with served() as (stage, client), client.post(f"{stage.url}/logout") as answer:
        assert answer.status == 204
        assert "Max-Age=0" in answer.headers["Set-Cookie"]


@pytest.mark.fault(101)
async def test_who_guesses_is_told_to_wait_and_the_right_token_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DELAY", 0.01)
    async with served() as (stage, client):
        statuses = []
        for number in range(20):
            async with client.get(f"{stage.url}/metrics", headers={"Authorization": f"Bearer {number}"}) as answer:
                statuses.append(answer.status)
        assert statuses == [401] * 5 + [429] * 15
        async with client.post(f"{stage.url}/login", json={"token": "wrong"}) as answer:
            assert answer.status == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 61
        assert stage.figures.refused == 21
        async with client.get(f"{stage.url}/metrics", headers=stage.bearer) as answer:
            assert answer.status == 200
        async with client.post(f"{stage.url}/login", json={"token": TOKEN}) as answer:
            assert answer.status == 204


@pytest.mark.fault(101)
async def test_a_guess_waits_for_its_answer_and_only_few_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DELAY", 1000.0)
    async with served() as (stage, client):

        async def guess() -> int:
            async with client.get(f"{stage.url}/metrics", headers={"Authorization": "Bearer wrong"}) as answer:
                return answer.status

        assert [await guess() for _ in range(5)] == [401] * 5
        guesses = [asyncio.ensure_future(guess()) for _ in range(server.MOST_DELAYED + 3)]
        while sum(each.done() for each in guesses) < 3:
            await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED, timeout=1.0)
            guesses.sort(key=asyncio.Future.done)
        assert [each.result() for each in guesses if each.done()] == [429] * 3
        async with client.get(f"{stage.url}/metrics", headers=stage.bearer) as answer:
            assert answer.status == 200
        for each in guesses:
            each.cancel()


ODD = [b"\xff\xfe", b"\xed\xa0\x80", b"\xc3\x28", b"\x80" * 50, "\N{SNOWMAN}".encode()]
JSON = b"Content-Type: application/json"


@pytest.mark.fault(14, 101)
@pytest.mark.parametrize("odd", ODD)
async def test_odd_bytes_are_a_wrong_try_and_no_fault_of_ours(
    odd: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "DELAY", 0.0)
    async with served() as (stage, client):

        async def ask(what: bytes, *heads: bytes, body: bytes = b"") -> int:
            size = b"Content-Length: %d" % len(body)
            head = b"\r\n".join((what + b" HTTP/1.1", b"Host: " + stage.host.encode(), *heads, size))
            return int((await stage.raw(head + b"\r\nConnection: close\r\n\r\n" + body)).split(b" ")[1])

        tries = {
            "bearer": await ask(b"GET /metrics", b"Authorization: Bearer " + odd),
            "body": await ask(b"POST /login", JSON, body=odd),
            "token": await ask(b"POST /login", JSON, body=b'{"token": "' + odd + b'"}'),
            "half a pair": await ask(b"POST /login", JSON, body=b'{"token": "\\ud800"}'),
            "nested": await ask(b"POST /login", JSON, body=b"[" * 1000),
        }
        assert set(tries.values()) <= {400, 401}, tries
        assert stage.figures.refused == len(tries), "each is counted"
        for coding in (b"gzip", b"deflate", b"br", odd):
            packed = await ask(b"POST /login", JSON, b"Content-Encoding: " + coding, body=odd * 9)
            assert packed in (400, 401, 429), coding
        chunked = b"\r\n".join((b"POST /login HTTP/1.1", b"Host: " + stage.host.encode(), JSON))
        broken = await stage.raw(chunked + b"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd" + odd)
        assert broken.split(b" ")[1] in (b"400", b"429")
        assert await ask(b"POST /login", JSON, b"Expect: " + odd, body=b"{}") in (400, 417)
        for head in (b"Cookie: ozrules_%d=" % stage.port, b"Authorization: "):
            assert await ask(b"GET /metrics", head + odd) == 401
        upgrade = (b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + odd)
        assert await ask(b"GET /live", f"Authorization: Bearer {TOKEN}".encode(), *upgrade) == 400
        async with client.get(f"{stage.url}/metrics", headers=stage.bearer) as answer:
            assert answer.status == 200, "the right token is let in"
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


@pytest.mark.fault(96)
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/status", "/live", "/nothing"])
async def test_a_name_that_is_not_ours_gets_nothing(path: str) -> None:
    async with served() as (stage, client):
        for host in ("attacker.example", f"attacker.example:{stage.port}", "127.0.0.1"):
            async with client.get(f"{stage.url}{path}", headers=stage.bearer | {"Host": host}) as answer:
                assert answer.status == 421
        async with client.get(f"{stage.url}/healthz", headers={"Host": "phones.example"}) as answer:
            assert answer.status == 200


@pytest.mark.fault(96)
async def test_two_names_or_none_get_nothing() -> None:
    async with served() as (stage, _):
        for head in (f"Host: {stage.host}\r\nHost: attacker.example\r\n", ""):
            said = await stage.raw(f"GET /healthz HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
            assert said.split(b"\r\n")[0].split()[1] in (b"421", b"400")


@pytest.mark.fault(95)
@pytest.mark.parametrize("origin", [ATTACKER, "null", "http://127.0.0.1", "http://127.0.0.1:1"])
async def test_another_page_is_refused_whatever_it_shows(origin: str) -> None:
    async with served() as (stage, client):
        headers = stage.bearer | await _cookie(stage, client) | {"Origin": origin}
        async with client.get(f"{stage.url}/api/status", headers=headers) as answer:
            assert answer.status == 403
        async with client.post(f"{stage.url}/login", json={"token": TOKEN}, headers=headers) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{stage.url}/live", headers=headers)
        assert refused.value.status == 403


@pytest.mark.fault(95)
async def test_a_page_on_another_port_of_this_host_is_refused_too() -> None:
    """Its cookies are ours, and a plain GET carries no Origin: only this header tells."""
    async with served() as (stage, client):
        headers = await _cookie(stage, client) | {"Sec-Fetch-Site": "same-site"}
        async with client.get(f"{stage.url}/api/status", headers=headers) as answer:
            assert answer.status == 403


@pytest.mark.fault(95)
async def test_the_live_link_wants_an_origin_or_a_bearer() -> None:
    async with served() as (stage, client):
        cookie = await _cookie(stage, client)
        for headers, status in (({}, 401), (cookie, 403)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(f"{stage.url}/live", headers=headers)
            assert refused.value.status == status
        async with client.ws_connect(f"{stage.url}/live", headers=cookie | {"Origin": stage.url}) as link:
            assert (await link.receive_json())["type"] == "hello"
        async with client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
            assert (await link.receive_json())["type"] == "hello"


async def test_nothing_can_be_told_over_the_live_link() -> None:
    async with served() as (stage, client), client.ws_connect(f"{stage.url}/live", headers=stage.bearer) as link:
        await link.send_str('{"pause": true}')
        while (message := await link.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert link.close_code == 1008, message


@pytest.mark.fault(93)
@pytest.mark.parametrize("path", ["/", "/dashboard.js", "/healthz", "/metrics", "/api/status", "/nothing"])
async def test_every_answer_is_under_the_strict_policy(path: str) -> None:
    async with served() as (stage, client), client.get(f"{stage.url}{path}") as answer:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "aiohttp" not in str(answer.headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers.get("Access-Control-Allow-Origin") is None


@pytest.mark.fault(93)
def test_the_page_holds_no_script_or_style_of_its_own_and_makes_no_markup() -> None:
    folder = resources.files("ozrules.web") / "pages"
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", html) == []
    assert re.findall(r"""(?:src|href)="(?!/|#)""", html) == []
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b"
        r"|new Function|setAttribute\(\"style|https?://(?!www\.w3\.org/2000/svg)"
    )
    for name in FILES:
        if name.endswith(".js"):
            assert forbidden.findall((folder / name).read_text(encoding="utf-8")) == [], name


def test_every_file_of_the_page_is_served() -> None:
    folder = resources.files("ozrules.web") / "pages"
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)


@pytest.mark.fault(100)
@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/pages/index.html",
        "//etc/passwd",
        "/dashboard.js/",
        "/dashboard.js%00.html",
        "/./dashboard.js/../../server.py",
        "/....//....//etc/passwd",
        "/%5c..%5c..%5cetc%5cpasswd",
        "/index.html",
    ],
)
async def test_no_path_leads_out_of_the_table(path: str) -> None:
    async with served() as (stage, _):
        request = f"GET {path} HTTP/1.1\r\nHost: {stage.host}\r\nConnection: close\r\n\r\n"
        said = await stage.raw(request.encode())
        assert said.split()[1] in (b"404", b"400")
        assert b"root:" not in said
        assert b"import" not in said


async def test_nothing_is_changed_here() -> None:
    async with served() as (stage, client):
        for path in ("/", "/api/status", "/api/rules", "/metrics"):
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                async with client.request(method, f"{stage.url}{path}", headers=stage.bearer) as answer:
                    assert answer.status == 405


async def test_what_is_asked_reaches_the_daemon_and_is_bounded() -> None:
    async with served() as (stage, client):

        async def ask(path: str) -> tuple[int, object]:
            async with client.get(f"{stage.url}{path}", headers=stage.bearer) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if answer.content_type == "application/json" else text

        stage.source.lines = ['{"seq":2}', '{"seq":1}']
        assert await ask("/api/records?text=%2B3620&rule=r&before=17&limit=100000") == (200, [{"seq": 2}, {"seq": 1}])
        assert stage.source.asked.pop() == Search(text="+3620", rule="r", before=17, limit=500)
        for wrong in ("before=x", "before=-1", "limit=1e9", "before=%D9%A1", "before=" + "9" * 30):
            assert (await ask(f"/api/records?{wrong}"))[0] == 400
        assert await ask("/api/rule?id=nobody") == (404, {"error": "there is no rule 'nobody' in force"})
        await ask("/api/call?connection=office&session=s%2F1&start=2026")
        assert stage.source.asked.pop() == ("office", "s/1", "2026")
        await ask(f"/api/week?caller={'1' * 500}&callee=2001")
        assert stage.source.asked.pop() == ("1" * 64, "2001")


@pytest.mark.fault(99)
async def test_the_token_is_in_no_answer() -> None:
    async with served() as (stage, client):
        for path in ["/", "/healthz", "/readyz", *ASKED, "/nothing", *[f"/{name}" for name in FILES]]:
            async with client.get(f"{stage.url}{path}", headers=stage.bearer) as answer:
                assert TOKEN not in await answer.text()
                assert TOKEN not in str(answer.headers)
        async with client.get(f"{stage.url}/api/status?token={TOKEN}") as answer:
            assert answer.status == 401  # not out of an address, where logs would have it
    assert TOKEN not in repr(Listening(host="127.0.0.1", port=1, token=Secret(TOKEN)))


@pytest.mark.fault(103)
async def test_a_head_that_is_too_large_is_refused() -> None:
    async with served() as (stage, client):
        lines = {f"X-{number}": "y" * 1000 for number in range(10)}
        async with client.get(f"{stage.url}/healthz", headers=lines) as answer:
            assert answer.status == 431
        one = f"GET /healthz HTTP/1.1\r\nHost: {stage.host}\r\nX-Large: {'y' * 20_000}\r\n\r\n"
        assert (await stage.raw(one.encode())).split()[1] == b"400"
        async with client.get(f"{stage.url}/healthz") as answer:
            assert answer.status == 200


async def test_an_address_that_is_taken_is_said_clearly() -> None:
    async with served() as (stage, _):
        with pytest.raises(OSError, match=rf"^web.listen 127.0.0.1:{stage.port}: .*name another address$"):
            open_listener(Listening(host="127.0.0.1", port=stage.port, token=Secret("x")))


class Dawdling(FakeSource):
    """A daemon whose answer never comes."""

    async def rule(self, name: str) -> Json:
        await asyncio.Event().wait()
        return {}


async def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_WITHIN", 0.1)
    async with (
        served(Dawdling()) as (stage, client),
        client.get(f"{stage.url}/api/rule?id=r", headers=stage.bearer) as answer,
    ):
        assert answer.status == 503
        assert await answer.json() == {"error": "that took too long"}
