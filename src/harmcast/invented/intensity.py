"""How much crime each fine square draws, by group of offences and four-week step: the truth about places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from harmcast.invented.county import County, smooth_field
from harmcast.invented.draws import stream
from harmcast.invented.offences import GROUPS

STEP_DAYS = 28
_BUMPS = 90

# share of residents and of footfall in the map of each group, pull of deprivation, spread of chronic places (log)
_SHAPE = {
    "street": (0.64, 0.36, 0.45, 0.75),
    "night": (0.50, 0.50, 0.22, 0.70),
    "home": (1.00, 0.00, 0.38, 0.50),
    "burglary": (1.00, 0.00, 0.05, 0.45),
    "vehicle": (0.92, 0.08, 0.06, 0.50),
    "shop": (0.16, 0.84, 0.05, 1.00),
    "theft": (0.55, 0.45, 0.10, 0.70),
    "damage": (0.98, 0.02, 0.26, 0.50),
    "drugs": (0.60, 0.40, 0.45, 0.80),
}
# share of each group's crime in its 20 fullest square kilometres; two months of a metropolitan force show
# .16 (violence), .24 (robbery), .10 (burglary, vehicle), .41 (shops), .12 (damage), small samples included
TOP20_SHARE = {
    "street": 0.20,
    "night": 0.21,
    "home": 0.125,
    "burglary": 0.070,
    "vehicle": 0.085,
    "shop": 0.39,
    "theft": 0.20,
    "damage": 0.095,
    "drugs": 0.20,
}
# yearly swing (share) and the day of the year it peaks
_SEASON = {
    "street": (0.09, 190),
    "night": (0.10, 185),
    "home": (0.08, 195),
    "burglary": (0.14, 345),
    "vehicle": (0.09, 335),
    "shop": (0.06, 340),
    "theft": (0.07, 200),
    "damage": (0.09, 180),
    "drugs": (0.03, 150),
}
NEAR_REPEAT_SHARE = {
    "street": 0.10,
    "night": 0.05,
    "home": 0.04,
    "burglary": 0.14,
    "vehicle": 0.12,
    "shop": 0.04,
    "theft": 0.04,
    "damage": 0.07,
    "drugs": 0.02,
}
NEAR_REPEAT_DAYS = 12.0
NEAR_REPEAT_M = 130.0


@dataclass(frozen=True)
class Shift:
    """A planted change of level: from `from_on` the groups' crime within `radius_m` is multiplied by `factor`."""

    easting_m: float
    northing_m: float
    radius_m: float
    groups: tuple[str, ...]
    from_on: date
    factor: float


@dataclass(frozen=True)
class Intensity:
    """Shares of each group's crime by square and step, and its level by day.

    Attributes:
        base: group -> (squares,) log of the long-run share, chronic places included.
        bumps: (squares, bumps) smooth surfaces that drift.
        drift: group -> (steps, bumps) their heights, a slow random walk.
        level: group -> (days,) county level against its mean: season, trend and slow wandering.
        chronic: group -> squares with a planted, lasting excess.
    """

    county: County
    first_day: date
    steps: int
    base: dict[str, np.ndarray]
    bumps: np.ndarray
    drift: dict[str, np.ndarray]
    level: dict[str, np.ndarray]
    shifts: list[Shift]
    chronic: dict[str, np.ndarray]

    def step_first_day(self, step: int) -> date:
        return self.first_day + timedelta(days=STEP_DAYS * step)

    def shares(self, group: str, step: int) -> np.ndarray:
        """Share of the group's crime in each square in a step, before near-repeats; sums to 1."""
        return np.asarray(self._shares[group][step])

    @cached_property
    def _shares(self) -> dict[str, np.ndarray]:
        shares = {}
        for group in GROUPS:
            raw = self.drift[group] @ self.bumps.T
            raw += self.base[group].astype(np.float32)
            np.exp(raw, out=raw)
            for shift, within in zip(self.shifts, self._within, strict=True):
                if group in shift.groups:
                    since = -(-(shift.from_on - self.first_day).days // STEP_DAYS)
                    raw[since:, within] *= shift.factor
            shares[group] = raw / raw.sum(axis=1, keepdims=True, dtype=np.float64)
        return shares

    @cached_property
    def _within(self) -> list[np.ndarray]:
        centres = self.county.centres
        return [np.hypot(centres[:, 0] - s.easting_m, centres[:, 1] - s.northing_m) <= s.radius_m for s in self.shifts]


def _walk(rng: np.random.Generator, steps: int, width: int, start: float, move: float) -> np.ndarray:
    """A random walk that is drawn back a little, so that it neither dies nor explodes: (steps, width)."""
    heights = np.empty((steps, width))
    now = rng.normal(0, start, width)
    keep = np.sqrt(max(0.0, 1 - (move / start) ** 2))
    for step in range(steps):
        heights[step] = now
        now = keep * now + rng.normal(0, move, width)
    return heights


def _levels(rng: np.random.Generator, first_day: date, days: int) -> dict[str, np.ndarray]:
    """Each group's county level by day, mean near 1."""
    day_of_year = np.array([(first_day + timedelta(days=d)).timetuple().tm_yday for d in range(days)])
    shared = _walk(rng, days // 7 + 1, 1, 0.05, 0.010)[:, 0]
    levels = {}
    for group in GROUPS:
        swing, peak = _SEASON[group]
        own = _walk(rng, days // 7 + 1, 1, 0.09, 0.015)[:, 0]
        slow = np.interp(np.arange(days), np.arange(len(own)) * 7, own + shared)
        season = swing * np.cos(2 * np.pi * (day_of_year - peak) / 365.25)
        level = np.exp(slow + season)
        levels[group] = level / level.mean()
    return levels


def _shifts(rng: np.random.Generator, county: County, first_day: date, steps: int, count: int) -> list[Shift]:
    chosen = rng.choice(len(county.squares), count, replace=False, p=county.residents / county.residents.sum())
    bundles = (("street", "night"), ("street", "drugs"), ("burglary",), ("vehicle",), ("shop", "theft"), ("night",))
    shifts = []
    for k, square in enumerate(chosen):
        step = int(rng.integers(max(1, steps // 4), max(2, steps - 4)))
        east, north = county.centres[square]
        shifts.append(
            Shift(
                float(east),
                float(north),
                float(rng.uniform(500, 1100)),
                bundles[k % len(bundles)],
                first_day + timedelta(days=STEP_DAYS * step),
                float(rng.choice([3.5, 2.5, 0.3])),
            )
        )
    return shifts


def _tempered(log: np.ndarray, kilometre: np.ndarray, top20_share: float) -> np.ndarray:
    """The log map flattened or sharpened until its 20 fullest square kilometres hold the asked share."""

    def held(power: float) -> float:
        raw = np.exp(power * (log - log.max()))
        return float(np.sort(np.bincount(kilometre, weights=raw))[-20:].sum() / raw.sum())

    low, high = 0.05, 3.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if held(middle) < top20_share else (low, middle)
    return np.asarray(low * (log - log.max()))


def build(county: County, seed: int, first_day: date, steps: int, shifts: int = 12) -> Intensity:
    """The intensity of a county over `steps` four-week steps from `first_day`."""
    rng = stream(seed, "intensity")
    centres = county.centres
    low, high = centres.min(axis=0), centres.max(axis=0)
    at = rng.uniform(low, high, (_BUMPS, 2))
    bumps = np.exp(-((centres[:, None, :] - at[None]) ** 2).sum(axis=2) / (2 * 2600.0**2)).astype(np.float32)
    lived = county.residents / county.residents.sum()
    kilometre = np.unique(county.squares // 1000, axis=0, return_inverse=True)[1].ravel()
    common = 0.30 * smooth_field(rng, centres, 2500) + 0.40 * rng.normal(0, 1, len(centres))
    base, drift, chronic = {}, {}, {}
    for group in GROUPS:
        home, town, pull, spread = _SHAPE[group]
        own = spread * (0.75 * rng.normal(0, 1, len(centres)) + 0.36 * smooth_field(rng, centres, 900, 500))
        log = np.log(home * lived + town * county.footfall + 1e-9) + pull * county.deprivation + 0.55 * common + own
        hot = rng.choice(len(centres), 25, replace=False, p=lived * 0.5 + county.footfall * 0.5)
        log[hot] += rng.uniform(0.6, 1.4, 25)
        chronic[group] = np.sort(hot)
        base[group] = _tempered(log, kilometre, TOP20_SHARE[group])
        drift[group] = _walk(rng, steps, _BUMPS, 0.18, 0.03).astype(np.float32)
    return Intensity(
        county,
        first_day,
        steps,
        base,
        bumps,
        drift,
        _levels(rng, first_day, steps * STEP_DAYS),
        _shifts(rng, county, first_day, steps, shifts),
        chronic,
    )


def truth_of_windows(
    intensity: Intensity, mixes: dict[str, dict[str, float]], last_steps: int | None = None
) -> pl.DataFrame:
    """Expected offences in each fine square and four-week step: one column a name of `mixes`.

    Counts what places draw of themselves plus the mean of near-repeats (spread as their parents are); a particular
    run of near-repeats after a particular crime is not in it.

    Args:
        mixes: name -> group -> offences in four weeks at mean level.
    """
    first = 0 if last_steps is None else max(0, intensity.steps - last_steps)
    frames = []
    corners = intensity.county.squares
    for step in range(first, intensity.steps):
        days = slice(step * STEP_DAYS, (step + 1) * STEP_DAYS)
        share = {g: intensity.shares(g, step) * float(intensity.level[g][days].mean()) for g in GROUPS}
        columns = {
            name: sum((volume * share[group] for group, volume in mix.items()), np.zeros(len(corners))).astype(
                np.float32
            )
            for name, mix in mixes.items()
        }
        frames.append(
            pl.DataFrame(
                {
                    "easting_m": corners[:, 0].astype(np.int32),
                    "northing_m": corners[:, 1].astype(np.int32),
                    **columns,
                }
            ).with_columns(pl.lit(intensity.step_first_day(step)).alias("first_day"))
        )
    return pl.concat(frames)
