"""Every table that crosses a folder: its columns, types, units, keys and sensitivity.

A table is a spec, its weak points included. `open` may be shown to anyone with the role; `personal` names or
singles out a person; `protected` holds or stands for a protected characteristic and is handed to two modules only:
`fairness/groups.py` and `people/minors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["text", "code", "date", "datetime", "number", "whole", "flag", "share"]
Sensitivity = Literal["open", "personal", "protected", "name", "reference"]
Shown = Literal["open code", "reference", "free", "protected"]

_POLARS: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "code": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "number": pl.Float64(),
    "share": pl.Float64(),
    "whole": pl.Int64(),
    "flag": pl.Boolean(),
}


@dataclass(frozen=True)
class Column:
    """One column. `closed` lists the only values a code may have; `required` means null is a fault.

    `shown`: only the values of an `open code` may stand in a message or an account, with counts.
    """

    name: str
    kind: Kind
    says: str
    unit: str = ""
    required: bool = False
    optional: bool = False
    closed: tuple[str, ...] = ()
    sensitivity: Sensitivity = "open"
    shown: Shown = "free"

    @property
    def polars(self) -> pl.DataType:
        return _POLARS[self.kind]


@dataclass(frozen=True)
class Table:
    """One table. `key` names the columns that single out a row; `optional` means a delivery may lack it."""

    name: str
    says: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        return {column.name: column for column in self.columns}[name]

    def having(self, sensitivity: Sensitivity) -> list[str]:
        return [column.name for column in self.columns if column.sensitivity == sensitivity]

    def schema(self, columns: Iterable[str] | None = None) -> pl.Schema:
        wanted = list(columns) if columns is not None else self.names
        return pl.Schema({name: self.column(name).polars for name in wanted})


GROUP_ROWS = 2048  # rows of a released table that are read together: one person's row without the rest
FILE = "file"  # beside ROW where the rows of a table come from several delivered files
ROW = "row number"  # goes along with delivered rows until they are kept: the first data row of a file is 1

WEAPONS = ("none", "knife", "firearm", "other", "unknown")
INJURIES = ("none", "minor", "serious", "fatal", "unknown")
WEAPON_USES = ("used", "threatened", "possessed", "unknown")
OUTCOMES = ("charged", "convicted", "acquitted", "withdrawn", "discontinued", "quashed")
FALLEN_AWAY = ("acquitted", "withdrawn", "discontinued", "quashed")
CIRCUMSTANCES = ("managed", "cohort", "mappa", "supervision", "custody")
RANGE_LEVEL = 0.9  # share of printed ranges of counts that should hold what comes, at least
LISTED_CELLS = 20  # length of the list that hit rates and `chance_top20` speak of
BANDS = ("low", "low-medium", "high-medium", "high", "super high")
NO_CHANCE = (
    "harm_incomplete", "high_now", "high_before", "no_model", "old_model", "other_outcome", "history_short", "too_few_became", "not_charged_lately",
)  # fmt: skip

CRIMES = Table(
    "crimes",
    "Recorded crimes: nothing about individuals.",
    key=("crime_ref",),
    columns=(
        Column("crime_ref", "text", "The force's reference of the crime.", required=True, shown="reference"),
        Column("offence_code", "code", "Home Office class and subclass, 008/01; other systems pass as text.", required=True, shown="open code"),
        Column("happened_from", "datetime", "Start of when it happened; an offence over an interval is dated here.", "local time", required=True),
        Column("happened_to", "datetime", "End of when it happened, if an interval.", "local time"),
        Column("recorded_at", "datetime", "When the force recorded it.", "local time", required=True),
        Column("changed_at", "datetime", "When the record last changed at source.", "local time", required=True),
        Column("status", "code", "Whether the record stands.", required=True, closed=("recorded", "cancelled"), shown="open code"),
        Column("easting_m", "number", "Where, in the force's projected system; null: place unknown.", "m"),
        Column("northing_m", "number", "Where, in the force's projected system; null: place unknown.", "m"),
        Column("weapon", "code", "Weapon recorded.", closed=WEAPONS, shown="open code"),
        Column("injury", "code", "Worst injury recorded.", closed=INJURIES, shown="open code"),
        Column("weapon_use", "code", "How the weapon was used.", optional=True, closed=WEAPON_USES, shown="open code"),
        Column("domestic", "flag", "Flagged as domestic abuse.", optional=True),
        Column("area", "text", "Policing area as recorded.", optional=True, shown="open code"),
    ),
)

PERSONS = Table(
    "persons",
    "People of the records system; kept only once a charge is held.",
    key=("person_ref",),
    columns=(
        Column("person_ref", "text", "The force's reference of the person.", required=True, sensitivity="reference", shown="reference"),
        Column("name", "text", "Shown to the person's own unit only.", optional=True, sensitivity="name"),
        Column("born_on", "date", "Opened only to say whether under 18 on a date, to count those that a load changes, and for the age bands of audits, closed quarters and refits.", sensitivity="protected", shown="protected"),
        Column("sex", "code", "Opened for the groups of audits, closed quarters and refits alone.", sensitivity="protected", shown="protected"),
        Column("ethnicity_self", "code", "Self-defined ethnicity; opened as sex is.", sensitivity="protected", shown="protected"),
        Column("ethnicity_officer", "code", "Officer-defined ethnicity; opened as sex is.", sensitivity="protected", shown="protected"),
        Column("unit", "text", "The Local Offender Management Unit whose area covers the person; null: supervisors only.", shown="open code"),
        Column("merged_into", "text", "Reference that replaced this one.", sensitivity="personal", shown="reference"),
        Column("died_on", "date", "Date of death.", sensitivity="personal"),
        Column("restricted", "flag", "Opening needs a supervisor."),
        Column("review_group", "whole", "Records management review group, 1 to 4.", sensitivity="personal"),
        Column("review_due_on", "date", "When the record is next due for review.", sensitivity="personal"),
        Column("changed_at", "datetime", "When the record last changed at source.", "local time", required=True),
    ),
)

CHARGES = Table(
    "charges",
    "Charges brought, with what came of each.",
    key=("charge_ref",),
    columns=(
        Column("charge_ref", "text", "The force's reference of the charge.", required=True, sensitivity="personal", shown="reference"),
        Column("person_ref", "text", "Who was charged.", required=True, sensitivity="personal", shown="reference"),
        Column("crime_ref", "text", "The crime charged, where linked.", shown="reference"),
        Column("offence_code", "code", "Home Office class and subclass of the charge.", required=True, shown="open code"),
        Column("happened_on", "date", "When the offence happened (its start).", required=True),
        Column("charged_on", "date", "When the charge was brought.", required=True),
        Column("outcome", "code", "State of the charge; the last four count for nothing.", required=True, closed=OUTCOMES, shown="open code"),
        Column("outcome_on", "date", "When the outcome was reached."),
        Column("changed_at", "datetime", "When the record last changed at source.", "local time", required=True),
    ),
)

CIRCUMSTANCES_TABLE = Table(
    "circumstances",
    "What a unit already does with a person: shown, never a model input.",
    key=("person_ref", "kind", "from_on"),
    optional=True,
    columns=(
        Column("person_ref", "text", "Who.", required=True, sensitivity="personal", shown="reference"),
        Column("kind", "code", "What is said.", required=True, closed=CIRCUMSTANCES, shown="open code"),
        Column("value", "text", "Its value, e.g. an IOM cohort or a MAPPA level.", sensitivity="personal"),
        Column("from_on", "date", "First day.", required=True, sensitivity="personal"),
        Column("to_on", "date", "Last day; null: still so.", sensitivity="personal"),
        Column("source", "text", "Who says so."),
    ),
)

ACTIVITY = Table(
    "activity",
    "Patrols and visits: for the feedback check, never a model input.",
    key=("kind", "started_at", "easting_m", "northing_m"),
    optional=True,
    columns=(
        Column("kind", "text", "Patrol or visit.", required=True, shown="open code"),
        Column("started_at", "datetime", "When it began.", "local time", required=True),
        Column("minutes", "number", "How long.", "minutes"),
        Column("easting_m", "number", "Where.", "m", required=True),
        Column("northing_m", "number", "Where.", "m", required=True),
    ),
)

DELETIONS = Table(
    "deletions",
    "Rows deleted at source.",
    key=("table", "ref"),
    optional=True,
    columns=(
        Column("table", "code", "Table the row was in.", required=True, closed=("crimes", "persons", "charges"), shown="open code"),
        Column("ref", "text", "Its key there.", required=True, sensitivity="personal", shown="reference"),
        Column("deleted_at", "datetime", "When it was deleted.", "local time", required=True),
        Column("reason", "text", "Why, if said."),
    ),
)

DELIVERED: tuple[Table, ...] = (CRIMES, PERSONS, CHARGES, CIRCUMSTANCES_TABLE, ACTIVITY, DELETIONS)

PERSONS_PROTECTED = Table(
    "persons_protected",
    "The protected columns of persons, read apart and each reading logged.",
    key=("person_ref",),
    columns=(
        PERSONS.column("person_ref"),
        *(column for column in PERSONS.columns if column.sensitivity == "protected"),
    ),
)

FORECAST = Table(
    "forecast",
    "One places tool's release: a row a cell.",
    key=("cell",),
    columns=(
        Column("cell", "code", "Cell of the grid (its lower left corner) or key of the unit layer.", required=True),
        Column("place", "text", "Where the cell lies: settlement and roads by the force's map, else its grid reference. Never where offences happened.", required=True),
        Column("area", "text", "Policing area of most of the cell; null where the force names none."),
        Column("easting_m", "number", "Centre of the cell.", "m", required=True),
        Column("northing_m", "number", "Centre of the cell.", "m", required=True),
        Column("origin", "date", "First day forecast.", required=True),
        Column("horizon_weeks", "whole", "Length of the window forecast.", "weeks", required=True),
        Column("expected", "number", "Expected number of offences in the window.", "offences", required=True),
        Column("lower", "whole", "Lower end of the printed range.", "offences", required=True),
        Column("upper", "whole", "Upper end of the printed range.", "offences", required=True),
        Column("range_level", "share", "Share of such ranges that should hold what comes, at least.", required=True),
        Column("chance_any", "share", "Chance of at least one offence.", required=True),
        Column("chance_top20", "share", "Chance to be among the 20 cells with most offences in the window; cells that tie share the places. Sums to 20.", required=True),
        Column("chance_top20_year", "share", "The same for the coming 52 weeks; null with fewer than 5 past forecasts whose 52 weeks are over."),
        Column("list_group", "whole", "Cells of one group cannot be told apart: the first has more offences than the last with a chance under .6. 1 is the highest.", required=True),
        Column("dispersion", "number", "Negative binomial of incidents: variance is mean + dispersion x mean squared; 0 is Poisson. Victims an incident: the model document.", required=True),
        Column("model", "text", "What made the numbers: our model, or the plain count when it stepped in.", required=True),
        Column("baseline_4w", "number", "Count in the last 4 weeks, by the weeks of them seen; null where none is.", "offences"),
        Column("baseline_last_year", "number", "Count in the same 4 weeks a year (52 weeks) ago, likewise; null before that is held.", "offences"),
        Column("baseline_52w", "number", "Mean a 4-week window over the last 52 weeks, likewise.", "offences"),
        Column("baseline_24m", "number", "Mean a 4-week window over the last 24 months (26 windows), likewise.", "offences"),
        Column("baseline_weeks_seen_4w", "whole", "Weeks with records that the first of these rests on.", "weeks", required=True),
        Column("baseline_weeks_seen_last_year", "whole", "Weeks with records that the second rests on.", "weeks", required=True),
        Column("baseline_weeks_seen_52w", "whole", "Weeks with records that the third rests on.", "weeks", required=True),
        Column("baseline_weeks_seen_24m", "whole", "Weeks with records that the fourth rests on.", "weeks", required=True),
    ),
)

FORECAST_AREAS = Table(
    "forecast_areas",
    "One places tool's release by policing area, and the force as a whole (area null).",
    key=("area",),
    columns=(
        Column("area", "text", "Policing area; null: the whole force."),
        Column("cells", "whole", "Cells in it.", required=True),
        Column("origin", "date", "First day forecast.", required=True),
        Column("horizon_weeks", "whole", "Length of the window forecast.", "weeks", required=True),
        Column("expected", "number", "Expected number of offences; areas add up to the force.", "offences", required=True),
        Column("lower", "whole", "Lower end of the printed range.", "offences", required=True),
        Column("upper", "whole", "Upper end of the printed range.", "offences", required=True),
        Column("range_level", "share", "Share of such ranges that should hold what comes, at least.", required=True),
        Column("baseline_4w", "number", "Sum over its cells of the count in the last 4 weeks; null where one has no week with records.", "offences"),
        Column("baseline_last_year", "number", "Sum of the count in the same weeks last year, likewise.", "offences"),
        Column("baseline_52w", "number", "Sum of the mean a 4-week window over the last 52 weeks, likewise.", "offences"),
        Column("baseline_24m", "number", "Sum of the mean a 4-week window over the last 24 months, likewise.", "offences"),
    ),
)

SCORED_PEOPLE = Table(
    "iom",
    "The person tool's release: a row a person scored, by random key.",
    key=("person_key",),
    columns=(
        Column("person_key", "text", "Random key of the person; means nothing outside this state.", required=True, sensitivity="personal"),
        Column("unit", "text", "Unit whose area covers the person; null: supervisors only."),
        Column("harm", "number", "Decayed sum of harm weights; null: harm incomplete.", "harm_unit", sensitivity="personal"),
        Column("harm_unit", "text", "Unit of the harm index.", required=True),
        Column("band", "code", "Band of harm; null: harm incomplete.", closed=BANDS, sensitivity="personal"),
        Column("band_last_week", "code", "Band in the release before; null: not scored then.", closed=BANDS, sensitivity="personal"),
        Column("chance_high_harm_12m", "share", "Chance of reaching high harm at a charge within 12 months, as the printed card gives it; null for the reason in no_chance.", sensitivity="personal"),
        Column("chance_high_harm_12m_low", "share", "Lower end of its range.", sensitivity="personal"),
        Column("chance_high_harm_12m_high", "share", "Upper end of its range.", sensitivity="personal"),
        Column("chance_high_harm_24m", "share", "The same within 24 months.", sensitivity="personal"),
        Column("chance_high_harm_24m_low", "share", "Lower end of its range.", sensitivity="personal"),
        Column("chance_high_harm_24m_high", "share", "Upper end of its range.", sensitivity="personal"),
        Column("no_chance", "code", "Why there is no chance within 12 months; null where there is one.", closed=NO_CHANCE, sensitivity="personal"),
        Column("reasons", "text", "JSON: the charges and features that count most, what changed, what is not known.", sensitivity="personal"),
    ),
)

BANDS_FOLLOWED = Table(
    "bands",
    "What followed in each band, from the records: those of the cohort of a year and two ago not yet high harm, by their band then, and what came by the horizon's end.",
    key=("horizon_months", "what", "band"),
    columns=(
        Column("horizon_months", "whole", "How long after the day.", "months", required=True),
        Column("day", "date", "Day the bands are of, as known then.", required=True),
        Column("what", "code", "What is asked: high harm reached at a later charge, or charged with a serious event (a quarter of the high cut or more).", required=True, closed=("reached_high", "new_serious_event")),
        Column("band", "code", "Band on that day, under today's cuts.", required=True, closed=BANDS),
        Column("people", "whole", "People of the band then who were not high harm by then.", required=True),
        Column("followed", "whole", "Of them, those it came true for.", required=True),
        Column("followed_share", "share", "followed / people; null: nobody was in the band."),
        Column("low", "share", "Lower end of its 95% interval (Wilson)."),
        Column("high", "share", "Upper end of its 95% interval."),
        Column("rises", "flag", "Whether it stands above the band below with intervals apart; null for the lowest band or where nobody is."),
    ),
)

SCORES = Table(
    "scores",
    "The long table of figures: every figure a release or a report prints.",
    key=("tool", "model", "figure", "group", "origin"),
    columns=(
        Column("tool", "text", "Tool judged.", required=True),
        Column("model", "text", "Method judged; oracle and foresight are ceilings, counts are floors.", required=True),
        Column("figure", "text", "Name of the figure.", required=True),
        Column("group", "text", "Part judged: an area, a group, a band; null: all."),
        Column("origin", "date", "Origin judged; null: pooled."),
        Column("value", "number", "The figure; null with a reason.", "as `unit`"),
        Column("low", "number", "Lower end of its 95% range.", "as `unit`"),
        Column("high", "number", "Upper end of its 95% range.", "as `unit`"),
        Column("n", "whole", "How many it rests on."),
        Column("unit", "text", "share, offences, nats a cell, count, ratio, ..."),
        Column("better", "code", "Direction.", closed=("higher", "lower", "one", "none")),
        Column("reason", "text", "Why the value is null, or which rule applied."),
    ),
)

FORECAST_WEEKS = Table(
    "forecast_weeks",
    "What came, beside one places tool's release: recorded offences by cell and week, three years back from the origin; weeks without any are left out.",
    key=("cell", "week"),
    columns=(
        Column("cell", "code", "Cell of the release.", required=True),
        Column("week", "date", "Monday of the week; weeks are counted back from the origin, the last one ends the day before it.", required=True),
        Column("recorded", "whole", "Offences that happened in that week as known at the release; 1 or more.", "offences", required=True),
    ),
)

PUBLISHED: tuple[Table, ...] = (FORECAST, FORECAST_AREAS, FORECAST_WEEKS, SCORED_PEOPLE, BANDS_FOLLOWED, SCORES)
