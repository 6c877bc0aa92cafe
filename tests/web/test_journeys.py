"""Five people's ways through the service in a real Chromium: with a pointer, with the keyboard alone, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from tests.web import invented_people as invented
from tests.web.conftest import PASSWORD, Site, code_of
from tests.web.test_browser import visit
from tests.web.test_oversight_browser import refer

from harmcast.oversight.log import Event
from harmcast.store import case_reviews, desk
from harmcast.store.state import State, open_state

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HANDS = ("pointer", "keyboard", "no scripts")
WHO = {"pointer": 2, "keyboard": 22, "no scripts": 42}  # band changed this week: first on the list
REFERRED = {"pointer": 31, "keyboard": 32, "no scripts": 33}


class Hand:
    """What a person does to a page, with a pointer or with Tab, Space, arrows and Enter alone."""

    def __init__(self, page: Any, site: Site, way: str) -> None:
        self.page, self.site, self.way = page, site, way

    @property
    def by_keyboard(self) -> bool:
        return self.way == "keyboard"

    def reach(self, selector: str) -> None:
        """Tabs until the element has the focus, and the focus can be seen."""
        for _ in range(250):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                shows = "getComputedStyle(document.activeElement)"
                seen = self.page.evaluate(f"{shows}.outlineStyle !== 'none' || {shows}.boxShadow !== 'none' || document.activeElement.type === 'radio' || document.activeElement.type === 'checkbox'")
                assert seen, f"the focus on {selector} cannot be seen"
                return
        pytest.fail(f"{selector} is not reached by Tab")

    def press(self, selector: str) -> None:
        """Follows a link or sends a form, and waits for the page that comes."""
        if self.by_keyboard:
            self.reach(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter") if self.by_keyboard else self.page.click(selector)

    def tick(self, selector: str) -> None:
        if not self.by_keyboard:
            self.page.check(selector, force=True)
            return
        name = selector.split("]")[0] + "]"  # Tab stops once in a group of radios; arrows go on inside it
        self.reach(name if self.page.get_attribute(selector, "type") == "radio" else selector)
        for _ in range(12):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                break
            self.page.keyboard.press("ArrowDown")
        if not self.page.is_checked(selector):
            self.page.keyboard.press("Space")
        assert self.page.is_checked(selector)

    def purpose(self) -> None:
        """Says why somebody who stands on no list is opened: asked for each person."""
        self.tick("input[name=purpose][value=audit]")
        self.press("main form[action$=open] button[type=submit]")

    def write(self, selector: str, text: str) -> None:
        if not self.by_keyboard:
            self.page.fill(selector, text)
            return
        self.reach(selector)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, selector: str, value: str) -> None:
        if not self.by_keyboard:
            self.page.select_option(selector, value)
            return
        self.reach(selector)
        for _ in range(40):
            if self.page.eval_on_selector(selector, "e => e.value") == value:
                return
            self.page.keyboard.press("ArrowDown")
        pytest.fail(f"{value} is not among the choices of {selector}")

    def day(self, name: str, on: date) -> None:
        for part, value in (("day", on.day), ("month", on.month), ("year", on.year)):
            self.write(f"[name={name}-{part}]", str(value))

    def sign_in(self, account: str) -> None:
        self.page.goto(self.site.address + "/")
        self.write("#account", account)
        self.write("#password", PASSWORD)
        self.press("main button[type=submit]")

    def says(self, *words: str) -> None:
        text = self.page.inner_text("body")
        for word in words:
            assert word in text, (word, self.page.url)


@pytest.fixture(params=HANDS)
def hand(request: pytest.FixtureRequest, browser: object, site: Site) -> Iterator[Hand]:
    page = visit(browser, site, None, scripts=request.param != "no scripts")
    yield Hand(page, site, request.param)
    assert page.faults == []  # type: ignore[attr-defined]
    assert all(url.startswith((site.address, "data:")) for url in page.asked)  # type: ignore[attr-defined]
    page.context.close()  # type: ignore[attr-defined]


@pytest.fixture
def served(site: Site) -> Iterator[State]:
    state = open_state(site.folder)
    yield state
    state.close()


def test_the_analysts_monday(hand: Hand) -> None:
    """Log in, what changed, open a cell, note, recommend, print."""
    page = hand.page
    hand.sign_in("intelligence_analyst")
    hand.says("Your open work", "Make the tasking briefing")
    hand.press('nav a[href="/areas"]')
    hand.says("What changed since", "Whole force", "A person decides.")
    top = page.eval_on_selector("#changed", "e => e.getBoundingClientRect().top")
    assert top < 900, "what changed is not on the first screen"
    hand.press("tbody th[scope=row] a")
    hand.says("Three years: what was forecast and what came", "Plain counts")
    hand.write("#note", f"Noted by {hand.way}.")
    hand.press("form[action$=notes] button[type=submit]")
    hand.says("Your note is saved.", f"Noted by {hand.way}.")
    hand.write("#time", "Fri, Sat 22:00 to 03:00")
    hand.write("#recommendation", f"Recommended by {hand.way}.")
    hand.write("#asked", "Two officers on foot.")
    hand.press("form[action$=recommendations] button[type=submit]")
    hand.says("Your recommendation to tasking is saved.", f"Recommended by {hand.way}.")
    hand.press(".govuk-back-link")
    hand.press("a[href*=briefing]")
    hand.says("Tasking briefing", "Two officers on foot.")
    printed = page.pdf(format="A4", print_background=False, prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1


def test_the_offender_managers_way(hand: Hand, served: State) -> None:
    """List, person, understand, decide, review date; and the list says that it is done."""
    page, number = hand.page, WHO[hand.way]
    key = invented.key(served, number)
    hand.sign_in("offender_manager")
    hand.says("Who needs me this week", "Moved up in this release")
    hand.press(f'a[href="/people/{key}"]')
    hand.says("What the score says", "Why the band moved", "charges that count", "What the score does not know", "Unknown")
    page.evaluate("document.querySelectorAll('.app-banner').forEach((banner) => banner.remove())")
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= 1400 or page.viewport_size["width"] < 1280, height
    hand.tick("input[name=decision][value=no_change]")
    hand.choose("#reason", "known_support")
    hand.write("#words", f"Decided by {hand.way}.")
    hand.tick("input[name=checks][value=connect]")
    hand.tick("input[name=judgement][value=lower]")
    hand.day("review", served_today(served) + timedelta(weeks=4))
    hand.press(".app-decide button[type=submit]")
    hand.says("Your decision is saved.", f"Decided by {hand.way}.")
    (kept,) = desk.of_person(served.operations, key)
    assert (kept.decision, kept.checks, kept.own_judgement, kept.words) == ("no_change", ("connect",), "lower", f"Decided by {hand.way}.")
    assert kept.review_on == served_today(served) + timedelta(weeks=4)
    page.goto(f"{hand.site.address}/people")
    assert f"/people/{key}" not in page.content()


def test_the_supervisors_way(hand: Hand, served: State) -> None:
    """Unit work, a referral that waits, sign-off; and it waits no more."""
    page, key = hand.page, invented.key(served, REFERRED[hand.way])
    number = refer(served, key)
    hand.sign_in("supervisor")
    hand.says("Band changes reviewed within 7 days", "Decisions that went against the score", "Workload by unit")
    hand.press(f'a[href="/people/{key}#referral-{number}"]')
    hand.tick("input[name=sign][value=agreed]")
    hand.write("#sign-words", "Agreed with the unit.")
    hand.press("form[action$=sign-off] button[type=submit]")
    hand.says("Your sign-off is saved.", "Agreed with the unit.")
    hand.press('a[href="/unit-work"]')
    assert f"#referral-{number}" not in page.content()


def test_the_ethics_reviewers_way(hand: Hand, served: State) -> None:
    """Who bears it, the monitor, the track record, one person without a name, and an advice entered."""
    page = hand.page
    hand.sign_in("ethics_reviewer")
    hand.press('nav a[href="/audit"]')
    hand.says("Who bears it?")
    hand.press('nav a[href="/track-record"]')
    hand.says("Were we right?")
    hand.press("a[href*='view=monitor']")
    hand.press('nav a[href="/home"]')
    hand.press('a[href="/pseudonymised"]')
    hand.press("tbody a[href^='/case-reviews?row=']")
    hand.write("#reason", f"To see the method at work, {hand.way}")
    hand.press('form[action="/case-reviews"] button[type=submit]')
    hand.says("Your request is saved.", "Waits for the data protection officer.")
    asked = case_reviews.of(served.operations, "ethics_reviewer")[0]
    with served.operations.writing(Event("data_protection_officer", "data_protection_officer", "administration", "case_review_granted")) as tx:
        assert case_reviews.decide(tx, asked.id, "granted", "data_protection_officer")
    hand.press('nav a[href="/home"]')
    hand.press('a[href="/case-reviews"]')
    hand.press(f"a[href='/pseudonymised/{asked.person_key}']")
    hand.purpose()
    assert "Invented Person" not in page.content()
    assert not re.search(r"\bP\d{5}\b", page.inner_text("main"))
    hand.press('nav a[href="/register"]')
    hand.choose("#tool", "knife_injury")
    hand.choose("#kind", "ethics")
    hand.choose("#outcome", "approved with conditions")
    hand.day("dated", date(2026, 10, 1))
    hand.write("#by-whom", "The panel")
    hand.write("#title", f"Advice by {hand.way}")
    hand.write("#conditions", "Figures for each group after six months")
    hand.day("review", date(2027, 10, 1))
    hand.write("#second-code", code_of(served, "data_protection_officer", "register enter approval"))
    hand.press('form[action="/register"] button[type=submit]')
    hand.says("The entry is saved.", f"Advice by {hand.way}", "Figures for each group after six months")
    assert f"Advice by {hand.way}" in [e.words for e in served.register.entries()]


def test_the_data_protection_officers_way(hand: Hand, served: State) -> None:
    """Who saw whom, what is due to go, and an objection received and answered."""
    page, reference = hand.page, invented.reference(REFERRED[hand.way])  # an open objection lengthens the page that the manager's way measures
    hand.sign_in("data_protection_officer")
    hand.press('nav a[href="/log"]')
    hand.write("input[name=reference]", reference)
    hand.press("form[action='/log/person'] button[type=submit]")
    assert reference not in page.url
    hand.says("fit")
    hand.press('nav a[href="/retention"]')
    hand.says("Reviews by group", "Due to be forgotten today")
    hand.press('nav a[href="/representations"]')
    hand.choose("#kind", "objection")
    hand.choose("#channel", "person")
    hand.day("received", served_today(served))
    hand.write("[name=reference]", reference)
    hand.write("#words", f"Objected by {hand.way}.")
    hand.press('form[action="/representations"] button[type=submit]')
    hand.says("The representation is recorded.", f"Objected by {hand.way}.")


def served_today(state: State) -> date:
    return date.fromisoformat(state.operations.now()[:10])
