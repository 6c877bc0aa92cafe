"""What an audit prints: counts rounded whole, rates of rounded counts, verdicts of exact ones; nothing small is told."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from bench import closings
from charging import force

from harmcast.fairness import measures, printed
from harmcast.fairness.audit import audit_people
from harmcast.fairness.rounding import controlled
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit

CONFUSION = ("n", "selected", "became", "did_not", "tp", "fp", "fn", "tn")
PARTS = (("n", ("became", "did_not")), ("became", ("tp", "fn")), ("did_not", ("fp", "tn")), ("selected", ("tp", "fp")))
COUNTED = ("n", "known", "base", "tp", "fp", "fn", "tn", "numerator", "denominator")


def drawn(key: tuple[str, ...]) -> float:
    return random.Random(repr(key)).random()


def both(seed: int = 7, people: int = 3000, **how: Any) -> tuple[Audit, Audit]:
    """The audit of exact counts, and as it is printed."""
    groups, scored, outcomes, charges = force(seed, people=people, **how)
    managed = scored.sort("person_ref")[::9].select("person_ref")
    features = scored.select("person_ref", leak=pl.col("selected").cast(pl.Int64))
    asked = {"charges": charges}
    return tuple(audit_people(scored, features, groups, outcomes, managed, Thresholds(), **asked, drawn=of) for of in (None, drawn))  # type: ignore[return-value]


def counts(seed: int, people: int) -> pl.DataFrame:
    groups, scored, outcomes, _ = force(seed, people=people)
    return measures.group_counts(scored.join(outcomes, on="person_ref"), groups)


def test_counts_before_rounding_are_those_of_a_plain_loop() -> None:
    groups, scored, outcomes, _ = force(7, people=900)
    exact, _ = both(7, 900)
    labels = {row["person_ref"]: row for row in groups.labels.iter_rows(named=True)}
    apart = set(scored.sort("person_ref")[::9]["person_ref"])
    came = dict(outcomes.select("person_ref", "became").iter_rows())
    theirs: dict[tuple[str, str, str], list[int]] = {}
    for row in scored.iter_rows(named=True):
        who = row["person_ref"]
        for attribute in groups.attributes:
            cell = theirs.setdefault(("managed" if who in apart else "not managed", attribute, labels[who][attribute]), [0, 0, 0, 0])
            cell[2 * (not row["selected"]) + (row["selected"] != came[who])] += 1
    ours = exact.table.filter(pl.col("measure") == "selection").select("scope", "attribute", "group", "tp", "fp", "fn", "tn")
    assert {(s, a, g): [tp, fp, fn, tn] for s, a, g, tp, fp, fn, tn in ours.iter_rows()} == {k: [v[0], v[1], v[3], v[2]] for k, v in theirs.items()}


def test_every_count_is_a_multiple_of_five_less_than_five_away_and_verdicts_are_those_of_exact_counts() -> None:
    exact, shown = both(over_policing=0.6)
    assert shown.table.select(*printed.KEY, "verdict").equals(exact.table.select(*printed.KEY, "verdict"))
    assert [(f.name, f.verdict, f.severity) for f in shown.findings] == [(f.name, f.verdict, f.severity) for f in exact.findings]
    assert shown.verdict == exact.verdict == "stop"
    assert (exact.table["n"].drop_nulls() % 5).sum() > 0
    for name in COUNTED:
        assert (shown.table[name].drop_nulls() % 5).sum() == 0, name
        assert (shown.table[name] - exact.table[name]).abs().max() < 5, name  # type: ignore[operator]
    said, proxies = shown.extra["Said and came"], shown.extra["Proxies"]
    assert all((frame[name] % 5).sum() == 0 for frame, names in ((said, ("people", "became")), (proxies, ("n", "n_group"))) for name in names)
    assert said.select("group", "verdict").equals(exact.extra["Said and came"].select("group", "verdict"))


def test_every_sum_holds() -> None:
    _, shown = both()
    rows = shown.table.filter(measure="selection")
    assert (rows["tp"] + rows["fp"] + rows["fn"] + rows["tn"]).equals(rows["known"])
    assert (rows["tp"] + rows["fn"]).equals(rows["base"])
    for scope in ("managed", "not managed"):
        totals = {tuple(rows.filter(pl.col("attribute") == name, scope=scope).select("n", "tp", "fp", "fn", "tn").sum().row(0)) for name in ("sex", "age_band", "ethnicity_self")}
        assert len(totals) == 1
    said = shown.extra["Said and came"]
    for name in ("sex", "age_band", "ethnicity_self"):
        assert said.filter(attribute=name)["became"].sum() == said.filter(attribute="everyone")["became"].item()


def test_a_rate_is_of_printed_counts_and_of_fifty_or_more() -> None:
    _, shown = both()
    told, untold = shown.table.filter(pl.col("value").is_not_null()), shown.table.filter(pl.col("value").is_null())
    assert told["denominator"].min() >= 50  # type: ignore[operator]
    assert (told["numerator"] / told["denominator"] - told["value"]).abs().max() < 1e-12  # type: ignore[operator]
    assert untold.height > 0
    assert untold["denominator"].max() < 50  # type: ignore[operator]
    assert untold.select("gap", "gap_low", "ratio", "low").null_count().row(0) == (untold.height,) * 4
    against = told.filter(pl.col("gap").is_not_null())
    assert (against["value"] - against["against_numerator"] / against["against_denominator"] - against["gap"]).abs().max() < 1e-12  # type: ignore[operator]
    said = shown.extra["Said and came"]
    assert (said["ratio"].is_not_null() == (said["said"] >= 50)).all()


def test_ranges_of_charges_are_as_wide_as_they_were_about_the_printed_share() -> None:
    exact, shown = both(over_policing=0.6)
    rows = shown.table.join(exact.table.filter(pl.col("against") == "others"), on=printed.KEY, suffix="_exact").filter(pl.col("ratio").is_not_null())
    assert rows.height > 4
    share, width = rows["against_numerator"] / rows["against_denominator"], rows["half_width_exact"].round(4)
    assert (share - (rows["against_numerator_exact"] / rows["denominator_exact"]).round(4)).abs().max() < 1e-12  # type: ignore[operator]
    assert (width > 0).all()
    for low, middle, high, wide in (("gap_low", "gap", "gap_high", width), ("ratio_low", "ratio", "ratio_high", width / share)):
        assert (rows[middle] - rows[low] - wide).abs().max() < 1e-9, low  # type: ignore[operator]
        assert (rows[high] - rows[middle] - wide).abs().max() < 1e-9, high  # type: ignore[operator]


def test_nothing_is_held_against_a_reference_group_of_fewer_than_fifty() -> None:
    groups, scored, outcomes, _ = force(7, people=1500)
    few = replace(groups, references={**groups.references, "sex": "not recorded"})
    shown = audit_people(scored, None, few, outcomes, None, Thresholds(), drawn=drawn).table.filter(attribute="sex", against="reference", measure="selection")
    assert shown["against_denominator"].max() < 50 < shown["denominator"].max()  # type: ignore[operator]
    assert shown["value"].null_count() < shown["gap"].null_count() == shown.height


def test_what_is_no_count_gives_no_count_away() -> None:
    """Sums of chances are printed as a mean chance times the printed count."""
    _, shown = both()
    of = shown.table.filter(measure="observed_against_predicted").filter(pl.col("denominator") > 0)
    mean = of["against_numerator"] / of["against_denominator"]
    assert (mean - mean.round(4)).abs().max() < 1e-12  # type: ignore[operator]
    proxies = shown.extra["Proxies"]["auc"].drop_nulls()
    assert (proxies - proxies.round(4)).abs().max() == 0


def test_the_same_counts_are_printed_alike_and_another_secret_prints_others() -> None:
    groups, scored, outcomes, charges = force(7, people=1500)
    made = [json.dumps(audit_people(scored, None, groups, outcomes, None, Thresholds(), charges=charges, drawn=of).document(), allow_nan=False) for of in (drawn, drawn, lambda key: drawn(("x", *key)))]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("seed", range(4))
def test_no_count_of_one_to_four_is_told_by_all_that_is_printed_together(seed: int) -> None:
    """The attacker knows the groups that a crossed attribute's are of, and every sum that nobody printed."""
    table = counts(seed, 260).filter(pl.col("attribute").is_in(["sex", "age_band", "age_band + sex"]))
    singles, crossed = printed.families(table, CONFUSION, PARTS)
    shown = [controlled(family, drawn) for family in (singles, crossed)]
    assert max(one.slack for one in shown) == 0
    links = []
    for key in singles.counts:
        if len(key) == 3 and key[0] in ("sex", "age_band") and key[2] in CONFUSION:
            place = ("age_band", "sex").index(key[0])
            parts = tuple(k for k in crossed.counts if len(k) == 3 and k[0] == "age_band + sex" and k[2] == key[2] and k[1].split(", ")[place] == key[1])
            links.append((key, parts))
    whole = replace(singles, counts={**crossed.counts, **singles.counts}, sums=(*singles.sums, *crossed.sums, *links))
    told = closings.told(closings.Printed({**shown[1].counts, **shown[0].counts}, 4, whole))
    assert told[0] == 0
    assert told[1] > 20
    assert closings.told(closings.exact(whole))[0] == told[1]
