"""Every report of a state with weeks made, by the command's own way: rates, the same bytes again, days that have no answer, logged."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from bench.out_of_shadow import bring_out
from tests.scrambled import scramble, snapshot, write_everywhere

from harmcast.errors import NotFit, SettingsRefused
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.publish.answers import person_facts
from harmcast.publish.answers.compose import FORMS
from harmcast.runs import explore
from harmcast.runs.answer import read_questions, write_answer
from harmcast.store.reads import data_quality
from harmcast.store.register import Register
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weekly import run_week
from harmcast.weeks import Week

from . import rates_again

ASKER = Actor("os:asker", "asker", (("operator", None),))


def day_of(state: State) -> date:
    as_of = state.releases.history("iom", None)[-1].as_of
    assert as_of is not None
    return as_of


def test_reports_recompute_repeat_and_are_logged(own_weeks: State, tmp_path: Path) -> None:
    as_of, first = day_of(own_weeks), tmp_path / "first"
    for kind in FORMS:
        write_answer(own_weeks, kind, as_of, first, ASKER)
    documents = {kind: json.loads((first / f"{kind}.json").read_text()) for kind in FORMS}
    assert sum(len(list(rates_again.rates(d))) for d in documents.values()) >= 8
    assert {kind: rates_again.faults(d) for kind, d in documents.items()} == {kind: [] for kind in FORMS}
    made = [json.loads(e.detail) for e in own_weeks.operations.entries() if e.action == "report_made"]
    assert [d["as_of"] for d in made] == [as_of.isoformat()] * len(FORMS)
    for kind in FORMS:
        write_answer(own_weeks, kind, as_of, tmp_path / "second", ASKER)
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {p.name: p.read_bytes() for p in (tmp_path / "second").iterdir()}


def everything_said(state: State, day: date, known_on: date, out: Path) -> dict[str, bytes]:
    """Every report of a day, one person's too, as known at the end of another, and what the register said then."""
    for kind in FORMS:
        write_answer(state, kind, day, out, ASKER, known_on=known_on, today=known_on)
    explore.write(state, day, out, ASKER)
    ref = str(state.releases.history("iom", None)[0].frame("iom").join(state.person_keys(), on="person_key")["person_ref"].min())
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    said = Register(state.operations, state.settings, known_on)
    return {**files, "register": repr((said.tools(known_on), said.entries(known_on))).encode(), "one": repr(person_facts.gather(state, ref, day)).encode()}


def test_a_report_of_a_day_hangs_on_nothing_written_since(own_weeks: State, tmp_path: Path) -> None:
    """Rows of every kept table written, changed and deleted after the day it is known on, then each of them scrambled or deleted by SQL."""
    last = log.moment(own_weeks.operations.entries()[-1].at)
    own_weeks.operations._now = lambda: last + timedelta(days=2)
    day = day_of(own_weeks)
    first = everything_said(own_weeks, day, last.date(), tmp_path / "first")
    then = snapshot(own_weeks.operations, tmp_path / "then.db")
    for seed in range(3):
        write_everywhere(own_weeks.operations, seed)
    assert everything_said(own_weeks, day, last.date(), tmp_path / "grown") == first
    assert scramble(own_weeks.operations, then) > 100
    assert everything_said(own_weeks, day, last.date(), tmp_path / "scrambled") == first


def test_a_week_taken_back_and_made_again_since_changes_a_report_by_one_line_that_says_so(own_weeks: State, tmp_path: Path) -> None:
    last = log.moment(own_weeks.operations.entries()[-1].at)
    own_weeks.operations._now = lambda: last + timedelta(days=2)
    day = day_of(own_weeks)
    first = everything_said(own_weeks, day, last.date(), tmp_path / "first")
    event = Event("sue", "supervisor", "administration", "release_withdrawn")
    for release in own_weeks.releases.of_week(str(Week.of(day))):
        own_weeks.releases.move(release, "withdrawn", event)
    bring_out(own_weeks, "iom", "trial", day)  # dated back
    run_week(own_weeks, day, ASKER, again="made again")
    now = everything_said(own_weeks, day, last.date(), tmp_path / "now")
    other = {name for name in now if now[name] != first[name]}
    assert other == {f"{kind}.{form}" for kind in FORMS for form in ("html", "json")}
    for name in other:
        assert b"Withdrawn since that day" in now[name]
    for kind in FORMS:
        facts = [json.loads(found[f"{kind}.json"])["facts"] for found in (first, now)]
        assert facts[1] == facts[0]


def test_the_variables_are_those_of_the_model_in_the_release(own_weeks: State, tmp_path: Path) -> None:
    write_answer(own_weeks, "foi", day_of(own_weeks), tmp_path, ASKER)
    document = json.loads((tmp_path / "foi.json").read_text())
    assert own_weeks.releases.history("iom", None)[-1].model is None  # bands alone: no model, so no variables, though code could name 19
    assert "iom.variables" not in document["facts"]
    places = own_weeks.releases.history("knife_injury", None)[-1]
    terms = json.loads(places.read("knife_injury_model.json"))
    fact = document["facts"]["knife_injury.variables"]
    assert fact["source"] == f"release:{places.name}/knife_injury_model.json"
    tails = {t.rpartition(": ")[2] or t for name in ("coefficients", "correction", "pool") for t in terms.get(name, {})}
    assert terms.get("fell_back") or all(any(tail in row["says"] for row in fact["value"]) for tail in tails)
    assert document["facts"]["knife_injury.range_level"]["value"] == own_weeks.releases.history("knife_injury", None)[-1].frame("knife_injury")["range_level"][0]


def test_a_day_to_come_before_records_or_known_before_it_was_over_has_no_answer(own_weeks: State, tmp_path: Path) -> None:
    first, last = data_quality.delivery_days(own_weeks.operations)
    assert first is not None
    assert last is not None
    newest = max(last, date(2026, 1, 1))
    one = timedelta(days=1)
    for day, known_on, today, code in (
        (newest + one, None, newest, "day_to_come"),
        (first - one, None, newest, "day_before_records"),
        (newest, newest - one, newest, "known_before_day"),
    ):
        with pytest.raises(NotFit) as told:
            write_answer(own_weeks, "foi", day, tmp_path / "none", ASKER, known_on=known_on, today=today)
        assert told.value.code == code
    assert not (tmp_path / "none").exists()
    write_answer(own_weeks, "foi", newest, tmp_path / "out", ASKER, today=newest)
    write_answer(own_weeks, "public", first, tmp_path / "out", ASKER, today=newest)


def test_a_file_of_questions(own_weeks: State, tmp_path: Path) -> None:
    asked = tmp_path / "asked.txt"
    asked.write_text("# from a letter\nA2f. How many people are tracked?\n\nB8\n", encoding="utf-8")
    assert read_questions(asked) == (("A2f", "How many people are tracked?"), ("B8", ""))
    write_answer(own_weeks, "foi", day_of(own_weeks), tmp_path / "out", ASKER, questions=asked)
    document = json.loads((tmp_path / "out" / "foi.json").read_text())
    assert [(line["number"], line["title"]) for line in document["summary"]] == [("A2f", "How many people are tracked?"), ("B8", "Date first deployed; date ended")]
    asked.write_text("# nothing\n", encoding="utf-8")
    for path in (asked, tmp_path / "gone.txt"):
        with pytest.raises(SettingsRefused) as told:
            read_questions(path)
        assert told.value.code == "questions_unreadable"
    with pytest.raises(SettingsRefused):
        write_answer(own_weeks, "eia", day_of(own_weeks), tmp_path / "out", ASKER, questions=asked)
