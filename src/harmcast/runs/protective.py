"""What of a waiting load cannot wait because it protects people: restrictions, deaths, charges that fell away.

They are written as versions of the rows that are held, changed in nothing else, and count at once: the person is hidden
or flagged, the charge counts no longer. Their age is that of the row they change, so that any later word of the source
stands over them.
"""

from __future__ import annotations

import polars as pl

from harmcast.runs.received import Work
from harmcast.store.records import Records, held_columns
from harmcast.tables import CHARGES, FALLEN_AWAY, PERSONS


def protecting(records: Records, work: Work) -> dict[str, pl.DataFrame]:
    """Rows to be written ahead of a load that waits, by table; empty where it holds nothing of the kind."""
    found = {PERSONS.name: _persons(records, work.new), CHARGES.name: _charges(records, work.new)}
    made_on = pl.lit(work.manifest.made_at.date(), pl.Date)
    version = {"known_on": made_on, "deleted": pl.lit(False), "digest": pl.lit(None, pl.UInt64)}  # no digest: no delivery sent them so
    return {table: rows.with_columns(**version) for table, rows in found.items() if rows is not None and rows.height}


def _persons(records: Records, new: dict[str, pl.DataFrame]) -> pl.DataFrame | None:
    """People held who are restricted or dead by the load and were not by what is held."""
    if PERSONS.name not in new:
        return None
    said = new[PERSONS.name].select("person_ref", now_restricted="restricted", now_died="died_on")
    joined = records.known(PERSONS.name, columns=[*held_columns(PERSONS), "made_at"]).join(said, on="person_ref", how="inner", maintain_order="left")
    was = pl.col("restricted").fill_null(False)
    hides = pl.col("now_restricted").fill_null(False) & ~was
    dies = pl.col("now_died").is_not_null() & pl.col("died_on").is_null()
    return joined.filter(hides | dies).with_columns(
        restricted=was | pl.col("now_restricted").fill_null(False), died_on=pl.coalesce("died_on", "now_died")
    ).drop("now_restricted", "now_died")  # fmt: skip


def _charges(records: Records, new: dict[str, pl.DataFrame]) -> pl.DataFrame | None:
    """Charges held that fell away by the load and stood by what is held."""
    if CHARGES.name not in new:
        return None
    fell = new[CHARGES.name].filter(pl.col("outcome").is_in(FALLEN_AWAY))
    said = fell.select("charge_ref", now_outcome="outcome", now_outcome_on="outcome_on")
    joined = records.known(CHARGES.name, columns=[*CHARGES.names, "made_at"]).join(said, on="charge_ref", how="inner", maintain_order="left")
    return joined.filter(~pl.col("outcome").is_in(FALLEN_AWAY)).with_columns(
        outcome="now_outcome", outcome_on="now_outcome_on"
    ).drop("now_outcome", "now_outcome_on")  # fmt: skip
