"""The half of the exploratory analysis that looks at groups: what the model's variables tell, and how charges came about.

Pure: who opens protected columns for it has written that into the log. A finding here says what the records show, not why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import polars as pl

from harmcast.documents.closed_tables import LEAST_UNDER_A_RATE, ClosedRow, ClosedTable, rate, value_in
from harmcast.documents.exploration import HIGH, LOW, CensusLine, ExploredTable, GroupsExplored, Told
from harmcast.fairness import printed, records
from harmcast.fairness.groups import Groups
from harmcast.fairness.proxies import ALL, proxy_tests
from harmcast.fairness.rounding import Drawn
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import AuditRule, judge
from harmcast.tables import FALLEN_AWAY

WORDS = {"age_band": "age", "sex": "sex", "ethnicity_self": "ethnicity (self-defined)", "ethnicity_officer": "ethnicity (officer-defined)"}
MADE = {"charges_fell_away": "of decided charges fell away", "charges_police_found": "of charges are of kinds that officers find"}


def told(features: pl.DataFrame, groups: Groups, says: Mapping[str, str], seed: int, drawn: Drawn) -> tuple[Told, ...]:
    """How well each variable, and all of them together, tell each group from everyone else; furthest from a coin first.

    Args: `features`: the key of `groups` and the columns named in `says`; a row a person; `drawn`: as in `rounding.controlled`.
    """
    if features.is_empty() or not says:
        return ()
    tested = features.select(groups.key, *says)
    table = printed.proxies(proxy_tests(tested, groups, seed), tested, groups, drawn).filter(pl.col("kind").is_in(["value", "together"]))
    found = [
        Told(
            row["feature"],
            says.get(row["feature"], "All of the model's variables together."),
            row["attribute"],
            row["group"],
            _three(row["auc"]),
            _three(row["auc_low"]),
            _three(row["auc_high"]),
            row["n"],
            row["n_group"],
            row["reason"] or "",
        )
        for row in table.iter_rows(named=True)
    ]
    return tuple(sorted(found, key=lambda one: (-abs((one.auc or 0.5) - 0.5), one.attribute, one.group, one.variable)))


def _three(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def charge_rows(charges: pl.DataFrame, groups: Groups, thresholds: Thresholds) -> dict[str, list[ClosedRow]]:
    """Exact rows of the two closed tables about charges: how many fell away of those decided, how many are of kinds that officers find."""
    found = list(thresholds.police_found_classes)
    facts = charges.select(
        groups.key,
        fell=pl.col("outcome").is_in(list(FALLEN_AWAY)),
        decided=pl.col("outcome") != "charged",
        police=pl.col("offence_code").str.split("/").list.first().is_in(found) | pl.col("offence_code").is_in(found),
    ).join(groups.labels.select(groups.key, *groups.single), on=groups.key, how="inner")
    views = {
        "charges_fell_away": (facts.filter("decided"), pl.col("fell"), "fell_away", "held_up"),
        "charges_police_found": (facts, pl.col("police"), "police_found", "others"),
    }
    tables: dict[str, list[ClosedRow]] = {}
    for name, (view, hit, yes, no) in views.items():
        if view.is_empty():
            continue
        counted = [hit.sum().cast(pl.Int64).alias(yes), (~hit).sum().cast(pl.Int64).alias(no)]
        rows = [{"attribute": "everyone", "group": "all", **view.select(counted).row(0, named=True)}]
        for attribute in groups.single:
            part = view.group_by(group=pl.col(attribute)).agg(counted).sort("group")
            rows += [{"attribute": attribute, **row} for row in part.iter_rows(named=True)]
        tables[name] = cast(list[ClosedRow], rows)
    return tables


def charge_gaps(charges: pl.DataFrame, groups: Groups, thresholds: Thresholds) -> ExploredTable:
    """How much more or less often a group's charges fell away, or are of kinds that officers find, than others' at the same mix."""
    t = thresholds
    rules = [AuditRule(name, (), t.records_ratio_concern, None, "higher") for name in MADE]
    measured = records.record_measures(charges, groups, t)
    table = judge(measured, rules, t).filter(pl.col("measure").is_in(list(MADE))) if measured.height else None  # no group has anybody beside it
    rows = tuple(
        (row["measure"], row["attribute"], row["group"], *(None if row[c] is None else round(100 * row[c], 1) for c in ("gap", "gap_low", "gap_high")), row["verdict"])
        for row in (table.sort("measure", "attribute", "group").iter_rows(named=True) if table is not None else ())
        if row["denominator"] >= LEAST_UNDER_A_RATE
    )
    return ExploredTable(
        "charge_gaps",
        "How charges came about, by group",
        "Each group against everyone else at the same mix of offences: how many more in 100, with 95% interval. More charges that fall away, or that officers "
        "find, point to how records came about, not to conduct.",
        {"measure": "Measure", "attribute": "Attribute", "group": "Group", "gap": "Gap, in 100", "low": "From", "high": "To", "verdict": "By the audit's bars"},
        rows,
    )


def composition(tracked: ClosedTable, neutral: Sequence[CensusLine]) -> ExploredTable:
    """Who is scored, by group, beside the residents of a census; shares of rounded counts, per 1,000 residents."""
    beside = {(row["attribute"], row["group"]): row for row in neutral}
    total = {row["attribute"]: 0 for row in tracked.rows}
    residents_of = dict.fromkeys(total, 0)
    for row in tracked.rows:
        total[row["attribute"]] += row["people"]
        residents_of[row["attribute"]] += beside[key]["residents"] if (key := (row["attribute"], row["group"])) in beside else 0
    rows = []
    for row in tracked.rows:
        if row["attribute"] == "everyone":
            continue
        attribute, group, people = row["attribute"], row["group"], row["people"]
        other = beside.get((attribute, group))
        residents = other["residents"] if other else None
        own, their = rate(people, total[attribute]), (100 * residents / residents_of[attribute]) if residents and residents_of[attribute] else None
        per_1000 = round(1000 * people / residents, 1) if residents and residents >= LEAST_UNDER_A_RATE else None
        rows.append((
            attribute, group, people, None if own is None else round(100 * own.value, 1), residents, None if their is None else round(their, 1), per_1000,
            other["source"] if other else None, other["year"] if other else None,
        ))  # fmt: skip
    named = "beside the residents of the census named" if neutral else "The settings name no census table ([force] neutral), so nothing stands beside them"
    return ExploredTable(
        "composition",
        "Who is scored, by age, sex and ethnicity",
        f"Everyone scored, as closed on {tracked.as_at.isoformat()}; {named}." if neutral else f"Everyone scored, as closed on {tracked.as_at.isoformat()}. {named}.",
        {
            "attribute": "Attribute", "group": "Group", "people": "People scored", "people_share": "Share of them, %", "residents": "Residents",
            "residents_share": "Share of residents, %", "per_1000": "Scored per 1,000 residents", "source": "Census", "year": "Year",
        },
        tuple(rows),
    )  # fmt: skip


def charges_by_group(table: ClosedTable, title: str, says: str) -> ExploredTable:
    """A closed table about charges with its rate, from rounded counts."""
    yes, no = table.counts
    rows = []
    for row in table.rows:
        hit, other = int(value_in(row, yes)), int(value_in(row, no))
        found = rate(hit, hit + other)
        shares = (None, None, None) if found is None else tuple(round(100 * v, 1) for v in (found.value, found.low, found.high))
        rows.append((row["attribute"], row["group"], hit, other, *shares))
    columns = {"attribute": "Attribute", "group": "Group", yes: yes.replace("_", " ").capitalize(), no: no.replace("_", " ").capitalize(), "share": "Share, %", "low": "From", "high": "To"}
    return ExploredTable(table.name, title, f"{says} As closed on {table.as_at.isoformat()}.", columns, tuple(rows))


def per_residents(cells: pl.DataFrame, neighbourhoods: pl.DataFrame, windows_a_year: float) -> tuple[tuple[object, ...], ...]:
    """Crimes recorded in 52 weeks and forecast for a year, per 1,000 residents, by deprivation fifth of where they live.

    Args: `cells`: cell, recorded, expected (one window); `neighbourhoods`: from `exposure.overlap`.
    Returns: fifth, residents, recorded, forecast a year, and both per 1,000 residents (null where nobody lives).
    """
    split = cells.join(neighbourhoods, on="cell", how="inner")
    table = split.group_by("fifth").agg(
        pl.col("residents").sum(),
        (pl.col("recorded") * pl.col("share")).sum().alias("recorded"),
        (pl.col("expected") * pl.col("share")).sum().alias("expected") * windows_a_year,
    )
    return tuple(
        (fifth, round(residents), round(recorded, 1), round(expected, 1), *((round(1000 * n / residents, 2) if residents >= 1 else None) for n in (recorded, expected)))
        for fifth, residents, recorded, expected in table.sort("fifth").iter_rows()
    )


def findings(groups: GroupsExplored, noted: Iterable[str]) -> tuple[str, ...]:
    """What stands out about groups: gaps in how charges came about that are over the audit's bars, and variables that tell a group.

    Args: `noted`: attributes whose proxies are printed and not judged (age: every count of past events grows with it).
    """
    said = []
    table = next((one for one in groups.tables if one.key == "charge_gaps"), None)
    for measure, attribute, group, gap, low, high, verdict in table.rows if table else ():
        if verdict in ("concern", "stop"):
            said.append(f"{WORDS[attribute].capitalize()}, {group}: {gap:+.1f} in 100 more {MADE[measure]} than others' at the same mix of offences (95% {low:+.1f} to {high:+.1f}).")
    for one in groups.told:
        if one.attribute in set(noted) or one.auc_low is None or one.auc_high is None:
            continue
        if one.auc_low > HIGH or one.auc_high < LOW:
            said.append(
                f"{_variable(one)} {'tell' if one.variable == ALL else 'tells'} {one.group} ({WORDS[one.attribute]}) from everyone else: AUC {one.auc:.3f} ({one.auc_low:.3f} to {one.auc_high:.3f}), "
                f"{one.n_group:,} of {one.n:,} people."
            )
    return tuple(said)


def correlated(groups: GroupsExplored) -> str:
    """Whether any variable is correlated with a group, in a sentence: none only where every interval lies in 0.45 to 0.55."""
    if not groups.told:
        return "No model had been released, so no variable was held against a group."
    if groups.none_correlated:
        return f"None correlated: every interval of every variable and group lies between {LOW} and {HIGH}."
    one = groups.strongest
    if one is None or one.auc is None:
        return "Every group is too small to say how far a variable tells it from everyone else."
    return (
        f"Correlation was measured. Largest: {_variable(one)} and {one.group} ({WORDS[one.attribute]}), AUC {one.auc:.3f} "
        f"({one.auc_low:.3f} to {one.auc_high:.3f}; n {one.n_group:,} of {one.n:,}); 0.5 is a coin."
    )


def _variable(one: Told) -> str:
    return "All variables together" if one.variable == ALL else one.variable
