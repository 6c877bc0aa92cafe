"""The feedback check: quiet where patrols only follow crime, loud where records follow patrols."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.fairness.audit import audit_places
from harmcast.fairness.feedback import check, panel, simulate, with_and_without
from harmcast.fairness.thresholds import Thresholds

T = Thresholds()


def test_nothing_planted_keeps_its_word() -> None:
    found = [check(simulate(seed, 0.0, cells=150, windows=26)[0], T) for seed in range(40)]
    assert sum(f.alarm for f in found) <= 2
    strengths = [f.z for f in found if f.z is not None]
    assert abs(np.mean(strengths)) < 0.6
    assert np.std(strengths) < 1.5


def test_records_that_follow_patrols_are_found() -> None:
    found = [check(simulate(seed, 0.6)[0], T).alarm for seed in range(10)]
    assert sum(found) >= 9


def test_patrols_sent_after_crime_are_no_alarm() -> None:
    """Patrols early in a window go where something has just happened; crime clusters in time; nothing follows patrols."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows, cells = [], 200
        rate = rng.gamma(0.5, 1.0, cells)
        for w in range(26):
            burst = rng.gamma(2.0, 0.5, cells)
            early, late = rng.poisson(rate * burst / 2), rng.poisson(rate * burst / 2)
            minutes = 30.0 * early + rng.gamma(1, 10, cells)
            rows.append(
                pl.DataFrame(
                    {"origin": [date(2024, 1, 1) + timedelta(days=28 * w)] * cells, "cell": [f"{i:03d}" for i in range(cells)],
                     "expected": rate, "early": early, "late": late, "minutes": minutes, "minutes_all": minutes}
                )
            )
        alarms += check(pl.concat(rows), T).alarm
    assert alarms <= 2


def test_too_little_is_said() -> None:
    rows, _ = simulate(1, 0.5, windows=4)
    found = check(rows, T)
    assert found.z is None
    assert not found.alarm
    assert found.reason


def test_panel_places_events_in_windows_and_halves() -> None:
    origins = [date(2026, 1, 5), date(2026, 2, 2)]
    forecast = pl.DataFrame({"origin": origins * 2, "cell": ["a", "a", "b", "b"], "expected": [1.0] * 4})
    crimes = pl.DataFrame(
        {"cell": ["a", "a", "a", "b", "a"], "happened_on": [date(2026, 1, 5), date(2026, 1, 18), date(2026, 1, 19), date(2026, 2, 2), date(2026, 3, 2)]}
    )
    activity = pl.DataFrame({"cell": ["a", "a"], "started_on": [date(2026, 1, 6), date(2026, 1, 30)], "minutes": [30.0, 20.0]})
    rows = panel(forecast, crimes, activity)
    first = rows.filter((pl.col("cell") == "a") & (pl.col("origin") == origins[0])).row(0, named=True)
    assert (first["early"], first["late"], first["minutes"], first["minutes_all"]) == (2, 1, 30.0, 50.0)
    assert rows["early"].sum() + rows["late"].sum() == 4  # the last lies after every window


def test_parts_add_up_to_the_whole() -> None:
    rows, _ = simulate(3, 0.5)
    table = with_and_without(rows)
    whole, patrolled, rest = (table.row(i, named=True) for i in range(3))
    for column in ("cell_windows", "recorded", "in_top"):
        assert whole[column] == patrolled[column] + rest[column]
    assert whole["expected"] == pytest.approx(patrolled["expected"] + rest["expected"])


def test_simulated_loop_moves_the_map_away_from_conduct() -> None:
    for seed in range(3):
        story = simulate(seed, 0.8)[1]
        assert (story["patrolled_share"] - story["true_share"]).tail(20).mean() > 0.05
        quiet = simulate(seed, 0.0)[1]
        assert abs((quiet["patrolled_share"] - quiet["true_share"]).tail(20).mean()) < 0.05


def test_audit_of_places_carries_the_alarm() -> None:
    rows, _ = simulate(4, 0.8)
    days = {"early": 2, "late": 20}
    crimes = pl.concat(
        [rows.filter(pl.col(part) > 0).select("cell", (pl.col("origin") + pl.duration(days=d)).alias("happened_on"), pl.col(part).alias("n"))
         .select(pl.col("cell", "happened_on").repeat_by("n").explode()) for part, d in days.items()]
    )
    activity = rows.filter(pl.col("minutes") > 0).select("cell", (pl.col("origin") + pl.duration(days=1)).alias("started_on"), "minutes")
    outcomes = rows.select("origin", "cell", recorded=pl.col("early") + pl.col("late"))
    audit = audit_places(rows.select("origin", "cell", "expected"), outcomes, None, activity, T, crimes=crimes)
    assert audit.verdict == "concern"
    assert audit.findings[0].name == "feedback/records_follow_patrols"
    assert (audit.findings[0].verdict, audit.findings[0].severity >= 1) == ("concern", True)
    assert "Do records follow patrols?" in audit.extra
