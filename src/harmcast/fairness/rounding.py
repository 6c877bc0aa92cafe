"""Controlled rounding: counts to multiples of a base, so that every sum still holds and each is less than the base away.

A whole family of counts is rounded at once, cells, margins and totals that several tables share, as a mixed integer programme:
the sum of the distances is least, and of the ways that are least alike a secret decides. Where no such rounding exists a count
may go one base further.
Source: Cox and Ernst (1982), INFOR 20, 423-432; tau-ARGUS user's manual, controlled rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

CountKey = tuple[str, ...]
CountSum = tuple[CountKey, tuple[CountKey, ...]]
Drawn = Callable[[CountKey], float]
SLACKS = (0, 1, 2)  # bases further than the nearest two that a count may go


@dataclass(frozen=True)
class CountFamily:
    """Counts that add up with one another; `sums` says which key is the total of which others."""

    counts: Mapping[CountKey, int]
    sums: tuple[CountSum, ...]

    def __post_init__(self) -> None:
        for total, parts in self.sums:
            if self.counts[total] != sum(self.counts[part] for part in parts):
                raise ValueError("a total is not the sum of its parts")
        if any(count < 0 for count in self.counts.values()):
            raise ValueError("a count is below 0")


@dataclass(frozen=True)
class Rounded:
    """Rounded counts, and how many bases further than the nearest two they had to go (0: none had to)."""

    counts: Mapping[CountKey, int]
    slack: int


def controlled(family: CountFamily, drawn: Drawn, base: int = 5) -> Rounded:
    """The family rounded to multiples of `base`.

    Args:
        drawn: a number from 0 to under 1 for each key, of a secret: which of equally near roundings is taken.
    Returns: |rounded - count| < base without slack; every sum holds exactly; a multiple of the base keeps its value; 0 stays 0.
    Raises: ArithmeticError if there is none even two bases further: the sums contradict one another.
    """
    keys = sorted(family.counts)
    if not keys:
        return Rounded({}, 0)
    draws = np.array([drawn(key) for key in keys])
    for slack in SLACKS:
        found = _solved(family, keys, draws, base, slack)
        if found is not None:
            return Rounded(dict(zip(keys, found, strict=True)), slack)
    raise ArithmeticError("no rounding keeps these sums")


def _solved(family: CountFamily, keys: list[CountKey], draws: np.ndarray, base: int, slack: int) -> list[int] | None:
    """Steps up from the multiple below, one whole number a count, and beside it its distance where it may go further."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, csr_array, hstack, identity, vstack

    counts = np.array([family.counts[key] for key in keys])
    below, rest = counts // base, counts % base
    n = len(keys)
    lowest = np.maximum(-slack, -below)
    highest = np.where(rest > 0, 1, 0) + slack
    highest = np.where(counts == 0, 0, highest)
    tie = draws / (n + 1)
    place = {key: i for i, key in enumerate(keys)}
    rows, columns, values, sides = [], [], [], []
    for number, (total, parts) in enumerate(family.sums):
        for key, sign in ((total, -1), *((part, 1) for part in parts)):
            rows.append(number)
            columns.append(place[key])
            values.append(sign)
        sides.append(int(below[place[total]] - sum(below[place[part]] for part in parts)))
    equal = csr_array(coo_array((values, (rows, columns)), shape=(len(family.sums), n), dtype=float))
    if slack == 0:
        found = milp(
            base - 2 * rest + tie,
            constraints=[LinearConstraint(equal, sides, sides)] if sides else [],
            integrality=np.ones(n),
            bounds=Bounds(lowest, highest),
            options={"mip_rel_gap": 0.0},
        )
    else:  # distance d >= |base * step - rest|
        steps, distance = identity(n, format="csr"), identity(n, format="csr")
        away = vstack([hstack([-base * steps, distance]), hstack([base * steps, distance])], format="csr")
        sums = [LinearConstraint(hstack([equal, csr_array((len(sides), n))], format="csr"), sides, sides)] if sides else []
        found = milp(
            np.concatenate([tie, np.ones(n)]),
            constraints=[LinearConstraint(away, np.concatenate([-rest, rest]), np.inf), *sums],
            integrality=np.concatenate([np.ones(n), np.zeros(n)]),
            bounds=Bounds(np.concatenate([lowest, np.zeros(n)]), np.concatenate([highest, np.full(n, np.inf)])),
            options={"mip_rel_gap": 0.0},
        )
    if found.x is None:
        return None
    return [int(base * (low + round(step))) for low, step in zip(below, found.x[:n], strict=True)]
