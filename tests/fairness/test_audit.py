"""The audit as a gate: it sees what was planted, and stays quiet when nothing was."""

import json
import math
import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from charging import force

from harmcast.fairness import audit as audits
from harmcast.fairness.audit import audit_people, audit_places
from harmcast.fairness.feedback import Feedback
from harmcast.fairness.groups import groups_of
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, AuditRule, worst


def audit_of(seed: int, **how: object) -> Audit:
    groups, scored, outcomes, charges = force(seed, **how)  # type: ignore[arg-type]
    return audit_people(scored, None, groups, outcomes, None, Thresholds(), charges=charges)


def printed_of(seed: int, **how: object) -> Audit:
    groups, scored, outcomes, charges = force(seed, **how)  # type: ignore[arg-type]
    return audit_people(scored, None, groups, outcomes, None, Thresholds(), charges=charges, drawn=lambda key: random.Random(repr(key)).random())


@pytest.mark.parametrize("seed", range(6))
def test_nothing_planted_is_met(seed: int) -> None:
    audit = audit_of(seed)
    assert audit.verdict == "met", audit.findings
    assert audit.judged > 30


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("alike", [False, True])
def test_planted_over_policing_is_found(seed: int, alike: bool) -> None:
    audit = audit_of(seed, over_policing=0.6, alike=alike)
    assert audit.verdict in ("concern", "stop")
    assert any("Black" in finding.name for finding in audit.findings)


def test_two_lines_of_evidence_are_a_stop() -> None:
    audit = audit_of(1, over_policing=0.6)
    assert audit.verdict == "stop"
    assert any(f.name.startswith("two_lines/") and f.verdict == "stop" for f in audit.findings)


def test_a_finding_says_what_it_measured_its_bar_and_its_direction() -> None:
    rows = audit_of(1, over_policing=0.6, alike=True)
    found = {f.name: f for f in rows.findings}
    ratio, missed = found["selection/ethnicity_self/Black/higher"], found["fnr/ethnicity_self/Black/lower"]
    assert (ratio.measured, ratio.limit, ratio.severity) == (pytest.approx(2.287, abs=0.001), 0.8, 3.7)  # log 2.287 / log 0.8
    assert (missed.measured, missed.limit) == (pytest.approx(0.7, abs=0.1), 0.8)


def test_calibration_alone_would_have_missed_it() -> None:
    """The premise of the records measures: recorded outcomes agree with predictions although policing differs."""
    audit = audit_of(2, over_policing=0.6, alike=True)
    calibration = audit.table.filter((pl.col("measure") == "observed_against_predicted") & (pl.col("group") == "Black") & (pl.col("attribute") == "ethnicity_self"))
    assert abs(calibration["gap"].item()) < 0.03  # a stop needs .05


def test_a_group_over_predicted_is_named() -> None:
    groups, scored, outcomes, _ = force(4)
    women = groups.labels.filter(pl.col("sex") == "female").select("person_ref", woman=pl.lit(True))
    raised = scored.join(women, on="person_ref", how="left").with_columns(
        chance=pl.when(pl.col("woman")).then((pl.col("chance") + 0.1).clip(0, 1)).otherwise("chance")
    )
    audit = audit_people(raised.drop("woman"), None, groups, outcomes, None, Thresholds())
    named = {f.name: f.verdict for f in audit.findings}
    assert named["said_and_came/sex/female/fewer"] == "stop"
    assert audit.verdict == "stop"


def test_too_few_is_said_and_silence_is_a_concern() -> None:
    groups, scored, outcomes, _ = force(5, people=300)
    audit = audit_people(scored, None, groups, outcomes.with_columns(became=pl.lit(None, dtype=pl.Boolean)), None, Thresholds())
    assert audit.judged == 0
    assert audit.too_few > 0
    assert audit.verdict == "concern"
    assert worst([]) == "concern"


def test_managed_people_are_counted_apart_and_not_judged() -> None:
    groups, scored, outcomes, _ = force(6)
    managed = scored.filter("selected").select("person_ref")
    audit = audit_people(scored, None, groups, outcomes, managed, Thresholds())
    apart = audit.table.filter(pl.col("scope") == "managed")
    assert set(apart["verdict"]) == {"printed"}
    count = apart.filter((pl.col("attribute") == "sex") & (pl.col("measure") == "selection"))["n"].sum()
    assert count == managed.height
    rest = audit.table.filter((pl.col("scope") == "not managed") & (pl.col("attribute") == "sex") & (pl.col("measure") == "selection"))
    assert rest["numerator"].sum() == 0


def test_an_audit_of_exact_counts_has_no_document() -> None:
    with pytest.raises(ValueError, match="exact counts"):
        audit_of(7, people=1500).document()


def test_same_input_same_bytes() -> None:
    first, second = (json.dumps(printed_of(8, people=3000).document()) for _ in range(2))
    assert first == second


def test_order_of_rows_does_not_matter() -> None:
    groups, scored, outcomes, charges = force(9, people=5000)
    shuffled = [t.sample(fraction=1, shuffle=True, seed=3) for t in (scored, outcomes, charges)]
    one = audit_people(scored, None, groups, outcomes, None, Thresholds(), charges=charges)
    two = audit_people(shuffled[0], None, groups, shuffled[1], None, Thresholds(), charges=shuffled[2])
    assert one.verdict == two.verdict
    for column in ("numerator", "gap", "half_width"):
        assert np.allclose(one.table[column].fill_null(-9), two.table[column].fill_null(-9))


def test_proxies_join_the_verdict() -> None:
    groups, scored, outcomes, _ = force(10, people=6000)
    features = scored.select("person_ref").join(
        groups.labels.select("person_ref", leak=(pl.col("sex") == "female").cast(pl.Int64)), on="person_ref"
    )
    audit = audit_people(scored, features, groups, outcomes, None, Thresholds())
    assert audit.verdict == "stop"
    assert any(f.name.startswith("proxy/leak/value/sex") for f in audit.findings)
    assert "Proxies" in audit.extra


def test_groups_that_match_are_never_gaps() -> None:
    labels = pl.DataFrame({"person_ref": ["a", "b"], "sex": ["male", "male"]})
    groups = groups_of(labels, "person_ref", ["sex"])
    scored = pl.DataFrame({"person_ref": ["a", "b"], "chance": [0.1, 0.2], "selected": [False, True]})
    outcomes = pl.DataFrame({"person_ref": ["a", "b"], "became": [False, False]})
    audit = audit_people(scored, None, groups, outcomes, None, Thresholds())
    assert audit.judged == 0


def test_few_people_are_no_excuse_for_a_gap_that_is_sure() -> None:
    rng = np.random.default_rng(3)
    labels = pl.DataFrame({"person_ref": [str(i) for i in range(6000)], "sex": ["female"] * 600 + ["male"] * 5400})
    chance = np.full(6000, 0.3)
    scored = labels.select("person_ref").with_columns(chance=pl.Series(chance), selected=pl.Series(chance > 0.5))
    for rate, verdict in ((0.15, "stop"), (0.29, "met")):
        came = rng.random(6000) < np.where(np.arange(6000) < 600, rate, 0.3)
        audit = audit_people(scored, None, groups_of(labels, "person_ref", ["sex"]), labels.select("person_ref", became=pl.Series(came)), None, Thresholds())
        women = audit.extra["Said and came"].filter((pl.col("attribute") == "sex") & (pl.col("group") == "female"))
        assert women["verdict"].item() == verdict


def test_what_is_judged_of_people_is_written_out() -> None:
    both = ("ethnicity_self", "ethnicity_officer")
    assert audits.people_rules(Thresholds()) == (
        AuditRule("fpr", both, 0.8, 0.5), AuditRule("fnr", both, 0.8, 0.5), AuditRule("selection", both, 0.8, None), AuditRule("charges_fell_away", both, 0.9, None, "higher"),
        AuditRule("charges_police_found", both, 0.9, None, "higher"), AuditRule("hits_upheld", both, 0.9, None, "lower"),
    )  # fmt: skip


def measured_row(**changed: Any) -> Any:
    row = {"measure": "fpr", "attribute": "ethnicity_self", "group": "Black", "against": "reference", "verdict": "concern", "value": 0.123, "gap": 0.043, "ratio": 1.54, "ratio_low": 1.31, "ratio_high": 1.8, "denominator": 12_345.0}
    return row | changed


def test_a_finding_of_a_measure_says_shares_ratio_range_and_numbers() -> None:
    rules = [AuditRule("fpr", (), 0.8, 0.5), AuditRule("fpr", (), 0.9, None), AuditRule("fnr", (), 0.99, None)]
    found = audits._finding(measured_row(), measured_row(ratio=1.5), rules)
    assert found.name == "fpr/ethnicity_self/Black/higher"
    assert (found.verdict, found.measured, found.limit) == ("concern", 1.5, 0.9)  # the bar that it is furthest over, the figure as shown
    assert found.severity == round(math.log(1.54) / -math.log(0.9), 1) == 4.1
    assert found.says == "Ethnicity self, Black: 12.3 in 100 were selected though it did not come, against 8.0 for the reference group: a ratio of 1.50 (95% 1.31 to 1.80; n 12,345)."
    bare = audits._finding(measured_row(gap=-0.01, ratio=None), measured_row(), rules)
    assert (bare.name, bare.measured, bare.limit, bare.severity) == ("fpr/ethnicity_self/Black/lower", None, None, None)
    assert [audits._finding(measured_row(gap=gap), measured_row(), rules).name.rsplit("/")[-1] for gap in (0.0, None, 0.1, -0.1)] == ["higher", "higher", "higher", "lower"]
    for hidden in ("value", "gap", "ratio"):
        assert audits._sentence(measured_row(**{hidden: None})) == "Ethnicity self, Black: how many were selected though it did not come differs, against the reference group; the counts are too small to print."
    assert "in 100 charges_unlinked, against 8.0 for others:" in audits._sentence(measured_row(measure="charges_unlinked", against="others"))


def said_row(**changed: Any) -> dict[str, Any]:
    return {"attribute": "sex", "group": "f", "became": 1_300, "said": 1_000.04, "ratio": 1.3, "ratio_low": 1.23, "ratio_high": 1.37, "verdict": "stop"} | changed


@pytest.mark.parametrize(
    ("changed", "name", "limit", "severity"),
    [
        ({}, "said_and_came/sex/f/more", 1.25, 1.2), ({"ratio": 0.64}, "said_and_came/sex/f/fewer", 0.8, 2.0), ({"ratio": 1.0}, "said_and_came/sex/f/fewer", 0.8, 0.0), ({"ratio": 0.0}, "said_and_came/sex/f/fewer", 0.8, None),
        ({"ratio": None}, "said_and_came/sex/f/fewer", 0.8, None), ({"attribute": "everyone", "group": "all", "verdict": "concern"}, "said_and_came/everyone/all/more", 1.25, 1.2),
    ],
)  # fmt: skip
def test_a_finding_of_what_was_said_names_its_direction_and_how_far_over(changed: dict[str, Any], name: str, limit: float, severity: float | None) -> None:
    exact = pl.DataFrame([said_row(verdict="met"), said_row(**changed), said_row(verdict="cannot say")], schema_overrides={"ratio": pl.Float64})
    (found,) = audits._of_ratios(exact, pl.DataFrame([said_row(ratio=9.0), said_row(ratio=1.31, attribute=changed.get("attribute", "sex")), said_row(ratio=8.0)]))
    assert (found.name, found.limit, found.severity, found.measured) == (name, limit, severity, 1.31)
    assert found.verdict == changed.get("verdict", "stop")
    head = "Everyone" if "attribute" in changed else "Sex, f"
    assert found.says == f"{head}: 1,300 became high harm where the chances said 1,000.0: a ratio of 1.31 (95% 1.23 to 1.37)."
    assert audits._ratio_sentence(said_row(ratio=None)) == "Sex, f: what came is far from what was said; the counts are too small to print."  # type: ignore[arg-type]


def test_two_lines_need_a_group_that_is_selected_more_and_whose_records_hold_up_less() -> None:
    rows = [
        ("a", "selection", 0.1, "concern"), ("a", "charges_fell_away", 0.1, "concern"), ("a", "hits_upheld", -0.1, "concern"), ("b", "fpr", 0.1, "stop"), ("b", "hits_upheld", -0.1, "concern"), ("c", "selection", -0.1, "concern"),
        ("c", "charges_fell_away", 0.1, "concern"), ("d", "selection", 0.1, "concern"), ("e", "charges_police_found", 0.1, "concern"), ("f", "selection", 0.1, "met"), ("f", "charges_fell_away", 0.1, "concern"),
        ("g", "fnr", 0.1, "concern"), ("g", "charges_fell_away", 0.1, "concern"), ("h", "selection", 0.0, "concern"), ("h", "charges_fell_away", 0.1, "concern"), ("i", "selection", None, "concern"), ("i", "charges_fell_away", 0.1, "concern"),
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=["group", "measure", "gap", "verdict"], orient="row").with_columns(attribute=pl.lit("ethnicity_self"))
    found = audits._two_lines(table)
    assert [(f.name, f.verdict) for f in found] == [("two_lines/ethnicity_self/a", "stop"), ("two_lines/ethnicity_self/b", "stop")]
    assert found[0].says.startswith("Ethnicity self, a: selected more than the reference group")


def test_verdicts_are_counted_and_findings_sorted_stops_first() -> None:
    groups, scored, outcomes, charges = force(3, people=4000, over_policing=0.6)
    audit = audit_people(scored, None, groups, outcomes, scored.head(0).select("person_ref"), Thresholds(), charges=charges, rehearsal=True)
    said = audit.extra["Rehearsal: said and came"]
    words = [*audit.table["verdict"], *said["verdict"]]
    assert audit.judged == sum(word in ("met", "concern", "stop") for word in words) > 0
    assert audit.too_few == sum(word in ("too few to say", "cannot say") for word in words) > 0
    assert set(audit.table.filter(pl.col("scope") != "records")["scope"]) == {"not managed"}
    assert [f.name for f in audit.findings] == sorted([f.name for f in audit.findings if f.verdict == "stop"]) + sorted([f.name for f in audit.findings if f.verdict != "stop"])
    assert audit.notes == (audits.ROUNDED, audits.REHEARSAL)
    assert (audit.kind, audit.cannot_see, list(audit.extra)) == ("people", audits.PEOPLE_CANNOT_SEE, ["Rehearsal: said and came"])


def test_people_managed_are_left_out_of_what_was_said_unless_releases_are_given() -> None:
    labels = pl.DataFrame({"k": range(100), "sex": ["f", "m"] * 50})
    scored = pl.DataFrame({"k": range(100), "chance": [0.25] * 100, "selected": [False] * 100})
    outcomes = pl.DataFrame({"k": range(100), "became": [k % 4 == 0 for k in range(100)]})
    managed = pl.DataFrame({"k": [0, 0, 4, 5]})
    groups = groups_of(labels, "k", ["sex"])
    apart = audit_people(scored, None, groups, outcomes, managed, Thresholds()).extra["Said and came"].row(0, named=True)
    assert (apart["people"], apart["said"], apart["became"]) == (97, 24.25, 23)
    given = scored.select("k", "chance").join(outcomes, on="k").head(40)
    whole = audit_people(scored, None, groups, outcomes, managed, Thresholds(), given=given)
    assert whole.extra["Said and came"].row(0, named=True)["people"] == 40
    assert whole.notes == (audits.ROUNDED,)
    assert whole.table.filter(measure="selection", attribute="sex").group_by("scope").agg(pl.col("n").sum()).sort("scope").rows() == [("managed", 3), ("not managed", 97)]


def fifth(name: str, ratio: float, verdict: str) -> dict[str, Any]:
    return {"fifth": name, "ratio": ratio, "ratio_low": ratio - 0.1, "ratio_high": ratio + 0.1, "verdict": verdict}


def test_findings_of_places_say_their_fifth_direction_and_how_far_over() -> None:
    table = pl.DataFrame([fifth("1", 1.5, "concern"), fifth("2", 0.4, "stop"), fifth("3", 1.0, "met"), fifth("4", 0.0, "stop"), fifth("5", 1.0, "concern"), fifth("not known", 3.0, "printed")])
    found = audits._fifths(table, Thresholds())
    assert [(f.name, f.verdict, f.measured, f.limit, f.severity) for f in found] == [
        ("places/1/higher", "concern", 1.5, 0.8, 1.8), ("places/2/lower", "stop", 0.4, 0.8, 4.1), ("places/4/lower", "stop", 0.0, 0.8, None), ("places/5/higher", "concern", 1.0, 0.8, 0.0),
    ]  # fmt: skip
    assert found[0].says == "Deprivation fifth 1: recorded over forecast is 1.50 of the whole's (1.40 to 1.60)."
    assert [f.severity for f in audits._fifths(table, Thresholds(places_ratio_concern=1.0))] == [None] * 4


def test_the_sentence_of_patrols_gives_shares_in_a_hundred() -> None:
    assert audits._follows(Feedback(4.0, 0.123, 0.051, 0.2, True, 321, 26)) == (
        "Records follow patrols: where patrols rose by one standard deviation, +12 in 100 more was recorded afterwards than history gives (+5 to +20; 321 records in 26 windows)."
    )
    assert "+0 in 100 more" in audits._follows(Feedback(4.0, None, None, None, True, 1, 6))


def test_an_audit_of_places_counts_what_it_judged_and_says_what_it_could_not() -> None:
    cells = [f"c{k}" for k in range(40)]
    forecast = pl.DataFrame({"origin": [k for k in range(8) for _ in cells], "cell": cells * 8, "expected": [5.0] * 320})
    outcomes = forecast.select("origin", "cell", recorded=pl.Series([4, 6] * 160))
    where = pl.DataFrame({"cell": cells, "fifth": ["1", "1", "2", "2", "not known"] * 8, "residents": [100.0] * 40, "share": [1.0] * 40})
    audit = audit_places(forecast, outcomes, where, None, Thresholds())
    assert (audit.kind, audit.verdict, audit.table["fifth"].to_list()) == ("places", "met", ["1", "2", "not known"])
    assert audit.table["verdict"].to_list() == ["met", "met", "printed"]
    assert (audit.judged, audit.too_few, audit.findings, list(audit.extra)) == (2, 0, (), [])
    assert audit.notes == ("No patrol activity is given: whether records follow patrols cannot be checked.",)
    early = audit_places(forecast, outcomes.with_columns(origin=pl.col("origin") + 100), where, None, Thresholds())
    assert (early.verdict, early.judged) == ("met", 0)
    assert early.notes == ("No outcome is known yet: exposure is shown once a window has closed.", audit.notes[0], "Nothing could be judged: met here means that nothing was found, not that something was shown.")
    few = audit_places(forecast, outcomes, where, None, Thresholds(places_judged_half_width=0.0))
    assert (few.verdict, few.judged, few.too_few) == ("concern", 0, 2)  # the input is there, and nothing could be judged
