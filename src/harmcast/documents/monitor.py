"""What a release's monitor and its judgement in shadow say: `<tool>_monitor.json` and `<tool>_shadow.json`, written by runs, read by pages.

Days are text, 2026-11-16. Releases made by earlier versions lack what has a class with `total=False`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from harmcast.documents.audit import AuditLimit


class MonitorAlarm(TypedDict):
    """Something watched that changed: which of `bins`, more (`direction` above 0) or fewer."""

    week: str
    kind: str
    name: str
    bins: str
    direction: float


class Break(TypedDict):
    """A break in what is recorded, against its own past or the forecast; change and chance null where it was not asked."""

    name: str
    against: str
    period: str | None
    change: float | None
    chance: float | None
    verdict: str


class Calibration(TypedDict):
    """Recorded over forecast in one period; null period: all together."""

    name: str
    period: str | None
    recorded: int
    expected: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


class SaidCame(TypedDict):
    """Of chances about people: what was said and what came (people_monitor.SAID). `became` null: a small number."""

    what: str
    group: str
    months: int
    people: int
    said: float
    became: int | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    least_ratio: float | None
    bar_low: float
    bar_high: float
    verdict: str


class Monitored(TypedDict):
    """State (fine, watch, suspend), why, and what it rests on."""

    state: str
    reasons: list[str]
    alarms: list[MonitorAlarm]
    breaks: list[Break]
    calibration: list[Calibration]
    thresholds: list[AuditLimit]
    said: NotRequired[list[SaidCame]]
    rehearsal: NotRequired[bool]


class Came(TypedDict):
    """A release looked at again: of `people`, how many were to become high harm and how many did by then; null weeks: all 12 months over."""

    week: str
    people: int
    expected: float
    came: int | None
    after_weeks: int | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None


class ShadowLine(TypedDict):
    """One limit of the written bar for a trial: what it says, what was measured with its range, and the judgement with its reason."""

    says: str
    figure: str
    model: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    bar: str | None
    judgement: str
    reason: str | None


class Shadowed(TypedDict):
    """The judgement (met, not met, too early) and a line for each limit."""

    judgement: str
    lines: list[ShadowLine]
    came: NotRequired[list[Came]]


class MonitorHistoryRow(TypedDict):
    """One line of the monitor's history: its state of a week, or an alarm open in it."""

    week: str
    tool: str
    figure: str
    part: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    verdict: str
    reason: str | None
