"""Quarters are closed once, as known at their end; exact counts equal an independent count, and nothing else is kept of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.accepted import load_accepted
from tests.force import OPERATOR, InventedForce

from harmcast.documents.closed_tables import ClosedTable, Closing
from harmcast.runs import closing, quarter_counts
from harmcast.runs.quarter_counts import ExactTables
from harmcast.store import statistics, verify
from harmcast.store.state import State
from harmcast.weeks import Quarter

Good = dict[str, dict[str, str]]
Deliver = Callable[..., Path]


def file(folder: Path, table: str) -> list[dict[str, Any]]:
    return pl.read_parquet(folder / f"{table}.parquet").to_dicts()


def age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def counted_again(history: Path, on: date) -> Counter[tuple[str, str, str]]:
    """Everyone tracked by attribute, group and conviction, from the delivered files alone, by plain loops."""
    into = {p["person_ref"]: p["merged_into"] for p in file(history, "persons") if p["merged_into"]}
    held = {p["person_ref"] for p in file(history, "persons")}

    def now(ref: str) -> str:
        while ref in into and into[ref] in held:
            ref = into[ref]
        return ref

    standing: dict[str, bool] = {}
    for charge in file(history, "charges"):
        if charge["outcome"] in ("charged", "convicted"):
            ref = now(charge["person_ref"])
            standing[ref] = standing.get(ref, False) or charge["outcome"] == "convicted"
    found: Counter[tuple[str, str, str]] = Counter()
    ethnicity = {"W": "White", "M": "Mixed", "A": "Asian", "B": "Black", "O": "Other"}
    for p in file(history, "persons"):
        ref = p["person_ref"]
        if now(ref) != ref or ref not in standing or p["born_on"] is None or age(p["born_on"], on) < 18:
            continue
        if (p["died_on"] and p["died_on"] <= on) or (p["review_due_on"] and p["review_due_on"] < on):
            continue
        years = age(p["born_on"], on)
        band = "18 to 24" if years < 25 else "25 to 34" if years < 35 else "35 to 49" if years < 50 else "50 and over"
        sex = p["sex"] or "not recorded"
        said = ethnicity.get((p["ethnicity_self"] or "?")[0], "not recorded")
        word = "with_conviction" if standing[ref] else "without_conviction"
        for attribute, group in (("everyone", "all"), ("age_band", band), ("sex", sex), ("ethnicity_self", said)):
            found[attribute, group, word] += 1
    return found


def test_exact_counts_equal_a_count_from_the_delivered_files_by_plain_loops(own_weeks: State, invented_force: InventedForce) -> None:
    history = invented_force.deliveries[0]
    opening = statistics.closed(own_weeks.root, own_weeks.operations)[0]
    tool = own_weeks.settings.people_tool
    assert tool is not None
    exact, _ = quarter_counts.exact(own_weeks, tool, opening.as_at, None, OPERATOR, "test")
    again = counted_again(history, opening.as_at)
    ours = Counter(
        {
            (row["attribute"], row["group"], word): row[word]
            for row in exact.tables["tracked"]
            if row["attribute"] != "ethnicity_officer"
            for word in ("with_conviction", "without_conviction")
            if row[word]
        }
    )
    assert ours == again
    assert ours["everyone", "all", "with_conviction"] > 50
    everyone = [row["people"] for row in exact.tables["bands_by_group"] if row["attribute"] == "everyone" and row["band"] == "all"]
    assert everyone == [sum(n for (attribute, _, _), n in again.items() if attribute == "everyone")]


def test_a_new_state_closes_its_opening_table_when_its_first_load_is_accepted(own_weeks: State) -> None:
    every = statistics.closed(own_weeks.root, own_weeks.operations)
    assert [one.name for one in every] == ["opening"]
    opening = every[0]
    assert opening.as_at == opening.closed_on == date(2026, 10, 19)
    assert {table.name for table in opening.tables} == {"tracked", "bands_by_group", "bands", "charges_fell_away", "charges_police_found"}
    for table in opening.tables:
        assert all(row[name] % 5 == 0 for row in table.rows for name in table.counts)
    everyone = opening.table("tracked").where(attribute="everyone")[0]  # type: ignore[union-attr]
    for attribute in ("age_band", "sex", "ethnicity_self", "ethnicity_officer"):
        parts = opening.table("tracked").where(attribute=attribute)  # type: ignore[union-attr]
        assert sum(row["people"] for row in parts) == everyone["people"]
    assert "confusion" in opening.absent
    assert closing.close_opening(own_weeks, date(2026, 11, 1), OPERATOR) == []


def test_protected_columns_are_opened_once_for_a_closing_and_not_for_reading_it(own_weeks: State) -> None:
    def opened() -> list[str]:
        return [str(e.purpose) for e in own_weeks.operations.entries() if e.action == "protected_read" and "losing" in str(e.purpose)]

    assert opened() == ["Closing opening: nobody under 18 is counted", "Closing opening: counts by group"]
    statistics.closed_by(own_weeks.root, own_weeks.operations, date(2026, 12, 1))
    assert len(opened()) == 2


def test_the_opening_says_what_its_tables_are_for(state: State, deliver: Deliver, rows: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    load_accepted(state, deliver(rows_of(rows), "2026-03-02T05:00:00"))
    monkeypatch.setattr(statistics, "closed", lambda *_: [])
    monkeypatch.setattr(statistics, "keep", lambda *_: None)
    monkeypatch.setattr(closing.explore, "keep_groups", lambda *_: None)
    said = closing.close_opening(state, date(2026, 3, 2), OPERATOR)
    assert said[0].startswith("The opening counts by group are closed, as known at the end of 2026-03-02: ")
    assert " tables, from which answers take their counts of groups, until the first quarter is closed." in said[0]


def rows_of(rows: Good, **changed: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {table: [{**row, **changed.get(table, {})}] for table, row in rows.items()}


def test_a_quarter_is_closed_by_the_first_run_after_it_and_once(state: State, deliver: Deliver, rows: Good) -> None:
    load_accepted(state, deliver(rows_of(rows), "2026-03-02T05:00:00"))
    load_accepted(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, "2026-06-29T05:00:00"))
    said = closing.close_what_is_due(state, date(2026, 7, 6), OPERATOR)
    assert said[0].startswith("2026-Q2 is closed, as known at the end of 2026-06-30")
    assert "fewer than 300" in said[0].lower()
    before = (state.root / "statistics" / "2026-Q2.parquet").read_bytes()
    assert closing.close_what_is_due(state, date(2026, 7, 13), OPERATOR) == []
    assert (state.root / "statistics" / "2026-Q2.parquet").read_bytes() == before
    found = statistics.closed_by(state.root, state.operations, date(2026, 7, 6))
    assert found is not None
    assert (found.name, found.not_closed) == ("2026-Q2", ())
    earlier = statistics.closed_by(state.root, state.operations, date(2026, 7, 5))
    assert earlier is not None
    assert earlier.name == "opening"
    assert [one.quarter for one in earlier.not_closed] == ["2026-Q1", "2026-Q2"]
    assert statistics.closed_by(state.root, state.operations, date(2026, 3, 1)) is None


def test_a_quarter_short_of_a_delivery_is_not_closed_and_is_named(state: State, deliver: Deliver, rows: Good) -> None:
    load_accepted(state, deliver(rows_of(rows), "2026-03-02T05:00:00"))
    load_accepted(state, deliver({"crimes": [{**rows["crimes"], "crime_ref": "C2"}]}, "2026-06-23T05:00:00"))
    said = closing.close_what_is_due(state, date(2026, 7, 6), OPERATOR)
    assert said == [
        "2026-Q2 is not closed. No delivery of its last 7 days counts: the newest delivery made by then is of 2026-06-23. "
        "Load it, and accept it, before the next weekly run."
    ]
    assert not (state.root / "statistics" / "2026-Q2.parquet").exists()
    found = statistics.closed_by(state.root, state.operations, date(2026, 7, 6))
    assert found is not None
    assert found.not_closed[-1].quarter == "2026-Q2"
    assert "2026-06-23" in found.not_closed[-1].why


@pytest.mark.parametrize(("day", "short"), [(date(2026, 6, 23), True), (date(2026, 6, 24), False), (date(2026, 6, 30), False), (date(2026, 7, 1), True)])
def test_a_delivery_of_the_last_seven_days_is_enough(day: date, short: bool) -> None:
    assert statistics.is_short(Quarter(2026, 2), [day]) is short


def test_quarters_of_the_year() -> None:
    assert str(Quarter.of(date(2026, 9, 30))) == "2026-Q3"
    assert str(Quarter.of(date(2026, 10, 1))) == "2026-Q4"
    assert (Quarter(2026, 3).first, Quarter(2026, 3).last) == (date(2026, 7, 1), date(2026, 9, 30))
    assert (Quarter(2026, 4).next, Quarter(2026, 1).before) == (Quarter(2027, 1), Quarter(2025, 4))
    assert Quarter(2026, 4).last == date(2026, 12, 31)


def tracked(people: int) -> dict[str, Any]:
    return {"attribute": "everyone", "group": "all", "with_conviction": 0, "without_conviction": people, "people": people}


def printed_before() -> Closing:
    table = ClosedTable("tracked", "2026-Q2", date(2026, 6, 30), date(2026, 7, 6), (tracked(1000),))
    return Closing("2026-Q2", date(2026, 6, 30), date(2026, 7, 6), (table,), {})


@pytest.mark.parametrize(("moved", "quarter", "people"), [(299, "2026-Q2", 1000), (300, "2026-Q3", 1205)])
def test_under_300_moves_the_last_table_stands(moved: int, quarter: str, people: int) -> None:
    counted = ExactTables(date(2026, 9, 30), {"tracked": [tracked(1205)]}, {}, {}, pl.DataFrame(), None, None, None, None)  # type: ignore[arg-type]
    found = closing.closed(counted, moved, printed_before(), "2026-Q3", date(2026, 10, 5), lambda _: 0.5).table("tracked")
    assert found is not None
    assert (found.quarter, found.rows[0]["people"]) == (quarter, people)


def test_a_table_that_was_never_printed_is_printed_however_few_have_moved() -> None:
    follow_ups = [{"step": "offered", "times": 10}, {"step": "all", "times": 10}]
    counted = ExactTables(date(2026, 9, 30), {"tracked": [tracked(1205)], "follow_ups": follow_ups}, {}, {}, pl.DataFrame(), None, None, None, None)  # type: ignore[arg-type]
    found = closing.closed(counted, 3, printed_before(), "2026-Q3", date(2026, 10, 5), lambda _: 0.5)
    assert [(table.name, table.quarter) for table in found.tables] == [("tracked", "2026-Q2"), ("follow_ups", "2026-Q3")]


def test_moves_are_those_who_joined_left_were_convicted_or_came_into_another_age_band() -> None:
    then = pl.DataFrame({"person_ref": ["stays", "leaves", "convicted", "older", "both"], "has_conviction": [False, False, False, True, False]})
    now = pl.DataFrame({"person_ref": ["stays", "convicted", "older", "both", "joins"], "has_conviction": [False, True, True, True, False]})
    ages_then = {"stays": "18 to 24", "leaves": "18 to 24", "convicted": "18 to 24", "older": "18 to 24", "both": "25 to 34"}
    ages_now = {**ages_then, "older": "25 to 34", "both": "35 to 49", "joins": "18 to 24"}

    def labels(ages: dict[str, str]) -> pl.DataFrame:
        return pl.DataFrame({"person_ref": list(ages), "age_band": list(ages.values())})

    assert quarter_counts.moves(then, labels(ages_then), now, labels(ages_now)) == 5


def test_a_closed_file_that_was_changed_is_named_by_the_verification(own_weeks: State) -> None:
    path = own_weeks.root / "statistics" / "opening.parquet"
    assert not verify.verify_state(own_weeks).faults
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert [fault.kind for fault in verify.verify_state(own_weeks).faults] == ["file"]


def test_the_draw_of_a_cell_hangs_on_secret_closing_and_cell(own_weeks: State) -> None:
    one = statistics.drawn(own_weeks.operations, "2026-Q3")(("tracked", "sex"))
    assert 0 <= one < 1
    assert one == statistics.drawn(own_weeks.operations, "2026-Q3")(("tracked", "sex"))
    assert one != statistics.drawn(own_weeks.operations, "2026-Q4")(("tracked", "sex"))
    assert one != statistics.drawn(own_weeks.operations, "2026-Q3")(("tracked", "age"))
    other = replace(own_weeks)
    other.operations.secret = bytes(32)
    assert one != statistics.drawn(other.operations, "2026-Q3")(("tracked", "sex"))
