"""The monitor: quiet while nothing changes, quick when something does, and it says which threshold it crossed."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.evaluate import streams
from harmcast.evaluate.monitor import monitor
from harmcast.evaluate.monitor_thresholds import MonitorThresholds

FIRST = date(2023, 1, 2)
DRIFT = 120


def history(seed: int, drift: str = "", weeks: int = 140) -> pl.DataFrame:
    """Three inputs that arrive weekly, the scores of a stock of 900 cells, one level; from week 120 one may change."""
    rng = np.random.default_rng(seed)
    rows, rates = [], rng.gamma(0.7, 0.6, 900)
    for w in range(weeks):
        week, late = FIRST + timedelta(days=7 * w), w >= DRIFT
        for name, shares in (("weapon", [0.7, 0.15, 0.1, 0.05]), ("injury", [0.55, 0.3, 0.1, 0.05]), ("delay", [0.5, 0.25, 0.15, 0.1])):
            p = np.array(shares)
            if late and drift == "input" and name == "weapon":
                p = np.array([0.7, 0.1, 0.1, 0.1])
            counts = rng.multinomial(rng.poisson(1200), p)
            rows.append(pl.DataFrame({"week": week, "kind": "input", "name": name, "bin": list("abcd"), "value": counts.astype(float), "expected": None}, schema=streams.SCHEMA))
        rates = rates * np.exp(rng.normal(0, 0.02, 900))
        shown = rates * (1.25 if late and drift == "score" else 1.0)
        rows.append(streams.scores(week, "expected", pl.Series(shown), streams.EXPECTED_EDGES))
        mean = 100.0 * (1 + 0.15 * np.sin(2 * np.pi * w / 52))
        recorded = rng.poisson(mean * (0.7 if late and drift == "level" else 1.0) * rng.gamma(100, 0.01))
        rows.append(streams.level(week, "knife", recorded, mean))
    return pl.concat(rows)


def first_alarm(found: pl.DataFrame, kind: str) -> int | None:
    after = found.filter((pl.col("kind") == kind) & (pl.col("week") >= FIRST + timedelta(days=7 * DRIFT)))
    return None if after.is_empty() else (after["week"].min() - FIRST).days // 7 - DRIFT + 1  # type: ignore[operator]


@pytest.mark.parametrize(("kind", "within"), [("input", 4), ("score", 4), ("level", 8)])
@pytest.mark.parametrize("seed", range(3))
def test_a_drift_is_alarmed_in_time(kind: str, within: int, seed: int) -> None:
    took = first_alarm(monitor(history(seed, kind)).alarms, kind)
    assert took is not None
    assert took <= within


def test_quiet_while_nothing_changes() -> None:
    alarms = [monitor(history(seed, weeks=130)).alarms.height for seed in range(10)]
    assert np.mean(alarms) < 1
    assert sum(a > 1 for a in alarms) <= 1


def test_an_alarm_comes_only_from_the_past() -> None:
    whole = monitor(history(1, "input")).history
    cut = monitor(history(1, "input").filter(pl.col("week") < FIRST + timedelta(days=7 * 110))).history
    same = whole.join(cut, on=["week", "kind", "name", "bin"], suffix="_cut")
    assert same.height == cut.height
    assert np.allclose(same["chart"].fill_null(0), same["chart_cut"].fill_null(0))


def test_state_and_reasons_follow_the_alarm() -> None:
    found = monitor(history(2, "level", weeks=DRIFT + 9))
    assert found.state in ("watch", "suspend")
    assert any("knife" in reason for reason in found.reasons)
    assert monitor(history(2, weeks=119)).state == "fine"


def test_a_forecast_twice_too_high_suspends() -> None:
    rows = history(3).with_columns(expected=pl.when(pl.col("kind") == "level").then(pl.col("expected") * 2.5))
    found = monitor(rows)
    assert found.state == "suspend"
    assert "calibration_low" in found.rules
    assert monitor(rows, MonitorThresholds(calibration_low=0.1)).state != "suspend"


def test_most_inputs_changed_together_suspends() -> None:
    rows = history(4, weeks=DRIFT + 6)
    moved = (pl.col("kind") == "input") & (pl.col("week") >= FIRST + timedelta(days=7 * DRIFT)) & (pl.col("bin") == "b")
    found = monitor(rows.with_columns(value=pl.when(moved).then(pl.col("value") * 2).otherwise("value")))
    assert found.state == "suspend"
    assert "suspend_inputs_share" in found.rules


def test_one_input_of_two_that_changed_is_watched_and_suspends_nothing() -> None:
    rows = history(1, "input", weeks=DRIFT + 6)
    kept = ["weapon", next(name for name in rows.filter(pl.col("kind") == "input")["name"].unique(maintain_order=True) if name != "weapon")]
    two = rows.filter((pl.col("kind") != "input") | pl.col("name").is_in(kept))
    found = monitor(two)
    assert found.alarms.filter(pl.col("kind") == "input")["name"].unique().to_list() == ["weapon"]
    assert (found.state, found.rules) == ("watch", ())
    again = two.filter((pl.col("kind") == "input") & (pl.col("name") == "weapon")).with_columns(name=pl.lit("weapon_use"))
    both = monitor(pl.concat([two.filter(pl.col("name") != kept[1]), again]))
    assert "suspend_inputs_share" in both.rules


def test_calibration_counts_whole_periods_and_its_ranges_hold_the_ratio() -> None:
    table = monitor(history(5)).calibration
    assert table.filter(pl.col("period").is_not_null()).height == 140 // 4
    for row in table.iter_rows(named=True):
        assert row["ratio"] == pytest.approx(row["recorded"] / row["expected"], abs=1e-9)
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]


def test_a_break_in_the_rate_is_dated() -> None:
    rows = history(6, "level", weeks=160)
    breaks = monitor(rows).breaks.filter(pl.col("against") == "forecast").row(0, named=True)
    assert breaks["verdict"] == "break"
    assert breaks["change"] < 0
    assert abs((breaks["period"] - FIRST).days // 7 - DRIFT) <= 8
    assert monitor(history(6)).breaks.filter(pl.col("against") == "forecast")["verdict"].item() == "none"


def test_document_is_json_and_same_bytes() -> None:
    one, two = (json.dumps(monitor(history(7, "score")).document(), allow_nan=False) for _ in range(2))
    assert one == two
    assert {"state", "alarms", "thresholds"} <= set(json.loads(one))


def test_fine_says_how_much_cannot_speak_yet() -> None:
    found = monitor(history(2, weeks=10), levels=("knife",))
    assert found.state == "fine"
    assert ("level", "knife") in found.silent
    assert ("break against forecast", "knife") in found.silent
    assert ("calibration", "knife") not in found.silent
    assert found.reasons == (f"{len(found.silent)} of {len(found.watched)} things watched cannot speak yet: they have too few weeks or periods.",)
    document = found.document()
    assert (document["watched"], len(document["silent"])) == (len(found.watched), len(found.silent))


def test_a_level_that_has_no_week_yet_is_watched_and_silent() -> None:
    rows = history(2, weeks=119).filter(pl.col("kind") != "level")
    found = monitor(rows, levels=("knife",))
    of_level = {("level", "knife"), ("break in time", "knife"), ("break against forecast", "knife"), ("calibration", "knife")}
    assert of_level <= set(found.silent)
    assert set(monitor(rows).silent).isdisjoint(of_level)


def test_where_everything_speaks_fine_stands_alone() -> None:
    found = monitor(history(2, weeks=119))
    assert (found.state, found.silent, found.reasons) == ("fine", (), ())


def test_nothing_held_is_fine_and_says_nothing() -> None:
    found = monitor(pl.DataFrame(schema=streams.SCHEMA))
    assert found.state == "fine"
    assert found.history.is_empty()


def test_missing_weeks_are_passed_over() -> None:
    rows = history(8, weeks=100).filter((pl.col("week") != FIRST + timedelta(days=7 * 60)) | (pl.col("kind") == "input"))
    assert monitor(rows).alarms.height <= 1
