"""Releases: one immutable folder a week, and for each tool in it where it stands (draft to withdrawn).

A folder is written beside, synced and renamed; then one transaction names it in the ledger with its event. What the
ledger does not name does not exist: a run that was stopped in between leaves a folder that the next run replaces.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

import polars as pl
import sqlalchemy as sa

from harmcast.documents.manifest import ReleaseManifest
from harmcast.documents.monitor import MonitorHistoryRow
from harmcast.errors import StoreDamaged
from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.store import durable, rows, schema
from harmcast.store import files as files_of_record
from harmcast.store.once import once
from harmcast.store.operations import Operations, Writing
from harmcast.store.reads import witness_lines

Standing = Literal["draft", "reviewed", "held", "published", "withdrawn"]
FOLDER = "releases"


@dataclass(frozen=True)
class NewTool:
    """One tool of a release about to be kept: where it starts, and what was found."""

    tool: str
    standing: Standing
    findings: Sequence[Finding] = ()
    model: str | None = None


@dataclass(frozen=True)
class Release:
    """One tool's release of one week, as it stands."""

    id: int
    week: str
    tool: str
    revision: int
    standing: Standing
    origin: date
    as_of: date | None
    sequence: int | None
    path: Path
    manifest_sha256: str
    model: str | None
    findings: tuple[Finding, ...]
    settings_sha256: str | None
    made_at: str
    published_at: str | None

    @property
    def name(self) -> str:
        return self.path.name

    def read(self, name: str) -> bytes:
        """A file of the release. Raises StoreDamaged if it is missing or not what the manifest says."""
        try:
            content = (self.path / name).read_bytes()
        except OSError:
            raise _damaged(self.name, name, "release_file_missing") from None
        listed = self.manifest()["files"].get(name)
        if listed is None or hashlib.sha256(content).hexdigest() != listed["sha256"]:
            raise _damaged(self.name, name, "release_file_changed")
        return content

    def manifest(self) -> ReleaseManifest:
        """What the release says of itself. Raises StoreDamaged if it is not what the ledger names."""
        try:
            content = (self.path / "manifest.json").read_bytes()
        except OSError:
            raise _damaged(self.name, "manifest.json", "release_file_missing") from None
        if hashlib.sha256(content).hexdigest() != self.manifest_sha256:
            raise _damaged(self.name, "manifest.json", "release_file_changed")
        document: ReleaseManifest = json.loads(content)
        return document

    def frame(self, name: str, columns: list[str] | None = None) -> pl.DataFrame:
        """A table of the release, e.g. `knife_injury`, `knife_injury_areas`, `iom`, `scores`; or some of its columns."""
        return pl.read_parquet(self.read(f"{name}.parquet"), columns=columns)

    def row_of(self, name: str, key: str, columns: tuple[str, ...]) -> dict[str, Any] | None:
        """One person's row of a table with a `person_key`, without reading the others; None if it holds none."""
        return rows.row(self.path / f"{name}.parquet", self.manifest_sha256, lambda: self.read(f"{name}.parquet"), key, columns)

    def has(self, name: str) -> bool:
        return name in self.manifest()["files"]


def _damaged(release: str, file: str, code: str) -> StoreDamaged:
    return StoreDamaged(
        f"The file {file} of release {release} is not what was written.",
        code=code,
        next_step="Keep the folder, restore the newest backup (`harmcast restore`), tell the data owner.",
    )


class Move(TypedDict):
    """A release moved on; from null: it was made."""

    id: int
    release: int
    from_standing: Standing | None
    to_standing: Standing
    reason: str | None
    by: str
    role: str
    at: str


class Releases:
    """The releases of one state."""

    def __init__(self, root: Path, operations: Operations) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.operations = operations

    def keep(
        self,
        week: str,
        files: Mapping[str, bytes],
        tools: Sequence[NewTool],
        *,
        origin: date,
        as_of: date,
        sequence: int,
        event: Event,
        settings_sha256: str | None = None,
        monitor_history: Sequence[MonitorHistoryRow] = (),
    ) -> str:
        """Writes the week's folder and names it: all of it stands, or none. Returns the folder's name.

        `monitor_history`: the monitor's results of the week, kept in the same transaction. A week made again after
        it was withdrawn becomes the next revision, `2026-W47-r2`.
        """
        revision = 1 + max((r.revision for r in self._where(week=week)), default=0)
        name = week if revision == 1 else f"{week}-r{revision}"
        self.folder.mkdir(exist_ok=True)
        durable.write_folder(self.folder / name, files)
        manifest_sha256 = hashlib.sha256(files["manifest.json"]).hexdigest()
        witness = witness_lines.newest_code(self.operations)
        with self.operations.writing(event) as tx:
            tx.says(release=name, manifest_sha256=manifest_sha256)
            tx.insert(
                schema.ledger,
                kind="release",
                name=f"{FOLDER}/{name}",
                sequence=sequence,
                bytes=sum(map(len, files.values())),
                sha256=manifest_sha256,
                standing="current",
                added_at=tx.at,
                witness=witness,
            )
            for tool in tools:
                release = tx.insert(
                    schema.releases,
                    week=week,
                    tool=tool.tool,
                    revision=revision,
                    standing=tool.standing,
                    origin=origin,
                    as_of=as_of,
                    sequence=sequence,
                    path=f"{FOLDER}/{name}",
                    manifest_sha256=manifest_sha256,
                    model=tool.model,
                    findings=findings.to_text(tool.findings),
                    settings_sha256=settings_sha256,
                    made_at=tx.at,
                    published_at=tx.at if tool.standing == "published" else None,
                )
                _moved(tx, release, None, tool.standing, event, " ".join(f.says for f in tool.findings) or None)
            if monitor_history:
                tx.execute(sa.insert(schema.monitor_history), list(monitor_history))
        return name

    def move(self, release: Release, to: Standing, event: Event, reason: str | None = None) -> None:
        """Moves one tool's release on, with its event. The rule who may is asked before (`runs.release_moves`)."""
        table = schema.releases
        with self.operations.writing(event) as tx:
            values: dict[str, Any] = {"standing": to}
            if to == "published":
                values["published_at"] = tx.at
            tx.execute(sa.update(table).where(table.c.id == release.id).values(**values))
            _moved(tx, release.id, release.standing, to, event, reason)

    def moves(self, release: Release) -> list[Move]:
        """Who moved it, when, from where to where, and why; oldest first."""
        table = schema.release_moves
        return cast("list[Move]", self.operations.checked(table, table.c.release == release.id, order_by=(table.c.id,)))

    def makers(self, release: Release) -> set[str]:
        """Accounts that made a release: whoever ran the week. None of them may lift what was found about it."""
        return {move["by"] for move in self.moves(release) if move["from_standing"] is None}

    def published(self, tool: str) -> Release | None:
        """The newest published release of a tool; None before the first."""
        found = self.history(tool)
        return found[-1] if found else None

    def standing_at(self, release: Release, before: str | None) -> str:
        """Where a release stood just before an instant; None: where it stands now."""
        table = schema.release_moves
        query = sa.select(table.c.to_standing).where(table.c.release == release.id).order_by(table.c.id)
        found = self.operations.rows(query if before is None else query.where(table.c.at < before))
        return str(found[-1]["to_standing"]) if found else "draft"

    def newest_move(self) -> int:
        """Number of the newest move of any release; 0 before the first."""
        return self.operations.number(sa.select(sa.func.max(schema.release_moves.c.id)))

    def newest(self, tool: str) -> Release | None:
        """The newest release of a tool, wherever it stands."""
        found = self.history(tool, None)
        return found[-1] if found else None

    def history(self, tool: str, standing: Standing | None = "published") -> list[Release]:
        """Releases of a tool, oldest first; None: wherever they stand."""
        return self._where(standing, tool=tool)

    def of_week(self, week: str) -> list[Release]:
        """Each tool's release of a week, the newest revision."""
        found = self._where(week=week)
        last = max((r.revision for r in found), default=0)
        return [r for r in found if r.revision == last]

    def named(self, name: str) -> list[Release]:
        """Each tool's release in a folder, e.g. `2026-W47` or `2026-W47-r2`."""
        return self._where(path=f"{FOLDER}/{name}")

    def before(self, tool: str, week: str) -> Release | None:
        """The newest release of a tool made for an earlier week that was not withdrawn."""
        found = [r for r in self.history(tool, None) if r.week < week and r.standing != "withdrawn"]
        return found[-1] if found else None

    def names(self) -> list[str]:
        """Names of all release folders, oldest first."""
        return list(dict.fromkeys(r.name for r in self._where()))

    def rewritten(self, name: str) -> Path:
        """Where erasure writes a release again, without somebody, before it takes the place of the old one."""
        return self.folder / f".{name}.without"

    def settle(self) -> None:
        """Puts releases that erasure wrote again in their place, once the ledger names them; drops what it does not."""
        for name in self.names():
            beside = self.rewritten(name)
            if not beside.is_dir():
                continue
            named = {r.manifest_sha256 for r in self.named(name)}
            if hashlib.sha256((beside / "manifest.json").read_bytes()).hexdigest() in named:
                shutil.rmtree(self.folder / name, ignore_errors=True)
                beside.rename(self.folder / name)
            else:
                shutil.rmtree(beside)
            files_of_record.sync(self.folder)

    def sweep(self) -> list[str]:
        """Removes folders that the ledger does not name; returns their names."""
        if not self.folder.is_dir():
            return []
        self.settle()
        known = set(self.names())
        swept = [p for p in sorted(self.folder.iterdir()) if p.name not in known]
        for path in swept:
            shutil.rmtree(path, ignore_errors=True)
        return [path.name for path in swept]

    def _where(self, standing: str | None = None, **wanted: str) -> list[Release]:
        """The releases whose columns hold these values, oldest first; of one standing or of all."""
        table = schema.releases
        order = (table.c.week, table.c.revision, table.c.tool)
        where = [table.c[name] == value for name, value in wanted.items()]
        rows = once((self.operations, "releases", *wanted.items()), lambda: self.operations.checked(table, *where, order_by=order))
        return [
            Release(**{**row, "path": self.root / row["path"], "findings": findings.from_text(row["findings"])})
            for row in rows if standing in (None, row["standing"])
        ]  # fmt: skip


def _moved(tx: Writing, release: int, before: str | None, to: str, event: Event, reason: str | None) -> None:
    tx.insert(
        schema.release_moves,
        release=release,
        from_standing=before,
        to_standing=to,
        by=event.actor,
        role=event.role,
        reason=reason,
        at=tx.at,
    )
