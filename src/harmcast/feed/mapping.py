"""The force's columns -> ours: one TOML file, so that any force's export can be read as it stands.

```toml
[tables.crimes]
file = "offences.csv"                    # file of the delivery; several tables may be made of one
crs = "EPSG:32618"                       # of easting_m and northing_m; or map lon and lat
formats = ["%d/%m/%Y %H:%M"]             # of its dates, tried in order; ISO 8601 where none is given
key = { columns = ["date", "place"], occurrence = true }   # makes the key: columns joined, then 1, 2, 3 for repeats
keep = "first"                           # which row of a repeated key stands; default: the last changed
ignore = ["officer"]                     # columns known and not wanted; any other unknown column stops the load
encoding = "cp1252"                      # of a text file; default what [feed.files] says, else UTF-8 and commas
delimiter = ";"

[tables.crimes.columns]
crime_ref = "incident"                   # ours = theirs
happened_from = { from = "date", hours = "hour" }          # a date, and a column of whole hours
status = { constant = "recorded" }
injury = { from = "kind", codes = { shooting_fatal = "fatal", shooting_nonfatal = "serious" } }
offence_code = { from = ["law", "section"], join = "/" }   # columns joined
recorded_at = "date"                     # a column may be used twice
kind = "kind"                            # a column that is not ours: kept as text, for `where`
```

A code that the mapping does not list passes as it stands, and a value outside a closed list then stops the load.
Without a mapping our names are read as they stand.
"""

from __future__ import annotations

import tomllib
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harmcast.errors import Fault, SettingsRefused
from harmcast.tables import DELIVERED, ROW, Table

COORDINATES = ("lon", "lat")
TABLES: dict[str, Table] = {table.name: table for table in DELIVERED}


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ColumnRule(_Rule):
    """Where one of our columns comes from: one or more of theirs, or a constant."""

    source: str | list[str] | None = Field(None, alias="from")
    join: str = " "
    constant: str | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    hours: str | None = None
    formats: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one(self) -> ColumnRule:
        if (self.source is None) == (self.constant is None):
            raise ValueError("give either from or constant")
        return self

    @property
    def sources(self) -> list[str]:
        first = [] if self.source is None else [self.source] if isinstance(self.source, str) else list(self.source)
        return first + ([self.hours] if self.hours else [])


class KeyRule(_Rule):
    """A key made of chosen columns, and of an occurrence number where rows repeat."""

    columns: list[str] = Field(min_length=1)
    occurrence: bool = False


class TableRule(_Rule):
    """How one table is made of one file."""

    file: str | None = None
    crs: str | None = None
    formats: list[str] = Field(default_factory=list)
    key: KeyRule | None = None
    keep: Literal["last", "first"] = "last"
    ignore: list[str] = Field(default_factory=list)
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    columns: dict[str, str | ColumnRule] = Field(default_factory=dict)

    def rules(self) -> dict[str, ColumnRule]:
        """Every column's rule, plain names written out."""
        return {
            name: ColumnRule.model_validate({"from": rule}) if isinstance(rule, str) else rule
            for name, rule in self.columns.items()
        }

    def wanted(self) -> set[str]:
        """Columns of the source that this table is made of."""
        found = {source for rule in self.rules().values() for source in rule.sources}
        return found | set(self.key.columns if self.key else [])

    def formats_of(self, column: str) -> list[str]:
        rule = self.rules().get(column)
        return (rule.formats if rule is not None else []) or self.formats


class Mapping(_Rule):
    """How a force's files become our tables."""

    tables: dict[str, TableRule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ours(self) -> Mapping:
        for name, rule in self.tables.items():
            if name not in TABLES:
                raise ValueError(f"tables.{name}: there is no such table")
            table = TABLES[name]
            missing = [
                column.name
                for column in table.columns
                if column.required and column.name not in rule.columns and not (rule.key and column.name in table.key)
            ]
            if {"lon", "lat"} <= set(rule.columns):
                missing = [column for column in missing if column not in {"easting_m", "northing_m"}]
            if missing:
                raise ValueError(f"tables.{name}.columns lacks {', '.join(missing)}")
            if rule.key and len(table.key) != 1:
                raise ValueError(f"tables.{name}: its key has several columns and cannot be made")
        return self

    def of_file(self, file: str) -> dict[str, TableRule | None]:
        """The tables made of a file, by name; `None` as rule: our names as they stand."""
        made = {name: rule for name, rule in self.tables.items() if rule.file == file}
        if made:
            return dict(made)
        stem = file.rsplit(".", 1)[0]
        if stem in self.tables and self.tables[stem].file is None:
            return {stem: self.tables[stem]}
        return {stem: None} if stem in TABLES and stem not in self.tables else {}


PLAIN = Mapping()


def parse(text: str, name: str = "mapping.toml") -> Mapping:
    """A mapping of its TOML text. Raises SettingsRefused with every fault at once."""
    try:
        return Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(
            f"{name} is not TOML: {error}", code="mapping_not_toml", next_step="Mend the line named."
        ) from None
    except ValidationError as error:
        faults = tuple(
            Fault(str(e["msg"]), name, column=".".join(map(str, e["loc"])) or None)
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise SettingsRefused(
            f"{name} has {len(faults)} fault(s).",
            code="mapping_invalid",
            faults=faults,
            next_step="Edit the mapping; docs/how-the-feed-works.md describes it.",
        ) from None


def _text(name: str, schema: pl.Schema) -> pl.Expr:
    kind = schema[name]
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    return pl.col(name) if kind == pl.String else pl.col(name).cast(pl.String)


def _column(rule: ColumnRule, schema: pl.Schema) -> pl.Expr:
    """Our column of theirs. Typed columns of a Parquet file stay as they are unless the rule needs text."""
    if rule.constant is not None:
        return pl.lit(rule.constant, pl.String)
    names = rule.sources[: -1 if rule.hours else None]
    if len(names) == 1 and not rule.codes:
        return pl.col(names[0])
    found = (
        _text(names[0], schema)
        if len(names) == 1
        else pl.concat_str([_text(n, schema) for n in names], separator=rule.join)
    )
    return found.replace(rule.codes) if rule.codes else found


def _key(rule: KeyRule, schema: pl.Schema) -> pl.Expr:
    parts = [_text(name, schema).fill_null("") for name in rule.columns]
    joined = pl.concat_str(parts, separator="|")
    if not rule.occurrence:
        return joined
    number = pl.int_range(1, pl.len() + 1).over(rule.columns)
    return pl.concat_str([joined, number.cast(pl.String)], separator="#")


def applied(raw: pl.DataFrame, table: Table, rule: TableRule | None) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The rows under our names, and for each column dated with a column of hours, those hours (as delivered).

    Columns that the force does not deliver are absent; `ROW` goes along.
    """
    if rule is None:
        names = [name for name in (*table.names, *COORDINATES) if name in raw.columns]
        return raw.select(ROW, *names), {}
    rules = rule.rules()
    columns = {name: _column(found, raw.schema) for name, found in rules.items()}
    if rule.key is not None:
        columns[table.key[0]] = _key(rule.key, raw.schema)
    hours = {name: raw[found.hours] for name, found in rules.items() if found.hours}
    return raw.select(pl.col(ROW), **columns), hours


def ours(table: Table, rule: TableRule | None) -> list[str]:
    """Columns kept beside those of the table: any other mapped column, as text, for `where`."""
    if rule is None:
        return []
    return [name for name in rule.columns if name not in table.names and name not in COORDINATES]
