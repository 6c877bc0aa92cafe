"""Text as delivered -> dates, numbers, flags and codes. What cannot be read becomes null and is told apart."""

from __future__ import annotations

import polars as pl

from harmcast.tables import Column

ISO = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f",
       "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")  # fmt: skip
ISO_ZONED = ("%Y-%m-%dT%H:%M:%S%#z", "%Y-%m-%d %H:%M:%S%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z",
             "%Y-%m-%dT%H:%M%#z")  # fmt: skip
TRUE = ["true", "t", "yes", "y", "1"]
FALSE = ["false", "f", "no", "n", "0"]


# An empty cell that an export wrote as a word. "none" and "unknown" are no such words: they are codes.
NULL_WORDS = ["null", "<null>", "(null)", "[null]", "\\n", "n/a", "#n/a", "nan", "nat", "nil"]
SPREADSHEET_POWER = r"(?i)^\d(\.\d+)?E\+\d+$"
WHOLE_MOST = 2.0**53


def trimmed(text: pl.Series) -> pl.Series:
    """Text without spaces around it; empty is null."""
    bare = text.str.strip_chars()
    return bare.set(bare == "", None) if (bare == "").any() else bare


def is_null_word(text: pl.Series) -> pl.Series:
    """Whether a cell holds a word for nothing."""
    return text.str.to_lowercase().is_in(NULL_WORDS).fill_null(False)


def as_text(column: pl.Series) -> pl.Series:
    """Any column as text: dates in ISO 8601, whole numbers without `.0`."""
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if column.dtype.is_float():
        whole = (column == column.round()) & (column.abs() < WHOLE_MOST)
        found = pl.DataFrame({"n": column, "whole": whole}).select(
            pl.when("whole").then(pl.col("n").cast(pl.Int64, strict=False).cast(pl.String)).otherwise(pl.col("n").cast(pl.String)).alias(column.name)
        )
        return found.to_series()
    return column.cast(pl.String)


def reference(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """References as text, `411.0` as 411, and which of them cannot be what the force wrote: fractions, powers of ten.

    A column of references with gaps becomes one of doubles in many tools; a spreadsheet writes long ones as 2.02E+11.
    """
    if column.dtype.is_float():
        damaged = (column != column.round()) | (column.abs() >= WHOLE_MOST) | column.is_nan()
        return as_text(column), damaged.fill_null(False)
    text = column.cast(pl.String)
    is_double = text.str.contains(r"^\d+\.0$").fill_null(False)
    if is_double.any():
        text = text.set(is_double, None).fill_null(text.str.strip_suffix(".0")).rename(column.name)
    return text, text.str.contains(SPREADSHEET_POWER).fill_null(False)


def _attempt(text: pl.Series, form: str, timezone: str) -> pl.Series:
    if "%H" not in form and "%I" not in form:
        return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    moments = text.str.to_datetime(form, strict=False, time_unit="us", ambiguous="earliest")
    if moments.dtype == pl.Datetime("us"):
        return moments
    return moments.dt.convert_time_zone(timezone).dt.replace_time_zone(None)


def moments(values: pl.Series, timezone: str, formats: list[str]) -> pl.Series:
    """Local datetimes of text in ISO 8601 or the formats given, or of typed dates; null where unreadable.

    A time that names its zone is carried into `timezone`; the hour that occurs twice is not told apart.
    """
    if values.dtype == pl.Date:
        return values.cast(pl.Datetime("us"))
    if isinstance(values.dtype, pl.Datetime):
        local = values.dt.convert_time_zone(timezone).dt.replace_time_zone(None) if values.dtype.time_zone else values
        return local.cast(pl.Datetime("us"))
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
    found = pl.Series(values.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(values))
    left = pl.int_range(0, len(values), eager=True, dtype=pl.Int64).filter(values.is_not_null())
    for form in formats or [*ISO, *ISO_ZONED]:
        if left.is_empty():
            break
        tried = _attempt(values.gather(left) if len(left) < len(values) else values, form, timezone)
        read = tried.is_not_null()
        if read.any():
            found = tried if len(left) == len(values) else found.scatter(left.filter(read), tried.filter(read))
            left = left.filter(~read)
    return found


def typed(values: pl.Series, column: Column, timezone: str, formats: list[str]) -> pl.Series:
    """One column in its own type; null where a value cannot be read."""
    if column.kind == "datetime":
        return moments(values, timezone, formats)
    if column.kind == "date":
        return moments(values, timezone, formats).dt.date()
    if column.kind in {"number", "share"}:
        numbers = values.cast(pl.Float64, strict=False)
        return numbers.set(~numbers.is_finite() & numbers.is_not_null(), None)
    if column.kind == "whole":
        numbers = values.cast(pl.Float64, strict=False)
        whole = numbers.is_finite() & (numbers == numbers.round()) & (numbers.abs() < 2**53)
        return numbers.set(~whole & numbers.is_not_null(), None).cast(pl.Int64)
    if column.kind == "flag":
        if values.dtype == pl.Boolean:
            return values
        words = values.cast(pl.String).str.to_lowercase()
        return words.replace_strict(
            [*TRUE, *FALSE], [True] * len(TRUE) + [False] * len(FALSE), default=None, return_dtype=pl.Boolean
        )
    return values.cast(pl.String)
