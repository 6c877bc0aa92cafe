"""What may leave: small counts, and what gives them away.

A family is every count of one report that adds up with another: cells, margins, and totals that several tables share.
A count under the small number is hidden, zero included, with as many others as it takes that nobody can work out that
it is small: the publisher attacks its own table with a linear programme before anyone else can. The same holds for
the difference to what was published before. Every hidden count bears the same mark, and a rate is printed only where
both of its counts are.
Source: Fischetti and Salazar (2000), Journal of the American Statistical Association 95, 916-928 (the attacker's
programme); Government Analysis Function, guidance on symbols in tables ([c]: confidential).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

SMALL_NUMBER = 5
HOLD_DAYS = 91
EXCESS = 3  # so many others hidden for each small count are looked through again
MARK = "[c]"

Key = Any
Sum = tuple[Key, tuple[Key, ...]]


@dataclass(frozen=True)
class Family:
    """Counts that add up with one another: `sums` says which key is the total of which others.

    A total shared by several tables has one key, so that what one table hides no other table gives away.
    """

    counts: Mapping[Key, int]
    sums: tuple[Sum, ...]

    def __post_init__(self) -> None:
        for total, parts in self.sums:
            if self.counts[total] != sum(self.counts[part] for part in parts):
                raise ValueError("a total is not the sum of its parts")
        if any(count < 0 for count in self.counts.values()):
            raise ValueError("a count is below 0")


@dataclass(frozen=True)
class Published:
    """What a report printed of a family on its day: key -> count, null where hidden."""

    as_of: date
    shown: Mapping[Key, int | None]
    sums: tuple[Sum, ...]

    def document(self) -> dict[str, Any]:
        """The same as one JSON-ready document, to be kept for the next report's comparison."""
        return {
            "as_of": self.as_of.isoformat(),
            "shown": [[_listed(key), value] for key, value in self.shown.items()],
            "sums": [[_listed(total), [_listed(part) for part in parts]] for total, parts in self.sums],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Published:
        return cls(
            date.fromisoformat(document["as_of"]),
            {_keyed(key): value for key, value in document["shown"]},
            tuple((_keyed(total), tuple(_keyed(part) for part in parts)) for total, parts in document["sums"]),
        )


def _listed(key: Key) -> Any:
    return list(key) if isinstance(key, tuple) else key


def _keyed(key: Any) -> Key:
    return tuple(key) if isinstance(key, list) else key


def release(
    family: Family,
    as_of: date,
    earlier: Sequence[Published] = (),
    *,
    small: int = SMALL_NUMBER,
    hold_days: int = HOLD_DAYS,
) -> Published:
    """What a report of `as_of` may print of a family, after what was printed before.

    The same day again prints the same again. While a count differs by 1 to `small` - 1 from one printed less than
    `hold_days` before or after, the table printed then stands (its date says so). After that a new table is
    printed, with those counts hidden.
    """
    earlier = list({(b.as_of, frozenset(b.shown.items())): b for b in earlier}.values())
    for before in earlier:
        if before.as_of == as_of:
            return before
    near = [b for b in earlier if abs((as_of - b.as_of).days) < hold_days and _conflicts(family, b, small)]
    if near:
        return min(near, key=lambda b: (abs((as_of - b.as_of).days), b.as_of))
    hidden = protect(family, earlier, small=small)
    return Published(as_of, {k: None if k in hidden else c for k, c in family.counts.items()}, family.sums)


def next_after(published: Published, hold_days: int = HOLD_DAYS) -> date:
    """First day on which a held table gives way to a new one in any case."""
    return published.as_of + timedelta(days=hold_days)


def rounded(published: Published, to: int = SMALL_NUMBER) -> Published:
    """The same with every printed count rounded to the nearest multiple of `to`, each for itself (halves up)."""
    return Published(
        published.as_of,
        {k: None if c is None else (2 * c + to) // (2 * to) * to for k, c in published.shown.items()},
        published.sums,
    )


def protect(family: Family, earlier: Iterable[Published] = (), *, small: int = SMALL_NUMBER) -> frozenset[Key]:
    """The counts to hide so that no count under `small`, and no such difference to an earlier table, can be told.

    To tell means that everything printed, sums and counts at or above 0 together leave no value of `small` or more.
    Hiding more never makes anything easier to tell, so the loop ends; what it adds first is the smallest neighbour.
    """
    counts = family.counts
    hidden = {key for key, count in counts.items() if count < small}
    for key in sorted(hidden, key=repr):
        while _problem(family, hidden).most(key) < small and _hide_one_more(family, hidden, key):
            pass
    _without_excess(family, hidden, small)
    for before in earlier:
        spans = {key: span for key, span in _spans(before).items() if key in counts}
        for key, (low, high) in spans.items():
            if low == high and 0 < abs(counts[key] - low) < small:
                hidden.add(key)
        for key, (low, high) in sorted(spans.items(), key=repr):
            if key in hidden or low < high:
                _widen_difference(family, hidden, key, low, high, small)
    return frozenset(hidden)


def bounds(shown: Mapping[Key, int | None], sums: Sequence[Sum], key: Key) -> tuple[float, float]:
    """Least and most that a hidden count can be, from all that is printed; an open end is infinite."""
    known = {k: v for k, v in shown.items() if v is not None}
    hidden = [k for k, v in shown.items() if v is None]
    problem = _Problem(hidden, known, sums)
    return problem.least(key), problem.most(key)


def _conflicts(family: Family, before: Published, small: int) -> bool:
    return any(
        value is not None and key in family.counts and 0 < abs(family.counts[key] - value) < small
        for key, value in before.shown.items()
    )


def _spans(before: Published) -> dict[Key, tuple[float, float]]:
    return {
        key: (float(value), float(value)) if value is not None else bounds(before.shown, before.sums, key)
        for key, value in before.shown.items()
    }


def _widen_difference(family: Family, hidden: set[Key], key: Key, low: float, high: float, small: int) -> None:
    """Hide until now less then (then lies in `low` to `high`) may be `small` or more, or minus that."""
    count = float(family.counts[key])  # the truth is among what an attacker must think possible
    while not (count - low >= small or count - high <= -small):
        if key in hidden:
            problem = _problem(family, hidden)
            if problem.most(key) - low >= small or problem.least(key) - high <= -small:
                return
            if not _hide_one_more(family, hidden, key):
                return
        elif low == high == count:
            return
        else:
            hidden.add(key)


def _problem(family: Family, hidden: set[Key]) -> _Problem:
    known = {k: c for k, c in family.counts.items() if k not in hidden}
    return _Problem(sorted(hidden, key=repr), known, family.sums)


def _hide_one_more(family: Family, hidden: set[Key], key: Key) -> bool:
    """Hide one more printed count that hangs together with `key`: first where a sum alone gives a hidden one away.

    Parts before totals, small counts before large ones.
    """
    reached, touching = {key}, set[int]()
    while True:
        more = {i for i, (t, p) in enumerate(family.sums) if i not in touching and reached & {t, *p}}
        if not more:
            break
        touching |= more
        reached |= {k for i in more for k in (family.sums[i][0], *family.sums[i][1])} & hidden
    sums = [family.sums[i] for i in sorted(touching)]
    shared = _shared(family)
    single = [(t, p) for t, p in sums if len(hidden & {t, *p}) == 1]
    own = [(t, p) for t, p in single if key in {t, *p}]
    for chosen in (own, single, sums):
        candidates = {k for t, p in chosen for k in (t, *p)} - hidden
        if candidates:
            hidden.add(min(candidates, key=lambda k: (shared[k], family.counts[k], repr(k))))
            return True
    return False


def _shared(family: Family) -> dict[Key, int]:
    """In how many sums each key is: a total of many tables costs more to hide than a cell."""
    found = dict.fromkeys(family.counts, 0)
    for total, parts in family.sums:
        found[total] += 2
        for part in parts:
            found[part] += 1
    return found


def _without_excess(family: Family, hidden: set[Key], small: int) -> None:
    """Prints again what was hidden in vain: what the greedy choice took and no small count needs, shared totals first."""
    sensitive = [key for key in hidden if family.counts[key] < small]
    if len(hidden) - len(sensitive) <= EXCESS * len(sensitive):
        return
    shared = _shared(family)
    for key in sorted(hidden - set(sensitive), key=lambda k: (shared[k], family.counts[k], repr(k)), reverse=True):
        hidden.discard(key)
        if any(_problem(family, hidden).most(one) < small for one in sensitive):
            hidden.add(key)


class _Problem:
    """The attacker's view: hidden counts as unknowns of 0 or more, bound by the sums with what is printed."""

    def __init__(self, hidden: Sequence[Key], known: Mapping[Key, int], sums: Sequence[Sum]) -> None:
        self.index = {key: i for i, key in enumerate(hidden)}
        self.rows: list[dict[int, float]] = []
        self.sides: list[float] = []
        for total, parts in sums:
            row: dict[int, float] = {}
            side = 0.0
            for member, sign in ((total, -1.0), *((part, 1.0) for part in parts)):
                if member in self.index:
                    row[self.index[member]] = row.get(self.index[member], 0.0) + sign
                else:
                    side -= sign * known[member]
            if row:
                self.rows.append(row)
                self.sides.append(side)

    def most(self, key: Key) -> float:
        return self._solve(key, -1.0)

    def least(self, key: Key) -> float:
        return self._solve(key, 1.0)

    def _connected(self, start: int) -> tuple[list[int], list[int]]:
        """Unknowns and sums that hang together with one unknown: the rest has no say."""
        unknowns, rows = {start}, set[int]()
        while True:
            more = {r for r, row in enumerate(self.rows) if r not in rows and unknowns & row.keys()}
            if not more:
                return sorted(unknowns), sorted(rows)
            rows |= more
            unknowns |= {i for r in more for i in self.rows[r]}

    def _solve(self, key: Key, sign: float) -> float:
        unknowns, rows = self._connected(self.index[key])
        if not rows:
            return 0.0 if sign > 0 else float("inf")
        if len(rows) == 1 and all(v > 0 for v in self.rows[rows[0]].values()):
            side = self.sides[rows[0]]
            return side if sign < 0 or len(unknowns) == 1 else 0.0
        from scipy.optimize import linprog

        place = {unknown: i for i, unknown in enumerate(unknowns)}
        equations = [[0.0] * len(unknowns) for _ in rows]
        for line, r in zip(equations, rows, strict=True):
            for unknown, value in self.rows[r].items():
                line[place[unknown]] = value
        goal = [0.0] * len(unknowns)
        goal[place[self.index[key]]] = sign
        found = linprog(goal, A_eq=equations, b_eq=[self.sides[r] for r in rows], bounds=(0, None), method="highs")
        if found.status == 3:
            return float("inf")
        if found.status != 0:
            raise ArithmeticError("the attacker's programme has no solution")
        return round(sign * float(found.fun), 6)
