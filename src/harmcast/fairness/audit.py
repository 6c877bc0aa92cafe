"""The audit: who bears it? Tables in, a verdict with its evidence out."""

from __future__ import annotations

from typing import Any

import polars as pl

from harmcast.fairness import measures, proxies, records
from harmcast.fairness.groups import Groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, Finding, Rule, judge, worst

PEOPLE_CANNOT_SEE = (
    "Conduct that was never recorded. If a group is charged more for the same conduct, in every kind of offence alike, "
    "and its charges hold up in court as often as anyone's, the records look as if its conduct differed.",
    "Whether a gap in selection between ethnic groups comes from conduct, policing or circumstances: it is judged as a "
    "concern for a person to explain, never explained away by the score itself.",
    "What became of people because they were managed: they are counted apart and not judged.",
    "Protected characteristics that the records do not hold: disability, religion, sexual orientation and others.",
)


def people_rules(thresholds: Thresholds) -> tuple[Rule, ...]:
    """What is judged about the person tool; everything else is printed."""
    t, alike = thresholds, thresholds.like_for_like
    half = t.gap_judged_half_width
    return (
        Rule("observed_against_predicted", (), "gap", t.gap_concern, t.gap_stop, half),
        Rule("observed_against_predicted", alike, "ratio", t.observed_ratio_concern, None, half),
        Rule("fpr_against_predicted", (), "gap", t.gap_concern, t.gap_stop, half),
        Rule("fpr", alike, "gap", t.gap_concern, t.gap_stop, half),
        Rule("fnr", alike, "gap", t.gap_concern, t.gap_stop, half),
        Rule("selection", alike, "ratio", t.selection_ratio_concern, None, half),
        Rule(
            "charges_fell_away", alike, "gap", t.records_concern, None, t.records_judged_half_width, "higher"
        ),
        Rule(
            "charges_police_found",
            alike,
            "gap",
            t.records_concern,
            None,
            t.records_judged_half_width,
            "higher",
        ),
        Rule("hits_upheld", alike, "gap", t.records_concern, None, t.records_judged_half_width, "lower"),
    )


def audit_people(
    scored: pl.DataFrame,
    features: pl.DataFrame | None,
    groups: Groups,
    outcomes: pl.DataFrame,
    managed: pl.DataFrame | None,
    thresholds: Thresholds,
    *,
    charges: pl.DataFrame | None = None,
    seed: int = 0,
) -> Audit:
    """The audit of the person tool at one origin.

    Args:
        scored: the key of `groups`, `selected` (flag: at or above the operating point), `chance` (share; null: none
            was given).
        features: the key and the model's features, for the proxy tests; None leaves them out.
        outcomes: the key, `became` (flag; null: not known yet) and, if held, `upheld` (flag: convicted later).
        managed: the key of people under management at the origin: counted apart and not judged. None: nobody.
        charges: the key, `offence_code`, `outcome`, `crime_ref`, as known: how the records came about.
        seed: of the proxy tests' folds.
    Returns: an Audit. Two separate lines of evidence against one group (it is selected more, or wrongly selected more,
        and its charges hold up less or are found by officers more) are a stop together.
    """
    key = groups.key
    upheld = ["upheld"] if "upheld" in outcomes.columns else []
    people = scored.select(key, "selected", "chance").join(
        outcomes.select(key, "became", *upheld), on=key, how="left"
    )
    parts = []
    for scope, part in _scopes(people, managed, key):
        counts = measures.group_counts(part, groups, scope)
        parts.append(measures.group_measures(counts, groups, thresholds.small_number))
    if charges is not None:
        parts.append(records.record_measures(charges, groups, thresholds))
    table = judge(pl.concat(parts, how="diagonal_relaxed"), people_rules(thresholds), thresholds)
    findings = _findings(table) + _two_lines(table)
    extra: dict[str, pl.DataFrame] = {}
    verdicts = [*table["verdict"].to_list(), *(f.verdict for f in findings)]
    if features is not None:
        extra["Proxies"] = proxies.proxy_tests(features, groups, seed, thresholds)
        findings += proxies.findings(extra["Proxies"])
        verdicts += [f.verdict for f in findings]
    return Audit(
        kind="people",
        verdict=worst(verdicts),
        findings=tuple(sorted(findings, key=lambda f: (f.verdict != "stop", f.name))),
        table=table,
        thresholds=thresholds,
        judged=int(table["verdict"].is_in(["met", "concern", "stop"]).sum()),
        too_few=int((table["verdict"] == "too few to say").sum()),
        cannot_see=PEOPLE_CANNOT_SEE,
        extra=extra,
    )


def _scopes(people: pl.DataFrame, managed: pl.DataFrame | None, key: str) -> list[tuple[str, pl.DataFrame]]:
    if managed is None or managed.is_empty():
        return [("not managed", people)]
    under = managed.select(key).unique()
    return [
        ("not managed", people.join(under, on=key, how="anti")),
        ("managed", people.join(under, on=key, how="semi")),
    ]


def _findings(table: pl.DataFrame) -> list[Finding]:
    found = table.filter(pl.col("verdict").is_in(["concern", "stop"]))
    return [
        Finding("/".join((row["measure"], row["attribute"], row["group"])), row["verdict"], _sentence(row))
        for row in found.iter_rows(named=True)
    ]


def _two_lines(table: pl.DataFrame) -> list[Finding]:
    """A stop for each group that is selected more while its records hold up less."""
    bad = table.filter(pl.col("verdict").is_in(["concern", "stop"]) & pl.col("gap").is_not_null())
    more = bad.filter(
        pl.col("measure").is_in(["selection", "fpr", "fpr_against_predicted"]) & (pl.col("gap") > 0)
    )
    weaker = bad.filter(pl.col("measure").is_in(["charges_fell_away", "charges_police_found", "hits_upheld"]))
    both = (
        more.select("attribute", "group")
        .unique()
        .join(weaker.select("attribute", "group").unique(), on=["attribute", "group"])
        .sort("attribute", "group")
    )
    return [
        Finding(
            f"two_lines/{attribute}/{group}",
            "stop",
            f"{_words(attribute)}, {group}: selected more than the reference group while its charges hold up less often "
            "or rest more on what officers found. Together they point to the records, not to conduct.",
        )
        for attribute, group in both.iter_rows()
    ]


_SAYS = {
    "observed_against_predicted": ("became high harm", "predicted"),
    "fpr_against_predicted": ("were selected though it did not come", "what their chances imply"),
    "fpr": ("were selected though it did not come", "the reference group"),
    "fnr": ("were not selected though it came", "the reference group"),
    "selection": ("were selected", "the reference group"),
    "charges_fell_away": ("of decided charges fell away", "everyone else's at the same mix"),
    "charges_police_found": ("of charges are of kinds that officers find", "everyone else's"),
    "hits_upheld": ("of those selected were later convicted", "the reference group"),
}


def _sentence(row: dict[str, Any]) -> str:
    what, against = _SAYS.get(row["measure"], (row["measure"], row["against"]))
    head = f"{_words(row['attribute'])}, {row['group']}: "
    if row["small"]:
        return head + f"a gap in how many {what}, against {against}; the counts are too small to print."
    share, other = 100 * row["value"], 100 * (row["value"] - row["gap"])
    return head + (
        f"{share:.1f} in 100 {what}, against {other:.1f} for {against}: a gap of {100 * row['gap']:+.1f} in 100 "
        f"(95% {100 * row['gap_low']:+.1f} to {100 * row['gap_high']:+.1f}; n {row['denominator']:,.0f})."
    )


def _words(attribute: str) -> str:
    return attribute.replace("_", " ").capitalize()
