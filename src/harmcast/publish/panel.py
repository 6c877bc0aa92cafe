"""Who bears it, on one screen for a lay panel: each group beside the comparison, what could not be judged, and how many would tell.

A pure function of the audit's document that a release holds; the whole audit stands in `group_impact`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harmcast import words
from harmcast.documents.audit import AuditDocument, FifthRow, PeopleRow, RatioRow, fifth_rows, limit_of, people_rows
from harmcast.publish.group_impact import title_of

Found = Literal["comparison", "none", "difference", "far", "outside", "few", "shown"]
SAYS: dict[Found, str] = {
    "comparison": "The comparison",
    "none": "No difference found",
    "difference": "Difference found",
    "far": "Far over the limit",
    "outside": "Outside the limits, could be chance",
    "few": "Too few to say",
    "shown": "Shown, not judged",
}
ORDER = ("ethnicity_self", "ethnicity_officer", "sex", "age_band")
NAMES = {"ethnicity_self": "Ethnicity, own words", "ethnicity_officer": "Ethnicity, officer’s view", "sex": "Sex", "age_band": "Age"}
FIFTHS = {"1": "most deprived", "2": "second", "3": "middle", "4": "fourth", "5": "least deprived"}
TENFOLD = 0.5  # above it the scale of the pictures goes in steps of 50, not of 5
SCOPE = "not managed"
PUT_HIGH, MISSED = "fpr", "fnr"
OVER: tuple[Found, ...] = ("difference", "far")
UNSAID: tuple[Found, ...] = ("outside", "few")
SHOWN_ONLY = "Shown, not judged."


@dataclass(frozen=True)
class OfHundred:
    """Of 100: a rate with its 95% range, where one is given. `places`: decimals that are read."""

    value: float
    low: float | None = None
    high: float | None = None
    places: int = 0

    @property
    def figure(self) -> str:
        return f"{100 * self.value:.{self.places}f}"

    @property
    def range(self) -> str:
        return "" if self.low is None or self.high is None else f"({100 * self.low:.{self.places}f} to {100 * self.high:.{self.places}f})"


@dataclass(frozen=True)
class LayAuditRow:
    """One group.

    Attributes:
        people: in it, None where hidden. rate: what is judged, drawn as a picture; others: what stands beside it.
        more: its difference in words, and how many people or offences would tell.
    """

    group: str
    people: int | None
    rate: OfHundred | None
    others: tuple[OfHundred | None, ...]
    found: Found
    more: str

    @property
    def says(self) -> str:
        return SAYS[self.found]


@dataclass(frozen=True)
class LayAudit:
    """One attribute of one tool.

    Attributes:
        about: what was looked at, of whom. rate_says, others_say: what the figures are of 100 of; against: the comparison.
        middle: the comparison's rate; limits: between which no difference is called one; shaded: the same in words.
        noun: what the groups are made of, one and many.
        short: what was found, in one sentence, for a home; headline: the same with what could not be said. is_over: something is
            over a limit, here or among all comparisons.
    """

    about: str
    rate_says: str
    others_say: tuple[str, ...]
    against: str
    noun: tuple[str, str]
    attribute: str
    attributes: tuple[tuple[str, str], ...]
    people: int
    rows: tuple[LayAuditRow, ...]
    middle: float | None
    limits: tuple[float, float] | None
    shaded: str
    short: str
    headline: str
    is_over: bool
    beside: str
    comparisons: int
    could_not_see: tuple[str, ...]

    @property
    def most(self) -> float:
        """End of the pictures' scale, share: a round number of 100 that holds every range."""
        ends = [row.rate.high for row in self.rows if row.rate and row.rate.high is not None] + [self.limits[1] if self.limits else 0]
        step = 5 if max(ends) < TENFOLD else 50
        return max(step, -(-int(100 * max(ends) + 0.999) // step) * step) / 100


def panel(document: AuditDocument, by: str = "") -> LayAudit | None:
    """The screen of an audit: of places by deprivation; of people by one attribute, by default the first of ORDER that it holds.

    None where it holds no attribute.
    """
    if document.get("kind") == "places":
        return _of_places(document, fifth_rows(document))
    measured = people_rows(document)
    own = [r for r in measured if r["scope"] == SCOPE]
    held = [name for name in ORDER if any(r["attribute"] == name and r["measure"] == PUT_HIGH for r in own)]
    if not held:
        return None
    attribute = by if by in held else held[0]
    limit = limit_of(document.get("thresholds", []), "ratio_concern", 0.8)
    rates = {(r["group"], r["measure"]): r for r in own if r["attribute"] == attribute}
    groups = [r for r in own if r["attribute"] == attribute and r["measure"] == PUT_HIGH]
    rows = [_row(r, rates.get((r["group"], MISSED)), limit) for r in sorted(groups, key=_order)]
    reference = next((row.group for row in rows if row.found == "comparison"), "")
    middle = next((row.rate.value for row in rows if row.found == "comparison" and row.rate), None)
    people, beside = sum(row.people or 0 for row in rows), reference or "the comparison"
    short = _short(rows, document, f"beyond {limit:g} to {1 / limit:.3g} times as often")
    return LayAudit(
        about=f"What the score said a year before, of {people:,} people not under management, against the year that followed. Put high: among the highest chances. High harm: in the band high or super high at a charge.",
        rate_says="Wrongly put high: of 100 who did not become high harm",
        others_say=("Missed: of 100 who did",),
        against=beside,
        noun=("person", "people"),
        attribute=attribute,
        attributes=tuple((name, NAMES.get(name, title_of(name))) for name in held),
        people=people,
        rows=tuple(rows),
        middle=middle,
        limits=None if middle is None else (middle * limit, middle / limit),
        shaded=f"from {limit:g} to {1 / limit:.3g} times as often as {beside}, the limits set before the figures",
        short=short,
        headline=_headline(rows, short),
        is_over=bool(document.get("findings")),
        beside=" ".join(filter(None, (_beside(rows), _records(measured)))),
        comparisons=sum(r.get("verdict") is not None for r in measured),
        could_not_see=(*document.get("cannot_see", ()), *document.get("notes", ()), "People under management: counted apart, not judged. The score as a whole counts them too."),
    )


def _of_places(document: AuditDocument, measured: Sequence[FifthRow]) -> LayAudit:
    """Each deprivation fifth beside the whole force: what came of what was said there, and who lives where the map points."""
    limit, enough = (limit_of(document.get("thresholds", []), *usual) for usual in (("places_ratio_concern", 0.8), ("places_judged_half_width", 0.2)))
    rows = [_fifth(r, limit, enough) for r in measured if r["fifth"] in FIFTHS]
    unknown = [r for r in measured if r["fifth"] not in FIFTHS and r["cells"]]
    patrols = [finding["says"] for finding in document.get("findings", []) if str(finding["name"]).startswith("feedback")]
    short = _short(rows, document, f"beyond {100 * limit:.0f} to {100 / limit:.0f}", "offences", _fifths)
    return LayAudit(
        about="What the map said in the weeks that are over and settled, against what was recorded in them, by how deprived the neighbourhood is.",
        rate_says="Came, for each 100 that were said (the whole force: 100)",
        others_say=("Live where the map points: of 100 residents", "Pointed at and nothing came: of 100 places"),
        against="the whole force",
        noun=("resident", "residents"),
        attribute="deprivation",
        attributes=(("deprivation", "Neighbourhoods in fifths, by deprivation"),),
        people=sum(row.people or 0 for row in rows),
        rows=tuple(rows),
        middle=1.0,
        limits=(limit, 1 / limit),
        shaded=f"from {100 * limit:.0f} to {100 / limit:.0f}, the limits set before the figures; the line is what came in the whole force",
        short=short,
        headline=_headline(rows, short, _fifths),
        is_over=bool(document.get("findings")),
        beside=" ".join([_beside(rows), *patrols]),
        comparisons=sum(row.found != "comparison" for row in rows),
        could_not_see=(*document.get("cannot_see", ()), *document.get("notes", ()), *(["Places whose neighbourhood is not known."] if unknown else [])),
    )


def _fifths(names: Sequence[str]) -> str:
    return f"{words.listed([f'the {name}' for name in names])} {'fifth' if len(names) == 1 else 'fifths'}"


def _unsaid(ratio: float | None, limit: float) -> Found:
    """What stands of a group that chance could explain: whether its ratio lies outside the limits all the same."""
    return "few" if ratio is None or limit <= ratio <= 1 / limit else "outside"


def _alone(row: RatioRow) -> str:
    """Why a range that leaves out the comparison is still too few to say."""
    low, high = row["ratio_low"], row["ratio_high"]
    return " The range is of this group alone; with all groups compared together it could be chance." if low and high and (low > 1 or high < 1) else ""


def _fifth(row: FifthRow, limit: float, enough: float) -> LayAuditRow:
    ratio, spread = row["ratio"], row["half_width"]
    unsaid = _unsaid(ratio, limit)
    found: Found = "far" if row["verdict"] == "stop" else "difference" if row["verdict"] == "concern" else "none" if row["verdict"] == "met" and unsaid == "few" else unsaid
    more = ""
    if ratio is not None and found in OVER:
        more = "Less came than was said: the map points here too often." if ratio < 1 else "More came than was said: the map points here too seldom."
    elif found in UNSAID and spread is not None and spread > enough:
        more = f"About {would_tell(row['expected'], spread, enough):,} offences in this fifth would be enough to tell."
    if found in UNSAID:
        more = (more + _alone(row)).strip()
    rate = None if ratio is None or row["ratio_low"] is None else OfHundred(ratio, row["ratio_low"], row["ratio_high"])
    others = tuple(None if share is None else OfHundred(share, places=places) for share, places in ((row["flagged_share"], 1), (row["empty_flagged"], 0)))
    return LayAuditRow(FIFTHS[row["fifth"]], round(row["residents"]), rate, others, found, more)


def _order(row: PeopleRow) -> tuple[bool, bool, float, str]:
    """The comparison first, hidden groups last, the largest group first."""
    return (not row["is_reference"], row["value"] is None, -(row["n"] or 0), str(row["group"]))


def _rate(row: PeopleRow | None, places: int) -> OfHundred | None:
    if row is None or row["value"] is None or row["low"] is None or row["high"] is None:
        return None
    return OfHundred(float(row["value"]), float(row["low"]), float(row["high"]), places)


def _row(put_high: PeopleRow, missed: PeopleRow | None, limit: float) -> LayAuditRow:
    verdicts = {put_high["verdict"], missed["verdict"] if missed is not None else None}
    found: Found = (
        "comparison" if put_high["is_reference"]
        else "far" if "stop" in verdicts
        else "difference" if "concern" in verdicts
        else "none" if put_high["verdict"] == "met"
        else "shown" if put_high["verdict"] == "printed" and put_high["value"] is not None
        else _unsaid(put_high["ratio"], limit)
    )  # fmt: skip
    more = _difference(put_high) if found not in ("comparison", "none") else ""
    people, low, high = put_high["n"], put_high["ratio_low"], put_high["ratio_high"]
    if found in UNSAID and more and people and low and high:
        spread, enough = math.log(high / low) / 2, -math.log(limit)
        more += _alone(put_high)
        more += f" About {would_tell(people, spread, enough):,} people in this group would be enough to tell." if spread > enough else ""
    return LayAuditRow(str(put_high["group"]), people, _rate(put_high, 1), (_rate(missed, 0),), found, more)


def _difference(row: PeopleRow) -> str:
    if row["ratio"] is None or row["ratio_low"] is None or row["ratio_high"] is None:
        return ""
    if row["ratio"] == 0:  # the range's lower end is of a share a little above nought: it would stand above the figure itself
        return f"None so far; could be up to {row['ratio_high']:.2f} times as often."
    return f"{row['ratio']:.2f} times as often, could be {row['ratio_low']:.2f} to {row['ratio_high']:.2f}."


def would_tell(people: float, half_width: float, enough: float) -> int:
    """How many people or offences of a group would bring the half-width of its difference down to `enough`, to two figures: it falls with the root."""
    needed = people * (half_width / enough) ** 2
    digits = max(0, len(str(int(needed))) - 2)
    return int(-(-needed // 10**digits) * 10**digits)


def _short(rows: Sequence[LayAuditRow], document: AuditDocument, above: str, of: str = "people", named: Callable[[list[str]], str] = words.listed) -> str:
    """What was found, in one sentence: the first of the headline, and all that a home has room for."""
    found = {row.found for row in rows}
    if bad := [row.group for row in rows if row.found in OVER]:
        return f"A difference {above} was found for {named(bad)}."
    if document.get("findings"):
        return "Something else is over a limit: see all comparisons."
    if "none" in found:
        return f"No difference {above} found where one could be judged."
    return SHOWN_ONLY if "shown" in found else f"No group could be judged: too few {of}."


def _headline(rows: Sequence[LayAuditRow], short: str, named: Callable[[list[str]], str] = words.listed) -> str:
    outside, few = ([row.group for row in rows if row.found == found] for found in ("outside", "few"))
    told = any(row.found in (*OVER, "none", "outside") for row in rows)
    return (
        short
        + (f" For {named(outside)}: outside the limits, could be chance." if outside else "")
        + (f" For {named(few)}: too few to say." if few and told else "")
    )


def _beside(rows: Sequence[LayAuditRow]) -> str:
    if any(row.found == "shown" for row in rows):
        return "Whether the chances held for each group is judged instead, among all comparisons: offending differs by age and sex."
    few, all_ = sum(row.found in UNSAID for row in rows), sum(row.found != "comparison" for row in rows)
    if few == all_:
        return "That is no proof of fairness: silence is no evidence, and the records themselves may be unequal."
    left = f"{few} of {all_} groups could not be judged, and the" if few else "the"
    return f"That is not proof of fairness: {left} records themselves may be unequal."


def _records(measured: Sequence[PeopleRow]) -> str:
    """How many comparisons of how the records came about were within limits; empty where none was judged."""
    said = [row["verdict"] for row in measured if row["scope"] == "records" and row["verdict"] != "printed"]
    within, few = said.count("met"), said.count("too few to say")
    over = f", {len(said) - within - few} over a limit" if within + few < len(said) else ""
    return f"How the records came about was compared {len(said)} times: {within} within limits, {few} too few to say{over}." if said else ""
