"""Features of places computed a second time, and nothing of them known from the future (promises 13 and 14).

    make bench-places_again

An invented force's crimes on half-square-kilometre cells. The second computation shares no code with the first: counts by plain
loops over the crimes, weights by age crime by crime, kernels from the cells' names.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from bench.results import Row, saved
from harmcast.forecast import bank
from harmcast.forecast.weekly import forecast_places
from harmcast.places import counts, grid

SEED, CELLS, SIDE_M = 20261115, 1000, 707.1
LAST = date(2026, 11, 16)
ORIGINS = tuple(LAST - timedelta(days=28 * k) for k in (0, 3, 7, 12))
FIRST = LAST - timedelta(weeks=140)
KNIFE = {"weapon": ["knife"], "injury": ["minor", "serious", "fatal"]}
LEADING = {"carried": {"weapon": ["knife"], "injury": ["none"]}, "wounding": {"offence_code": ["008/01"]}}
NEAR = 2e-4


@cache
def force() -> tuple[pl.DataFrame, grid.Units]:
    """Crimes as known, late and cancelled ones and some without a place among them, and the cells of the force."""
    from harmcast.invented.making import Plan, make

    made = make(Plan(2000, 3, SEED, LAST - timedelta(days=1), crimes_a_year=100_000))
    rng = np.random.default_rng(SEED)
    nowhere = pl.Series(rng.random(len(made.crimes)) < 0.02)
    crimes = made.crimes.select(
        "crime_ref", "offence_code", "happened_from", "recorded_at", "weapon", "injury", "northing_m",
        status=pl.when(pl.col("cancelled_at").is_null()).then(pl.lit("recorded")).otherwise(pl.lit("cancelled")),
        known_on=pl.col("recorded_at").dt.date(),
        easting_m=pl.when(nowhere).then(None).otherwise(pl.col("easting_m")),
    )  # fmt: skip
    return crimes, grid.over_boundary(SIDE_M, made.county.outline)


def features(crimes: pl.DataFrame, origin: date, known_at: date | None) -> tuple[counts.Panel, np.ndarray]:
    """The panel at an origin, and (cells, features): weekly counts of every kind, shares of the bank, the filter's own."""
    _, units = force()
    panel = counts.panel(crimes, units, KNIFE, LEADING, origin, known_at=known_at, first_day=FIRST)
    history = bank.History(panel.weekly, panel.leading, bank.surroundings(units), [len(panel.weekly)], panel.near)
    weekly = [panel.weekly, *panel.leading.values()]
    return panel, np.column_stack([*(one.T for one in weekly), history.shares(0).T, history.features(0)]).astype(np.float64)


def scrambled(crimes: pl.DataFrame, origin: date) -> pl.DataFrame:
    """Crimes in which all that was known or happened from the origin on is wrong: place, kind and day of knowing."""
    later = (pl.col("known_on") >= origin) | (pl.col("happened_from").dt.date() >= origin)
    return crimes.with_columns(
        easting_m=pl.when(later).then(pl.col("easting_m").shuffle(SEED)).otherwise(pl.col("easting_m")),
        weapon=pl.when(later).then(pl.lit("knife")).otherwise(pl.col("weapon")),
        injury=pl.when(later).then(pl.lit("fatal")).otherwise(pl.col("injury")),
        known_on=pl.when(later).then(pl.col("known_on") + timedelta(days=40)).otherwise(pl.col("known_on")),
    )


def no_future() -> list[Row]:
    """Features of 1,000 (cell, origin) from the whole feed, from one cut at the origin, and with the future scrambled."""
    crimes, units = force()
    same_cut = same_scrambled = pairs = later = 0
    for k, origin in enumerate(ORIGINS):
        drawn = np.random.default_rng(SEED + k).choice(len(units), CELLS // len(ORIGINS), replace=False)
        before = origin - timedelta(days=1)
        whole = features(crimes, origin, before)[1][drawn]
        cut = features(crimes.filter(pl.col("known_on") < origin), origin, None)[1][drawn]
        other = features(scrambled(crimes, origin), origin, before)[1][drawn]
        pairs += len(drawn)
        later += int((crimes["known_on"] >= origin).sum())
        same_cut += int((whole == cut).all(axis=1).sum())
        same_scrambled += int((whole == other).all(axis=1).sum())
    origin = ORIGINS[-1]
    one, two = (features(each, origin, origin - timedelta(days=1))[0] for each in (crimes, scrambled(crimes, origin)))
    first, second = (forecast_places(each, origin, 4, SEED, anchor=origin).cells for each in (one, two))
    asked, what = f"{CELLS:,} of {CELLS:,}", f"places: {whole.shape[1]} features of (cell, origin)"
    return [
        Row(13, f"{what} equal those from a feed cut at the origin, to the bit", asked, f"{same_cut:,} of {pairs:,}", same_cut == pairs == CELLS),
        Row(13, f"{what} with {later:,} later records scrambled, to the bit", asked, f"{same_scrambled:,} of {pairs:,}", same_scrambled == pairs == CELLS),
        Row(13, f"places: a forecast of {len(units):,} cells with the future scrambled", "the same", "the same" if first.equals(second) else "another", first.equals(second)),
    ]  # fmt: skip


def second_computation() -> list[Row]:
    """Counts and features of 1,000 cells at the last origin, both ways."""
    crimes, units = force()
    origin = ORIGINS[0]
    panel, first = features(crimes, origin, origin - timedelta(days=1))
    drawn = np.random.default_rng(SEED).choice(len(units), CELLS, replace=False)
    weeks = len(panel.weekly)
    by_hand = _counted(crimes, units.keys, origin, weeks)
    counted = np.column_stack([one.T for one in by_hand])
    derived = _derived(by_hand, _beside(crimes, units, origin, weeks), units.keys, units.land_m2)
    width = counted.shape[1]
    same_counts = int((first[drawn, :width] == counted[drawn]).all(axis=1).sum())
    logs = np.arange(derived.shape[1]) >= derived.shape[1] - 1 - len(LEADING)  # the last are logarithms, near 0 where nothing differs
    apart = np.abs(first[drawn, width:] - derived[drawn])
    close = apart <= NEAR * np.where(logs, 1.0, np.abs(derived[drawn])) + 1e-9
    same = int(close.all(axis=1).sum())
    some = int((counted[drawn].sum(axis=1) > 0).sum())
    asked = f"{CELLS:,} of {CELLS:,}"
    return [
        Row(14, f"places: {width} weekly counts of a cell equal an independent second computation ({some} of the cells hold crimes)", asked, f"{same_counts:,} of {CELLS:,}", same_counts == CELLS and some > 0),
        Row(14, f"places: {derived.shape[1]} features of a cell equal an independent second computation, to {NEAR:g} of their size (single precision)", asked, f"{same:,} of {CELLS:,}", same == CELLS),
    ]  # fmt: skip


def _counted(crimes: pl.DataFrame, keys: tuple[str, ...], origin: date, weeks: int) -> list[np.ndarray]:
    """(weeks, cells) counts of knife injuries, knives carried and wounding, by a loop over the crimes."""
    number = {key: k for k, key in enumerate(keys)}
    found = [Counter[tuple[int, int]]() for _ in range(3)]
    for row in crimes.iter_rows(named=True):
        day = row["happened_from"].date()
        if row["easting_m"] is None or row["status"] == "cancelled" or row["known_on"] >= origin or day >= origin:
            continue
        week = weeks - 1 - ((origin - day).days - 1) // 7
        column, line = math.floor(row["easting_m"] / SIDE_M), math.floor(row["northing_m"] / SIDE_M)
        cell = number.get(f"E{round(column * SIDE_M)}N{round(line * SIDE_M)}")
        if week < 0 or cell is None:
            continue
        knife = row["weapon"] == "knife"
        if knife and row["injury"] in ("minor", "serious", "fatal"):
            found[0][week, cell] += 1
            continue
        if knife and row["injury"] == "none":
            found[1][week, cell] += 1
        if row["offence_code"] == "008/01":
            found[2][week, cell] += 1
    dense = [np.zeros((weeks, len(keys))) for _ in found]
    for table, counter in zip(dense, found, strict=True):
        for at, n in counter.items():
            table[at] = n
    return dense


def _beside(crimes: pl.DataFrame, units: grid.Units, origin: date, weeks: int) -> dict[float, np.ndarray]:
    """(weeks, cells) knife injuries, each spread over the cells around its place by the error function, crime by crime.

    A crime reaches the cells that four deviations need, counted in whole cells from its own; beyond them it is not spread.
    """
    corner = np.array([[float(part) for part in key[1:].split("N")] for key in units.keys])
    cells = np.round(corner / SIDE_M)
    low = cells * SIDE_M
    share = units.land_m2 / SIDE_M**2
    found = {width: np.zeros((weeks, len(units))) for width in (150.0, 300.0, 600.0)}
    for row in crimes.iter_rows(named=True):
        day, at = row["happened_from"].date(), (row["easting_m"], row["northing_m"])
        if at[0] is None or row["status"] == "cancelled" or row["known_on"] >= origin or day >= origin:
            continue
        week = weeks - 1 - ((origin - day).days - 1) // 7
        inside = ((low <= at) & (at < low + SIDE_M)).all(axis=1).any()
        if row["weapon"] != "knife" or row["injury"] not in ("minor", "serious", "fatal") or week < 0 or not inside:
            continue
        for width, table in found.items():
            near = np.flatnonzero((np.abs(cells - np.floor(np.array(at) / SIDE_M)) <= math.ceil(4 * width / SIDE_M)).all(axis=1))
            edges = np.stack([low[near] - at, low[near] + SIDE_M - at]) / (width * math.sqrt(2.0))
            below = np.array([[[math.erf(one) for one in pair] for pair in side] for side in edges])
            mass = (below[1] - below[0]).prod(axis=1) * share[near]
            table[week, near] += mass / mass.sum()
    return found


def _derived(weekly: list[np.ndarray], beside: dict[float, np.ndarray], keys: tuple[str, ...], land_m2: np.ndarray) -> np.ndarray:
    """(cells, features) of the bank and the filter from counts, in the order of docs/methods-places.md."""
    corner = np.array([[float(part) for part in key[1:].split("N")] for key in keys])
    lattice = np.round(corner / SIDE_M) * SIDE_M
    apart = ((lattice[:, None, :] - lattice[None, :, :]) ** 2).sum(axis=2)
    land = land_m2 / land_m2.sum()
    base = np.maximum(land, 0.02 * np.median(land))
    base /= base.sum()

    def faded(table: np.ndarray, half_life: float) -> np.ndarray:
        total = np.zeros(table.shape[1])
        for back, row in enumerate(table[::-1]):
            total += row * (2.0 ** (-back / (4.0 * half_life)))
        return total

    def share(values: np.ndarray) -> np.ndarray:
        return values / values.sum() if values.sum() else base

    def near(table: np.ndarray, half_life: float, reach_m: float) -> np.ndarray:
        weight = np.exp(-apart / (2.0 * reach_m**2))
        return share(land_m2 * (weight @ (faded(table, half_life) / (weight @ land_m2))))

    own, *others = weekly
    members = [share(faded(own, life)) for life in (6, 26, 104)]
    members += [share(faded(beside[reach], life)) for reach, life in ((150.0, 104), (300.0, 104), (600.0, 26), (300.0, 0.5))]
    members.append(base)
    trend = np.log((near(own, 2, 1200) + 0.1 * base) / (near(own, 104, 1200) + 0.1 * base))
    leads = []
    for table in others:
        members += [share(faded(table, 6)), share(faded(table, 52)), near(table, 52, 1000)]
        leads.append(np.log((0.6 * share(faded(table, 52)) + 0.35 * near(table, 52, 1000) + 0.05 * base) / base))
    return np.column_stack([*members, trend, *leads])


def rows() -> list[Row]:
    """Promises 13 and 14 for places."""
    return [*no_future(), *second_computation()]


if __name__ == "__main__":
    sys.exit(saved("places-again", rows()))
