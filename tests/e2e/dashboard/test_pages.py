"""Every page in a real browser: what it shows, as it changes; by keyboard; in light and dark, wide and narrow."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from ozrules.connectors.simulator.callers import CallPlan
from tests.e2e.dashboard.site import ARTEFACTS, SIZES, TOKEN, Running, Site, watched

PAGES = {
    "calls": ("", ".calls tbody tr[aria-rowindex]"),
    "decisions": ("decisions", ".record li .rule"),
    "rules": ("rules", ".rules tbody tr"),
    "rule": ("rule/no-answer", ".source .hit.acted"),
    "call": ("call/lab/s1", ".timeline rect"),
    "week": ("number/%2B36201234567/2006", ".week rect"),
    "health": ("health", ".card"),
}
"""Where each page is, and what is on it when it is all there."""
LOOKS: Sequence[tuple[Literal["light", "dark"], str]] = (("light", "wide"), ("dark", "wide"), ("light", "narrow"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_readable_and_named(office: Running, name: str) -> None:
    path, there = PAGES[name]

    async def look(site: Site) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        async with site.page(path) as page:
            await page.wait_for_selector(there)
            await _accessible(page)
            for theme, size in LOOKS:
                width, height = SIZES[size]
                await page.emulate_media(color_scheme=theme)
                await page.set_viewport_size({"width": width, "height": height})
                await page.wait_for_selector(there)
                await page.screenshot(path=ARTEFACTS / f"{name}-{theme}-{size}.png", full_page=True)
                assert await page.evaluate(POOR_CONTRAST) == [], (theme, size)
                assert await page.evaluate(WIDER_THAN_THE_WINDOW) is False, size

    office.run(look(office.site))


async def _accessible(page: Page) -> None:
    """Landmarks, one heading of the first level, and a name for everything that can be used."""
    for landmark in ("header", "nav", "main"):
        await expect(page.locator(landmark)).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert await page.title() == f"{await page.get_by_role('heading', level=1).inner_text()} · ozrules"
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.evaluate(NAMELESS) == []
    await expect(page.locator("[aria-live]")).not_to_have_count(0)
    await expect(page.locator("nav [aria-current=page]")).to_have_count(1)


def test_logging_in_and_out(office: Running) -> None:
    async def look(site: Site) -> None:
        async with watched(await site.browser.new_context(), site.url) as page:
            await page.goto(site.url)
            await page.get_by_label("Token").fill("wrong")
            await page.get_by_role("button", name="Log in").click()
            await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
            await page.get_by_label("Token").fill(TOKEN)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
            await page.reload()
            await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
            assert TOKEN not in str(await page.evaluate("[location.href, document.cookie, {...localStorage}]"))
            await page.get_by_role("button", name="Log out").click()
            await expect(page.get_by_label("Token")).to_be_focused()
            await page.reload()
            await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")

    office.run(look(office.site))


def test_a_token_behind_the_hash_logs_in_and_goes_away(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page() as page:
            assert page.url == f"{site.url}/"
            await page.go_back()
            assert TOKEN not in page.url

    office.run(look(office.site))


def test_a_call_comes_changes_and_counts_its_timer_down(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page() as page:
            rows = page.locator(".calls tbody tr[aria-rowindex]")
            await expect(rows).not_to_have_count(0)
            site.phones.call(CallPlan(caller="+36209998877", callee="2001", answers_after=4.0, talk=2.0))
            row = rows.filter(has_text="+36209998877")
            await expect(row).to_contain_text("Ringing")
            await expect(row.locator(".timer").first).to_contain_text("sales-no-answer")
            seen = {await row.locator(".left").first.inner_text()}
            await expect(row.locator(".left").first).not_to_have_text(seen.pop())
            await expect(row).to_contain_text("In call")
            await expect(row).to_have_count(0)

    office.run(look(office.site))


def test_calls_are_found_by_what_is_on_them_and_by_their_state(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page() as page:
            rows = page.locator(".calls tbody tr[aria-rowindex]")
            await page.get_by_label("Find").fill("zsófia")
            await expect(rows).to_have_count(1)
            await expect(rows).to_contain_text("+36301112222")
            await page.get_by_label("Find").fill("")
            await page.get_by_role("button", name=re.compile("On hold")).click()
            await expect(rows).to_have_count(1)
            await expect(rows).to_contain_text("Szabó & Társa")
            await page.get_by_label("Find").fill("nobody at all")
            await expect(page.get_by_text("No call is like that.")).to_be_visible()

    office.run(look(office.site))


def test_decisions_come_as_they_fall_with_what_became_of_them(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("decisions") as page:
            await expect(page.locator(".record li")).not_to_have_count(0)
            site.phones.call(CallPlan(caller="+36201110000", callee="2666", gives_up_after=9.0))
            line = page.locator(".record li.acted").filter(has_text="+36201110000")
            await expect(line).to_contain_text("no-answer")
            await expect(line).to_contain_text(re.compile(r"forward 2010\s*confirmed after"))
            await page.get_by_label("Show").select_option("stopped")
            await expect(page.locator(".record li.acted")).to_have_count(0)

    office.run(look(office.site))


def test_the_whole_record_can_be_searched(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("decisions") as page:
            await page.get_by_label("Search the record").fill("london branch")
            await page.keyboard.press("Enter")
            await expect(page.locator(".record li.acted")).to_have_count(1)
            await expect(page.locator(".record li").filter(has_not_text="London Branch")).to_have_count(0)
            await page.get_by_label("Search the record").fill("nothing like it")
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("0 found.")).to_be_visible()

    office.run(look(office.site))


def test_a_rule_shows_its_reasons_and_the_hits_of_each_line(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("rules") as page:
            await page.get_by_role("link", name="no-answer", exact=True).click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("no-answer")
            await expect(page.get_by_role("heading", level=1)).to_be_focused()
            await expect(page.locator(".bars tbody tr").filter(has_text="fired")).to_contain_text("acted")
            hit = page.locator(".source .hit.acted")
            await expect(hit).to_contain_text("actions: [{forward: 2010}]")
            await expect(hit).to_contain_text(re.compile(r"\d+ × done"))

    office.run(look(office.site))


def test_a_call_says_why_and_why_not_for_every_rule(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("call/lab/s1") as page:
            await expect(page.locator(".timeline rect.ringing")).not_to_have_count(0)
            await expect(page.locator(".dots .decision.good")).to_have_count(1)
            await expect(page.locator(".dots .outcome.good")).to_have_count(1)
            answers = page.locator(".answers > li")
            await expect(answers).to_have_count(5)
            await expect(answers.filter(has=page.get_by_text("acted", exact=True))).to_contain_text("no-answer")
            missed = answers.filter(has_text="sales-no-answer")
            await expect(missed.locator(".values dl")).to_contain_text("use.toSales.callee2666")
            await expect(missed).to_contain_text("in salesTeam")
            await expect(missed).to_contain_text("2666")
            await expect(missed).to_contain_text("rules.yaml:")
            await expect(missed.locator(".change")).to_contain_text("smallest change")
            assert await page.locator(".timeline").get_attribute("aria-label")

    office.run(look(office.site))


def test_a_call_that_nobody_knows_is_said_so(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("call/lab/nobody", errors=True) as page:
            await expect(page.get_by_role("alert")).to_have_text("no call lab/nobody is in the recording")

    office.run(look(office.site))


def test_the_week_of_a_number_is_read_by_keyboard(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("number") as page:
            await page.get_by_label("To").fill("2006")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Week of 2006")
            picture = page.locator("svg.week")
            await picture.focus()
            said = page.locator(".readout")
            heard = set()
            for _ in range(7):
                heard.add(await said.inner_text())
                await page.keyboard.press("ArrowDown")
            assert len(heard) >= 6  # another day each time
            texts = await page.locator(".outcomes li").all_inner_texts()
            assert any("after-hours" in text and "forward 2090" in text for text in texts)
            assert any("it rings on" in text for text in texts)
            await expect(page.locator(".week .date")).to_have_count(1)

    office.run(look(office.site))


def test_everything_is_reached_by_keyboard(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page() as page:
            await page.evaluate("document.activeElement.blur()")
            passed: list[str] = []
            for _ in range(30):
                await page.keyboard.press("Tab")
                passed.append(await page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
                assert await page.evaluate(UNMARKED) is False, passed
            for wanted in ("Skip to content", "Calls", "Decisions", "Rules", "Week", "Health", "Log out"):
                assert any(text == wanted for text in passed), (wanted, passed)
            await page.get_by_role("link", name="Health").focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", level=1)).to_be_focused()

    office.run(look(office.site))


def test_the_theme_is_kept(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page() as page:
            paper = "getComputedStyle(document.body).backgroundColor"
            light = await page.evaluate(paper)
            await page.locator("#theme").click()
            await page.locator("#theme").click()
            assert await page.evaluate(paper) != light
            await page.reload()
            assert await page.evaluate(paper) != light

    office.run(look(office.site))


def test_health_is_what_status_says(office: Running) -> None:
    async def look(site: Site) -> None:
        async with site.page("health") as page:
            await expect(page.get_by_text("Ready: calls are acted upon")).to_be_visible()
            texts: Sequence[str] = await page.locator(".card h2").all_inner_texts()
            assert list(texts) == ["Connections", "Calls and timers", "How fast", "Queues", "Rules", "The daemon"]
            status: dict[str, Any] = await page.evaluate("fetch('/api/status').then((answer) => answer.json())")
            await expect(page.get_by_text(status["revision"][7:19])).to_be_visible()

    office.run(look(office.site))


UNMARKED = """() => document.activeElement !== document.body
  && getComputedStyle(document.activeElement).outlineStyle === 'none'"""

NAMELESS = """() => [...document.querySelectorAll("a, button, input, select, summary, [tabindex='0']")]
  .filter((one) => one.getClientRects().length && !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
  .map((one) => one.outerHTML)"""

WIDER_THAN_THE_WINDOW = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

POOR_CONTRAST = """() => {
  // WCAG 2.2, success criterion 1.4.3: 4.5 to 1, and 3 to 1 for large text
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const paper = (one) => rgba(getComputedStyle(one).backgroundColor);
  const behind = (one) => (one ? over(paper(one), behind(one.parentElement)) : [1, 1, 1, 1]);
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (one.closest(".sr, .skip, noscript, svg, option") || !one.getClientRects().length) continue;
    if (!walker.currentNode.data.trim()) continue;
    const style = getComputedStyle(one);
    const under = behind(one);
    const [high, low] = [light(over(rgba(style.color), under)), light(under)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < wanted) poor.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
