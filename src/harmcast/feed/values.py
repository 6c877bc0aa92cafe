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
