"""A unit's work as figures: band changes reviewed in time, overrides, overdue reviews, reasons, time in bands, workload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from harmcast.oversight import log
from harmcast.settings import Decisions
from harmcast.store import desk
from harmcast.store.releases import Release
from harmcast.web import roster
from harmcast.web.sessions import now_utc
from harmcast.web.track import wilson


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
        return wilson(self.hits, self.n)


def changes_of(history: Sequence[Release], tool: str, keys: pl.Series) -> pl.DataFrame:
    """Every change of band of these people in the last 13 releases: roster.changes."""
    frames = [roster.changes(release, tool) for release in history[-roster.CHANGE_RELEASES :]]
    return pl.concat(frames).filter(pl.col("person_key").is_in(keys.implode()))


def reviewed_in_time(changes: pl.DataFrame, decisions: Sequence[dict[str, Any]], days: int, now: str) -> Share:
    """Share of band changes that somebody decided on within `days` of the release; changes too fresh to say are left out."""
    made: dict[str, list[str]] = {}
    for decision in decisions:
        made.setdefault(decision["person_key"], []).append(decision["at"])
    hits = n = 0
    for key, at in changes.select("person_key", "changed_at").iter_rows():
        until = log.instant(now_utc(at) + timedelta(days=days))
        in_time = any(at <= decided <= until for decided in made.get(key, ()))
        if in_time or until <= now:
            hits, n = hits + in_time, n + 1
    return Share(hits, n)


def overrides(decisions: Sequence[dict[str, Any]]) -> Share:
    """Share of decisions that went against the score (not adopted); deferred ones are not counted."""
    counted = [d for d in decisions if d["decision"] != "defer"]
    return Share(sum(d["decision"] in desk.OVERRIDES for d in counted), len(counted))


def override_alarm(share: Share, limits: Decisions) -> str | None:
    """What the override rate warns of, from so many decisions on; None where it warns of nothing."""
    if share.n < limits.override_from or share.value is None:
        return None
    if share.value < limits.override_low:
        return f"Under {limits.override_low:.0%} of decisions go against the score. People may be following it without judging for themselves: look at decisions together."
    if share.value > limits.override_high:
        return f"Over {limits.override_high:.0%} of decisions go against the score. It is not trusted, or not right: tell the data scientists."
    return None


def counted(decisions: Sequence[dict[str, Any]], field: str, names: dict[str, str]) -> list[tuple[str, int]]:
    """How often each value of a field was given, the most frequent first."""
    found = Counter(d[field] for d in decisions if d[field])
    return [(names.get(value, value), n) for value, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def workload(
    everyone: pl.DataFrame,
    listed_bands: Sequence[str],
    decisions: Sequence[dict[str, Any]],
    waiting: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Each unit's people scored, in the bands on the list, decisions of the time and referrals that wait; the force last."""
    rows = []
    by_unit = (
        everyone.group_by("unit")
        .agg(people=pl.len(), listed=pl.col("band").is_in(list(listed_bands)).sum())
        .sort("unit", nulls_last=True)
    )
    for unit, people, on_list in by_unit.iter_rows():
        rows.append(
            {
                "unit": unit or "No unit",
                "people": people,
                "listed": on_list,
                "decisions": sum(d["unit"] == unit for d in decisions),
                "waiting": sum(w["unit"] == unit for w in waiting),
            }
        )
    total = {name: sum(row[name] for row in rows) for name in ("people", "listed", "decisions", "waiting")}
    return [*rows, {"unit": "Whole force", **total}]
