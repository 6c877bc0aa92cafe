"""Who bears it? The fairness audit's document put in order for an ethics panel: verdict first, counts before shares.

A pure function of the document that a release holds; the page and the dated file of the release show the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, TypedDict, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harmcast.documents import audit as audits
from harmcast.documents.audit import AuditDocument, AuditSection, PeopleRow, ProxyRow, RatioRow

JUDGED = ("met", "concern", "stop", "too few to say")
MEASURES: dict[str, tuple[str, str]] = {
    "selection": ("Put high", "Of everyone, the share among those with the highest chances, as many as the units can consider."),
    "base_rate": ("Became high harm", "Of everyone, the share that became high harm within the horizon."),
    "fpr": ("Wrongly put high", "Of those who did not become high harm, the share selected (false positive rate)."),
    "fnr": ("Missed", "Of those who became high harm, the share not selected (false negative rate)."),
    "ppv": ("Right when put high", "Of those selected, the share that became high harm (precision)."),
    "hits_upheld": ("Later convicted", "Of those selected who became high harm, the share convicted for it."),
    "observed_against_predicted": (
        "Came, less what was said",
        "What came, less what the chances said. Above 0 the score is too low for the group, below 0 too high.",
    ),
    "fpr_against_predicted": (
        "Wrongly put high, less what was said",
        "The share wrongly selected, less the share that the chances imply.",
    ),
    "ppv_against_predicted": (
        "Right when put high, less what was said",
        "The share right when selected, less the share that the chances imply.",
    ),
    "charges_fell_away": ("Charges that fell away", "Of decided charges, the share that fell away."),
    "charges_police_found": (
        "Charges that officers find",
        "Of charges, the share of kinds that come to notice through officers' own activity.",
    ),
    "charges_unlinked": ("Charges without a crime", "Of charges, the share that names no recorded crime."),
}
SCOPES = {
    "not managed": "People not under management",
    "records": "How the records came about",
    "managed": "People under management: counted apart, not judged",
}
VERDICTS = {
    "met": "No ratio that could be judged is outside the limits set beforehand. That is not a proof of fairness: see what was too few to say, and what the audit cannot see.",
    "concern": "Something is over a limit set beforehand. It does not go out until two people have lifted that very finding, for a time and with their reasons.",
    "stop": "Something is far over a limit set beforehand, even at the near end of its range. It holds the release, and no signature lifts it.",
}
SILENT = "There were too few people or offences to judge any ratio."
RECORDS_ALONE = "All that was judged is how the records came about: of the score itself there was too little to judge any group."
COLUMNS = {
    "fifth": "Deprivation fifth (1 is the most deprived)",
    "expected": "Forecast",
    "recorded": "Recorded",
    "cells": "Places",
    "per_1000": "Forecast for each 1,000 residents",
    "flagged_cells": "Places pointed at, each four weeks",
    "flagged_share": "Residents of places pointed at",
    "empty_flagged": "Places pointed at with nothing recorded",
    "recorded_in_flagged": "Recorded in places pointed at",
    "part": "Part",
    "cell_windows": "Places times four weeks",
    "ratio": "Recorded over forecast",
    "in_top": "Recorded in the places pointed at",
    "hit_rate": "Share of crime in the places pointed at",
    "no_place_share": "Without a place",
    "weapon_unknown_share": "Weapon not known",
    "injury_unknown_share": "Injury not known",
    "cancelled_share": "Cancelled",
    "recorded_after_days": "Days until recorded, median",
    "extra_share": "Extra records after extra patrol",
    "windows": "Windows",
    "records": "Records",
}
OF_RECORDS = ("charges_fell_away", "charges_police_found", "charges_unlinked", "hits_upheld")
UNSHOWN = frozenset(
    [
        "flagged_residents",
        "cells",
        "half_width",
        "judged_low",
        "judged_high",
        "hidden",
        "small",
        "ratio_low",
        "ratio_high",
        "extra_low",
        "extra_high",
        "alarm",
        "z",
        "verdict",
        "reason",
    ]
)


@dataclass(frozen=True)
class GroupMeasure:
    """One measure for the groups of one attribute; `judged`: whether a rule speaks of it."""

    title: str
    says: str
    rows: tuple[PeopleRow, ...]
    judged: bool

    @property
    def shown(self) -> list[PeopleRow]:
        """The groups with enough people for a share."""
        return [row for row in self.rows if row["value"] is not None]

    @property
    def unshown(self) -> str:
        """The groups that are too few for a share, with their counts."""
        few = [row for row in self.rows if row["value"] is None]
        return ", ".join(row["group"] + (f" ({row['numerator']:,.0f} of {row['denominator']:,.0f})" if row["denominator"] is not None else "") for row in few)


class AttributeLine(TypedDict):
    """One attribute of the overview: for each judged measure how many groups got which verdict."""

    name: str
    cells: list[list[tuple[str, int]]]


class TableRow(TypedDict):
    """A row in words by column, and as it was measured."""

    cells: dict[str, str]
    row: RatioRow


class PrintedTable(TypedDict):
    """A further table: its columns with their words and whether they are numbers, its rows, how many more there are, or why none."""

    title: str
    columns: list[tuple[str, str, bool]]
    rows: list[TableRow]
    more: int
    pictured: bool
    verdicts: bool
    reason: str | None


def title_of(attribute: str) -> str:
    """An attribute, or several crossed, in words."""
    names = {
        "age_band": "age",
        "ethnicity_self": "ethnicity (self-defined)",
        "ethnicity_officer": "ethnicity (officer-defined)",
    }
    text = " and ".join(names.get(part, part.replace("_", " ")) for part in attribute.split(" + "))
    return text[:1].upper() + text[1:]


class Reading:
    """An audit's document with what a page needs of it."""

    def __init__(self, document: AuditDocument) -> None:
        self.document = document
        sections = document.get("tables", [])
        self._measured = audits.people_rows(document)
        self.is_people = bool(self._measured)
        self.attributes = list(dict.fromkeys(r["attribute"] for r in self._measured if r.get("attribute")))
        self.plain = [s for s in sections[1 if self.is_people else 0 :] if s["title"] != audits.PROXIES]
        self._proxies = audits.proxy_rows(document)
        self._limits = document.get("thresholds", [])

    @property
    def verdict_says(self) -> str:
        if self.document["verdict"] == "concern" and not self.document["judged"] and not self.document["findings"]:
            return f"{SILENT} Silence is no evidence, so it counts as a concern."
        if not self.document["judged"]:
            return SILENT
        of_people = [r for r in self._measured if r["scope"] != "records" and r.get("verdict") in ("met", "concern", "stop")]
        silent = f" {RECORDS_ALONE}" if self.is_people and not of_people else ""
        return VERDICTS[self.document["verdict"]] + silent

    def overview(self) -> list[AttributeLine]:
        """For each attribute and each judged measure how many groups were met, a concern, a stop or too few."""
        counted = Counter(
            (r["attribute"], r["measure"], r["verdict"]) for r in self._measured if r.get("verdict") in JUDGED
        )
        measures = self.judged_measures()
        return [
            {
                "name": title_of(attribute),
                "cells": [
                    [(verdict, counted[attribute, m, verdict]) for verdict in JUDGED if counted[attribute, m, verdict]]
                    for m in measures
                ],
            }
            for attribute in self.attributes
        ]

    def judged_measures(self) -> list[str]:
        spoken = {r["measure"] for r in self._measured if r.get("verdict") in JUDGED}
        return [m for m in MEASURES if m in spoken]

    def parts(self, attribute: str) -> list[tuple[str, list[GroupMeasure]]]:
        """The measures of one attribute by scope; a measure that no group can be shown for is left out."""
        found = []
        for scope, title in SCOPES.items():
            parts = [self._part(scope, attribute, measure) for measure in MEASURES]
            shown = [p for p in parts if p is not None]
            if shown:
                found.append((title, shown))
        return found

    def _part(self, scope: str, attribute: str, measure: str) -> GroupMeasure | None:
        rows = [r for r in self._measured if (r["scope"], r["attribute"], r["measure"]) == (scope, attribute, measure)]
        if not any(r["value"] is not None for r in rows):
            return None
        return GroupMeasure(*MEASURES[measure], tuple(rows), any(r["verdict"] in JUDGED for r in rows))

    def proxies(self, attribute: str, most: int = 12) -> list[ProxyRow]:
        """Everything together first, then the features that tell the attribute's groups apart best."""
        own = [r for r in self._proxies if r["attribute"] == attribute and r["auc"] is not None]
        return sorted(own, key=lambda r: (r["kind"] != "together", -abs((r["auc"] or 0.5) - 0.5)))[:most]

    def strength(self, row: ProxyRow) -> Markup:
        """A proxy's AUC as a picture: .5 in the middle, the bars of a concern and of refusal dashed."""
        auc, auc_low, auc_high = row["auc"], row["auc_low"], row["auc_high"]
        if auc is None or auc_low is None or auc_high is None:
            return Markup("")
        bars = [audits.limit_of(self._limits, *usual) for usual in (("proxy_concern_auc", 0.65), ("proxy_refuse_auc", 0.75))]
        low, middle, high = (max(value, 1 - value) for value in (auc_low, auc, auc_high))
        ends = [0.5 if auc_low < 0.5 < auc_high else min(low, high), max(low, high)]
        return picture(ends[0], middle, ends[1], 0.45, 0.85, 0.5, bars)

    def ratio(self, row: RatioRow) -> Markup:
        """A ratio as a picture: 1 the thin line, the bars dashed; nothing where it has no range or is the reference against itself."""
        ratio, low, high = row.get("ratio"), row.get("ratio_low"), row.get("ratio_high")
        if ratio is None or low is None or high is None or (row.get("is_reference") and row["against"] == "reference"):
            return Markup("")
        measure = str(row.get("measure") or "")
        name = "records_ratio_concern" if measure in OF_RECORDS else "ratio_concern" if measure else "places_ratio_concern"
        bar = audits.limit_of(self._limits, name, 0.8)
        return picture(
            max(low, 0.4), ratio, min(high, 2.0), 0.4, 2.0, 1.0, [bar, 1 / bar]
        )

    def tables(self) -> list[PrintedTable]:
        """Every other table with its columns in words and its values as read."""
        return [self._table(s) for s in self.plain if s["rows"]]

    def _table(self, section: AuditSection) -> PrintedTable:
        rows = audits.rows(section)
        columns = [c for c in section["columns"] if c not in UNSHOWN and any(r[c] is not None for r in rows)]
        pictured = "ratio_low" in section["columns"]
        said = next((str(r["reason"]) for r in rows if r.get("reason")), None) if len(rows) == 1 else None
        return {
            "title": section["title"],
            "columns": [
                (c, COLUMNS.get(c) or c.replace("_", " ").capitalize(), isinstance(rows[0][c], (int, float)))
                for c in columns
            ],
            "rows": [] if said else [{"cells": {c: shown(c, r[c]) for c in columns}, "row": cast(RatioRow, r)} for r in rows[:60]],
            "more": max(0, len(rows) - 60),
            "pictured": pictured,
            "verdicts": any(r.get("verdict") in JUDGED for r in rows),
            "reason": said,
        }

    def thresholds(self) -> list[tuple[str, str]]:
        """Each sentence with its value in its unit."""
        return [(t["says"], amount(t["value"], t["unit"])) for t in self._limits]


def shown(column: str, value: Any) -> str:
    """A value of a table as read: shares as percentages, counts whole."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if column.endswith("_share") or column in ("hit_rate", "empty_flagged"):
        return "0%" if value == 0 else "under 0.1%" if abs(value) < 0.0005 else f"{100 * value:.1f}%"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:.3f}" if abs(value) < 0.1 and value else f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"


def amount(value: Any, unit: str) -> str:
    """A threshold's value as read in its unit."""
    if isinstance(value, (list, tuple)):
        return ", ".join(title_of(v) if unit == "attributes" else str(v) for v in value)
    if unit == "share":
        return f"{100 * value:g} in 100"
    return f"{value:g}" + (f" {unit}" if unit not in ("ratio", "AUC") else "")


def picture(
    low: float, middle: float, high: float, first: float, last: float, zero: float, bars: Sequence[float]
) -> Markup:
    """A range as a line with a dot on it, a line at `zero`, dashed lines at the bars. The figures stand beside it in words."""
    width, height = 180, 22

    def x(value: float) -> float:
        return round(6 + (width - 12) * (min(max(value, first), last) - first) / (last - first), 1)

    lines = [
        f'<line class="app-gap__bar" x1="{x(b)}" x2="{x(b)}" y1="1" y2="{height - 1}"/>'
        for b in bars
        if first < b < last
    ]
    body = [
        f'<line class="app-gap__zero" x1="{x(zero)}" x2="{x(zero)}" y1="0" y2="{height}"/>',
        *lines,
        f'<line class="app-gap__range" x1="{x(low)}" x2="{x(high)}" y1="11" y2="11"/>',
        f'<circle class="app-gap__dot" cx="{x(middle)}" cy="11" r="4"/>',
    ]
    return Markup(  # noqa: S704
        f'<svg class="app-gap" viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">{"".join(body)}</svg>'
    )


def body(document: AuditDocument, attribute: str | None = None, lifted: str = "") -> Markup:
    """The audit as HTML: of one attribute, or of every single one, nothing folded, where none is chosen.

    Args:
        lifted: what is said about findings that were lifted, below the verdict.
    """
    reading = Reading(document)
    singles = [a for a in reading.attributes if " + " not in a]
    chosen = [attribute] if attribute else singles
    template = _environment().get_template("impact.html.jinja")
    return Markup(  # noqa: S704
        template.render(
            reading=reading,
            d=document,
            chosen=chosen,
            lifted=lifted,
            folded=attribute is not None,
            title_of=title_of,
            measures=MEASURES,
        )
    )


def file(document: AuditDocument, tool: str, week: str, origin: date) -> bytes:
    """The audit as a dated file that stands alone and prints; the same bytes from the same document."""
    template = _environment().get_template("impact_file.html.jinja")
    return template.render(body=body(document), tool=tool, week=week, origin=f"{origin.day} {origin:%B %Y}").encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("harmcast.publish", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        count=lambda n: f"{round(n):,}",
        share=lambda v: f"{100 * v:.1f}%",
        slug=lambda v: escape(str(v).replace(" ", "-")),
    )
    return env
