"""Numbers, dates and changes in words, the same on every page.

Ranges come before the number; shares under 1% and over 99% are said so; a change is a percentage only from a count of
20 on, otherwise words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

MISSING = "not held"
LEAST_CHANCE = 0.005  # a chance below it is printed as under: records cannot say it finer
_UNUSUAL = 0.05
_FEWEST_FOR_PERCENT = 20


MODELS = {
    "count_4w": "plain count, last 4 weeks",
    "count_last_year": "plain count, same weeks last year",
    "count_12m": "plain count, 12 months",
    "count_24m": "plain count, 24 months",
    "count_36m": "plain count, 36 months",
    "count_all": "plain count, all history",
    "ewma": "exponentially weighted count",
    "empirical_bayes": "counts shrunk to their neighbourhood (empirical Bayes)",
    "dynamic_pool": "place model that follows each week",
    "mixture": "place model",
    "ours": "this tool's model",
    "released": "the released forecast",
    "plain_harm": "plain harm score",
    "everyone": "base rate alone",
    "oracle": "perfect knowledge of each cell's mean",
    "foresight": "perfect foresight",
}


def day(value: date | None) -> str:
    """16 November 2026."""
    return MISSING if value is None else f"{value.day} {value:%B %Y}"


def short_day(value: date | None) -> str:
    """16 Nov 2026."""
    return MISSING if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """16 November 2026 at 07:12."""
    return MISSING if value is None else f"{day(value.date())} at {value:%H:%M}"


def window(origin: date, weeks: int) -> str:
    """Days that a forecast speaks of: 16 November to 13 December 2026."""
    last = origin + timedelta(days=7 * weeks - 1)
    first = f"{origin.day} {origin:%B}" if origin.year == last.year else day(origin)
    return f"{first} to {day(last)}"


def count(value: float | None) -> str:
    """A whole number with thousands parted: 1,234."""
    return MISSING if value is None else f"{round(value):,}"


def number(value: float | None, digits: int = 1) -> str:
    """A number to `digits` decimals; what would round to nothing is "under 0.1"."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if value == 0:
        return "0"
    least = 10.0**-digits
    if 0 < value < least / 2:
        return f"under {least:.{digits}f}"
    return f"{value:,.{digits}f}"


def share(value: float | None, digits: int = 0) -> str:
    """A share as a percentage; never 0% or 100% for what is only near them."""
    if value is None or math.isnan(value):
        return MISSING
    if 0 < value < 0.5 * 10 ** (-digits - 2):
        return f"under {10.0**-digits:.{digits}f}%"
    if 1 - 0.5 * 10 ** (-digits - 2) < value < 1:
        return f"over {100 - 10.0**-digits:.{digits}f}%"
    return f"{100 * value:.{digits}f}%"


def chance(value: float | None) -> str:
    """A chance as a percentage: "under 1%" and "over 99%" at the ends, since a forecast is never sure."""
    if value is None or math.isnan(value):
        return MISSING
    return "under 1%" if value < 0.005 else "over 99%" if value > 0.995 else f"{100 * value:.0f}%"


def in_hundred(value: float | None) -> str:
    """A chance as people of 100, the one denominator of pages about people: "5", "0.9", "under 0.5"; null: "no chance given"."""
    if value is None or math.isnan(value):
        return "no chance given"
    if value < LEAST_CHANCE:
        return "under 0.5"
    if value < 0.00995:
        return f"{100 * value:.1f}"
    return "over 99" if value >= 0.995 else f"{100 * value:.0f}"


def hundred_span(low: float | None, high: float | None) -> str:
    """A range of chances in people of 100: "1 to 18"."""
    if low is None or high is None:
        return "no range"
    first, last = in_hundred(low), in_hundred(high)
    return first if first == last else f"{first} to {last}"


def span(low: float | None, high: float | None) -> str:
    """A range of whole numbers: "0 to 3"; one number where both ends are the same."""
    if low is None or high is None:
        return MISSING
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def share_span(low: float | None, high: float | None, digits: int = 0) -> str:
    """A range of shares: "12% to 19%"."""
    if low is None or high is None:
        return "no range"
    return f"{share(low, digits)} to {share(high, digits)}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """1 cell, 2 cells, 1,200 cells."""
    return f"{n:,} {one if n == 1 else (many or one + 's')}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def chance_of_at_least(k: int, mean: float) -> float:
    """Chance that a Poisson count of that mean is `k` or more; 0 to 1."""
    if k <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    term = total = math.exp(-mean)
    for i in range(1, k):
        term *= mean / i
        total += term
    return max(0.0, 1.0 - total)


def change(last_4w: float | None, usual: float | None) -> str:
    """How the last four weeks compare with the cell's own usual four weeks, in words.

    Higher or lower is said only where such a count would come up by chance in under 1 of 20 such cells (Poisson).
    A percentage is given only where the usual count is 20 or more.

    Args:
        last_4w: count in the last 4 weeks, offences; None: no records of them.
        usual: mean 4-week count over the last 52 weeks, offences; None likewise.
    """
    if last_4w is None or usual is None:
        return "not known: no records"
    seen = round(last_4w)
    if usual <= 0 and seen == 0:
        return "none for a year"
    if seen > usual and chance_of_at_least(seen, usual) < _UNUSUAL:
        words = "higher than its own usual"
    elif seen < usual and 1 - chance_of_at_least(seen + 1, usual) < _UNUSUAL:
        words = "lower than its own usual"
    else:
        return "about its usual"
    if usual >= _FEWEST_FOR_PERCENT:
        words += f" ({100 * (seen - usual) / usual:+.0f}%)"
    return words


def model_name(name: str | None) -> str:
    """A model's stored name as read on a page."""
    if not name:
        return MISSING
    return MODELS.get(name, name.replace("_", " "))


def cell(name: str) -> str:
    """A square cell's name with easting and northing apart: "E412000 N289000"; another key as it stands."""
    east, parted, north = name.partition("N")
    fits = parted and east[:1] == "E" and east[1:].lstrip("-").isdigit() and north.lstrip("-").isdigit()
    return f"{east} N{north}" if fits else name
