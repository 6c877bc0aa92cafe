"""What a delivery changes in what is held: new versions, unchanged rows, superseded rows, deletions.

Pure. A row that is held as delivered is unchanged. Otherwise the newer stands: by `changed_at`, and at the same
`changed_at` by when the delivery was made. A key deleted at source comes back only with a delivery made later, and
what was delivered before its deletion stays past. So the same deliveries again, in any order, change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from harmcast.tables import ROW, Table

FIELD = "chr(31)"
NOTHING = "chr(30)"


@dataclass(frozen=True)
class Change:
    """New versions and what became of every accepted row: loaded + unchanged + superseded = rows.

    `older`: rows not taken that differ from what is held and came later than it, for their `changed_at` is older.
    """

    rows: pl.DataFrame
    loaded: int
    unchanged: int
    superseded: int
    repeated: int
    older: int = 0


def with_digest(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows with `digest`: 64 bits of MD5 over the columns named, stable across versions of every library."""
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.UInt64).alias("digest"))
    import duckdb

    fields = ", ".join(f"coalesce(cast({_quoted(name)} AS varchar), {NOTHING})" for name in sorted(columns))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.register("delivered", rows.select(columns))
        found = connection.sql(f"SELECT md5_number_lower(concat_ws({FIELD}, {fields})) AS digest FROM delivered").pl()
    return rows.with_columns(found["digest"].cast(pl.UInt64))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def once(rows: pl.DataFrame, table: Table, keep: Literal["last", "first"]) -> pl.DataFrame:
    """One row a key: the last changed (of those the last in the file), or the first in the file."""
    key = list(table.key)
    if rows.select(pl.struct(key).n_unique() if len(key) > 1 else pl.col(key[0]).n_unique()).item() == rows.height:
        return rows
    if keep == "last" and "changed_at" in table.names:
        rows = rows.sort("changed_at", ROW, nulls_last=False)
    return rows.unique(subset=key, keep=keep, maintain_order=True)


def change(
    rows: pl.DataFrame, standing: pl.DataFrame, table: Table, made_at: datetime, keep: Literal["last", "first"] = "last"
) -> Change:
    """The rows of a delivery against the newest version of each key held.

    Args:
        rows: accepted rows with `ROW` and `digest`.
        standing: as `Records.standing` gives.
    """
    single = once(rows, table, keep)
    repeated = rows.height - single.height
    if standing.is_empty():
        return Change(single, single.height, 0, repeated, repeated)
    key = list(table.key)
    held = standing.rename({name: f"held {name}" for name in standing.columns if name not in key})
    held = held.with_columns(pl.lit(True).alias("held"))
    joined = single.join(held, on=key, how="left", nulls_equal=True, maintain_order="left")
    if "changed_at" in table.names:
        by_change = (pl.col("changed_at") > pl.col("held changed_at")) | (
            (pl.col("changed_at") == pl.col("held changed_at")) & (pl.lit(made_at) > pl.col("held made_at"))
        )
    else:
        by_change = pl.lit(made_at) > pl.col("held made_at")
    after_deletion = pl.lit(made_at) > pl.col("held gone_at")
    is_newer = after_deletion.fill_null(True) & (pl.col("held deleted") | by_change)
    is_new = pl.col("held").is_null()
    is_same = (pl.col("digest") == pl.col("held digest")) & ~pl.col("held deleted")
    verdict = pl.when(is_new).then(0).when(is_same).then(1).when(is_newer).then(0).otherwise(2)
    fates = joined.select(verdict.alias("fate"))["fate"]
    loaded = single.filter(fates == 0)
    unchanged = int((fates == 1).sum())
    past = int((fates == 2).sum())
    came_later = joined.select((~pl.col("held deleted") & (pl.lit(made_at) > pl.col("held made_at"))).fill_null(False)).to_series()
    older = int(((fates == 2) & came_later).sum()) if "changed_at" in table.names else 0
    return Change(loaded, loaded.height, unchanged, past + repeated, repeated, older)


def absent(standing: pl.DataFrame, present: pl.DataFrame, table: Table, made_at: datetime) -> pl.DataFrame:
    """Keys held that a complete extract lacks: deleted at source when it was made. Gives key, `changed_at`."""
    key = list(table.key)
    live = standing.filter(~pl.col("deleted") & (pl.col("made_at") < made_at))
    gone = live.join(present.select(key), on=key, how="anti", nulls_equal=True, maintain_order="left")
    return gone.select(key).with_columns(pl.lit(made_at, pl.Datetime("us")).alias("changed_at"))


def deleted(
    listed: pl.DataFrame, standing: pl.DataFrame, table: Table, made_at: datetime
) -> tuple[pl.DataFrame, int, int]:
    """Listed deletions against what is held: (tombstones with key and `changed_at`, unchanged, superseded).

    A deletion of what is not held or already gone is unchanged; one older than what we hold is superseded.
    """
    key = table.key[0]
    joined = listed.join(standing, left_on="ref", right_on=key, how="left", maintain_order="left")
    is_gone = pl.col("deleted").is_null() | pl.col("deleted")
    stands = (pl.col("deleted_at") >= pl.col("changed_at")) & (pl.lit(made_at) >= pl.col("made_at"))
    gone = joined.filter(is_gone).height
    going = joined.filter(~is_gone & stands)
    single = going.sort("deleted_at", ROW).unique("ref", keep="last", maintain_order=True)
    tombstones = single.select(pl.col("ref").alias(key), pl.col("deleted_at").alias("changed_at"))
    superseded = joined.height - gone - single.height
    return tombstones, gone, superseded
