"""One rule says when a record's review is due: scoring, the page of reviews and removal go by the same day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from bench.accepted import load_accepted

from harmcast.people.cohort import cohort
from harmcast.publish.answers.person_facts import gather
from harmcast.runs import people
from harmcast.runs.moves import cohort_of
from harmcast.store import retention
from harmcast.store.reads import reviews
from harmcast.store.state import State

CHANGED = date(2020, 3, 10)
DUE = CHANGED + timedelta(days=2_191)  # six years of 365.25 days, whole: group 3


@pytest.mark.parametrize(("day", "is_overdue"), [(DUE, False), (DUE + timedelta(days=1), True)])
def test_a_record_without_a_date_is_overdue_by_its_groups_period_everywhere(state: State, deliver: Callable[..., Path], rows: Mapping[str, dict[str, str]], day: date, is_overdue: bool) -> None:
    person = {**rows["persons"], "review_group": "3", "review_due_on": "", "changed_at": f"{CHANGED}T09:00:00"}
    load_accepted(state, deliver({"crimes": [rows["crimes"]], "persons": [person], "charges": [rows["charges"]]}))
    known = people.known_people(state, state.records.latest())
    no_births = pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})
    inside, outside = cohort(known.persons, pl.DataFrame({"person_ref": ["P1"]}), no_births, day, "score")
    assert (inside["person_ref"].to_list(), outside["reason"].to_list()) == (([], ["review_overdue"]) if is_overdue else (["P1"], []))
    assert cohort_of(state.records.known, day, state.settings.retention.group_years)["reason"].to_list() == ["review_overdue" if is_overdue else None]
    told = gather(state, "P1", day)
    assert told is not None
    assert told.person["review_due_on"] == DUE
    assert reviews.states(state, day, 30).select("state", "review_due_on").rows() == [("overdue" if is_overdue else "soon", DUE)]
    assert retention.due(state, day).rows() == ([("P1", "review_overdue")] if is_overdue else [])
