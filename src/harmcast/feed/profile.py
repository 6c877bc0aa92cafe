"""What a raw delivery looks like, column by column, and a first mapping made of it, every guess marked.

Nothing that could single a person out is shown: a value only if it occurs at least 10 times in a column of at most 50
distinct ones, numbers to two figures, dates to the year, and of every other text its shape alone (`AA99/99999`). Of a column
whose name speaks of birth, sex, ethnicity, religion, nationality, health or a name nothing but its shapes is shown.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, FeedRefused
from harmcast.feed import extract, values
from harmcast.settings import FileForm
from harmcast.tables import CHARGES, CRIMES, PERSONS, ROW, Column, Table

SHOWN_FROM, LIST_MOST, SHAPES_SHOWN = 10, 50, 3
MOSTLY = 0.9
SEVERAL = 0.01  # of a column's values; then a bar in them parts words, and is no slip
LIKELY_NULL = ["-", "--", ".", "?", "n/k", "nk", "not known", "not recorded"]  # words for nothing in many forces, which only the force can say
PROTECTED = r"(?i)birth|born|(?<![a-z])d[\W_]?o[\W_]?b(?![a-z])|^dob|sex|gender|ethnic|\brace\b|relig|faith|nation|disab|health|marital|pregnan|^ic\d?$|ic.?code|self.?defin|^sde|name$"
NEEDED = {"born_on": "the date of birth; without it nobody is scored"}  # no column must have a value, but its absence must be seen
DATED = re.compile(r"[ _.-]?(\d{4}[_.-]?\d{2}[_.-]?\d{2}|\d{2}[_.-]\d{2}[_.-]\d{4}|\d{4}-?W\d{2}|\d{8})([T_ -]?\d{4,6})?$")
DELIMITERS = ",;\t|"
_KINDS: tuple[tuple[str, str], ...] = (
    ("offence code", r"^\d{1,3}[A-Za-z]?/\d{1,2}$"),
    ("ISO date or time", r"^\d{4}-\d{2}-\d{2}([T ].*)?$"),
    ("UK date and time", r"^\d{1,2}[/.-](\d{1,2}|[A-Za-z]{3,9})[/.-]\d{4} \d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?$"),
    ("UK date", r"^\d{1,2}[/. -](\d{1,2}|[A-Za-z]{3,9})[/. -]\d{4}$"),
    ("date with two figures of the year", r"^\d{1,2}[/. -](\d{1,2}|[A-Za-z]{3,9})[/. -]\d{2}$"),
    ("time of day", r"^\d{1,2}[:.]\d{2}([:.]\d{2})?( ?[AaPp][Mm])?$"),
    ("flag", r"^(?i:y|n|yes|no|true|false|t|f)$"),
    ("number with thousands marks", r"^[£-]?\d{1,3}(,\d{3})*(\.\d+)?$"),
    ("power of ten (damaged)", values.SPREADSHEET_POWER),
    ("whole number", r"^-?\d+$"),
    ("number", r"^-?\d*\.?\d+$"),
)


@dataclass
class ColumnSeen:
    """One column. `kind` fits at least nine tenths of its values; `shapes`: the commonest, with counts; `codes`: its short list.

    `likely_null`: words that may stand for nothing; `several`: values in which a bar parts words.
    """

    name: str
    kind: str
    rows: int
    empty: int
    null_words: dict[str, int] = field(default_factory=dict)
    likely_null: dict[str, int] = field(default_factory=dict)
    several: int = 0
    distinct: int = 0
    shapes: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    lowest: str | None = None
    highest: str | None = None


@dataclass
class FileSeen:
    """One file as it would be read. `broken`: rows that do not have the header's fields."""

    name: str
    rows: int
    broken: int
    form: FileForm
    columns: list[ColumnSeen]


@dataclass
class Profile:
    files: list[FileSeen]
    faults: list[Fault]

    def document(self) -> PlainRecord:
        return {"files": [{**asdict(file), "form": file.form.model_dump()} for file in self.files], "faults": [asdict(fault) for fault in self.faults]}

    def lines(self) -> list[str]:
        said = [f"  - {fault}" for fault in self.faults]
        for file in self.files:
            said += ["", f"{file.name}: {file.rows:,} rows" + (f", {file.broken:,} of them broken" if file.broken else ""), _toml(file)]
            for c in file.columns:
                told = [c.kind, f"{c.empty:,} empty", f"{c.distinct:,} distinct"]
                told += [f"{count:,} x the word {word}" for word, count in c.null_words.items()]
                told += [f"{count:,} x {word}, likely for nothing" for word, count in c.likely_null.items()]
                told += [f"{c.several:,} with several words parted by a bar"] if c.several else []
                told += [f"from {c.lowest} to {c.highest}"] if c.lowest is not None else []
                told += ["codes " + ", ".join(f"{code} ({count:,})" for code, count in c.codes.items())] if c.codes else []
                told += ["shapes " + ", ".join(f"{shape} ({count:,})" for shape, count in c.shapes.items())] if c.shapes and not c.codes else []
                said.append(f"  {c.name}: " + "; ".join(told))
        return said


def of_delivery(delivery: Path, max_file_mb: int = 4096) -> Profile:
    """Every table of a folder, with or without a manifest. Raises FeedRefused if there is none."""
    paths = sorted(p for p in delivery.iterdir() if p.suffix.lower() in extract.ENDINGS and p.is_file()) if delivery.is_dir() else []
    if not paths:
        raise extract.refused([Fault("delivery_empty", "the folder", next_step="name a folder of .csv, .txt, .tsv or .parquet files")])
    found, faults = [], []
    encodings = {path: _encoding(path) for path in paths if path.suffix.lower() != ".parquet"}
    told = [one for one in encodings.values() if one is not None and one != "utf-16"]
    usual = max(sorted(set(told)), key=told.count, default="utf-8")
    for path in paths:
        form = _form(path, encodings[path] or usual) if path in encodings else FileForm()
        try:
            raw = extract.read_file(delivery, path.name, form.encoding, form.delimiter, form.quote, max_file_mb)
        except FeedRefused as error:
            faults += list(error.faults)
            continue
        columns = [_seen(values.as_text(raw.rows[name]), raw.columns.get(name, "text")) for name in raw.rows.columns if name != ROW]
        found.append(FileSeen(raw.name, raw.received, len(raw.broken), form, columns))
    return Profile(found, faults)


def _encoding(path: Path) -> str | None:
    """The encoding a text file seems to have; None: it is empty or holds ASCII alone, which tells nothing."""
    with path.open("rb") as handle:
        head = handle.read(extract.HEADER_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None if extract.reads_as("ascii", path) else "utf-8" if extract.reads_as("utf-8", path) else "cp1252"


def _form(path: Path, encoding: str) -> FileForm:
    """How a text file seems to be written: its encoding, and the delimiter that its first line holds most of."""
    with path.open("rb") as handle:
        head = handle.read(extract.HEADER_BYTES)
    first = head.decode(encoding, errors="replace").splitlines()[:1] or [""]
    return FileForm(encoding=encoding, delimiter=max(DELIMITERS, key=first[0].count))


def _seen(text: pl.Series, kind: str) -> ColumnSeen:
    words = values.is_null_word(text)
    likely = text.str.to_lowercase().is_in(LIKELY_NULL).fill_null(False)
    held = text.filter(~words & ~likely & text.is_not_null())
    tally = held.value_counts(sort=True, name="rows").sort("rows", text.name, descending=[True, False])
    seen = ColumnSeen(text.name, "empty" if held.is_empty() else "text", len(text), text.null_count(), distinct=tally.height)
    if words.any():
        seen.null_words = dict(text.filter(words).value_counts(sort=True, name="rows").sort(text.name).iter_rows())
    if likely.any():
        seen.likely_null = dict(text.filter(likely).value_counts(sort=True, name="rows").sort(text.name).iter_rows())
    if held.is_empty():
        return seen
    barred = int(held.str.contains("|", literal=True).sum())
    seen.several = barred if barred >= max(SHOWN_FROM, SEVERAL * len(held)) else 0
    seen.kind = next((name for name, pattern in _KINDS if _share(held, pattern) >= MOSTLY), kind)
    if seen.kind == "number with thousands marks" and not held.str.contains(",").any():
        seen.kind = "whole number" if _share(held, r"^-?\d+$") >= MOSTLY else "number"
    is_protected = re.search(PROTECTED, text.name) is not None
    if tally.height <= LIST_MOST and not is_protected:
        seen.codes = dict(tally.filter(pl.col("rows") >= SHOWN_FROM).iter_rows())
    shapes = held.str.replace_all(r"\p{L}+", "A").str.replace_all(r"\d+", "9").str.slice(0, 30)
    common = shapes.value_counts(sort=True, name="rows").filter(pl.col("rows") >= SHOWN_FROM).head(SHAPES_SHOWN)
    seen.shapes = dict(common.iter_rows())
    seen.lowest, seen.highest = (None, None) if is_protected else _range(held, seen.kind)
    return seen


def _share(held: pl.Series, pattern: str) -> float:
    return int(held.str.contains(pattern).sum()) / len(held)


def _range(held: pl.Series, kind: str) -> tuple[str | None, str | None]:
    if "date" in kind:
        years = held.str.extract(r"(\d{4})").drop_nulls().sort().to_list()
        return (years[0], years[-1]) if years else (None, None)
    if "number" in kind:
        numbers = held.str.replace_all("[£,]", "").cast(pl.Float64, strict=False).drop_nulls().round_sig_figs(2).sort().to_list()
        return (f"{numbers[0]:g}", f"{numbers[-1]:g}") if numbers else (None, None)
    return None, None


def _pattern(file: str) -> tuple[str, str]:
    """What the settings call a file, and the mapping: where its name ends in a date, that is a star: CRIMES_20261115.csv is CRIMES*.csv."""
    stem, ending = file.rsplit(".", 1)
    undated = DATED.sub("", stem)
    return (f"{undated}*.{ending}", undated) if undated and undated != stem else (file, stem)


def _toml(file: FileSeen) -> str:
    pattern, name = _pattern(file.name)
    named = f'  name = "{name}"' if pattern != file.name else ""
    delimiter = "\\t" if file.form.delimiter == "\t" else file.form.delimiter
    return f'  [feed.files."{pattern}"]{named}  delimiter = "{delimiter}"  encoding = "{file.form.encoding}"'


# -- a first mapping -----------------------------------------------------------------------------

_TABLES = (CRIMES, PERSONS, CHARGES)
_STEMS: Mapping[str, str] = {CRIMES.name: "crime|offen|incident|occurr", CHARGES.name: "charge|custody|dispos|suspect", PERSONS.name: "person|people|nominal|subject|offender"}
_NAMES: Mapping[str, str] = {
    "crime_ref": "crime.?(ref|no|num|id)|^crime$|occurrence|incident.?(ref|no|id)",
    "person_ref": "person.?(ref|no|id|urn)|nominal|^urn$|suspect|subject.?(ref|id)|^ref$",
    "charge_ref": "charge.?(ref|no|id|urn)|^charge$",
    "offence_code": "ho.?(code|class)|home.?office|offence.?(code|class)|class|^code$",
    "happened_from": "(date|from).?(from|start|committed)|start.?date|happened|commit|^date.?from|offence.?date",
    "happened_to": "(date|time).?to$|end.?date|happened.?to",
    "happened_on": "offence.?date|happened|commit|^day$|^date$",
    "recorded_at": "record|report|created",
    "charged_on": "charge.?date|date.?charged|charged|^day$|^date$",
    "changed_at": "chang|updat|modif|amend|record|report",
    "status": "status|cancel|no.?crime",
    "easting_m": "east|^x$|grid.?x",
    "northing_m": "north|^y$|grid.?y",
    "weapon": "weapon",
    "injury": "injur|harm|hurt",
    "born_on": r"birth|born|^dob|(?<![a-z])d[\W_]?o[\W_]?b(?![a-z])",
    "sex": "^sex|gender",
    "ethnicity_self": "self.?defin|sde|ethnic",
    "ethnicity_officer": "officer.?defin|ic.?code|ethnic.*(off|ic)",
    "unit": "unit|lomu|team|area|district",
    "merged_into": "merge",
    "died_on": "death|died|deceas",
    "restricted": "restrict|sensitiv",
    "outcome": "outcome|dispos|result|verdict",
    "outcome_on": "(outcome|dispos|result).?date",
    "area": "area|beat|ward|district|sector",
    "name": "^name|surname|full.?name",
}


def first_mapping(profile: Profile) -> str:
    """A mapping to be edited: what was guessed is marked `guess`, what nothing was found for `to do`."""
    lines = ["-- A first mapping, made by `harmcast profile`. Look at every line: `guess` was taken from names and shapes,", "-- `to do` was not found. The settings say how the files are written:"]
    lines += [f"-- {_toml(file).strip()}" for file in profile.files]
    files = {table.name: next((f for f in profile.files if re.search(_STEMS[table.name], f.name, re.IGNORECASE)), None) for table in _TABLES}
    for table in _TABLES:
        file = files[table.name]
        if file is None:
            lines += ["", f"-- to do: no file looked like {table.name}."]
            continue
        source, step = _rows_of(file)
        lines += ["", *(line for line in step if line not in lines), f"CREATE VIEW {table.name} AS SELECT", "  source_row,"]
        guessed = [_guess(column, table, file) for column in table.columns]
        wanted = [line for line in guessed if line is not None]
        lines += [f"  {expression}{',' if i < len(wanted) - 1 else ''}  -- {note}" for i, (expression, note) in enumerate(wanted)]
        lines.append(f'FROM "{source}";')
    for file in profile.files:
        placed = {found.name for table in _TABLES if files[table.name] is file for column in table.columns if (found := _source_of(column, file))}
        if left := [c.name for c in file.columns if c.name not in placed]:
            lines += ["", f"-- to do: no place was found for these columns of {_pattern(file.name)[1]}: {', '.join(left)}"]
    return "\n".join(lines) + "\n"


def _rows_of(file: FileSeen) -> tuple[str, list[str]]:
    """The name that a view reads a file's rows by, and the step that makes it, where words of the force's own stand for nothing."""
    name = _pattern(file.name)[1]
    words = sorted({word for c in file.columns for word in c.likely_null})
    if not words:
        return name, []
    listed, every = ", ".join(f"'{word}'" for word in words), "COLUMNS(* EXCLUDE (source_row))"
    return f"{name}_rows", [
        f"-- guess: {listed} stand for nothing, in every column.",
        f'CREATE VIEW "{name}_rows" AS SELECT source_row, CASE WHEN {every} IN ({listed}) THEN NULL ELSE {every} END FROM "{name}";',
    ]


def _source_of(column: Column, file: FileSeen) -> ColumnSeen | None:
    return next((c for c in file.columns if re.search(_NAMES.get(column.name, "^$"), c.name, re.IGNORECASE)), None)


def _guess(column: Column, table: Table, file: FileSeen) -> tuple[str, str] | None:
    found = _source_of(column, file)
    if found is None:
        return (f"NULL AS {column.name}", f"to do: {NEEDED.get(column.name, column.says)}") if column.required or column.name in NEEDED else None
    source = f'null_words("{found.name}")'
    if column.name == "offence_code":
        source = f"ho_code({source})"
    elif column.kind == "datetime":
        source = f"uk_time({source})"
    elif column.kind == "date":
        source = f"excel_date({source})" if found.kind == "whole number" else f"uk_date({source})"
    elif column.kind == "number":
        source = f"uk_number({source})"
    elif column.kind == "flag":
        source = f"flag({source})"
    elif column.closed:
        order = ", ".join(f"'{word}'" for word in column.closed)
        return f"lower({source}) AS {column.name}", f"guess: one of {order}; map other words with CASE ... WHEN, several in a cell with worst_of(split_words(...))"
    several = f'; several in a cell: a step with unnest(split_words("{found.name}")) makes a row of each (docs/mapping.md)' if found.several else ""
    return f"{source} AS {column.name}", f"guess from {found.kind}{several}"
