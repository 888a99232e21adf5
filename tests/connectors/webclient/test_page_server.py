"""What the page server gives, and to whom."""

import asyncio

import aiohttp
import pytest

from ozrules.connectors.webclient.page_server import HOST, SCRIPTS, policy_for, served_page

SCRIPT = "http://pbx:7777/WebphoneAPI"
POLICY = policy_for(script=SCRIPT, server="192.168.1.2", bridge="ws://127.0.0.1:8790/")


def _get(path: str, host: str = HOST) -> tuple[int, str, dict[str, str]]:
    async def get() -> tuple[int, str, dict[str, str]]:
        async with (
            served_page(POLICY, SCRIPT) as port,
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host}) as answer,
        ):
            return answer.status, await answer.text(), dict(answer.headers)

    return asyncio.run(get())


@pytest.mark.parametrize("path", ["/", *(f"/{name}.js" for name in SCRIPTS)])
def test_the_page_and_its_modules_come_under_the_policy(path: str) -> None:
    status, text, headers = _get(path)
    assert status == 200
    assert text
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].startswith("text/html" if path == "/" else "text/javascript")


@pytest.mark.fault(100)
@pytest.mark.parametrize(
    "path", ["/page.html", "/webclient.py", "/../webclient.py", "/%2e%2e/__init__.py", "/favicon.ico"]
)
def test_nothing_else_is_served(path: str) -> None:
    assert _get(path)[0] == 404


@pytest.mark.fault(96)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "webclient.localhost.evil.example"])
def test_another_name_for_this_address_gets_nothing(host: str) -> None:
    assert _get("/", host)[0] == 421


def test_the_policy_names_the_phone_system_and_the_bridge_and_nobody_else() -> None:
    rules = {rule.split()[0]: rule.split()[1:] for rule in POLICY.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in rules["script-src"]
    hosts = {source for sources in rules.values() for source in sources if "//" in source}
    assert hosts == {
        f"{scheme}://{host}:*" for scheme in ("http", "https", "ws", "wss") for host in ("pbx", "192.168.1.2")
    } | {"ws://127.0.0.1:8790"}
