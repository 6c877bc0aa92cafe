"""What can be written as JSON: what a record's `document()` gives, so that nothing else gets into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

Plain = None | bool | int | float | str | date | Sequence["Plain"] | Mapping[str, "Plain"]
PlainRecord = dict[str, Plain]
