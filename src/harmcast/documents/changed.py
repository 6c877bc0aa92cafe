"""What changed: a place's state now beside its state in the release before. State told as news is not news.

A state is above, about or below the place's own usual, or none for a year (`words.change`). What was so before and is so still is
told apart from what is new and what ended. Pure: frames of releases in, changes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import polars as pl

from harmcast import words

State = Literal["above", "below", "about", "none", "unknown"]
_STATES: tuple[tuple[str, State], ...] = (("higher", "above"), ("lower", "below"), ("about", "about"), ("none", "none"))


def state_of(change: str) -> State:
    """The state that the words of `words.change` say."""
    return next((state for begins, state in _STATES if change.startswith(begins)), "unknown")


def states(cells: pl.DataFrame) -> dict[str, State]:
    """Each place's state in a release. Args: `cells`: tables.FORECAST."""
    rows = cells.select("cell", "baseline_4w", "baseline_52w").iter_rows()
    return {cell: state_of(words.change(last, usual)) for cell, last, usual in rows}


@dataclass(frozen=True)
class ChangeLine:
    """One thing that changed or is still so, and the places it speaks of, each with the release since which."""

    words: str
    cells: tuple[tuple[str, str], ...] = ()

    def named(self, name: Mapping[str, str], most: int) -> str:
        shown = [name.get(cell, words.cell(cell)) + (f" (since {since})" if since else "") for cell, since in self.cells[:most]]
        more = len(self.cells) - len(shown)
        return words.listed([*shown, f"{more} more"] if more else shown)


class AreaTotal(TypedDict, total=False):
    """One policing area's total over the horizon, or the whole force's where `area` is null; `lower` and `upper`: its printed range."""

    area: str | None
    expected: float
    lower: float
    upper: float
    baseline_4w: float
    baseline_52w: float


@dataclass(frozen=True)
class PlacesChanged:
    """What changed since the release before; `before` is None where there is none, and then nothing is news.

    Attributes:
        new, ended: places newly above their usual, and back from there; still: above it since the release named.
        total: how the expected number moved beyond the new range; empty where it did not.
    """

    before: str | None
    new: tuple[str, ...]
    ended: tuple[str, ...]
    still: tuple[tuple[str, str], ...]
    total: str

    def lines(self, whose: str = "The force") -> list[ChangeLine]:
        """The same in words, one thing a line. Args: `whose`: the force, or an area by name."""
        still = ChangeLine(f"Still above {_its(self.still)} usual", self.still)
        if self.before is None:
            above = ChangeLine(f"Above {_its(self.still)} usual", tuple((cell, "") for cell, _ in self.still))
            return [above if self.still else ChangeLine("No place is above its usual"), ChangeLine("There is no release before this one to compare with")]
        new = ChangeLine(f"Newly above {_its(self.new)} usual", tuple((cell, "") for cell in self.new))
        ended = ChangeLine("Back to usual", tuple((cell, "") for cell in self.ended))
        total = ChangeLine(self.total or f"{whose}’s total has not changed beyond its range")
        return [new if self.new else ChangeLine("No place is newly above its usual"), *[ended][: len(self.ended)], *[still][: len(self.still)], total]

    def sentences(self, name: Mapping[str, str], whose: str = "The force", most: int = 4) -> list[str]:
        """The lines with their places named. Args: `name`: cell -> its name; `most`: places that a line names at most."""
        return [f"{line.words}: {line.named(name, most)}." if line.cells else f"{line.words}." for line in self.lines(whose)]


def _its(places: Collection[Any]) -> str:
    return "its" if len(places) == 1 else "their"


def changed(
    history: Sequence[tuple[str, Mapping[str, State]]],
    total: AreaTotal | None,
    before: AreaTotal | None,
    within: frozenset[str] | None = None,
) -> PlacesChanged:
    """What changed in the newest release.

    Args:
        history: name and `states` of each release, oldest first, the newest last.
        total, before: the force's or area's row of tables.FORECAST_AREAS in the newest release and in the one before.
        within: cells that are spoken of; None: all.
    """
    name, now = history[-1]
    own = sorted(c for c in now if within is None or c in within)
    above = [c for c in own if now[c] == "above"]
    if len(history) < 2:
        return PlacesChanged(None, (), (), tuple((c, name) for c in above), "")
    last, then = history[-2]
    return PlacesChanged(
        last,
        tuple(c for c in above if then.get(c) != "above"),
        tuple(c for c in own if then.get(c) == "above" and now[c] != "above"),
        tuple((c, _began(history, c)) for c in above if then.get(c) == "above"),
        _total(total, before),
    )


def _began(history: Sequence[tuple[str, Mapping[str, State]]], cell: str) -> str:
    """The first release of the unbroken run, up to the newest, in which a place is above its usual."""
    began = history[-1][0]
    for name, then in reversed(history):
        if then.get(cell) != "above":
            break
        began = name
    return began


def _total(total: AreaTotal | None, before: AreaTotal | None) -> str:
    if not total or not before or total["lower"] <= before["expected"] <= total["upper"]:
        return ""
    way = "More" if total["expected"] > before["expected"] else "Fewer"
    return f"{way} expected in all than the release before said: {words.span(total['lower'], total['upper'])} now, {words.count(before['expected'])} then"
