"""Recorded crimes of the invented county: where, when, what, and when the police came to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from harmcast.invented.county import SQUARE_M, County
from harmcast.invented.draws import pick, pick_by_row, stream
from harmcast.invented.intensity import NEAR_REPEAT_DAYS, NEAR_REPEAT_M, NEAR_REPEAT_SHARE, STEP_DAYS, Intensity
from harmcast.invented.offences import GROUPS, INJURY_ORDER, MIX, WEAPON_ORDER

DAY_MINUTES = 1440

# hour profiles, midnight first (relative), and the pull of each weekday, Monday first
_EVENING = [5, 4, 3, 2, 1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 8, 9, 9, 9, 9, 9, 8, 7, 6]
_LATE = [10, 10, 8, 6, 3, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11]
_DAY = [1, 0.5, 0.3, 0.2, 0.2, 0.3, 0.6, 2, 4, 6, 8, 9, 9, 9, 9, 9, 9, 8, 6, 4, 3, 2, 1.5, 1]
_HOME = [6, 5, 4, 3, 2, 2, 2, 3, 4, 4, 4, 4, 5, 4, 5, 5, 6, 7, 7, 8, 8, 8, 8, 7]
_HOURS = {
    "street": _EVENING,
    "night": _LATE,
    "home": _HOME,
    "burglary": [6, 6, 6, 5, 4, 3, 3, 4, 6, 7, 6, 5, 5, 5, 5, 5, 5, 6, 8, 8, 7, 7, 6, 6],
    "vehicle": [8, 7, 7, 6, 5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 8, 8, 8],
    "shop": _DAY,
    "theft": _DAY,
    "damage": _EVENING,
    "drugs": _EVENING,
}
_WEEKDAYS = {
    "street": [9, 9, 9, 9, 11, 12, 11],
    "night": [7, 7, 7, 8, 12, 18, 16],
    "home": [9, 9, 9, 9, 10, 12, 13],
    "burglary": [10, 10, 10, 10, 12, 10, 9],
    "vehicle": [10, 10, 10, 10, 10, 10, 10],
    "shop": [10, 10, 10, 11, 11, 12, 8],
    "theft": [10, 10, 10, 10, 11, 11, 8],
    "damage": [9, 9, 9, 9, 11, 12, 11],
    "drugs": [9, 10, 10, 11, 12, 11, 8],
}
_INTERVAL_SHARE = {
    "burglary": 0.62,
    "vehicle": 0.74,
    "damage": 0.55,
    "theft": 0.50,
    "shop": 0.10,
    "street": 0.04,
    "night": 0.02,
    "home": 0.10,
    "drugs": 0.0,
}
_LAG_HOURS = {
    "street": 2.0,
    "night": 5.0,
    "home": 14.0,
    "burglary": 5.0,
    "vehicle": 10.0,
    "shop": 20.0,
    "theft": 30.0,
    "damage": 12.0,
    "drugs": 1.0,
}
_DOMESTIC_SHARE = {"home": 0.55, "damage": 0.12, "night": 0.03, "street": 0.02, "burglary": 0.02}


@dataclass
class CrimesDrawn:
    """Crimes while they are being drawn: parallel arrays; times in minutes from the first midnight."""

    line: np.ndarray
    group: np.ndarray
    minute: np.ndarray
    east: np.ndarray
    north: np.ndarray
    square: np.ndarray
    parent: np.ndarray  # position of the crime it repeats, -1: none

    def plus(self, more: CrimesDrawn) -> CrimesDrawn:
        return CrimesDrawn(*(np.concatenate([getattr(self, f), getattr(more, f)]) for f in self.__dataclass_fields__))


def _venues(county: County, seed: int, a_square: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Addresses where crime comes again and again: (squares, a_square, 2) offsets and how much each draws."""
    rng = stream(seed, "venues")
    offsets = rng.uniform(8, SQUARE_M - 8, (len(county.squares), a_square, 2)).round()
    pull = rng.pareto(1.3, (len(county.squares), a_square)) + 0.1
    return offsets, pull / pull.sum(axis=1, keepdims=True)


def _background(intensity: Intensity, seed: int, volume: np.ndarray) -> CrimesDrawn:
    rng = stream(seed, "crimes")
    county = intensity.county
    offsets, pull = _venues(county, seed)
    weekday = intensity.first_day.weekday()
    lines_of = {g: np.array([i for i, o in enumerate(MIX) if o.group == g]) for g in GROUPS}
    minute_of_day = {g: np.repeat(np.asarray(_HOURS[g], float), 60) for g in GROUPS}
    parts = []
    for number, group in enumerate(GROUPS):
        of_week = np.asarray(_WEEKDAYS[group], float)
        lines = lines_of[group]
        own = volume[lines] * (1 - NEAR_REPEAT_SHARE[group])
        for step in range(intensity.steps):
            days = np.arange(step * STEP_DAYS, (step + 1) * STEP_DAYS)
            level = intensity.level[group][days]
            count = int(rng.poisson(own.sum() * level.mean()))
            if not count:
                continue
            square = pick(rng, intensity.shares(group, step), count)
            day = days[pick(rng, level * of_week[(weekday + days) % 7], count)]
            parts.append(
                CrimesDrawn(
                    lines[pick(rng, own, count)],
                    np.full(count, number),
                    day * DAY_MINUTES + pick(rng, minute_of_day[group], count),
                    np.zeros(count),
                    np.zeros(count),
                    square,
                    np.full(count, -1),
                )
            )
    all_ = CrimesDrawn(*(np.concatenate([getattr(p, f) for p in parts]) for f in CrimesDrawn.__dataclass_fields__))
    n = len(all_.line)
    at_venue = rng.random(n) < 0.6
    venue = pick_by_row(rng, pull, all_.square)
    place = np.where(at_venue[:, None], offsets[all_.square, venue], rng.uniform(0, SQUARE_M, (n, 2)).round())
    all_.east, all_.north = (county.squares[all_.square] + place).T
    return all_


def _near_repeats(drawn: CrimesDrawn, seed: int, last_minute: int) -> CrimesDrawn:
    """The same crimes with those that earlier ones set off nearby soon after, generation by generation."""
    rng = stream(seed, "near repeats")
    share = np.array([NEAR_REPEAT_SHARE[g] for g in GROUPS])
    first, generation = 0, drawn
    for _ in range(4):
        children = rng.poisson(share[generation.group])
        parent = np.repeat(np.arange(len(children)), children)
        delay = rng.exponential(NEAR_REPEAT_DAYS * DAY_MINUTES, len(parent)) + 90
        minute = (generation.minute[parent] + delay).astype(np.int64)
        keep = minute < last_minute
        parent, minute = parent[keep], minute[keep]
        away = rng.normal(0, NEAR_REPEAT_M, (len(parent), 2)).round()
        new = CrimesDrawn(
            generation.line[parent],
            generation.group[parent],
            minute,
            generation.east[parent] + away[:, 0],
            generation.north[parent] + away[:, 1],
            generation.square[parent],
            first + parent,
        )
        first += len(generation.line)
        drawn, generation = drawn.plus(new), new
    return drawn


def _inside(county: County, drawn: CrimesDrawn) -> None:
    """Moves what fell over the boundary, or out of the county's squares, back to the middle of its square."""
    import shapely

    maybe = np.flatnonzero(county.edge[drawn.square])
    out = maybe[~shapely.contains_xy(county.outline, drawn.east[maybe], drawn.north[maybe])]
    drawn.east[out], drawn.north[out] = county.centres[drawn.square[out]].T


def scatter(intensity: Intensity, seed: int, volume: np.ndarray) -> CrimesDrawn:
    """Crimes over the county and its years, near-repeats included.

    Args:
        volume: offences in four weeks of each line of the mix.
    """
    last_minute = intensity.steps * STEP_DAYS * DAY_MINUTES
    drawn = _near_repeats(_background(intensity, seed, volume), seed, last_minute)
    _inside(intensity.county, drawn)
    return drawn


def record(intensity: Intensity, seed: int, drawn: CrimesDrawn) -> pl.DataFrame:
    """The crimes as recorded, by when that was: the contract's columns, `line` and `parent_ref` (what it repeats)."""
    rng = stream(seed, "crime attributes")
    n = len(drawn.line)
    group = drawn.group
    interval = rng.random(n) < np.array([_INTERVAL_SHARE[g] for g in GROUPS])[group]
    span = np.maximum(10, rng.gamma(1.3, 330, n)).astype(np.int64) // 5 * 5
    start = np.where(interval, drawn.minute // 5 * 5, drawn.minute)
    end = np.where(interval, start + span, start)
    slow = rng.random(n) < np.array([o.slow_report_share for o in MIX])[drawn.line]
    lag = rng.exponential(np.array([_LAG_HOURS[g] for g in GROUPS])[group] * 60) + 4
    lag = np.where(slow, lag + rng.lognormal(np.log(45 * DAY_MINUTES), 1.5, n), lag)
    recorded = end + np.minimum(lag, 3e6).astype(np.int64)
    order = np.argsort(recorded, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    weapon = pick_by_row(rng, np.array([o.weapons for o in MIX]), drawn.line)
    injury = pick_by_row(rng, np.array([o.injuries for o in MIX]), drawn.line)
    hurt = (injury >= 1) & (injury <= 3)
    use = np.where(weapon == 0, -1, np.where(hurt, 0, np.where(rng.random(n) < 0.93, 1, 3)))
    use = np.where(
        np.isin(drawn.line, [i for i, o in enumerate(MIX) if o.code in ("008/26", "008/11", "081/03", "081/77")]),
        2,
        use,
    )
    domestic = rng.random(n) < np.array([_DOMESTIC_SHARE.get(g, 0.0) for g in GROUPS])[group]
    area = intensity.county.area_of_square[drawn.square]
    midnight = np.datetime64(intensity.first_day, "us")

    def moment(minutes: np.ndarray) -> np.ndarray:
        return midnight + minutes.astype("timedelta64[m]")

    def coded(values: np.ndarray, labels: tuple[str, ...]) -> pl.Series:
        return pl.Series(values.astype(np.int64)).replace_strict(
            list(range(len(labels))), list(labels), default=None, return_dtype=pl.String
        )

    codes = [o.code for o in MIX]
    sequence = np.arange(1, n + 1)
    ref = pl.Series("crime_ref", sequence).cast(pl.String).str.zfill(8)
    frame = pl.DataFrame(
        {
            "offence_code": pl.Series(codes).gather(drawn.line[order]),
            "happened_from": moment(start[order]),
            "happened_to": pl.Series(moment(end[order])).zip_with(
                pl.Series(interval[order]), pl.Series([None] * n, dtype=pl.Datetime("us"))
            ),
            "recorded_at": moment(recorded[order]),
            "easting_m": drawn.east[order],
            "northing_m": drawn.north[order],
            "weapon": coded(weapon[order], WEAPON_ORDER),
            "injury": coded(injury[order], INJURY_ORDER),
            "weapon_use": coded(use[order], ("used", "threatened", "possessed", "unknown")),
            "domestic": domestic[order],
            "area": pl.Series(intensity.county.areas).gather(area[order]),
            "line": drawn.line[order].astype(np.int16),
            "parent": np.where(drawn.parent[order] >= 0, rank[np.maximum(drawn.parent[order], 0)], -1),
        }
    )
    refs = "CR" + frame["recorded_at"].dt.strftime("%y-") + ref
    frame = frame.with_columns(refs.alias("crime_ref"))
    return frame.with_columns(
        frame["crime_ref"]
        .gather(np.maximum(frame["parent"].to_numpy(), 0))
        .zip_with(frame["parent"] >= 0, pl.Series([None] * n, dtype=pl.String))
        .alias("parent_ref")
    ).drop("parent")
