"""What others try in the admin's browser: hostile names, foreign pages, names that were made to lead here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from playwright.async_api import Error, expect

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.dashboard.site import ARTEFACTS, REBOUND, TOKEN, Running, Site

HOSTILE = [
    "<script>window.hurt = 1</script>",
    "<img src=x onerror=window.hurt=1>",
    "<svg/onload=window.hurt=1>",
    "\"'><iframe srcdoc='<script>parent.hurt=1</script>'>",
    "javascript:window.hurt=1",
    "{{constructor.constructor('window.hurt=1')()}}",
    "${window.hurt=1}",
    "</td></tr></table><h1>Ready</h1>",
    "<a href='https://attacker.example/'>click</a>",
    "<style>*{display:none}</style>",
    "\u202edrawkcab\u202c",
    "\u2066isolated",
    "line\nbreak\r\x1b[31mred\x07",
    "&lt;b&gt;&amp;",
    "A" * 900,
    "%3Cscript%3E",
    "' OR 1=1 --",
]


@pytest.mark.fault(93)
@pytest.mark.fault(92)
def test_whatever_callers_call_themselves_is_only_text(office: Running) -> None:
    async def look(site: Site) -> None:
        assert site.daemon is not None
        before = len(site.daemon.of("decision", rule="no-answer", reason="fired"))
        for number, name in enumerate(HOSTILE):
            caller = f"+3620555{number:04}"
            site.phones.call(CallPlan(caller=caller, caller_name=name, callee="2666", talk=3600.0))
        await site.daemon.saw("decision", before + len(HOSTILE), rule="no-answer", reason="fired")
        async with site.page() as page:
            await page.get_by_label("Find").fill("+3620555")
            await expect(page.locator("#main .calls tbody tr[aria-rowindex]").first).to_be_visible()
            await page.screenshot(path=ARTEFACTS / "hostile-names.png")
            for path in ("", "decisions", "call/lab/s1", "rule/no-answer"):
                await page.goto(f"{site.url}/#/{path}")
                await expect(page.locator("#main bdi:visible").first).to_be_visible()
                assert await page.evaluate("window.hurt") is None
                shown = await page.evaluate("[...document.querySelectorAll('bdi')].map((one) => one.textContent)")
                assert (
                    await page.evaluate("[...document.querySelectorAll('bdi')].filter((one) => one.children.length)")
                    == []
                )
                assert [text for text in shown if any(hidden in text for hidden in "\u202e\u2066\n\r\x1b\x07")] == []
                assert max(map(len, shown)) <= 260
            links = await page.evaluate("[...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))")
            assert [link for link in links if not link.startswith("#")] == []
            assert await page.evaluate("document.querySelectorAll('script').length") == 1

    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    office.run(look(office.site))


@pytest.mark.fault(93)
def test_markup_cannot_be_made_in_the_page_at_all(office: Running) -> None:
    """Were there a place that made markup of a text, the browser would refuse it."""

    async def look(site: Site) -> None:
        async with site.page(errors=True) as page:
            tries = (
                "document.body.innerHTML = '<b>x</b>'",
                "eval('1')",
                "new Function('return 1')()",
                "document.createElement('script').text = 'window.hurt = 1'",
            )
            for attempt in tries:
                refused = await page.evaluate(
                    "(text) => new Promise((done) => { const one = document.createElement('button');"
                    " setTimeout(() => done(window.stopped.length), 50); try { "
                    "document.body.insertAdjacentHTML('beforeend', text); } catch { done('refused'); } })",
                    attempt,
                )
                assert refused == "refused"
            with pytest.raises(Error, match="TrustedScript"):
                await page.evaluate("document.body.setAttribute('onclick', 'window.hurt = 1')")
            assert await page.evaluate("window.hurt") is None

    office.run(look(office.site))


@asynccontextmanager
async def foreign() -> AsyncIterator[str]:
    """A page on another port of this machine: to the browser the same site, so that our cookie goes along."""

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>foreign</title>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", serve)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


READS = """async (url) => {
  const tried = [];
  for (const [path, given] of [
    ["/api/status", { credentials: "include" }],
    ["/api/records", { credentials: "include", mode: "cors" }],
    ["/metrics", { credentials: "include" }],
    ["/login", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } }],
    ["/logout", { method: "POST", credentials: "include" }],
  ]) {
    tried.push(await fetch(url + path, given).then((answer) => answer.text(), () => "refused"));
  }
  const blind = fetch(url + "/api/status", { mode: "no-cors", credentials: "include" });
  tried.push(await blind.then((answer) => (answer.type === "opaque" ? "refused" : answer.text()), () => "refused"));
  tried.push(await new Promise((done) => {
    const socket = new WebSocket(url.replace("http", "ws") + "/live");
    socket.onmessage = (event) => done(event.data);
    socket.onerror = () => done("refused");
  }));
  return tried;
}"""


@pytest.mark.fault(95)
def test_a_foreign_page_in_the_same_browser_gets_nothing(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page(errors=True) as page, foreign() as address:
            other = await page.context.new_page()
            await other.goto(address)
            assert set(await other.evaluate(READS, site.url)) == {"refused"}
            await other.evaluate(
                "(url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))",
                site.url,
            )
            element = await other.wait_for_selector("iframe")
            frame = None if element is None else await element.content_frame()
            assert frame is not None
            await frame.wait_for_load_state()
            assert await frame.locator("nav, form, .login").count() == 0
            await page.reload()  # and nobody has been logged out
            await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")

    office.run(look(office.site))


@pytest.mark.fault(96)
def test_a_name_that_was_made_to_lead_here_gets_nothing(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page(errors=True) as page:
            rebound = f"http://{REBOUND}:{site.port}"
            answer = await page.goto(rebound)
            assert answer is not None
            assert answer.status == 421
            assert "script" not in await page.content()
            statuses = await page.evaluate(
                """async (token) => {
                  const headers = { Authorization: `Bearer ${token}` };
                  const asked = ["/", "/api/status", "/metrics", "/healthz"].map((path) => fetch(path, { headers }));
                  return (await Promise.allSettled(asked)).map((one) => one.value?.status ?? 0);
                }""",
                TOKEN,
            )
            assert set(statuses) <= {421, 0}  # 0: the policy of the answer forbade even to ask

    office.run(look(office.site))
