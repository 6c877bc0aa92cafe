"""A folder of files -> raw delivery: manifest checked, bytes proved, every row numbered, nothing yet believed.

A delivery is refused whole for what is wrong with a file (missing, packed, other bytes than the manifest says, no
table at all); a row that cannot be parsed is set aside with its number.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

import polars as pl

from harmcast.errors import Cause, Fault, FeedRefused
from harmcast.feed import values
from harmcast.tables import ROW

MANIFEST = "manifest.json"
MANIFEST_BYTES = 4 << 20
HEADER_BYTES = 1 << 20
LINE_BYTES = 8 << 20
COLUMNS_MAX = 500
CELLS_MAX = 250_000_000  # of a Parquet file: ten years of a large force's crimes are 30 million
BATCH_ROWS = 65_536
IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}$")
ENDINGS = (".csv", ".txt", ".tsv", ".parquet")
FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}\.(?i:csv|txt|tsv|parquet)$")
PACKED = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",
)
OTHER_UNICODE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
AGAIN = "send the delivery again"


class FileSent(TypedDict):
    """A file as the manifest has it."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What the force says it sent. `made_at` is local time in `[force] timezone`."""

    delivery_id: str
    made_at: datetime
    complete: bool
    files: dict[str, FileSent]
    sha256: str


@dataclass
class RawFile:
    """One file as it came: rows with their numbers, the first data row being 1.

    Attributes:
        rows: columns as delivered and `ROW`; of a CSV all text.
        received: data rows of the file, unreadable ones included.
        broken: rows that could not be read: (row number, rule).
        columns: column -> type, to see drift.
    """

    name: str
    rows: pl.DataFrame
    received: int
    broken: list[tuple[int, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)


MEND = "Mend the export as named and send the delivery again."
PUT = "The state holds a copy: put the edit in place with harmcast settings STATE --set settings.toml."
IN_MAPPING = {  # of faults that the mapping or the settings cure, what to do
    "value_new": "Map the values named, in the mapping.",
    "column_retyped": "Read the column with another macro in the mapping, or have the type sent that was sent before.",
    "off_area_share": "Look at how the mapping reads the coordinates, and at crs, boundary and off_area_max_share of the settings.",
    "quarantine_share": "Look at the rows and rules named: mend the export, give the column another macro in the mapping, or, where the export is known to be so, raise quarantine_max_share.",
}


def refused(faults: list[Fault], what: str = "The delivery", next_step: str | None = None) -> FeedRefused:
    """The error that names every fault found."""
    rules = sorted({fault.rule for fault in faults if not isinstance(fault, Cause)})
    return FeedRefused(
        f"{what} is refused whole: {sum(not isinstance(fault, Cause) for fault in faults)} fault(s); the last good week stays.",
        code=faults[0].rule if len(rules) == 1 else "delivery_faults",
        faults=tuple(faults),
        next_step=next_step or _next_step(rules),
    )


def _next_step(rules: list[str]) -> str:
    """What to do about faults, by their rules: mend the export, or the mapping and the settings, or both."""
    own = [IN_MAPPING[rule] for rule in rules if rule in IN_MAPPING]
    export = [MEND] if len(own) < len(rules) else []
    return " ".join([*own, *([PUT] if own else []), *(export or ["Then load again."])])


def read_manifest(delivery: Path, timezone: str = "Europe/London") -> Manifest:
    """The manifest of a delivery. Raises FeedRefused with every fault of it."""
    path = delivery / MANIFEST
    try:
        if path.is_symlink() or path.stat().st_size > MANIFEST_BYTES:
            raise refused([Fault("manifest_unreadable", MANIFEST, next_step=AGAIN)])
        content = path.read_bytes()
    except OSError:
        raise refused(
            [Fault("manifest_missing", MANIFEST, next_step="a delivery is a folder with a manifest")]
        ) from None
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise refused([Fault("manifest_unreadable", MANIFEST, next_step="it must be JSON in UTF-8")]) from None
    faults = _manifest_faults(document)
    if faults:
        raise refused(faults)
    made_at = datetime.fromisoformat(document["made_at"])
    if made_at.tzinfo is not None:
        made_at = made_at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return Manifest(document["delivery_id"], made_at, document["complete"], document["files"], digest)


def _manifest_faults(document: Any) -> list[Fault]:
    def fault(rule: str, name: str) -> Fault:
        return Fault(rule, MANIFEST, column=name, next_step="see contract: delivery_id, made_at, complete, files")

    if not isinstance(document, dict):
        return [fault("manifest_unreadable", "manifest")]
    found = []
    if not (isinstance(document.get("delivery_id"), str) and IDENTIFIER.match(document["delivery_id"])):
        found.append(fault("manifest_delivery_id", "delivery_id"))
    if not _is_instant(document.get("made_at")):
        found.append(fault("manifest_made_at", "made_at"))
    if not isinstance(document.get("complete"), bool):
        found.append(fault("manifest_complete", "complete"))
    files = document.get("files")
    if not isinstance(files, dict) or not files:
        return [*found, fault("manifest_files", "files")]
    for i, (name, note) in enumerate(files.items()):
        where = f"files[{i}]"
        if not FILE_NAME.match(name) or ".." in name:
            found.append(fault("manifest_file_name", where))
        if not isinstance(note, dict):
            found.append(fault("manifest_file_note", where))
            continue
        rows = note.get("rows")
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            found.append(fault("manifest_rows", where))
        if not (isinstance(note.get("sha256"), str) and re.fullmatch(r"[0-9a-fA-F]{64}", note["sha256"])):
            found.append(fault("manifest_sha256", where))
    return found


def _is_instant(value: Any) -> bool:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return 1900 <= moment.year <= 2200


def file_faults(delivery: Path, manifest: Manifest, max_file_mb: int) -> list[Fault]:
    """What is wrong with the files themselves: every one is looked at, none is parsed."""
    found = []
    for name, note in manifest.files.items():
        path = delivery / name
        if path.is_symlink() or not path.is_file():
            found.append(Fault("file_missing", name, next_step=AGAIN))
            continue
        if path.stat().st_size > max_file_mb * 1_000_000:
            found.append(Fault("file_too_large", name, next_step="split the delivery or raise feed.max_file_mb"))
            continue
        with path.open("rb") as handle:
            head = handle.read(8)
            handle.seek(0)
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        if head.startswith(PACKED):
            found.append(Fault("file_packed", name, next_step="send it unpacked"))
        elif digest != note["sha256"].lower():
            found.append(
                Fault("sha256_differs", name, next_step=f"the file is not the one the manifest names: {AGAIN}")
            )
    known = {*manifest.files, MANIFEST}
    extra = [p for p in sorted(delivery.iterdir()) if p.suffix.lower() in ENDINGS and p.name not in known]
    found += [
        Fault("file_not_in_manifest", f"file {i + 1} beside the manifest", next_step=AGAIN) for i in range(len(extra))
    ]
    return found


def read_file(
    delivery: Path, name: str, encoding: str = "utf-8", delimiter: str = ",", quote: str = '"', max_file_mb: int = 4096
) -> RawFile:
    """One file's rows. Raises FeedRefused if it is no table at all.

    Args: quote: the character around a field that holds the delimiter; empty: none is used.
    """
    path = delivery / name
    if name.lower().endswith(".parquet"):
        return _read_parquet(path, max_file_mb)
    return _read_csv(path, encoding, delimiter, quote)


def rows_fault(raw: RawFile, manifest: Manifest) -> Fault | None:
    """A fault if the file holds another number of rows than the manifest says."""
    said = manifest.files[raw.name]["rows"]
    if raw.received == said:
        return None
    step = f"the manifest says {said:,} rows, {raw.received:,} were counted; a line break within quotes begins no row, nor does the header"
    return Fault("row_count_differs", raw.name, next_step=f"{step}: count again, or {AGAIN}")


# -- CSV -----------------------------------------------------------------------------------------


def _stop(rule: str, name: str, next_step: str = AGAIN) -> FeedRefused:
    return refused([Fault(rule, name, next_step=next_step)])


def _header(path: Path, encoding: str, delimiter: str, quote: str) -> list[str]:
    with path.open("rb") as handle:
        head = handle.read(HEADER_BYTES)
    if not head.strip():
        raise _stop("file_empty", path.name, "a file without rows still has its header")
    if head.startswith(OTHER_UNICODE) and encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        raise _stop("encoding_unreadable", path.name, "save it as UTF-8 or name its encoding in the mapping")
    if head.startswith(codecs.BOM_UTF8) and encoding.lower().replace("_", "-") not in {"utf-8", "utf8", "utf-8-sig"}:
        raise _stop("encoding_unreadable", path.name, f"it begins with the mark of UTF-8 and the settings or the mapping say {encoding}: name utf-8 for it, or have it sent as before")
    line, *rest = re.split(rb"[\r\n]", head, maxsplit=1)
    if not rest and len(head) == HEADER_BYTES:
        raise _stop("line_too_long", path.name)
    try:
        text = line.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        if quote:
            fields = next(csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote, strict=True))
        else:
            fields = next(csv.reader(io.StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    except (UnicodeDecodeError, LookupError):
        raise _stop("encoding_unreadable", path.name, "save it as UTF-8 or name its encoding in the mapping") from None
    except (csv.Error, StopIteration):
        raise _stop("header_unreadable", path.name) from None
    names = [name.strip() for name in fields]
    if any(not name or not name.isprintable() for name in names) or ROW in names or len(names) > COLUMNS_MAX:
        raise _stop("header_unreadable", path.name, "the first line names every column")
    if len(set(names)) != len(names):
        raise _stop("column_repeated", path.name, "each column once")
    return names


def _read_csv(path: Path, encoding: str, delimiter: str, quote: str) -> RawFile:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = _header(path, encoding, delimiter, quote)
    broken: list[tuple[int, str]] = []
    by_bytes = encoding.lower() in {"utf-8", "utf8"} and not reads_as("utf-8", path)

    def set_aside(row: Any) -> str:
        broken.append((row.number - 1, "row_columns"))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=LINE_BYTES,
                column_names=names,
                skip_rows=1,
                encoding="latin-1" if by_bytes else encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char=quote or False, newlines_in_values=bool(quote), invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.binary() for name in names},
                null_values=[],
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        words = str(error).lower()
        if "empty csv" in words:
            return RawFile(path.name, pl.DataFrame(schema={ROW: pl.Int64, **dict.fromkeys(names, pl.String)}), 0, [], dict.fromkeys(names, "text"))
        long = "block" in words
        raise _stop(
            "line_too_long" if long else "csv_unreadable", path.name, "check its quotes and line ends"
        ) from None
    except (UnicodeDecodeError, LookupError, pa.ArrowException):
        raise _stop("encoding_unreadable", path.name, "save it as UTF-8 or name its encoding in the mapping") from None
    received = table.num_rows + len(broken)
    rows = _numbered(table.num_rows, {number for number, _ in broken})
    columns = {name: values.trimmed(pl.Series(name, pl.from_arrow(table.column(name).cast(pa.string())))) for name in names}
    frame = pl.DataFrame({ROW: rows, **columns})
    if by_bytes:
        frame, unreadable = _decoded(frame, names)
        broken += [(number, "not_utf8") for number in unreadable]
    return RawFile(path.name, frame, received, broken, dict.fromkeys(names, "text"))


def _numbered(accepted: int, broken: set[int]) -> pl.Series:
    """Row numbers of the rows that were read, given those that were not."""
    numbers = pl.int_range(1, accepted + len(broken) + 1, eager=True, dtype=pl.Int64).alias(ROW)
    return numbers.filter(~numbers.is_in(list(broken))) if broken else numbers


def reads_as(encoding: str, path: Path) -> bool:
    """Whether every byte of a file is text of an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as handle:
        try:
            while block := handle.read(LINE_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _decoded(frame: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, list[int]]:
    """Bytes that were read one for one as characters, read as UTF-8; rows that are none go, their numbers are given."""
    unreadable: set[int] = set()
    for name in names:
        high = frame[name].str.contains(r"[^\x00-\x7f]").fill_null(False)
        places = high.arg_true()
        if places.is_empty():
            continue
        read: list[str | None] = []
        for number, value in zip(frame[ROW].gather(places), frame[name].gather(places), strict=True):
            try:
                read.append(value.encode("latin-1").decode())
            except UnicodeDecodeError:
                unreadable.add(number)
                read.append(None)
        frame = frame.with_columns(frame[name].scatter(places, read))
    return frame.filter(~pl.col(ROW).is_in(sorted(unreadable))), sorted(unreadable)


# -- Parquet -------------------------------------------------------------------------------------

_KINDS: list[tuple[Callable[[pl.DataType], bool], str]] = [
    (lambda kind: kind == pl.String, "text"),
    (lambda kind: kind == pl.Boolean, "flag"),
    (lambda kind: kind == pl.Date, "date"),
    (lambda kind: isinstance(kind, pl.Datetime), "datetime"),
    (lambda kind: kind.is_numeric(), "number"),
]


def _in_batches(about: Any, name: str, max_file_mb: int) -> pl.DataFrame:
    """The rows, read some at a time and measured as they are, not as the file says; text is measured before it is written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    frames = [pl.DataFrame(pl.from_arrow(about.schema_arrow.empty_table()))]
    size = 0
    for batch in about.iter_batches(batch_size=BATCH_ROWS):
        for column in batch.columns:
            if pa.types.is_dictionary(column.type):
                lengths = pc.binary_length(column.dictionary).take(column.indices)
                size += pc.sum(lengths).as_py() or 0
            else:
                size += column.nbytes
        if size > max_file_mb * 1_000_000:
            raise _stop("file_too_large", name, "split the delivery or raise feed.max_file_mb")
        frames.append(pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))))
    plain = [frame.with_columns(pl.col(pl.Categorical).cast(pl.String), pl.col(pl.Enum).cast(pl.String)) for frame in frames]
    return pl.concat(plain)


def _read_parquet(path: Path, max_file_mb: int) -> RawFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")  # nanoseconds cannot hold the year 9999
        kinds = about.schema_arrow
        if len({*kinds.names, ROW}) != len(kinds.names) + 1:
            raise _stop("column_repeated", path.name, "each column once")
        if about.metadata.num_rows * max(len(kinds.names), 1) > CELLS_MAX or len(kinds.names) > COLUMNS_MAX:
            raise _stop("file_too_large", path.name, f"more than {CELLS_MAX:,} cells or {COLUMNS_MAX} columns: split the delivery")
        if any(pa.types.is_nested(kind) for kind in kinds.types):
            raise _stop("column_type", path.name, "columns hold text, numbers, dates or flags")
        texts = [field.name for field in kinds if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
        about = pq.ParquetFile(path, coerce_int96_timestamp_unit="us", read_dictionary=texts)
        frame = _in_batches(about, path.name, max_file_mb)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError):
        raise _stop("parquet_unreadable", path.name) from None
    columns = {}
    for name, kind in frame.schema.items():
        found = next((word for fits, word in _KINDS if fits(kind)), None)
        if found is None:
            if kind != pl.Null:
                raise _stop("column_type", path.name, "columns hold text, numbers, dates or flags")
            frame = frame.with_columns(pl.col(name).cast(pl.String))
            found = "empty"
        columns[name] = found
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    frame = frame.with_columns([values.trimmed(frame[name]) for name in texts])
    frame = frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW))
    return RawFile(path.name, frame, frame.height, [], columns)
