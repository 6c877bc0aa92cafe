"""The supervisor's, the ethics reviewer's and the data protection officer's ways in a real Chromium, with Tab, Space, arrows and Enter alone."""

from __future__ import annotations

import re
from datetime import date

import pytest
from tests.web import invented_people as invented
from tests.web.conftest import Site, code_of
from tests.web.test_browser import visit

from harmcast.oversight.log import Event
from harmcast.store import desk
from harmcast.store.state import State, open_state

pytestmark = pytest.mark.browser


def reach(page: object, selector: str) -> None:
    """Tabs until the element is focused, and the focus can be seen."""
    for _ in range(200):
        page.keyboard.press("Tab")  # type: ignore[attr-defined]
        if page.evaluate("s => document.activeElement.matches(s)", selector):  # type: ignore[attr-defined]
            return
    pytest.fail(f"{selector} is not reached by Tab")


def press(page: object, selector: str, key: str = "Enter") -> None:
    reach(page, selector)
    page.keyboard.press(key)  # type: ignore[attr-defined]


def write(page: object, selector: str, text: str) -> None:
    reach(page, selector)
    page.keyboard.type(text)  # type: ignore[attr-defined]


def refer(state: State, key: str) -> int:
    """A referral by the offender manager, waiting for its sign-off."""
    release = state.releases.history("iom")[-1]
    new = desk.NewDecision(
        key, release.week, release.id, invented.UNIT, release.model, "high", "refer", "recent_charge", ["connect"], "same",
        date(2027, 1, 1), "1 to 3 minutes", False, "for the panel", {}, 0,
    )  # fmt: skip
    with state.operations.writing(
        Event("offender_manager", "offender_manager", "alteration", "decision_made", subject=key)
    ) as tx:
        return desk.decide(tx, new, "offender_manager", "offender_manager")


def test_a_supervisor_signs_off_by_keyboard(browser: object, site: Site) -> None:
    state = open_state(site.folder)
    key = invented.key(state, 13)
    number = refer(state, key)
    page = visit(browser, site, "supervisor")
    page.goto(f"{site.address}/people")  # type: ignore[attr-defined]
    press(page, 'a[href="/unit-work"]')
    page.wait_for_url("**/unit-work")  # type: ignore[attr-defined]
    press(page, f'a[href="/people/{key}#referral-{number}"]')
    page.wait_for_url(f"**/people/{key}*")  # type: ignore[attr-defined]
    press(page, "input[name=sign][value=agreed]", "Space")
    press(page, "form[action$=sign-off] button[type=submit]")
    page.wait_for_url(re.compile("saved=sign-off"))  # type: ignore[attr-defined]
    (kept,) = desk.of_person(state.operations, key)
    assert [s["outcome"] for s in kept.sign_offs] == ["agreed"]
    state.close()
    page.context.close()  # type: ignore[attr-defined]


def test_an_ethics_reviewer_reads_the_audit_and_enters_an_approval_by_keyboard(browser: object, site: Site) -> None:
    page = visit(browser, site, "ethics_reviewer")
    page.goto(f"{site.address}/register")  # type: ignore[attr-defined]
    press(page, 'a[href="/audit"]')
    page.wait_for_url("**/audit/knife_injury")  # type: ignore[attr-defined]
    press(page, 'a[href="/track-record"]')
    page.wait_for_url("**/track-record/knife_injury")  # type: ignore[attr-defined]
    press(page, 'a[href="/track-record/knife_injury?view=monitor"]')
    page.wait_for_url("**view=monitor")  # type: ignore[attr-defined]
    press(page, 'a[href="/register"]')
    page.wait_for_url("**/register")  # type: ignore[attr-defined]
    for selector in ("#tool", "#kind", "#outcome"):
        press(page, selector, "ArrowDown")
    for name, year in (("dated", "2026"), ("review", "2027")):
        for part, text in (("day", "1"), ("month", "10"), ("year", year)):
            write(page, f"[name={name}-{part}]", text)
    write(page, "#by-whom", "The panel")
    write(page, "#title", "Advice by keyboard")
    state = open_state(site.folder)
    write(page, "#second-code", code_of(state, "data_protection_officer", "register enter approval"))
    press(page, 'form[action="/register"] button[type=submit]')
    page.wait_for_url(re.compile("saved="))  # type: ignore[attr-defined]
    assert "Advice by keyboard" in [e.words for e in state.register.entries()]
    state.close()
    page.context.close()  # type: ignore[attr-defined]


def test_a_data_protection_officer_finds_who_saw_whom_by_keyboard(browser: object, site: Site) -> None:
    page = visit(browser, site, "data_protection_officer")
    page.goto(f"{site.address}/log")  # type: ignore[attr-defined]
    write(page, "input[name=reference]", invented.reference(13))
    page.keyboard.press("Enter")  # type: ignore[attr-defined]
    page.wait_for_url(re.compile("subject="))  # type: ignore[attr-defined]
    assert invented.reference(13) not in page.url  # type: ignore[attr-defined]
    assert "events fit" in page.content() or "event fits" in page.content()  # type: ignore[attr-defined]
    press(page, 'a[href="/retention"]')
    page.wait_for_url("**/retention")  # type: ignore[attr-defined]
    assert page.query_selector("#overdue")  # type: ignore[attr-defined]
    page.context.close()  # type: ignore[attr-defined]
