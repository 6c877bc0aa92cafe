"""What a release says of itself: `manifest.json`, written by the weekly run, read by pages, answers, the next run and verification.

Days are text. Releases made by earlier versions lack some of it.
"""

from __future__ import annotations

from typing import TypedDict

from harmcast.documents.audit import AuditAbout
from harmcast.documents.person import ReleaseAbout
from harmcast.documents.plain import PlainRecord


class FileSays(TypedDict):
    """A file as it was written: its SHA-256 and its length."""

    sha256: str
    bytes: int


class RecordsSay(TypedDict, total=False):
    """What the release was made from: the number of the last load, and the hash of all that was held."""

    sequence: int
    data_hash: str


class GroundSays(TypedDict):
    name: str


class VolumeSays(TypedDict):
    """Crimes recorded in the week beside what is usual, in standard deviations, and areas that sent none."""

    recorded: int
    median: float | None
    deviation: float | None
    silent_areas: list[str]


class ToolSays(TypedDict, total=False):
    """One tool of the release: its model, and what was found of it (`oversight.findings`)."""

    kind: str
    title: str
    model: str | None
    warnings: list[str]
    findings: list[PlainRecord]


class ReleaseManifest(TypedDict, total=False):
    """The whole manifest."""

    week: str
    as_of: str
    data_to: str
    origin: str
    force: str
    invented: bool
    records: RecordsSay
    ground: GroundSays | None
    volume: VolumeSays
    tools: dict[str, ToolSays]
    people: ReleaseAbout | None
    audit: dict[str, AuditAbout]
    warnings: list[str]
    notice: str
    code_version: str
    files: dict[str, FileSays]
