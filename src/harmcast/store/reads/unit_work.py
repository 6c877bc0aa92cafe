"""A unit's work as figures: band changes reviewed in time, overrides, overdue reviews, reasons, time in bands, workload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

import polars as pl

from harmcast.oversight import log
from harmcast.settings import Decisions
from harmcast.statistics import share_interval
from harmcast.store import desk
from harmcast.store.desk import DecisionWithoutWords, Waiting


@dataclass(frozen=True)
class Share:
    """A share with its counts and 95% range; `value` is None where nothing was counted."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def range(self) -> tuple[float, float] | None:
        return share_interval(self.hits, self.n)


def reviewed_in_time(changes: pl.DataFrame, decisions: Sequence[DecisionWithoutWords], days: int, now: str) -> Share:
    """Share of band changes that somebody decided on within `days` of the release; only changes older than that, in both counts."""
    made: dict[str, list[str]] = {}
    for decision in decisions:
        made.setdefault(decision["person_key"], []).append(decision["at"])
    hits = n = 0
    for key, at in changes.select("person_key", "changed_at").iter_rows():
        until = log.instant(log.moment(at) + timedelta(days=days))
        if until <= now:
            hits, n = hits + any(at <= decided <= until for decided in made.get(key, ())), n + 1
    return Share(hits, n)


def overrides(decisions: Sequence[DecisionWithoutWords]) -> Share:
    """Share of decisions that went against the score (`desk.is_against`); deferred ones and bands noted as moved down together are not counted."""
    counted = [d for d in decisions if _is_judgement(d)]
    return Share(sum(desk.is_against(d["decision"], d["own_judgement"]) for d in counted), len(counted))


def left_out(decisions: Sequence[DecisionWithoutWords]) -> list[str]:
    """What `overrides` does not count, in words."""
    noted = sum(d["reason_code"] == desk.NOTED for d in decisions)
    deferred = sum(not _is_judgement(d) for d in decisions) - noted
    return [*([f"{noted:,} moved down and noted together"] if noted else []), *([f"{deferred:,} deferred"] if deferred else [])]


def _is_judgement(decision: DecisionWithoutWords) -> bool:
    return decision["decision"] != "defer" and decision["reason_code"] != desk.NOTED


def override_alarm(share: Share, limits: Decisions) -> str | None:
    """What the override rate warns of, from so many decisions on; None where it warns of nothing."""
    if share.n < limits.override_from or share.value is None:
        return None
    if share.value < limits.override_low:
        return f"Under {limits.override_low:.0%} of decisions go against the score. People may be following it without judging for themselves: look at decisions together."
    if share.value > limits.override_high:
        return f"Over {limits.override_high:.0%} of decisions go against the score. It is not trusted, or not right: tell the data scientists."
    return None


def counted(decisions: Sequence[DecisionWithoutWords], field: str, names: dict[str, str]) -> list[tuple[str, int]]:
    """How often each value of a field was given, the most frequent first."""
    found = Counter(str(value) for d in decisions if (value := d.get(field)))
    return [(names.get(value, value), n) for value, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def scored_by_unit(everyone: pl.DataFrame, listed_bands: Sequence[str]) -> list[tuple[str | None, int, int]]:
    """Each unit with its people scored and those in the bands on the list; people without a unit last."""
    rows = (
        everyone.lazy()
        .select("unit", on_list=pl.col("band").is_in(list(listed_bands)).fill_null(False))
        .group_by("unit")
        .agg(people=pl.len(), listed=pl.col("on_list").sum())
        .sort("unit", nulls_last=True)
        .collect()
    )
    return list(rows.iter_rows())


class UnitWorkload(TypedDict):
    """A unit's people scored and in the bands on the list, decisions of the time, referrals that wait."""

    unit: str
    people: int
    listed: int
    decisions: int
    waiting: int


def workload(
    by_unit: Sequence[tuple[str | None, int, int]],
    decisions: Sequence[DecisionWithoutWords],
    waiting: Sequence[Waiting],
) -> list[UnitWorkload]:
    """Each unit's people scored, in the bands on the list, decisions of the time and referrals that wait; the force last."""
    made, waits = Counter(d["unit"] for d in decisions), Counter(w["unit"] for w in waiting)
    rows: list[UnitWorkload] = [
        {"unit": unit or "No unit", "people": people, "listed": listed, "decisions": made[unit], "waiting": waits[unit]}
        for unit, people, listed in by_unit
    ]
    force: UnitWorkload = {
        "unit": "Whole force",
        "people": sum(row["people"] for row in rows),
        "listed": sum(row["listed"] for row in rows),
        "decisions": sum(row["decisions"] for row in rows),
        "waiting": sum(row["waiting"] for row in rows),
    }
    return [*rows, force]
