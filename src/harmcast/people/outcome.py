"""What becoming high harm is, counted: one grave charge or many that add up, and which offences; and the cuts of the bands.

Percentiles of today's harm make an outcome that sounds like a career. Where one event alone, or one class of offence, decides
who arrives at high harm, the cut says nothing but that charge: percentile cuts are refused there, and the outcome is called
what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from harmcast.documents.person_model import HighOutcome
from harmcast.errors import SettingsRefused
from harmcast.people import bands
from harmcast.people import charges as charge_rules
from harmcast.people.harm import Decay, day_numbers
from harmcast.people.offences import class_of
from harmcast.people.paths import harm_at_charges

MOST_ALONE, MOST_ONE_CLASS = 0.8, 0.5
LIST = "a new charge on the grave list"
REACHED = "decayed harm reaching the band high"


def arrivals(charges: pl.DataFrame, decay: Decay, cut: float) -> pl.DataFrame:
    """First arrivals at high harm: person_ref, counted_on, offence_class (of the event that then weighs most), alone: whether
    that event reaches the cut by itself on that day.

    Args: `charges`: weighed standing charges (`charges.Held.weighed`).
    """
    path = harm_at_charges(charges, decay).filter(pl.col("harm") >= cut)
    first = path.sort("person_ref", "counted_on").unique("person_ref", keep="first", maintain_order=True).rename({"counted_on": "arrived_on"})
    events = charge_rules.events(charges).join(first.select("person_ref", "arrived_on"), on="person_ref").filter(pl.col("counted_on") <= pl.col("arrived_on"))
    left = decay.share_left(day_numbers(events["arrived_on"]) - day_numbers(events["happened_on"]))
    return (
        events.with_columns(part=pl.col("weight").fill_null(0.0) * pl.Series(left, dtype=pl.Float64))
        .sort(["person_ref", "part", "charge_ref"], descending=[False, True, False])
        .unique("person_ref", keep="first", maintain_order=True)
        .select("person_ref", counted_on="arrived_on", offence_class=class_of(pl.col("offence_code")), alone=pl.col("part") >= cut)
    )


@dataclass(frozen=True)
class OutcomeCounts:
    """How people arrived at high harm: how many, how many by one event alone, and by which class of offence."""

    arrivals: int
    alone: int
    by_class: tuple[tuple[str, int], ...]  # classes of events that reached the cut alone, the commonest first

    @property
    def alone_share(self) -> float:
        return self.alone / self.arrivals if self.arrivals else 0.0

    @property
    def class_share(self) -> float:
        """Largest share of one offence class among arrivals by one event alone, of all arrivals."""
        return self.by_class[0][1] / self.arrivals if self.by_class else 0.0

    @property
    def says(self) -> str:
        """What the outcome is, in words."""
        return LIST if self.alone_share > MOST_ALONE or self.class_share > MOST_ONE_CLASS else REACHED

    def document(self) -> HighOutcome:
        return {
            "says": self.says, "arrivals": self.arrivals, "alone": self.alone, "alone_share": self.alone_share, "class_share": self.class_share,
            "grave_list": [{"offence_class": name, "arrivals": n} for name, n in self.by_class],
        }  # fmt: skip


def counts_of(found: pl.DataFrame) -> OutcomeCounts:
    """The counts of `arrivals`."""
    alone = found.filter("alone")
    classes = alone.group_by("offence_class").len("n").sort(["n", "offence_class"], descending=[True, False])
    return OutcomeCounts(found.height, alone.height, tuple((str(name), int(n)) for name, n in classes.iter_rows()))


def taken(
    harm: pl.Series, charges: pl.DataFrame, decay: Decay, unit: str, cuts: Sequence[float] | None, percentiles: Sequence[float] | None
) -> tuple[float, ...]:
    """The four cuts of the bands: those given, percentiles where they mean something, else the default in sentence-days.

    Args:
        harm: of the charged on the reference date; `charges`: weighed, standing that day.
        unit: of the harm index.
    Raises: SettingsRefused: `cuts_needed` (an index in another unit than days, and no cuts given), `cuts_not_taken` (nobody, or
        two cuts fall together), `percentile_cuts_refused` (one event alone, or one class, decides who arrives at high harm).
    """
    if cuts is not None:
        return tuple(float(cut) for cut in cuts)
    if percentiles is None:
        if "day" not in unit.lower():
            raise SettingsRefused(
                f"The harm index is in {unit}, for which there are no default cuts.",
                code="cuts_needed",
                next_step="Give [bands] cuts: four rising numbers in the unit of the index.",
            )
        return bands.DEFAULT_CUTS
    try:
        found = tuple(bands.cuts_at(harm, percentiles))
    except ValueError as error:
        raise SettingsRefused(
            f"The cuts of the bands cannot be taken at the reference date: {error}.",
            code="cuts_not_taken",
            next_step="Set [bands] reference_date to a day with charges held, or give cuts.",
        ) from None
    counts = counts_of(arrivals(charges, decay, bands.high_cut(found)))
    if counts.says == LIST:
        raise SettingsRefused(
            f"Percentile cuts are refused: of {counts.arrivals:,} first arrivals at high harm {100 * counts.alone_share:.0f} in 100 came by one event alone "
            f"(limit {100 * MOST_ALONE:.0f}), {100 * counts.class_share:.0f} in 100 by one class of offence (limit {100 * MOST_ONE_CLASS:.0f}).",
            code="percentile_cuts_refused",
            next_step="Leave [bands] percentiles out for the default cuts in sentence-days, or give cuts.",
        )
    return found
