"""Harm: the index of weights, how a weight fades, and a person's harm on a day.

harm = sum over events of (heaviest weight among the event's charges) x (what is left of it on the day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast import offence_codes
from harmcast.documents.plain import PlainRecord
from harmcast.people.offences import crosswalk, looked_up, shipped_table

DAYS_A_MONTH = 365.25 / 12
INDEX_COLUMNS = ("offence_code", "weight", "unit", "edition", "source")

# Share of the odds of a proven serious violent reoffence that is left after so many offence-free months: exp of the
# offence-free-months polynomial of OGRS4/S, serious violence, static (Ministry of Justice, 2026-08 coefficients),
# at whole half years. The polynomial is fitted to 36 months; later the rate of the third year (24 to 36) goes on.
OGRS4_MONTHS = (0.0, 6.0, 12.0, 18.0, 24.0, 30.0, 36.0)
OGRS4_LEFT = (1.0, 0.8332, 0.7074, 0.6114, 0.5348, 0.4685, 0.4047)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def day_numbers(days: pl.Series) -> NDArray[np.int64]:
    """Days since 1970-01-01 of a column of dates without nulls."""
    return np.asarray(days.to_physical().to_numpy(), dtype=np.int64)


@dataclass(frozen=True)
class Decay:
    """How much of a weight is left so many days on. `months` and `left` are points; between them the logarithm is straight.

    After the last point the slope of the last year of points goes on. Source of the default: see OGRS4_LEFT.
    """

    name: str
    months: tuple[float, ...]
    left: tuple[float, ...]

    def share_left(self, days: NDArray[Any]) -> NDArray[np.float64]:
        """Share of the weight left after `days` (days, 0 or more; below 0 counts as 0); 0 to 1."""
        months = np.maximum(np.asarray(days, dtype=np.float64), 0.0) / DAYS_A_MONTH
        points, logs = np.asarray(self.months), np.log(np.asarray(self.left))
        inside = np.interp(months, points, logs)
        from_month = max(points[-1] - 12.0, points[0])
        slope = (logs[-1] - np.interp(from_month, points, logs)) / (points[-1] - from_month)
        return np.asarray(np.exp(inside + slope * np.maximum(months - points[-1], 0.0)))

    def document(self) -> PlainRecord:
        return {"name": self.name, "months": list(self.months), "left": list(self.left)}


def decay_from(kind: Literal["ogrs4", "half_life", "none"] = "ogrs4", half_life_months: float | None = None) -> Decay:
    """The decay that the settings name. Raises ValueError for a half-life decay without its half-life."""
    if kind == "none":
        return Decay("none", (0.0, 12.0), (1.0, 1.0))
    if kind == "half_life":
        if not half_life_months:
            raise ValueError("a half-life decay needs its half-life in months")
        return Decay(f"half-life of {half_life_months:g} months", (0.0, half_life_months), (1.0, 0.5))
    return Decay("OGRS4 offence-free months, serious violence", OGRS4_MONTHS, OGRS4_LEFT)


@dataclass(frozen=True)
class HarmIndex:
    """Weights of offences. `table`: offence_code, weight (null: no weight); `coarse`: codes share group medians."""

    table: pl.DataFrame
    unit: str
    edition: str
    source: str
    coarse: bool = False

    def document(self) -> PlainRecord:
        return {"unit": self.unit, "edition": self.edition, "source": self.source, "coarse": self.coarse}


def index_from(table: pl.DataFrame, home_office: bool = False) -> HarmIndex:
    """The force's own index from its file's columns offence_code, weight, unit, edition, source.

    A class code stands for its subclasses; spare text around codes is trimmed; a row whose weight is empty is a code
    known to have none.

    Args:
        home_office: whether the codes are the Home Office's, printed in any of their forms (`offence_codes`).
    Raises: ValueError, naming the rule, if a column is missing, a weight is no number or below 0, a code comes twice
        with different weights, or the units or editions are mixed (scales are never mixed).
    """
    missing = [name for name in INDEX_COLUMNS if name not in table.columns]
    if missing:
        raise ValueError("harm index: column missing: " + ", ".join(missing))
    tidy = table.select(
        offence_code=pl.col("offence_code").cast(pl.String).str.strip_chars(),
        weight=pl.col("weight").cast(pl.String).str.strip_chars().replace("", None),
        unit=pl.col("unit").cast(pl.String),
        edition=pl.col("edition").cast(pl.String),
        source=pl.col("source").cast(pl.String),
    ).filter(pl.col("offence_code").is_not_null() & (pl.col("offence_code") != ""))
    if home_office:
        printed = tidy["offence_code"].unique()
        forms = {code: offence_codes.of_settings(code) for code in printed}
        tidy = tidy.with_columns(pl.col("offence_code").replace_strict(forms, return_dtype=pl.List(pl.String))).explode("offence_code")
    weights = tidy.with_columns(number=pl.col("weight").cast(pl.Float64, strict=False))
    if weights.filter(
        pl.col("weight").is_not_null() & (pl.col("number").is_null() | ~pl.col("number").is_finite())
    ).height:
        raise ValueError("harm index: weight that is no number")
    if weights.filter(pl.col("number") < 0).height:
        raise ValueError("harm index: weight below 0")
    for name in ("unit", "edition"):
        if weights[name].n_unique() != 1:
            raise ValueError(f"harm index: one {name} is needed, scales are never mixed")
    codes = weights.group_by("offence_code", maintain_order=True).agg(
        weight=pl.col("number").first(), different=pl.col("number").n_unique() > 1
    )
    if codes["different"].any():
        raise ValueError("harm index: a code comes twice with different weights")
    return HarmIndex(
        codes.select("offence_code", "weight").sort("offence_code"),
        str(weights["unit"][0]),
        str(weights["edition"][0]),
        str(weights["source"][0]),
    )


def default_index() -> HarmIndex:
    """The shipped index: the median of the Cambridge Crime Harm Index in each offence subgroup, in days.

    Complete over the Home Office classes but coarse: violence with injury alone spans 2 to 4,380 days. A force loads
    the full index. Source: Cambridge Crime Harm Index, 2026 update (medians by subgroup, as facts); the crosswalk from
    Home Office classes is ours (`offence_subgroups.csv`).
    """
    medians = shipped_table("subgroup_harm.csv").with_columns(pl.col("weight").cast(pl.Float64))
    table = crosswalk().join(medians.select("subgroup", "weight"), on="subgroup", how="left", maintain_order="left")
    return HarmIndex(
        table.select("offence_code", "weight"),
        "days",
        str(medians["edition"][0]),
        str(medians["source"][0]) + ", median of the offence subgroup",
        coarse=True,
    )


def weights_of(codes: pl.Series, index: HarmIndex) -> pl.DataFrame:
    """Each distinct code's weight and how it was found.

    Returns: offence_code, weight (null: none), filled: `exact`, `class` (its class stood in) or `missing`.
    """
    found = looked_up(codes, index.table)
    return found.select(
        "offence_code",
        "weight",
        filled=pl.when(pl.col("weight").is_null()).then(pl.lit("missing")).otherwise(pl.col("matched")),
    )


class HowWeighed(TypedDict):
    codes: int
    charges: int


ByClass = TypedDict("ByClass", {"class": HowWeighed})


class WeightReport(ByClass):
    """How charges were weighed; `filled_or_coarse_share`: 0 to 1, null without charges."""

    charges: int
    exact: HowWeighed
    missing: HowWeighed
    coarse_index: bool
    filled_or_coarse_share: float | None
    concern: bool
    codes_without_weight: dict[str, int]
    index: PlainRecord


def weight_report(charges: pl.DataFrame, index: HarmIndex) -> WeightReport:
    """How the charges' codes were weighed: counts of codes and charges by `exact`, `class` and `missing`.

    `concern`: over 10% of the charges rest on a filled or coarse weight, or have none.
    """
    found = charges.select("offence_code").join(
        weights_of(charges["offence_code"], index), on="offence_code", how="left"
    )

    def counted(how: str) -> HowWeighed:
        own = found.filter(pl.col("filled") == how)
        return {"codes": own["offence_code"].n_unique(), "charges": own.height}

    exact, by_class, missing = (counted(how) for how in ("exact", "class", "missing"))
    uncertain = found.height if index.coarse else by_class["charges"] + missing["charges"]
    without = found.filter(pl.col("filled") == "missing").group_by("offence_code").len("charges")
    share = uncertain / found.height if found.height else None
    return {
        "charges": found.height,
        "exact": exact,
        "class": by_class,
        "missing": missing,
        "coarse_index": index.coarse,
        "filled_or_coarse_share": share,
        "concern": share is not None and share > 0.1,
        "codes_without_weight": {
            code: count
            for code, count in without.sort(["charges", "offence_code"], descending=[True, False]).iter_rows()
        },
        "index": index.document(),
    }


def harm_at(events: pl.DataFrame, day: date, decay: Decay) -> pl.DataFrame:
    """Each person's harm on `day`.

    Args: `events`: person_ref, weight (null: no weight), happened_on; one row an event (`charges.events_on`).
    Returns: person_ref, harm (in the index's unit; null: harm incomplete, a charge without a weight), incomplete;
        sorted by person_ref.
    """
    days = day_number(day) - day_numbers(events["happened_on"])
    effect = events["weight"].to_numpy() * decay.share_left(days)
    return (
        events.select("person_ref", "weight")
        .with_columns(effect=pl.Series(effect, dtype=pl.Float64).fill_nan(None))
        .group_by("person_ref")
        .agg(harm=pl.col("effect").sum(), incomplete=pl.col("weight").is_null().any())
        .with_columns(harm=pl.when("incomplete").then(None).otherwise(pl.col("harm")))
        .sort("person_ref")
    )
