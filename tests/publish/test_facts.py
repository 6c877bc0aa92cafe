"""What a state holds becomes facts of a day, by two clocks; and one person's letter, whole."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from harmcast.documents.closed_tables import ClosedTable, Closing
from harmcast.oversight.log import Event
from harmcast.publish.answers import person_facts, render, subject
from harmcast.publish.answers.collect import answer_day, collect
from harmcast.publish.answers.compose import FORMS, compose
from harmcast.publish.answers.release_facts import variables_of_places
from harmcast.store import cell_records, schema, statistics, strikes
from harmcast.store.operations import Operations
from harmcast.store.reads.looks import Look
from harmcast.store.state import State, create

from .reading import own_words, reading_age, syllables

SETTINGS = """
[force]
name = "Mercia Vale Police"
area_from = "first_days"
invented = true

[[tools]]
name = "knife_injury"
title = "Knife crime causing injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"], injury = ["minor", "serious", "fatal"] }

[[tools]]
name = "iom"
title = "Integrated Offender Management"
kind = "people"
"""
EVENT = Event("dpo", "data_protection_officer", "administration", "test")
ENTRY = {"tool": "iom", "kind": "dpia", "title": "DPIA", "outcome": "approved", "dated": date(2026, 11, 2), "by_whom": "DPO", "document_ref": "DP/1", "conditions": None, "review_by": date(2027, 11, 2)}  # fmt: skip


class Clock:
    """The database's clock, moved by hand."""

    def __init__(self) -> None:
        self.day = date(2026, 10, 1)

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(Operations.__init__, "__defaults__", (clock,))  # the log begins on the clock's first day
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    made = create(tmp_path / "state", tmp_path / "settings.toml")
    for moment, entry in ((date(2026, 11, 3), ENTRY), (date(2026, 11, 9), ENTRY | {"kind": "eia", "outcome": "none made", "dated": date(2026, 11, 9), "tool": None})):
        clock.day = moment
        made.register.enter(entry, EVENT)
    for kind in ("legal", "ethics"):
        made.register.enter(ENTRY | {"kind": kind, "dated": date(2026, 11, 9)}, EVENT)
    clock.day = date(2026, 11, 10)
    made.register.set_status("iom", "trial", date(2026, 11, 10), "ethics", EVENT)
    made.register.describe("iom", {"purpose": "To find people who may need support.", "cost": "Two analysts"}, EVENT, date(2026, 11, 10))
    made.users.add("ann", "Ann", EVENT)
    made.users.give_role("ann", "offender_manager", "Lye LOMU", EVENT)
    made.users.record_training("ann", "iom", "methodology", date(2026, 11, 3), EVENT, trainer="Lab", contact="lab@force.invalid")
    clock.day = date(2026, 11, 25)
    made.register.describe("iom", {"cost": "Three analysts", "contact": "lab@force.invalid"}, EVENT, date(2026, 11, 25))
    return made


def values(state: State, day: date, known_on: date | None = None, tool: str = "iom") -> dict[str, object]:
    facts = collect(state, day, known_on or day)
    return {key.removeprefix(f"{tool}."): fact.value for key, fact in facts.held.items() if key.startswith(f"{tool}.")}


def test_the_register_is_read_as_it_stood_on_the_day(state):
    before, after, later = (values(state, date(2026, 11, day)) for day in (5, 20, 30))
    assert ("paper.dpia" in before, "paper.eia" in before) == (True, False)
    assert ("paper.dpia" in after, "paper.eia" in after) == (True, True)
    assert (before["status"], after["status"]) == ("shadow", "trial")
    assert "stages" not in before
    assert "cost" not in before
    assert (after["cost"], after["purpose"], "contact" in after) == ("Two analysts", "To find people who may need support.", False)
    assert (later["cost"], later["contact"]) == ("Three analysts", "lab@force.invalid")
    assert (after["trained_people"], after["trainers"], after["units"]) == (1, ("Lab",), ("Lye LOMU",))


def test_what_was_dated_then_and_written_later_is_not_known_then(state, clock):
    day = date(2026, 11, 20)
    was = values(state, day)
    clock.day = date(2026, 12, 1)
    state.register.enter(ENTRY | {"kind": "contract", "dated": date(2026, 11, 4)}, EVENT)
    state.register.set_status("iom", "in use", date(2026, 11, 12), None, EVENT)
    state.register.describe("iom", {"owner": "Somebody"}, EVENT, date(2026, 11, 1))
    assert values(state, day) == was
    now = values(state, day, date(2026, 12, 1))
    assert ("paper.contract" in now, now["status"], now["owner"]) == (True, "in use", "Somebody")
    assert "paper.contract" not in was


def test_answers_are_the_same_bytes_in_any_order_and_after_later_entries_dated_back(state, clock):
    days = [date(2026, 11, 4), date(2026, 11, 12), date(2026, 11, 26)]

    def made(day: date) -> dict[str, dict[str, bytes]]:
        return {kind: render.files(compose(kind, collect(state, day, day))) for kind in FORMS}

    first = {day: made(day) for day in days}
    again = {day: made(day) for day in reversed(days)}
    assert first == again
    assert len({files["foi"]["foi.json"] for files in first.values()}) == 3
    clock.day = date(2026, 12, 5)
    for day in days:
        state.register.enter(ENTRY | {"kind": "policy", "dated": day}, EVENT)
        state.register.describe("iom", {"purpose": f"Another, from {day}"}, EVENT, day)
    assert {day: made(day) for day in days} == first


@pytest.mark.parametrize(("offset", "seen"), [(-1, False), (0, True)])
def test_words_hold_from_their_first_day_to_the_day(state, offset, seen):
    assert ("purpose" in values(state, date(2026, 11, 10) + timedelta(days=offset))) is seen


def test_an_entry_for_every_tool_reaches_each(state):
    assert "paper.eia" in values(state, date(2026, 11, 20), tool="knife_injury")
    assert "paper.dpia" not in values(state, date(2026, 11, 20), tool="knife_injury")


@pytest.mark.parametrize(("as_at", "closed_on", "held"), [(date(2026, 9, 30), date(2026, 10, 5), True), (date(2026, 12, 31), date(2027, 1, 4), False), (date(2026, 9, 30), date(2026, 12, 5), False)])
def test_a_closed_table_is_said_by_both_clocks(state, as_at, closed_on, held):
    rows = ({"attribute": "everyone", "group": "all", "with_conviction": 60, "without_conviction": 40, "people": 100},)
    table = ClosedTable("tracked", "2026-Q3", as_at, closed_on, rows)
    event = Event("operator", "operator", "combination", "quarter_closed")
    statistics.keep(state.root, state.operations, Closing("2026-Q3", as_at, closed_on, (table,), {}), event)
    day = date(2026, 11, 20)
    facts = collect(state, day, day)
    assert ("iom.tracked" in facts.held) is held
    if held:
        fact = facts.held["iom.tracked_people"]
        assert (fact.value, fact.source, fact.valid_from, fact.known_on) == (100, "statistics:2026-Q3/tracked", as_at, closed_on)


def test_a_day_before_the_log_began_is_answered_from_what_is_known_today(state):
    begun = date.fromisoformat(state.operations.entries()[0].at[:10])
    assert answer_day(state, begun, None, date(2027, 1, 1)) == begun
    before = date.fromordinal(begun.toordinal() - 1)
    assert answer_day(state, before, None, date(2027, 1, 1)) == date(2027, 1, 1)
    assert answer_day(state, begun, date(2027, 5, 1), date(2027, 1, 1)) == date(2027, 5, 1)


def test_nobody_of_an_unknown_reference_is_held(state):
    assert person_facts.gather(state, "P-none", date(2026, 11, 20)) is None


# -- the letter --------------------------------------------------------------------------------------------------


def held(**changed: object) -> person_facts.PersonFacts:
    reasons = {
        "charges": [{"charge_ref": "C1", "happened_on": "2026-01-05", "offence_code": "008/01", "weight": 100.0, "effect": 80.5}],
        "others": {"count": 2, "effect": 3.5},
        "changed": {"harm": {"last": 85.0, "records": 0.0, "time": -1.0, "model": 0.0, "now": 84.0}},
        "values": [1.0, 2.0],
        "harm_incomplete": False,
    }
    facts = {
        "person_ref": "P1",
        "person_key": "k1",
        "force": "Mercia Vale Police",
        "invented": True,
        "as_of": date(2026, 11, 22),
        "person": {"unit": "Lye LOMU", "restricted": False, "review_group": 2, "review_due_on": date(2030, 1, 1)},
        "charges": pl.DataFrame(
            {
                "charge_ref": ["C1", "C2"],
                "offence_code": ["008/01", "105/01"],
                "happened_on": [date(2026, 1, 5), date(2026, 2, 5)],
                "charged_on": [date(2026, 1, 9), date(2026, 2, 9)],
                "outcome": ["convicted", "charged"],
                "outcome_on": [date(2026, 6, 1), None],
            }
        ),
        "circumstances": pl.DataFrame(),
        "scores": pl.DataFrame(
            {
                "week": ["2026-W47"],
                "band": ["low"],
                "harm": [84.0],
                "harm_unit": ["days"],
                "chance_high_harm_12m": [0.04],
                "chance_high_harm_12m_low": [0.01],
                "chance_high_harm_12m_high": [0.1],
                "standing": ["published"],
                "reasons": [json.dumps(reasons)],
            }
        ),
        "decisions": [{"at": "2026-11-18T10:00:00Z", "decision": "refer", "reason_code": "support_agreed", "checks": '["connect", "pnc"]', "words": "<b>talked</b>", "own_judgement": "same", "review_on": date(2027, 2, 1)}],
        "representations": [
            {"received_on": date(2026, 11, 19), "kind": "objection", "words": "not me", "steps": [
                {"at": "2026-11-20T09:00:00Z", "step": "looked_at", "outcome": None, "rescored_week": None, "words": "checked"},
                {"at": "2026-11-21T09:00:00Z", "step": "outcome", "outcome": "upheld", "rescored_week": None, "words": "right"},
                {"at": "2026-11-22T09:00:00Z", "step": "rescored", "outcome": None, "rescored_week": "2026-W48", "words": None},
            ]},
            {"received_on": date(2026, 11, 21), "kind": "data_error", "words": None, "steps": []},
        ],
        "followed": [{"on": date(2026, 11, 19), "step": "offered", "words": "a mentor"}],
        "views": [Look("2026-11-18T09:58:00.000000Z", "offender_manager", "person_viewed", "review", "consultation")],
        "offences": {"105/01": "Violence without injury"},
    }  # fmt: skip
    return person_facts.PersonFacts(**{**facts, **changed})  # type: ignore[arg-type]


def letter_of(facts: person_facts.PersonFacts) -> tuple[dict[str, str], dict[str, list[dict]]]:
    """Sentences by section, and lists by title."""
    document = json.loads(render.json_text(subject.answer(facts)))
    sections = {s["title"]: " ".join(b["text"] for b in s["blocks"] if b["type"] == "words") for s in document["parts"][0]["sections"]}
    return sections, {b["title"]: b["rows"] for b in document["parts"][1]["sections"][0]["blocks"]}


def test_the_letter_speaks_to_its_reader():
    said, _ = letter_of(held())
    assert "In the week of 16 November 2026 your group was low." in said["Your group"]
    assert "about 4 in a hundred were charged again in the next 12 months" in said["Your group"]
    assert "as few as 1 or as many as 10" in said["Your group"]
    assert said["What changed"] == "Your score went down since the week before, as time went by."
    assert "Police staff made 1 choice about you." in said["What was done"]
    assert "offender manager, 1 time. The last time was on 18 November 2026." in said["Who looked"]
    assert "Information Commissioner" in said["What you can do"]


def test_the_lists_part_convicted_from_charged_and_name_offences():
    _, lists = letter_of(held())
    assert [r["offence"] for r in lists["Charges where a court found you guilty"]] == ["Wounding or grievous bodily harm without intent"]
    assert [(r["offence"], r["state"]) for r in lists["Other charges"]] == [("Violence without injury", "no result yet")]
    assert sum(r["effect"] for r in lists["What counts most in your score"]) == 84.0
    assert [(r["step"], r["on"]) for r in lists["What you or others told us"]] == [
        ("we got it", "2026-11-19"), ("looked at", "2026-11-20"), ("you were right, and it is put right", "2026-11-21"),
        ("score worked out again, week of 23 November 2026", "2026-11-22"), ("we got it", "2026-11-21"), ("no result yet", None),
    ]  # fmt: skip
    assert lists["Choices made about you"][0]["checks"] == "CONNECT, Police National Computer (PNC)"
    assert lists["Who looked, and why"][0]["role"] == "Offender manager"


def test_no_code_no_log_odds_and_no_share_of_one_is_in_the_letter():
    html = render.html(subject.answer(held())).decode().split("</style>")[1]
    for word in ("008/01", "105/01", "log odds", "stretch", "0.04", "0.040"):
        assert word not in html, word


@pytest.mark.parametrize(
    "changed",
    [{}, {"scores": pl.DataFrame(), "decisions": [], "representations": [], "views": [], "followed": []}, {"charges": pl.DataFrame(schema={"charge_ref": pl.String, "offence_code": pl.String, "happened_on": pl.Date, "charged_on": pl.Date, "outcome": pl.String, "outcome_on": pl.Date})}],
)  # fmt: skip
def test_its_reader_of_under_twelve_can_read_it_headings_and_cells_included(changed):
    assert reading_age(own_words(subject.answer(held(**changed)))) < 12


def test_words_about_a_person_are_escaped_and_the_page_asks_not_to_be_indexed():
    html = render.html(subject.answer(held())).decode()
    assert "<b>talked" not in html
    assert "&lt;b&gt;talked" in html
    assert "noindex" in html


@pytest.mark.parametrize(
    ("word", "count"),
    [("police", 2), ("crime", 1), ("crimes", 1), ("people", 2), ("computer", 3), ("looked", 1), ("decided", 3), ("table", 2), ("reported", 3), ("harm", 1), ("4", 2)],
)
def test_syllables_of_common_words(word, count):
    assert syllables(word) == count


def test_reading_age_follows_the_formula():
    assert reading_age(["The cat sat. It ate."]) == pytest.approx(0.39 * 5 / 2 + 11.8 * 1 - 15.59 + 5)
    hard = "Retrospective quantification necessitates comprehensive institutional accountability notwithstanding methodological uncertainty."
    assert reading_age([hard]) > 20


def test_what_was_written_on_places_is_counted_in_the_words_of_the_pages(state, clock):
    clock.day = date(2026, 11, 26)
    asked = cell_records.Recommendation("Green", "Friday", "Late turns.", "Two officers.")
    with state.operations.writing(EVENT) as tx:
        for _ in range(2):
            cell_records.recommend(tx, "knife_injury", "c", "2026-W47", asked, "ann", "intelligence_analyst")
        answer = {"tool": "knife_injury", "cell": "c", "week": "2026-W47", "step": "outcome", "about": 1, "words": "", "by": "ann", "role": "intelligence_analyst", "at": tx.at}
        tx.insert(schema.tasking, **answer, choice="adopted_in_part")
        tx.insert(schema.tasking, **{**answer, "step": "done"}, choice="not_known")
        for kind in ("patrol", "visit"):
            cell_records.add_activity(tx, "knife_injury", "c", kind, clock.day, 60, "", "ann", "intelligence_analyst")
        strikes.strike(tx, strikes.TABLES["recommendation"], 2, "Twice", "ann", "intelligence_analyst")
    counted = {row["what"]: row["times"] for row in values(state, clock.day, tool="knife_injury")["tasking"]}
    assert counted == {"Recommendations": 1, "Notes": 0, "Adopted in part": 1, "Not known what was done": 1, "Patrol recorded": 1, "Visit recorded": 1}


def test_variables_of_a_places_model_are_named_for_what_they_count() -> None:
    model = {"name": "mixture", "coefficients": {"exposure": 1.0}, "pool": {"filter": 0.5, "own 52 weeks": 0.3, "within 2 km": 0.2}, "correction": {"pool": 1.0, "surprise": 0.1}}
    assert [(v["name"], v["says"]) for v in variables_of_places(model)] == [
        ("Land of the cell inside the force", "exposure"),
        ("Offences in cells nearby", "within 2 km"),
        ("The cell's own offences", "own 52 weeks; surprise"),
        ("Where offences lie, followed week by week", "filter; pool"),
    ]
