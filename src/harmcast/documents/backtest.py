"""What a backtest found: `backtest.json`, written by `evaluate`, read by its report page and by the command's lines.

Figures are pooled over all windows (places) or landmarks (people); shares from 0 to 1, null where one cannot be had.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from harmcast.documents.person_model import CardChoice, ModelHistory, YearSlope


class Incidents(TypedDict):
    n: int
    victims_per_incident: float


class ListFigures(TypedDict, total=False):
    """How true the chances of the top list came, and how often the range of its sum held."""

    top20_gap: float | None
    top20_year_gap: float | None
    list_coverage: float
    list_expected: float
    list_among_best: float
    list_came_among_best: float


class AgainstFloor(TypedDict, total=False):
    """Differences to the 24-month count, with 95% ranges."""

    log_score_gain: float
    log_score_gain_low: float
    log_score_gain_high: float
    hit_rate_gain: float
    hit_rate_gain_low: float
    hit_rate_gain_high: float


class PlacesFigures(ListFigures, AgainstFloor):
    """One model, pooled over windows; an oracle has neither a list nor seconds."""

    hits_top20: int
    hit_rate_top20: float | None
    regret_top20: int
    pai_5pct: float | None
    pai_5pct_by_land: float | None
    pai_5pct_by_residents: float | None
    pei_5pct: float | None
    log_score: float
    crps: float
    pit_deviation: float
    coverage_90: float
    inside_printed_range: float
    expected_inside_printed_range: float
    total_mape: float | None
    pit_histogram: list[float]
    gap_closed_share: NotRequired[float | None]
    seconds_per_origin: NotRequired[float]


class Foresight(TypedDict):
    hits_top20: int
    hit_rate_top20: float | None
    pai_5pct: float | None
    pei_5pct: float


class CalibrationTenth(TypedDict):
    expected: float
    came: int
    n: int


class PlacesSeries(TypedDict):
    """What the report page draws."""

    log_score_gain: list[float]
    total: list[int]
    expected_total: list[float]
    list_lengths: list[int]
    hits_by_length: dict[str, list[int]]
    best_by_length: list[int]
    calibration: list[CalibrationTenth]
    surprise_by_unit: list[float]
    where_gain: NotRequired[list[float]]


HitsByOrigin = TypedDict("HitsByOrigin", {"top20": list[int], "5pct": list[int]})


class FallbackSays(TypedDict):
    """What the fallback rule says: mean gain of ours over the plain count with our level, its evidence, its share of the whole gain."""

    mean_difference: float | None
    detector: float
    from_where_share: float | None


class Fallback(FallbackSays):
    """The same after the last window; `stepped_in_after`: windows after which the plain count stepped in."""

    stepped_in_after: list[int]


class PlacesBacktest(TypedDict):
    """A places tool: every model at every origin, with floor, oracle and perfect foresight."""

    tool: str
    units: int
    origins: list[str]
    horizon_weeks: int
    crimes: int
    chosen: str
    incidents: Incidents
    models: dict[str, PlacesFigures]
    oracle: PlacesFigures
    foresight: Foresight
    fallback: Fallback | None
    series: PlacesSeries
    hits_by_origin: dict[str, HitsByOrigin]


class Tenth(TypedDict):
    """One of ten equal groups by chance."""

    n: int
    mean_chance: float
    became: int
    observed_share: float


class TopFive(TypedDict):
    """The 5% ranked highest, in whole people."""

    flagged: float
    true_positives: float
    false_positives: float
    became: float


class PeopleFigures(TypedDict):
    """One model at one horizon."""

    auc: float | None
    auc_low: float | None
    auc_high: float | None
    brier: float
    log_loss: float
    calibration_slope: float | None
    calibration_slope_low: float | None
    calibration_slope_high: float | None
    said_over_came: float | None
    said_over_came_low: float | None
    said_over_came_high: float | None
    ece: float
    ece_perfect: float
    precision_top5: float | None
    recall_top5: float | None
    top5: TopFive
    n: int
    became: int
    base_rate: float
    mean_chance: float
    tenths: list[Tenth]


class AucGain(TypedDict):
    """AUC of a card less plain harm's, with its paired bootstrap interval."""

    auc_gain: float | None
    low: float | None
    high: float | None


ByModel = dict[str, PeopleFigures]


class PeopleBacktest(TypedDict):
    """The person tool: keys of horizons are `12m`, `24m`; a horizon of which nothing is known yet is empty."""

    tool: str
    chosen: dict[str, str]
    because: str
    choice: CardChoice
    horizon: dict[str, ByModel]
    landmarks: list[str]
    history: ModelHistory
    by_landmark: dict[str, dict[str, ByModel]]
    against_plain: dict[str, dict[str, AucGain | None]]
    slope_of_years: dict[str, list[YearSlope]]
