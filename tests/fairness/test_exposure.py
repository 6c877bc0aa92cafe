"""Exposure by deprivation and residents: areas split truly, totals kept, a worse-served fifth named."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import shapely
from scipy.stats import norm

from harmcast.fairness.audit import audit_places
from harmcast.fairness.exposure import UNKNOWN, _judged, by_fifth, flagged, overlap, recording_by_area
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


def test_where_nobody_lives_or_the_layer_is_silent_a_cell_is_shared_by_area() -> None:
    table = pl.DataFrame({"code": ["a", "b", "c"], "residents": [0, None, 100], "deprivation_fifth": [2, None, 3]})
    shapes = [shapely.box(0, 0, 750, 1000), shapely.box(750, 0, 1000, 1000), shapely.box(2000, 0, 3000, 1000)]
    found = overlap(["x", "y"], [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)], table, shapes)  # y touches c and shares nothing with it
    assert found.rows() == [("x", "2", 0.0, 0.75), ("x", UNKNOWN, 0.0, 0.25), ("y", UNKNOWN, 0.0, 1.0)]
    part = overlap(["z"], [shapely.box(2500, 0, 3500, 1000)], table, shapes)
    assert part.rows() == [("z", "3", 50.0, 1.0)]


def test_the_highest_of_each_origin_are_flagged_ties_by_name() -> None:
    frame = pl.DataFrame({"origin": [1] * 4 + [2] * 2, "cell": ["d", "c", "b", "a", "a", "b"], "expected": [1.0, 2.0, 2.0, 0.5, 0.1, 0.2]})
    for top, expected in ((1, [0, 0, 1, 0, 0, 1]), (2, [0, 1, 1, 0, 1, 1]), (3, [1, 1, 1, 0, 1, 1]), (0, [0] * 6)):
        assert frame.select(flagged(frame, top))["expected"].cast(pl.Int64).to_list() == expected


def test_every_figure_of_a_fifth_by_hand() -> None:
    """Two origins that came, one that did not; cell b half in either fifth; nothing recorded in c at all."""
    forecast = pl.DataFrame({"origin": [1] * 3 + [2] * 3 + [3] * 3, "cell": ["a", "b", "c"] * 3, "expected": [4.0, 2.0, 1.0, 3.0, 5.0, 1.0, 9.0, 9.0, 9.0]})
    outcomes = pl.DataFrame({"origin": [1, 1, 2], "cell": ["a", "b", "b"], "recorded": [6, 1, 3]})
    where = pl.DataFrame({"cell": ["a", "b", "b", "c"], "fifth": ["1", "1", "2", "2"], "residents": [1000.0, 200.0, 600.0, 0.0], "share": [1.0, 0.25, 0.75, 1.0]})
    found = {row["fifth"]: row for row in by_fifth(forecast, outcomes, where, Thresholds(), top=1).iter_rows(named=True)}
    whole = 10 / 16  # flagged: a at 1 (6 came), b at 2 (3 came)
    one, two = found["1"], found["2"]
    assert [one[name] for name in ("expected", "recorded", "flagged_cells", "flagged_residents", "recorded_in_flagged", "residents", "cells")] == pytest.approx([8.75, 7.0, 0.625, 600.0, 6.75, 1200.0, 1.25])
    assert [two[name] for name in ("expected", "recorded", "flagged_cells", "flagged_residents", "recorded_in_flagged", "residents", "cells")] == pytest.approx([7.25, 3.0, 0.375, 300.0, 2.25, 600.0, 1.75])
    assert (one["empty_flagged"], two["empty_flagged"]) == (0.0, 0.0)
    assert [one["flagged_share"], two["flagged_share"]] == pytest.approx([1200 / 2400, 600 / 1200])
    assert [one["per_1000"], two["per_1000"]] == pytest.approx([1000 * 8.75 / 2400, 1000 * 7.25 / 1200], abs=1e-6)
    assert [one["ratio"], two["ratio"]] == pytest.approx([7 / 8.75 / whole, 3 / 7.25 / whole])
    off_a, off_b = 6 - 0.8 * 7, (4 - 0.8 * 7) * 0.25
    assert one["half_width"] == pytest.approx(1.959964 * math.hypot(off_a, off_b) / (whole * 8.75), rel=1e-6)
    none = by_fifth(forecast, outcomes.with_columns(recorded=pl.when(pl.col("cell") == "a").then(0).otherwise("recorded")), where, Thresholds(), top=1)
    assert none["empty_flagged"].to_list() == pytest.approx([0.8, 0.0])  # of a whole and a quarter cell flagged in the first fifth the whole one was empty


def test_a_fifth_where_nobody_lives_or_nothing_is_flagged_has_no_such_share() -> None:
    forecast = pl.DataFrame({"origin": [1, 1], "cell": ["a", "b"], "expected": [2.0, 1.0]})
    outcomes = pl.DataFrame({"origin": [1], "cell": ["a"], "recorded": [2]})
    where = pl.DataFrame({"cell": ["a", "b"], "fifth": ["1", "2"], "residents": [0.0, 10.0], "share": [1.0, 1.0]})
    one, two = by_fifth(forecast, outcomes, where, Thresholds(), top=1).iter_rows(named=True)
    assert (one["flagged_share"], one["per_1000"], one["empty_flagged"]) == (None, None, 0.0)
    assert (two["flagged_share"], two["per_1000"], two["empty_flagged"]) == (0.0, 100.0, None)


def fifths(*rows: tuple[str, float, float]) -> pl.DataFrame:
    """Fifths with 100 expected: name, ratio and standard error of it."""
    return pl.DataFrame({"fifth": [r[0] for r in rows], "expected": 100.0, "recorded": [100 * r[1] for r in rows], "noise": [100 * r[2] for r in rows]})


@pytest.mark.parametrize(
    ("ratio", "se", "verdict"),
    [
        (1.0, 0.05, "met"), (1.0, 0.1021, "too few to say"), (1.0, 0.1, "met"), (0.85, 0.06, "too few to say"), (1.2, 0.05, "too few to say"), (1.26, 0.06, "concern"), (0.79, 0.05, "concern"), (0.79, 0.09, "too few to say"),
        (1.22, 0.01, "met"), (1.24, 0.01, "too few to say"), (1.26, 0.01, "concern"), (0.81, 0.001, "met"), (2.2, 0.1, "concern"), (2.4, 0.05, "stop"), (0.4, 0.05, "concern"), (0.4, 0.03, "stop"), (0.0, 0.0, "stop"),
    ],
)  # fmt: skip
def test_one_fifth_is_judged_at_the_whole_error(ratio: float, se: float, verdict: str) -> None:
    (row,) = _judged(fifths(("1", ratio, se)), 1.0, Thresholds()).iter_rows(named=True)
    assert row["verdict"] == verdict
    if ratio:
        for name, z in (("judged_low", -2.575829), ("judged_high", 2.575829), ("ratio_low", -1.959964), ("ratio_high", 1.959964)):
            assert row[name] == pytest.approx(ratio * math.exp(z * se / ratio), rel=1e-5), name
    assert (row["ratio"], row["half_width"]) == pytest.approx((ratio, 1.959964 * se))


def test_fifths_that_are_clear_share_one_error_and_one_not_known_is_printed() -> None:
    found = _judged(fifths(("1", 1.3, 0.08), ("2", 1.0, 0.05), ("3", 1.0, 0.5), (UNKNOWN, 1.0, 0.05)).with_columns(pl.col("recorded") * 2), 2.0, Thresholds(places_judged_half_width=0.2))
    assert found["verdict"].to_list() == ["concern", "met", "too few to say", "printed"]
    assert found["judged_high"][0] == pytest.approx(1.3 * math.exp(norm.isf(0.01 / 4) * 0.04 / 1.3))  # two are clear; noise is over twice the expected
    assert "noise" not in found.columns
    (nobody,) = _judged(pl.DataFrame({"fifth": ["1"], "expected": [0.0], "recorded": [0.0], "noise": [0.0]}), 1.0, Thresholds()).iter_rows(named=True)
    assert (nobody["ratio"], nobody["verdict"]) == (None, "too few to say")


def test_recording_of_an_area_that_is_not_known_and_in_parts_of_a_day() -> None:
    from datetime import datetime

    crimes = pl.DataFrame(
        {
            "area": [None, None, None, "s"], "easting_m": [None, 1.0, 1.0, 1.0], "weapon": ["knife", "knife", None, "gun"], "injury": ["unknown", None, "minor", "minor"], "status": ["cancelled", "recorded", "recorded", "recorded"],
            "happened_from": [datetime(2026, 1, 1)] * 4, "recorded_at": [datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 18), datetime(2026, 1, 9), datetime(2026, 1, 3)],
        }
    )  # fmt: skip
    nowhere, south = recording_by_area(crimes).rows()
    assert nowhere == (UNKNOWN, 3, pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(2 / 3), pytest.approx(1 / 3), 0.75)
    assert south == ("s", 1, 0.0, 0.0, 0.0, 0.0, 2.0)
