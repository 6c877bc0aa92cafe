"""The pages in a real Chromium: accessible, usable without scripts and at 320 pixels, and silent towards other hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.web.conftest import PASSWORD, ROOT, Site

from harmcast.oversight.access import Role

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
TOOL = "knife_injury"
ANALYST = "intelligence_analyst"


def visit(browser: object, site: Site, account: str | None, width: int = 1280, scripts: bool = True) -> object:
    """A page of a fresh browser, signed in, whose every request is watched."""
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)  # type: ignore[attr-defined]
    if account:
        context.add_cookies([{"name": "harmcast", "value": site.tokens[account], "url": site.address}])
    page = context.new_page()
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if _is_fault(message) else None)
    return page


def _is_fault(message: object) -> bool:
    return message.type == "error" and "status of 40" not in message.text  # type: ignore[attr-defined]


def axe(page: object) -> list[str]:
    """Faults that axe-core finds on the page. Its script is added by the browser's own hand, past the page's policy."""
    source = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)  # type: ignore[attr-defined]
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")  # type: ignore[attr-defined]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]} ({len(v['nodes'])})" for v in found]


def opened(page: object, site: Site, address: str) -> None:
    page.goto(site.address + address.replace("CELL", site.cell))  # type: ignore[attr-defined]
    page.wait_for_load_state("networkidle")  # type: ignore[attr-defined]


def follow(page: Any, selector: str) -> None:
    """Follows a link or sends a form, and waits until the page that comes is there: a click alone does not."""
    with page.expect_navigation():
        page.click(selector)


def test_signing_in_page_and_its_fault_are_accessible(browser: object, site: Site) -> None:
    page = visit(browser, site, None)
    opened(page, site, "/sign-in")
    assert axe(page) == []
    page.fill("#account", ANALYST)
    page.fill("#password", "not this one")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "There is a problem" in page.content()
    assert axe(page) == []
    page.context.close()


def test_all_can_be_done_without_scripts(browser: object, site: Site) -> None:
    """Sign in, filter, order, page, open a cell, note, recommend, record: with scripts switched off."""
    page = visit(browser, site, None, scripts=False)
    page.goto(site.address + f"/areas/{TOOL}")
    page.fill("#account", ANALYST)
    page.fill("#password", PASSWORD)
    follow(page, "main button[type=submit]")
    assert page.title().startswith("Knife crime")
    assert not page.is_visible("#map")
    page.select_option("#area", index=1)
    follow(page, "main form button >> text=Show >> visible=true")
    assert "area=" in page.url
    follow(page, "thead >> text=Last 4 weeks")
    assert "sort=last4" in page.url
    follow(page, "tbody th[scope=row] a >> nth=0")
    page.fill("#note", "Written without scripts.")
    follow(page, "text=Save note")
    assert "Your note is saved." in page.content()
    assert "Written without scripts." in page.content()
    page.fill("#time", "Not known")
    page.fill("#recommendation", "Look here first.")
    page.fill("#asked", "One visit.")
    follow(page, "text=Save recommendation")
    follow(page, "text=Record the decision")
    page.check("text=Not adopted")
    follow(page, "text=Save decision")
    assert "Not adopted" in page.inner_text("#main-content")
    follow(page, "text=Sign out")
    assert "Sign in" in page.title()
    page.context.close()


def test_the_map_tells_the_rows_facts_by_keyboard(browser: object, site: Site) -> None:
    page = visit(browser, site, ANALYST)
    opened(page, site, f"/areas/{TOOL}")
    assert page.get_attribute("#map", "data-ready") == "yes"
    page.focus("#map")
    page.keyboard.press("ArrowRight")
    told = page.inner_text("#map-words")
    row = page.query_selector("tbody tr.govuk-table__row")
    cell = row.get_attribute("data-cell")
    assert re.sub("N", " N", cell) in told
    figures = [td.inner_text().split("\n")[0] for td in row.query_selector_all("td")][:5]
    for figure in figures:
        assert figure in told, (figure, told)
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#map-words") != told
    page.keyboard.press("Enter")
    page.wait_for_url("**/cells/**")
    page.context.close()


def test_the_map_tells_the_rows_facts_by_pointer(browser: object, site: Site) -> None:
    page = visit(browser, site, ANALYST)
    opened(page, site, f"/areas/{TOOL}")
    page.locator("#map").scroll_into_view_if_needed()
    box = page.query_selector("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    told = page.inner_text("#map-words")
    assert "Chance of at least one" in told
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/cells/**")
    assert page.inner_text("h1").replace("Cell ", "") in told
    page.context.close()


def test_the_analysts_monday_with_keyboard_alone(browser: object, site: Site) -> None:
    """From the page's top: skip to the table, open the first cell, write a note, go back."""
    page = visit(browser, site, ANALYST)
    opened(page, site, f"/areas/{TOOL}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.app-skip-map')"):
            page.keyboard.press("Enter")
        if page.evaluate("document.activeElement.matches('tbody th[scope=row] a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/cells/**")
    page.focus("#note")
    page.keyboard.type("By keyboard.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=note**")
    assert "By keyboard." in page.inner_text("#main-content")
    page.context.close()


def test_the_briefing_prints_on_one_page(browser: object, site: Site) -> None:
    for address in (f"/areas/{TOOL}/briefing", "/areas/serious_violence/briefing"):
        page = visit(browser, site, ANALYST)
        opened(page, site, address)
        printed = page.pdf(format="A4", print_background=False, prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
        page.context.close()


def test_text_at_four_times_the_size_needs_no_sideways_scroll(browser: object, site: Site) -> None:
    """400% of a window 1,280 wide is a window 320 wide: pages with every fold open stay inside it."""
    page = visit(browser, site, ANALYST, 320)
    for address in (f"/areas/{TOOL}", f"/areas/{TOOL}/cells/{site.cell}", f"/track-record/{TOOL}"):
        opened(page, site, address)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


def test_a_crawl_of_every_page_asks_no_other_host(browser: object, site: Site) -> None:
    """Promise 26: from each role's home through every link, one page of each route; every request stays on this host."""
    seen: set[str] = set()
    for account in [role.value for role in Role]:
        page = visit(browser, site, account)
        opened(page, site, "/account")
        waiting = ["/"]
        while waiting:
            address = waiting.pop(0)
            kind = route_of(address)
            if kind in seen or "download" in address or ".csv" in address:
                continue
            seen.add(kind)
            page.goto(site.address + address)  # type: ignore[attr-defined]
            waiting += page.eval_on_selector_all("a[href^='/']", "links => links.map(a => a.getAttribute('href'))")  # type: ignore[attr-defined]
        assert page.asked
        assert all(url.startswith((site.address, "data:")) for url in page.asked), account  # type: ignore[attr-defined]
        page.context.close()  # type: ignore[attr-defined]
    assert len(seen) >= 20, sorted(seen)


def route_of(address: str) -> str:
    """The address without what names one cell, person, account or week."""
    path = address.split("?")[0].split("#")[0]
    path = re.sub(r"E-?\d+N-?\d+", "CELL", re.sub(r"/[a-z2-7]{24}", "/KEY", path))
    return re.sub(r"^/users/.+", "/users/ACCOUNT", path)
