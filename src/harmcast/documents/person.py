"""What a release says of one person, and the page made of it: written by runs, sealed with decisions, read by pages.

`PersonReasons` is the JSON text of the column `reasons`; `PersonDocument` the person's page in the order an officer needs it.
Releases made by earlier versions lack some fields: those of a class with `total=False` may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

from harmcast.documents.person_model import ModelHistory
from harmcast.documents.plain import PlainRecord


class CountedEvent(TypedDict):
    """One event that counts: days as text, `left` the share of its weight left, `effect` = weight x left, in the index's unit."""

    charge_ref: str
    happened_on: str
    charged_on: str | None
    offence_code: str
    kind: str | None
    violent: bool | None
    weapon: bool | None
    outcome: str
    charges: int
    weight: float | None
    left: float | None
    effect: float | None


class OtherEvents(TypedDict, total=False):
    """The events that count less: how many, their effect together, each."""

    count: int
    effect: float
    events: list[CountedEvent]


class CardPoints(TypedDict):
    """Points of each line of the printed card, and their sum."""

    points: int
    lines: list[int]


class NotKnown(TypedDict, total=False):
    """What the score does not know about this person: counts of events and charges, the first charge's day."""

    charges_standing: int
    events: int
    convicted: int
    awaiting_result: int
    without_weight: int
    first_charged_on: str | None


class PersonReasons(TypedDict, total=False):
    """Why one person's score is what it is (transitions/explain.py)."""

    charges: list[CountedEvent]
    others: OtherEvents
    values: list[float | None] | None
    card: CardPoints | None
    group: dict[str, float | None]
    no_chance: str | None
    high_before: bool | None
    harm_incomplete: bool | None
    other_band: bool | None
    not_known: NotKnown
    changed: dict[str, dict[str, float | None]] | None


class ReleasedIndex(TypedDict, total=False):
    source: str
    edition: str


class ReleasedWeights(TypedDict, total=False):
    coarse_index: bool
    index: ReleasedIndex


class HorizonFigures(TypedDict):
    """Chances of one horizon over everyone who has one: how many people, how many are expected to become high harm, the mean."""

    people: int
    expected: float
    mean_chance: float | None


class ReleaseAbout(TypedDict, total=False):
    """What a release says of a tool for people as a whole: cuts, their day, how charges were weighed, from when chances are given."""

    model: str | None
    model_sha256: str | None
    scored: int
    left_out: dict[str, int]
    cuts: list[float]
    cuts_reference_date: str
    index_sha256: str
    harm_unit: str
    decay: PlainRecord
    figures: PlainRecord
    weights: ReleasedWeights
    history: ModelHistory | None
    warnings: list[str]


def figures_at(about: ReleaseAbout, months: int) -> HorizonFigures | None:
    """What the release says of chances within `months`; None where it gives none."""
    return cast("HorizonFigures | None", about.get("figures", {}).get(f"{months}m"))


def without_chance(about: ReleaseAbout) -> Mapping[str, int]:
    """People without a chance by reason."""
    return cast("Mapping[str, int]", about.get("figures", {}).get("no_chance") or {})


class PersonRow(TypedDict, total=False):
    """One person of a release as a unit's page holds them (publish/roster.py): chances from 0 to 1; no name or reference without leave."""

    person_key: str
    person_ref: str
    name: str | None
    unit: str | None
    restricted: bool
    harm: float | None
    harm_unit: str
    band: str | None
    band_last_week: str | None
    week: str
    chance_high_harm_12m: float | None
    chance_high_harm_12m_low: float | None
    chance_high_harm_12m_high: float | None
    chance_high_harm_24m: float | None
    chance_high_harm_24m_low: float | None
    chance_high_harm_24m_high: float | None
    changed_from: str | None
    changed_week: str | None
    changed_at: str | None
    managed: str | None
    custody: str | None
    reasons: str


class ShownChance(TypedDict):
    """A chance with its range, the force's usual one, how it reads of a hundred people; `usual`: no different, as far as records show."""

    months: int
    chance: float | None
    low: float | None
    high: float | None
    base: float | None
    base_n: int | None
    base_people: int | None
    group: str
    usual: str


class ShownPart(TypedDict):
    name: str
    key: str
    harm: float | None
    chance: float | None


class ShownChange(TypedDict):
    """What changed since the week before, in three lines that add up."""

    rows: list[ShownPart]
    harm_last: float | None
    harm_now: float | None
    chance_last: float | None
    chance_now: float | None


class EarlierChange(ShownChange):
    """The same of the earlier week that moved the band, and the band before it."""

    week: str
    changed_from: str | None


class ShownEvent(TypedDict):
    """One event as a page shows it; whole days and the reference only to a reader who may have names."""

    reference: str | None
    happened: str
    charged: str | None
    marks: str
    code: str
    kind: str | None
    outcome: str
    outcome_words: str
    charges: int
    weight: float | None
    left: float | None
    effect: float | None


class ShownOthers(TypedDict):
    count: int
    effect: float
    events: list[ShownEvent]


class AnsweredLine(TypedDict):
    """A line of the card with what the record holds; `worth`: its points for yes, `points`: those given."""

    says: str
    held: str | None
    worth: int
    points: int


class TableLine(TypedDict):
    points: float | None
    here: bool
    chances: list[float | None]


class ShownCard(TypedDict):
    lines: list[AnsweredLine]
    points: int
    most: int
    table: list[TableLine]
    months: list[int]
    because: str | None
    look_back: int | None


class RecordQuality(TypedDict):
    standing: int | None
    events: int | None
    convicted: int | None
    awaiting: int | None
    without_weight: int | None
    first_charged: str | None
    coarse: bool
    index: str | None
    edition: str | None


class PastPoint(TypedDict):
    week: str
    origin: str
    harm: float | None
    band: str | None
    chance: float | None
    model: str | None


class PersonDocument(TypedDict):
    """One person's page: every figure on it, so that what is sealed with a decision is what was seen."""

    release: str
    model: str | None
    harm: float | None
    harm_unit: str
    band: str | None
    band_last_week: str | None
    edges: list[tuple[str, str]]
    cuts: list[float]
    cuts_on: str | None
    other_band: bool | None
    chances: list[ShownChance]
    outcome: str
    no_chance: str | None
    changed: ShownChange | None
    changed_then: EarlierChange | None
    charges: list[ShownEvent]
    others: ShownOthers
    card: ShownCard | None
    counted_to: str
    gaps: list[str]
    quality: RecordQuality
    past: list[PastPoint]
