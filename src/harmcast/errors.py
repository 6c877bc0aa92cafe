"""The errors people meet, each named for who must act.

    HarmcastError
      FeedRefused       the force's data team must send the delivery again      exit 20
      SettingsRefused   whoever keeps the settings must edit them               exit 21
      AccessDenied      the asker needs a role, training or a purpose           exit 22
      NotFit            a score, an approval or the audit stops publication     exit 23
      StoreDamaged      restore from a backup and tell the data owner           exit 24
      RunStopped        the operator must free space, start a service or wait   exit 25

A message says what happened, where (file, row number, column, rule, setting) and what to do next, and never
holds a value from a record. Anything else that is raised is a bug; it is told by `traced`, its places and kinds without
its words, because what a library says of a bug may hold a record.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

SHOWN_VALUES = 10


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, without the value that is wrong, unless it is a code of an open list.

    Attributes:
        rule: short stable name of the rule, e.g. `date_unreadable`; documented in the runbook.
        where: file, column or setting.
        row: row number in the file, the first data row being 1; None when the whole file or setting is meant.
        column: column name; None when the whole row is meant.
        next_step: what to do about it.
        count: how many rows; None where it is not a matter of rows, or of one.
        rows: numbers of the first few of them.
        values: values of a column whose values may be shown (`tables.Column.shown`), with how many rows hold each.
    """

    rule: str
    where: str
    row: int | None = None
    column: str | None = None
    next_step: str = ""
    count: int | None = None
    rows: tuple[int, ...] = ()
    values: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        place = self.where
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        said = f"{place}: {self.rule}"
        if self.count is not None:
            said += f", {self.count:,} row(s)"
        if self.rows:
            said += ", first in row " + ", ".join(str(row) for row in self.rows)
        if self.values:
            said += ": " + ", ".join(f"{_printable(value)} ({rows:,})" for value, rows in self.values[:SHOWN_VALUES])
            said += f" and {len(self.values) - SHOWN_VALUES} more" if len(self.values) > SHOWN_VALUES else ""
        return said + (f" ({self.next_step})" if self.next_step else "")


def _printable(value: str) -> str:
    """A value as a terminal may print it: a control or direction mark in it would move the cursor, clear the screen or turn the line."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in str(value))


class Cause(Fault):
    """What rows were set aside for, beside the fault of there being too many of them."""


class HarmcastError(Exception):
    """What a person can act on. `code` names the fault in the runbook; `next_step` says what to do."""

    exit_code = 1
    who_acts = "whoever runs harmcast"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        next_step: str = "",
        faults: tuple[Fault, ...] = (),
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.next_step = next_step
        self.faults = tuple(faults)
        self.more = dict(more or {})

    def __str__(self) -> str:
        lines = [self.message]
        shown = self.faults[:20]
        lines += [f"  - {fault}" for fault in shown]
        if len(self.faults) > len(shown):
            lines.append(f"  - and {len(self.faults) - len(shown)} more")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)

    def document(self) -> dict[str, object]:
        """The same as one JSON-ready document, for `--json`."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "exit_code": self.exit_code,
            "who_acts": self.who_acts,
            "message": self.message,
            "next_step": self.next_step,
            "faults": [asdict(fault) for fault in self.faults],
            **self.more,
        }


class FeedRefused(HarmcastError):
    """`folder`: the delivery's own, where one is known."""

    exit_code = 20
    who_acts = "the force's data team"
    folder: str | None = None

    def came_from(self, folder: Path) -> None:
        """Says which delivery is meant and where it lies."""
        self.folder = str(folder)
        self.message = f"{folder.name}: {self.message} It lies in {folder}."

    def document(self) -> dict[str, object]:
        return {**super().document(), "folder": self.folder, "delivery": Path(self.folder).name if self.folder else None}


class SettingsRefused(HarmcastError):
    exit_code = 21
    who_acts = "whoever keeps the settings"


class AccessDenied(HarmcastError):
    exit_code = 22
    who_acts = "the asker, or an administrator"


class NotFit(HarmcastError):
    exit_code = 23
    who_acts = "the tool's owner and the data scientist"


class StoreDamaged(HarmcastError):
    exit_code = 24
    who_acts = "the operator, who tells the data owner"


class RunStopped(HarmcastError):
    exit_code = 25
    who_acts = "the operator"


def traced(error: BaseException) -> str:
    """A bug as text: the kind of each error in its chain and the lines it passed through, none of their words."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        places = "".join(f"\n  {place.filename}:{place.lineno} {place.name}" for place in traceback.extract_tb(seen.__traceback__))
        told.append(f"{type(seen).__module__}.{type(seen).__name__}{places}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\nbecause of ".join(told)
