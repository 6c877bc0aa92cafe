"""Text that leaves for a spreadsheet: an apostrophe before anything that could be run as a formula.

Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

_FORMULA_START = r"^[\s\x00-\x1f]*[=+\-@|%\t\r\uff1d\uff0b\uff0d\uff20]"
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"


def neutral(column: str) -> pl.Expr:
    """The text column with an apostrophe before anything a spreadsheet could run; control and bidi marks removed."""
    cleaned = pl.col(column).str.replace_all(_CONTROL, "")
    return pl.when(cleaned.str.contains(_FORMULA_START)).then(pl.lit("'") + cleaned).otherwise(cleaned).alias(column)


def neutral_text(text: str) -> str:
    """The same of one text."""
    cleaned = re.sub(_CONTROL, "", text)
    return f"'{cleaned}" if re.match(_FORMULA_START, cleaned) else cleaned


def csv_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV (RFC 4180). Text in them is neutral already, or ours."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
