"""Are chances about people still right? Everyone first, then tenths of chance, and each release's first half year.

Chances as released against what came, one release in 13 weeks, each horizon once it is over. The half year is judged by the same card's level for six months,
which is not printed, on a wide bar, and can only stop. Until a released chance is old enough everyone and tenths are a rehearsal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import polars as pl

from harmcast.documents.monitor import SaidCame
from harmcast.evaluate.monitor import Monitor, State
from harmcast.fairness import ratios
from harmcast.fairness.ratios import EVERYONE, SaidAndCame

TENTH, HALF_YEAR = "tenth", "half_year"
HALF_YEAR_MONTHS, HALF_YEAR_BAR = 6, (0.67, 1.5)
SAID = {
    "what": pl.String, "group": pl.String, "months": pl.Int64, "people": pl.Int64, "said": pl.Float64, "became": pl.Int64, "ratio": pl.Float64,
    "ratio_low": pl.Float64, "ratio_high": pl.Float64, "bar_low": pl.Float64, "bar_high": pl.Float64, "least_ratio": pl.Float64, "verdict": pl.String,
}  # fmt: skip
_HIDDEN = ("became", "ratio", "ratio_low", "ratio_high")


def tenths_of(chance: pl.Series) -> pl.Series:
    """Which tenth of all chances each lies in, 1 the lowest; equal chances stay together."""
    place = (chance.rank("average") - 0.5) / max(len(chance), 1)
    return (place * 10).floor().cast(pl.Int64) + 1


def said_and_came(given: Mapping[int, pl.DataFrame], half_year: pl.DataFrame, rehearsal: bool, small: int) -> pl.DataFrame:
    """What was said and what came: at each horizon everyone and tenths of chance, and the half year where one is over.

    Args:
        given: months -> person_ref, chance, became of the releases whose horizon of so many months is over, the first horizon first.
        half_year: the same of what was to come within six months, of releases so old; empty: none is.
        rehearsal: whether the chances of the first horizon are ones that nobody saw.
        small: counts from 1 to under this are not kept, nor what gives them away.
    Returns: columns SAID, everyone first at each horizon. A horizon's rows are tested together by Holm's rule, at the error shared
        among the horizons; the half year by itself.
    """
    over = {months: known for months, table in given.items() if (known := table.drop_nulls(["chance", "became"])).height}
    soon = half_year.drop_nulls(["chance", "became"])
    parts = [pl.DataFrame(schema=SAID)]
    for months, known in over.items():
        tenth = known.with_columns(tenth=tenths_of(known["chance"])).sort("tenth").group_by("tenth", maintain_order=True)
        rows = [ratios.of_all(known, "person_ref"), *(ratios.of_all(part, "person_ref", TENTH, f"{k:02d}") for (k,), part in tenth)]
        parts.append(_shown(rows, months, rehearsal and months == min(given), small, families=len(over)))
    if soon.height:
        found = _shown([ratios.of_all(soon, "person_ref", HALF_YEAR)], HALF_YEAR_MONTHS, False, small, HALF_YEAR_BAR)
        parts.append(found.with_columns(verdict=pl.when(pl.col("verdict") == "stop").then("verdict").otherwise(pl.lit("cannot say"))))
    return pl.concat(parts)


def _shown(rows: Sequence[SaidAndCame], months: int, rehearsal: bool, small: int, bar: tuple[float, float] | None = None, families: int = 1) -> pl.DataFrame:
    """The rows judged, with their bars; a small number and what gives it away is null."""
    bars = [bar or ratios.bar_of(row) for row in rows]
    judged = ratios.judged(rows, rehearsal, small, (EVERYONE, TENTH, HALF_YEAR), bar, families).with_columns(
        pl.Series("bar_low", [low for low, _ in bars]), pl.Series("bar_high", [high for _, high in bars])
    )
    few = pl.col("small")
    if judged["small"].sum() == 1 and len(rows) > 1:  # the total would give it away: the tenth with the next fewest goes too
        others = judged.filter(~pl.col("small") & (pl.col("attribute") == TENTH)).sort("became", "group")["group"][:1]
        few = few | ((pl.col("attribute") == TENTH) & pl.col("group").is_in(others.implode()))
    columns = [pl.when(~few).then(pl.col(name)).alias(name) if name in _HIDDEN else pl.col(name) for name in SAID if name not in ("what", "months")]
    return judged.select(pl.col("attribute").alias("what"), pl.lit(months, dtype=pl.Int64).alias("months"), *columns).select(list(SAID))


def with_said(found: Monitor, said: pl.DataFrame, rehearsal: bool) -> Monitor:
    """The monitor with what was said and came of people, and what follows for its state.

    A stop of everyone, at any horizon, or of the half year suspends; a stop of a tenth, and any concern, is watched. A rehearsal suspends nothing.
    """
    bad = cast(list[SaidCame], said.filter(pl.col("verdict").is_in(["stop", "concern"])).rows(named=True))
    if not bad:
        return replace(found, said=said, rehearsal=rehearsal)
    first = said.filter(pl.col("what") == EVERYONE)["months"].min()
    longer = [f"/{row['months']}m" if row["what"] == EVERYONE and row["months"] != first else "" for row in bad]
    rules = [
        f"said_and_came/{row['what']}{end}"
        for row, end in zip(bad, longer, strict=True)
        if row["verdict"] == "stop" and (row["what"] == HALF_YEAR or (row["what"] == EVERYONE and not rehearsal))
    ]
    reasons = [*found.reasons, *(_sentence(row, rehearsal) for row in bad)]
    state: State = "suspend" if rules or found.state == "suspend" else "watch"
    return replace(found, state=state, reasons=tuple(reasons), rules=(*found.rules, *rules), said=said, rehearsal=rehearsal)


def _sentence(row: SaidCame, rehearsal: bool) -> str:
    """What a row says, for people."""
    head = {EVERYONE: "Everyone", HALF_YEAR: "The first half year"}.get(row["what"], f"Tenth {row['group']} of chances, from the lowest")
    before = "Rehearsal: " if rehearsal and row["what"] != HALF_YEAR else ""
    if row["ratio"] is None:
        return f"{before}{head}: what came is far from what was said; the counts are too small to print."
    ends = f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
    return f"{before}{head}: {row['became']:,} became high harm within {row['months']} months where chances said {row['said']:,.1f}: {ends}."
