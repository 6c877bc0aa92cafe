"""The monitor and the shadow judgement of a tool as a page reads them: what is watched, how near to an alarm, what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypedDict, cast

import polars as pl
from markupsafe import Markup

from harmcast import words
from harmcast.charts import series as charts
from harmcast.documents.audit import limit_of
from harmcast.documents.monitor import Break, Calibration, MonitorAlarm, Monitored, SaidCame, Shadowed, ShadowLine
from harmcast.documents.monitor_coverage import coverage, coverage_says
from harmcast.publish import group_impact, released, verdicts
from harmcast.store.releases import Release

WEEKS = 78
STATES = {
    "fine": "Nothing that can speak is out of the ordinary.",
    "watch": "Something changed. A person looks at what, before relying on the figures.",
    "suspend": "A named threshold is crossed. The release is held until a person has looked.",
}
KINDS_SAY = {
    "input": "Records as they arrive each week, by kind: a changed feed shows here first.",
    "score": "How the released figures are spread each week: they should not move because the tool did.",
    "level": "What was recorded in a week, against what had been forecast for it.",
}


def thing(name: str, kind: str) -> str:
    """What is watched, in words: crimes.weapon is "crimes by weapon"."""
    if name.startswith("chance_high_harm_"):
        return f"chances of becoming high harm within {name.rsplit('_', 1)[1].removesuffix('m')} months"
    first, _, second = name.partition(".")
    if kind == "input" and second:
        return f"{first} by {second.replace('_', ' ')}"
    return f"expected numbers of {first.replace('_', ' ')}" if second == "expected" else first.replace("_", " ")


BREAKS_SAY = {"break in time": "a break in {} against its own past", "break against forecast": "a break in {} against the forecast"}


def silent_thing(kind: str, name: str) -> str:
    """What cannot speak yet, in words."""
    what = name.replace("_", " ")
    if kind in BREAKS_SAY:
        return BREAKS_SAY[kind].format(what)
    if kind == "calibration":
        return f"{what} recorded over forecast, by period"
    return f"{what} recorded against forecast, by week" if kind == "level" else thing(name, kind)


@dataclass(frozen=True)
class Watched:
    """One thing watched over the last weeks: a picture and the rows it is drawn from."""

    kind: str
    title: str
    chart: Markup
    narrow: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    alarms: int


def near_alarm(history: pl.DataFrame, kind: str, name: str) -> Watched | None:
    """How near a thing came to its alarm each week: the largest of its charts over its limit; 1 is an alarm.

    None while no chart of it has spoken yet.
    """
    own = history.filter((pl.col("kind") == kind) & (pl.col("name") == name))
    weekly = (
        own.with_columns(near=pl.col("chart").abs() / pl.col("limit"))
        .group_by("week")
        .agg(
            pl.col("near").max(),
            pl.col("bin").sort_by("near").last(),
            pl.col("alarm").any(),
            total=pl.col("value").sum(),
        )
        .sort("week")
        .tail(WEEKS)
    )
    if own.is_empty() or not (weekly["near"].fill_null(0) > 0).any():
        return None
    near = [min(v or 0.0, 1.5) for v in weekly["near"]]
    labels = [f"{w.day} {w:%b %y}" for w in weekly["week"]]
    series = [charts.Line("Nearness", near, "ours"), charts.Line("Alarm", [1.0] * len(near), "plain")]
    label = f"How near {thing(name, kind)} came to an alarm, by week"
    rows = [
        (week, near_, bin_ or "all", alarm)
        for week, near_, bin_, alarm in weekly.select("week", "near", "bin", "alarm").reverse().iter_rows()
    ]
    return Watched(
        kind,
        thing(name, kind).capitalize(),
        charts.lines(labels, series, label),
        charts.lines(labels, series, label, width=340),
        ("Week of", "Of the way to an alarm", "Most by", "Alarm"),
        tuple((words.short_day(w), words.share(n), b, "raised" if a else "no") for w, n, b, a in rows),
        sum(1 for r in rows if r[3]),
    )


class AlarmSays(TypedDict):
    on: date
    says: str


class CalibrationShown(Calibration):
    on: date | None
    picture: Markup


class BreakShown(Break):
    against_words: str
    name_words: str


class SaidShown(SaidCame):
    who: str


class StateAt(TypedDict):
    """The monitor's state at one release, and why."""

    release: Release
    state: str
    reasons: list[str]


class PlacesCame(TypedDict):
    """A closed window: forecast for the whole area, and recorded in it as known now."""

    release: Release
    forecast: float
    came: int


class PeopleCame(TypedDict):
    """A release: of `people`, to become high harm and became by then, `by` in words; null: not looked at yet."""

    release: Release
    forecast: float
    people: int
    came: int | None
    by: str | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None


@dataclass(frozen=True)
class MonitorPage:
    """A release's monitor: its document with alarms in words, what is watched, pictures; `silent`: what cannot speak yet; `said`: of people, what chances said and what came."""

    document: Monitored
    state_says: str
    reasons: list[str]
    silent: list[str]
    silent_says: str
    open_alarms: list[AlarmSays]
    past_alarms: list[AlarmSays]
    calibration: list[CalibrationShown]
    breaks: list[BreakShown]
    watched: list[Watched]
    said: list[SaidShown]
    rehearsal: bool


def monitor_page(release: Release, tool: str, kind: str) -> MonitorPage:
    """What a release's monitor says of a tool of a kind, in the order of a page. The release holds one."""
    document = cast(Monitored, released.document(release, f"{tool}_monitor"))
    history = released.frame(release, f"{tool}_monitor") if released.has(release, f"{tool}_monitor") else None
    since = release.origin - timedelta(weeks=int(limit_of(document["thresholds"], "recent_weeks", 8)))
    alarms = [_alarm(row) for row in sorted(document["alarms"], key=lambda r: r["week"], reverse=True)]
    watched: list[Watched] = []
    if history is not None:
        order = {of_kind: i for i, of_kind in enumerate(("level", "score", "input"))}
        pairs = history.select("kind", "name").unique().rows()
        for of_kind, name in sorted(pairs, key=lambda p: (order.get(p[0], 9), p[1])):
            one = near_alarm(history, of_kind, name)
            if one is not None:
                watched.append(one)
    levels = (tool,) if kind == "places" else ()
    charted = history if history is not None else pl.DataFrame(schema={"kind": pl.String, "name": pl.String, "chart": pl.Float64})
    all_, silent = coverage(charted, document["breaks"], document["calibration"], levels)
    says = coverage_says(len(silent), len(all_))
    return MonitorPage(
        document,
        STATES[document["state"]],
        [reason for reason in document["reasons"] if reason != says],
        [silent_thing(kind_, name) for kind_, name in silent],
        says if silent else "",
        [a for a in alarms if a["on"] > since],
        [a for a in alarms if a["on"] <= since],
        [_calibration(row, document) for row in reversed(document["calibration"])],
        [_break(row) for row in document["breaks"]],
        watched,
        [{**row, "who": _who(row)} for row in document.get("said", [])],
        bool(document.get("rehearsal")),
    )


def _who(row: SaidCame) -> str:
    """Whom a row of what was said and what came is about."""
    if row["what"] == "half_year":
        return "The first half year, everyone"
    head = f"Tenth {int(row['group'])}" if row["what"] == "tenth" else "Everyone"
    return f"{head}, {row['months']} months"


def _alarm(row: MonitorAlarm) -> AlarmSays:
    what = thing(row["name"], row["kind"])
    bins = row["bins"].replace("; ", ", ") if row["bins"] else ""
    way = "more" if row["direction"] > 0 else "fewer"
    says = (
        f"{what}: {way} than before in all"
        if bins == "how many"
        else f"{what}: {way} of {bins}"
        if bins
        else f"{what}: {way} recorded than forecast"
    )
    return {"on": date.fromisoformat(row["week"]), "says": says[:1].upper() + says[1:]}


def _calibration(row: Calibration, document: Monitored) -> CalibrationShown:
    low, ratio, high = row["ratio_low"], row["ratio"], row["ratio_high"]
    watch = limit_of(document["thresholds"], "calibration_watch", 1.2)
    return {
        **row,
        "on": date.fromisoformat(row["period"]) if row["period"] else None,
        "picture": group_impact.picture(max(low, 0.4), ratio, min(high, 2.2), 0.4, 2.2, 1.0, [1 / watch, watch])
        if low is not None and ratio is not None and high is not None
        else Markup(""),
    }


def _break(row: Break) -> BreakShown:
    against = {"time": "Its own past", "forecast": "The forecast"}.get(row["against"], row["against"])
    return {**row, "against_words": against, "name_words": str(row["name"]).replace("_", " ").capitalize()}


def states(history: list[Release], tool: str) -> list[StateAt]:
    """The monitor's state at each release, the newest first: release, state, reasons."""
    found: list[StateAt] = []
    for release in reversed(history[-26:]):
        said = released.document(release, f"{tool}_monitor")
        if said:
            found.append({"release": release, "state": said["state"], "reasons": said["reasons"]})
    return found


JUDGEMENTS = {
    "met": "The limits set for a trial are met. Whether there is one is for people to decide.",
    "not met": "The limits set for a trial are not met.",
    "too early": "It is too early to say whether the limits set for a trial are met.",
}


@dataclass(frozen=True)
class ShadowPage:
    """A tool's judgement in shadow: each line of the bar, what was forecast and came, and the judgements so far."""

    release: Release
    judgement: str
    says: str
    lines: list[ShadowLine]
    came: list[PlacesCame] | list[PeopleCame]
    history: list[tuple[Release, str]]


def shadow_page(history: list[Release], tool: str, kind: str, horizon_weeks: int) -> ShadowPage | None:
    """The newest judgement; None where no release of the tool was made in shadow."""
    judged = [(r, cast(Shadowed, released.document(r, f"{tool}_shadow"))) for r in history[-52:]]
    judged = [(r, d) for r, d in judged if d]
    if not judged:
        return None
    release, document = judged[-1]
    came: list[PlacesCame] | list[PeopleCame] = (
        _came_places(release, history, tool, horizon_weeks) if kind == "places" else _came_people(history, document, tool)
    )
    return ShadowPage(
        release,
        document["judgement"],
        JUDGEMENTS.get(document["judgement"], ""),
        document["lines"],
        came,
        [(r, d["judgement"]) for r, d in reversed(judged)],
    )


def _came_places(newest: Release, history: list[Release], tool: str, horizon_weeks: int) -> list[PlacesCame]:
    """Each closed window: what was forecast for the whole area, and what was recorded in it as known now."""
    weeks = f"{tool}_weeks"
    if not released.has(newest, weeks):
        return []
    recorded = released.frame(newest, weeks)
    found: list[PlacesCame] = []
    for release in reversed(released.closed_before(history, newest, horizon_weeks)[-13:]):
        if not released.has(release, tool):
            continue
        cells = released.frame(release, tool)
        came = sum(verdicts.counts(recorded, release.origin, horizon_weeks).values())
        found.append({"release": release, "forecast": float(cells["expected"].sum()), "came": came})
    return found


def _came_people(history: list[Release], document: Shadowed, tool: str) -> list[PeopleCame]:
    """Each release: how many of all people were to become high harm within 12 months, and how many did by when it was last looked at."""
    known = {row["week"]: row for row in document.get("came", [])}
    found: list[PeopleCame] = []
    for release in reversed(history[-60:]):
        looked = known.get(release.week)
        if looked is not None:
            found.append({
                "release": release, "forecast": looked["expected"], "people": looked["people"], "came": looked["came"], "by": _by(looked["after_weeks"]),
                "auc": looked.get("auc"), "auc_low": looked.get("auc_low"), "auc_high": looked.get("auc_high"),
            })  # fmt: skip
            continue
        figures = released.document(release, f"{tool}_about").get("figures", {}).get("12m")
        if figures and len(found) < 13:
            found.append({"release": release, "forecast": figures["expected"], "people": figures["people"], "came": None, "by": None, "auc": None, "auc_low": None, "auc_high": None})
    return found


def _by(weeks: int | None) -> str:
    return "after 12 months" if weeks is None else f"so far, after {weeks} weeks"
