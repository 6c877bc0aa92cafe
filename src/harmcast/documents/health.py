"""A state's health as `harmcast status --json` prints it; the names of the fields are those of the JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from harmcast.documents.plain import PlainRecord


@dataclass(frozen=True)
class DeliverySeen:
    """The delivery that came last: when it was made, and `loaded`, `again`, `waiting` or `refused`."""

    made_at: str | None
    standing: str


@dataclass(frozen=True)
class RunSeen:
    """The weekly run that ended last."""

    week: str
    ended_at: str
    standing: str
    code: str | None


@dataclass(frozen=True)
class ReleaseSeen:
    """The newest release of a tool, and what holds it."""

    release: str
    standing: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ToolSeen:
    """A tool's newest release, and the name of the one people see."""

    newest: ReleaseSeen | None
    published: str | None


@dataclass(frozen=True)
class LeftSource:
    """People still held whom the force deleted, and the first day of it."""

    people: int
    since: str | None


@dataclass(frozen=True)
class DiskUse:
    """What the state holds and what is free, MB."""

    state_mb: float
    free_mb: float


@dataclass(frozen=True)
class Health:
    """All of it. `statuses`: tool -> its status in the register; `concerns`: what needs a hand, in words."""

    force: str
    invented: bool
    newest_delivery: DeliverySeen | None
    last_run: RunSeen | None
    releases: dict[str, ToolSeen]
    weeks: list[str]
    statuses: dict[str, str]
    log_entries: int
    left_source: LeftSource
    newest_backup: str | None
    disk: DiskUse
    concerns: list[str]

    def document(self) -> PlainRecord:
        return asdict(self)
