"""The audit as a gate: it sees what was planted, and stays quiet when nothing was."""

import json
import random

import numpy as np
import polars as pl
import pytest
from charging import force

from harmcast.fairness.audit import audit_people
from harmcast.fairness.groups import groups_of
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, worst


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
