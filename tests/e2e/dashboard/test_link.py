"""The live link of a page: it breaks and comes back by itself; and a thousand calls are no more work than thirty."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, expect

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.dashboard.site import ARTEFACTS, WATCH, Site, site, watched
from tests.web.stage import TOKEN, served

RULES = """
ozrules: 1
rules:
  - {id: two-hours, trigger: {state: active, for: 2h}, actions: [hangup]}
"""
MANY = 1_000


@pytest.mark.fault(104)
def test_when_the_daemon_is_killed_and_comes_back_so_does_the_page(
    runner: asyncio.Runner, browser: Browser, tmp_path: Path
) -> None:
    async def look() -> None:
        async with site(tmp_path, RULES, browser) as one:
            await _through_a_crash(one)

    runner.run(look())


async def _through_a_crash(one: Site) -> None:
    async with one.running() as first:
        one.phones.call(CallPlan(caller="+36201234567", callee="2004", answers_after=0.2, talk=3600.0))
        await first.until(lambda: bool(first.lines), "its first line")
        async with one.page(errors=True) as page:
            row = page.locator(".calls tbody tr[aria-rowindex]").filter(has_text="+36201234567")
            await expect(row).to_contain_text("In call")
            first.process.kill()
            await expect(page.locator("#standing")).to_contain_text("Link lost")
            await expect(page.locator("#announcer")).to_have_text("The link to the daemon is lost.")
            async with one.running():
                await expect(page.locator("#standing")).to_contain_text("Ready")
                await expect(row).to_contain_text("In call")
                one.phones.call(CallPlan(caller="+36207654321", callee="2666"))
                await expect(page.locator(".calls tbody")).to_contain_text("+36207654321")


def test_a_thousand_calls_are_shown_by_the_rows_in_sight(runner: asyncio.Runner, browser: Browser) -> None:
    """How long frames took while hundreds of calls change is written down, not judged: it is the machine's."""

    async def look() -> dict[str, Any]:
        async with served() as (stage, _):
            for number in range(MANY):
                stage.source.call_of(f"s{number}", **_session(number, "Ringing"))
            context = await browser.new_context(viewport={"width": 1360, "height": 900})
            await context.add_init_script(FRAMES)
            async with watched(context, stage.url) as page:
                await page.goto(f"{stage.url}/#token={TOKEN}")
                rows = page.locator(".calls tbody tr[aria-rowindex]")
                await expect(page.locator(".family.all strong")).to_have_text(str(MANY))
                await expect(page.locator(".calls")).to_have_attribute("aria-rowcount", str(MANY + 1))
                assert await rows.count() < 40
                devtools = await context.new_cdp_session(page)
                await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
                before = await _spent(devtools)
                await page.evaluate("window.begin()")
                for turn in range(20):
                    for number in range(turn * 50, turn * 50 + 25):
                        stage.source.call_of(f"s{number}", **_session(number, "InCall"))
                    await page.mouse.wheel(0, 1500)
                    await page.evaluate("new Promise(requestAnimationFrame)")
                measured: dict[str, Any] = await page.evaluate("window.end()")
                after = await _spent(devtools)
                measured |= {f"cpuMs{name}": round((after[name] - before[name]) * 1000, 1) for name in after}
                await expect(page.locator(".family.talking strong")).to_have_text("500")
                await page.evaluate("scrollTo(0, document.body.scrollHeight)")
                await expect(rows.filter(has_text="caller-0 ")).to_be_visible()
                assert await rows.count() < 40
                return measured

    measured = runner.run(look())
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    (ARTEFACTS / "many-calls.json").write_text(json.dumps(measured, indent=2), encoding="utf-8")
    assert measured["frames"] > 0


async def _spent(devtools: CDPSession) -> dict[str, float]:
    """Seconds of processor time of the page's thread: of others' work on this machine nothing is in it."""
    found = await devtools.send("Performance.getMetrics")
    return {
        each["name"].removesuffix("Duration"): each["value"]
        for each in found["metrics"]
        if each["name"] in ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    }


def _session(number: int, state: str) -> dict[str, object]:
    return {
        "connection": "office",
        "start": f"2026-11-23T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "state": state,
        "since": 999_000.0 + number / 10,
        "caller": f"caller-{number} ",
        "callerDisplayName": f"Caller number {number}",
        "callee": "2001",
        "calleeDisplayName": "Sales Anna",
        "direction": "inbound",
        "hops": 0,
        "timers": [{"rule": "two-hours", "due": 1_006_000.0}],
        "running": [],
    }


FRAMES = (
    WATCH
    + """
  window.begin = () => {
    window.measured = { frames: 0, longestFrameMs: 0, framesOver50Ms: 0, longTasks: 0, longestTaskMs: 0 };
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) {
        measured.longTasks += 1;
        measured.longestTaskMs = Math.max(measured.longestTaskMs, task.duration);
      }
    }).observe({ type: "longtask" });
    let last = performance.now();
    const frame = (now) => {
      measured.frames += 1;
      measured.longestFrameMs = Math.max(measured.longestFrameMs, now - last);
      if (now - last > 50) measured.framesOver50Ms += 1;
      last = now;
      window.frame = requestAnimationFrame(frame);
    };
    window.frame = requestAnimationFrame(frame);
  };
  window.end = () => {
    cancelAnimationFrame(window.frame);
    return window.measured;
  };
"""
)
