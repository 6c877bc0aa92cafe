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
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harmcast.errors import RunStopped
from harmcast.feed.invention import (
    bad_rows,
    careers,
    charges,
    circumstances,
    corrections,
    county,
    crimes,
    deliveries,
    intensity,
    offences,
    patrols,
    people,
    settings_file,
    truth,
)
from harmcast.feed.invention.draws import stream
from harmcast.tables import ACTIVITY, CHARGES, CIRCUMSTANCES_TABLE, CRIMES, DELETIONS, PERSONS

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Plan:
    """What to invent. `crimes_a_year` defaults to one a person, at least 60,000, at most 300,000."""

    people: int
    years: float
    seed: int
    to: date
    weeks: int = 8
    over_policing: float = 0.0
    patrol_feedback: float = 0.0
    bad_rows_share: float = 0.002
    crimes_a_year: float | None = None
    complete_last: bool = False

    @property
    def steps(self) -> int:
        return math.ceil(self.years * 365.25 / intensity.STEP_DAYS)

    @property
    def days(self) -> int:
        return self.steps * intensity.STEP_DAYS

    @property
    def first_day(self) -> date:
        return self.to + timedelta(days=1 - self.days)

    @property
    def yearly(self) -> float:
        return self.crimes_a_year or float(min(300_000, max(60_000, self.people)))


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
    deliveries: list[deliveries.Written]

    def document(self) -> dict[str, Any]:
        """The same as one JSON-ready document."""
        return {**asdict(self), "first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}


@dataclass
class Force:
    """Everything that was made up, before it is cut into deliveries."""

    plan: Plan
    county: county.County
    intensity: intensity.Intensity
    volume: np.ndarray
    crimes: pl.DataFrame
    activity: pl.DataFrame
    people: people.People
    careers: careers.Careers
    charges: pl.DataFrame
    duplicates: pl.DataFrame
    circumstances: pl.DataFrame
    deletions: pl.DataFrame


def make(plan: Plan, progress: Progress | None = None) -> Force:
    """An invented force in memory."""
    say = progress or (lambda what, share: None)
    say("county", 0.0)
    where = county.build(plan.seed)
    say("places", 0.05)
    drawn_to = intensity.build(where, plan.seed, plan.first_day, plan.steps)
    volume = offences.volumes(plan.yearly)
    scattered = crimes.scatter(drawn_to, plan.seed, volume)
    spots, extra = patrols.allocate(drawn_to, scattered, plan.seed, plan.patrol_feedback)
    recorded = crimes.record(drawn_to, plan.seed, scattered if extra is None else scattered.plus(extra))
    del scattered, extra
    activity = patrols.visits(plan.seed, plan.first_day, plan.days, spots, a_day=36)
    planned = corrections.plan(recorded, plan.seed)
    del recorded
    say("people", 0.35)
    folk = people.build(where, plan.seed, plan.people, plan.first_day, plan.days)
    models = [careers.process(), careers.process(plan.over_policing)]
    group = (folk.over_policed & (plan.over_policing != 0)).astype(np.int64)
    lives = careers.simulate(plan.seed, folk.entry_day, group, models, plan.days)
    say("charges", 0.45)
    brought = charges.build(lives, planned, plan.seed, plan.first_day)
    twice = people.duplicates(folk.frame, folk.charged, plan.seed, plan.days, plan.first_day)
    known = circumstances.build(lives, folk.frame["person_ref"], plan.seed, plan.first_day, plan.days)
    moments = [d.made_at for d in deliveries.schedule(plan.to, plan.weeks)]
    gone = corrections.deletions(planned, plan.seed, moments, a_week=max(1, round(plan.yearly / 100_000)))
    return Force(plan, where, drawn_to, volume, planned, activity, folk, lives, brought, twice, known, gone)


def _crimes(force: Force, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    shown = corrections.as_shown(force.crimes, sent.made_at, None if everything else sent.since)
    gone = force.deletions.filter(pl.col("deleted_at") < sent.made_at)
    if len(gone):
        shown = shown.filter(~pl.col("crime_ref").is_in(gone["ref"].to_list()))
    return shown.select(CRIMES.names)


def _charges(force: Force, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    shown = charges.as_shown(force.charges, sent.until_day)
    if sent.since is not None and not everything:
        shown = shown.filter(pl.col("changed_on") >= sent.since.date())
    refs = force.people.frame["person_ref"].gather(shown["person"].to_numpy())
    minute = (shown["event"].to_numpy().astype(np.int64) * 7919) % 600 + 480
    return (
        shown.with_columns(
            refs.alias("person_ref"),
            (
                pl.col("changed_on").cast(pl.Datetime("us")) + pl.Series(minute * 60_000_000).cast(pl.Duration("us"))
            ).alias("changed_at"),
        )
        .join(force.duplicates, on="person", how="left", maintain_order="left")
        .with_columns(
            pl.when((pl.col("charged_on") >= pl.col("split_on")) & (pl.col("charged_on") < pl.col("merged_on")))
            .then(pl.col("second_ref"))
            .otherwise(pl.col("person_ref"))
            .alias("person_ref")
        )
        .select(CHARGES.names)
    )


def _persons(force: Force, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    """People seen by then; in a week, those new, charged, dead or found to be entered twice since the delivery before."""
    until, first_day = sent.until_day, force.plan.first_day
    brought = force.charges.filter(pl.col("charged_on") <= until)
    frame = people.with_records(
        force.people.frame, brought, force.careers.died_day, force.plan.seed, first_day, force.plan.to
    )
    frame = frame.filter(pl.col("first_seen_on") <= until).with_columns(
        pl.when(pl.col("died_on") <= until).then(pl.col("died_on")).otherwise(None).alias("died_on"),
        pl.lit(None, pl.String).alias("merged_into"),
    )
    changed = [pl.col("first_seen_on"), pl.col("died_on")]
    if sent.since is not None:
        latest = (
            brought.filter(pl.col("charged_on") >= sent.since.date())
            .group_by("person")
            .agg(pl.col("charged_on").max().alias("again_on"))
        )
        frame = frame.join(latest, on="person", how="left", maintain_order="left")
        changed.append(pl.col("again_on"))
    frame = frame.with_columns(pl.max_horizontal(changed).alias("changed_on"))
    second = (
        force.duplicates.join(brought.select("person", "charged_on"), on="person")
        .filter((pl.col("charged_on") >= pl.col("split_on")) & (pl.col("charged_on") < pl.col("merged_on")))
        .group_by("person", "second_ref", "merged_on", maintain_order=True)
        .agg(pl.col("charged_on").min().alias("opened_on"))
    )
    twins = frame.join(second, on="person", how="inner", maintain_order="left").with_columns(
        pl.when(pl.col("merged_on") <= until).then(pl.col("person_ref")).otherwise(None).alias("merged_into"),
        pl.col("second_ref").alias("person_ref"),
        pl.when(pl.col("merged_on") <= until)
        .then(pl.col("merged_on"))
        .otherwise(pl.col("opened_on"))
        .alias("changed_on"),
    )
    every = pl.concat([frame, twins.select(frame.columns)])
    if sent.since is not None and not everything:
        every = every.filter(pl.col("changed_on") >= sent.since.date())
    return every.with_columns(
        (pl.col("changed_on").cast(pl.Datetime("us")) + pl.duration(hours=9)).alias("changed_at")
    ).select(PERSONS.names)


def _tables(force: Force, sent: deliveries.Delivery, everything: bool) -> dict[str, pl.DataFrame]:
    since = None if everything or sent.since is None else sent.since
    activity = force.activity.filter(pl.col("started_at") < sent.made_at)
    gone = force.deletions.filter(pl.col("deleted_at") < sent.made_at)
    if since is not None:
        activity, gone = activity.filter(pl.col("started_at") >= since), gone.filter(pl.col("deleted_at") >= since)
    tables = {
        "crimes": _crimes(force, sent, everything),
        "persons": _persons(force, sent, everything),
        "charges": _charges(force, sent, everything),
        "circumstances": circumstances.as_shown(
            force.circumstances, sent.until_day, since.date() - timedelta(days=1) if since else None
        ).select(CIRCUMSTANCES_TABLE.names),
        "activity": activity.select(ACTIVITY.names),
    }
    if sent.since is not None:
        tables["deletions"] = gone.select(DELETIONS.names)
    return tables


def _spoil(
    force: Force, sent: deliveries.Delivery, tables: dict[str, pl.DataFrame], held: list[pl.DataFrame]
) -> list[bad_rows.Planted]:
    """Plants bad rows in one delivery's tables, in place. `held` carries person rows sent a delivery too late."""
    rng = stream(force.plan.seed, f"bad rows {sent.name}")
    share = force.plan.bad_rows_share
    late = held.pop() if held else None
    planted: list[bad_rows.Planted] = []
    if share > 0:
        tables["crimes"], found = bad_rows.spoil_crimes(tables["crimes"], rng, share, as_text=sent.since is not None)
        tables["charges"], more = bad_rows.spoil_charges(tables["charges"], rng, share)
        planted = found + more
        if sent.since is not None and len(tables["persons"]) > 50:
            new = (
                tables["persons"]
                .with_row_index()
                .filter(pl.col("changed_at") >= sent.since, pl.col("merged_into").is_null())
            )
            behind = new.sample(min(len(new), max(1, round(len(new) * 0.02))), seed=int(rng.integers(2**31))).sort(
                "index"
            )
            held.append(behind.drop("index"))
            tables["persons"] = tables["persons"].filter(~pl.col("person_ref").is_in(behind["person_ref"].to_list()))
            planted += [bad_rows.Planted("persons", 0, "person_later", ref) for ref in behind["person_ref"]]
    if late is not None:
        again = set(tables["persons"]["person_ref"])
        tables["persons"] = pl.concat([tables["persons"], late.filter(~pl.col("person_ref").is_in(list(again)))])
    return planted


def _write_deliveries(force: Force, folder: Path, say: Progress) -> tuple[list[deliveries.Written], list[pl.DataFrame]]:
    written: list[deliveries.Written] = []
    planted_frames: list[pl.DataFrame] = []
    held: list[pl.DataFrame] = []
    sends = deliveries.schedule(force.plan.to, force.plan.weeks)
    for k, sent in enumerate(sends):
        everything = sent.since is None or (force.plan.complete_last and sent is sends[-1])
        tables = _tables(force, sent, everything)
        planted = _spoil(force, sent, tables, held)
        rows = deliveries.write(folder / sent.name, sent, tables, complete=everything and sent.since is not None)
        counts: dict[str, int] = {}
        for row in planted:
            counts[row.kind] = counts.get(row.kind, 0) + 1
        written.append(deliveries.Written(sent.name, rows, counts))
        planted_frames.append(
            pl.DataFrame(
                [asdict(p) for p in planted],
                schema={"table": pl.String, "row": pl.Int64, "kind": pl.String, "ref": pl.String},
            ).with_columns(pl.lit(sent.name).alias("delivery"))
        )
        say(f"delivery {sent.name}", 0.55 + 0.30 * (k + 1) / len(sends))
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
        people, years, seed, to, weeks, over_policing, patrol_feedback, bad_rows_share, crimes_a_year, complete_last
    )
    force = make(plan, say)
    folder.mkdir(parents=True, exist_ok=True)
    county.write_layers(force.county, folder)
    settings_file.write(force.county, folder, reference_date(plan))
    written, planted = _write_deliveries(force, folder / "deliveries", say)
    say("truth", 0.9)
    truth.write(force, folder / "truth", written, pl.concat(planted))
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
    )
    say("done", 1.0)
    return summary


def reference_date(plan: Plan) -> date:
    """Day on which the bands' cuts are taken: the Monday of the last delivery's week, two years back where there are."""
    back = timedelta(weeks=104 if plan.years >= 3 else 26)
    return datetime.combine(plan.to, datetime.min.time()).date() - back


def document(summary: Summary) -> str:
    """A summary as JSON text."""
    return json.dumps(summary.document(), indent=1)
