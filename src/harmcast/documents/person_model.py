"""A kept person model: plain numbers in `models/<name>.json`, written by a refit, read by scores, pages and answers.

Days are text, 2026-11-16. Models made by earlier versions lack what is `NotRequired` or stands in a class with `total=False`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from harmcast.documents.plain import PlainRecord

ChanceRow = dict[str, float]  # points, and of each horizon p<m>, p<m>_low, p<m>_high, p<m>_group_low, p<m>_group_high


class PointsLine(TypedDict):
    """One question: of which feature, yes at the threshold or (`below`) under it, and the points for yes."""

    feature: str
    threshold: float
    below: bool
    points: int


class KeptStretch(TypedDict):
    """Level and slope of one stretch of months (`transitions.table.Stretch`)."""

    months: int
    a: float
    b: float
    variance_a: float
    variance_b: float
    centre: float
    became: int


class KeptCard(TypedDict):
    """A card: lines and stretches; the printed one with its table and the level of six months."""

    lines: list[PointsLine]
    stretches: list[KeptStretch]
    table: NotRequired[list[ChanceRow]]
    half_year: NotRequired[KeptStretch | None]


class Rehearsal(KeptCard):
    """The fit of a year before, by which chances are judged while no released one is so old."""

    day: str
    look_back_months: int | None


class FloorLine(TypedDict):
    """A floor's logistic line on the logarithm of harm."""

    kind: str
    intercept: float
    slope: float


class YearSlope(TypedDict):
    """The calibration slope of one day."""

    day: str
    slope: float
    error: float
    became: int


class Gain(TypedDict):
    gain: float
    error: float


class CardChoice(TypedDict):
    """The card that ships and the comparison it rests on; without a day out of time only why. `slopes`: by card."""

    chosen: str
    because: str
    slopes: dict[str, list[YearSlope]]
    log_loss: NotRequired[dict[str, float]]
    twelve_over_three: NotRequired[Gain]
    landmarks: NotRequired[list[str]]
    people: NotRequired[int]


class ModelHistory(TypedDict, total=False):
    """What the records reach (`transitions.history.RecordsHeld`)."""

    first_day: str
    months: int
    look_back_months: int | None
    horizons_months: list[int]
    chances_from: str
    first_landmark: str | None
    landmarks: int
    left_out: list[str]
    low_later: list[str]


class CalibrationSlope(TypedDict):
    years: list[YearSlope]
    mean: float
    low: float
    high: float
    variance: float


class FeatureSays(TypedDict):
    name: str
    says: str
    unit: str
    direction: NotRequired[int]


class GraveClass(TypedDict):
    offence_class: str
    arrivals: int


class HighOutcome(TypedDict):
    """What becoming high harm was in the records: its name, how many arrived, how many by one charge alone, the classes of the grave list."""

    says: str
    arrivals: int
    alone: int
    alone_share: float
    class_share: float
    grave_list: list[GraveClass]


class LatelyFigure(TypedDict, total=False):
    """Those not charged in the look-back a horizon before `day`: one figure together."""

    day: str
    people: int
    became: int
    share: float | None


class KeptModel(TypedDict, total=False):
    """The whole model. `chosen` null: it gives no chance, and `because` says why; `other_outcome`: its card speaks of another harm than today's. Keys of figures by horizon are `12m`, `24m`."""

    form: int
    chosen: str | None
    history: ModelHistory
    because: str
    other_outcome: bool
    months: list[int]
    as_of: str
    card_as_of: str
    high_cut: float
    decay: PlainRecord
    index: PlainRecord
    seed: int
    most_rows_fitted: int
    features: list[FeatureSays]
    cards: dict[str, KeptCard]
    landmarks: list[str]
    rows: int
    people: int
    became: dict[str, int]
    base_rate: dict[str, float | None]
    data_hash: str
    outcome: HighOutcome
    choice: CardChoice
    calibration_slope: CalibrationSlope
    halving: list[float]
    not_charged_lately: dict[str, LatelyFigure]
    rehearsal: Rehearsal | None


class BandsMoved(TypedDict):
    band: str | None
    band_new: str | None
    people: int


class SideBySide(TypedDict):
    """What a new model changes for the same people on the same records, in counts."""

    people: int
    bands_changed: int
    bands: list[BandsMoved]
    chances_compared: int
    mean_change: float | None
    moved_over_01: int
    moved_over_05: int
    top5: int
    top5_kept: int


class BesideModel(TypedDict):
    """What people look at before they approve a model: `old` and `side_by_side` where one is in use."""

    chosen: str | None
    because: str | None
    level_only: NotRequired[bool]
    old: NotRequired[str]
    side_by_side: NotRequired[SideBySide]
    made_by: NotRequired[str]
