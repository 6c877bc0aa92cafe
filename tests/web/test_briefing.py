"""The tasking briefing: one A4 page whatever was written, recommended places with boxes, limits at entry."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import polars as pl
import pytest
from tests.web.conftest import SignIn, Site, form_of
from tests.web.test_browser import axe, visit

from harmcast.ground import naming
from harmcast.oversight.log import Event
from harmcast.store import cell_records
from harmcast.store.cell_records import LENGTHS, Recommendation
from harmcast.store.state import State, open_state
from harmcast.web import areas

TOOL, ANALYST = "knife_injury", "intelligence_analyst"
EVENT = Event(ANALYST, ANALYST, "alteration", "tasking_recommended")


def recommend(state: State, said: Sequence[Recommendation]) -> list[str]:
    """One recommendation each on other places of the newest release; gives the places."""
    cells = state.releases.published(TOOL).frame(TOOL).sort("expected", descending=True)["cell"].to_list()[1 : 1 + len(said)]
    for cell, one in zip(cells, said, strict=True):
        with state.operations.writing(EVENT) as tx:
            cell_records.recommend(tx, TOOL, cell, "2026-W47", one, ANALYST, ANALYST)
    return cells


def widest() -> Recommendation:
    """Each part at its full length, in capitals."""
    text = "TWO OFFICERS ON FOOT WITH HIGH VISIBILITY WALK THE TOWPATH AND THE MARKET, WARN THE LICENSEES AND NOTE WHO WAS SEEN AND WHEN"
    return Recommendation(*(text[: LENGTHS[name]] for name in ("place", "time", "why", "asked")))


def test_the_lengths_are_those_of_the_page() -> None:
    assert LENGTHS == {"place": 30, "time": 26, "why": 110, "asked": 110}


@pytest.mark.parametrize(("name", "field"), [("place", "place"), ("time", "time"), ("why", "recommendation"), ("asked", "asked")])
def test_limits_hold_at_entry_and_keep_what_was_typed(state: State, sign_in: SignIn, name: str, field: str) -> None:
    client = sign_in(ANALYST)
    cell = str(state.releases.published(TOOL).frame(TOOL)["cell"][0])
    here = f"/areas/{TOOL}/cells/{cell}"
    whole = {"place": "p" * 30, "time": "t" * 26, "recommendation": "w" * 110, "asked": "a" * 110}
    long = whole | {field: whole[field] + "z"}
    answer = client.post(f"{here}/recommendations", data={**form_of(client, here), **long})
    assert answer.status_code == 400
    assert f"Use {LENGTHS[name]} characters or fewer" in answer.text
    assert f'value="{long[field]}"' in answer.text
    assert cell_records.recommendations(state.operations, TOOL, cell) == []
    assert client.post(f"{here}/recommendations", data={**form_of(client, here), **whole}, follow_redirects=False).status_code == 303
    (kept,) = cell_records.recommendations(state.operations, TOOL, cell)
    assert (kept["place_words"], kept["time_words"], kept["words"], kept["asked"]) == ("p" * 30, "t" * 26, "w" * 110, "a" * 110)
    missing = client.post(f"{here}/recommendations", data={**form_of(client, here), **(whole | {field: " "})})
    assert missing.status_code == 400


def test_five_places_stand_on_it_and_a_sixth_is_also_open(state: State, sign_in: SignIn) -> None:
    recommend(state, [Recommendation(f"Place {n}", "Fri 22:00", f"Because {n}.", f"Walk {n}.") for n in range(1, 7)])
    text = html.unescape(sign_in(ANALYST).get(f"/areas/{TOOL}/briefing").text)
    assert "Place 1<" not in text
    assert [re.search(rf">{letter}</span></td>\s*<th scope=\"row\"><strong>(.+?)</strong>", text)[1] for letter in "ABCDE"] == [f"Place {n}" for n in range(2, 7)]  # type: ignore[index]
    assert "Also open, not on this page: R1." in text
    assert "Why these five" in text
    assert "Chosen by the analyst." in text
    assert "Return this page to the Intelligence Team" in text
    assert text.count("Deferred to") == 5


def test_what_tasking_decided_leaves_the_page(state: State, sign_in: SignIn) -> None:
    recommend(state, [Recommendation("The Dock", "Fri 22:00", "Because.", "Walk.")])
    client = sign_in(ANALYST)
    assert "The Dock" in client.get(f"/areas/{TOOL}/briefing").text
    form = {"csrf": form_of(client, f"/areas/{TOOL}/cells/{state.releases.published(TOOL).frame(TOOL)['cell'][0]}")["csrf"], "step": "outcome", "choice": "not_adopted"}
    on = {"on-day": "16", "on-month": "11", "on-year": "2026", "newest": "0"}
    assert client.post("/recommendations/1", data={**form, **on}, follow_redirects=False).status_code == 303
    text = client.get(f"/areas/{TOOL}/briefing").text
    assert "The Dock" not in text
    assert "Nothing is recommended" in text
    for of_none in ("Chosen by the analyst", "Squares: the places below", "Return this page"):
        assert of_none not in text


def test_an_areas_briefing_speaks_of_that_area(state: State, sign_in: SignIn) -> None:
    frame = state.releases.published(TOOL).frame(TOOL)
    area = frame["area"][0]
    recommend(state, [Recommendation(f"Place {n}", "Fri 22:00", "Because.", "Walk.") for n in range(5)])
    text = html.unescape(sign_in(ANALYST).get(f"/areas/{TOOL}/briefing", params={"area": area}).text)
    assert f"<h2>{area}</h2>" in text
    assert f"{area}’s total" in text
    assert "The force’s total" not in text


def test_an_older_recommendation_is_cut_and_says_what_it_lacks(state: State, sign_in: SignIn) -> None:
    (cell,) = recommend(state, [Recommendation("x", "x", "An old one. " * 100, "x")])
    with state.operations.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tasking")
    with state.operations.writing(EVENT) as tx:
        from harmcast.store import schema

        tx.insert(schema.tasking, tool=TOOL, cell=cell, week="2026-W47", step="recommendation", words="An old one. " * 100, by=ANALYST, role=ANALYST, at=tx.at)
    text = html.unescape(sign_in(ANALYST).get(f"/areas/{TOOL}/briefing").text)
    why = re.search(r"Why:</strong> (.+?)<br>", text)
    assert why
    assert len(why[1]) == 110
    assert why[1].endswith("…")
    assert "Not said: ask the analyst." in text
    assert "Not known" in text


@pytest.mark.browser
@pytest.mark.parametrize("area", [False, True])
def test_it_prints_on_one_page_at_full_lengths_and_never_under_8_points(browser: object, site: Site, area: bool) -> None:
    state = open_state(site.folder)
    recommend(state, [widest() for _ in range(7)])
    name = state.releases.published(TOOL).frame(TOOL).sort("expected", descending=True)["area"][1]
    state.close()
    page = visit(browser, site, ANALYST)
    page.goto(f"{site.address}/areas/{TOOL}/briefing" + (f"?area={name}" if area else ""))  # type: ignore[attr-defined]
    assert axe(page) == []
    printed = page.pdf(format="A4", print_background=True, prefer_css_page_size=True)  # type: ignore[attr-defined]
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
    page.emulate_media(media="print")  # type: ignore[attr-defined]
    smallest = page.evaluate(  # type: ignore[attr-defined]
        """Math.min(...[...document.querySelectorAll(".app-brief *")]
            .filter((e) => !e.children.length && e.textContent.trim() && !e.closest("svg, .govuk-visually-hidden") && e.getClientRects().length)
            .map((e) => 0.75 * parseFloat(getComputedStyle(e).fontSize)))"""
    )
    assert round(smallest, 2) >= 8
    page.context.close()  # type: ignore[attr-defined]


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 768, 1024])
def test_it_fits_every_screen(browser: object, site: Site, width: int) -> None:
    state = open_state(site.folder)
    recommend(state, [widest()])
    state.close()
    page = visit(browser, site, ANALYST, width)
    page.goto(f"{site.address}/areas/{TOOL}/briefing")  # type: ignore[attr-defined]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")  # type: ignore[attr-defined]
    page.context.close()  # type: ignore[attr-defined]


def test_home_makes_the_briefing_of_the_tool_that_has_places_recommended(state: State, sign_in: SignIn) -> None:
    client = sign_in(ANALYST)
    assert re.findall(r'href="(/areas/\w+/briefing)"', client.get("/home").text) == ["/areas/knife_injury/briefing"]
    cell = str(state.releases.published("serious_violence").frame("serious_violence")["cell"][0])
    with state.operations.writing(EVENT) as tx:
        cell_records.recommend(tx, "serious_violence", cell, "2026-W47", Recommendation("The Dock", "Fri 22:00", "Because.", "Walk."), ANALYST, ANALYST)
    assert re.findall(r'href="(/areas/\w+/briefing)"', client.get("/home").text) == ["/areas/serious_violence/briefing"]
    recommend(state, [Recommendation("The Quay", "Fri 22:00", "Because.", "Walk.")])
    assert re.findall(r'href="(/areas/\w+/briefing)"', client.get("/home").text) == ["/areas/knife_injury/briefing", "/areas/serious_violence/briefing"]


def test_a_place_whose_name_is_shared_is_named_with_its_streets(state: State) -> None:
    frame = state.releases.published(TOOL).frame(TOOL).head(3).with_columns(
        place=pl.Series([naming.BETWEEN.join(parts) for parts in (("Brevoller 2", "Dock Road"), ("Brevoller 2", "Mill Lane"), ("Naskesk", "High Street"))]),
        expected=pl.Series([3.0, 2.0, 1.0]),
    )  # fmt: skip
    assert areas.names(areas.rows(frame, {})) == ["Brevoller 2 (Dock Road)", "Brevoller 2 (Mill Lane)", "Naskesk"]
