"""The monitor and the shadow page with documents in them: who may see them, what they say, and that they are accessible at both widths."""

from __future__ import annotations

import html
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import uvicorn
from tests.web import invented_releases as invented
from tests.web.conftest import SignIn, Site
from tests.web.test_browser import axe, visit

from harmcast.evaluate import streams
from harmcast.evaluate.monitor import monitor
from harmcast.fairness.shadow import Bar, judge_shadow, pooled
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.oversight.register import RegisterEntry, Tool
from harmcast.publish import release_files as publishing
from harmcast.store import sessions
from harmcast.store.releases import NewTool
from harmcast.store.state import State, open_state
from harmcast.tables import SCORES
from harmcast.web import app as apps
from harmcast.web import watching
from harmcast.web.analysis_plan import analysis_plan, people_plan

PLACES, PEOPLE = "knife_injury", "iom"
BARS = (Bar("coverage_90", "Ranges hold.", at_least=0.85, n=500), Bar("hit_rate_top20", "A fifth lies in the top 20.", at_least=0.9, n=10))
CAME = [
    {"week": "2026-W47", "people": 900, "expected": 22.4, "came": 9.0, "reason": None, "after_weeks": 13, "auc": 0.81, "auc_low": 0.7, "auc_high": 0.9},
    {"week": "2026-W47", "people": 900, "expected": 22.4, "came": None, "reason": "small number", "after_weeks": 13, "auc": None, "auc_low": None, "auc_high": None},
]


def watched_rows(weeks: int = 140) -> pl.DataFrame:
    """Inputs, scores and a level of a tool by week; the inputs' mix changes in the last six weeks."""
    rng, first = np.random.default_rng(1), invented.NEWEST.monday - timedelta(weeks=140)
    rows = []
    for w in range(weeks):
        week = first + timedelta(weeks=w)
        shares = [0.7, 0.3] if w < weeks - 6 else [0.5, 0.5]
        for bin_, n in zip(("knife", "none"), rng.multinomial(600, shares), strict=True):
            rows.append(pl.DataFrame({"week": week, "kind": "input", "name": "crimes.weapon", "bin": bin_, "value": float(n), "expected": None}, schema=streams.SCHEMA))
        rows.append(streams.scores(week, f"{PLACES}.expected", pl.Series(rng.gamma(0.7, 0.6, 400)), streams.EXPECTED_EDGES))
        rows.append(streams.level(week, PLACES, float(rng.poisson(40)), 40.0))
    return pl.concat(rows)


def figures() -> pl.DataFrame:
    rows = [
        {"tool": PLACES, "model": "mixture", "figure": figure, "group": None, "origin": date(2026, 6, 1) + timedelta(weeks=4 * k), "value": value,
         "low": None, "high": None, "n": 400, "unit": "share", "better": "higher", "reason": None}
        for figure, value in (("coverage_90", 0.91), ("hit_rate_top20", 0.2)) for k in range(4)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES.schema())


def watch(state: State) -> None:
    """A later revision of the newest week with a monitor and a shadow judgement for each tool, both tools being in shadow."""
    found = monitor(watched_rows())
    judged = judge_shadow(pooled(figures(), timedelta(weeks=4)), BARS, 30, 26, "met")
    files: dict[str, bytes] = {}
    for tool in (PLACES, PEOPLE):
        newest = state.releases.history(tool, None)[-1]
        own = {name: newest.read(name) for name in newest.manifest()["files"] if name.startswith(tool)}
        files |= own
        files[f"{tool}_monitor.json"] = publishing.document(found.document())
        files[f"{tool}_monitor.parquet"] = publishing.parquet(found.history)
        came = CAME if tool == PEOPLE else []
        files[f"{tool}_shadow.json"] = publishing.document({"judgement": judged.judgement, "lines": judged.lines.to_dicts(), "came": came})
    week = str(invented.NEWEST)
    manifest = {"week": week, "origin": invented.NEWEST.origin.isoformat(), "as_of": invented.NEWEST.origin.isoformat(), "tools": {PLACES: {"warnings": []}, PEOPLE: {"warnings": []}}}
    state.releases.keep(
        week, publishing.with_manifest(files, manifest), [NewTool(tool, "draft", model="m") for tool in (PLACES, PEOPLE)],
        origin=invented.NEWEST.origin, as_of=invented.NEWEST.origin, sequence=1, event=Event("system", "operator", "run", "release_made"),
    )  # fmt: skip
    for tool in (PLACES, PEOPLE):
        invented.register(state, tool, "shadow")


@pytest.fixture
def own_releases(state: State, made_state: Path) -> State:
    """The state with releases of its own, so that one may be added."""
    (state.root / "releases").unlink()
    shutil.copytree(made_state / "releases", state.root / "releases")
    watch(state)
    return state


@pytest.mark.parametrize("role", list(Role))
def test_shadow_is_seen_by_those_who_judge_it_alone(role: Role, own_releases: State, sign_in: SignIn) -> None:
    for tool in (PLACES, PEOPLE):
        answer = sign_in(role.value).get(f"/track-record/{tool}?view=shadow")
        assert (answer.status_code == 200) is (role in (Role.DATA_SCIENTIST, Role.ETHICS_REVIEWER)), (role, tool)
        assert ("Has it earned a trial?" in answer.text) is (answer.status_code == 200)


def test_shadow_says_bar_forecast_and_what_came(own_releases: State, sign_in: SignIn) -> None:
    page = sign_in("ethics_reviewer").get(f"/track-record/{PLACES}?view=shadow").text
    assert "The limits set beforehand: not met" in page
    assert "A fifth lies in the top 20." in page
    assert "0.200" in page
    people = sign_in("data_scientist").get(f"/track-record/{PEOPLE}?view=shadow").text
    assert "so far, after 13 weeks" in people
    assert "900 people" in people


def test_the_analysis_plan_says_what_is_tested_on_which_windows_and_what_could_be_found(own_releases: State, sign_in: SignIn) -> None:
    page = sign_in("ethics_reviewer").get(f"/track-record/{PLACES}?view=shadow").text
    assert "Analysis plan of the trial" in page
    assert "6 windows of 4 weeks that do not overlap, the first 26 weeks of shadow" in page
    assert "<strong>None is filed yet.</strong>" in page
    assert "Its 20 places hold no fewer offences than the count" in page


def test_the_plan_of_people_says_outcome_limits_and_looks(own_releases: State, sign_in: SignIn) -> None:
    page = sign_in("ethics_reviewer").get(f"/track-record/{PEOPLE}?view=shadow").text
    assert "Analysis plan of the trial" in page
    assert "<strong>None is filed yet.</strong>" in page
    assert "the range of came over said holds 1 and lies within .67 to 1.5" in page
    assert "stop only, by the card" in page
    assert "None is entered in the register." in page
    assert "to be filled in before the first release" in page


def test_a_plan_of_people_from_what_is_held() -> None:
    tool = Tool("iom", "people", "IOM", "shadow", date(2026, 1, 5), purpose="Fewer injuries", owner="An owner", decisions_supported="whom to support")
    entries = [
        RegisterEntry("iom", "plan_deviation", date(2026, 8, 3), "DS", words="the second look was a month late"),
        RegisterEntry("iom", "analysis_plan", date(2026, 1, 2), "DS", words="plan"),
        RegisterEntry("iom", "plan_look", date(2026, 7, 6), "DS", words="half year: no stop"),
        RegisterEntry("other", "plan_look", date(2026, 7, 6), "DS", words="of another tool"),
    ]
    about = {
        "history": {"first_day": "2022-01-01", "months": 48, "look_back_months": 24, "left_out": [], "low_later": ["2024-03-01"]},
        "figures": {"12m": {"expected": 50.0, "people": 900}, "no_chance": {"high_now": 1200, "old_model": 0}}, "cuts": [30, 180, 365, 1825], "harm_unit": "days",
    }  # fmt: skip
    groups = [{"attribute": "sex", "group": "male", "said": 300.0, "least_ratio": 1.2}, {"attribute": "age_band", "group": "under 25", "said": 20.0, "least_ratio": 2.1}]
    plan = people_plan(tool, entries, ["a line"], about, {"says": "a new charge on the grave list"}, groups, 12, 40, 0.1)
    lines = dict(plan.lines)
    assert lines["Question"] == "Fewer injuries"
    assert lines["Outcome"] == "A new charge on the grave list within 12 months: harm of 365 days or more."
    assert lines["Records"] == "From 1 January 2022 on (B), 48 months (H), looked back on for 24 months (L). Months with under half the usual charges: 2024-03-01."
    assert lines["Who has no rank"] == "high harm now: 1,200"
    assert lines["Expected events"] == "About 50 a year; the hundredth about 5 January 2028, if releases count from 5 January 2026 on."
    assert (lines["People a unit considers (K)"], lines["Share of looks that must be useful (o)"]) == ("40", "10%")
    assert (plan.enough, plan.few) == (("sex: male",), (("age band: under 25", 2.1),))
    assert plan.looks[0] == "6 July 2026: stop only, by the card's level for six months"
    assert (plan.filed, plan.looked, plan.deviations) == (("2 January 2026",), ("6 July 2026: half year: no stop",), ("3 August 2026: the second look was a month late",))
    empty = dict(people_plan(Tool("iom", "people", "IOM", "shadow", date(2026, 1, 5)), [], [], {}, None, [], 12, None, None).lines)
    assert empty["Question"] == "to be filled in before the first release"
    assert empty["Expected events"] == "none: no chance is given yet"


def test_the_least_gain_that_could_be_found_follows_from_how_past_windows_differ() -> None:
    """Eight windows of +.01 and -.01 in turn vary by .01069; six windows then show 2.487 x .01069 / root 6."""
    trials = [{"ours": 0.01 * (-1) ** k, "alike": 0.0} for k in range(8)]
    plan = analysis_plan(["a"], 26, 4, {"trials": trials}, [])
    assert plan.windows == 6
    assert plan.least == pytest.approx(0.010854, abs=1e-6)
    assert analysis_plan(["a"], 26, 4, {"trials": trials[:6]}, []).least is None


def test_a_young_monitor_says_fine_so_far_and_names_what_cannot_speak(own_releases: State) -> None:
    newest = own_releases.releases.history(PLACES, None)[-1]
    young = monitor(watched_rows(10), levels=(PLACES,))
    files = {f"{PLACES}_monitor.json": publishing.document(young.document()), f"{PLACES}_monitor.parquet": publishing.parquet(young.history)}
    manifest = {"week": newest.week, "origin": newest.origin.isoformat(), "tools": {PLACES: {"warnings": []}}}
    own_releases.releases.keep(
        newest.week, publishing.with_manifest(files, manifest), [NewTool(PLACES, "draft", model="m")],
        origin=newest.origin, as_of=newest.origin, sequence=1, event=Event("system", "operator", "run", "release_made"),
    )  # fmt: skip
    page = watching.monitor_page(own_releases.releases.history(PLACES, None)[-1], PLACES, "places")
    assert page.document["state"] == "fine"
    assert page.silent_says == young.reasons[0]
    assert page.reasons == []
    assert "knife injury recorded against forecast, by week" in page.silent
    assert len(page.silent) == len(young.silent)


def test_monitor_says_what_changed_and_its_history(own_releases: State, sign_in: SignIn) -> None:
    page = sign_in("ethics_reviewer").get(f"/track-record/{PLACES}?view=monitor").text
    assert "State: watch" in page or "State: suspend" in page
    assert "Crimes by weapon" in page
    assert "States so far" in page
    assert "Thresholds" in page
    assert ">Most by</th>" in page
    assert ">Alarm</th>" in page


def test_data_quality_says_the_monitors_state_with_its_reasons(own_releases: State, sign_in: SignIn) -> None:
    """To those who may see the audit alone."""
    newest = own_releases.releases.history(PLACES, None)[-1]
    own_releases.releases.move(newest, "published", Event("system", "operator", "run", "release_published"))
    said = watching.states([newest], PLACES)[0]
    assert said["reasons"]
    assert said["reasons"][0] in html.unescape(sign_in("ethics_reviewer").get("/data-quality").text)
    assert said["reasons"][0] not in html.unescape(sign_in("intelligence_analyst").get("/data-quality").text)


@pytest.fixture(scope="module")
def watched_site(made_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Served with a session for the ethics reviewer."""
    folder = tmp_path_factory.mktemp("watched") / "state"
    shutil.copytree(made_state, folder)
    state = open_state(folder)
    watch(state)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(apps.create_app(state), port=port, log_level="error", server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with state.operations.writing(Event("ethics_reviewer", "ethics_reviewer", "administration", "signed_in")) as tx:
        token = sessions.begin(tx, "ethics_reviewer", Role.ETHICS_REVIEWER, None, state.settings.web)
    yield replace(Site(f"http://127.0.0.1:{port}", folder, "", {}), tokens={"ethics_reviewer": token})
    server.should_exit = True
    thread.join(timeout=10)
    state.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("view", ["monitor", "shadow"])
@pytest.mark.parametrize("tool", [PLACES, PEOPLE])
def test_pages_are_accessible_and_fit(browser: object, watched_site: Site, tool: str, view: str, width: int) -> None:
    page = visit(browser, watched_site, "ethics_reviewer", width)
    page.goto(f"{watched_site.address}/track-record/{tool}?view={view}")  # type: ignore[attr-defined]
    assert page.inner_text("h1").startswith("Has it earned" if view == "shadow" else "Is it still")  # type: ignore[attr-defined]
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")  # type: ignore[attr-defined]
    assert page.faults == []  # type: ignore[attr-defined]
    page.context.close()  # type: ignore[attr-defined]
