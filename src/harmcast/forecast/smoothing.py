"""Smoothing over neighbours: kernels that know how much land each unit has and where the force ends."""

from __future__ import annotations

import numpy as np

from harmcast.places.grid import Floats, Matrix, Units, blocks

FARTHEST = 12.0


def kernel(distances_m: Matrix, bandwidth_m: float, land_m2: Floats) -> Matrix:
    """Edge-corrected Gaussian kernel: row i turns counts of all units into unit i's smoothed rate.

    A crime in unit j is spread over the units near it in proportion to their land, so that nothing is lost over the
    border and unequal units get their due: the columns add up to 1. Beyond 12 bandwidths, where a crime counts for 1e-31 of itself,
    it fades no further: processors crawl over numbers next to nothing.

    Source: Diggle (1985), Applied Statistics 34, 138-147 (edge correction by the kernel's mass inside the area).
    """
    weight, land = np.empty_like(distances_m), land_m2.astype(np.float32)[:, None]
    for some in blocks(len(weight)):
        away = np.minimum(distances_m[some] / np.float32(bandwidth_m), np.float32(FARTHEST))
        weight[some] = np.exp(-0.5 * away**2) * land[some]
    weight /= weight.sum(axis=0)
    return weight


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
