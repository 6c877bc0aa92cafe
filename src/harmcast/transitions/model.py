"""A card fitted on one day with what was known on that day, and the chances it gives.

A kept model is a document of plain numbers (`refit`): the card's lines and its table from points to chances. The printed
chance of a person is the row of that table at the person's points, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.documents.person_model import KeptCard, KeptModel, PointsLine
from harmcast.people.features import NAMES
from harmcast.transitions import baselines, card
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.regression import Array
from harmcast.transitions.regression import chance as chance_of
from harmcast.transitions.table import Stretch, chances_of_points, fit_stretch
from harmcast.transitions.thinning import thinned
from harmcast.weeks import add_months

FORM = 2  # of the document; a model of another form gives no chance
FLOORS = ("base_rate", "plain_harm")
SIMPLEST_FIRST = (*FLOORS, *card.CARDS)
CARD_MONTHS, LEVEL_MONTHS, SPARE = 12, 3, timedelta(weeks=4)
ENDS = ("", "_low", "_high", "_group_low", "_group_high")


def matrix(table: pl.DataFrame) -> Array:
    """Features of a table as rows x features, in the order of features.NAMES."""
    return np.ascontiguousarray(table.select(NAMES).to_numpy(), dtype=np.float64)


def person_numbers(table: pl.DataFrame) -> NDArray[np.int64]:
    """Each row's person as a number from 0."""
    return table["person_ref"].rank("dense").to_numpy().astype(np.int64) - 1


def weights_of(table: pl.DataFrame) -> Array:
    """How many rows each stands for: its `weight`, or 1."""
    return table["weight"].to_numpy() if "weight" in table.columns else np.ones(table.height)


def stretch_rows(table: pl.DataFrame, months: Sequence[int], k: int) -> pl.DataFrame:
    """Rows that speak of stretch `k` (months[k-1] to months[k]): it is known, and nothing came before it; with `y`."""
    known = table.filter(pl.col(f"became_{months[k]}m").is_not_null())
    if k:
        known = known.filter(~pl.col(f"became_{months[k - 1]}m").fill_null(False))
    return known.with_columns(y=pl.col(f"became_{months[k]}m").cast(pl.Float64))


@dataclass(frozen=True)
class Card:
    """A card of one day: its lines, and the stretches that its points lead to (those with enough people who became)."""

    name: str
    lines: list[PointsLine]
    stretches: tuple[Stretch, ...]

    @property
    def most(self) -> int:
        """The most points the card can give."""
        return sum(int(line["points"]) for line in self.lines)

    def chances(self, x: Array) -> Array:
        """Chance of becoming by the end of each stretch: rows x stretches."""
        total = card.points(self.lines, x)
        return np.column_stack(chances_of_points(self.stretches, total)) if self.stretches else np.zeros((len(x), 0))


def fit_lines(name: str, table: pl.DataFrame, months: Sequence[int], seed: int) -> list[PointsLine]:
    """The lines of a card from all stretches and landmarks stacked, each with a level of its own."""
    parts = [stretch_rows(table, months, k) for k in range(len(months))]
    stacked = pl.concat([part.with_columns(stretch=pl.lit(k)) for k, part in enumerate(parts)])
    period = stacked.select(pl.struct("stretch", "landmark").rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    y = stacked["y"].to_numpy()
    rows, weight = thinned(y, card.MOST_ROWS, seed, weights_of(stacked))
    return card.fit_card(matrix(stacked[rows]), y[rows], period[rows], weight, card.CARDS[name])


def fit_stretches(
    lines: list[PointsLine], table: pl.DataFrame, months: Sequence[int], scored_on: date, slopes: Sequence[float] | None = None
) -> tuple[Stretch, ...]:
    """The stretches of a card on `scored_on`, up to the first in which too few became.

    Args: `slopes`: of a card fitted earlier, kept while its level is taken anew.
    """
    found: list[Stretch] = []
    for k, horizon in enumerate(months):
        rows = stretch_rows(table, months, k)
        given = rows.select("landmark", "y").with_columns(
            person=pl.Series(person_numbers(rows)), points=pl.Series(card.points(lines, matrix(rows))), weight=pl.Series(weights_of(rows))
        )
        one = fit_stretch(given, horizon, scored_on, found[-1] if found else None, slopes[k] if slopes is not None else None)
        if one is None:
            break
        found.append(one)
    return tuple(found)


def fit(name: str, table: pl.DataFrame, months: Sequence[int], scored_on: date, seed: int = 20) -> Card:
    """One card fitted to a panel (`landmarks.panel`, or a `thinning.thinned_panel` of it), with the level of `scored_on`."""
    lines = fit_lines(name, table, months, seed)
    return Card(name, lines, fit_stretches(lines, table, months, scored_on))


def card_chances(kept: KeptCard, x: Array) -> Array:
    """Chances of a card kept without its table (lines, stretches): rows x stretches."""
    total, none_yet, out = card.points(kept["lines"], x), np.ones(len(x)), []
    for stretch in kept["stretches"]:
        none_yet = none_yet * (1 - chance_of(stretch["a"] + stretch["b"] * total / 10.0))
        out.append(1 - none_yet)
    return np.column_stack(out)


def floor_chances(name: str, table: pl.DataFrame, months: Sequence[int], x: Array) -> Array:
    """Chances of a floor (`base_rate`, `plain_harm`) learnt from a panel: rows x horizons."""
    none_yet, out = np.ones(len(x)), []
    for k in range(len(months)):
        part = stretch_rows(table, months, k)
        y, weight = part["y"].to_numpy(), weights_of(part)
        own = matrix(part)
        if name == "base_rate" or not 0 < y.sum() < len(y):
            h = baselines.hazard(baselines.fit_base_rate(own, y, weight), x)
        else:
            h = baselines.hazard(baselines.fit_plain_harm(own, y, weight), x)
        none_yet = none_yet * (1 - h)
        out.append(1 - none_yet)
    return np.column_stack(out)


def gives_chances(model: KeptModel | None) -> bool:
    """Whether a kept model prints any chance: of this form, and with a card chosen."""
    return model is not None and model.get("form") == FORM and bool(model.get("chosen"))


def of_outcome(model: KeptModel, rules: Rules) -> KeptModel:
    """A kept model as it may be used under the rules of today: without its card where that speaks of another harm index, decay or high cut."""
    if not gives_chances(model) or speaks_of(model, rules):
        return model
    return {**model, "chosen": None, "other_outcome": True}


def speaks_of(model: KeptModel, rules: Rules) -> bool:
    """Whether a kept model's chances are of high harm as the rules count it."""
    return (model["high_cut"], model["decay"], model["index"]) == (float(rules.high_cut), rules.decay.document(), rules.index.document())


def card_day(model: KeptModel) -> str:
    """The day a kept model's card was fitted; its level may be of a later one (`as_of`)."""
    return str(model.get("card_as_of") or model["as_of"])


def overdue(model: KeptModel | None, today: date) -> list[str]:
    """What is due of a model in use, in sentences: its card is fitted anew each year, its level each quarter, with four weeks to spare."""
    if model is None or not gives_chances(model):
        return []
    card_of, level_of = date.fromisoformat(card_day(model)), date.fromisoformat(str(model["as_of"]))
    if add_months(card_of, CARD_MONTHS) + SPARE < today:
        return [f"The card was fitted on what was known on {card_of.isoformat()}: a refit is due, which a second person approves."]
    if add_months(level_of, LEVEL_MONTHS) + SPARE < today:
        return [f"The level of the chances is of {level_of.isoformat()}: it is due to be taken anew, which a second person approves."]
    return []


def printed_card(model: KeptModel) -> KeptCard:
    """The card that was chosen, of a model that gives chances."""
    return model["cards"][str(model["chosen"])]


def lines_of(model: KeptModel) -> list[PointsLine]:
    """The printed card's lines."""
    return list(printed_card(model)["lines"])


def look_back_of(model: KeptModel | None) -> int | None:
    """Months a kept model looks back; None for one that gives no chance."""
    return model["history"]["look_back_months"] if model is not None and gives_chances(model) else None


def points_of(model: KeptModel, table: pl.DataFrame) -> NDArray[np.int64]:
    """Each row's points on the printed card."""
    return card.points(lines_of(model), matrix(table)).astype(np.int64)


def printed(model: KeptModel, table: pl.DataFrame, months: Sequence[int]) -> pl.DataFrame:
    """points, and `p<m>`, `p<m>_low`, ... of each row of features, read from the printed card's table; null where not printed."""
    rows = pl.DataFrame(printed_card(model)["table"], infer_schema_length=None)
    names = [f"p{m}{end}" for m in months for end in ENDS]
    missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in names if name not in rows.columns]
    looked_up = rows.with_columns(*missing).select(pl.col("points").cast(pl.Int64), *names)
    return pl.DataFrame({"points": points_of(model, table)}).join(looked_up, on="points", how="left", maintain_order="left")


def by_chance(model: KeptModel, chance: pl.Series, months: int) -> pl.DataFrame:
    """What the printed card says beside each chance it gave within `months`: `group_low`, `group_high`, and `half_year`.

    half_year: chance within 6 months by the same card's level, which is not printed. Null where the card never gave that chance, or a
    model made before says none.
    """
    kept = printed_card(model)
    rows = pl.DataFrame(kept["table"], infer_schema_length=None)
    half = kept.get("half_year")
    points = rows["points"].cast(pl.Float64).to_numpy()
    given = rows.select(chance=f"p{months}", group_low=f"p{months}_group_low", group_high=f"p{months}_group_high").with_columns(
        half_year=pl.Series([None] * rows.height if half is None else chance_of(half["a"] + half["b"] * points / 10.0), dtype=pl.Float64)
    )
    found = pl.DataFrame({"chance": chance.cast(pl.Float64)}).join(given.unique("chance", keep="first", maintain_order=True), on="chance", how="left", maintain_order="left")
    return found.drop("chance")

