"""Who bears it, on one screen for a lay panel: each group beside the comparison, what could not be judged, and how many would tell.

A pure function of the audit's document that a release holds; the whole audit stands in `group_impact`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harmcast import words
from harmcast.publish.group_impact import records, title_of

Found = Literal["comparison", "none", "difference", "far", "few"]
SAYS: dict[Found, str] = {
    "comparison": "The comparison",
    "none": "No difference found",
    "difference": "Difference found",
    "far": "Far over the limit",
    "few": "Too few to say",
}
ORDER = ("ethnicity_self", "ethnicity_officer", "sex", "age_band")
NAMES = {"ethnicity_self": "Ethnicity, own words", "ethnicity_officer": "Ethnicity, officer’s view", "sex": "Sex", "age_band": "Age"}
SCOPE = "not managed"
PUT_HIGH, MISSED = "fpr", "fnr"


@dataclass(frozen=True)
class OfHundred:
    """Of 100: a rate with its 95% range; None where a small number hides it."""

    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        return f"({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class LayAuditRow:
    """One group. `people`: in it, None where hidden; `more`: its difference in words and how many people would tell."""

    group: str
    people: int | None
    put_high: OfHundred | None
    missed: OfHundred | None
    found: Found
    more: str

    @property
    def says(self) -> str:
        return SAYS[self.found]


@dataclass(frozen=True)
class LayAudit:
    """One attribute of one tool. `limit`: largest difference that is none, share; `middle`: the comparison's rate."""

    attribute: str
    attributes: tuple[tuple[str, str], ...]
    people: int
    rows: tuple[LayAuditRow, ...]
    reference: str
    middle: float | None
    limit: float
    headline: str
    beside: str
    comparisons: int
    could_not_see: tuple[str, ...]

    @property
    def most(self) -> float:
        """End of the pictures' scale, share: a round number of 100 that holds every range."""
        ends = [row.put_high.high for row in self.rows if row.put_high] + [(self.middle or 0) + self.limit]
        return max(2, -(-int(100 * max(ends) + 0.999) // 2) * 2) / 100


def panel(document: Mapping[str, Any], by: str = "") -> LayAudit | None:
    """The screen of one attribute, by default the first of ORDER that the audit holds; None for an audit that is not about people."""
    sections = document.get("tables", [])
    measured = records(sections[0]) if sections else []
    if not measured or "measure" not in measured[0]:
        return None
    own = [r for r in measured if r["scope"] == SCOPE]
    held = [name for name in ORDER if any(r["attribute"] == name and r["measure"] == PUT_HIGH for r in own)]
    if not held:
        return None
    attribute = by if by in held else held[0]
    limit = next((float(t["value"]) for t in document.get("thresholds", []) if t["name"] == "gap_concern"), 0.02)
    enough = next((float(t["value"]) for t in document.get("thresholds", []) if t["name"] == "gap_judged_half_width"), 0.02)
    rates = {(r["group"], r["measure"]): r for r in own if r["attribute"] == attribute}
    groups = [r for r in own if r["attribute"] == attribute and r["measure"] == PUT_HIGH]
    rows = [_row(r, rates.get((r["group"], MISSED)), enough) for r in sorted(groups, key=_order)]
    reference = next((row.group for row in rows if row.found == "comparison"), "")
    middle = next((row.put_high.value for row in rows if row.found == "comparison" and row.put_high), None)
    return LayAudit(
        attribute,
        tuple((name, NAMES.get(name, title_of(name))) for name in held),
        sum(row.people or 0 for row in rows),
        tuple(rows),
        reference,
        middle,
        limit,
        _headline(rows, limit),
        _beside(rows),
        sum(r.get("verdict") is not None for r in measured),
        (*document.get("cannot_see", ()), *document.get("notes", ())),
    )


def _order(row: Mapping[str, Any]) -> tuple[bool, bool, float, str]:
    """The comparison first, hidden groups last, the largest group first."""
    return (not row["is_reference"], row["value"] is None, -(row["n"] or 0), str(row["group"]))


def _rate(row: Mapping[str, Any] | None) -> OfHundred | None:
    if row is None or row["value"] is None or row["low"] is None or row["high"] is None:
        return None
    return OfHundred(float(row["value"]), float(row["low"]), float(row["high"]))


def _row(put_high: Mapping[str, Any], missed: Mapping[str, Any] | None, enough: float) -> LayAuditRow:
    verdicts = {put_high["verdict"], missed["verdict"] if missed is not None else None}
    found: Found = (
        "comparison" if put_high["is_reference"]
        else "far" if "stop" in verdicts
        else "difference" if "concern" in verdicts
        else "none" if put_high["verdict"] == "met"
        else "few"
    )  # fmt: skip
    more = _difference(put_high) if found in ("few", "difference", "far") else ""
    if found == "few" and more and put_high["half_width"] and put_high["half_width"] > enough:
        more += f" About {would_tell(put_high['n'], put_high['half_width'], enough):,} people would tell."
    people = None if put_high["n"] is None else int(put_high["n"])
    return LayAuditRow(str(put_high["group"]), people, _rate(put_high), _rate(missed), found, more)


def _difference(row: Mapping[str, Any]) -> str:
    gap, low, high = row["gap"], row["gap_low"], row["gap_high"]
    if gap is None or low is None or high is None:
        return ""

    def said(value: float) -> str:
        return f"{abs(100 * value):.1f} {'more' if value >= 0 else 'fewer'}"

    return f"{said(gap)}, could be {said(low)} to {said(high)}."


def would_tell(people: int, half_width: float, enough: float) -> int:
    """How many people of a group would bring the half-width of its difference down to `enough`, to two figures: it falls with the root."""
    needed = people * (half_width / enough) ** 2
    digits = max(0, len(str(int(needed))) - 2)
    return int(-(-needed // 10**digits) * 10**digits)


def _headline(rows: Sequence[LayAuditRow], limit: float) -> str:
    above = f"{100 * limit:g} in 100"
    bad = [row.group for row in rows if row.found in ("difference", "far")]
    few = [row.group for row in rows if row.found == "few"]
    judged = any(row.found == "none" for row in rows)
    first = (
        f"A difference above {above} was found for {words.listed(bad)}."
        if bad
        else f"No difference above {above} found where one could be judged."
        if judged
        else "No group could be judged: too few people."
    )
    return first + (f" For {words.listed(few)}: too few to say." if few and (bad or judged) else "")


def _beside(rows: Sequence[LayAuditRow]) -> str:
    few, all_ = sum(row.found == "few" for row in rows), sum(row.found != "comparison" for row in rows)
    left = f"{few} of {all_} groups could not be judged, and the" if few else "the"
    return f"That is not proof of fairness: {left} records themselves may be unequal."
