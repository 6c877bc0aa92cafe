"""Chances as people read them: "3 in 50", a range, and which band of chances they fall in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harmcast import words

LEAST = 0.005  # a chance below this is printed as UNDER: records cannot say it finer
UNDER = "under 1 in 200"
OUT_OF = (10, 20, 50, 100, 200, 500, 1000)
CLOSE_SHARE = 0.1
BLURRED_SHARE = 0.25
BANDS: tuple[tuple[float, str], ...] = (
    (0.10, "10 in 100 or more"),
    (0.05, "5 to 10 in 100"),
    (0.02, "2 to 5 in 100"),
    (0.0, "under 2 in 100"),
)


def frequency(chance: float | None) -> str:
    """A chance as whole people: the smallest group in which it is a whole number within a tenth of it.

    0.06 is "3 in 50"; under .005 is "under 1 in 200"; null is "no chance given".
    """
    if chance is None:
        return "no chance given"
    if chance < LEAST:
        return UNDER
    if chance >= 0.995:
        return "nearly all"
    for group in OUT_OF:
        whole = round(chance * group)
        if 0 < whole < group and abs(whole / group - chance) <= CLOSE_SHARE * min(chance, 1 - chance):
            return f"{whole} in {group:,}"
    return f"{round(chance * 1000)} in 1,000"


def together(chances: Sequence[float | None]) -> list[str]:
    """Chances that stand side by side, all as whole people of one group, so that they compare at a glance.

    Of 100; of 1,000 where one is under 1 in 100, or where two over a quarter apart would read the same.
    """
    given = [c for c in chances if c is not None]
    blurred = any(
        round(100 * a) == round(100 * b) and abs(a - b) > BLURRED_SHARE * min(a, b) for a, b in combinations(given, 2)
    )
    group = 1000 if blurred or any(c < 0.01 for c in given) else 100
    return [_of(c, group) for c in chances]


def _of(chance: float | None, group: int) -> str:
    if chance is None:
        return "no chance given"
    if chance < LEAST:
        return UNDER
    whole = round(chance * group)
    return "nearly all" if whole >= group else f"{whole} in {group:,}"


def likely(low: float | None, high: float | None) -> str:
    """A range of chances: "likely 4% to 9%"."""
    if low is None or high is None:
        return "no range"
    first, last = words.share(low), words.share(high)
    return f"likely {first}" if first == last else f"likely {first} to {last}"


def band(chance: float | None) -> int | None:
    """Which of BANDS a chance falls in: 0 is the highest; None where no chance is given."""
    if chance is None:
        return None
    return next(i for i, (least, _) in enumerate(BANDS) if chance >= least)
