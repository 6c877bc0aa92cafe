"""Were we right about people? Chances given and what came, in: the record that pages print, out.

Put high: the first people of a release in each unit, as many as the unit can consider; by the card's chance, ties by harm, and
beside it by plain harm, of the same people. Net benefit: Vickers and Elkin (2006), Medical Decision Making 26, 565-574.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from harmcast.documents.people_results import PeopleResults, PutHigh, YearOfReleases
from harmcast.fairness import ratios
from harmcast.fairness.intervals import USUAL

Z90 = 1.6448536269514722
GIVEN = {
    "person_ref": pl.String, "released_on": pl.Date, "unit": pl.String, "chance": pl.Float64, "harm": pl.Float64, "became": pl.Boolean,
    "group_low": pl.Float64, "group_high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Capacity:
    """How many people are put high: so many in each unit of a release, or without a number a share of all those with a chance.

    Attributes: `useful`: share of looks that must be useful for a look to be worth it; None: nobody has said.
    """

    people: int | None
    share: float
    useful: float | None = None


def put_high(given: pl.DataFrame, capacity: Capacity, by: tuple[str, ...]) -> pl.Series:
    """Whether each row is among the first of its release (and unit), highest `by` first; ties left go by reference."""
    over = ["released_on", "unit"] if capacity.people is not None else ["released_on"]
    order = given.with_row_index("row").sort([*by, "person_ref"], descending=[*(True for _ in by), False])
    place = pl.int_range(pl.len()).over(over)
    first = place < capacity.people if capacity.people is not None else place < (pl.len().over(over) * capacity.share).round().clip(1)
    return order.with_columns(first=first).sort("row")["first"]


def flagged(given: pl.DataFrame, capacity: Capacity) -> pl.DataFrame:
    """`given` (columns GIVEN, nothing null but unit) with `by_card`, `by_harm`: put high or not."""
    return given.with_columns(
        by_card=put_high(given, capacity, ("chance", "harm")),
        by_harm=put_high(given, capacity, ("harm", "chance")),
    )


def net_benefit(hits: int, looked_at: int, people: int, useful: float) -> float:
    """Useful looks less useless ones at the odds at which they weigh the same, for each person with a chance."""
    return hits / people - (looked_at - hits) / people * useful / (1 - useful)


def gain(rows: pl.DataFrame) -> tuple[float, float, float] | None:
    """What the card's first hold more of those who became than plain harm's, over plain harm's, and the ends of its 90% interval.

    Only who is in one of the two and not the other moves it; a person's rows are taken together. None where plain harm's hold nobody.
    """
    plain = int((rows["by_harm"] & rows["became"]).sum())
    if not plain:
        return None
    off = rows.filter("became").select("person_ref", d=pl.col("by_card").cast(pl.Int64) - pl.col("by_harm").cast(pl.Int64))
    each = off.group_by("person_ref").agg(pl.col("d").sum())["d"].to_numpy()
    half = Z90 * float(np.sqrt((each**2).sum()))
    return float(each.sum() / plain), float((each.sum() - half) / plain), float((each.sum() + half) / plain)


def results(given: pl.DataFrame, months: int, capacity: Capacity, rehearsal: bool, small: int) -> PeopleResults | None:
    """What was said and what came of releases judged; None where no row has both a chance and an outcome.

    Args: `given`: columns GIVEN, a row a person and release; rows without a chance or an outcome are passed over.
        small: counts from 1 to under this are not kept, nor what gives them away.
    """
    known = given.drop_nulls(["chance", "became", "harm"])
    if known.is_empty():
        return None
    rows = flagged(known, capacity)
    everyone = ratios.of_all(rows, "person_ref")
    verdict = ratios.judged([everyone], rehearsal)["verdict"][0]
    low, high = everyone.interval(USUAL)
    hidden = 0 < everyone.became < small
    card, plain = (_put(rows, by, capacity, small) for by in ("by_card", "by_harm"))
    found = None if card.became is None or plain.became is None else gain(rows)
    days = rows["released_on"].unique().sort()
    return PeopleResults(
        months=months,
        rehearsal=rehearsal,
        first_day=str(days[0]),
        last_day=str(days[-1]),
        releases=len(days),
        people=rows.height,
        distinct=None if hidden else everyone.distinct,
        said=everyone.said,
        came=None if hidden else everyone.became,
        ratio=None if hidden else everyone.ratio,
        ratio_low=None if hidden else low,
        ratio_high=None if hidden else high,
        least_ratio=ratios.least_ratio(everyone.said),
        verdict=verdict,
        capacity=capacity.people,
        capacity_share=capacity.share,
        useful_share=capacity.useful,
        card=card,
        plain=plain,
        gain=None if found is None else found[0],
        gain_low=None if found is None else found[1],
        years=_years(rows, capacity, small),
    )


def _put(rows: pl.DataFrame, by: str, capacity: Capacity, small: int) -> PutHigh:
    """Counts of one order; none of them where one is small, because they add up."""
    put, became = rows[by], rows["became"]
    looked_at, hits, missed = int(put.sum()), int((put & became).sum()), int((~put & became).sum())
    if any(0 < n < small for n in (hits, missed)):
        return PutHigh(looked_at, None, None, None)
    return PutHigh(looked_at, hits, missed, None if capacity.useful is None else net_benefit(hits, looked_at, rows.height, capacity.useful))


def _years(rows: pl.DataFrame, capacity: Capacity, small: int) -> tuple[YearOfReleases, ...]:
    """By calendar year of release; where one year alone is small the next smallest goes too, or the total would give it away."""
    parts = {int(year): part for (year,), part in rows.sort("released_on").group_by(pl.col("released_on").dt.year(), maintain_order=True)}
    came = {year: int(part["became"].sum()) for year, part in parts.items()}
    put = {year: _put(part, "by_card", capacity, small) for year, part in parts.items()}
    no_count = _with_another({year for year, n in came.items() if 0 < n < small}, came)
    nothing_put = _with_another({year for year, one in put.items() if one.became is None} | no_count, came)
    return tuple(
        YearOfReleases(
            year, part["released_on"].n_unique(), part.height, float(part["chance"].sum()), None if year in no_count else came[year],
            PutHigh(put[year].put_high, None, None, None) if year in nothing_put else put[year],
        )
        for year, part in parts.items()
    )  # fmt: skip


def _with_another(hidden: set[int], came: dict[int, int]) -> set[int]:
    """The years hidden, and the next smallest beside one that stands alone."""
    others = sorted(set(came) - hidden, key=lambda year: (came[year], year))
    return hidden | set(others[:1]) if len(hidden) == 1 else hidden
