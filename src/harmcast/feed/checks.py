"""Raw rows -> accepted, quarantined with a reason, or the whole delivery refused.

Every fault is found before anything is decided. Two kinds:

- of the file: a column new, lost, renamed or of another type; a value outside a closed list; an offence code that a
  spreadsheet turned into a date; more rows quarantined than the settings allow; most points off the force's area. The
  delivery is refused whole.
- of a row: quarantined with file, row number, column and rule, never the value.

| rule | of | says |
|---|---|---|
| row_columns, not_utf8 | row | more or fewer fields than the header; bytes that are no text |
| value_new | file | values outside a closed list; of open codes they are said, with how many rows |
| offence_code_damaged, reference_damaged | file | a code that became a date, a reference that became a fraction or a power of ten |
| quarantine_share | file | more rows set aside than the settings allow; each rule and column is named beside it |
| required_missing | row | a column that a row must have is empty |
| date_unreadable, number_unreadable, flag_unreadable | row | not of the column's type |
| date_out_of_range | row | before 1900 |
| date_in_future | row | later than a day after the delivery was made |
| text_too_long, control_character | row | over 200 characters in a reference or code, 2,000 elsewhere; control or direction marks |
| interval_backwards | row | ends before it begins |
| charged_before_happened, outcome_before_charge, died_before_born | row | an order that cannot be |
| review_group_unknown, number_out_of_range | row | outside what the column can hold |
| place_unknown | note | no coordinates: the row is kept and counted, no cell gets it |
| place_half, place_zero | note | one coordinate missing, or both 0: taken as unknown |
| off_area | note | a point outside the force's boundary: kept, counted, no cell gets it |
| happened_after_recorded, outcome_undated | note | kept as delivered |
| null_word | note | a cell that held NULL, N/A, nan or the like: taken as empty |
| source_row_unused | note | a delivered row of which an SQL mapping made none |
| interval | note | happened over an interval: dated at its start |
| offence_code_class, offence_code_undecided, offence_code_other | note | a class without a subclass; a bare number that could be two codes; a code of another system: kept as printed |
| birth_placeholder, birth_shared, birth_unlikely, happened_placeholder | note | dates that stand for unknown, and count so (`feed.placeholders`) |
| changed_at_older | note | rows that differ from what is held and are not taken: their `changed_at` is older |
| key_repeated | note | rows of a key that the delivery holds more than once: one stands, the others are superseded |
| repeated_date_place | note | crimes that share day, place and offence code with another reference |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import polars as pl

from harmcast import offence_codes
from harmcast.errors import Cause, Fault
from harmcast.feed import mapping, values
from harmcast.feed.extract import RawFile
from harmcast.feed.mapping import COORDINATES, TableRule
from harmcast.feed.placeholders import WRITTEN_FOR_NONE
from harmcast.feed.sql_mapping import Made
from harmcast.offence_codes import How
from harmcast.tables import ACTIVITY, CHARGES, CIRCUMSTANCES_TABLE, CRIMES, FILE, PERSONS, ROW, Column, Table

EARLIEST = date(1900, 1, 1)
LONGEST_CODE = 200
LONGEST_TEXT = 2_000
CONTROL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\u202a-\u202e\u2066-\u2069]"
AMERICAN = r"^\s*(0?[1-9]|1[0-2])[/. -](1[3-9]|2\d|3[01])[/. -](\d{4}|\d{2})\b"  # month, day over 12, year
RETYPED_SHARE = 0.5
OFFENCE_CODE = "offence_code"
ROWS_NAMED = 5
NEAR_AXIS_M = 1_000
CODES_SHOWN, CODE_LENGTH_SHOWN = 50, 40  # more distinct values, or longer ones, are no code list
LIKE_A_CODE = r"^(\S+|[^\s\d]+( [^\s\d]+){1,3})$"  # one word, or up to four without a digit: free text may name somebody
Inside = Callable[[Any, Any], Any]
"""Eastings and northings (arrays, m) -> whether each lies on the force's area."""


@dataclass(frozen=True)
class CheckContext:
    """What the checks must know beside the rows."""

    timezone: str
    crs: str
    made_at: datetime
    quarantine_max_share: float = 0.02
    off_area_max_share: float = 0.1
    inside: Inside | None = None
    home_office: bool = True
    """Whether offence codes are the Home Office's: then every printed form becomes one."""


@dataclass
class Checked:
    """One table of one file after its checks. received = rows accepted + rows quarantined.

    Attributes:
        rows: accepted rows, typed, with `ROW`.
        quarantine: a fault a row and rule.
        quarantined: rows set aside (a row with two faults is one).
        held_keys: readable keys of quarantined rows: present at source, though unreadable.
        keyless: quarantined rows whose key is unreadable: then absence proves nothing.
        faults: faults of the file: any refuses the delivery.
        notes: rule -> count of rows kept as they stand.
        columns: columns of the source and their types.
        files: the files delivered that its rows come from.
        keep: which row of a repeated key stands.
        made, delivered, unread: of an SQL mapping: rows it made, rows delivered, and rows of those that could not be read.
        placed: crimes accepted that have a place.
        codes: offence codes that are not class and subclass: `offence_codes.How` -> code as printed -> rows.
    """

    file: str
    table: str
    rows: pl.DataFrame
    received: int
    quarantined: int = 0
    quarantine: list[Fault] = field(default_factory=list)
    held_keys: pl.DataFrame = field(default_factory=pl.DataFrame)
    keyless: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    keep: Literal["last", "first"] = "last"
    codes: dict[How, dict[str, int]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    made: int | None = None
    delivered: int = 0
    unread: int = 0
    placed: int = 0


# -- columns -------------------------------------------------------------------------------------


def column_faults(
    raw: RawFile, table: Table, rule: TableRule | None, known_elsewhere: set[str], before: dict[str, str] | None
) -> list[Fault]:
    """Schema drift: columns new, lost or of another type than the mapping and the last delivery say.

    Args:
        known_elsewhere: columns that other tables made of the same file want.
        before: columns of this file in the last delivery loaded; None if it is new.
    """
    present = {name for name in raw.columns}
    if rule is None:
        wanted = {column.name for column in table.columns if not column.optional}
        if set(COORDINATES) <= present:
            wanted -= {"easting_m", "northing_m"}
        allowed = {*table.names, *(COORDINATES if "easting_m" in table.names else ())}
    else:
        wanted = rule.wanted()
        allowed = wanted | set(rule.ignore) | known_elsewhere
    if before is not None:
        wanted |= {name for name in before if name in allowed and (rule is None or name in rule.wanted())}
    lost = sorted(wanted - present)
    new = sorted(present - allowed)
    faults = [Fault("column_lost", raw.name, column=name, next_step="send it, or change the mapping") for name in lost]
    for i in range(len(new)):
        position = list(raw.columns).index(new[i]) + 1
        faults.append(
            Fault("column_new", raw.name, column=f"column {position}", next_step="map it, or list it under ignore")
        )
    for name, kind in raw.columns.items():
        was = (before or {}).get(name)
        if was is not None and kind != was and "empty" not in {kind, was} and name in allowed:
            faults.append(Fault("column_retyped", raw.name, column=name, next_step="send the type sent before"))
    return faults


# -- rows ----------------------------------------------------------------------------------------


class _Rows:
    """Rows under check, with what was found against them."""

    def __init__(self, file: str, rows: pl.DataFrame) -> None:
        self.file = file
        self.rows = rows
        self.bad = pl.Series("bad", [False], dtype=pl.Boolean).new_from_index(0, rows.height)
        self.quarantine: list[Fault] = []
        self.notes: dict[str, int] = {}
        self.codes: dict[How, dict[str, int]] = {}

    def against(self, rule: str, column: str | None, bad: pl.Series, next_step: str = "") -> int:
        """Sets aside the rows marked, under a rule."""
        bad = bad.fill_null(False)
        count = int(bad.sum())
        if count:
            self.bad = self.bad | bad
            files = self.rows[FILE].filter(bad) if FILE in self.rows.columns else [self.file] * count
            self.quarantine += [Fault(rule, file, int(row), column, next_step) for file, row in zip(files, self.rows[ROW].filter(bad), strict=True)]
        return count

    def note(self, rule: str, marked: pl.Series) -> None:
        count = int((marked.fill_null(False) & ~self.bad).sum())
        if count:
            self.notes[rule] = self.notes.get(rule, 0) + count

    def set(self, column: pl.Series) -> None:
        self.rows = self.rows.with_columns(column)

    def __getitem__(self, name: str) -> pl.Series:
        return self.rows[name]


def check(
    raw: RawFile,
    table: Table,
    rule: TableRule | None,
    ground: CheckContext,
    known_elsewhere: set[str] | None = None,
    before: dict[str, str] | None = None,
) -> Checked:
    """Every row of one table of one file, accepted or quarantined, and every fault of the file.

    Args:
        rule: mapping of this table; None: our names as they stand.
        before: columns of this file in the last delivery loaded, for schema drift.
    """
    faults = column_faults(raw, table, rule, known_elsewhere or set(), before)
    if any(fault.rule == "column_lost" for fault in faults):
        empty = pl.DataFrame(schema={**table.schema(), ROW: pl.Int64()})
        return Checked(raw.name, table.name, empty, raw.received, faults=faults, columns=raw.columns)
    mapped, hours = mapping.applied(raw.rows, table, rule)
    rows = _Rows(raw.name, mapped)
    faults += _rows_checked(rows, table, rule, ground, hours, mapping.ours(table, rule))
    broken = [Fault(name, raw.name, row) for row, name in raw.broken]
    checked = _parted(rows, table, mapping.ours(table, rule), broken, raw.received)
    checked.columns, checked.files = raw.columns, [raw.name]
    checked.keep = rule.keep if rule is not None else "last"
    return _finished(checked, faults, ground)


def check_made(made: Made, raws: Mapping[str, RawFile], ground: CheckContext) -> Checked:
    """The same of the rows that an SQL mapping made of one or more files; rows that could not be read count with them.

    Args: raws: the files delivered, by name.
    """
    table = mapping.TABLES[made.table]
    name = " + ".join(made.files)
    rows = _Rows(name if len(name) <= LONGEST_CODE else f"{made.files[0]} + {len(made.files) - 1} more", made.rows)
    faults = _rows_checked(rows, table, None, ground, {}, made.extra)
    broken = [Fault(name, file, row) for file in made.files for row, name in raws[file].broken]
    checked = _parted(rows, table, made.extra, broken, made.rows.height + len(broken))
    checked.made, checked.delivered = made.rows.height, sum(raws[file].received for file in made.files)
    checked.unread, checked.files = len(broken), made.files
    checked.columns = {name: kind for file in made.files for name, kind in raws[file].columns.items()}
    if made.unused:
        checked.notes["source_row_unused"] = made.unused
    return _finished(checked, faults, ground)


def _rows_checked(
    rows: _Rows, table: Table, rule: TableRule | None, ground: CheckContext, hours: dict[str, pl.Series], extra: list[str]
) -> list[Fault]:
    """Every rule on every row. Returns the faults of the file."""
    _null_words(rows)
    faults = _typed(rows, table, rule, ground, hours)
    _placed(rows, table, rule, ground)
    _ordered(rows, table, ground)
    for name in extra:
        text = values.as_text(rows[name])
        rows.set(text.alias(name))
        _readable_text(rows, Column(name, "text", ""))
    return faults


def _finished(checked: Checked, faults: list[Fault], ground: CheckContext) -> Checked:
    """The faults of the whole: of its columns, its places, and of too many rows set aside, with what they were set aside for."""
    checked.faults = faults + checked.faults
    if checked.table == CRIMES.name:
        _off_area(checked, ground)
        _repeated_places(checked)
    if checked.received and checked.quarantined / checked.received > ground.quarantine_max_share:
        checked.faults.append(
            Fault(
                "quarantine_share", checked.file, count=checked.quarantined,
                next_step=f"{checked.quarantined / checked.received:.2%} of the rows are broken; feed.quarantine_max_share allows {ground.quarantine_max_share:.2%}",
            )
        )  # fmt: skip
        read = checked.received - sum(fault.rule in {"row_columns", "not_utf8"} for fault in checked.quarantine)
        checked.faults += [_given_nothing(cause) if cause.count == read else cause for cause in grouped(checked.quarantine)]
    return checked


def _given_nothing(cause: Cause) -> Cause:
    """A required column that is empty in every row is one that the mapping does not fill."""
    return replace(cause, next_step="the mapping gives nothing for it") if cause.rule == "required_missing" else cause


def grouped(quarantine: Iterable[Fault]) -> list[Cause]:
    """Faults of rows as one each for rule and column: how many rows, and the first five."""
    found: dict[tuple[str, str, str | None, str], list[int]] = {}
    for fault in quarantine:
        found.setdefault((fault.where, fault.rule, fault.column, fault.next_step), []).append(fault.row or 0)
    return [
        Cause(rule, where, column=column, next_step=step, count=len(rows), rows=tuple(sorted(set(rows))[:ROWS_NAMED]))
        for (where, rule, column, step), rows in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    ]


def _null_words(rows: _Rows) -> None:
    """Empty cells that an export wrote as a word are empty; names are left alone, for Null is one."""
    texts = [name for name, kind in rows.rows.schema.items() if kind == pl.String and name not in {FILE, "name"}]
    found = {name: values.is_null_word(rows[name]) for name in texts}
    found = {name: marked for name, marked in found.items() if marked.any()}
    if not found:
        return
    for name, marked in found.items():
        rows.set(rows[name].set(marked, None))
    rows.note("null_word", pl.DataFrame(found).select(pl.any_horizontal(pl.all())).to_series())


def _typed(
    rows: _Rows, table: Table, rule: TableRule | None, ground: CheckContext, hours: dict[str, pl.Series]
) -> list[Fault]:
    faults = []
    for column in table.columns:
        name = column.name
        if name not in rows.rows.columns:
            if name not in {"easting_m", "northing_m"} or not set(COORDINATES) <= set(rows.rows.columns):
                rows.set(pl.Series(name, [None], dtype=column.polars).new_from_index(0, rows.rows.height))
            continue
        given = rows[name]
        if column.shown == "reference":
            given, damaged = values.reference(given)
            faults += _damaged_references(rows, name, damaged)
        formats = rule.formats_of(name) if rule is not None else []
        typed = values.typed(given, column, ground.timezone, formats)
        if name in hours:
            typed = _with_hours(typed, hours[name])
        unreadable = given.is_not_null() & typed.is_null()
        if unreadable.any() and int(unreadable.sum()) > RETYPED_SHARE * int(given.is_not_null().sum()):
            faults.append(
                Fault("column_retyped", rows.file, column=name, next_step="most values are not of the column's type")
            )
        word = {"datetime": "date", "date": "date", "flag": "flag"}.get(column.kind, "number")
        rows.against(f"{word}_unreadable", name, unreadable, _american(given.filter(unreadable)) if word == "date" else "")
        rows.set(typed.alias(name))
        if name == OFFENCE_CODE and ground.home_office:
            faults += _one_form(rows)
        if column.required:
            rows.against("required_missing", name, given.is_null())
        if column.closed:
            strange = typed.is_not_null() & ~typed.is_in(list(column.closed))
            if strange.any():
                faults.append(_value_new(rows, column, strange))
        if column.kind in {"text", "code"} and not column.closed:
            _readable_text(rows, column)
        if column.kind in {"date", "datetime"}:
            day = typed.dt.date() if column.kind == "datetime" else typed
            if name == "born_on":
                stands_in = day.is_in(list(WRITTEN_FOR_NONE)).fill_null(False)
                rows.note("birth_placeholder", stands_in)
                day = day.set(stands_in, None)
                rows.set(day.alias(name))
            rows.against("date_out_of_range", name, day < EARLIEST)
            if name not in {"review_due_on", "to_on"}:
                rows.against("date_in_future", name, day > ground.made_at.date() + timedelta(days=1))
    return faults


def _american(unreadable: pl.Series) -> str:
    """A hint where most dates that could not be read have the day where the month should be."""
    has_day = int(unreadable.cast(pl.String).str.contains(AMERICAN).sum()) if len(unreadable) else 0
    return "day over 12 where the month should be: American order?" if has_day > 0.5 * len(unreadable) else ""


def _damaged_references(rows: _Rows, name: str, damaged: pl.Series) -> list[Fault]:
    """A file of references that are fractions or powers of ten: several are one now, so nothing of it is loaded."""
    if not damaged.any():
        return []
    found = rows[ROW].filter(damaged)
    step = "a spreadsheet or a tool turned the reference into a number: export it as text"
    return [Fault("reference_damaged", rows.file, column=name, count=len(found), rows=tuple(found.head(ROWS_NAMED)), next_step=step)]


def _value_new(rows: _Rows, column: Column, strange: pl.Series) -> Fault:
    """Values outside a closed list: which, and how often, where the column is one of open codes and looks like it."""
    tally = rows[column.name].filter(strange).value_counts(sort=True, name="rows").sort("rows", column.name, descending=[True, False])
    printed = tally[column.name]
    is_list = tally.height <= CODES_SHOWN and bool(((printed.str.len_chars() <= CODE_LENGTH_SHOWN) & printed.str.contains(LIKE_A_CODE)).all())
    shown = tuple(tally.iter_rows()) if column.shown == "open code" and is_list else ()
    found = rows[ROW].filter(strange)
    return Fault(
        "value_new", rows.file, column=column.name, count=len(found), rows=tuple(found.head(ROWS_NAMED)), values=shown,
        next_step="the list is closed: map the new value",
    )  # fmt: skip


def _one_form(rows: _Rows) -> list[Fault]:
    """Offence codes in their one form; what a spreadsheet made of a code is damage, of which nothing is loaded."""
    codes = offence_codes.in_data(rows[OFFENCE_CODE])
    rows.set(codes.codes.alias(OFFENCE_CODE))
    rows.codes = codes.count
    for how in ("class", "undecided", "other"):
        rows.note(f"offence_code_{how}", codes.how == how)
    damaged = codes.count.get("damaged")
    if not damaged:
        return []
    found = rows[ROW].filter((codes.how == "damaged").fill_null(False))
    return [
        Fault(
            "offence_code_damaged", rows.file, column=OFFENCE_CODE, count=len(found), rows=tuple(found.head(ROWS_NAMED)),
            values=tuple(damaged.items()),
            next_step="a spreadsheet turned the code into a date or a number: export it as text, not by way of a spreadsheet",
        )
    ]  # fmt: skip


def _with_hours(moments: pl.Series, hours: pl.Series) -> pl.Series:
    whole = hours.cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"at": moments, "hours": whole.set((whole < 0) | (whole > 24), None)})
    return frame.select(pl.col("at").dt.truncate("1d") + pl.duration(hours=pl.col("hours")))["at"].cast(
        pl.Datetime("us")
    )


def _readable_text(rows: _Rows, column: Column) -> None:
    text = rows[column.name]
    is_short = column.kind == "code" or column.name.endswith("_ref") or column.required
    longest = LONGEST_CODE if is_short else LONGEST_TEXT
    if (text.str.len_bytes() > longest).any():
        rows.against("text_too_long", column.name, text.str.len_chars() > longest)
    rows.against("control_character", column.name, text.str.contains(CONTROL))


def _placed(rows: _Rows, table: Table, rule: TableRule | None, ground: CheckContext) -> None:
    """Coordinates into the force's system; half a place and 0, 0 are no place."""
    if "easting_m" not in table.names:
        return
    names = set(rows.rows.columns)
    zero = pl.Series([False]).new_from_index(0, rows.rows.height)
    if set(COORDINATES) <= names:
        lon, lat = (rows[name].cast(pl.Float64, strict=False) for name in COORDINATES)
        zero = ((lon == 0) & (lat == 0)).fill_null(False)  # in the sea off Ghana: nobody's place
        for name, found, most in (("lon", lon, 180), ("lat", lat, 90)):
            rows.against("number_unreadable", name, rows[name].is_not_null() & found.is_null())
            rows.against("number_out_of_range", name, found.abs() > most)
        easting, northing = _projected(lon, lat, "EPSG:4326", ground.crs)
        rows.rows = rows.rows.drop(COORDINATES)
    else:
        easting, northing = rows["easting_m"], rows["northing_m"]
        if rule is not None and rule.crs is not None and rule.crs != ground.crs:
            easting, northing = _projected(easting, northing, rule.crs, ground.crs)
    half = easting.is_null() != northing.is_null()
    zero = zero | ((easting == 0) & (northing == 0)).fill_null(False)
    rows.note("place_half", half)
    rows.note("place_zero", zero)
    gone = half | zero
    easting, northing = (s.set(gone, None) if gone.any() else s for s in (easting, northing))
    rows.rows = rows.rows.with_columns(easting.alias("easting_m"), northing.alias("northing_m"))
    if table.name == CRIMES.name:
        rows.note("place_unknown", easting.is_null())
    else:
        rows.against("required_missing", "easting_m", easting.is_null())


def _projected(x: pl.Series, y: pl.Series, source: str, target: str) -> tuple[pl.Series, pl.Series]:
    import numpy as np
    from pyproj import Transformer

    transformer = Transformer.from_crs(source, target, always_xy=True)
    east, north = transformer.transform(x.to_numpy(), y.to_numpy(), errcheck=False)
    known = np.isfinite(east) & np.isfinite(north)
    found = pl.DataFrame({"e": np.round(east, 3), "n": np.round(north, 3), "known": known})
    found = found.select(pl.when("known").then("e").alias("e"), pl.when("known").then("n").alias("n"))
    return found["e"], found["n"]


def _ordered(rows: _Rows, table: Table, ground: CheckContext) -> None:
    """Rules between columns of one row."""
    if table.name == CRIMES.name:
        rows.against("interval_backwards", "happened_to", rows["happened_to"] < rows["happened_from"])
        rows.note("interval", (rows["happened_to"] > rows["happened_from"]).fill_null(False))
        rows.note("happened_after_recorded", (rows["happened_from"] > rows["recorded_at"]).fill_null(False))
    elif table.name == CHARGES.name:
        rows.against("charged_before_happened", "charged_on", rows["charged_on"] < rows["happened_on"])
        rows.against("outcome_before_charge", "outcome_on", rows["outcome_on"] < rows["charged_on"])
        rows.note("outcome_undated", ((rows["outcome"] != "charged") & rows["outcome_on"].is_null()).fill_null(False))
    elif table.name == PERSONS.name:
        rows.against("died_before_born", "died_on", rows["died_on"] < rows["born_on"])
        rows.against("review_group_unknown", "review_group", ~rows["review_group"].is_between(1, 4))
    elif table.name == CIRCUMSTANCES_TABLE.name:
        rows.against("interval_backwards", "to_on", rows["to_on"] < rows["from_on"])
    elif table.name == ACTIVITY.name:
        rows.against("number_out_of_range", "minutes", rows["minutes"] < 0)


def _parted(rows: _Rows, table: Table, extra: list[str], broken: list[Fault], received: int) -> Checked:
    """Accepted rows apart from those set aside, `broken` ones (which could not be read) among them."""
    key = list(table.key)
    checked = Checked(rows.file, table.name, rows.rows.select(ROW, *table.names, *extra), received, codes=rows.codes)
    checked.quarantine = broken + rows.quarantine
    checked.quarantined = len(broken) + int(rows.bad.sum())
    if rows.bad.any():
        aside = rows.rows.filter(rows.bad).select(key)
        checked.held_keys = aside.drop_nulls()
        checked.keyless = aside.height - checked.held_keys.height
        checked.rows = checked.rows.filter(~rows.bad)
    else:
        checked.held_keys = rows.rows.clear().select(key)
    checked.keyless += len(broken)
    checked.notes = rows.notes
    return checked


def _off_area(checked: Checked, ground: CheckContext) -> None:
    """Counts points off the force's area; most of them off means a wrong coordinate system."""
    if ground.inside is None:
        return
    placed = checked.rows.select(ROW, "easting_m", "northing_m").drop_nulls()
    checked.placed = placed.height
    if placed.is_empty():
        return
    off = placed.filter(~pl.Series(ground.inside(placed["easting_m"].to_numpy(), placed["northing_m"].to_numpy())))
    if off.height:
        checked.notes["off_area"] = off.height
    if off.height / placed.height > ground.off_area_max_share:
        small = off.filter(pl.min_horizontal(pl.col("easting_m", "northing_m").abs()) < NEAR_AXIS_M).height
        said = f"of {placed.height:,} with a place" + (f"; {small:,} lie within {NEAR_AXIS_M:,} m of the grid's origin on an axis: a point as thousands mark?" if small else "")
        checked.faults.append(
            Fault(
                "off_area_share", checked.file, count=off.height, rows=tuple(off[ROW].head(ROWS_NAMED)),
                next_step=f"{said}; check the coordinate system, the boundary, feed.off_area_max_share",
            )
        )  # fmt: skip


def _repeated_places(checked: Checked) -> None:
    """Counts crimes that share day, place and offence code with another reference: perhaps a key a victim."""
    if checked.rows.is_empty():
        return
    placed = checked.rows.lazy().filter(pl.col("easting_m").is_not_null())
    by = ["easting_m", "northing_m", "offence_code"]
    counts = (
        placed.select([pl.col("crime_ref"), pl.col("happened_from").dt.date(), *by])
        .unique("crime_ref")
        .group_by(pl.exclude("crime_ref"))
        .len()
        .collect()
    )
    repeated = int(counts.filter(pl.col("len") > 1)["len"].sum())
    if repeated:
        checked.notes["repeated_date_place"] = repeated
