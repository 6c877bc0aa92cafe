"""The audit: who bears it? Tables in, a verdict with its evidence out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import cast

import polars as pl

from harmcast.documents.audit import PROXIES, SAID, SAID_IN_REHEARSAL, PeopleRow
from harmcast.documents.closed_tables import LEAST_UNDER_A_RATE, ZERO_MEANS
from harmcast.fairness import exposure, feedback, measures, printed, proxies, ratios, records
from harmcast.fairness.groups import Groups
from harmcast.fairness.intervals import z_of
from harmcast.fairness.rounding import Drawn
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, AuditFinding, AuditRule, Verdict, judge, worst

PEOPLE_CANNOT_SEE = (
    "Conduct that was never recorded. If a group is charged more for the same conduct, in every kind of offence alike, "
    "and its charges hold up in court as often as anyone's, the records look as if its conduct differed.",
    "Whether a gap in selection between ethnic groups comes from conduct, policing or circumstances: it is judged as a "
    "concern for a person to explain, never explained away by the score itself.",
    "What became of people because they were managed: they are counted apart and not judged.",
    "Protected characteristics that the records do not hold: disability, religion, sexual orientation and others.",
)


def people_rules(thresholds: Thresholds) -> tuple[AuditRule, ...]:
    """What is judged about the person tool; everything else is printed."""
    t, alike = thresholds, thresholds.like_for_like
    return (
        AuditRule("fpr", alike, t.ratio_concern, t.ratio_stop),
        AuditRule("fnr", alike, t.ratio_concern, t.ratio_stop),
        AuditRule("selection", alike, t.ratio_concern, None),
        AuditRule("charges_fell_away", alike, t.records_ratio_concern, None, "higher"),
        AuditRule("charges_police_found", alike, t.records_ratio_concern, None, "higher"),
        AuditRule("hits_upheld", alike, t.records_ratio_concern, None, "lower"),
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
    given: pl.DataFrame | None = None,
    rehearsal: bool = False,
    seed: int = 0,
    drawn: Drawn | None = None,
) -> Audit:
    """The audit of the person tool: what was said against what came, and who is selected at one origin.

    Args:
        scored: the key of `groups`, `selected` (flag: at or above the operating point), `chance` (share; null: none
            was given).
        features: the key and the model's features, for the proxy tests; None leaves them out.
        outcomes: the key, `became` (flag; null: not known yet) and, if held, `upheld` (flag: convicted later).
        managed: the key of people under management at the origin: counted apart and not judged. None: nobody.
        charges: the key, `offence_code`, `outcome`, `crime_ref`, as known: how the records came about.
        given: the key, chance, became of every release judged, a row a person and release; None: those of `scored`.
        rehearsal: whether the chances are of a fit of a year ago, because no released chance is a year old yet.
        seed: of the proxy tests' folds.
        drawn: as in `rounding.controlled`: what is found is judged on exact counts and printed with rounded ones. None: the audit's
            counts are exact, to measure the audit itself, and it has no document.
    Returns: an Audit. Two separate lines of evidence against one group (it is selected more, or wrongly selected more,
        and its charges hold up less or are found by officers more) are a stop together.
    """
    key = groups.key
    upheld = ["upheld"] if "upheld" in outcomes.columns else []
    people = scored.select(key, "selected", "chance").join(
        outcomes.select(key, "became", *upheld), on=key, how="left"
    )
    counts = pl.concat([measures.group_counts(part, groups, scope) for scope, part in _scopes(people, managed, key)])
    parts = [measures.group_measures(counts, groups)]
    if charges is not None:
        parts.append(records.record_measures(charges, groups, thresholds))
    table = judge(pl.concat(parts, how="diagonal_relaxed"), people_rules(thresholds), thresholds)
    shown = table if drawn is None else printed.measured(table, counts, groups, drawn, thresholds.family_error)
    apart = people if managed is None else people.join(managed.select(key).unique(), on=key, how="anti")
    rows = ratios.rows_of(apart.select(key, "chance", "became") if given is None else given, groups.labels, key)
    said = ratios.judged(rows, rehearsal)
    said_shown = said if drawn is None else printed.said(rows, said, drawn)
    findings = [*_of_ratios(said, said_shown), *_findings(table, shown, people_rules(thresholds)), *_two_lines(table)]
    extra: dict[str, pl.DataFrame] = {SAID_IN_REHEARSAL if rehearsal else SAID: said_shown}
    verdicts = [*table["verdict"].to_list(), *said["verdict"].to_list(), *(f.verdict for f in findings)]
    if features is not None:
        tested = proxies.proxy_tests(features, groups, seed, thresholds)
        extra[PROXIES] = tested if drawn is None else printed.proxies(tested, features, groups, drawn)
        findings += proxies.findings(extra[PROXIES], thresholds)
        verdicts += [f.verdict for f in findings]
    return Audit(
        kind="people",
        verdict=worst(verdicts),
        findings=tuple(sorted(findings, key=lambda f: (f.verdict != "stop", f.name))),
        table=shown,
        thresholds=thresholds,
        judged=int(table["verdict"].is_in(["met", "concern", "stop"]).sum()) + int(said["verdict"].is_in(["met", "concern", "stop"]).sum()),
        too_few=int((table["verdict"] == "too few to say").sum()) + int((said["verdict"] == "cannot say").sum()),
        cannot_see=PEOPLE_CANNOT_SEE,
        extra=extra,
        notes=(ROUNDED, *((REHEARSAL,) if rehearsal else ())),
        is_printable=drawn is not None,
    )


ROUNDED = f"{ZERO_MEANS} A share is worked out from rounded counts, and only for groups of {LEAST_UNDER_A_RATE} people or more. Whether it is over a limit is judged on exact counts."
REHEARSAL = (
    "Rehearsal: no released chance is a year old yet. The chances judged here were worked out afterwards, by a model fitted to what was "
    "known a year before. Nobody acted on them, and nothing here counts as met."
)


def _of_ratios(said: pl.DataFrame, shown: pl.DataFrame) -> list[AuditFinding]:
    """A finding for each ratio that is a concern or a stop, as shown; the direction is part of its name."""
    return [
        AuditFinding(
            "/".join(("said_and_came", row["attribute"], row["group"], "more" if ratio > 1 else "fewer")),
            cast(Verdict, row["verdict"]),
            _ratio_sentence(as_shown),
            as_shown["ratio"],
            ratios.HIGH if ratio > 1 else ratios.LOW,
            None if ratio <= 0 else round(abs(math.log(ratio) / math.log(ratios.LOW)), 1),
        )
        for row, as_shown in _found(said, shown)
        for ratio in (row["ratio"] or 0.0,)
    ]


def _found(exact: pl.DataFrame, shown: pl.DataFrame) -> Iterator[tuple[PeopleRow, PeopleRow]]:
    """Each row that is a concern or a stop, exact and as shown."""
    for row, as_shown in zip(exact.iter_rows(named=True), shown.iter_rows(named=True), strict=True):
        if row["verdict"] in ("concern", "stop"):
            yield cast(PeopleRow, row), cast(PeopleRow, as_shown)


def _ratio_sentence(row: PeopleRow) -> str:
    head = "Everyone" if row["attribute"] == ratios.EVERYONE else f"{_words(row['attribute'])}, {row['group']}"
    if row["ratio"] is None:
        return f"{head}: what came is far from what was said; the counts are too small to print."
    return (
        f"{head}: {row['became']:,} became high harm where the chances said {row['said']:,.1f}: a ratio of {row['ratio']:.2f} "
        f"(95% {row['ratio_low']:.2f} to {row['ratio_high']:.2f})."
    )


def _scopes(people: pl.DataFrame, managed: pl.DataFrame | None, key: str) -> list[tuple[str, pl.DataFrame]]:
    if managed is None or managed.is_empty():
        return [("not managed", people)]
    under = managed.select(key).unique()
    return [
        ("not managed", people.join(under, on=key, how="anti")),
        ("managed", people.join(under, on=key, how="semi")),
    ]


def _findings(table: pl.DataFrame, shown: pl.DataFrame, rules: Sequence[AuditRule]) -> list[AuditFinding]:
    return [_finding(row, as_shown, rules) for row, as_shown in _found(table, shown)]


def _finding(row: PeopleRow, shown: PeopleRow, rules: Sequence[AuditRule]) -> AuditFinding:
    """A row's finding as shown, with how far it is over the bar that it is furthest over."""
    over = max((found for rule in rules if (found := rule.over(row))), key=lambda found: found[2], default=None)
    name = "/".join((row["measure"], row["attribute"], row["group"], "lower" if (row["gap"] or 0.0) < 0 else "higher"))
    if over is None:
        return AuditFinding(name, cast(Verdict, row["verdict"]), _sentence(shown))
    _, limit, severity = over
    return AuditFinding(name, cast(Verdict, row["verdict"]), _sentence(shown), shown["ratio"], limit, round(severity, 1))


def _two_lines(table: pl.DataFrame) -> list[AuditFinding]:
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
        AuditFinding(
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


def _sentence(row: PeopleRow) -> str:
    what, against = _SAYS.get(row["measure"], (row["measure"], row["against"]))
    head = f"{_words(row['attribute'])}, {row['group']}: "
    if row["value"] is None or row["gap"] is None or row["ratio"] is None:
        return head + f"how many {what} differs, against {against}; the counts are too small to print."
    share, other = 100 * row["value"], 100 * (row["value"] - row["gap"])
    return head + (
        f"{share:.1f} in 100 {what}, against {other:.1f} for {against}: a ratio of {row['ratio']:.2f} "
        f"(95% {row['ratio_low']:.2f} to {row['ratio_high']:.2f}; n {row['denominator']:,.0f})."
    )


def _words(attribute: str) -> str:
    return attribute.replace("_", " ").capitalize()


PLACES_CANNOT_SEE = (
    "Crime that nobody reported, and who was stopped or searched because of the map.",
    "Patrols that always go to the same places: without a change there is nothing to compare.",
    "Whether a deprived area has more crime because of deprivation, policing or reporting: only whether the forecast "
    "holds there as well as elsewhere.",
)


def audit_places(
    forecast: pl.DataFrame,
    outcomes: pl.DataFrame,
    neighbourhoods: pl.DataFrame | None,
    activity: pl.DataFrame | None,
    thresholds: Thresholds,
    *,
    crimes: pl.DataFrame | None = None,
    recorded: pl.DataFrame | None = None,
    top: int = 20,
) -> Audit:
    """The audit of a places tool over the origins whose outcomes are known.

    Args:
        forecast: `origin, cell, expected`, one or more origins (non-overlapping for the feedback check).
        outcomes: `origin, cell, recorded`; a cell that is absent at an origin that is there had none.
        neighbourhoods: from `exposure.overlap`; None: the force gave no layer.
        activity: `cell, started_on, minutes` of patrols and visits; None: none is fed.
        crimes: `cell, happened_on` of the tool's crimes, for the feedback check.
        recorded: `tables.CRIMES`, for the exploration of recording by area; None leaves it out.
        top: cells flagged at each origin.
    Returns: an Audit. What cannot be looked at for want of input is noted, and is a concern only where nothing at all
        could be judged although the input is there.
    """
    findings: list[AuditFinding] = []
    extra: dict[str, pl.DataFrame] = {}
    notes: list[str] = []
    verdicts: list[str] = []
    table = pl.DataFrame(schema={"fifth": pl.String, "verdict": pl.String})
    if neighbourhoods is None:
        notes.append(
            "No neighbourhood layer is given: exposure by deprivation and residents cannot be shown."
        )
    elif outcomes.join(forecast, on="origin", how="semi").is_empty():
        notes.append("No outcome is known yet: exposure is shown once a window has closed.")
    else:
        table = exposure.by_fifth(forecast, outcomes, neighbourhoods, thresholds, top)
        findings += _fifths(table, thresholds)
        verdicts += table["verdict"].to_list()
    if activity is None or crimes is None:
        notes.append("No patrol activity is given: whether records follow patrols cannot be checked.")
    else:
        rows = feedback.panel(forecast, crimes, activity)
        found = feedback.check(rows, thresholds)
        extra["With and without patrolled cells"] = feedback.with_and_without(rows, top)
        extra["Do records follow patrols?"] = pl.DataFrame([asdict(found)], schema=_FEEDBACK)
        if found.z is None:
            notes.append(f"Whether records follow patrols: too few to say ({found.reason}).")
        else:
            verdicts.append("concern" if found.alarm else "met")
        if found.alarm:
            limit = z_of(2 * thresholds.feedback_error)
            z = found.z or limit
            findings.append(AuditFinding("feedback/records_follow_patrols", "concern", _follows(found), z, limit, round(z / limit, 1)))
    if recorded is not None:
        extra["Recording by area (explored, not judged)"] = exposure.recording_by_area(recorded)
    verdict = worst(verdicts) if any(v != "printed" for v in verdicts) else "met"
    if verdict == "met" and not any(v == "met" for v in verdicts):
        notes.append(
            "Nothing could be judged: met here means that nothing was found, not that something was shown."
        )
    return Audit(
        kind="places",
        verdict=verdict,
        findings=tuple(findings),
        table=table,
        thresholds=thresholds,
        judged=sum(v in ("met", "concern", "stop") for v in verdicts),
        too_few=sum(v == "too few to say" for v in verdicts),
        cannot_see=PLACES_CANNOT_SEE,
        extra=extra,
        notes=tuple(notes),
        is_printable=True,
    )


_FEEDBACK = {
    "z": pl.Float64, "extra_share": pl.Float64, "extra_low": pl.Float64, "extra_high": pl.Float64, "alarm": pl.Boolean,
    "records": pl.Int64, "windows": pl.Int64, "reason": pl.String,
}  # fmt: skip


def _fifths(table: pl.DataFrame, thresholds: Thresholds) -> list[AuditFinding]:
    found = table.filter(pl.col("verdict").is_in(["concern", "stop"]))
    bar = thresholds.places_ratio_concern
    return [
        AuditFinding(
            f"places/{row['fifth']}/{'lower' if row['ratio'] < 1 else 'higher'}",
            row["verdict"],
            f"Deprivation fifth {row['fifth']}: recorded over forecast is {row['ratio']:.2f} of the whole's "
            f"({row['ratio_low']:.2f} to {row['ratio_high']:.2f}).",
            row["ratio"],
            bar,
            round(abs(math.log(row["ratio"]) / math.log(bar)), 1) if row["ratio"] > 0 and bar < 1 else None,
        )
        for row in found.iter_rows(named=True)
    ]


def _follows(found: feedback.Feedback) -> str:
    low, high, share = (100 * (v or 0.0) for v in (found.extra_low, found.extra_high, found.extra_share))
    return (
        f"Records follow patrols: where patrols rose by one standard deviation, {share:+.0f} in 100 more was recorded "
        f"afterwards than history gives ({low:+.0f} to {high:+.0f}; {found.records} records in {found.windows} windows)."
    )
