"""A bank of simple shares: each one thing that is true of where crime falls, for the pool to weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harmcast.forecast.baselines import Counts
from harmcast.forecast.smoothing import exposure, kernel
from harmcast.places.grid import Floats, Matrix, Units

WEEKS_A_WINDOW = 4
OWN_HALF_LIVES = (6.0, 26.0, 104.0)
KERNELS = ((150.0, 104.0), (300.0, 104.0), (600.0, 26.0), (300.0, 0.5))
LEADING_HALF_LIVES = (6.0, 52.0)
LEADING_KERNEL = (1000.0, 52.0)
SHORT, LONG, TREND_M = 2.0, 104.0, 1200.0
LEAST_SEEN = 0.05


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What depends on the units alone: distances, land, exposure, and each kernel once it is asked for."""

    distances_m: Matrix
    land_m2: Floats
    exposure: Floats
    kernels: dict[float, Matrix] = field(default_factory=dict)

    def near(self, counts: Floats, width_m: float) -> Floats:
        """Counts of all units, each spread over the units around it."""
        if width_m not in self.kernels:
            self.kernels[width_m] = kernel(self.distances_m, width_m, self.land_m2)
        return np.asarray(self.kernels[width_m] @ counts.astype(np.float32), dtype=np.float64)


def surroundings(units: Units) -> Surroundings:
    """Distances and exposure, with a floor so that no unit is without any."""
    share = exposure(units)
    floored = np.maximum(share, 0.02 * np.median(share))
    return Surroundings(units.distances_m(), units.land_m2, floored / floored.sum())


def decayed(weekly: Counts | NDArray[np.float32], half_life_windows: float, positions: Sequence[int]) -> Floats:
    """(positions, units) counts before each week position, each crime's weight halved every `half_life_windows` x 4 weeks.

    Positions must rise.
    """
    fade = 0.5 ** (1.0 / (half_life_windows * WEEKS_A_WINDOW))
    found = np.zeros((len(positions), weekly.shape[1]))
    state, at = np.zeros(weekly.shape[1]), 0
    for k, position in enumerate(positions):
        span = position - at
        if span:
            age = fade ** np.arange(span - 1, -1, -1, dtype=np.float64)
            state = state * fade**span + age @ weekly[at:position]
            at = position
        found[k] = state
    return found


def _exposed(seen: NDArray[np.bool_], life: float, positions: Sequence[int]) -> Floats:
    """(positions, units) share of the decayed weeks of which records are held."""
    whole = decayed(np.ones((len(seen), 1), dtype=np.int32), life, positions)
    return np.asarray(decayed(seen.astype(np.int32), life, positions) / np.maximum(whole, 1e-9))


class History:
    """What the bank and the filter's coefficients say before each of some week positions.

    Each position is computed by itself, so that asking for one or for all gives the same numbers to the last bit. Kernels
    go by the places where crimes happened (`near`, of `Panel.near`), or where they are not given by the units' centres. Counts of
    units of which weeks are missing (`seen`, of `Panel.seen`) are divided by the share of the decayed weeks that is seen.
    """

    def __init__(
        self,
        weekly: Counts,
        leading: Mapping[str, Counts],
        around: Surroundings,
        positions: Sequence[int],
        near: Mapping[float, NDArray[np.float32]],
        seen: NDArray[np.bool_] | None = None,
    ) -> None:
        self._around = around
        kinds = sorted(leading)
        lives = sorted({*OWN_HALF_LIVES, *(life for _, life in KERNELS), SHORT, LONG})
        others = sorted({*LEADING_HALF_LIVES, LEADING_KERNEL[1]})
        exposed = {} if seen is None or (seen == seen[:, :1]).all() else {life: _exposed(seen, life, positions) for life in {*lives, *others}}

        def rate(counts: Counts | NDArray[np.float32], life: float) -> Floats:
            found = decayed(counts, life, positions)
            if life not in exposed:
                return found
            usual = decayed(counts, LONG, positions) / np.maximum(exposed[LONG], LEAST_SEEN)
            usual *= (found.sum(axis=1) / np.maximum(usual.sum(axis=1), 1e-9))[:, None]
            part = exposed[life]
            return np.where(part > 1 - 1e-9, found, (found + LEAST_SEEN * usual) / (part + LEAST_SEEN))

        self._own = {life: rate(weekly, life) for life in lives}
        self._spread = {(width, life): rate(near[width], life) for width, life in KERNELS if width in near}
        self._leading = {kind: {life: rate(leading[kind], life) for life in others} for kind in kinds}
        self.member_names = [f"own, half-life {life:g} windows" for life in OWN_HALF_LIVES]
        self.member_names += [f"within {width:g} m, half-life {life:g} windows" for width, life in KERNELS]
        self.member_names.append("exposure")
        for kind in kinds:
            self.member_names += [f"{kind}: own, half-life {life:g} windows" for life in LEADING_HALF_LIVES]
            self.member_names.append(f"{kind}: within {LEADING_KERNEL[0]:g} m, half-life {LEADING_KERNEL[1]:g} windows")
        self.feature_names = [f"{SHORT:g} over {LONG:g} windows within {TREND_M:g} m", *kinds]

    def shares(self, k: int) -> NDArray[np.float32]:
        """(members, units) every member's shares before position `k`, each adding up to 1."""
        members = [self._share(self._own[life][k]) for life in OWN_HALF_LIVES]
        members += [
            self._share(self._spread[width, life][k]) if (width, life) in self._spread else self._near(self._own[life][k], width)
            for width, life in KERNELS
        ]
        members.append(self._around.exposure)
        for counts in self._leading.values():
            members += [self._share(counts[life][k]) for life in LEADING_HALF_LIVES]
            members.append(self._near(counts[LEADING_KERNEL[1]][k], LEADING_KERNEL[0]))
        return np.stack(members).astype(np.float32)

    def features(self, k: int) -> NDArray[np.float32]:
        """(units, features) before position `k`: recent over long-run share nearby, and each leading kind over exposure."""
        base = self._around.exposure
        short, long = self._near(self._own[SHORT][k], TREND_M), self._near(self._own[LONG][k], TREND_M)
        columns = [np.log((short + 0.1 * base) / (long + 0.1 * base))]
        for counts in self._leading.values():
            own = counts[LEADING_KERNEL[1]][k]
            mixed = 0.6 * self._share(own) + 0.35 * self._near(own, LEADING_KERNEL[0]) + 0.05 * base
            columns.append(np.log(mixed / base))
        return np.stack(columns, axis=1).astype(np.float32)

    def _near(self, counts: Floats, width: float) -> Floats:
        return self._share(self._around.near(counts, width))

    def _share(self, counts: Floats) -> Floats:
        total = counts.sum()
        return np.asarray(counts / total) if total > 0 else self._around.exposure
