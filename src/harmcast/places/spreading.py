"""Crimes spread over the units around the very place where each happened.

A crime at the edge of a cell says as much of its neighbour. Counts alone have forgotten that; this keeps it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harmcast.places.grid import Floats, Matrix, Units, Wholes

REACH = 4.0
ENTRIES = 50_000


def masses(units: Units, easting_m: Floats, northing_m: Floats, width_m: float) -> Any:
    """How much of a Gaussian around each place falls on each square cell's land.

    Args:
        units: square cells. easting_m, northing_m: (places,) places inside them, m. width_m: standard deviation, m.
    Returns: SciPy CSR matrix (places, units) of 0 to 1; rows add up to 1, so that nothing is lost over the border.
        A place reaches as many whole cells from its own, each way, as four deviations need; what lies further is left out.
    Raises: ValueError for a layer of polygons.
    Source: Diggle (1985), Applied Statistics 34, 138-147 (edge correction by the kernel's mass inside the area).
    """
    if units.side_m is None:
        raise ValueError("a kernel's mass is worked out for square cells alone")
    from scipy.sparse import csr_matrix
    from scipy.special import ndtr

    side = units.side_m
    column, row = np.floor(easting_m / side).astype(np.int64), np.floor(northing_m / side).astype(np.int64)
    reach = int(np.ceil(REACH * width_m / side))
    edges = np.arange(-reach, reach + 2) * side
    across = np.diff(ndtr((edges - (easting_m - column * side)[:, None]) / width_m), axis=1)
    up = np.diff(ndtr((edges - (northing_m - row * side)[:, None]) / width_m), axis=1)
    left, low = int(units.columns.min()), int(units.rows.min())
    lattice = np.full((int(units.columns.max()) - left + 1 + 2 * reach, int(units.rows.max()) - low + 1 + 2 * reach), -1)
    lattice[units.columns - left + reach, units.rows - low + reach] = np.arange(len(units))
    land = units.land_m2 / side**2
    places, hit, mass = [], [], []
    for i in range(2 * reach + 1):
        for j in range(2 * reach + 1):
            unit = lattice[column - left + i, row - low + j]
            some = np.flatnonzero(unit >= 0)
            places.append(some)
            hit.append(unit[some])
            mass.append(across[some, i] * up[some, j] * land[unit[some]])
    found = csr_matrix(
        (np.concatenate(mass), (np.concatenate(places), np.concatenate(hit))), shape=(len(easting_m), len(units))
    )
    found.data /= np.repeat(np.asarray(found.sum(axis=1)).ravel(), np.diff(found.indptr))
    return found


def spread(
    units: Units, easting_m: Floats, northing_m: Floats, week: Wholes, crimes: Wholes, weeks: int, width_m: float
) -> Matrix:
    """(weeks, units) crimes of each week, each spread by `masses` around its place; a week's sum is its number of crimes.

    Args: one entry a week and place, ordered by both, so that a week's bytes depend on its own crimes alone. Some weeks are
        worked out at a time, so that memory does not grow with the history.
    """
    from scipy.sparse import csr_matrix

    found = np.zeros((weeks, len(units)), dtype=np.float32)
    first = 0
    while first < len(week):
        last = int(np.searchsorted(week, week[min(first + ENTRIES, len(week)) - 1], side="right"))
        block = slice(first, last)
        places, at = np.unique(easting_m[block] + 1j * northing_m[block], return_inverse=True)
        begins, ends = int(week[first]), int(week[last - 1]) + 1
        by_week = csr_matrix((crimes[block].astype(np.float64), (week[block] - begins, at)), shape=(ends - begins, len(places)))
        found[begins:ends] = (by_week @ masses(units, places.real, places.imag, width_m)).toarray()
        first = last
    return found
