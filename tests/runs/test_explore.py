"""`report eda`: from a whole small force, quoted half and fresh half, in three forms that agree."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.force import OPERATOR, InventedForce

from harmcast.documents.exploration import GroupsExplored
from harmcast.runs import explore, neutral
from harmcast.store import statistics
from harmcast.store.state import State


def test_the_analysis_of_a_small_force_in_html_json_and_csv(own_weeks: State, invented_force: InventedForce, tmp_path: Path) -> None:
    day = invented_force.mondays[1]
    written = explore.write(own_weeks, day, tmp_path / "a", OPERATOR)
    again = explore.write(own_weeks, day, tmp_path / "b", OPERATOR)
    assert [p.name for p in written.paths] == [p.name for p in again.paths]
    assert all((tmp_path / "a" / p.name).read_bytes() == (tmp_path / "b" / p.name).read_bytes() for p in written.paths)
    document = json.loads((tmp_path / "a" / "eda.json").read_text())
    page = (tmp_path / "a" / "eda.html").read_text()
    keys = {table["key"] for table in document["tables"]}
    assert {"rows", "missing_by_column", "crimes_missing_by_month", "delays", "midnights", "repeated_places", "trend", "composition", "charges_fell_away", "knife_injury_by_fifth"} <= keys
    for table in document["tables"]:
        lines = list(csv.reader(io.StringIO((tmp_path / "a" / f"eda-{table['key']}.csv").read_text())))
        assert lines[0] == list(table["columns"])
        assert len(lines) == 1 + len(table["rows"])
        assert table["title"] in page
    assert page.count("<svg") >= 5
    composition = next(table for table in document["tables"] if table["key"] == "composition")
    beside = {(row[0], row[1]): row for row in composition["rows"]}
    residents = next(row["residents"] for row in neutral.neutral_of(own_weeks) if row["group"] == "male")
    assert beside["sex", "male"][4:] == [residents, 49.0, pytest.approx(1000 * beside["sex", "male"][2] / residents, abs=0.05), "Invented census", 2021]
    assert beside["sex", "not recorded"][4:] == [None] * 5
    assert "The census counts people where they live." in page
    crimes = next(table for table in document["tables"] if table["key"] == "rows")["rows"][0]
    assert crimes[:2] == ["crimes", own_weeks.records.crimes(day, cancelled=True).height]


def test_no_protected_column_is_opened_for_a_report(own_weeks: State, tmp_path: Path) -> None:
    before = len(own_weeks.operations.entries())
    explore.write(own_weeks, date(2026, 11, 9), tmp_path, OPERATOR)
    assert [entry.action for entry in own_weeks.operations.entries()[before:]] == ["report_made"]


def test_the_half_about_groups_is_kept_at_a_closing_and_quoted_from_its_day_on(own_weeks: State) -> None:
    opening = statistics.explored_by(own_weeks.root, own_weeks.operations, date(2026, 11, 1))
    assert opening is not None
    assert opening.findings == ("No model had been released, so no variable was held against a group.",)
    assert (opening.name, opening.day, opening.model, opening.told) == ("opening", date(2026, 10, 19), None, ())
    assert [table.key for table in opening.tables] == ["charge_gaps"]
    assert statistics.explored_by(own_weeks.root, own_weeks.operations, date(2026, 10, 18)) is None
    assert explore.explore(own_weeks, date(2026, 10, 18)).findings == ("No closing has measured groups yet.",)


def test_the_model_in_use_is_quoted_though_a_newer_one_was_refitted(own_weeks: State) -> None:
    for name, model, known in (("2026-Q4", "old", date(2026, 11, 2)), ("new", "new", date(2026, 11, 3))):
        explore.keep_groups(own_weeks, GroupsExplored(name, known, known, model, (), ()), OPERATOR)
    found = statistics.explored_by(own_weeks.root, own_weeks.operations, date(2026, 11, 9), model="old")
    assert found is not None
    assert found.model == "old"
    newest = statistics.explored_by(own_weeks.root, own_weeks.operations, date(2026, 11, 9))
    assert newest is not None
    assert newest.model == "new"


def test_nobody_but_the_scored_is_held_against_the_variables(own_weeks: State) -> None:
    """Of features, only people handed in as scored are looked at."""
    seen: list[int] = []

    class Features:
        def features(self, day: date, look_back: int | None = None) -> pl.DataFrame:
            return pl.DataFrame({"person_ref": ["a", "b", "c"], "events_24m": [1, 2, 3]})

    def told(features: pl.DataFrame, *_: object) -> tuple[()]:
        seen.append(features.height)
        return ()

    model = {"form": 2, "chosen": "card", "cards": {"card": {"lines": [{"feature": "events_24m"}]}}, "history": {"look_back_months": 24}}
    kept, explore.explored.told = explore.explored.told, told  # type: ignore[assignment]
    try:
        explore.of_groups(own_weeks, "x", date(2026, 9, 30), date(2026, 9, 30), None, Features(), pl.Series(["a", "c"]), pl.DataFrame(), ("m", model))  # type: ignore[arg-type]
    finally:
        explore.explored.told = kept
    assert seen == [2]
