"""Two people lift a finding of a release for a time; the paths around that are closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from harmcast.errors import AccessDenied, HarmcastError, NotFit, RunStopped
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.runs.lift import end_lift, findings_of, lift_finding
from harmcast.runs.release_moves import publish_release
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.store.users import Actor

DAY = date(2026, 11, 16)
WEEK = "2026-W47"
DAN = Actor("dan", "Dan", (("data_scientist", None),))
SUE = Actor("sue", "Sue", (("supervisor", "North"),))
EVE = Actor("eve", "Eve", (("ethics_reviewer", None),))
BOTH = Actor("both", "Both", (("ethics_reviewer", None), ("supervisor", "North")))
PAT = Actor("pat", "Pat", (("data_protection_officer", None),))
CONCERN = Finding("concern", "iom", "selection/sex/male/higher", "Men are selected more.", 0.7, 0.8, 1.6)
VOLUME = Finding("volume", "iom", "ab/weekly_volume", "Too few.", 6.0, 4.0, 1.5)


def kept(state: State, *found: Finding, week: str = WEEK, by: str = "operator") -> None:
    """A release of the people tool that is held by what was found."""
    event = Event(by, "operator", "run", "week_made")
    files = {"manifest.json": b'{"files": {}}'}
    state.releases.keep(week, files, [NewTool("iom", "held", found)], origin=DAY, as_of=DAY, sequence=1, event=event)


def outcome(work: Any, *given: Any, **named: Any) -> str:
    """The code of what came of it."""
    try:
        work(*given, **named)
    except HarmcastError as error:
        return error.code
    return "done"


def test_a_concern_is_lifted_by_the_ethics_reviewer_then_a_releaser_and_only_then_goes_out(any_state: State) -> None:
    state = any_state
    kept(state, CONCERN)
    assert outcome(publish_release, state, WEEK, DAN, "a reason", DAY) == "finding_open"
    assert outcome(lift_finding, state, WEEK, CONCERN.id, SUE, "known", None, DAY) == "role_needed"
    done = lift_finding(state, WEEK, CONCERN.id, EVE, "known, and looked into", DAY + timedelta(days=30), DAY)
    assert done.document == {"finding": CONCERN.id, "until": "2026-12-16", "lifted": False}
    assert outcome(publish_release, state, WEEK, DAN, "a reason", DAY) == "finding_open"
    assert outcome(lift_finding, state, WEEK, CONCERN.id, EVE, "again", None, DAY) == "second_person_needed"
    assert lift_finding(state, WEEK, CONCERN.id, SUE, "agreed", None, DAY).document["lifted"] is True
    assert publish_release(state, WEEK, DAN, "a reason", DAY).document["moved"] == {"iom": "reviewed"}
    late = DAY + timedelta(days=31)
    assert outcome(publish_release, state, WEEK, SUE, "a reason", late) == "finding_open"
    assert publish_release(state, WEEK, SUE, "a reason", late - timedelta(days=1)).document["moved"] == {"iom": "published"}
    actions = [entry.action for entry in state.operations.entries()]
    assert [a for a in actions if "lift" in a] == ["lift_proposed", "finding_lifted"]


def test_one_person_with_both_roles_is_not_two(state: State) -> None:
    kept(state, CONCERN)
    lift_finding(state, WEEK, CONCERN.id, BOTH, "known", None, DAY)
    assert outcome(lift_finding, state, WEEK, CONCERN.id, BOTH, "known", None, DAY) == "second_person_needed"
    assert outcome(publish_release, state, WEEK, DAN, "a reason", DAY) == "finding_open"


@pytest.mark.parametrize("maker", ["eve", "sue"])
def test_whoever_made_the_release_lifts_nothing_about_it(state: State, maker: str) -> None:
    kept(state, CONCERN, by=maker)
    for person in (EVE, SUE):
        if person.account == maker:
            with pytest.raises(AccessDenied, match="made a release"):
                lift_finding(state, WEEK, CONCERN.id, person, "known", None, DAY)
        elif person is EVE:
            lift_finding(state, WEEK, CONCERN.id, person, "known", None, DAY)
    assert outcome(publish_release, state, WEEK, DAN, "a reason", DAY) == "finding_open"


@pytest.mark.parametrize("kind", ["stop", "suspension", "log", "of a later version"])
def test_nobody_lifts_a_stop_or_a_suspension_whatever_the_reason(state: State, kind: str) -> None:
    one = Finding(kind, "iom", "a name", "A sentence.", None, None, None)
    kept(state, one)
    for person in (EVE, SUE, DAN, BOTH, PAT):
        assert outcome(lift_finding, state, WEEK, one.id, person, "known", None, DAY) == "finding_stands"
    for person in (DAN, SUE):
        assert outcome(publish_release, state, WEEK, person, "a reason", DAY) == "finding_open"
    kept(state, week="2026-W48")
    assert publish_release(state, "2026-W48", DAN, "", DAY).document["moved"] == {"iom": "reviewed"}


def test_volume_is_lifted_by_the_data_scientist_then_a_supervisor_for_a_week_at_most(state: State) -> None:
    kept(state, VOLUME)
    assert outcome(lift_finding, state, WEEK, VOLUME.id, EVE, "known", None, DAY) == "role_needed"
    assert outcome(lift_finding, state, WEEK, VOLUME.id, DAN, "known", DAY + timedelta(days=8), DAY) == "lift_too_long"
    assert outcome(lift_finding, state, WEEK, VOLUME.id, DAN, " ", None, DAY) == "reason_needed"
    assert lift_finding(state, WEEK, VOLUME.id, DAN, "a strike", None, DAY).document["until"] == "2026-11-23"
    assert lift_finding(state, WEEK, VOLUME.id, SUE, "so it was", None, DAY).document["lifted"] is True
    assert outcome(publish_release, state, WEEK, DAN, "", DAY) == "reason_needed"
    assert outcome(publish_release, state, WEEK, DAN, "a strike", DAY) == "done"


def test_a_lift_does_not_reach_another_finding_nor_the_same_one_grown(state: State) -> None:
    kept(state, CONCERN)
    lift_finding(state, WEEK, CONCERN.id, EVE, "known", None, DAY)
    lift_finding(state, WEEK, CONCERN.id, SUE, "agreed", None, DAY)
    grown = Finding("concern", "iom", CONCERN.name, "Worse.", 0.68, 0.8, 1.7)
    other = Finding("concern", "iom", "selection/sex/female/higher", "Women too.", 0.7, 0.8, 1.6)
    for week, found, comes_to in (("2026-W48", CONCERN, "done"), ("2026-W49", grown, "finding_open"), ("2026-W50", other, "finding_open")):
        kept(state, found, week=week)
        assert outcome(publish_release, state, week, DAN, "a reason", DAY) == comes_to
    assert lift_finding(state, "2026-W49", grown.id, EVE, "worse, and known", None, DAY).document["lifted"] is False


def test_one_person_ends_a_lift_at_once(state: State) -> None:
    kept(state, CONCERN)
    lift_finding(state, WEEK, CONCERN.id, EVE, "known", None, DAY)
    lift_finding(state, WEEK, CONCERN.id, SUE, "agreed", None, DAY)
    end_lift(state, CONCERN.id, PAT, "not so", DAY)
    assert outcome(publish_release, state, WEEK, DAN, "a reason", DAY) == "finding_open"
    with pytest.raises(RunStopped, match="No lift"):
        end_lift(state, CONCERN.id, PAT, "not so", DAY)


def test_what_was_found_is_listed_with_who_may_lift_it(state: State) -> None:
    stop = Finding("stop", "iom", "two_lines/sex/male", "Two lines.", None, None, None)
    kept(state, CONCERN, stop)
    lift_finding(state, WEEK, CONCERN.id, EVE, "known", None, DAY)
    rows = findings_of(state, WEEK, DAY).document["findings"]
    assert [(r["kind"], r["lifted_by"], r["days"], r["proposed_until"], r["lifted_until"]) for r in rows] == [
        ("concern", "ethics reviewer, then data scientist or supervisor", 91, "2027-02-15", None),
        ("stop", "nobody", 0, None, None),
    ]
    with pytest.raises(RunStopped, match="no such finding"):
        lift_finding(state, WEEK, VOLUME.id, DAN, "a reason", None, DAY)
    with pytest.raises(RunStopped, match="no release"):
        findings_of(state, "1999-W01", DAY)


def test_a_refusal_in_the_register_stops_a_release_that_was_clean(state: State) -> None:
    kept(state)
    refused = {"tool": "iom", "kind": "ethics", "title": None, "outcome": "refused", "dated": DAY, "by_whom": "The committee",
               "document_ref": None, "conditions": None, "review_by": None}  # fmt: skip
    state.register.enter(refused, Event("eve", "ethics_reviewer", "administration", "register_entered"))
    with pytest.raises(NotFit, match="refused"):
        publish_release(state, WEEK, DAN, "a reason", DAY)


@pytest.mark.parametrize("severity", [0.0, 1.0, 2.0, 2.5])
def test_a_whole_severity_is_read_as_it_was_written(any_state: State, severity: float) -> None:
    """SQLite writes 2.0 as 2: the log must vouch for both."""
    kept(any_state, Finding("volume", "iom", "ab/weekly_volume", "Too few.", 6.0, 4.0, severity))
    finding = any_state.releases.named(WEEK)[0].findings[0]
    lift_finding(any_state, WEEK, finding.id, DAN, "looked into", None, DAY)
    assert lift_finding(any_state, WEEK, finding.id, SUE, "agreed", None, DAY).document["lifted"] is True
    assert [lift.severity for lift in any_state.lifts.all(finding.id)] == [severity]
