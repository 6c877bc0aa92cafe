"""Exposure by deprivation and residents: areas split truly, totals kept, a worse-served fifth named."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import shapely

from harmcast.fairness.audit import audit_places
from harmcast.fairness.exposure import UNKNOWN, _judged, by_fifth, overlap, recording_by_area
from harmcast.fairness.thresholds import Thresholds


def layer() -> tuple[pl.DataFrame, list[shapely.Geometry]]:
    table = pl.DataFrame({"code": ["a", "b"], "residents": [1000, 3000], "deprivation_fifth": [1, 5]})
    return table, [shapely.box(0, 0, 1500, 1000), shapely.box(1500, 0, 3000, 1000)]


def test_residents_are_split_by_area_and_none_is_lost() -> None:
    table, shapes = layer()
    cells = [shapely.box(x, 0, x + 1000, 1000) for x in (0, 1000, 2000)]
    found = overlap(["c0", "c1", "c2"], cells, table, shapes)
    assert found["residents"].sum() == pytest.approx(4000)
    middle = found.filter(pl.col("cell") == "c1").sort("fifth")
    assert middle["residents"].to_list() == pytest.approx([1000 / 3, 1000])
    assert middle["share"].to_list() == pytest.approx([0.25, 0.75])


def test_a_cell_beyond_the_layer_is_not_known() -> None:
    table, shapes = layer()
    found = overlap(["far"], [shapely.box(9000, 0, 10000, 1000)], table, shapes)
    assert found.rows() == [("far", UNKNOWN, 0.0, 1.0)]


def world(seed: int, wrong: float = 1.0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """300 cells in five fifths, 26 origins; the forecast of the most deprived fifth is `wrong` times too low."""
    rng = np.random.default_rng(seed)
    cells, origins = 300, 26
    fifth = np.arange(cells) % 5 + 1
    rate = rng.gamma(0.8, 0.8, cells)
    names = [f"c{i:03d}" for i in range(cells)]
    days = [date(2024, 1, 1) + timedelta(days=28 * w) for w in range(origins)]
    expected = np.where(fifth == 1, rate / wrong, rate)
    forecast = pl.DataFrame({"origin": np.repeat(days, cells).tolist(), "cell": names * origins, "expected": np.tile(expected, origins)})
    outcomes = forecast.select("origin", "cell").with_columns(recorded=pl.Series(rng.poisson(np.tile(rate, origins))))
    where = pl.DataFrame({"cell": names, "fifth": [str(f) for f in fifth], "residents": [1500.0] * cells, "share": [1.0] * cells})
    return forecast, outcomes.filter(pl.col("recorded") > 0), where


def test_totals_are_kept() -> None:
    forecast, outcomes, where = world(1)
    table = by_fifth(forecast, outcomes, where, Thresholds())
    assert table["recorded"].sum() == outcomes["recorded"].sum()
    assert table["expected"].sum() == pytest.approx(forecast["expected"].sum())
    assert table["flagged_cells"].sum() == pytest.approx(20)
    assert table["residents"].sum() == pytest.approx(300 * 1500)


@pytest.mark.parametrize("seed", range(10))
def test_an_even_forecast_is_met(seed: int) -> None:
    forecast, outcomes, where = world(seed)
    assert audit_places(forecast, outcomes, where, None, Thresholds()).verdict == "met"


@pytest.mark.parametrize("seed", range(5))
def test_a_fifth_under_forecast_is_a_concern(seed: int) -> None:
    forecast, outcomes, where = world(seed, wrong=1.6)
    audit = audit_places(forecast, outcomes, where, None, Thresholds())
    assert audit.verdict in ("concern", "stop")
    assert "places/1/higher" in {f.name for f in audit.findings}


def test_a_fifth_is_met_only_where_its_whole_range_lies_inside_the_limits() -> None:
    """The range of the first fifth leaves 1 out, and reaches beyond the limits: no concern at all fifths' level, and not met."""
    table = pl.DataFrame({"fifth": ["1", "2", "3"], "expected": [100.0, 100.0, 100.0], "recorded": [72.0, 100.0, 85.0], "noise": [9.8, 4.0, 9.0]})
    found = _judged(table, 1.0, Thresholds())
    assert found["verdict"].to_list() == ["too few to say", "met", "too few to say"]


def test_without_inputs_it_says_so() -> None:
    forecast, outcomes, _ = world(2)
    audit = audit_places(forecast, outcomes, None, None, Thresholds())
    assert audit.verdict == "met"
    assert audit.judged == 0
    assert len(audit.notes) == 3
    assert audit.document()["kind"] == "places"


def test_recording_by_area_counts() -> None:
    from datetime import datetime

    crimes = pl.DataFrame(
        {
            "area": ["n", "n", None], "easting_m": [1.0, None, 2.0], "weapon": ["knife", None, "unknown"], "injury": ["none"] * 3,
            "status": ["recorded", "cancelled", "recorded"], "happened_from": [datetime(2026, 1, 1)] * 3,
            "recorded_at": [datetime(2026, 1, 2), datetime(2026, 1, 4), datetime(2026, 1, 1)],
        }
    )
    north = recording_by_area(crimes).filter(pl.col("area") == "n").row(0, named=True)
    assert north == {
        "area": "n", "crimes": 2, "no_place_share": 0.5, "weapon_unknown_share": 0.5, "injury_unknown_share": 0.0,
        "cancelled_share": 0.5, "recorded_after_days": 2.0,
    }
