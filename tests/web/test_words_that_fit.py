"""Small things that a reader tripped over: words that did not fit the state, links to nothing, labels cut off."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

from tests.web import invented_people as invented
from tests.web.conftest import SignIn, carried

from harmcast.charts import people as people_charts
from harmcast.invented import demo
from harmcast.oversight.log import Event
from harmcast.store import representations
from harmcast.store.state import State


def refuse(sign_in: SignIn, tool: str) -> None:
    eve = sign_in("ethics_reviewer")
    form = {**carried(eve), "finding": "", "refuse": "Poor areas bear it.", "refused-by": "The committee", "sure": "yes"}
    assert eve.post(f"/tools/{tool}/refuse", data=form, follow_redirects=False).status_code == 303


def test_a_refused_tool_is_nowhere_in_use_and_no_home_leads_to_its_closed_pages(sign_in: SignIn) -> None:
    refuse(sign_in, "knife_injury")
    register = sign_in("ethics_reviewer").get("/register").text
    assert "has left every user’s pages" in register
    assert register.count(">refused</strong>") == 1
    for role in ("ethics_reviewer", "data_scientist"):
        home = sign_in(role).get("/home").text
        assert "Off every page" in home
        assert not re.search(r'href="/(?:audit|track-record)/knife_injury', home)


def test_who_may_not_see_the_verdict_is_not_told_that_nobody_entered_it(sign_in: SignIn) -> None:
    assert "were we right" not in sign_in("administrator").get("/register").text.lower()


def test_an_objection_shows_no_whole_key(sign_in: SignIn, state: State) -> None:
    key = invented.key(state, 1)
    with state.operations.writing(Event("data_protection_officer", "data_protection_officer", "alteration", "received")) as tx:
        representations.receive(tx, key, "iom", "objection", date(2026, 11, 16), "person", "Not my charge.", "data_protection_officer", "data_protection_officer")
    page = re.sub(r'href="[^"]*"', "", sign_in("data_protection_officer").get("/representations").text)
    assert key[:6] in page
    assert key[6:] not in page


def test_why_a_person_was_opened_and_what_was_said_end_once(manager, state: State) -> None:  # type: ignore[no-untyped-def]
    key = invented.key(state, 3)
    with state.operations.writing(Event("offender_manager", "offender_manager", "alteration", "received")) as tx:
        representations.receive(tx, key, "iom", "objection", date(2026, 11, 16), "person", "Not my charge.", "offender_manager", "offender_manager")
    page = manager.get(f"/people/{key}").text
    assert "Why opened: on the unit" in html.unescape(page)
    assert "“Not my charge.”." not in page


def test_the_label_of_every_cut_fits_beside_half_a_year_on_a_small_screen() -> None:
    past = [(date(2026, 6, 1) + timedelta(weeks=i), 9.0) for i in range(26)]
    drawn = str(people_charts.half_year(past, [30.0, 180.0, 365.0, 1825.0], "days", 340, 240))
    ends = {text: float(x) for x, text in re.findall(r'<text[^>]*x="([\d.]+)"[^>]*>([^<]+)</text>', drawn)}
    assert ends["1,825"] >= 42  # it ends there; digits are 8 wide
    assert 340 - ends["high-medium"] >= 88  # it begins there


def test_a_models_form_is_named_and_its_counts_are_written_as_counts(sign_in: SignIn, state: State) -> None:
    model = state.models.all("iom")[-1].name
    page = sign_in("data_scientist").get(f"/releases/{model}").text
    assert "Card of three items" in page
    assert "card_three" not in page


def test_a_demo_that_does_not_serve_says_how_to(state: State) -> None:
    assert f"Dashboards: harmcast serve {state.root}" in demo.welcome(state, "127.0.0.1", 8000, serves=False)
