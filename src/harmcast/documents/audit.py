"""What a fairness audit found: `<tool>_audit.json` of a release, written by the audit, read by pages, the panel, Qlik and answers.

A table is kept as its columns and rows in that order; `people_rows`, `fifth_rows` and `proxy_rows` give them as typed rows. Releases made
by earlier versions lack some columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NotRequired, TypedDict, cast

MEASURED, PROXIES = "What was measured", "Proxies"
SAID, SAID_IN_REHEARSAL = "Said and came", "Rehearsal: said and came"
Cell = str | int | float | bool | None


class AuditSection(TypedDict):
    """One table: its title, its columns, and each row's values in that order."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]


class FindingSays(TypedDict):
    """One concern or stop: `name` is stable from week to week."""

    name: str
    verdict: str
    says: str


class AuditLimit(TypedDict):
    """A limit set before the figures, of an audit or a monitor; its name in the settings, its value a number, or names of attributes."""

    name: str
    value: float | list[str]
    unit: str
    says: str


class AuditDocument(TypedDict):
    """The whole audit. `judged`, `too_few_to_say`: how many comparisons could be judged, and how many not."""

    kind: str
    verdict: str
    judged: int
    too_few_to_say: int
    findings: list[FindingSays]
    notes: list[str]
    cannot_see: list[str]
    thresholds: list[AuditLimit]
    tables: list[AuditSection]


class MonitorAbout(TypedDict):
    state: str
    reasons: list[str]


class AuditAbout(TypedDict):
    """What a release's manifest says of a tool's audit and monitor; `reason` where no audit could be made."""

    verdict: str
    reason: NotRequired[str]
    judged: NotRequired[int]
    too_few_to_say: NotRequired[int]
    findings: NotRequired[list[FindingSays]]
    monitor: NotRequired[MonitorAbout]
    shadow: NotRequired[str]


class RatioRow(TypedDict, total=False):
    """What every judged row has: a ratio with its 95% interval, and its verdict."""

    measure: str
    is_reference: bool | None
    against: str | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    verdict: str


class PeopleRow(RatioRow, total=False):
    """One measure of one group (`fairness.measures`), or what chances said of it and what came (`fairness.ratios`)."""

    scope: str
    attribute: str
    group: str
    n: int | None
    numerator: float | None
    denominator: float | None
    value: float | None
    low: float | None
    high: float | None
    gap: float | None
    people: int
    said: float
    became: int
    least_ratio: float | None
    small: bool
    reason: str | None


class FifthRow(RatioRow, total=False):
    """One deprivation fifth (`fairness.exposure`): a mean of the releases judged."""

    fifth: str
    residents: float
    cells: float
    expected: float
    recorded: float
    per_1000: float | None
    flagged_share: float | None
    empty_flagged: float | None
    half_width: float | None


class ProxyRow(TypedDict):
    """How well one feature tells one group from everyone else (`fairness.proxies`)."""

    attribute: str
    group: str
    feature: str
    kind: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    n: int
    n_group: int
    verdict: str
    reason: str | None


def limit_of(limits: Sequence[AuditLimit], name: str, usual: float) -> float:
    """The value of a limit; `usual` where an earlier version named none."""
    return next((one["value"] for one in limits if one["name"] == name and not isinstance(one["value"], list)), usual)


def rows(section: AuditSection) -> list[dict[str, Cell]]:
    """A table of any columns as rows by column."""
    return [dict(zip(section["columns"], row, strict=True)) for row in section["rows"]]


def _of(sections: Sequence[AuditSection], titles: Collection[str]) -> list[dict[str, Cell]]:
    return [row for section in sections if section.get("title") in titles for row in rows(section)]


def measured(document: AuditDocument) -> list[dict[str, Cell]]:
    """The first table: what was measured."""
    sections = document.get("tables", [])
    return rows(sections[0]) if sections else []


def people_rows(document: AuditDocument) -> list[PeopleRow]:
    """What was measured of people, group by group; none of an audit of places."""
    return [cast(PeopleRow, row) for row in measured(document) if "measure" in row]


def said_rows(document: AuditDocument) -> list[PeopleRow]:
    """What chances said of each group and what came, out of time or as a rehearsal."""
    return [cast(PeopleRow, row) for row in _of(document.get("tables", []), (SAID, SAID_IN_REHEARSAL))]


def fifth_rows(document: AuditDocument) -> list[FifthRow]:
    """What was measured of places, by deprivation fifth; none of an audit of people."""
    return [cast(FifthRow, row) for row in measured(document) if "fifth" in row]


def proxy_rows(document: AuditDocument) -> list[ProxyRow]:
    return [cast(ProxyRow, row) for row in _of(document.get("tables", []), (PROXIES,))]
