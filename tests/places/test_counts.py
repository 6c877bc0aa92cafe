from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.errors import SettingsRefused
from harmcast.places import counts, grid

ORIGIN = date(2026, 6, 1)
KNIFE = {"weapon": ["knife"], "injury": ["minor", "serious", "fatal"]}
CARRIED = {"weapon": ["knife"], "injury": ["none"]}
VIOLENCE = {"offence_code": ["001", "005/01"]}
LEFT, LOW, SIDE, CELLS = 400_000.0, 280_000.0, 1000.0, 6


def crimes(rows: int = 6000, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    happened = [datetime(2025, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 560 * 1440, rows)]
    delay = rng.geometric(0.2, rows) - 1
    frame = pl.DataFrame(
        {
            "crime_ref": [f"c{k}" for k in range(rows)],
            "offence_code": rng.choice(["001", "001/04", "005/01", "005/10", "0011"], rows),
            "happened_from": happened,
            "recorded_at": [h + timedelta(days=int(d)) for h, d in zip(happened, delay, strict=True)],
            "status": rng.choice(["recorded", "recorded", "recorded", "cancelled"], rows),
            "easting_m": rng.uniform(LEFT - 500, LEFT + CELLS * SIDE + 500, rows),
            "northing_m": rng.uniform(LOW, LOW + CELLS * SIDE, rows),
            "weapon": rng.choice(["knife", "none"], rows),
            "injury": rng.choice(["none", "minor", "fatal", "unknown"], rows),
        }
    )
    gone = pl.Series(rng.random(rows) < 0.03)
    return frame.with_columns(
        pl.when(gone).then(None).otherwise(pl.col("easting_m")).alias("easting_m"),
        pl.col("recorded_at").dt.date().alias("known_on"),
    )


def squares() -> grid.Units:
    columns, rows = np.meshgrid(np.arange(CELLS) + 400, np.arange(CELLS) + 280, indexing="ij")
    return grid.squares_at(SIDE, columns.ravel(), rows.ravel())


def holds(row: dict, where: dict) -> bool:
    for key, values in where.items():
        fits = [row[key] == v or (key == "offence_code" and "/" not in v and row[key].startswith(v + "/")) for v in values]
        if not any(fits):
            return False
    return True


def slowly(frame: pl.DataFrame, units: grid.Units, where: dict, first_day: date, origin: date, known_at: date | None = None):
    """The same counts by plain loops: a second computation that shares no code with the first."""
    table = {}
    for row in frame.to_dicts():
        day = row["happened_from"].date()
        if row["status"] == "cancelled" or day >= origin or day < first_day or row["easting_m"] is None:
            continue
        if known_at is not None and row["known_on"] > known_at:
            continue
        if not holds(row, where):
            continue
        key = f"E{int(row['easting_m'] // SIDE * SIDE)}N{int(row['northing_m'] // SIDE * SIDE)}"
        week = (day - first_day).days // 7
        table[week, key] = table.get((week, key), 0) + 1
    weeks = (origin - first_day).days // 7
    return np.array([[table.get((w, key), 0) for key in units.keys] for w in range(weeks)])


@pytest.mark.parametrize("where", [KNIFE, VIOLENCE])
@pytest.mark.parametrize("known_at", [None, date(2026, 1, 31)])
def test_counts_equal_a_second_computation(where, known_at):
    frame, units = crimes(), squares()
    panel = counts.panel(frame, units, where, [], ORIGIN, known_at=known_at, first_day=date(2025, 1, 6))
    assert panel.first_day == date(2025, 1, 6)
    assert np.array_equal(panel.weekly, slowly(frame, units, where, panel.first_day, ORIGIN, known_at))
    assert panel.weekly.sum() > 100
    assert np.array_equal(panel.windows[-1], panel.weekly[-4:].sum(axis=0))


def test_a_class_without_a_slash_covers_its_subclasses_only():
    codes = ["001", "001/04", "0011", "005/01", "005/10", "001N", "001N/02", "001n", "01N", None]
    frame = pl.DataFrame({"offence_code": codes})
    assert frame.filter(counts.matches(VIOLENCE, frame.columns))["offence_code"].to_list() == ["001", "001/04", "005/01", "001N", "001N/02"]


def test_a_filter_as_an_expression_takes_the_same_crimes():
    frame = crimes()
    for where in (KNIFE, VIOLENCE, {}):
        assert frame.filter(counts.matches(where, frame.columns)).height == sum(holds(row, where) for row in frame.to_dicts())


def test_every_crime_of_the_tool_is_accounted_for():
    frame = crimes()
    account = counts.panel(frame, squares(), KNIFE, [], ORIGIN, first_day=date(2025, 3, 3)).account
    own = [row for row in frame.to_dicts() if holds(row, KNIFE) and row["status"] != "cancelled"
           and row["happened_from"].date() < ORIGIN]  # fmt: skip
    assert account["matching"] == len(own)
    assert account["without_place"] == sum(row["easting_m"] is None for row in own) > 0
    assert account["off_the_area"] > 0
    assert account["before_first_week"] > 0
    assert account["matching"] == sum(value for key, value in account.items() if key != "matching")


def test_a_leading_crime_is_never_one_of_the_tool_itself():
    frame, units = crimes(), squares()
    panel = counts.panel(frame, units, KNIFE, [{"weapon": ["knife"]}, CARRIED], ORIGIN, first_day=date(2025, 1, 6))
    anything = slowly(frame, units, {"weapon": ["knife"]}, panel.first_day, ORIGIN)
    assert list(panel.leading) == ["weapon knife", "injury none; weapon knife"]
    assert np.array_equal(panel.leading["weapon knife"], anything - panel.weekly)
    assert np.array_equal(panel.leading["injury none; weapon knife"], slowly(frame, units, CARRIED, panel.first_day, ORIGIN))


def test_nothing_from_the_origin_on_is_read():
    frame, units = crimes(), squares()
    later = pl.col("happened_from").dt.date() >= ORIGIN
    cut = counts.panel(frame.filter(~later), units, KNIFE, [CARRIED], ORIGIN)
    garbled = frame.with_columns(pl.when(later).then(pl.lit(LEFT + 1)).otherwise(pl.col("easting_m")).alias("easting_m"))
    whole = counts.panel(garbled, units, KNIFE, [CARRIED], ORIGIN)
    assert np.array_equal(cut.weekly, whole.weekly)
    assert all(np.array_equal(cut.leading[name], whole.leading[name]) for name in cut.leading)


def test_rolling_panels_hold_what_was_known_then_and_what_came_as_known_now():
    frame, units = crimes(), squares()
    origins = [date(2026, 3, 2), date(2026, 3, 30)]
    panels, came = counts.rolling_panels(frame, units, KNIFE, [], origins, first_day=date(2025, 1, 6))
    for k, origin in enumerate(origins):
        known = slowly(frame, units, KNIFE, panels[k].first_day, origin, origin - timedelta(days=1))
        assert np.array_equal(panels[k].weekly, known)
        window = slowly(frame, units, KNIFE, origin, origin + timedelta(days=28)).sum(axis=0)
        assert np.array_equal(came[k], window)


def test_late_recording_shows_in_the_share_known():
    frame = crimes(30_000).filter(pl.col("known_on") < ORIGIN)
    panel = counts.panel(frame, squares(), KNIFE, [], ORIGIN)
    shares = panel.known_share
    assert shares[-1] == pytest.approx(np.mean([1 - 0.8**d for d in range(1, 8)]), abs=0.05)
    assert shares[-2] > shares[-1]
    assert shares[0] == 1


def test_an_earlier_origin_drops_the_weeks_since():
    panel = counts.panel(crimes(), squares(), KNIFE, [CARRIED], ORIGIN)
    earlier = panel.before(ORIGIN - timedelta(days=21))
    assert np.array_equal(earlier.weekly, panel.weekly[:-3])
    assert earlier.first_day == panel.first_day
    with pytest.raises(ValueError, match="whole weeks"):
        panel.before(ORIGIN - timedelta(days=3))


def test_a_filter_on_a_column_that_is_not_there_is_refused():
    with pytest.raises(SettingsRefused, match="no_such"):
        counts.panel(crimes(50), squares(), {"no_such": ["x"]}, [], ORIGIN)
    with pytest.raises(SettingsRefused, match="shorter"):
        counts.panel(crimes(50), squares(), KNIFE, [], date(2025, 1, 10))


def test_polygon_units_count_the_same_as_the_squares_they_copy():
    frame, units = crimes(), squares()
    layer = grid.from_layer(units.keys, [units.outline(k) for k in range(len(units))])
    one = counts.panel(frame, units, KNIFE, [], ORIGIN)
    other = counts.panel(frame, layer, KNIFE, [], ORIGIN)
    order = [layer.keys.index(key) for key in units.keys]
    assert np.array_equal(one.weekly, other.weekly[:, order])
