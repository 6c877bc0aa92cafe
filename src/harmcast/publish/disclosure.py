"""What may leave: small counts, and text that a spreadsheet could take for a formula."""

from __future__ import annotations

import polars as pl

_FORMULA_START = r"^[\s\x00-\x1f]*[=+\-@|%\t\r]"


def neutral(column: str) -> pl.Expr:
    """The text column with an apostrophe before anything a spreadsheet could run; control and bidi marks removed.

    Source: OWASP, CSV Injection.
    """
    cleaned = pl.col(column).str.replace_all(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "")
    return pl.when(cleaned.str.contains(_FORMULA_START)).then(pl.lit("'") + cleaned).otherwise(cleaned).alias(column)
