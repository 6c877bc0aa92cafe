"""Who bears it? The audit of a week: protected columns are opened for it, and each reading is an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.documents.audit import AuditAbout
from harmcast.documents.monitor import MonitorHistoryRow
from harmcast.evaluate import people_bars
from harmcast.evaluate.monitor import Monitor
from harmcast.fairness import audit, groups
from harmcast.fairness.rounding import Drawn
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit
from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.people import charges as charge_rules
from harmcast.people.features import FEATURES
from harmcast.places.counts import matches
from harmcast.places.grid import Units
from harmcast.publish import group_impact, release_files
from harmcast.runs import outcomes, people, people_results, shadowed, watch
from harmcast.runs.force_area import ForceArea
from harmcast.runs.outcomes import SETTLED_WEEKS, recorded_in
from harmcast.runs.people import PeopleMade
from harmcast.runs.people_results import FLAGGED_SHARE, JudgedChances
from harmcast.runs.places import PlacesMade
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import cell_records, statistics
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weeks import Week
from harmcast.words.tools import tool_title

SEED = 2010  # Equality Act
KIND_OF = {"concern": findings.CONCERN, "stop": findings.STOP}


@dataclass
class AuditMade:
    """The audit's share of a week: documents, what was found about each tool, and the monitor's history rows."""

    files: dict[str, bytes] = field(default_factory=dict)
    scores: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=tables.SCORES.schema()))
    found: dict[str, list[Finding]] = field(default_factory=dict)
    about: dict[str, AuditAbout] = field(default_factory=dict)
    history: list[MonitorHistoryRow] = field(default_factory=list)


def make_audit(
    state: State,
    week: Week,
    as_of: date,
    sequence: int,
    actor: Actor,
    places: Sequence[PlacesMade],
    who: PeopleMade | None,
    inside_force: ForceArea,
    crimes: pl.DataFrame,
) -> AuditMade:
    """Audits each tool of the week; each concern, stop and suspension is a finding of the release."""
    made = AuditMade()
    thresholds = Thresholds.chosen(state.settings.fairness.model_dump())
    for one in places:
        _add(made, one.tool, week, audit_of_places(state, week, as_of, sequence, one, crimes, inside_force, thresholds))
        _watch(made, one.tool.name, watch.watch_places(state, one, crimes, week), week)
        _shadow(made, state, one.tool, as_of, partial(outcomes.judged, one))
    if who is not None:
        judged = people_results.judged_chances(state, who, as_of, sequence, actor)
        made.files |= people_results.files(state, who, judged)
        _add(made, who.tool, week, audit_of_people(state, as_of, sequence, actor, who, judged, thresholds))
        _watch(made, who.tool.name, watch.watch_people(state, who, judged, as_of, week), week)
        _shadow(made, state, who.tool, as_of, partial(shadowed.people_judged, who, as_of), judged)
    return made


def group_rules(state: State) -> groups.GroupRules:
    """How this force's protected columns become groups, as its settings have it."""
    return groups.GroupRules.chosen(state.settings.audit.model_dump())


def audit_of_places(
    state: State,
    week: Week,
    as_of: date,
    sequence: int,
    made: PlacesMade,
    crimes: pl.DataFrame,
    inside_force: ForceArea,
    thresholds: Thresholds,
) -> Audit | str:
    """The audit of a places tool over released windows that are over and settled, or why none could be made."""
    tool, units = made.tool, made.panel.units
    settled = [
        release
        for release in state.releases.history(tool.name, None)
        if release.standing != "withdrawn"
        and release.week < str(week)
        and release.origin + timedelta(weeks=tool.horizon_weeks + SETTLED_WEEKS) <= week.origin
        and (week.origin - release.origin).days % (7 * tool.horizon_weeks) == 0
    ]
    if not settled:
        return f"No released window is over yet; the first is judged {tool.horizon_weeks + SETTLED_WEEKS} weeks after its release."
    forecast = pl.concat([r.frame(tool.name).select("origin", "cell", "expected") for r in settled])
    came = pl.concat(
        [
            recorded_in(made.panel, r.origin, tool.horizon_weeks).select(pl.lit(r.origin).alias("origin"), "cell", recorded="count")
            for r in settled
        ]
    )
    return audit.audit_places(
        forecast,
        came,
        inside_force.fifths(units),
        _patrols(state, tool.name, week, as_of, sequence, units),
        thresholds,
        crimes=_placed(units, crimes, tool),
        recorded=crimes if "area" in crimes.columns and "domestic" in crimes.columns else None,
        top=tables.LISTED_CELLS,
    )


def _cells_of(units: Units, table: pl.DataFrame) -> pl.Series:
    """The cell of each row with a place; null off the grid."""
    found = units.place(table["easting_m"].to_numpy(), table["northing_m"].to_numpy())
    keys = pl.Series(list(units.keys), dtype=pl.String)
    place = pl.Series(found, dtype=pl.Int64)
    return keys.gather(place.clip(0)).zip_with(place >= 0, pl.Series([None] * len(place), dtype=pl.String))


def _patrols(state: State, tool: str, week: Week, as_of: date, sequence: int, units: Units) -> pl.DataFrame | None:
    """Patrols and visits by cell, those sent and those that people recorded on a place; null where there are none.

    What was recorded on a place and day that is sent too is the same patrol: it is left out.
    """
    activity = state.records.activity(as_of, sequence)
    sent = activity.select(
        _cells_of(units, activity).alias("cell"), pl.col("started_at").dt.date().alias("started_on"), pl.col("minutes").cast(pl.Float64)
    ).drop_nulls("cell")
    recorded = cell_records.patrols_before(state.operations, tool, week.origin, state.settings.force.timezone)
    both = pl.concat([sent, recorded.filter(pl.col("started_on") <= as_of).join(sent, on=["cell", "started_on"], how="anti")])
    return None if both.is_empty() else both


def _placed(units: Units, crimes: pl.DataFrame, tool: PlacesTool) -> pl.DataFrame:
    """The tool's own crimes by cell and day, for the feedback check."""
    own = crimes.filter(matches(tool.where, crimes.columns)).drop_nulls(["easting_m", "northing_m"])
    return own.select(_cells_of(units, own).alias("cell"), pl.col("happened_from").dt.date().alias("happened_on")).drop_nulls("cell")


def audit_of_people(
    state: State, as_of: date, sequence: int, actor: Actor, who: PeopleMade, judged: JudgedChances | str, thresholds: Thresholds
) -> Audit | str:
    """The audit of the person tool on chances that can be judged, or why there are none: of those whom the units could consider."""
    if isinstance(judged, str):
        return judged
    protected = people.protected(state, "fairness.groups", as_of, sequence, actor, "Fairness audit")
    labels = groups.read_groups(protected, judged.newest, rules=group_rules(state))
    managed = state.records.circumstances(judged.newest, sequence).filter(pl.col("kind") == "managed").select("person_ref")
    standing = charge_rules.last_versions(who.known.charge_versions, "charge_ref", as_of)
    given = None if judged.rehearsal else judged.given
    first = people_results.first_of(judged, people_results.capacity_of(state))
    return audit_of_landmark(judged.panel, judged.panel["chance"].to_numpy(), who.tool.horizons_months[0], labels, managed, standing, thresholds, given, statistics.drawn(state.operations, "audit"), first)


def audit_of_landmark(
    then: pl.DataFrame,
    chance: np.ndarray,
    months: int,
    labels: groups.Groups,
    managed: pl.DataFrame | None,
    standing: pl.DataFrame,
    thresholds: Thresholds,
    given: pl.DataFrame | None = None,
    drawn: Drawn | None = None,
    selected: pl.Series | None = None,
) -> Audit:
    """The audit of chances given to the people of one landmark.

    Args:
        then: a `landmarks.panel` of one day, with `became_<months>m`.
        managed: person_ref of those under management that day; standing: charges as known now.
        given: chances as released with what came (`people_results.released_chances`); None: a rehearsal on the landmark itself.
        drawn: as in `audit.audit_people`.
        selected: person_ref of those put high; None: the highest `FLAGGED_SHARE`.
    """
    scored = then.select("person_ref").with_columns(chance=pl.Series(chance))
    highest = pl.col("chance") >= scored["chance"].quantile(1 - FLAGGED_SHARE, "higher")
    return audit.audit_people(
        scored.with_columns(selected=highest if selected is None else pl.col("person_ref").is_in(selected.implode())),
        then.select("person_ref", *(f.name for f in FEATURES)),
        labels,
        then.select("person_ref", became=pl.col(f"became_{months}m")),
        managed,
        thresholds,
        charges=standing,
        given=given,
        rehearsal=given is None,
        seed=SEED,
        drawn=drawn,
    )


def _add(made: AuditMade, of: PlacesTool | PeopleTool, week: Week, found: Audit | str) -> None:
    """Adds one tool's audit to the week: its document, the same as a dated file, its table, and its findings."""
    tool = of.name
    if isinstance(found, str):
        made.about[tool] = {"verdict": "not made", "reason": found}
        return
    document = found.document()
    made.files[f"{tool}_audit.json"] = release_files.document(document)
    title = tool_title(of)
    made.files[f"{tool}_audit.html"] = group_impact.file(document, title, str(week), week.origin)
    made.files[f"{tool}_audit.parquet"] = release_files.parquet(found.table)
    made.about[tool] = {
        "verdict": found.verdict,
        "judged": found.judged,
        "too_few_to_say": found.too_few,
        "findings": [f.document() for f in found.findings],
    }
    made.found[tool] = [
        Finding(KIND_OF[f.verdict], tool, f.name, f.says, f.measured, f.limit, f.severity) for f in found.findings if f.verdict in KIND_OF
    ]


def _watch(made: AuditMade, tool: str, found: Monitor, week: Week) -> None:
    """Adds the monitor: its page's document, its history, and a hold where a named threshold asks for suspension."""
    made.files[f"{tool}_monitor.json"] = release_files.document(found.document())
    made.files[f"{tool}_monitor.parquet"] = release_files.parquet(found.history)
    made.about[tool]["monitor"] = {"state": found.state, "reasons": list(found.reasons)}
    made.history += watch.history_rows(found, tool, week)
    if found.state == "suspend":
        says = f"The monitor asks for suspension: {' '.join(found.reasons)}"
        made.found.setdefault(tool, []).append(findings.of_monitor(tool, "/".join(found.rules), says))


def _shadow(
    made: AuditMade, state: State, of: PlacesTool | PeopleTool, as_of: date, came: Callable[[list[Release]], pl.DataFrame], judged: JudgedChances | str = ""
) -> None:
    """For a tool in shadow: what came, and whether the written bar for a trial is met by it.

    Args:
        came: from releases, tables.SCORES of those whose outcome is known since this week.
        judged: of people, chances with what came; those released in shadow count, and never a rehearsal.
    """
    registered = state.register.tool(of.name, as_of)
    if registered.status != "shadow":
        return
    verdict = made.about[of.name]["verdict"]
    new = came(shadowed.ran(state, of.name, as_of))
    if of.kind == "people":
        made.scores = pl.concat([made.scores, new])
    since, of_people = registered.status_since, None
    if isinstance(of, PeopleTool) and isinstance(judged, JudgedChances) and not judged.rehearsal:
        given = judged.given.filter(pl.col("released_on") >= since)
        of_people = people_bars.figures(given, of.name, of.horizons_months[0], people_results.capacity_of(state))
    document = shadowed.judged(state, of, since, as_of, new, None if verdict == "not made" else verdict, of_people)
    made.files[f"{of.name}_shadow.json"] = release_files.document(document)
    made.about[of.name]["shadow"] = str(document["judgement"])
