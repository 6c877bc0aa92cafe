"""What the force sends: the history as Parquet, then each week's new and changed rows as CSV, with manifests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from harmcast.feed.extract import FileSent
from harmcast.weeks import Week

SENT_AT = time(4, 0)


@dataclass(frozen=True)
class Delivery:
    """One delivery to be written: its folder name, when it was made, since when it holds changes (None: everything)."""

    name: str
    made_at: datetime
    since: datetime | None

    @property
    def until_day(self) -> date:
        """Last day whose entries it holds."""
        return self.made_at.date() - timedelta(days=1)


@dataclass
class DeliveryWritten:
    """What went into one delivery: rows a table, bad rows planted a kind."""

    name: str
    rows: dict[str, int] = field(default_factory=dict)
    bad_rows: dict[str, int] = field(default_factory=dict)


def schedule(last_day: date, weeks: int) -> list[Delivery]:
    """The history and `weeks` weekly deliveries, made on Mondays; the last the morning after `last_day`."""
    end = last_day + timedelta(days=1)
    monday = Week.of(end).monday
    newest = [monday] if monday == end else [monday, end]
    mornings = [newest[0] - timedelta(days=7 * k) for k in range(weeks + 1 - len(newest) + 1, 0, -1)]
    mornings = [*mornings, *newest][-(weeks + 1) :]
    moments = [datetime.combine(day, SENT_AT) for day in mornings]
    names = ["0001-history"] + [f"{k + 2:04d}-{m.date().isoformat()}" for k, m in enumerate(moments[1:])]
    return [
        Delivery(name, moment, None if k == 0 else moments[k - 1])
        for k, (name, moment) in enumerate(zip(names, moments, strict=True))
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write(folder: Path, delivery: Delivery, tables: Mapping[str, pl.DataFrame], complete: bool) -> dict[str, int]:
    """One delivery's files and manifest: Parquet for the history, CSV for a week. Returns rows a table."""
    folder.mkdir(parents=True)
    files: dict[str, FileSent] = {}
    rows = {}
    for name, table in tables.items():
        rows[name] = len(table)
        path = folder / f"{name}.{'parquet' if delivery.since is None else 'csv'}"
        if delivery.since is None:
            table.write_parquet(path, compression="zstd", compression_level=3, statistics=True)
        else:
            table.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S", date_format="%Y-%m-%d")
        files[path.name] = {"rows": len(table), "sha256": _sha256(path)}
    manifest = {
        "delivery_id": delivery.name,
        "made_at": delivery.made_at.isoformat(),
        "complete": complete,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return rows
