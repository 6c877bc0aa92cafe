"""The record of the model behind a places forecast: `<tool>_model.json` of a release, written by the forecast, read by the next week, pages and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from harmcast.documents.backtest import FallbackSays, Incidents


class ListSays(TypedDict):
    """The top list: how many cells, what is expected in them with its range, the most that any list of so many could hold."""

    cells: int
    range_level: float
    expected: float
    low: float
    high: float
    total: float
    best_possible: float
    among_best: float


class WindowTrial(TypedDict):
    """Mean log score a unit of one window that is over: ours, the plain count with our level, the 24-month count."""

    weeks_ago: int
    ours: float
    alike: float
    count_24m: float


class PlacesModel(TypedDict, total=False):
    """Settings, learned weights and the reason of the choice. Releases made by earlier versions lack some."""

    procedure: str
    anchor: str
    walk: dict[str, float]
    single_windows: int
    pool: dict[str, float]
    correction: dict[str, float]
    filter: bool
    coefficients: dict[str, float]
    spread: dict[str, float]
    expected_total: float
    incidents: Incidents
    victims: Sequence[float] | None
    weeks_missing: int
    history_weeks: int
    name: str
    reason: str
    fell_back: bool
    fell_back_before: bool
    fallback: FallbackSays
    seed: int
    origin: str
    horizon_weeks: int
    counts_sha256: str
    trials: Sequence[WindowTrial]
    account: dict[str, int]
    units: int
    list: ListSays
