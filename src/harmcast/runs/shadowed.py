"""What came of a tool that nobody acts on yet: figures of its releases as outcomes come, held against the written bar for a trial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast import tables
from harmcast.documents.plain import PlainRecord
from harmcast.fairness import shadow
from harmcast.fairness.binned import auc_of_scores
from harmcast.fairness.intervals import USUAL
from harmcast.runs.people import PeopleMade
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.transitions.landmarks import reached_by
from harmcast.weeks import add_months

SO_FAR_WEEKS = (13, 26, 39)
SMALL = "small number"


def ran(state: State, tool: str, as_of: date) -> list[Release]:
    """Releases of the tool made before `as_of`, oldest first."""
    return [r for r in state.releases.history(tool, None) if r.as_of is not None and r.as_of < as_of]


def judged(
    state: State, tool: PlacesTool | PeopleTool, since: date, as_of: date, new: pl.DataFrame, audit_verdict: str | None, of_people: pl.DataFrame | None = None
) -> PlainRecord:
    """The document of the shadow page: the judgement, a line for each bar, and for people what came of each release.

    Args:
        since: when the tool went into shadow; what it said before does not count.
        new: tables.SCORES of what is known since this week; those of earlier weeks stand in their releases.
        of_people: for the tool about people, the figures of its bar over the releases judged since then.
    """
    settings = state.settings.shadow
    history = [r for r in ran(state, tool.name, as_of) if r.as_of is not None and r.as_of >= since]
    figures = pl.concat([new, *(r.frame("scores").filter(pl.col("tool") == tool.name) for r in reversed(history))])
    own = figures.filter(pl.col("origin").is_in([r.origin for r in history]))
    bars = settings.places_bar if tool.kind == "places" else settings.people_bar
    asked = settings.weeks_asked if tool.kind == "places" else None
    held = shadow.pooled(own, timedelta(weeks=tool.horizon_weeks)) if tool.kind == "places" else of_people
    lines = tuple(shadow.Bar(**bar.model_dump()) for bar in bars)
    found = shadow.judge_shadow(pl.DataFrame(schema=tables.SCORES.schema()) if held is None else held, lines, len(history) + 1, asked, audit_verdict)
    came = _came(history, own, tool.horizons_months[0]) if tool.kind == "people" else []
    return {"judgement": found.judgement, "lines": found.lines.to_dicts(), "since": since.isoformat(), "came": came}


def people_judged(who: PeopleMade, as_of: date, history: Sequence[Release]) -> pl.DataFrame:
    """tables.SCORES of each release of people whose outcome is known since the last week: at a quarter, a half, three quarters of a
    year what came so far, and at each horizon all of it."""
    before = max((r.as_of for r in history if r.as_of is not None), default=date.min)
    parts = [pl.DataFrame(schema=tables.SCORES.schema())]
    for release in history:
        if release.as_of is None or not release.has(f"{who.tool.name}.parquet"):
            continue
        first = who.tool.horizons_months[0]
        ends = [(release.as_of + timedelta(weeks=weeks), first, f"so_far_{weeks}w") for weeks in SO_FAR_WEEKS]
        ends += [(add_months(release.as_of, months), months, f"{months}m") for months in who.tool.horizons_months]
        parts += [_figures(release, who, months, end, name) for end, months, name in ends if before < end <= as_of]
    return pl.concat(parts)


def _figures(release: Release, who: PeopleMade, months: int, end: date, name: str) -> pl.DataFrame:
    """What came by a day of the chances that one release gave: people, expected, became, ranking, squared error."""
    frame, column = release.frame(who.tool.name), f"chance_high_harm_{months}m"
    if column not in frame.columns or release.as_of is None:
        return pl.DataFrame(schema=tables.SCORES.schema())
    given = frame.select("person_key", chance=column).drop_nulls().join(who.keys, on="person_key", how="inner").sort("person_ref")
    became = reached_by(who.scored.source, release.as_of, end, given["person_ref"]).to_numpy().astype(bool)
    chance = given["chance"].to_numpy()
    few = 0 < became.sum() < 5
    ranked = None if few else auc_of_scores(chance, became)
    none = SMALL if few else "nobody, or everybody, became high harm"
    rows: list[tuple[str, float | None, float | None, float | None, str, str, str | None]] = [
        (f"became_{name}", None if few else float(became.sum()), None, None, "people", "none", SMALL if few else None),
        (f"expected_{name}", float(chance.sum()), None, None, "people", "none", None),
    ]
    rows.append(_came_over_said(name, float(chance.sum()), int(became.sum()), few))
    if ranked is None:
        rows.append((f"auc_{name}", None, None, None, "AUC", "higher", none))
    else:
        half = USUAL * ranked.se
        rows.append((f"auc_{name}", ranked.value, max(ranked.value - half, 0.0), min(ranked.value + half, 1.0), "AUC", "higher", None))
    if name == f"{months}m" and not few:
        rows.append((f"brier_{name}", float(np.mean((chance - became) ** 2)) if len(chance) else None, None, None, "share", "lower", None))
    model = release.model or "none"
    return pl.DataFrame(
        [
            {"tool": who.tool.name, "model": model, "figure": figure, "group": None, "origin": release.origin, "value": value, "low": low,
             "high": high, "n": int(chance.sum()) if figure.startswith("came_over_said") else len(chance), "unit": unit, "better": better, "reason": reason}
            for figure, value, low, high, unit, better, reason in rows
        ],
        schema=tables.SCORES.schema(),
    ).sort("figure")  # fmt: skip


def _came_over_said(name: str, said: float, became: int, few: bool) -> tuple[str, float | None, float | None, float | None, str, str, str | None]:
    """The ratio of what came to what was said, with its 95% log interval; it rests on the number expected."""
    if few or not became or said <= 0:
        return (f"came_over_said_{name}", None, None, None, "ratio", "none", SMALL if few else "nobody became high harm")
    half = USUAL / np.sqrt(became)
    ratio = became / said
    return (f"came_over_said_{name}", ratio, float(ratio * np.exp(-half)), float(ratio * np.exp(half)), "ratio", "none", None)


def _came(history: Sequence[Release], figures: pl.DataFrame, months: int) -> list[PlainRecord]:
    """For each release of people, newest first: how many it expected, and the newest that is known of what came."""
    steps = [(f"{months}m", None), *((f"so_far_{weeks}w", weeks) for weeks in reversed(SO_FAR_WEEKS))]
    found = []
    for release in reversed(history):
        own = {str(row["figure"]): row for row in figures.filter(pl.col("origin") == release.origin).iter_rows(named=True)}
        for name, weeks in steps:
            if f"became_{name}" in own:
                became, ranked = own[f"became_{name}"], own[f"auc_{name}"]
                found.append({
                    "week": release.week, "people": became["n"], "expected": own[f"expected_{name}"]["value"], "came": became["value"],
                    "reason": became["reason"], "after_weeks": weeks, "auc": ranked["value"], "auc_low": ranked["low"], "auc_high": ranked["high"],
                })  # fmt: skip
                break
    return found
