"""The one table of release rules, row by row, written out here; and each condition of a lift at its boundary."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta

import pytest

from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.oversight.release_rules import RULES, Lift, is_lifted, open_findings, rule_of

TODAY = date(2026, 11, 16)
# kind: (stops publishing, stops showing, first role(s), second role(s), days), as the design has it
TABLE = {
    "stopped": (True, True, set(), set(), 0),
    "refused": (True, True, set(), set(), 0),
    "from a later version": (True, True, set(), set(), 0),
    "missing": (True, False, set(), set(), 0),
    "lapsed": (True, False, set(), set(), 0),
    "stop": (True, False, set(), set(), 0),
    "suspension": (True, False, set(), set(), 0),
    "log": (True, False, set(), set(), 0),
    "concern": (True, False, {"ethics_reviewer"}, {"supervisor", "data_scientist"}, 91),
    "volume": (True, False, {"data_scientist"}, {"supervisor"}, 7),
    "deletions": (True, False, {"data_scientist"}, {"supervisor"}, 7),
}


def finding(kind: str = "concern", name: str = "selection/sex/male/higher", severity: float | None = 1.4) -> Finding:
    return Finding(kind, "iom", name, "A sentence.", 0.7, 0.8, severity)


def lift(of: Finding, **changed: object) -> Lift:
    roles = {"concern": ("ethics_reviewer", "supervisor"), "volume": ("data_scientist", "supervisor")}.get(of.kind, ("ethics_reviewer", "supervisor"))
    made = Lift(of.id, of.severity, TODAY, TODAY + timedelta(days=7), "eve", roles[0], "sue", roles[1], None)
    return replace(made, **changed)  # type: ignore[arg-type]


def test_what_nobody_may_lift_says_so() -> None:
    rules = dict(RULES)
    assert {kind for kind, rule in rules.items() if rule.can_be_lifted is True} == {"concern", "volume", "deletions"}
    assert {kind for kind, rule in rules.items() if rule.can_be_lifted is False} == {"stopped", "refused", "missing", "lapsed", "stop", "suspension", "log"}
    assert rule_of("from a later version").can_be_lifted is False


@pytest.mark.parametrize("kind", TABLE)
def test_each_row_of_the_table(kind: str) -> None:
    publishing, showing, first, second, days = TABLE[kind]
    rule = rule_of(kind)
    assert ("publishing" in rule.stops, "showing" in rule.stops) == (publishing, showing)
    assert ({str(r) for r in rule.first}, {str(r) for r in rule.second}, rule.days) == (first, second, days)


def test_the_table_holds_no_other_kind_and_each_kind_has_words() -> None:
    assert set(RULES) == set(TABLE) - {"from a later version"}
    assert set(findings.KINDS) == set(RULES)
    assert Finding("never heard of", "iom", "x", "y", None, None, None).title == "Of a kind this version does not know"


@pytest.mark.parametrize("kind", [kind for kind, row in TABLE.items() if not row[4]])
def test_no_two_people_lift_what_nobody_may_lift(kind: str) -> None:
    found = finding(kind)
    assert not is_lifted(found, lift(found), TODAY, ())
    assert open_findings([found], [lift(found)], TODAY, ()) == (found,)


@pytest.mark.parametrize("kind", ["concern", "volume", "deletions"])
def test_two_people_in_their_roles_lift_that_very_finding(kind: str) -> None:
    found = finding(kind)
    first = "ethics_reviewer" if kind == "concern" else "data_scientist"
    assert is_lifted(found, lift(found, first_role=first), TODAY, ())
    other = finding(kind, name="selection/sex/female/lower")
    assert not is_lifted(other, lift(found, first_role=first), TODAY, ())
    assert not is_lifted(replace(found, tool="knife_injury"), lift(found, first_role=first), TODAY, ())
    assert not is_lifted(replace(found, kind="stop"), lift(found, first_role=first), TODAY, ())


@pytest.mark.parametrize(("first", "second"), [("eve", "sue"), ("sue", "eve")])
def test_any_two_lift_whoever_of_them_comes_first(first: str, second: str) -> None:
    assert is_lifted(finding(), lift(finding(), first=first, second=second), TODAY, ())


@pytest.mark.parametrize(("days", "lifted"), [(-2, False), (-1, False), (0, False), (1, True), (30, True)])
def test_a_lift_that_somebody_ended_holds_until_the_day_before(days: int, lifted: bool) -> None:
    found = finding()
    ended = lift(found, from_on=TODAY - timedelta(days=5), until=TODAY + timedelta(days=7), ended_on=TODAY + timedelta(days=days))
    assert is_lifted(found, ended, TODAY, ()) is lifted


@pytest.mark.parametrize(
    "changed",
    [
        {"finding": "0"},  # of another finding, whose name comes before
        {"finding": "z"},  # or after
        {"second": None, "second_role": None},
        {"second": "eve"},
        {"first": "made-it"},
        {"second": "made-it"},
        {"first_role": "supervisor"},
        {"second_role": "ethics_reviewer"},
        {"second_role": "administrator"},
        {"first_role": "data_protection_officer"},
        {"ended_on": TODAY},
        {"severity": 1.3},
        {"severity": None},
        {"until": TODAY - timedelta(days=1)},
        {"from_on": TODAY + timedelta(days=1)},
        {"from_on": TODAY - timedelta(days=1), "until": TODAY + timedelta(days=91)},
    ],
)
def test_a_lift_that_lacks_one_thing_lifts_nothing(changed: dict[str, object]) -> None:
    found = finding()
    assert is_lifted(found, lift(found), TODAY, {"made-it"})
    assert not is_lifted(found, lift(found, **changed), TODAY, {"made-it"})


def test_a_lift_holds_on_its_last_day_and_for_the_whole_of_the_longest_time() -> None:
    found = finding()
    longest = lift(found, until=TODAY + timedelta(days=91))
    assert is_lifted(found, longest, TODAY + timedelta(days=91), ())
    assert not is_lifted(found, longest, TODAY + timedelta(days=92), ())
    of_a_load = finding("volume")
    assert is_lifted(of_a_load, lift(of_a_load), TODAY + timedelta(days=7), ())
    assert not is_lifted(of_a_load, lift(of_a_load, until=TODAY + timedelta(days=8)), TODAY, ())


def test_a_lift_dies_when_the_finding_grows_by_a_tenth_of_its_bar_and_not_when_it_shrinks() -> None:
    found = finding()
    assert is_lifted(replace(found, severity=1.2, measured=0.75), lift(found), TODAY, ())
    assert not is_lifted(replace(found, severity=1.5, measured=0.69), lift(found), TODAY, ())
    assert is_lifted(finding(severity=None), lift(finding(severity=None)), TODAY, ())


def test_the_name_of_a_finding_is_the_same_from_week_to_week_and_no_other_has_it() -> None:
    assert finding().id == replace(finding(), measured=0.4, says="Another sentence.", severity=3.0).id
    assert finding().id == "concern-be349d0f19", "lifts are kept under it: it may never change"
    others = {finding().id, finding("volume").id, finding(name="b").id, replace(finding(), tool="other").id}
    assert len(others) == 4


def test_a_load_names_its_delivery_and_how_far_over_the_limit_it_is() -> None:
    found = findings.of_load(findings.VOLUME, "iom", "ab" * 32, "weekly_volume", "Too few.", -6.04, 4.0)
    assert (found.name, found.severity) == (f"{'ab' * 32}/weekly_volume", 1.5)
    assert findings.from_text(findings.to_text([found])) == (found,)


def test_findings_are_kept_as_text_whose_keys_are_in_order() -> None:
    found = Finding("concern", "iom", "fpr sex female", "Wrongly put high: §", 1.3, 1.25, 1.2)
    assert findings.to_text([found]) == (
        '[{"kind": "concern", "limit": 1.25, "measured": 1.3, "name": "fpr sex female", "says": "Wrongly put high: §", "severity": 1.2, "tool": "iom"}]'
    )


def test_what_stops_publishing_alone_is_not_open_for_showing() -> None:
    held, refused = finding("concern"), finding("refused")
    assert open_findings([held, refused], [], TODAY, (), "showing") == (refused,)
    assert open_findings([held, refused], [], TODAY, (), "publishing") == (held, refused)


@pytest.mark.parametrize(("measured", "limit", "severity"), [
    (None, 0.8, None), (0.7, None, None), (0.7, 0.0, None), (None, None, None), (0.7, 0.8, 0.9), (0.8, 0.8, 1.0), (-1.5, 1.0, 1.5), (1.0, -0.5, 2.0), (0.0, 0.5, 0.0),
])  # fmt: skip
def test_how_far_over_its_bar_a_figure_is(measured: float | None, limit: float | None, severity: float | None) -> None:
    assert findings.severity_of(measured, limit) == severity


def test_no_rule_changes_while_the_service_runs() -> None:
    with pytest.raises(FrozenInstanceError):
        RULES["stop"].days = 7  # type: ignore[misc]
