"""The written thresholds of the monitor: each a number with a unit and the sentence that gives its reason.

`[monitor]` in the settings carries the same names; `MonitorThresholds.chosen` takes them over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from harmcast.documents.plain import PlainRecord


def _threshold(default: Any, says: str, unit: str) -> Any:
    return field(default=default, metadata={"says": says, "unit": unit})


@dataclass(frozen=True)
class MonitorThresholds:
    """When the monitor raises an alarm, and when it asks for a tool to be suspended. Each is our choice, in writing."""

    false_alarms: float = _threshold(
        0.2, "False alarms expected in 104 weeks over everything watched together.", "alarms"
    )
    level_allowance: float = _threshold(
        0.4,
        "Share of the false alarms that the forecast levels have: few charts, and the ones that matter most.",
        "share",
    )
    reference_weeks: int = _threshold(
        52, "Weeks from which it is learned how far one week foretells the next.", "weeks"
    )
    least_past_weeks: int = _threshold(26, "Weeks a series must have before its chart speaks.", "weeks")
    least_a_week: float = _threshold(
        8.0, "Bins with fewer than this a week, on average in the reference weeks, are put together.", "count"
    )
    least_share: float = _threshold(
        0.03, "Bins with less than this share of the reference weeks are put together too.", "share"
    )
    least_stock_spread: float = _threshold(
        0.6,
        "A stock's weekly change is never taken to be steadier than this share of the noise of as many fresh draws.",
        "share",
    )
    break_error: float = _threshold(
        0.01,
        "A break in a base rate is told where chance would give one as large less often than this.",
        "share",
    )
    calibration_low: float = _threshold(
        0.5, "Recorded over forecast surely below this over the last periods suspends the tool.", "ratio"
    )
    calibration_high: float = _threshold(2.0, "The same, surely above this.", "ratio")
    calibration_periods: int = _threshold(
        13, "Last completed periods that calibration is taken over.", "periods"
    )
    calibration_watch: float = _threshold(
        1.2,
        "Recorded over forecast surely outside this, or one over it, over the same periods is watched.",
        "ratio",
    )
    recent_weeks: int = _threshold(8, "An alarm is open for so many weeks after it was raised.", "weeks")
    suspend_inputs_share: float = _threshold(
        0.5,
        "This share of the inputs, and more than one, in open alarm together suspends the tool: the feed is not what it was.",
        "share",
    )

    @classmethod
    def chosen(cls, settings: Mapping[str, Any]) -> MonitorThresholds:
        """The thresholds with those a force has set; names that mean nothing here are left alone."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in known})

    def document(self) -> list[PlainRecord]:
        values = asdict(self)
        return [{"name": f.name, "value": values[f.name], **f.metadata} for f in fields(self)]
