"""An answer as its JSON holds it: `report` writes it, the page is drawn from it, a draft is published as it.

Named here is what code reads of it; the page's template reads the rest, and refuses what is missing. Days are text.
"""

from __future__ import annotations

from typing import TypedDict


class ColumnSays(TypedDict):
    """A column of a table. `kind`: text, count, number, rate, date or share."""

    name: str
    kind: str


class AnswerSays(TypedDict, total=False):
    """An answer. `standing`: draft or published; only a published one has a `reference`."""

    kind: str
    standing: str
    as_of: str
    known_on: str
    reference: str
