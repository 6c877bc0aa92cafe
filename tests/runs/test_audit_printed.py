"""A week's audit as a release holds it: every count of people in its files is rounded, by the state's own secret."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from tests.force import OPERATOR

from harmcast.evaluate.people_results import Capacity
from harmcast.fairness.thresholds import Thresholds
from harmcast.people.features import FEATURES
from harmcast.runs import audit, people, people_results
from harmcast.runs.people_results import JudgedChances
from harmcast.store.state import State
from harmcast.weeks import Week

DAY = date(2026, 11, 9)
COUNTS = {"n", "known", "base", "tp", "fp", "fn", "tn", "numerator", "denominator", "people", "became", "n_group"}


def judged(refs: pl.Series) -> JudgedChances:
    rng = np.random.default_rng(4)
    chance = rng.beta(1, 8, len(refs))
    panel = pl.DataFrame({"person_ref": refs, "chance": chance, "became_12m": rng.random(len(refs)) < chance, **{f.name: rng.integers(0, 9, len(refs)) for f in FEATURES}})
    given = panel.select("person_ref", "chance", became="became_12m", released_on=pl.lit(DAY), unit=pl.lit("North"), harm=pl.lit(1.0))
    return JudgedChances(given, False, DAY, panel)


def made(state: State) -> dict[str, bytes]:
    tool = state.settings.people_tool
    assert tool is not None
    sequence = state.records.latest()
    who = SimpleNamespace(tool=tool, known=people.known_people(state, sequence))
    found = audit.audit_of_people(state, DAY, sequence, OPERATOR, who, judged(state.person_keys()["person_ref"].sort()), Thresholds())  # type: ignore[arg-type]
    week = audit.AuditMade()
    audit._add(week, tool, Week.of(DAY), found)
    return week.files


def test_put_high_are_the_people_whom_each_unit_could_consider_on_the_last_day_judged() -> None:
    """The same people as in "Were we right?": the highest chances of each unit, ties by harm, then by reference."""
    rows = [("A", "North", 0.9, 1.0), ("B", "North", 0.2, 5.0), ("C", "North", 0.2, 9.0), ("D", "South", 0.01, 1.0), ("E", "South", 0.01, 1.0), ("F", "South", 0.0, 0.0)]
    given = pl.DataFrame(
        [{"person_ref": ref, "unit": unit, "chance": chance, "harm": harm, "released_on": DAY, "became": False} for ref, unit, chance, harm in rows]
        + [{"person_ref": "F", "unit": "South", "chance": 1.0, "harm": 9.0, "released_on": date(2026, 8, 10), "became": True}]
    )
    found = people_results.first_of(JudgedChances(given, False, DAY, pl.DataFrame()), Capacity(2, 0.05))
    assert found.to_list() == ["A", "C", "D", "E"]
    of_all = people_results.first_of(JudgedChances(given, False, DAY, pl.DataFrame()), Capacity(None, 0.34))
    assert of_all.to_list() == ["A", "C"]


def test_the_audit_judges_those_whom_the_units_could_consider(own_weeks: State, monkeypatch: pytest.MonkeyPatch) -> None:
    people_settings = own_weeks.settings.people.model_copy(update={"capacity": 7})
    state = replace(own_weeks, settings=own_weeks.settings.model_copy(update={"people": people_settings}))
    seen: list[pl.DataFrame] = []
    really = audit.audit.audit_people
    monkeypatch.setattr(audit.audit, "audit_people", lambda scored, *rest, **named: (seen.append(scored), really(scored, *rest, **named))[1])
    made(state)
    (scored,) = seen
    put_high = scored.filter("selected")
    assert put_high.height == 7
    assert put_high["chance"].min() > scored.filter(~pl.col("selected"))["chance"].max()


def test_every_count_in_a_release_s_audit_is_rounded(own_weeks: State) -> None:
    files = made(own_weeks)
    document = json.loads(files["iom_audit.json"])
    seen = 0
    for table in document["tables"]:
        for row in table["rows"]:
            counts = [v for name, v in zip(table["columns"], row, strict=True) if name in COUNTS and v is not None]
            seen += len(counts)
            assert all(v % 5 == 0 for v in counts), row
    assert seen > 2_000
    frame = pl.read_parquet(io.BytesIO(files["iom_audit.parquet"]))
    assert all((frame[name].drop_nulls() % 5 == 0).all() for name in COUNTS & set(frame.columns))
    printed = re.findall(r'data-label="Count">([\d,]+) of ([\d,]+)<', files["iom_audit.html"].decode())
    assert len(printed) > 30
    assert all(int(n.replace(",", "")) % 5 == 0 for pair in printed for n in pair)
    assert "where 0 stands, there may be up to 4" in files["iom_audit.html"].decode()


def test_the_state_s_secret_decides(own_weeks: State) -> None:
    first, again = made(own_weeks), made(own_weeks)
    own_weeks.operations.secret = bytes(32)
    assert first == again != made(own_weeks)
