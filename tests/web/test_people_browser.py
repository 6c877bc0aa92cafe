"""People's and oversight pages in a real Chromium: no fault that axe finds, no overflow at 320 px, the way of a decision by keyboard alone,
and without scripts."""

from __future__ import annotations

import re

import pytest
from tests.web import invented_people as invented
from tests.web.conftest import Site, granted
from tests.web.test_browser import axe, visit

from harmcast.store import desk
from harmcast.store.state import open_state

pytestmark = pytest.mark.browser
MANAGER = "offender_manager"
PAGES = {
    MANAGER: ["/people", "/people?band=high", "/people?at=2", "PERSON", "/exports", "/training/iom/tour", "/training/knife_injury/tour", "/register"],
    "supervisor": ["/unit-work", "/track-record/iom", "PERSON", "/audit/iom", "/releases", "/data-quality"],
    "ethics_reviewer": ["/pseudonymised", "/case-reviews", "KEY", "/audit/knife_injury", "/register"],
    "data_protection_officer": ["/case-reviews", "/log", "/retention", "/representations", "/register", "/data-quality"],
}  # fmt: skip


def key_of(site: Site, number: int) -> str:
    state = open_state(site.folder)
    try:
        granted(state, invented.key(state, number))
        return invented.key(state, number)
    finally:
        state.close()


@pytest.mark.parametrize("account", PAGES)
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_are_accessible_and_fit(browser: object, site: Site, account: str, width: int) -> None:
    page = visit(browser, site, account, width)
    key = key_of(site, 1)
    for path in PAGES[account]:
        path = {"PERSON": f"/people/{key}", "KEY": f"/pseudonymised/{key}"}.get(path, path)
        page.goto(site.address + path)  # type: ignore[attr-defined]
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path  # type: ignore[attr-defined]
        assert page.faults == [], path  # type: ignore[attr-defined]
        assert all(url.startswith((site.address, "data:")) for url in page.asked)  # type: ignore[attr-defined]
    page.context.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_decision_by_keyboard_alone(browser: object, site: Site, scripts: bool) -> None:
    """From the list to a saved decision without a pointer; a form with a fault says so and keeps what was typed."""
    page = visit(browser, site, MANAGER, scripts=scripts)
    number = 4 if scripts else 9
    key = key_of(site, number)
    page.goto(f"{site.address}/people")  # type: ignore[attr-defined]
    page.focus(f'a[href="/people/{key}"]') if page.query_selector(f'a[href="/people/{key}"]') else page.goto(
        f"{site.address}/people/{key}"
    )  # type: ignore[attr-defined]
    if "/people/" not in page.url:  # type: ignore[attr-defined]
        page.keyboard.press("Enter")  # type: ignore[attr-defined]
        page.wait_for_url(f"**/people/{key}")  # type: ignore[attr-defined]
    page.focus("input[name=decision][value=no_change]")  # type: ignore[attr-defined]
    page.keyboard.press("Space")  # type: ignore[attr-defined]
    page.focus("#words")  # type: ignore[attr-defined]
    page.keyboard.type("spoke with probation")  # type: ignore[attr-defined]
    page.focus(".app-decide button[type=submit]")  # type: ignore[attr-defined]
    page.keyboard.press("Enter")  # type: ignore[attr-defined]
    page.wait_for_selector(".govuk-error-summary")  # type: ignore[attr-defined]
    assert page.input_value("#words") == "spoke with probation"  # type: ignore[attr-defined]
    page.focus("#reason")  # type: ignore[attr-defined]
    page.keyboard.press("ArrowDown")  # type: ignore[attr-defined]
    for field in ("input[name=checks][value=probation]", "input[name=judgement][value=lower]"):
        page.focus(field)  # type: ignore[attr-defined]
        page.keyboard.press("Space")  # type: ignore[attr-defined]
    page.focus(".app-decide button[type=submit]")  # type: ignore[attr-defined]
    page.keyboard.press("Enter")  # type: ignore[attr-defined]
    page.wait_for_url(re.compile("saved=decision"))  # type: ignore[attr-defined]
    assert "Your decision is saved" in page.content()  # type: ignore[attr-defined]
    state = open_state(site.folder)
    (kept,) = desk.of_person(state.operations, key)
    assert kept.words == "spoke with probation"
    assert kept.checks == ("probation",)
    assert kept.own_judgement == "lower"
    state.close()
    page.context.close()  # type: ignore[attr-defined]
