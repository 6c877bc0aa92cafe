"""Reports that were made: which, of which day, by whom, with the digest of what it said."""

from __future__ import annotations

from datetime import date

from harmcast.store import schema
from harmcast.store.operations import Writing


def note(tx: Writing, kind: str, as_of: date, sha256: str, by: str) -> None:
    """Keeps that a report was made."""
    tx.insert(schema.report_runs, kind=kind, as_of=as_of, sha256=sha256, by=by, at=tx.at)
