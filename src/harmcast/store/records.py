"""What we know, and since when: append-only Parquet, one part a load and table.

Each row is a version: what one delivery said of one key. Beside the columns of `tables.py` it carries

    known_on    the first day we can have known it (contract, "known_on")
    deleted     the key was deleted at source; every other column is then null
    sequence    number of the load that wrote it; a later load's version stands over an earlier one's
    made_at     when its delivery was made
    digest      64 bits of MD5 over the row as delivered, to see that a row is unchanged (of persons: beside the
                protected columns, because it covers them)

Parts are written beside, synced, and named in the ledger in one transaction. Readers give what was known at the end
of a day, and up to a load (`upto_part`), so that any past week can be made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PolarsError

from harmcast.errors import AccessDenied, StoreDamaged
from harmcast.oversight import access
from harmcast.oversight.log import Event
from harmcast.store import files, ledger, schema
from harmcast.store.ledger import Part
from harmcast.store.operations import Operations
from harmcast.tables import (
    ACTIVITY,
    CHARGES,
    CIRCUMSTANCES_TABLE,
    CRIMES,
    PERSONS,
    PERSONS_PROTECTED,
    Table,
)

FOLDER = "records"
VERSION = pl.Schema(
    {
        "known_on": pl.Date(),
        "deleted": pl.Boolean(),
        "sequence": pl.Int32(),
        "made_at": pl.Datetime("us"),
        "digest": pl.UInt64(),
    }
)
OF_VERSION = ["deleted", "sequence", "made_at", "digest"]
HELD: dict[str, Table] = {
    table.name: table for table in (CRIMES, PERSONS, PERSONS_PROTECTED, CHARGES, CIRCUMSTANCES_TABLE, ACTIVITY)
}
Reader = Literal["fairness.groups", "people.minors"]
OPENED: dict[str, list[str]] = {
    "fairness.groups": PERSONS_PROTECTED.names,
    "people.minors": ["person_ref", "born_on"],
}


def held_columns(table: Table) -> list[str]:
    """The columns a part of this table keeps, in order: those of persons without the protected ones."""
    if table.name == PERSONS.name:
        return [name for name in table.names if PERSONS.column(name).sensitivity != "protected"]
    return table.names


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (PolarsError, OSError) as error:
        raise StoreDamaged(
            f"A part of {name} cannot be read.",
            code="part_unreadable",
            next_step="Restore the newest backup (`harmcast restore`) and tell the data owner.",
        ) from error


class Records:
    """The files of record of one state; `waiting`: as they would be if the load that waits were accepted."""

    def __init__(self, root: Path, operations: Operations, *, waiting: bool = False) -> None:
        self.root = root
        self.operations = operations
        self.waiting = waiting

    # -- parts -----------------------------------------------------------------------------------

    def parts(self, table: str | None = None, upto: int | None = None) -> list[Part]:
        """The parts that stand, oldest first, of one table or of all; those of a load that waits are not among them."""
        found = ledger.named(self.operations, "part", upto, waiting=self.waiting)
        return [part for part in found if table is None or part.table_name == table]

    def latest(self) -> int:
        """Number of the newest accepted load that wrote records; 0 if there is none."""
        return max((part.sequence for part in self.parts()), default=0)

    def changed_since(self, table: str, sequence: int, as_of: date) -> int:
        """How many keys of a table have a version that a load after `sequence` brought and that was known by the end of `as_of`."""
        later = [part for part in self.parts(table) if part.sequence > sequence]
        key = list(HELD[table].key)
        rows = self.versions(table, columns=[*key, "known_on"], parts=later)
        return rows.filter(pl.col("known_on") <= as_of).select(key).n_unique() if later else 0

    def data_hash(self, upto_part: int | None = None) -> str:
        """SHA-256 over the digests of all parts up to a load: names the data a release was made of."""
        whole = hashlib.sha256()
        for part in self.parts(upto=upto_part):
            whole.update(f"{part.name} {part.sha256}\n".encode())
        return whole.hexdigest()

    def delivery_sha256(self, upto: int) -> str:
        """SHA-256 of the delivery that the newest load up to `upto` came with; of all the data where no delivery is named."""
        table = schema.deliveries
        query = sa.select(table.c.content_sha256).where(table.c.sequence <= upto, table.c.content_sha256.is_not(None))
        found = self.operations.rows(query.order_by(table.c.sequence.desc()).limit(1))
        return str(found[0]["content_sha256"]) if found else self.data_hash(upto)

    def verify(self) -> list[str]:
        """Names of the parts whose bytes are not those that were written; empty if all are."""
        found = []
        for part in self.parts():
            path = self.root / part.name
            if not path.is_file() or files.sha256(path) != part.sha256:
                found.append(part.name)
        return found

    def write(self, table: str, rows: pl.DataFrame, sequence: int, made_at: str, revision: int = 0) -> Part:
        """Writes one part beside the others; it exists only once `ledger.add` has named it."""
        suffix = f".{revision}" if revision else ""
        name = f"{FOLDER}/{sequence:06d}_{table}{suffix}.parquet"
        files.write_whole(
            self.root / name,
            lambda path: rows.write_parquet(path, compression="zstd", compression_level=1, row_group_size=262_144),
        )
        return ledger.part_of(self.root, name, "part", sequence, table, made_at, rows.height)

    def scan(self, part: Part) -> pl.LazyFrame:
        """A part as it stands, lazily. Raises StoreDamaged if it is not the file the ledger names."""
        return pl.scan_parquet(ledger.checked(self.root, part), glob=False)

    def read(self, part: Part) -> pl.DataFrame:
        """A part as it stands. Raises StoreDamaged if it is not the file the ledger names, or cannot be read."""
        return self._collect(self.scan(part), str(part.table_name))

    # -- versions --------------------------------------------------------------------------------

    def _collect(self, frame: pl.LazyFrame, name: str) -> pl.DataFrame:
        with _readable(name):
            return frame.collect()

    def versions(
        self,
        table: str,
        upto: int | None = None,
        columns: Sequence[str] | None = None,
        parts: Sequence[Part] | None = None,
        only: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Every version held of a table, in the order it was written; columns that a part lacks are null.

        Args:
            only: keys to read, in the table's key columns; None: all.
        """
        spec = HELD[table]
        chosen = self.parts(table, upto) if parts is None else list(parts)
        if not chosen:
            schema = {**spec.schema(held_columns(spec)), **VERSION}
            return pl.DataFrame(
                schema=schema if columns is None else {name: schema[name] for name in columns if name in schema}
            )
        frames = []
        for part in chosen:
            frame = self.scan(part)
            if columns is not None:
                with _readable(table):
                    present = frame.collect_schema().names()
                frame = frame.select([name for name in columns if name in present])
            if only is not None:
                keys_wanted = only.select(spec.key).unique().lazy()
                frame = frame.join(keys_wanted, on=list(spec.key), how="semi", nulls_equal=True, maintain_order="left")
            frames.append(frame)
        return self._collect(pl.concat(frames, how="diagonal") if len(frames) > 1 else frames[0], table)

    def known(
        self, table: str, as_of: date | None = None, upto: int | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """What was known of a table at the end of `as_of` (None: all that is held): a row a key, deleted ones gone, without names.

        Only keys that occur in a later part, or twice in the first, have to be resolved.
        """
        closed = HELD[table].having("name")
        wanted = None if columns is None else [name for name in columns if name not in closed]
        return self._known(table, as_of, upto, wanted).drop(closed, strict=False)

    def names(self, ask: access.Ask) -> pl.DataFrame:
        """People's references and names as held now: person_ref, name. The one way by which names leave.

        Raises: AccessDenied unless what is asked for may hold them.
        """
        if not access.may_see_names(ask):
            raise AccessDenied("That is not shown with names.", code="names_closed", next_step="Ask as somebody of the person's own unit.")
        found = self._known(PERSONS.name, None, None, ["person_ref", *PERSONS.having("name")])
        return found if "name" in found.columns else found.with_columns(name=pl.lit(None, pl.String))

    def _known(self, table: str, as_of: date | None, upto: int | None, columns: Sequence[str] | None) -> pl.DataFrame:
        spec = HELD[table]
        key = list(spec.key)
        wanted = list(columns) if columns is not None else None
        read = None if wanted is None else list(dict.fromkeys([*key, *wanted, *(["known_on"] if as_of is not None else []), "deleted"]))
        parts = self.parts(table, upto)
        first = self.versions(table, columns=read, parts=parts[:1])
        later = self.versions(table, columns=read, parts=parts[1:])
        if as_of is not None:
            first = first.filter(pl.col("known_on") <= as_of)
            later = later.filter(pl.col("known_on") <= as_of)
        if table == CHARGES.name or first["deleted"].any():
            first = first.unique(subset=key, keep="last", maintain_order=True)
        later = later.unique(subset=key, keep="last", maintain_order=True)
        if later.height:
            first = first.join(later.select(key), on=key, how="anti", nulls_equal=True, maintain_order="left")
            first = pl.concat([first, later], how="diagonal")
        if first["deleted"].any():
            first = first.filter(~pl.col("deleted"))
        if wanted is not None:
            return first.select([name for name in wanted if name in first.columns])
        return first.drop([name for name in OF_VERSION if name in first.columns])

    # -- readers ---------------------------------------------------------------------------------

    def crimes(
        self, as_of: date, columns: Sequence[str] | None = None, upto_part: int | None = None, cancelled: bool = False
    ) -> pl.DataFrame:
        """Recorded crimes as known at the end of `as_of`: one row a crime, with `known_on` and any mapped text column.

        Crimes cancelled by then are left out unless `cancelled` is set. In the order they became known.
        """
        read = None if columns is None else list(dict.fromkeys([*columns, "status"]))
        found = self.known(CRIMES.name, as_of, upto_part, read)
        if not cancelled:
            found = found.filter(pl.col("status") == "recorded")
        if columns is None:
            return found
        never_sent = [
            pl.lit(None, CRIMES.column(name).polars).alias(name)
            for name in columns
            if name not in found.columns and name in CRIMES.names
        ]
        found = found.with_columns(never_sent)
        return found.select([name for name in columns if name in found.columns])

    def charge_versions(self, upto_part: int | None = None) -> pl.DataFrame:
        """Every version of every charge whose person is held: by charge, then in the order it became known.

        "As known at D" is the last row of a `charge_ref` with `known_on <= D`; where `deleted` is set the charge was
        gone by then. A charge that came before its person is known from the day the person was.
        """
        charges = self.versions(CHARGES.name, upto_part).drop("digest", "made_at")
        if charges.is_empty():
            return charges.drop("sequence")
        gone = charges.filter("deleted")["charge_ref"].unique()
        if len(gone):  # a deletion names the charge alone
            whose = charges.filter(pl.col("charge_ref").is_in(gone.implode())).drop_nulls("person_ref")
            whose = whose.group_by("charge_ref").agg(pl.col("person_ref").last().alias("of"))
            charges = charges.join(whose, on="charge_ref", how="left", maintain_order="left")
            charges = charges.with_columns(pl.coalesce("person_ref", "of").alias("person_ref")).drop("of")
        people = self._collect(self.persons_first(upto_part), PERSONS.name)
        charges = charges.join(people, on="person_ref", how="inner", maintain_order="left")
        came_later = pl.col("person_sequence") > pl.col("sequence")
        charges = charges.with_columns(
            pl.max_horizontal("known_on", pl.when(came_later).then("person_made_on")).alias("known_on")
        )
        charges = charges.sort("charge_ref", "sequence", "known_on")
        if charges["sequence"].n_unique() > 1:
            charges = charges.with_columns(pl.col("known_on").cum_max().over("charge_ref"))
        return charges.drop("person_sequence", "person_made_on", "sequence")

    def person_of_charge(self, charge_ref: str) -> str | None:
        """Reference of the person charged, as held now; None if no such charge is. For a look-up among the asker's own people alone."""
        text = charge_ref.strip()
        asked = pl.DataFrame({"charge_ref": [text, text.upper()]})
        rows = self.versions(CHARGES.name, columns=["charge_ref", "person_ref", "known_on", *OF_VERSION], only=asked)
        newest = rows.sort("known_on", "sequence").tail(1)
        return None if newest.is_empty() or newest["deleted"][0] else str(newest["person_ref"][0])

    def persons_first(self, upto: int | None = None) -> pl.LazyFrame:
        """Which load each person came with first: `person_ref, person_sequence, person_made_on`."""
        rows = self.versions(PERSONS.name, upto, ["person_ref", "sequence", "made_at"])
        return (
            rows.lazy()
            .group_by("person_ref")
            .agg(
                pl.col("sequence").min().alias("person_sequence"),
                pl.col("made_at").min().dt.date().alias("person_made_on"),
            )
        )

    def persons(self, as_of: date | None = None, upto_part: int | None = None) -> pl.DataFrame:
        """People as known at the end of `as_of` (None: all held), without name and protected columns."""
        columns = [name for name in held_columns(PERSONS) if name != "name"]
        return self.known(PERSONS.name, as_of, upto_part, [*columns, "known_on"]).sort("person_ref")

    def circumstances(self, as_of: date | None = None, upto_part: int | None = None) -> pl.DataFrame:
        """What units already do with people, as known at the end of `as_of`: shown, never a model input."""
        return self.known(CIRCUMSTANCES_TABLE.name, as_of, upto_part).sort("person_ref", "kind", "from_on")

    def activity(self, as_of: date | None = None, upto_part: int | None = None) -> pl.DataFrame:
        """Patrols and visits as known at the end of `as_of`: for the feedback check."""
        return self.known(ACTIVITY.name, as_of, upto_part)

    def protected(
        self, reader: Reader, event: Event, as_of: date | None = None, upto_part: int | None = None
    ) -> pl.DataFrame:
        """The protected columns of people, for one of the two modules that may be handed them.

        Writes the event first, with who it is read for and which columns; `people.minors` gets the birth date alone.

        Raises: RunStopped (`log_unavailable`): what cannot be logged is not opened.
        """
        columns = OPENED[reader]
        self.operations.record(event.with_detail(reader=reader, columns=columns))
        return self.known(PERSONS_PROTECTED.name, as_of, upto_part, columns).sort("person_ref")

    # -- for loading -----------------------------------------------------------------------------

    def standing(self, table: str, only: pl.DataFrame | None = None) -> pl.DataFrame:
        """The newest version of every key held, deleted ones too: key, `changed_at`, `made_at`, `deleted`, `digest`.

        `gone_at` is when the newest delivery that deleted the key was made, also where it has come back since.

        Args:
            only: keys to look for; None: all.
        """
        spec = HELD[table]
        key = list(spec.key)
        changed = ["changed_at"] if "changed_at" in spec.names else []
        columns = [*key, *changed, "deleted", "sequence", "made_at"]
        if table == PERSONS.name:
            people = self.versions(PERSONS.name, columns=columns, only=only)
            digests = self.versions(PERSONS_PROTECTED.name, columns=[*key, "sequence", "deleted", "digest"], only=only)
            rows = people.join(digests, on=[*key, "sequence", "deleted"], how="left", maintain_order="left")
        else:
            rows = self.versions(table, columns=[*columns, "digest"], only=only)
        has_deleted = rows["deleted"].any()
        many = has_deleted or table == CHARGES.name or rows["sequence"].n_unique() > 1
        newest = rows.unique(subset=key, keep="last", maintain_order=True) if many else rows
        if not has_deleted:
            return newest.with_columns(pl.lit(None, pl.Datetime("us")).alias("gone_at"))
        gone = rows.filter("deleted").group_by(key).agg(pl.col("made_at").max().alias("gone_at"))
        return newest.join(gone, on=key, how="left", nulls_equal=True, maintain_order="left")
