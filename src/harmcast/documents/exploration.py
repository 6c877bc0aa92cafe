"""The exploratory data analysis of the whole history: made at each close, refit and by command, quoted by answers with its date.

Two halves. What needs no protected column is worked out afresh as known at the end of the day asked about. What does (who was
charged, whose charges fell away, what the model's variables tell) was measured once at a closing or a refit, and is quoted
with that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypedDict

from harmcast.documents.plain import PlainRecord

LOW, HIGH = 0.45, 0.55  # "none correlated": every interval lies between
NEUTRAL_WARNINGS = (
    "The census counts people where they live. People are charged in a force's area who live elsewhere, and offend where many people come who do not live there.",
    "A population changes after its census: the older the count, the less it says of today.",
    "Where ethnicity is not recorded for many, shares of those recorded mislead: it is missing more often for some groups than for others.",
)


class CensusLine(TypedDict):
    """Residents of one group, as the force's census table has them."""

    attribute: str
    group: str
    residents: int
    source: str
    year: int


@dataclass(frozen=True)
class ExploredTable:
    """One table of the analysis.

    Attributes:
        key: its short name, also its file's: `crimes_missing`.
        title: as printed; says: what it shows in a sentence, with its figures.
        columns: name -> title with unit; rows: values in that order.
        chart: how it is drawn: `line` (first column across), `bars` (a bar a row), or none.
    """

    key: str
    title: str
    says: str
    columns: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]
    chart: str = ""
    across: str = ""
    up: tuple[str, ...] = ()

    def document(self) -> PlainRecord:
        return asdict(self)

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> ExploredTable:
        return cls(**{**held, "rows": tuple(tuple(row) for row in held["rows"]), "up": tuple(held["up"])})


@dataclass(frozen=True)
class Told:
    """How well one variable of the released model tells one group from everyone else.

    Attributes:
        variable: name; says: in words.
        auc: 0.5 is a coin; auc_low, auc_high: its 95% interval; null with a reason.
        n, n_group: people looked at, and of the group; rounded to multiples of 5.
    """

    variable: str
    says: str
    attribute: str
    group: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    n: int
    n_group: int
    reason: str = ""


@dataclass(frozen=True)
class GroupsExplored:
    """The half that opened protected columns: measured once, on `day`, at a closing or a refit.

    Attributes:
        name: of the closing, or of the model refitted; day: what was known at its end; known_on: the day of the run that measured it.
        model: the released model whose variables were looked at; null: none was approved.
        told: each variable against each group.
        tables: composition of the charged, charges fallen away by group.
        findings: what stands out, a sentence each, the weightiest first; then whether any variable is correlated with a group.
    """

    name: str
    day: date
    known_on: date
    model: str | None
    told: tuple[Told, ...]
    tables: tuple[ExploredTable, ...]
    findings: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """What a fact names as its source, as in `exploration:2026-Q3`."""
        return f"exploration:{self.name}"

    @property
    def none_correlated(self) -> bool:
        """Whether every interval of every variable and group lies in 0.45 to 0.55; never where one could not be measured."""
        return bool(self.told) and all(one.auc_low is not None and one.auc_high is not None and one.auc_low >= LOW and one.auc_high <= HIGH for one in self.told)

    @property
    def strongest(self) -> Told | None:
        """The variable and group furthest from a coin; None where nothing was measured."""
        measured = [one for one in self.told if one.auc is not None]
        return max(measured, key=lambda one: abs((one.auc or 0.5) - 0.5), default=None)

    def document(self) -> PlainRecord:
        return {**asdict(self), "day": self.day.isoformat(), "known_on": self.known_on.isoformat()}

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> GroupsExplored:
        return cls(
            held["name"],
            date.fromisoformat(held["day"]),
            date.fromisoformat(held["known_on"]),
            held["model"],
            tuple(Told(**one) for one in held["told"]),
            tuple(ExploredTable.read(one) for one in held["tables"]),
            tuple(held["findings"]),
        )


@dataclass(frozen=True)
class Exploration:
    """The whole analysis as of a day.

    Attributes:
        as_of: what was known at the end of this day.
        findings: what stands out, a sentence each, the weightiest first.
        tables: quality, missing, delays, midnights, repeats, trends, places; no protected column was opened for them.
        groups: the half about groups, with its own day; null: none was measured by then.
        limits: what cannot be known from it.
    """

    force: str
    as_of: date
    findings: tuple[str, ...]
    tables: tuple[ExploredTable, ...]
    groups: GroupsExplored | None
    limits: tuple[str, ...]

    def document(self) -> PlainRecord:
        return {**asdict(self), "as_of": self.as_of.isoformat(), "groups": self.groups.document() if self.groups else None}
