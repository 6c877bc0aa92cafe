"""What the store holds becomes facts as known at the end of a day; and one person's record, whole."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from harmcast.oversight.log import Event
from harmcast.publish.answers import checking, foi, person_facts, render, subject
from harmcast.publish.answers.gathering import gather
from harmcast.publish.answers.reading import reading_age, syllables
from harmcast.store.reads.looks import Look
from harmcast.store.state import State, create

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


@pytest.fixture
def state(tmp_path: Path) -> State:
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    made = create(tmp_path / "state", tmp_path / "settings.toml")
    entry = {"tool": "iom", "kind": "dpia", "title": "DPIA", "outcome": "approved", "dated": date(2026, 11, 2), "by_whom": "DPO"}
    entry |= {"document_ref": "DP/1", "conditions": None, "review_by": date(2027, 11, 2)}
    made.register.enter(entry, EVENT)
    made.register.enter(entry | {"kind": "eia", "outcome": "none made", "dated": date(2026, 11, 9), "tool": None}, EVENT)
    made.register.set_status("iom", "trial", date(2026, 11, 10), "ethics", EVENT)
    made.register.describe("iom", {"purpose": "To find people who may need support.", "cost": "Two analysts"}, EVENT, date(2026, 11, 10))
    made.register.describe("iom", {"cost": "Three analysts", "contact": "lab@force.invalid"}, EVENT, date(2026, 11, 25))
    made.users.add("ann", "Ann", EVENT)
    made.users.give_role("ann", "offender_manager", "Lye LOMU", EVENT)
    made.users.record_training("ann", "iom", "methodology", date(2026, 11, 3), EVENT, trainer="Lab", contact="lab@force.invalid")
    return made


def tool_of(state: State, day: date, name: str = "iom"):
    return next(t for t in gather(state, day).tools if t.name == name)


def test_the_register_is_read_as_it_stood_on_the_day(state):
    before, after = tool_of(state, date(2026, 11, 5)), tool_of(state, date(2026, 11, 20))
    assert [e.kind for e in before.entries] == ["dpia"]
    assert [e.kind for e in after.entries] == ["dpia", "eia"]
    assert (before.tool.status, after.tool.status) == ("shadow", "trial")
    assert before.statuses == ()
    assert (before.cost, before.tool.purpose) == (None, None)
    assert (after.cost, after.tool.purpose, after.tool.contact) == ("Two analysts", "To find people who may need support.", None)
    later = tool_of(state, date(2026, 11, 30))
    assert (later.cost, later.tool.purpose, later.tool.contact) == ("Three analysts", "To find people who may need support.", "lab@force.invalid")
    assert [t.people for t in after.trained] == [1]
    assert tool_of(state, date(2026, 11, 2)).trained == ()


def test_an_entry_for_every_tool_reaches_each(state):
    assert [e.kind for e in tool_of(state, date(2026, 11, 20), "knife_injury").entries] == ["eia"]


def test_users_count_from_the_day_they_were_given_a_role(state):
    today = gather(state, date(9999, 1, 1))
    assert dict((says, n) for says, _, n in today.roles)["Offender manager"] == 1
    assert today.units == ("Lye LOMU",)
    past = gather(state, date(2020, 1, 1))
    assert sum(n for _, _, n in past.roles) == 0
    assert past.units == ()


def test_a_new_state_answers_every_question_and_says_what_it_lacks(state):
    document = json.loads(render.json_text(foi.answer(gather(state, date(2026, 11, 20)))))
    assert len(foi.index(document)) == 9 + 10 + 2 * 12
    assert checking.faults(document) == []
    says = {(p["tool"], s["number"]): s for p in document["parts"] for s in p["sections"]}
    assert says["iom", "C1"]["standing"] == "not held"
    assert "First deployed: 10 November 2026 (trial)." in json.dumps(says["iom", "B8"])
    assert says["knife_injury", "A1d"]["standing"] == "answered in part"


def test_gathering_twice_gives_the_same_bytes(state):
    day = date(2026, 11, 20)
    assert render.files(foi.answer(gather(state, day))) == render.files(foi.answer(gather(state, day)))


def test_nobody_of_an_unknown_reference_is_held(state):
    assert person_facts.gather(state, "P-none", date(2026, 11, 20)) is None


def held() -> person_facts.PersonFacts:
    reasons = {
        "charges": [{"charge_ref": "C1", "happened_on": "2026-01-05", "offence_code": "008/01", "weight": 100.0, "effect": 80.5}],
        "others": {"count": 2, "effect": 3.5},
        "changed": {"harm": {"last": 85.0, "records": 0.0, "time": -1.0, "model": 0.0, "now": 84.0}},
        "values": [1.0, 2.0],
        "effects": [{"intercept": -2.0, "effects": [0.5, 0.0]}],
        "not_known": {"awaiting_result": 1},
        "told": {"told_12m": "cannot tell"},
        "harm_incomplete": False,
    }
    return person_facts.PersonFacts(
        person_ref="P1",
        person_key="k1",
        force="Mercia Vale Police",
        invented=True,
        as_of=date(2026, 11, 22),
        person={"unit": "Lye LOMU", "restricted": False, "review_group": 2, "review_due_on": date(2030, 1, 1)},
        charges=pl.DataFrame(
            {
                "charge_ref": ["C1", "C2"],
                "offence_code": ["008/01", "105/01"],
                "happened_on": [date(2026, 1, 5), date(2026, 2, 5)],
                "charged_on": [date(2026, 1, 9), date(2026, 2, 9)],
                "outcome": ["convicted", "charged"],
                "outcome_on": [date(2026, 6, 1), None],
            }
        ),
        circumstances=pl.DataFrame(),
        scores=pl.DataFrame(
            {
                "week": ["2026-W47"],
                "band": ["low"],
                "harm": [84.0],
                "chance_high_harm_12m": [0.04],
                "chance_high_harm_12m_low": [0.01],
                "chance_high_harm_12m_high": [0.1],
                "standing": ["published"],
                "reasons": [json.dumps(reasons)],
            }
        ),
        decisions=[{"at": "2026-11-18T10:00:00Z", "decision": "refer", "reason_code": "support_agreed", "checks": '["connect", "pnc"]', "words": "<b>talked</b>", "own_judgement": "same", "review_on": date(2027, 2, 1)}],
        representations=[
            {"received_on": date(2026, 11, 19), "kind": "objection", "words": "not me", "steps": [
                {"at": "2026-11-20T09:00:00Z", "step": "looked_at", "outcome": None, "rescored_week": None, "words": "checked"},
                {"at": "2026-11-21T09:00:00Z", "step": "outcome", "outcome": "upheld", "rescored_week": None, "words": "right"},
                {"at": "2026-11-22T09:00:00Z", "step": "rescored", "outcome": None, "rescored_week": "2026-W48", "words": None},
            ]},
            {"received_on": date(2026, 11, 21), "kind": "data_error", "words": None, "steps": []},
        ],
        followed=[{"on": date(2026, 11, 19), "step": "Support offered", "words": "a mentor"}],
        views=[Look("2026-11-18T09:58:00.000000Z", "offender_manager", "person_viewed", "review", "consultation")],
        features={"harm_share": "Harm today.", "events_12m": "Events in 12 months."},
    )  # fmt: skip


def test_one_persons_record_parts_fact_from_assessment_and_convicted_from_charged():
    document = json.loads(render.json_text(subject.answer(held())))
    sections = {s["title"]: s for s in document["parts"][0]["sections"]}
    tables = {b["title"]: b["rows"] for b in sections["Charges held: facts"]["blocks"] if b["type"] == "table"}
    assert [r["charge_ref"] for r in tables["Convicted"]] == ["C1"]
    assert [r["charge_ref"] for r in tables["Charged, and not convicted"]] == ["C2"]
    reasons = {b["title"]: b["rows"] for b in sections["Why the newest score is what it is"]["blocks"] if b["type"] == "table"}
    assert sum(r["effect"] for r in reasons["Charges that count most in the newest score"]) == 84.0
    assert [r["name"] for r in reasons["What the records of the look-back say"]][:2] == ["Harm today.", "Events in 12 months."]
    came = sections["Objections and corrections"]["blocks"][0]["rows"]
    assert [(r["step"], r["on"]) for r in came] == [
        ("received", "2026-11-19"), ("looked at", "2026-11-20"), ("outcome: upheld: the record is put right at source", "2026-11-21"),
        ("scored again, in the release of 2026-W48", "2026-11-22"), ("received", "2026-11-21"), ("open: no outcome is recorded yet", None),
    ]  # fmt: skip
    assert sections["Decisions"]["blocks"][1]["rows"] == [{"on": "2026-11-19", "step": "Support offered", "words": "a mentor"}]
    assert sections["Decisions"]["blocks"][0]["rows"][0]["checks"] == "CONNECT, Police National Computer (PNC)"
    looked = sections["Who looked"]["blocks"][0]["rows"][0]
    assert looked["role"] == "Offender manager"
    assert looked["purpose"] == "Reviewing a change of band or a review that is due"


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
