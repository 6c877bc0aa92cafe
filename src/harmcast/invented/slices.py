"""One delivery's tables cut from everything that was made up: what the records showed by then, and what had changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from harmcast.invented import bad_rows, charges, circumstances, corrections, deliveries, people
from harmcast.invented.draws import stream
from harmcast.tables import ACTIVITY, CHARGES, CIRCUMSTANCES_TABLE, CRIMES, DELETIONS, PERSONS

if TYPE_CHECKING:
    from harmcast.invented.plan import InventedForce


def _crimes(force: InventedForce, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    shown = corrections.as_shown(force.crimes, sent.made_at, None if everything else sent.since)
    gone = force.deletions.filter(pl.col("deleted_at") < sent.made_at)
    if len(gone):
        shown = shown.filter(~pl.col("crime_ref").is_in(gone["ref"].to_list()))
    return shown.select(CRIMES.names)


def _charges(force: InventedForce, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    parted = (pl.col("charged_on") >= pl.col("own_from")) & (pl.col("parted_on") <= sent.until_day)
    shown = (
        charges.as_shown(force.charges, sent.until_day)
        .join(force.mixed, on="person", how="left", maintain_order="left")
        .with_columns(parted.fill_null(False).alias("parted"))
        .with_columns(
            pl.when("parted")
            .then(pl.max_horizontal("changed_on", "parted_on"))
            .otherwise("changed_on")
            .alias("changed_on")
        )
    )
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
            .when("parted")
            .then(pl.col("own_ref"))
            .otherwise(pl.col("person_ref"))
            .alias("person_ref")
        )
        .select(CHARGES.names)
    )


def _persons(force: InventedForce, sent: deliveries.Delivery, everything: bool) -> pl.DataFrame:
    """People seen by then; in a week, those new, charged again, dead or found to be entered twice since the last."""
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
    others = (
        frame.join(force.mixed, on="person", how="inner", maintain_order="left")
        .filter(pl.col("parted_on") <= until)
        .with_columns(pl.col("own_ref").alias("person_ref"), pl.col("parted_on").alias("changed_on"))
    )
    every = pl.concat([frame, twins.select(frame.columns), others.select(frame.columns)])
    if sent.since is not None and not everything:
        every = every.filter(pl.col("changed_on") >= sent.since.date())
    return every.with_columns(
        (pl.col("changed_on").cast(pl.Datetime("us")) + pl.duration(hours=9)).alias("changed_at")
    ).select(PERSONS.names)


def tables_of(force: InventedForce, sent: deliveries.Delivery, everything: bool) -> dict[str, pl.DataFrame]:
    """Every table of one delivery: all that is held by then, or (`everything` false) what is new or changed."""
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


def spoil(
    force: InventedForce, sent: deliveries.Delivery, tables: dict[str, pl.DataFrame], held: list[pl.DataFrame]
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
