"""The exploratory data analysis of the whole history, from the records as known at the end of a day.

What needs protected columns is measured at a closing and at a refit, kept, and quoted with its day; the rest is worked out afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from harmcast.documents.closed_tables import Closing
from harmcast.documents.exploration import NEUTRAL_WARNINGS, CensusLine, Exploration, ExploredTable, GroupsExplored
from harmcast.documents.person_model import KeptModel
from harmcast.evaluate import records_quality
from harmcast.fairness import explored
from harmcast.fairness.groups import Groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.oversight.log import Event
from harmcast.people.features import FEATURES
from harmcast.places.counts import matches
from harmcast.publish import exploration as printed
from harmcast.publish.answers.collect import answer_day
from harmcast.runs import force_area, neutral
from harmcast.runs.places import crime_columns
from harmcast.settings import PlacesTool
from harmcast.store import reports, statistics
from harmcast.store.reads import then
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions.landmarks import People
from harmcast.transitions.model import gives_chances, lines_of, look_back_of

SEED = 2010  # Equality Act
WEEKS_A_YEAR = 52
CRIME_VALUES = ("area", "easting_m", "weapon", "injury", "weapon_use", "domestic", "happened_to")
CHARGE_VALUES = ("crime_ref", "outcome_on")
PERSON_VALUES = ("unit", "review_due_on", "review_group")
LIMITS = (
    "Crime that nobody reported, and conduct that no charge followed: the records hold neither.",
    "Why a group is charged more often: conduct, reporting, where people live and where police are cannot be told apart from records alone.",
    "Disability, religion, sexual orientation, gender reassignment, pregnancy, marriage: no data is held.",
    "Ethnicity of residents is not in the layer of neighbourhoods; places are set beside deprivation alone.",
    "Whether a variable would tell a group to a cleverer method than the one tried.",
)


@dataclass(frozen=True)
class Explored:
    """What was written: the analysis and its files."""

    exploration: Exploration
    paths: list[Path]


def write(state: State, as_of: date, out: Path, actor: Actor) -> Explored:
    """Writes the analysis as HTML with pictures, JSON and a CSV a table; the same bytes from the same records. Making it is logged.

    Raises: SettingsRefused (`neutral_unusable`) where the census table cannot be used.
    """
    found = explore(state, as_of)
    rendered = printed.files(found)
    sha256 = printed.sha256_of(rendered)
    event = Event(actor.account, "operator", "disclosure", "report_made", object="report:eda", detail={"as_of": as_of.isoformat(), "sha256": sha256})
    with state.operations.writing(event) as tx:
        reports.note(tx, "eda", as_of, sha256, actor.account)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in rendered.items():
        (out / name).write_bytes(content)
    return Explored(found, [out / name for name in sorted(rendered)])


def explore(state: State, as_of: date) -> Exploration:
    """The analysis as known at the end of a day; its half about groups is the newest kept by then."""
    tables = _records(state, as_of)
    closing = statistics.closed_by(state.root, state.operations, as_of)
    groups = statistics.explored_by(state.root, state.operations, as_of, model=_model_then(state, as_of))
    tables += _closed(closing, neutral.neutral_of(state))
    tables += [table for tool in state.settings.places_tools for table in _places(state, tool, as_of)]
    said = groups.findings if groups else ("No closing has measured groups yet.",)
    return Exploration(state.settings.force.name, as_of, said, tuple(tables), groups, (*LIMITS, *NEUTRAL_WARNINGS))


def _model_then(state: State, as_of: date) -> str | None:
    tool = state.settings.people_tool
    release = _newest(state, tool.name, as_of) if tool else None
    return release.model if release else None


def _newest(state: State, tool: str, as_of: date) -> Release | None:
    known_on = answer_day(state, as_of, None, date.today())
    made = then.releases(state.releases, tool, as_of, known_on, state.settings.force.timezone)
    return next((r for r in reversed(made) if r.standing != "withdrawn"), None)


# -- groups: at a closing and at a refit -----------------------------------------------------------


def of_groups(
    state: State,
    name: str,
    day: date,
    known_on: date,
    labels: Groups,
    people: People,
    scored: pl.Series,
    charges: pl.DataFrame,
    model: tuple[str, KeptModel] | None,
) -> GroupsExplored:
    """What a model's variables tell of the groups, and how charges came about by group.

    Args:
        labels: groups on `day`, opened by the caller, who logged it.
        scored: references of those scored on that day: nobody else is looked at.
        charges: as known, of everyone held; `model`: name and content; None: none was released.
    """
    told: tuple[Any, ...] = ()
    if model is not None and gives_chances(model[1]):
        asked = {line["feature"] for line in lines_of(model[1])}
        says = {feature.name: feature.says for feature in FEATURES if feature.name in asked}
        features = people.features(day, look_back_of(model[1])).filter(pl.col("person_ref").is_in(scored.implode()))
        told = explored.told(features.select("person_ref", *says), labels, says, SEED, statistics.drawn(state.operations, "exploration"))
    thresholds = Thresholds.chosen(state.settings.fairness.model_dump())
    gaps = (explored.charge_gaps(charges, labels, thresholds),) if not charges.is_empty() else ()
    found = GroupsExplored(name, day, known_on, model[0] if model else None, told, gaps)
    return replace(found, findings=(*explored.findings(found, thresholds.proxy_noted), explored.correlated(found)))


def keep_groups(state: State, found: GroupsExplored, actor: Actor) -> None:
    """Keeps it beside the closed tables, with its event."""
    event = Event(actor.account, "operator", "combination", "groups_explored", object=f"exploration:{found.name}")
    statistics.keep_explored(state.root, state.operations, found, event)


# -- records ---------------------------------------------------------------------------------------


def _records(state: State, as_of: date) -> list[ExploredTable]:
    sequence = state.records.latest()
    crimes = _with(state.records.crimes(as_of, None, sequence, cancelled=True), CRIME_VALUES)
    charges = _with(state.records.known("charges", as_of, sequence), CHARGE_VALUES)
    persons = _with(state.records.persons(as_of, sequence), PERSON_VALUES)
    recorded = crimes.filter(pl.col("status") == "recorded")
    held = {name: _versions(state, name, key, frame.height, as_of, sequence) for name, key, frame in (("crimes", "crime_ref", crimes), ("charges", "charge_ref", charges), ("persons", "person_ref", persons))}
    matched = {tool.title or tool.name: recorded.filter(matches(tool.where, recorded.columns)) for tool in state.settings.places_tools}
    happened = pl.col("happened_from")
    by_unit = charges.join(persons.select("person_ref", "unit"), on="person_ref", how="left")
    return [
        records_quality.rows(held, {name: frame.height for name, frame in matched.items()}),
        records_quality.missing_by_column({"crimes": (crimes, CRIME_VALUES), "charges": (charges, CHARGE_VALUES), "persons": (persons, PERSON_VALUES)}),
        records_quality.missing_by_month("crimes", crimes, happened, ("area", "easting_m", "weapon", "injury")),
        records_quality.missing_by_month("charges", charges, pl.col("charged_on"), ("crime_ref",)),
        records_quality.missing_by_unit("crimes", crimes, "area", ("easting_m", "weapon", "injury")),
        records_quality.missing_by_unit("charges", by_unit, "unit", ("crime_ref",)),
        records_quality.delays(
            {
                "Crimes: happened to recorded": crimes.select((pl.col("recorded_at") - happened).dt.total_seconds() / 86_400).to_series(),
                "Crimes: recorded to known here": _days(crimes, pl.col("recorded_at").dt.date(), pl.col("known_on")),
                "Charges: happened to charged": _days(charges, pl.col("happened_on"), pl.col("charged_on")),
                "Charges: charged to outcome": _days(charges, pl.col("charged_on"), pl.col("outcome_on")),
            }
        ),
        records_quality.midnights(crimes),
        records_quality.repeated_places(crimes),
        records_quality.trend({**{name: frame["happened_from"].dt.date() for name, frame in matched.items()}, "Charges": charges["charged_on"]}),
    ]


def _with(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The frame with columns that were never sent, as null."""
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns)


def _days(frame: pl.DataFrame, first: pl.Expr, second: pl.Expr) -> pl.Series:
    return frame.select((second - first).dt.total_days()).to_series().cast(pl.Float64)


def _versions(state: State, table: str, key: str, rows: int, as_of: date, sequence: int) -> tuple[int, int, int]:
    held = state.records.versions(table, sequence, [key, "known_on", "deleted"]).filter(pl.col("known_on") <= as_of)
    return rows, held.height, held.filter("deleted")[key].n_unique()


# -- what is closed, and places --------------------------------------------------------------------


def _closed(closing: Closing | None, beside: list[CensusLine]) -> list[ExploredTable]:
    found = []
    tracked = closing.table("tracked") if closing else None
    if tracked is not None:
        found.append(explored.composition(tracked, beside))
    for name, title, says in (
        ("charges_fell_away", "Charges that fell away, by group", "Acquitted, withdrawn, discontinued or quashed, of those decided."),
        ("charges_police_found", "Charges of kinds that officers find, by group", "Possession, drugs, handling, driving and the like, of all charges."),
    ):
        table = closing.table(name) if closing else None
        if table is not None:
            found.append(explored.charges_by_group(table, title, says))
    return found


def _places(state: State, tool: PlacesTool, as_of: date) -> list[ExploredTable]:
    """Crimes and forecasts per 1,000 residents by deprivation fifth; nothing where no layer or no release is there."""
    release = _newest(state, tool.name, as_of)
    if release is None or state.settings.force.neighbourhoods is None:
        return []
    inside = force_area.force_area_of(state.settings, state.named_bytes)
    overlap = inside.fifths(inside.units(tool, lambda: state.records.crimes(as_of, crime_columns([tool]))))
    if overlap is None:
        return []
    weeks = release.frame(f"{tool.name}_weeks")
    last = weeks.filter(pl.col("week") >= pl.lit(release.origin).dt.offset_by(f"-{WEEKS_A_YEAR}w")).group_by("cell").agg(pl.col("recorded").sum())
    cells = release.frame(tool.name).select("cell", "expected").join(last, on="cell", how="left").with_columns(pl.col("recorded").fill_null(0))
    rows = explored.per_residents(cells, overlap, WEEKS_A_YEAR / tool.horizon_weeks)
    return [
        ExploredTable(
            f"{tool.name}_by_fifth",
            f"{tool.title or tool.name}: crimes and forecast by deprivation of where people live",
            f"Recorded in the {WEEKS_A_YEAR} weeks before {release.origin.isoformat()}, and the forecast of that day for a year at its pace; fifth 1 is the most deprived.",
            {"fifth": "Deprivation fifth", "residents": "Residents", "recorded": "Recorded", "forecast": "Forecast a year", "recorded_per_1000": "Recorded per 1,000 residents", "forecast_per_1000": "Forecast per 1,000 residents"},
            rows,
            "bars",
            "fifth",
            ("recorded_per_1000",),
        )
    ]
