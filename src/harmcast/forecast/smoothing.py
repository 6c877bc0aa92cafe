"""Smoothing over neighbours: kernels that know how much land each unit has and where the force ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harmcast.places.grid import Units

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]


def kernel(distances_m: Matrix, bandwidth_m: float, land_m2: Floats) -> Matrix:
    """Edge-corrected Gaussian kernel: row i turns counts of all units into unit i's smoothed rate.

    A crime in unit j is spread over the units near it in proportion to their land, so that nothing is lost over the
    border and unequal units get their due: the columns add up to 1.

    Source: Diggle (1985), Applied Statistics 34, 138-147 (edge correction by the kernel's mass inside the area).
    """
    weight = np.exp(-0.5 * (distances_m / np.float32(bandwidth_m)) ** 2) * land_m2.astype(np.float32)[:, None]
    return np.asarray(weight / weight.sum(axis=0, keepdims=True), dtype=np.float32)


def exposure(units: Units) -> Floats:
    """What a unit's rate is measured against before anything is known of it: shares that add up to 1.

    Land for squares. For polygons with known residents the geometric middle of land and residents: a ward of the centre
    has few of the first and a park few of the second.
    """
    land = np.asarray(units.land_m2 / units.land_m2.sum())
    if units.residents is None or units.residents.sum() <= 0:
        return land
    people = np.maximum(units.residents, 1.0) / np.maximum(units.residents, 1.0).sum()
    mixed = np.sqrt(land * people)
    return np.asarray(mixed / mixed.sum())
