"""Were we right? One verdict on a tool, said alike on home, page, briefing, register and in answers.

Places: the four weeks of each release that are over, our 20 places beside the plain count named beforehand, each place of a tie at
the edge counted in part. People: who was put high, and who became high harm. Pure: counts in, sentences out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import polars as pl

from harmcast.documents.people_results import PeopleResults

LISTED = 20
PLAIN = ("baseline_24m", "plain 24-month count")  # named beforehand: the count that steps in where our model does no better
FEWEST_APART = 6
LEVEL = 0.9
DRAWS = 2000
MONTHS = 12
LEVEL_BELOW = 0.5  # offences: nearer than this two lists are level

Word = Literal["nothing yet", "too early", "better", "no better", "worse"]
WORDS: dict[Word, str] = {
    "nothing yet": "Nothing to judge yet",
    "too early": "Too early to say",
    "better": "Better than a plain count",
    "no better": "No better than a plain count",
    "worse": "Worse than a plain count",
}


def hits(scores: np.ndarray[Any, Any], counts: np.ndarray[Any, Any], listed: int = LISTED) -> float:
    """Offences in the `listed` places of the highest scores; places that tie at the edge share what is left of the list."""
    listed = min(listed, len(scores))
    if not listed:
        return 0.0
    edge = np.sort(scores)[::-1][listed - 1]
    above, tied = scores > edge, scores == edge
    return float(counts[above].sum() + counts[tied].mean() * (listed - above.sum()))


@dataclass(frozen=True)
class ReleasePeriod:
    """The weeks that one release spoke of.

    Attributes:
        release, origin: which; the first day.
        offences: recorded in them by now.
        ours, plain, best: of them in our 20 places, in those of the plain count (None: it could not be made), in the best 20.
        low, high: the range that the release printed for the whole force; None where it printed none.
    """

    release: str
    origin: date
    offences: int
    ours: float
    plain: float | None
    best: float
    low: int | None
    high: int | None

    @property
    def in_range(self) -> bool | None:
        return None if self.low is None or self.high is None else self.low <= self.offences <= self.high


def period(release: str, origin: date, cells: pl.DataFrame, counts: Mapping[str, int], force: tuple[int, int] | None) -> ReleasePeriod:
    """One release's period.

    Args: `cells`: tables.FORECAST of the release; `counts`: offences recorded in each cell in its weeks; `force`: range of the force.
    """
    came = np.array([counts.get(cell, 0) for cell in cells["cell"]], dtype=float)
    plain = cells[PLAIN[0]] if PLAIN[0] in cells.columns else None
    return ReleasePeriod(
        release,
        origin,
        int(sum(counts.values())),
        hits(cells["expected"].to_numpy(), came),
        None if plain is None or plain.null_count() else hits(plain.to_numpy(), came),
        hits(came, came),
        *(force or (None, None)),
    )


def apart(periods: Sequence[ReleasePeriod], weeks: int) -> list[ReleasePeriod]:
    """Periods that do not overlap, counted back from the newest, oldest first: each offence counts once."""
    kept: list[ReleasePeriod] = []
    for one in sorted(periods, key=lambda p: p.origin, reverse=True):
        if not kept or kept[-1].origin - one.origin >= timedelta(weeks=weeks):
            kept.append(one)
    return kept[::-1]


@dataclass(frozen=True)
class RunningPeriod:
    """A period that is not over: listed, not counted."""

    release: str
    origin: date
    ends: date


@dataclass(frozen=True)
class PlacesVerdict:
    """Whether a tool's places were better than the plain count's.

    Attributes:
        weeks: length of a period. periods: those over, oldest first; running: those that are not.
        gain: mean of ours less the plain count's, offences a period, over periods apart, and the ends of its 90% range;
            None until FEWEST_APART of them are over.
    """

    word: Word
    weeks: int
    periods: tuple[ReleasePeriod, ...]
    running: tuple[RunningPeriod, ...]
    gain: tuple[float, float, float] | None = None

    @property
    def compared(self) -> list[ReleasePeriod]:
        """Periods with a plain count that do not overlap."""
        return apart([p for p in self.periods if p.plain is not None], self.weeks)

    def total(self, name: Literal["offences", "ours", "plain", "best"]) -> float:
        return float(sum(getattr(p, name) for p in self.compared))

    @property
    def so_far(self) -> str:
        """ "ahead in 3, level in 1, behind in 1 of 5"."""
        gains = [p.ours - (p.plain or 0) for p in self.compared]
        ahead, behind = sum(g >= LEVEL_BELOW for g in gains), sum(g <= -LEVEL_BELOW for g in gains)
        parts = [f"{word} in {n}" for word, n in (("ahead", ahead), ("level", len(gains) - ahead - behind), ("behind", behind)) if n]
        return f"{', '.join(parts)} of {len(gains)}"

    @property
    def force_says(self) -> str:
        """Of how many periods apart the printed range of the force held what came."""
        judged = [p.in_range for p in apart(self.periods, self.weeks) if p.in_range is not None]
        return f"The force range held in {sum(judged)} of {len(judged)}." if judged else ""

    @property
    def headline(self) -> str:
        return WORDS[self.word]

    @property
    def says(self) -> str:
        """The verdict in two or three sentences."""
        if not self.compared:
            first = min((r.ends for r in self.running), default=None)
            when = f" The first {_weeks(self.weeks)} of a release end on {first.day} {first:%B %Y}." if first else ""
            return f"Nothing to judge yet: no release's {_weeks(self.weeks)} are over.{when}"
        n = len(self.compared)
        over = f"in the newest {_length(self.weeks)} period that is over" if n == 1 else f"in the {n} {_length(self.weeks)} periods that are over and do not overlap"
        held = (
            f"{over}, its {LISTED} places held {self.total('ours'):,.0f} of {self.total('offences'):,.0f} offences, "
            f"a {PLAIN[1]}'s {self.total('plain'):,.0f}, a perfect choice {self.total('best'):,.0f}"
        )
        if self.gain is None:
            return f"Too early to say whether it beats a plain count: {held} ({self.so_far}). {self.force_says}".strip()
        mean, low, high = (f"{value:+.1f}".replace("-", "−") for value in self.gain)
        return f"{self.headline}: {held}. The difference is {mean} offences a period, could be {low} to {high}. {self.force_says}".strip()


def _weeks(weeks: int) -> str:
    return {1: "week", 4: "four weeks"}.get(weeks, f"{weeks} weeks")


def _length(weeks: int) -> str:
    return {1: "one-week", 4: "four-week"}.get(weeks, f"{weeks}-week")


def of_places(periods: Sequence[ReleasePeriod], running: Sequence[RunningPeriod], weeks: int) -> PlacesVerdict:
    """The verdict on a tool of places.

    With at least FEWEST_APART periods apart that are over: better or worse where the 90% bootstrap range of the mean difference a
    period lies wholly above or below 0, else no better.
    """
    ordered = tuple(sorted(periods, key=lambda p: p.origin))
    waiting = tuple(sorted(running, key=lambda r: r.origin))
    compared = [p for p in ordered if p.plain is not None]
    if not compared:
        return PlacesVerdict("nothing yet", weeks, ordered, waiting)
    gains = np.array([p.ours - (p.plain or 0.0) for p in apart(compared, weeks)])
    if len(gains) < FEWEST_APART:
        return PlacesVerdict("too early", weeks, ordered, waiting)
    drawn = np.random.default_rng(0).integers(0, len(gains), size=(DRAWS, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    word: Word = "better" if low > 0 else "worse" if high < 0 else "no better"
    return PlacesVerdict(word, weeks, ordered, waiting, (float(gains.mean()), float(low), float(high)))


@dataclass(frozen=True)
class PeopleVerdict:
    """Whether a tool about people was right: put high, of them became; became, of them missed; said, came.

    Attributes:
        results: what the newest release holds; None where none is held.
        ends: the day on which the first released chances' time is over; None once some have been judged.
    """

    results: PeopleResults | None
    ends: date | None = None

    @property
    def word(self) -> Word:
        """Beside plain harm at the unit's capacity, once released chances are judged: better where the gain's range lies above 0."""
        one = self.results
        if one is None or one.rehearsal or one.gain is None or one.gain_low is None:
            return "too early"
        return "better" if one.gain_low > 0 else "worse" if one.gain + (one.gain - one.gain_low) < 0 else "no better"

    @property
    def headline(self) -> str:
        return WORDS[self.word].replace("plain count", "plain harm score")

    @property
    def says(self) -> str:
        one = self.results
        until = f" The {MONTHS} months of the first release end on {self.ends.day} {self.ends:%B %Y}." if self.ends else ""
        if one is None:
            return f"Too early to say: no released chance's {MONTHS} months are over.{until}"
        first = f"Too early to say of what went out.{until} Tried afterwards on the year before, on which nobody acted: it put" if one.rehearsal else "It put"
        plain = f" Picking as many by plain harm alone found {_few(one.plain.became)} of them." if one.plain.put_high else ""
        if plain and one.rehearsal and one.card.became is not None and one.plain.became is not None and one.card.became <= one.plain.became:
            plain += " So the score did no better than plain harm."
        return (
            f"{first} {one.card.put_high:,} people high, and {_few(one.card.became)} of them became high harm within {one.months} months. "
            f"{_few(one.came)} of {one.people:,} became so, and it missed {_few(one.card.missed)} of them; it had said {one.said:,.0f} would.{plain}"
        )


def _few(count: int | None) -> str:
    return "fewer than 5" if count is None else f"{count:,}"
