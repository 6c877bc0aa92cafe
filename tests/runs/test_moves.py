"""People who move by a load: bands and ages asked on one day before and after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from bench.accepted import load_accepted
from tests.runs.test_effects import MADE, SETTINGS, weeks_of

from harmcast.people.harm import HarmIndex, decay_from
from harmcast.runs import moves
from harmcast.runs.load import try_delivery
from harmcast.store.cuts import Cuts
from harmcast.store.state import State
from harmcast.transitions.landmarks import Rules

DAY = date(2026, 3, 2)
INDEX = HarmIndex(pl.DataFrame({"offence_code": ["008/01", "105/01"], "weight": [400.0, 10.0]}), "days", "1", "test")
RULES = Rules(INDEX, decay_from("none"), 365.0)
CUTS = Cuts((30.0, 180.0, 365.0, 1825.0), DAY, "days", "x", None)


def tables(charges: list[tuple[str, str, str]], merged: dict[str, str] | None = None) -> Callable[[str], pl.DataFrame]:
    """Charges as (reference, person, code), each on its own day; people with whom they were merged into."""
    rows = pl.DataFrame(
        {
            "charge_ref": [c[0] for c in charges], "person_ref": [c[1] for c in charges], "crime_ref": [f"C{c[0]}" for c in charges],
            "offence_code": [c[2] for c in charges], "happened_on": [DAY - timedelta(days=9 + k) for k in range(len(charges))],
            "charged_on": [DAY - timedelta(days=8 + k) for k in range(len(charges))], "outcome": ["charged"] * len(charges),
        }
    )  # fmt: skip
    names = sorted({c[1] for c in charges} | set(merged or {}) | {"A"})
    into = [(merged or {}).get(name) for name in names]
    people = pl.DataFrame(
        {"person_ref": names, "merged_into": into, "died_on": None, "review_due_on": None, "unit": "North"},
        schema={"person_ref": pl.String, "merged_into": pl.String, "died_on": pl.Date, "review_due_on": pl.Date, "unit": pl.String},
    )
    return lambda name: rows if name == "charges" else people


BEFORE = [("1", "A", "105/01"), ("2", "B", "008/01"), ("3", "C", "105/01")]


@pytest.mark.parametrize(
    ("after", "merged", "up", "down"),
    [
        (BEFORE, {}, 0, 0),
        ([*BEFORE, ("4", "A", "008/01")], {}, 1, 0),
        ([("1", "A", "105/01"), ("2", "B", "105/01"), ("3", "C", "105/01")], {}, 0, 1),
        (BEFORE, {"B": "A"}, 1, 0),  # B's charges count for A
        ([*BEFORE, ("4", "D", "008/01")], {}, 0, 0),  # D is new: joined, not moved
        ([*BEFORE, ("4", "A", "105/01")], {}, 0, 0),  # 20 days of harm are in the same band
    ],
)
def test_bands_are_compared_among_those_charged_before_and_after(
    after: list[tuple[str, str, str]], merged: dict[str, str], up: int, down: int
) -> None:
    touched = pl.Series(["A", "B", "D"])
    assert moves.bands_moved(tables(BEFORE), tables(after, merged), touched, DAY, RULES, CUTS) == {"band_up": up, "band_down": down}


def test_children_whose_birth_dates_make_them_adults_are_held_and_the_reading_is_logged(
    make_state: Callable[..., State], deliver: Callable[..., Path]
) -> None:
    """Three of 200: one more than goes unasked; of three made younger, and three without a birth date, none is held."""
    state = make_state(SETTINGS)
    history = weeks_of(60, 1)
    for number, row in enumerate(history["persons"]):
        if number < 3:
            row["born_on"] = "2010-05-05"
    load_accepted(state, deliver(history, (MADE - timedelta(weeks=1)).isoformat()))
    people = [{**row, "changed_at": "2026-03-01T09:00:00"} for row in history["persons"][:9]]
    for row, born in zip(people, ["2000-05-05"] * 3 + ["2011-05-05"] * 3 + [""] * 3, strict=True):
        row["born_on"] = born
    found = {e.scope: e for e in try_delivery(state, deliver({**weeks_of(0, 0), "persons": people}, MADE.isoformat())).effects if e.check == "people"}
    assert (found["iom no_longer_under_18"].value, found["iom no_longer_under_18"].verdict) == (3, "hold")
    assert (found["iom under_18_now"].value, found["iom under_18_now"].verdict) == (3, "ok")
    assert (found["iom birth_lost"].value, found["iom birth_lost"].verdict) == (3, "ok")
    assert state.operations.entries()[-1].action == "protected_read"
    two = [row for row in people if row["person_ref"] != "P0"]
    found = {e.scope: e for e in try_delivery(state, deliver({**weeks_of(0, 0), "persons": two}, MADE.isoformat())).effects if e.check == "people"}
    assert (found["iom no_longer_under_18"].value, found["iom no_longer_under_18"].verdict) == (2, "ok")
