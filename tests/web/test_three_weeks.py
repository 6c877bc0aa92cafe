"""Three weeks in a row, each role at its own work: with a pointer, with the keyboard alone and without scripts, by turns.

In them a person is merged, a release withdrawn, an objection upheld, a tool refused by the ethics reviewer; and in the middle of
each kind of form the session ends, so that what was typed has to come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.web import invented_people as invented
from tests.web.conftest import PASSWORD, Clock, Site, served
from tests.web.test_browser import visit
from tests.web.test_journeys import HANDS, Hand

from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.publish import release_files, released
from harmcast.store.reads import open_work
from harmcast.store.releases import NewTool
from harmcast.store.work import Item
from harmcast.weeks import Week

pytestmark = [pytest.mark.browser, pytest.mark.slow]
A, M, S, D, E, P, U = "intelligence_analyst", "offender_manager", "supervisor", "data_scientist", "ethics_reviewer", "data_protection_officer", "administrator"
ROLES = (A, M, S, D, E, P, U)
TOOL, RUN = "knife_injury", Event("system", "operator", "run", "week_made")
CONCERN = Finding("concern", TOOL, "false_high/deprivation/1/over", "Too often wrong in the poorest fifth.", 4.1, 2.0, 2.1)
OLD, NOW = 2, 23  # whose band moved up, and into whom they are merged
IDLE = 31


class Weeks:
    """The served state, its clock, and the hands of each role."""

    def __init__(self, site: Site, browser: object, clock: Clock) -> None:
        assert site.state is not None
        self.site, self.state, self.clock, self.browser = site, site.state, clock, browser
        self.week = 0
        self.lost: list[str] = []

    @property
    def today(self) -> date:
        return self.clock.at.date()

    def key(self, number: int) -> str:
        return invented.key(self.state, number)

    def items(self, kind: str) -> list[Item]:
        return [item for item in open_work.read(self.state, self.today).items if item.kind == kind]

    def of(self, role: str, walk: Callable[[Hand], None]) -> None:
        """A role's visit, each week with another hand: signed in by the form, and nothing asked of another host."""
        way = HANDS[(ROLES.index(role) + self.week) % len(HANDS)]
        page = visit(self.browser, self.site, None, scripts=way != "no scripts")
        hand = Hand(page, self.site, way)
        hand.sign_in(role)
        walk(hand)
        assert page.faults == [], (role, page.faults)  # type: ignore[attr-defined]
        assert all(url.startswith((self.site.address, "data:")) for url in page.asked)  # type: ignore[attr-defined]
        page.context.close()  # type: ignore[attr-defined]

    def interrupted(self, hand: Hand, role: str, typed: Callable[[], None], button: str, *shows: str) -> None:
        """Types a form; the session ends before it is sent; after signing in again it comes back filled, and is sent once more."""
        before = len(self.state.operations.entries())
        unfold(hand)
        typed()
        self.clock.on(minutes=IDLE)
        hand.press(button)
        assert "/sign-in" in hand.page.url, hand.page.url
        assert not [e for e in self.state.operations.entries()[before:] if e.kind in ("alteration", "erasure")], button
        hand.write("#account", role)
        hand.write("#password", PASSWORD)
        hand.press("main button[type=submit]")
        hand.says("Nothing was saved. We kept what you typed")
        hand.press(".app-kept__form button")
        hand.says("Nothing was saved. This is what you typed")
        for text in shows:
            assert text in hand.page.content(), text
        unfold(hand)
        hand.press(button)
        assert "There is a problem" not in hand.page.content(), hand.page.inner_text("main")[:400]
        self.lost.append(button)

    def monday(self, standing: str, findings: list[Finding]) -> str:
        """The next week's releases: the frames of the week before, a week on."""
        self.week += 1
        self.clock.on(days=7)
        week = Week.of(self.today)
        for tool in (TOOL, "iom"):
            last = self.state.releases.history(tool)[-1]
            files = {name: last.read(name) for name in released.manifest(last)["files"] if name.startswith(tool)}
            if tool == TOOL:
                for name in (tool, f"{tool}_areas"):
                    files[f"{name}.parquet"] = release_files.parquet(last.frame(name).with_columns(origin=pl.lit(week.origin)))
            manifest = {"week": str(week), "origin": week.origin.isoformat(), "as_of": week.origin.isoformat(), "tools": {tool: {"warnings": []}}}
            found = [NewTool(TOOL, standing, findings)] if tool == TOOL else [NewTool("iom", "published", model="iom-model-2026-W40")]  # type: ignore[arg-type]
            self.state.releases.keep(str(week), release_files.with_manifest(files, manifest), found, origin=week.origin, as_of=week.origin, sequence=1, event=RUN)
        return str(week)


def unfold(hand: Hand) -> None:
    hand.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")


@pytest.fixture
def weeks(made_state: Path, tmp_path: Path, browser: object) -> Iterator[Weeks]:
    clock = Clock()
    with served(made_state, tmp_path / "state", clock=clock) as site:
        yield Weeks(site, browser, clock)


def test_three_weeks_of_every_role(weeks: Weeks) -> None:
    first_week(weeks)
    weeks.monday("published", [])
    invented.changed(weeks.state, weeks.today, {OLD: {"merged_into": invented.reference(NOW)}})
    second_week(weeks)
    held = weeks.monday("held", [CONCERN])
    third_week(weeks, held)
    assert len(weeks.lost) == len(set(weeks.lost)) >= 15  # so many kinds of forms came back after their session had ended


def first_week(weeks: Weeks) -> None:
    """Recommended, referred, signed off; an objection received, a case review and a role asked for."""

    def analyst(hand: Hand) -> None:
        hand.press('nav a[href="/areas"]')
        hand.press("tbody th[scope=row] a")
        weeks.interrupted(hand, A, lambda: hand.write("#note", "Noted <b>é</b>."), "form[action$=notes] button[type=submit]", "Noted &lt;b&gt;é&lt;/b&gt;.")

        def recommended() -> None:
            for field, text in (("#place", "The green"), ("#time", "Friday, 20 to 02"), ("#recommendation", "Late turns."), ("#asked", "Two officers.")):
                hand.write(field, text)

        weeks.interrupted(hand, A, recommended, "form[action$=recommendations] button[type=submit]", "Late turns.")

        def walked() -> None:
            hand.tick("input[name=activity][value=patrol]")
            hand.day("happened", weeks.today)
            hand.write("#minutes", "45")

        weeks.interrupted(hand, A, walked, "form[action$=activity] button[type=submit]", 'value="45"')

    def manager(hand: Hand) -> None:
        hand.press(f'a[href="/people/{weeks.key(OLD)}"]')

        def decided() -> None:
            hand.tick("input[name=decision][value=refer]")
            hand.choose("#reason", "recent_charge")
            hand.tick("input[name=checks][value=connect]")
            hand.tick("input[name=judgement][value=same]")
            hand.write("#words", "A mentor, through the unit.")
            hand.day("review", weeks.today + timedelta(weeks=8))

        weeks.interrupted(hand, M, decided, "form[action$=decisions] button[type=submit]", "A mentor, through the unit.")
        weeks.interrupted(hand, M, lambda: hand.write("#error-words", "Wrong charge."), "form[action$=data-errors] button[type=submit]", "Wrong charge.")

    def officer(hand: Hand) -> None:
        hand.press('nav a[href="/representations"]')

        def received() -> None:
            hand.choose("#kind", "objection")
            hand.choose("#channel", "person")
            hand.day("received", weeks.today)
            hand.write("[name=reference]", invented.reference(22))
            hand.write("#words", "That was not me.")

        weeks.interrupted(hand, P, received, 'form[action="/representations"] button[type=submit]', "That was not me.")

    def reviewer(hand: Hand) -> None:
        hand.press('a[href="/pseudonymised"]')
        hand.press("tbody a[href^='/case-reviews?row=']")
        weeks.interrupted(hand, E, lambda: hand.write("#reason", "To see the method at work"), 'form[action="/case-reviews"] button[type=submit]', "To see the method at work")

    def administrator(hand: Hand) -> None:
        hand.press('nav a[href="/users"]')
        hand.press('main a[href="/users/untrained"]')
        weeks.interrupted(hand, U, lambda: hand.choose("#role", D), "form[action$=roles] button[type=submit]")

    for role, walk in ((A, analyst), (M, manager), (P, officer), (E, reviewer), (U, administrator)):
        weeks.of(role, walk)
    assert [i.state for i in weeks.items("referral")] == ["Waits for supervisor"]
    assert [i.state for i in weeks.items("role")] == ["Waits for a second person"]


def second_week(weeks: Weeks) -> None:
    """Somebody was merged: the referral is signed off under the surviving record. Tasking answers; the release is withdrawn."""
    (referral,) = weeks.items("referral")
    assert (referral.about, referral.source) == (weeks.key(NOW), weeks.key(OLD))

    def supervisor(hand: Hand) -> None:
        hand.says("Waits for supervisor", f"from {invented.reference(OLD)}")
        hand.press(f'a[href="/people/{weeks.key(NOW)}#referral-{referral.number}"]')

        def signed() -> None:
            hand.tick("input[name=sign][value=agreed]")
            hand.write("#sign-words", "Agreed with the unit.")

        weeks.interrupted(hand, S, signed, "form[action$=sign-off] button[type=submit]", "Agreed with the unit.")
        hand.press('nav a[href="/unit-work"]')
        hand.press('th a[href="/roles"]')
        hand.press("button[value=confirmed]")

    def manager(hand: Hand) -> None:
        hand.press(f'main a[href^="/people/{weeks.key(NOW)}"]')

        def followed() -> None:
            hand.tick("input[name=step][value=offered]")
            hand.day("happened", weeks.today)
            hand.write("#step-words", "First talk.")

        weeks.interrupted(hand, M, followed, "form[action$=follow-ups] button[type=submit]", "First talk.")

    def analyst(hand: Hand) -> None:
        hand.press('main a[href^="/recommendations/"]')

        def answered() -> None:
            hand.tick("input[name=choice][value=adopted]")
            hand.write("#words", "As asked.")

        weeks.interrupted(hand, A, answered, 'form[action^="/recommendations/"] button[type=submit]', "As asked.")

    def officer(hand: Hand) -> None:
        (item,) = weeks.items("objection")
        hand.press(f'main a[href$="#number-{item.number}"]')

        def upheld() -> None:
            hand.choose(f"#step-{item.number}", "outcome")
            hand.choose(f"#outcome-{item.number}", "upheld")
            hand.write(f"#words-{item.number}", "Of somebody else.")

        weeks.interrupted(hand, P, upheld, f'form[action="/representations/{item.number}/steps"] button[type=submit]', "Of somebody else.")
        hand.press('nav a[href="/home"]')
        hand.press('th a[href^="/case-reviews#request-"]')
        hand.press("button[value=granted]")

    def scientist(hand: Hand) -> None:
        name = weeks.state.releases.history(TOOL)[-1].name
        hand.press('nav a[href="/releases"]')
        hand.press(f'main a[href="/releases/{name}"]')
        reason = f"#reason-{name}"
        weeks.interrupted(hand, D, lambda: hand.write(reason, "A delivery was read twice."), "form[action$=withdraw] button.govuk-button--warning", "A delivery was read twice.")

    for role, walk in ((S, supervisor), (M, manager), (A, analyst), (P, officer), (D, scientist)):
        weeks.of(role, walk)
    weeks.of(A, lambda hand: hand.says("withdrawn", "A delivery was read twice."))
    assert [i.state for i in weeks.items("referral")] == ["Support offered"]
    assert [(i.state, i.owner.value) for i in weeks.items("objection")] == [("Upheld, to be corrected", D)]
    assert not [i for i in weeks.items("case_review") if i.is_open]


def third_week(weeks: Weeks, held: str) -> None:
    """What was done is recorded, a list asked for and granted, the correction made; the ethics reviewer answers, then refuses the tool."""

    def analyst(hand: Hand) -> None:
        hand.press('main a[href^="/recommendations/"]')

        def done() -> None:
            hand.tick("input[name=choice][value=done]")
            hand.write("#words", "Two patrols, four hours.")

        weeks.interrupted(hand, A, done, 'form[action^="/recommendations/"]:has(input[value=done]) button[type=submit]', "Two patrols, four hours.")

    def manager(hand: Hand) -> None:
        hand.press('nav a[href="/exports"]')

        def asked() -> None:
            hand.tick("input[name=names][value=yes]")
            hand.write("#reason", "For the panel on Thursday")

        weeks.interrupted(hand, M, asked, 'form[action="/exports"] button[type=submit]', "For the panel on Thursday")

    def supervisor(hand: Hand) -> None:
        hand.press('th a[href^="/exports#request-"]')
        hand.press("button[value=granted]")

    def scientist(hand: Hand) -> None:
        hand.press('th a[href^="/corrections"]')
        hand.press('form[action^="/corrections/"] button')
        hand.says("It is saved, and the item is closed.")

    def reviewer(hand: Hand) -> None:
        field = f"#lift-{held}-{CONCERN.id}"
        hand.press(f'th a[href="/findings/{CONCERN.id}"]')
        weeks.interrupted(hand, E, lambda: hand.write(field, "Known, and small."), 'form[action*="/findings/"] button[type=submit]', "Known, and small.")

        def refused() -> None:
            hand.write("#refuse", "Poor areas bear it.")
            hand.write("#refused-by", "Data Ethics Committee")
            hand.tick("input[name=sure]")

        weeks.interrupted(hand, E, refused, 'form[action^="/tools/"] button[type=submit]', "Poor areas bear it.")

    for role, walk in ((A, analyst), (M, manager), (S, supervisor), (D, scientist), (E, reviewer)):
        weeks.of(role, walk)

    def shut_out(hand: Hand) -> None:
        hand.page.goto(f"{weeks.site.address}/areas/{TOOL}")
        hand.says("Poor areas bear it.", "You cannot")

    weeks.of(A, shut_out)
    assert [i.state for i in weeks.items("recommendation")] == ["Done"]
    assert [i.state for i in weeks.items("objection")] == ["Corrected and scored again"]
    assert {i.state for i in weeks.items("finding")} == {"Tool refused"}
    assert [i.state for i in weeks.items("download")] == ["Granted"]
