"""My area: figures on the page are the release's; groups, changes and downloads say what they should."""

from __future__ import annotations

import html as markup
import json
from datetime import date, timedelta

import polars as pl
import pytest
from fastapi import FastAPI
from tests.web.conftest import Clock, SignIn, form_of

from harmcast import words
from harmcast.documents import verdict
from harmcast.gaps import Gap
from harmcast.publish import released, track, verdicts
from harmcast.web import areas
from harmcast.web.csv_files import csv_file

TOOL = "knife_injury"
NOTICE = "Decision support. A person decides. Not evidence. Not grounds for a stop, search or arrest."


@pytest.fixture
def release(web: FastAPI) -> released.Release:
    return web.state.harmcast.releases.published(TOOL)


def test_the_page_shows_the_releases_figures_range_first(sign_in: SignIn, release: released.Release) -> None:
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text
    total = release.frame(f"{TOOL}_areas").filter(pl.col("area").is_null()).row(0, named=True)
    shown = html.index(f">{words.span(total['lower'], total['upper'])}<")
    assert shown < html.index(f"expected {words.number(total['expected'])}")
    for row in release.frame(TOOL).sort("expected", descending=True).head(25).iter_rows(named=True):
        assert f"/areas/{TOOL}/cells/{row['cell']}" in html
    assert "Showing 1 to 25 of" in html
    assert "too few offences to say which of these" in html
    assert "A person decides. Not evidence. Not grounds for a stop, search or arrest." in html
    assert "Invented force." in html


def test_old_data_is_said_after_eight_days(sign_in: SignIn, clock: Clock) -> None:
    assert "days old" not in sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text
    clock.on(days=7)
    assert "days old" not in sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text
    clock.on(days=1)
    assert "this data is 9 days old." in sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text


def test_a_held_week_says_why_on_every_page(web: FastAPI, sign_in: SignIn, release: released.Release) -> None:
    from harmcast.oversight.log import Event

    event = Event("data_scientist", "data_scientist", "alteration", "release_held")
    web.state.harmcast.releases.move(release, "held", event, "odd volume")
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text
    assert "week 2026-W47 is held" in html
    assert "2026-W46" in html
    assert "is held" in sign_in("intelligence_analyst").get("/training").text


def test_every_order_is_what_it_says(sign_in: SignIn, release: released.Release) -> None:
    rows = areas.rows(release.frame(TOOL), {})
    for order in areas.ORDERS:
        shown = areas.ordered(rows, order)
        assert {r.cell for r in shown} == {r.cell for r in rows}
        html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}?sort={order}").text
        first = html.index(f"cells/{shown[0].cell}", html.index("<tbody"))
        assert first < html.index(f"cells/{shown[1].cell}", first)


def test_groups_are_those_of_the_release(release: released.Release) -> None:
    rows = areas.rows(release.frame(TOOL), {})
    spans = areas.groups(rows)
    assert sum(g.cells for g in spans.values()) == len(rows)
    for group in spans.values():
        members = rows[group.first - 1 : group.last]
        assert all(m.group == group.number for m in members)
    said = dict(release.frame(TOOL).select("cell", "list_group").iter_rows())
    assert {r.cell: r.group for r in rows} == said


def test_a_release_of_before_holds_no_groups_and_its_old_chances_are_not_shown(release: released.Release) -> None:
    old = release.frame(TOOL).drop("list_group", "chance_top20_year")
    rows = areas.rows(old, {})
    assert {r.group for r in rows} == {1}
    assert {r.chance_top20 for r in rows} == {None}


def test_outcomes_are_counted_from_the_weeks(web: FastAPI, release: released.Release) -> None:
    """What came of a past window, counted here by plain loops, equals the page's."""
    history = web.state.harmcast.releases.history(TOOL)
    past = released.outcomes(release, history, TOOL, 4)
    weeks = release.frame(f"{TOOL}_weeks").to_dicts()
    for cell in release.frame(TOOL)["cell"].head(15):
        for outcome in past[cell]:
            mine = sum(
                w["recorded"] for w in weeks if w["cell"] == cell and 0 <= (w["week"] - outcome.origin).days < 28
            )
            assert outcome.recorded == mine
            assert (outcome.origin - release.origin).days <= -28
    assert len(past[release.frame(TOOL)["cell"][0]]) == len(history) - 4


def test_change_needs_a_count_that_chance_seldom_gives() -> None:
    assert words.change(0, 0) == "none for a year"
    assert words.change(1, 0.9) == "about its usual"
    assert words.change(4, 0.9) == "higher than its own usual"
    assert words.change(0, 5) == "lower than its own usual"
    assert words.change(40, 20) == "higher than its own usual (+100%)"
    assert "%" not in words.change(19, 5)


def test_numbers_never_round_to_none_or_all() -> None:
    assert words.share(0.001) == "under 1%"
    assert words.share(0.999) == "over 99%"
    assert words.share(0.0) == "0%"
    assert words.number(0.01) == "under 0.1"
    assert words.number(0) == "0"
    assert words.number(None) == "not held"
    assert words.span(0, 0) == "0"
    assert words.cell("E412000N293000") == "E412000 N293000"
    assert words.cell("E01000001") == "E01000001"
    assert words.window(date(2026, 12, 14), 4) == "14 December 2026 to 10 January 2027"


def test_csv_has_its_header_in_row_1_and_says_in_its_last_columns_what_it_is(sign_in: SignIn, release: released.Release) -> None:
    answer = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/download.csv")
    frame = pl.read_csv(answer.content)
    assert frame.columns[0] == "cell"
    assert frame.columns[-4:] == ["tool", "release", "data_to", "notice"]
    assert frame.height == release.frame(TOOL).height
    assert frame.select("tool", "release", "data_to").unique().rows() == [(TOOL, "2026-W47", "2026-11-15")]
    assert frame["notice"].str.contains(NOTICE, literal=True).all()
    assert answer.headers["content-disposition"] == f'attachment; filename="{TOOL}-2026-W47-cells.csv"'


def test_a_file_of_one_area_has_the_area_in_its_name_and_a_file_of_columns_beside_it(sign_in: SignIn, release: released.Release) -> None:
    analyst, area = sign_in("intelligence_analyst"), release.frame(TOOL)["area"][0]
    answer = analyst.get(f"/areas/{TOOL}/download.csv", params={"area": area})
    assert f"-{area.lower().replace(' ', '-')}-cells.csv" in answer.headers["content-disposition"]
    assert pl.read_csv(answer.content)["area"].unique().to_list() == [area]
    said = pl.read_csv(analyst.get(f"/areas/{TOOL}/columns.csv").content)
    assert said.columns == ["column", "says", "unit"]
    assert set(pl.read_csv(answer.content).columns) == set(said["column"])


def test_recommendations_and_activity_leave_as_files_with_what_was_decided_done_and_came(sign_in: SignIn, release: released.Release) -> None:
    analyst, cell = sign_in("intelligence_analyst"), release.frame(TOOL).sort("expected", descending=True)["cell"][0]
    sent = form_of(analyst, f"/areas/{TOOL}/cells/{cell}")
    said_so = {"place": "Mill Road", "time": "Fri 22:00", "recommendation": "=Late turns.", "asked": "One visit."}
    analyst.post(f"/areas/{TOOL}/cells/{cell}/recommendations", data={**sent, **said_so})
    analyst.post(f"/areas/{TOOL}/cells/{cell}/activity", data={**sent, "activity": "patrol", "minutes": "45", "happened-day": "15", "happened-month": "11", "happened-year": "2026"})
    frame = pl.read_csv(analyst.get(f"/areas/{TOOL}/recommendations.csv").content)
    assert frame.select("cell", "words", "state", "due_on", "written_on_release", "recorded").rows() == [(cell, "'=Late turns.", "Waits for tasking", "2026-11-30", "2026-W47", 0)]
    said = pl.read_csv(analyst.get(f"/areas/{TOOL}/columns.csv?of=recommendations").content)
    assert said["column"].to_list() == frame.columns
    done = pl.read_csv(analyst.get(f"/areas/{TOOL}/activity.csv").content)
    assert done.select("cell", "kind", "happened_on", "minutes").rows() == [(cell, "patrol", "2026-11-15", 45.0)]


def test_a_formula_in_an_area_name_is_made_harmless() -> None:
    frame = pl.DataFrame({"cell": ["E1N1"], "area": ['=HYPERLINK("http://x")'], "expected": [1.0]})
    assert b"'=HYPERLINK" in csv_file(frame, TOOL, "2026-W47", date(2026, 11, 15), NOTICE)


def test_geojson_holds_the_notice_and_the_area_asked_for(sign_in: SignIn, release: released.Release) -> None:
    area = release.frame(TOOL)["area"][0]
    document = json.loads(
        sign_in("intelligence_analyst").get(f"/areas/{TOOL}/download.geojson", params={"area": area}).content
    )
    assert document["notice"] == NOTICE
    assert len(document["features"]) == release.frame(TOOL).filter(pl.col("area") == area).height


def test_shades_part_all_cells_and_rise(release: released.Release) -> None:
    expected = release.frame(TOOL)["expected"].to_list()
    shades = areas.classes(expected)
    assert sum(c.cells for c in shades) == len(expected)
    assert [c.shade for c in shades] == sorted({c.shade for c in shades})
    assert shades[-1].cells > 0
    assert len(shades) <= 6


def test_a_verdict_rests_on_every_release_whose_weeks_are_over(web: FastAPI) -> None:
    """Fourteen weekly releases: the first ten are over at the newest, the last four still run; three of the ten do not overlap."""
    state = web.state.harmcast
    history = state.releases.history(TOOL)
    found = verdicts.of_tool(state.settings.places_tools[0], history, state.settings)
    assert [p.release for p in found.periods] == [r.name for r in history[:10]]
    assert [r.release for r in found.running] == [r.name for r in history[10:]]
    assert found.word == "too early"
    assert len(verdict.apart(found.periods, 4)) == 3
    newest = history[-1].frame(f"{TOOL}_weeks")
    came = newest.filter((pl.col("week") >= history[0].origin) & (pl.col("week") < history[4].origin))
    assert found.periods[0].offences == came["recorded"].sum()


def test_a_period_that_a_gap_touches_is_left_out(web: FastAPI) -> None:
    history = web.state.harmcast.releases.history(TOOL)
    day = history[0].origin + timedelta(days=3)
    found = verdicts.of_places(TOOL, history, 4, [Gap(day, day)])
    assert [p.release for p in found.periods] == [r.name for r in history[1:10]]


def test_the_track_record_lists_running_periods_without_counting_them(sign_in: SignIn) -> None:
    text = markup.unescape(sign_in("intelligence_analyst").get(f"/track-record/{TOOL}").text)
    assert "Too early to say" in text
    assert text.count(": not counted") == 4


def test_an_areas_record_is_its_windows_and_areas_add_up_to_the_force(web: FastAPI) -> None:
    state = web.state.harmcast
    history = state.releases.history(TOOL)
    apart = verdict.apart(verdicts.of_places(TOOL, history, 4).periods, 4)
    found = track.by_area(history, history[-1], TOOL, {p.origin for p in apart}, 4, 20)
    assert found
    for one in found:
        origins = [w.origin for w in one.windows]
        assert origins == sorted(origins, reverse=True)
        assert one.inside == sum(w.lower <= w.recorded <= w.upper for w in one.windows)
        assert all(w.caught <= w.recorded for w in one.windows)
    for row in apart:
        here = [w for one in found for w in one.windows if w.origin == row.origin]
        assert sum(w.recorded for w in here) == row.offences
        assert sum(w.caught for w in here) == row.ours


def test_calibration_groups_hold_every_forecast() -> None:
    outcomes = [released.Outcome("w", date(2026, 1, 5), 0, 1, (i % 50) / 50, i % 2) for i in range(1000)]
    groups = track.calibration(outcomes)
    assert sum(g.point.n or 0 for g in groups) == 1000
    assert sum(g.recorded for g in groups) == 500
    assert [g.point.expected for g in groups] == sorted(g.point.expected for g in groups)
    assert track.calibration(outcomes[:10]) == []


def test_two_tools_of_one_folder_are_kept_apart(web: FastAPI, sign_in: SignIn) -> None:
    """Both tools lie in one release folder with one manifest: neither page may show the other's cells."""
    client = sign_in("intelligence_analyst")
    first, second = client.get(f"/areas/{TOOL}").text, client.get("/areas/serious_violence").text
    cells = web.state.harmcast.releases.published("serious_violence").frame("serious_violence")["cell"].to_list()
    assert sum(f"cells/{c}" in second for c in cells) >= 25
    own = set(web.state.harmcast.releases.published(TOOL).frame(TOOL)["cell"].to_list())
    assert not any(f"cells/{c}" in first for c in cells if c not in own)
