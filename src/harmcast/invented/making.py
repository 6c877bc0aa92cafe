"""An invented force: a county, its people and years of records, as deliveries, with the truth beside them.

`invent` writes what a force would send (contract columns) and what nobody could know of a real one: how much crime
each place draws, which places are chronic, where levels were shifted, how each person's career stands and the chance
of becoming high harm that follows from the records alone. The same arguments give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.errors import RunStopped
from harmcast.invented import (
    careers,
    census,
    charges,
    circumstances,
    corrections,
    county,
    crimes,
    database,
    deliveries,
    ground,
    intensity,
    offences,
    patrols,
    people,
    settings_file,
    slices,
    truth,
)
from harmcast.invented.plan import InventedForce, Plan

__all__ = ["InventedForce", "Plan", "Summary", "invent", "invent_fleet", "make", "reference_date", "sends"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Summary:
    """What was written. Rows and planted bad rows are counted a delivery."""

    folder: str
    name: str
    first_day: date
    last_day: date
    people: int
    people_charged: int
    crimes: int
    charges: int
    deliveries: list[deliveries.DeliveryWritten]
    database_rows: int = 0

    def lines(self) -> list[str]:
        """The same for people to read."""
        planted = sum(sum(sent.bad_rows.values()) for sent in self.deliveries)
        return [
            f"{self.name} (invented): {self.people:,} people, {self.people_charged:,} of them charged at some time;",
            f"{self.crimes:,} crimes and {self.charges:,} charges from {self.first_day} to {self.last_day}.",
            f"{len(self.deliveries)} deliveries, {planted:,} bad rows planted; the truth is beside them in truth/.",
            *([f"{self.database_rows:,} rows written to the database."] if self.database_rows else []),
        ]

    def document(self) -> PlainRecord:
        """The same as one JSON-ready document."""
        return {**asdict(self), "first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}


def make(plan: Plan, progress: Progress | None = None) -> InventedForce:
    """An invented force in memory."""
    say = progress or (lambda what, share: None)
    say("county", 0.0)
    where = county.build(plan.seed, plan.area_km2)
    say("places", 0.05)
    drawn_to = intensity.build(where, plan.seed, plan.first_day, plan.steps, plan.level_shifts)
    volume = offences.volumes(plan.yearly, plan.county_share)
    scattered = crimes.scatter(drawn_to, plan.seed, volume)
    spots, extra = patrols.allocate(drawn_to, scattered, plan.seed, plan.patrol_feedback)
    recorded = crimes.record(drawn_to, plan.seed, scattered if extra is None else scattered.plus(extra))
    del scattered, extra
    activity = patrols.visits(plan.seed, plan.first_day, plan.days, spots, a_day=36)
    planned = corrections.plan(recorded, plan.seed)
    del recorded
    say("people", 0.35)
    population = people.build(where, plan.seed, plan.people, plan.first_day, plan.days)
    models = [careers.process(), careers.process(plan.over_policing)]
    group = (population.over_policed & (plan.over_policing != 0)).astype(np.int64)
    lives = careers.simulate(plan.seed, population.entry_day, group, models, plan.days)
    say("charges", 0.45)
    brought = charges.build(lives, planned, plan.seed, plan.first_day)
    twice = people.duplicates(population.frame, population.charged, plan.seed, plan.days, plan.first_day)
    parted = people.mixed(population.frame, brought, twice["person"], plan.seed, plan.to)
    known = circumstances.build(lives, population.frame["person_ref"], plan.seed, plan.first_day, plan.days)
    moments = [d.made_at for d in deliveries.schedule(plan.to, plan.weeks)]
    gone = corrections.deletions(planned, plan.seed, moments, a_week=max(1, round(plan.yearly / 100_000)))
    return InventedForce(plan, where, drawn_to, volume, planned, activity, population, lives, brought, twice, parted, known, gone)


def _write_deliveries(force: InventedForce, folder: Path, say: Progress) -> tuple[list[deliveries.DeliveryWritten], list[pl.DataFrame]]:
    written: list[deliveries.DeliveryWritten] = []
    planted_frames: list[pl.DataFrame] = []
    held: list[pl.DataFrame] = []
    every = sends(force.plan)
    for k, sent in enumerate(every):
        everything = sent.since is None or (force.plan.complete_last and sent is every[-1])
        tables = slices.tables_of(force, sent, everything)
        planted = slices.spoil(force, sent, tables, held)
        rows = deliveries.write(folder / sent.name, sent, tables, complete=everything and sent.since is not None)
        counts: dict[str, int] = {}
        for row in planted:
            counts[row.kind] = counts.get(row.kind, 0) + 1
        written.append(deliveries.DeliveryWritten(sent.name, rows, counts))
        planted_frames.append(
            pl.DataFrame(
                [asdict(p) for p in planted],
                schema={"table": pl.String, "row": pl.Int64, "kind": pl.String, "ref": pl.String},
            ).with_columns(pl.lit(sent.name).alias("delivery"))
        )
        say(f"delivery {sent.name}", 0.55 + 0.30 * (k + 1) / len(every))
    return written, planted_frames


def invent(
    folder: Path,
    people: int,
    years: float,
    seed: int,
    to: date,
    weeks: int = 8,
    progress: Progress | None = None,
    over_policing: float = 0.0,
    patrol_feedback: float = 0.0,
    bad_rows_share: float = 0.002,
    crimes_a_year: float | None = None,
    complete_last: bool = False,
    sql: str | None = None,
    county_share: float = 1.0,
    known_people: int = 4000,
    ground_segments: int = ground.SEGMENTS,
    area_km2: float = county.AREA_KM2,
) -> Summary:
    """An invented force's deliveries, settings and layers in `folder`, and its truth in `folder`/truth.

    Args:
        folder: new or empty.
        people: persons in the feed; 92 in 100 of them are charged at some time.
        years: length of the history, rounded up to four-week steps.
        to: last day observed.
        weeks: weekly deliveries after the history.
        progress: called with what is being done and the share done, 0 to 1.
        over_policing: log odds added to a charge for what police find, for one ethnic group; 0: policed alike.
        patrol_feedback: more records for each crime in a patrolled cell; 0: records do not follow patrols.
        bad_rows_share: share of rows planted bad.
        crimes_a_year: all recorded crimes; knife, robbery and serious violence stay at a county's full volume.
        complete_last: the last delivery is a full extract.
        county_share: size of knife, robbery and serious violence against a large county's.
        known_people: for how many people the known chances are worked out at once (`known.chances` does so for any).
        ground_segments: segments of road on the invented map, about; 0: no map, and settings that name none.
        area_km2: of the county; its people and neighbourhoods follow it.
        sql: URL of a database that is filled with the records as they stand at the end, without bad rows.
    Raises: RunStopped if the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RunStopped(
            "The folder for the invented force is not empty.", code="folder_not_empty", next_step="Name a new folder."
        )
    if people < 50 or years <= 0 or weeks < 0:
        raise ValueError("at least 50 people, some years and no negative weeks")
    say = progress or (lambda what, share: None)
    plan = Plan(
        people,
        years,
        seed,
        to,
        weeks,
        over_policing,
        patrol_feedback,
        bad_rows_share,
        crimes_a_year,
        complete_last,
        county_share,
        known_people,
        area_km2=area_km2,
    )
    force = make(plan, say)
    folder.mkdir(parents=True, exist_ok=True)
    county.write_layers(force.county, folder)
    census.write(int(force.county.neighbourhood_residents.sum()), folder)
    if ground_segments:
        say("ground", 0.55)
        ground.write(force.county, seed, folder, ground_segments)
    settings_file.write(force.county, folder, with_ground=ground_segments > 0)
    written, planted = _write_deliveries(force, folder / "deliveries", say)
    say("truth", 0.9)
    truth.write(force, folder / "truth", written, pl.concat(planted))
    rows = 0
    if sql is not None:
        say("database", 0.95)
        rows = sum(database.fill(sql, slices.tables_of(force, sends(plan)[-1], everything=True)).values())
    summary = Summary(
        folder.name,
        force.county.name,
        plan.first_day,
        plan.to,
        plan.people,
        force.people.charged,
        len(force.crimes),
        len(force.charges),
        written,
        rows,
    )
    say("done", 1.0)
    return summary


def sends(plan: Plan) -> list[deliveries.Delivery]:
    """The deliveries of a plan: the history, then the weeks."""
    return deliveries.schedule(plan.to, plan.weeks)


def reference_date(plan: Plan) -> date:
    """Day on which the bands' cuts are taken: two years before the last origin, half a year in a short history."""
    return plan.to + timedelta(days=1) - timedelta(weeks=104 if plan.years >= 3 else 26)


def document(summary: Summary) -> str:
    """A summary as JSON text."""
    return json.dumps(summary.document(), indent=1)


# sizes of the six large forces of England and Wales against the largest, roughly
_FORCE_SIZES = (1.0, 0.42, 0.40, 0.33, 0.27, 0.25)


def invent_fleet(
    folder: Path,
    forces: int = 43,
    seed: int = 1,
    to: date = date(2026, 11, 22),
    people: int = 60_000,
    years: float = 3.0,
    weeks: int = 1,
    progress: Progress | None = None,
) -> list[Summary]:
    """Many invented forces, one folder each (`force-01` is the largest), sized as real ones are: six large, many small.

    Args:
        forces: how many; every force has its own county, people and seed.
        people: persons of the largest force; the seventh and later forces hold 20 down to 4 in 100 of that. Forces of fewer
            than 1,500 people are without planted bad rows: one would be too large a share of a week's few dozen crimes.
    Returns: a summary a force, in the order of their names.
    """
    say = progress or (lambda what, share: None)
    summaries = []
    for k in range(forces):
        rest = 0.20 * math.exp(-1.6 * (k - 6) / max(1, forces - 7)) if k >= len(_FORCE_SIZES) else _FORCE_SIZES[k]
        own = max(200, round(people * rest))
        name = f"force-{k + 1:02d}"
        summaries.append(
            invent(
                folder / name,
                own,
                years,
                seed * 1000 + k,
                to,
                weeks,
                crimes_a_year=5.0 * own,
                county_share=own / 40_000,
                known_people=0,
                bad_rows_share=0.002 if own >= 1_500 else 0.0,
                ground_segments=0,
            )
        )
        say(name, (k + 1) / forces)
    return summaries
