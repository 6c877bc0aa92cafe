"""Faults written into the files of a delivery, and whether the way of a load names them or reads them right.

The delivery goes the way that `harmcast load` takes: read, compare, effects. Each fault is planted in four sizes, into a
first load (`first`), into the four weeks after it (`weeks`), or into a complete extract made after it (`whole`). Right is
one of two things, by fault: the load says it (a rule of a refusal or of quarantine, a note of a row, an effect that is not
`ok`), or what is held is what a clean delivery would have left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from bench.accepted import load_accepted
from harmcast.documents.effects import Effect
from harmcast.errors import Fault, FeedRefused
from harmcast.people import charges as charged
from harmcast.people import harm, offences
from harmcast.runs import effects, received
from harmcast.runs.compared import compare
from harmcast.store.state import State
from harmcast.tables import CHARGES, CRIMES, PERSONS

if TYPE_CHECKING:
    from bench.meaning import Weeks

Tables = dict[str, pl.DataFrame]  # every column as text, as a file holds it
When = Literal["first", "weeks", "whole"]
SHARES = (0.1, 0.25, 0.5, 0.9)
STATION = ("401234", "301234")
AHEAD = 4  # weeks of a delivery after the first


# -- the files of a force ------------------------------------------------------------------------------


def files_of(force: Weeks, since: date | None, until: date) -> Tables:
    """The contract's tables as text: what was recorded from `since` (None: from the start) to the day before `until`."""
    low, high = since or date.min, until
    crimes = force.crimes.filter(pl.col("recorded_at").dt.date().is_between(low, high, closed="left"))
    seconds = "%Y-%m-%dT%H:%M:%S"
    found = {
        CRIMES.name: crimes.select(
            "crime_ref", "offence_code", pl.col("happened_from").dt.strftime(seconds), happened_to=pl.lit(""), recorded_at=pl.col("recorded_at").dt.strftime(seconds),
            changed_at=pl.col("recorded_at").dt.strftime(seconds), status="status", easting_m=pl.col("easting_m").round(1).cast(pl.String).fill_null(""),
            northing_m=pl.col("northing_m").round(1).cast(pl.String).fill_null(""), weapon=pl.lit("none"), injury=pl.lit("none"),
        )
    }  # fmt: skip
    if force.has_people:
        charges = force.charges.filter(pl.col("charged_on").is_between(low, high, closed="left"))
        found[CHARGES.name] = charges.select(
            "charge_ref", "person_ref", pl.col("crime_ref").fill_null(""), "offence_code", pl.col("happened_on").cast(pl.String),
            charged_on=pl.col("charged_on").cast(pl.String), outcome=pl.lit("charged"), outcome_on=pl.lit(""), changed_at=pl.col("charged_on").dt.strftime("%Y-%m-%dT10:00:00"),
        )  # fmt: skip
        who = charges["person_ref"].unique(maintain_order=True)
        born = [(date(1960, 1, 2) + timedelta(days=int(hashlib.sha256(ref.encode()).hexdigest()[:6], 16) % 14_000)).isoformat() for ref in who]
        empty = {name: pl.lit("") for name in ("sex", "ethnicity_self", "ethnicity_officer", "merged_into", "died_on")}
        found[PERSONS.name] = pl.DataFrame({"person_ref": who, "born_on": born}).with_columns(
            **empty, unit=pl.lit("North"), restricted=pl.lit("false"), review_group=pl.lit("2"), review_due_on=pl.lit("2040-01-01"),
            changed_at=pl.lit(f"{(until - timedelta(days=1)).isoformat()}T09:00:00"),
        )  # fmt: skip
    return found


def write(folder: Path, tables: Tables, made_at: datetime, complete: bool = False, *, int96: bool = False) -> Path:
    """A delivery of these tables: CSV, or Parquet with every time in INT96, as a tool of the Hadoop world writes it."""
    folder.mkdir(parents=True)
    files = {}
    for name, rows in tables.items():
        path = folder / f"{name}.{'parquet' if int96 else 'csv'}"
        if int96:
            pq.write_table(_timed(rows).to_arrow(), path, use_deprecated_int96_timestamps=True)
        else:
            rows.write_csv(path)
        files[path.name] = {"rows": rows.height, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    note = {"delivery_id": folder.name, "made_at": made_at.isoformat(), "complete": complete, "files": files}
    (folder / "manifest.json").write_text(json.dumps(note), encoding="utf-8")
    return folder


def _timed(rows: pl.DataFrame) -> pl.DataFrame:
    """Dates and times as timestamps; all else as text."""
    times = [name for name in rows.columns if name.endswith(("_on", "_at", "_from", "_to"))]
    text = pl.col(times).replace("", None)
    return rows.with_columns(pl.when(text.str.len_chars() == 10).then(text + "T00:00:00").otherwise(text).str.to_datetime("%Y-%m-%dT%H:%M:%S"))


# -- what a load makes of them -------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What was said of a delivery, and its new rows as they would be held."""

    effects: tuple[Effect, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    new: Tables = field(default_factory=dict)

    def says(self, *named: str) -> bool:
        """Whether one of these was said: `rule:column` of a fault, a note of rows, or a check or `check:verdict` of an effect that is not ok."""
        faults = {f"{f.rule}:{f.column}" for f in self.faults} | {f.rule for f in self.faults}
        odd = {e.check for e in self.effects if e.verdict != "ok"} | {f"{e.check}:{e.verdict}" for e in self.effects}
        return bool({*named} & (faults | odd | {*self.notes}))

    def holds(self) -> bool:
        return any(e.verdict in ("hold", "refuse") for e in self.effects) or not self.new


def outcome(state: State, delivery: Path) -> Outcome:
    """What a load of a delivery would say and hold; nothing is written."""
    work = None
    try:
        work = received.read(state, delivery, lambda *_: None)
        compare(state, work, lambda *_: None)
        work.effects = effects.effects_of(state, work)
        effects.refuse(work.effects)
    except FeedRefused as error:
        return Outcome(tuple(work.effects if work is not None else ()), tuple(error.faults))
    notes = {note: n for count in work.counts.values() for note, n in count.notes.items()}
    faults = [fault for each in work.checked.values() for fault in each.quarantine]
    return Outcome(tuple(work.effects), tuple(faults), notes, work.new)


# -- faults --------------------------------------------------------------------------------------------

Plant = Callable[[Tables, float, np.random.Generator, list[str]], Tables]  # tables, size, draws, codes of the tool
Right = Callable[[Outcome, Outcome], bool]


@dataclass(frozen=True)
class Fault_:
    """A fault of the files. `asked`: the size of the design's table, from which on each must be right."""

    plant: Plant
    right: Right
    when: tuple[When, ...] = ("first", "weeks")
    sizes: tuple[float, ...] = SHARES
    asked: float = SHARES[0]
    table: str = CRIMES.name
    home_office: bool = False
    int96: bool = False  # the files are Parquet with times in INT96
    days_ahead: bool = False  # the size is how many days in the future the delivery says it was made


def _in(table: str, column: str, value: Callable[[pl.Expr], pl.Expr]) -> Plant:
    """A column of a share of a table's rows."""

    def plant(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
        rows = tables[table]
        chosen = pl.Series(rng.permutation(rows.height) < max(1, round(size * rows.height)))
        return {**tables, table: rows.with_columns(pl.when(chosen).then(value(pl.col(column))).otherwise(pl.col(column)).alias(column))}

    return plant


def _both(*plants: Plant) -> Plant:
    """The same rows in each: every plant draws from the same stream anew."""

    def plant(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
        seed = int(rng.integers(1 << 30))
        for one in plants:
            tables = one(tables, size, np.random.default_rng(seed), codes)
        return tables

    return plant


def _said(*named: str) -> Right:
    return lambda got, clean: got.says(*named)


def _same(table: str, column: str) -> Right:
    """What is held of a column is what a clean delivery leaves."""

    def right(got: Outcome, clean: Outcome) -> bool:
        key = f"{table.removesuffix('s')}_ref"
        return bool(got.new) and got.new[table].select(key, column).sort(key).equals(clean.new[table].select(key, column).sort(key))

    return right


def _month_day(code: pl.Expr) -> pl.Expr:
    """008/01 as a spreadsheet takes it for a day."""
    months = dict(zip([f"{n:02d}" for n in range(1, 13)], ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], strict=True))
    day = code.str.head(3).str.strip_chars_start("0")
    month = code.str.tail(2).replace_strict(months, default=None)
    return pl.when(code.str.contains(r"^0[0-3]\d/\d\d$") & month.is_not_null()).then(day + "-" + month).otherwise(code)


def _unpadded(code: pl.Expr) -> pl.Expr:
    parts = code.str.split("/")
    tail = parts.list.get(1, null_on_oob=True)
    return pl.when(tail.is_null()).then(code).otherwise(parts.list.first().str.strip_chars_start("0") + "/" + tail.cast(pl.Int64).cast(pl.String))


def _five(code: pl.Expr) -> pl.Expr:
    return code.str.replace("/", "")


def _lost_weeks(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    """So many whole weeks in the middle of the history that were never migrated."""
    days = tables[CRIMES.name]["recorded_at"].str.head(10).str.to_date().sort()
    middle: date = days[len(days) // 2]
    monday = middle - timedelta(days=middle.weekday())
    day = pl.col("recorded_at").str.head(10).str.to_date()
    return {**tables, CRIMES.name: tables[CRIMES.name].filter(~day.is_between(monday, monday + timedelta(weeks=size), closed="left"))}


def _one_evening(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    """One crime of the definition, with so many victims."""
    rows = tables[CRIMES.name]
    wanted = rows.filter(pl.col("offence_code").is_in(codes)).tail(1)
    victims = pl.concat([wanted.with_columns(crime_ref=pl.lit(f"9990{k:06d}")) for k in range(int(size))])
    return {**tables, CRIMES.name: pl.concat([rows, victims])}


def _restarted(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    """References that begin anew each year, in the last `size` of the rows."""
    rows = tables[CRIMES.name].sort("recorded_at")
    n = int(size * rows.height / 2)
    new = pl.concat([rows["crime_ref"].head(rows.height - n), rows["crime_ref"].head(n)])
    return {**tables, CRIMES.name: rows.with_columns(crime_ref=new)}


def _older(table: str, column: str, value: str) -> Plant:
    """A column is another, under a date of change long before the one held."""
    return _both(_in(table, "changed_at", lambda c: pl.lit("2001-01-01T00:00:00")), _in(table, column, lambda c: pl.lit(value)))


def _copied(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    """A share of the linked charges comes again without its link; those only that are the one of their person, code and days."""
    rows = tables[CHARGES.name]
    alone = rows.filter(pl.len().over("person_ref", "offence_code", "happened_on", "charged_on") == 1, pl.col("crime_ref") != "")
    chosen = alone.filter(pl.Series(rng.random(alone.height) < size)).with_columns(charge_ref=pl.col("charge_ref") + "C", crime_ref=pl.lit(""))
    return {**tables, CHARGES.name: pl.concat([rows, chosen])}


def _without(table: str) -> Plant:
    def plant(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
        return {**tables, table: tables[table].filter(pl.Series(rng.random(tables[table].height) >= size))}

    return plant


def _without_class(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    """The commonest class of crimes is left out of the last so many weeks."""
    rows = tables[CRIMES.name]
    classes, day = rows["offence_code"].str.split("/").list.first(), rows["recorded_at"].str.head(10).str.to_date()
    last: date = day.max()  # type: ignore[assignment]
    commonest = classes.value_counts().sort("count", "offence_code", descending=True)["offence_code"][0]
    return {**tables, CRIMES.name: rows.filter((classes != commonest) | (day <= last - timedelta(weeks=size)))}


def _exchanged(born: pl.Expr) -> pl.Expr:
    """A birth whose day may be a month, read in American order."""
    year, month, day = born.str.slice(0, 4), born.str.slice(5, 2), born.str.slice(8, 2)
    return pl.when(day.cast(pl.Int64) <= 12).then(year + "-" + day + "-" + month).otherwise(born)


def _headers_only(tables: Tables, size: float, rng: np.random.Generator, codes: list[str]) -> Tables:
    emptied = [(CHARGES.name,), (PERSONS.name,), (CHARGES.name, PERSONS.name), tuple(tables)][int(size) - 1]
    return {name: rows.clear() if name in emptied else rows for name, rows in tables.items()}


def _nobody_left(got: Outcome, clean: Outcome) -> bool:
    """Merged into one who is not held: nobody leaves for it, and it is said."""
    left = [e.value for e in got.effects if e.check == "people" and e.scope.endswith("merged_away")]
    return left == [0] and got.says("links")


def _counted_once(got: Outcome, clean: Outcome) -> bool:
    """Everybody has the events that a clean delivery gives, of the same weight, and it is said how many charges are copies."""
    said = any(e.scope == "charges copied" and e.verdict == "note" for e in got.effects)
    return said and bool(got.new) and _events(got.new).equals(_events(clean.new))


def _events(tables: Tables) -> pl.DataFrame:
    rows = tables[CHARGES.name]
    people = tables[PERSONS.name].with_columns(known_on=pl.lit(date.min))
    weights = harm.weights_of(rows["offence_code"], harm.default_index())
    held = charged.held(rows.with_columns(known_on="charged_on"), people, weights, offences.kinds(rows["offence_code"]))
    return charged.events(held.weighed(date.max)).group_by("person_ref").agg(events=pl.len(), weight=pl.col("weight").sum()).sort("person_ref")


def _without_end(got: Outcome, clean: Outcome) -> bool:
    """An end of time is the year 9999, every other time what a clean delivery holds."""
    ends = {date(9999, 12, 31), date(2040, 1, 1)}
    return bool(got.new) and set(got.new[PERSONS.name]["review_due_on"]) == ends and _same(CRIMES.name, "happened_from")(got, clean)


FAULTS: dict[str, Fault_] = {
    "codes printed as 8/6": Fault_(_in(CRIMES.name, "offence_code", _unpadded), _same(CRIMES.name, "offence_code"), home_office=True),
    "codes printed as 00806": Fault_(_in(CRIMES.name, "offence_code", _five), _same(CRIMES.name, "offence_code"), home_office=True),
    "codes printed as 806": Fault_(
        _in(CRIMES.name, "offence_code", lambda c: _five(c).str.strip_chars_start("0")),
        lambda got, clean: got.holds() or _same(CRIMES.name, "offence_code")(got, clean), home_office=True,
    ),
    "codes as days (08-Jan)": Fault_(_in(CRIMES.name, "offence_code", _month_day), _said("offence_code_damaged:offence_code"), home_office=True),
    "references as 2.02E+11": Fault_(_in(CRIMES.name, "crime_ref", lambda c: pl.lit("2.02E+11")), _said("reference_damaged:crime_ref")),
    "references as 411.0": Fault_(
        _both(_in(CRIMES.name, "crime_ref", lambda c: c + ".0"), _in(CHARGES.name, "crime_ref", lambda c: pl.when(c == "").then(c).otherwise(c + ".0"))), _same(CHARGES.name, "crime_ref"), table="numbers",
    ),
    "crimes under codes in no list": Fault_(_in(CRIMES.name, "offence_code", lambda c: pl.lit("105/99")), _said("codes:hold"), asked=0.25, home_office=True),
    "charges under codes in no list": Fault_(_in(CHARGES.name, "offence_code", lambda c: pl.lit("105/99")), _said("codes:hold"), table=CHARGES.name, asked=0.25, home_office=True),
    "the word NULL for no crime": Fault_(_in(CHARGES.name, "crime_ref", lambda c: pl.lit("NULL")), _said("null_word"), table=CHARGES.name),
    "a word of its own for no crime": Fault_(_in(CHARGES.name, "crime_ref", lambda c: pl.lit("NK")), _said("links:hold"), table=CHARGES.name, asked=0.5),
    "merged into one who is not held": Fault_(_in(PERSONS.name, "merged_into", lambda c: "Q" + pl.col("person_ref")), _nobody_left, table=PERSONS.name),
    "born 01/01/1900": Fault_(_in(PERSONS.name, "born_on", lambda c: pl.lit("1900-01-01")), _said("placeholders"), table=PERSONS.name),
    "births in another format": Fault_(
        _in(PERSONS.name, "born_on", lambda c: c.str.to_date().dt.strftime("%d/%m/%Y")), _said("date_unreadable:born_on"), table=PERSONS.name, sizes=(0.02, 0.05, 0.25, 0.9), asked=0.02,
    ),
    "born 2020 for 2000": Fault_(_in(PERSONS.name, "born_on", lambda c: "2020" + c.str.slice(4)), _said("placeholders"), table=PERSONS.name),
    "births unknown": Fault_(_in(PERSONS.name, "born_on", lambda c: pl.lit("")), _said("births:hold"), when=("weeks",), table=PERSONS.name, asked=0.25),
    "most births unknown": Fault_(
        _in(PERSONS.name, "born_on", lambda c: pl.lit("")), _said("births:hold"), when=("first",), sizes=(0.25, 0.4, 0.6, 0.9), asked=0.6, table=PERSONS.name,
    ),
    "crimes corrected under an older date of change": Fault_(_older(CRIMES.name, "injury", "minor"), _said("older:hold"), when=("whole",), asked=0.25),
    "charges corrected under an older date of change": Fault_(_older(CHARGES.name, "outcome", "convicted"), _said("older:hold"), when=("whole",), asked=0.25, table=CHARGES.name),
    "people corrected under an older date of change": Fault_(_older(PERSONS.name, "unit", "South"), _said("older:hold"), when=("whole",), asked=0.25, table=PERSONS.name),
    "charges copied without their crime": Fault_(_copied, _counted_once, when=("first",), table=CHARGES.name),
    "open-ended dates in INT96": Fault_(
        _in(PERSONS.name, "review_due_on", lambda c: pl.lit("9999-12-31")), _without_end, when=("first",), table=PERSONS.name, int96=True,
    ),
    "offended on 01/01/1900": Fault_(_in(CHARGES.name, "happened_on", lambda c: pl.lit("1900-01-01")), _said("placeholders"), table=CHARGES.name),
    "place 0, 0": Fault_(_both(_in(CRIMES.name, "easting_m", lambda c: pl.lit("0")), _in(CRIMES.name, "northing_m", lambda c: pl.lit("0"))), _said("place_zero")),
    "the station's own point": Fault_(
        _both(_in(CRIMES.name, "easting_m", lambda c: pl.lit(STATION[0])), _in(CRIMES.name, "northing_m", lambda c: pl.lit(STATION[1]))),
        _said("placeholders"), when=("first",), sizes=(0.05, 0.1, 0.3, 0.6), asked=0.3,
    ),
    "dates by month only": Fault_(_in(CRIMES.name, "happened_from", lambda c: c.str.head(7) + "-01T00:00:00"), _said("resolution:refuse"), asked=0.9),
    "numbers that restart each year": Fault_(_restarted, _said("keys:refuse"), when=("first",), asked=0.25),
    "charges without weight": Fault_(_in(CHARGES.name, "offence_code", lambda c: pl.lit("200/01")), _said("weights:hold"), table=CHARGES.name, asked=0.25),
    "weeks never migrated": Fault_(_lost_weeks, _said("gaps:hold"), when=("first",), sizes=(1, 3, 5, 10), asked=10),
    "one incident with many victims": Fault_(_one_evening, _said("incident"), when=("weeks",), sizes=(15, 30, 60, 120), asked=60),
    "header-only tables of a complete extract": Fault_(_headers_only, _said("volume:refuse", "deletions:refuse", "table_missing"), when=("whole",), sizes=(1, 2, 3, 4), asked=1, table=PERSONS.name),
    "crimes absent from a complete extract": Fault_(_without(CRIMES.name), _said("deletions:hold", "deletions:refuse"), when=("whole",), sizes=(0.02, 0.1, 0.5, 0.9), asked=0.1),
    "charges absent from a complete extract": Fault_(_without(CHARGES.name), _said("deletions:hold", "deletions:refuse"), when=("whole",), sizes=(0.02, 0.1, 0.5, 0.9), asked=0.1, table=CHARGES.name),
    "made in the future, days": Fault_(lambda tables, *_: tables, _said("time:refuse"), when=("weeks",), sizes=(2, 7, 30, 365), asked=2, days_ahead=True),
    "births read in American order": Fault_(
        _in(PERSONS.name, "born_on", _exchanged), _said("births:hold"), when=("whole",), table=PERSONS.name, asked=0.25,
    ),
    "an offence class left out, weeks": Fault_(_without_class, _said("classes:hold"), sizes=(1, 2, 3, 4), asked=2),
}  # fmt: skip


# -- measured ------------------------------------------------------------------------------------------


def fits(table: str, force: Weeks, *, home_office: bool = False) -> bool:
    """Whether a force has what a fault is planted in."""
    if home_office and not force.codes[0][:3].isdigit():
        return False
    if table == "numbers":
        return force.has_people and force.crimes["crime_ref"][0].isdigit()
    return table == CRIMES.name or force.has_people


def power(folder: Path, make: Callable[[str], State], force: Weeks, seed: int = 7) -> dict[str, list[bool | None]]:
    """By `fault, when`: whether each of its sizes is right; nulls where the force has no such table."""
    begin = force.end - timedelta(weeks=AHEAD)
    made = {"first": datetime(begin.year, begin.month, begin.day, 5), "weeks": datetime(force.end.year, force.end.month, force.end.day, 5)}
    made["whole"] = made["weeks"]
    clean: dict[When, Tables] = {"first": files_of(force, None, begin), "weeks": files_of(force, begin, force.end), "whole": files_of(force, None, force.end)}
    empty, held = make("empty"), make("held")
    load_accepted(held, write(folder / "history", clean["first"], made["first"]))
    states: dict[When, State] = {"first": empty, "weeks": held, "whole": held}
    usual = {when: outcome(states[when], write(folder / f"clean-{when}", tables, made[when], when == "whole")) for when, tables in clean.items()}
    found: dict[str, list[bool | None]] = {}
    for number, (name, fault) in enumerate(FAULTS.items()):
        for when in fault.when:
            line: list[bool | None] = []
            for k, size in enumerate(fault.sizes):
                if not fits(fault.table, force, home_office=fault.home_office):
                    line.append(None)
                    continue
                tables = fault.plant(clean[when], size, np.random.default_rng([seed, number, k]), force.codes)
                at = made[when]
                if fault.days_ahead:
                    at = datetime.fromisoformat(held.operations.now()).replace(tzinfo=None) + timedelta(days=size)
                line.append(fault.right(outcome(states[when], write(folder / f"{number}-{when}-{k}", tables, at, when == "whole", int96=fault.int96)), usual[when]))
            found[f"{name}, {when}"] = line
    empty.close()
    held.close()
    return found
