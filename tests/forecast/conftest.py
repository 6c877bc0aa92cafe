"""An invented panel with known rates: chronic places, a season, a slow drift."""

from datetime import date

import numpy as np
import pytest

from harmcast.places.counts import NEAR_M, Panel
from harmcast.places.grid import Units, squares_at
from harmcast.places.spreading import spread

ORIGIN = date(2026, 6, 1)


def lattice(across: int = 9, side_m: float = 1000.0) -> Units:
    columns, rows = np.meshgrid(np.arange(across) + 400, np.arange(across) + 280, indexing="ij")
    areas = {}
    import shapely

    middle = (400 + across / 2) * side_m
    areas["West"] = shapely.box(0, 0, middle, 1e7)
    areas["East"] = shapely.box(middle, 0, 1e7, 1e7)
    return squares_at(side_m, columns.ravel(), rows.ravel(), areas=areas)


def somewhere(units: Units, weekly: np.ndarray, seed: int = 11) -> dict[float, np.ndarray]:
    """Every crime of a week and unit at one place in it: `Panel.near` of counts that have no places of their own."""
    if not units.is_square:
        return {}
    spot = np.random.default_rng(seed).uniform(0, units.side_m, (2, len(units)))
    week, unit = np.nonzero(weekly)
    easting, northing = (units.columns * units.side_m + spot[0])[unit], (units.rows * units.side_m + spot[1])[unit]
    return {width: spread(units, easting, northing, week, weekly[week, unit], len(weekly), width) for width in NEAR_M}


def invent(weeks: int = 208, mean_a_week: float = 12.0, seed: int = 5, units: Units | None = None, leading: bool = True):
    """A panel and the weekly rate of each unit in the window after its origin."""
    units = units or lattice()
    rng = np.random.default_rng(seed)
    n = len(units)
    chronic = rng.gamma(0.6, 1.0, n) + 0.05
    share = chronic / chronic.sum()
    t = np.arange(weeks + 4)
    level = mean_a_week * np.exp(0.15 * np.sin(2 * np.pi * t / 52.18) + 0.05 * np.cumsum(rng.normal(0, 0.15, len(t))))
    weekly = rng.poisson(level[:weeks, None] * share[None, :]).astype(np.int32)
    other = {"other": rng.poisson(3 * level[:weeks, None] * share[None, :]).astype(np.int32)} if leading else {}
    panel = Panel(units, ORIGIN, 4, weekly, other, np.ones(weeks), near=somewhere(units, weekly))
    return panel, level[weeks:].sum() * share


@pytest.fixture(scope="session")
def invented():
    return invent()


@pytest.fixture(scope="session")
def panel(invented):
    return invented[0]
