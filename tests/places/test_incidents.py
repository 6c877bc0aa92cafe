"""Incidents: crimes of one hour at one point are one, of so many victims; and weeks without records are missing."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.gaps import Gap
from harmcast.places import counts
from harmcast.places.grid import squares_at

ORIGIN = date(2026, 6, 1)
UNITS = squares_at(1000.0, np.array([400, 401]), np.array([280, 280]), areas=None)
WHERE = {"weapon": ["knife"]}


def crimes(*rows: tuple[datetime, float, float]) -> pl.DataFrame:
    """Knife crimes at these moments and places."""
    return pl.DataFrame(
        {
            "happened_from": [row[0] for row in rows],
            "easting_m": [row[1] for row in rows],
            "northing_m": [row[2] for row in rows],
            "weapon": ["knife"] * len(rows),
        }
    )


def panel(frame: pl.DataFrame, weeks: int = 8, gaps: tuple[Gap, ...] = ()) -> counts.Panel:
    return counts.panel(frame, UNITS, WHERE, [], ORIGIN, first_day=ORIGIN - timedelta(weeks=weeks), gaps=gaps)


NIGHT = datetime(2026, 5, 27, 22, 10)


def test_crimes_of_one_hour_at_one_point_are_one_incident_and_stay_so_many_crimes() -> None:
    same_hour = [(NIGHT + timedelta(minutes=m), 400_100.0, 280_100.0) for m in (0, 5, 49)]
    next_hour = (NIGHT + timedelta(minutes=50), 400_100.0, 280_100.0)
    a_metre_on = (NIGHT, 400_101.0, 280_100.0)
    other_cell = (NIGHT, 401_100.0, 280_100.0)
    found = panel(crimes(*same_hour, next_hour, a_metre_on, other_cell))
    assert found.weekly[-1].tolist() == [5, 1]
    assert found.events[-1].tolist() == [3, 1]
    assert found.sizes[-1].tolist() == [3, 0, 1, *[0] * 12]
    assert found.near[300.0].sum() == pytest.approx(4)


def test_sixty_victims_are_one_incident_counted_as_fifteen() -> None:
    found = panel(crimes(*[(NIGHT, 400_100.0, 280_100.0)] * 60))
    assert (found.weekly.sum(), found.events.sum()) == (60, 1)
    assert found.sizes[-1].tolist() == [*[0] * 14, 1]


def test_without_an_hour_the_day_is_one_and_a_place_without_repeats_has_no_incidents() -> None:
    day = datetime(2026, 5, 27)
    assert panel(crimes((day, 400_100.0, 280_100.0), (day, 400_100.0, 280_100.0))).events.sum() == 1
    alone = panel(crimes((day, 400_100.0, 280_100.0), (day - timedelta(days=1), 400_100.0, 280_100.0)))
    assert alone.incidents is None
    assert alone.events is alone.weekly


def incident_counts(frame: pl.DataFrame) -> tuple[int, int]:
    """Incidents and crimes, as `incidents` gives them."""
    found = counts.incidents(frame.with_columns(back=pl.lit(0)).lazy())
    return int(found["copies"].sum()), int((found["copies"] * found["victims"]).sum())


@pytest.mark.parametrize(("days", "incidents"), [(19, 19), (20, 40)])
def test_where_places_were_snapped_to_one_point_only_crimes_with_an_hour_are_taken_together(days: int, incidents: int) -> None:
    """Two crimes a day without an hour at one point: from 20 days on it is a snapping point, and each is its own."""
    rows = [(datetime(2026, 3, 1) + timedelta(days=d), 400_100.0, 280_100.0) for d in range(days) for _ in range(2)]
    assert incident_counts(crimes(*rows)) == (incidents, 2 * days)
    timed = [(moment + timedelta(hours=20), *place) for moment, *place in rows]
    assert incident_counts(crimes(*timed)) == (days, 2 * days)


def test_a_crime_without_a_place_is_no_incident_and_is_counted_apart() -> None:
    frame = crimes((NIGHT, 400_100.0, 280_100.0), (NIGHT, 400_100.0, 280_100.0)).with_columns(
        easting_m=pl.Series([400_100.0, None])
    )
    found = panel(frame)
    assert (found.weekly.sum(), found.events.sum(), found.account["without_place"]) == (1, 1, 1)


def test_weeks_a_gap_touches_are_missing_and_hold_nothing() -> None:
    """A gap of one day, a Wednesday, takes its week whole; what was recorded in it does not count."""
    frame = crimes((NIGHT, 400_100.0, 280_100.0), (NIGHT - timedelta(weeks=1), 400_100.0, 280_100.0))
    found = panel(frame, gaps=(Gap(date(2026, 5, 27), date(2026, 5, 27)),))
    assert found.seen is not None
    assert found.seen.all(axis=1).tolist() == [True] * 7 + [False]
    assert found.weekly.sum() == found.near[300.0].sum() == 1
    assert panel(frame, gaps=(Gap(date(2020, 1, 1), date(2020, 2, 1)),)).seen is None
    assert found.before(ORIGIN - timedelta(weeks=1)).seen.all()
