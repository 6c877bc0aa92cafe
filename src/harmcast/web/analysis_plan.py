"""The force's own analysis plan of a trial: what is tested, on what, what could be found, who looks when, and what was done otherwise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from harmcast import words
from harmcast.documents.audit import PeopleRow
from harmcast.documents.person import ReleaseAbout, figures_at, without_chance
from harmcast.documents.person_model import HighOutcome, ModelHistory
from harmcast.documents.places_model import PlacesModel
from harmcast.oversight.register import RegisterEntry, Tool
from harmcast.words import people as people_words

SURE, POWER = 1.645, 0.842  # one-sided 5%, and 80% power


@dataclass(frozen=True)
class AnalysisPlan:
    """The plan, fixed before the trial: printed and filed in the register.

    Attributes:
        tested: each line of the bar in words.
        windows, horizon_weeks, weeks: how many windows that do not overlap are judged, their length, weeks of shadow in all.
        least: smallest true gain in log score a unit that these windows would show with a chance of 8 in 10; None with too few past
            windows to know how much they vary.
        past: past windows that this rests on.
        filed: days on which a plan was filed in the register, oldest first.
    """

    tested: tuple[str, ...]
    windows: int
    horizon_weeks: int
    weeks: int
    least: float | None
    past: int
    filed: tuple[str, ...]


def analysis_plan(
    bars: Sequence[str], weeks: int, horizon_weeks: int, model: PlacesModel, filed: Sequence[str]
) -> AnalysisPlan:
    """The plan of one tool.

    Args:
        bars: the lines of the bar in words. weeks: of shadow, as the settings ask.
        model: the newest release's model document, whose `trials` are past windows forecast again.
        filed: days of the register's entries.
    """
    gains = [one["ours"] - one["alike"] for one in model.get("trials", []) if "alike" in one]
    windows, least = max(1, weeks // horizon_weeks), None
    if len(gains) >= 7:
        least = (SURE + POWER) * statistics.stdev(gains) / math.sqrt(windows)
    return AnalysisPlan(tuple(bars), windows, horizon_weeks, weeks, least, len(gains), tuple(filed))


ENOUGH = 210  # expected: a sound group then reads "met" 8 times in 10
FIRST_HUNDRED = 100
TO_FILL_IN = "to be filled in before the first release"


@dataclass(frozen=True)
class PeoplePlan:
    """The plan of the tool about people, fixed before its first release: printed, signed, and filed in the register.

    Attributes:
        lines: heading and text, in the order of the page.
        bars: each line of the bar in words.
        enough: groups of the audit with ENOUGH expected a year; few: the others, with the least ratio so many would show 8 times in 10.
        looks: days on which the figures are looked at, in words.
        filed: days on which a plan was filed; looked, deviations: entries of the register with their days, oldest first.
    """

    lines: tuple[tuple[str, str], ...]
    bars: tuple[str, ...]
    enough: tuple[str, ...]
    few: tuple[tuple[str, float], ...]
    looks: tuple[str, ...]
    filed: tuple[str, ...]
    looked: tuple[str, ...]
    deviations: tuple[str, ...]


def people_plan(
    tool: Tool,
    entries: Sequence[RegisterEntry],
    bars: Sequence[str],
    about: ReleaseAbout,
    outcome: HighOutcome | None,
    groups: Sequence[PeopleRow],
    months: int,
    capacity: int | None,
    useful_share: float | None,
) -> PeoplePlan:
    """The plan, from what the register, the settings and the newest release say; what nobody has written yet stands as such.

    Args:
        about: the newest release's document about its people; outcome: how people arrived at high harm, of the model in use.
        groups: rows of what was said and came by group: attribute, group, said, least_ratio.
    """
    given, none = figures_at(about, months), without_chance(about)
    a_year = (given["expected"] if given else 0.0) * 12 / months
    own = [e for e in entries if e.tool == tool.name]
    no_rank = ", ".join(f"{people_words.NO_RANK.get(reason, reason)}: {words.count(n)}" for reason, n in none.items() if n)
    return PeoplePlan(
        (
            ("Question", tool.purpose or TO_FILL_IN),
            ("Who decides, about what", f"{tool.owner or TO_FILL_IN}: {tool.decisions_supported or TO_FILL_IN}"),
            ("Outcome", _outcome(about, outcome, months)),
            ("Records", _records(about.get("history"))),
            ("Who has no rank", no_rank or "nobody counted yet"),
            ("Expected events", _events(a_year, months, tool.status_since)),
            ("Primary", "Came over said of everyone. Then the slope over years, what the first of the list hold, and groups by Holm's rule."),
            ("People a unit considers (K)", words.count(capacity) if capacity else f"not set ([people] capacity): {TO_FILL_IN}"),
            ("Share of looks that must be useful (o)", words.share(useful_share) if useful_share else f"not set ([people] useful_share): {TO_FILL_IN}"),
            ("Managed people", "Counted apart in the audit of groups; in came over said they stand with everyone, and both figures are looked at."),
            (
                "What each verdict leads to",
                "stop: the tool is suspended and the owner decides on a refit or an end. concern: the ethics reviewer and the owner answer it in writing. "
                "cannot say: nothing is concluded. met: the owner may ask for a trial.",
            ),
        ),
        tuple(bars),
        tuple(_group(row) for row in groups if row["said"] is not None and row["said"] >= ENOUGH),
        tuple((_group(row), least) for row in groups if row["said"] is not None and row["said"] < ENOUGH and (least := row["least_ratio"]) is not None),
        _looks(tool.status_since, months),
        _dated(own, "analysis_plan"),
        _dated(own, "plan_look"),
        _dated(own, "plan_deviation"),
    )


def _dated(entries: Sequence[RegisterEntry], kind: str) -> tuple[str, ...]:
    found = sorted((e for e in entries if e.kind == kind), key=lambda e: e.dated)
    return tuple(words.day(e.dated) + (f": {e.words}" if e.words and kind != "analysis_plan" else "") for e in found)


def _group(row: PeopleRow) -> str:
    return f"{str(row['attribute']).replace('_', ' ')}: {row['group']}"


def _outcome(about: ReleaseAbout, outcome: HighOutcome | None, months: int) -> str:
    """The outcome in words, with X."""
    cuts, unit = about.get("cuts") or [], about.get("harm_unit", "")
    what = outcome["says"] if outcome else "reaching the band high"
    return f"{what.capitalize()} within {months} months: harm of {cuts[2]:,.0f} {unit} or more." if len(cuts) == 4 else f"{what.capitalize()} within {months} months."


def _records(history: ModelHistory | None) -> str:
    """First day vouched for, months held, look-back, breaks in charging."""
    if not history:
        return "no charge is held yet"
    back = history.get("look_back_months")
    breaks = [*history.get("left_out", []), *history.get("low_later", [])]
    said = f"From {words.day(date.fromisoformat(history['first_day']))} on (B), {history['months']} months (H), looked back on for {back or 'none of them'}{' months' if back else ''} (L)."
    return said + (f" Months with under half the usual charges: {', '.join(breaks)}." if breaks else " No month with under half the usual charges.")


def _events(a_year: float, months: int, since: date) -> str:
    if a_year <= 0:
        return "none: no chance is given yet"
    days = max(months / 12, FIRST_HUNDRED / a_year) * 365.25
    return f"About {a_year:,.0f} a year; the hundredth about {words.day(since + timedelta(days=round(days)))}, if releases count from {words.day(since)} on."


def _looks(since: date, months: int) -> tuple[str, ...]:
    """The half year, at which the figures can only stop the tool, then yearly."""
    half, years = since + timedelta(weeks=26), [since + timedelta(days=round(365.25 * months / 12 * k)) for k in (1, 2, 3)]
    return (f"{words.day(half)}: stop only, by the card's level for six months", *(words.day(day) for day in years))
