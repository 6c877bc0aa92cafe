"""CSV that opens as it is: the header in row 1, what the file is about in its last columns, a file of columns beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from harmcast.publish.spreadsheet import neutral
from harmcast.tables import Column

MEDIA = "text/csv; charset=utf-8"
ABOUT = {
    "tool": "Short name of the tool.",
    "release": "Release that the rows are of, or the newest published one.",
    "data_to": "Last day observed.",
    "notice": "How the file may be used; for a list of people also who took it, when and what for.",
}


def csv_file(frame: pl.DataFrame, tool: str, release: str, data_to: date, notice: str) -> bytes:
    """The frame as CSV with ABOUT as its last columns, the same in every row.

    Text that a spreadsheet could take for a formula is made harmless. UTF-8 with a byte order mark, as Excel asks for.
    """
    about = frame.with_columns(tool=pl.lit(tool), release=pl.lit(release), data_to=pl.lit(data_to), notice=pl.lit(notice))
    plain = about.with_columns(pl.col(pl.Float64).round(6), *[neutral(c) for c, t in about.schema.items() if t == pl.String])
    return _written([plain.columns, *plain.iter_rows()])


def columns_file(columns: Sequence[Column], more: Mapping[str, str]) -> bytes:
    """What each column of a file means, in its order: column, says, unit. `more`: columns that no table of ours names."""
    rows = [(c.name, c.says, c.unit) for c in columns] + [(name, says, "") for name, says in {**more, **ABOUT}.items()]
    return _written([("column", "says", "unit"), *rows])


def _written(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return ("\ufeff" + out.getvalue()).encode()
