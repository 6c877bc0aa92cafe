"""What a waiting load would make held, counted the way forces publish it: nobody accepts what they have not compared."""

from __future__ import annotations

import polars as pl

from harmcast.documents.comparison import Counts
from harmcast.people.cohort import REASONS
from harmcast.places.counts import matches
from harmcast.runs.effects import Seen
from harmcast.runs.moves import cohort_of
from harmcast.tables import CHARGES, CRIMES


def comparison(seen: Seen) -> list[Counts]:
    """Crimes by year, month, tool and area, and where each value of a definition falls; charges by year, outcome and class; people by reason."""
    found: list[Counts] = []
    crimes = seen.after(CRIMES.name).filter(pl.col("status") == "recorded")
    if crimes.height:
        day = pl.col("recorded_at")
        found += [_by("Crimes recorded (without cancelled)", "year", crimes, day.dt.strftime("%Y")), _by("Crimes recorded (without cancelled)", "month", crimes, day.dt.strftime("%Y-%m"))]
        if "area" in crimes.columns:
            found.append(_by("Crimes recorded (without cancelled)", "policing area", crimes, pl.col("area").fill_null("no area")))
        for tool in seen.state.settings.places_tools:
            if all(key in crimes.columns for key in tool.where):
                of_tool = crimes.filter(matches(tool.where, crimes.columns))
                found.append(_by(f"Crimes of {tool.name} recorded", "year", of_tool, day.dt.strftime("%Y")))
                found += [_by(f"Crimes of {tool.name}", f"value of {key}", of_tool, pl.col(key).fill_null("no value")) for key in tool.where]
    charges = seen.after(CHARGES.name)
    if charges.height and seen.state.settings.people_tool is not None:
        found += [
            _by("Charges", "year", charges, pl.col("charged_on").dt.strftime("%Y")),
            _by("Charges", "outcome", charges, pl.col("outcome")),
            _by("Charges", "offence class", charges, pl.col("offence_code").str.split("/").list.first()),
        ]
        reasons = cohort_of(seen.after, seen.made_on, seen.state.settings.retention.group_years).with_columns(pl.col("reason").replace_strict(REASONS, default=None).fill_null("Scored, if of age."))
        found.append(_by("People", "why they are in or out, ages aside", reasons, pl.col("reason")))
    return found


def _by(what: str, by: str, rows: pl.DataFrame, group: pl.Expr) -> Counts:
    counted = rows.group_by(group.cast(pl.String).alias("by")).len().sort("by", nulls_last=True)
    return Counts(what, by, tuple((str(name), int(count)) for name, count in counted.iter_rows()))
