"""Where a fresh release starts: published by a standing approval, a draft without one, held by anything that stops it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from harmcast.errors import NotFit
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.oversight.register import LAPSE_GRACE_DAYS, REQUIRED_ENTRIES, RegisterEntry, Tool
from harmcast.oversight.release_rules import Lift
from harmcast.runs.release_moves import first_standing, publish_release
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.store.users import Actor

TODAY = date(2026, 11, 16)
SOON = TODAY + timedelta(days=100)


def tool(status: str = "in use") -> Tool:
    return Tool("iom", "people", "Integrated Offender Management", status, date(2026, 1, 1))  # type: ignore[arg-type]


def entry(kind: str, review_by: date | None = SOON) -> RegisterEntry:
    return RegisterEntry("iom", kind, date(2026, 1, 5), "Somebody", review_by=review_by)


def found(kind: str) -> Finding:
    return Finding(kind, "iom", "a name", "volume: audit_stop: words that mean nothing here", 2.0, 1.0, 2.0)


def starts(status: str, entries: list[RegisterEntry], findings: list[Finding], lifts: list[Lift] | None = None) -> str:
    return first_standing(tool(status), entries, TODAY, findings, lifts or [], {"operator"})[0]


APPROVED = [entry(kind) for kind in REQUIRED_ENTRIES]
STANDING = entry("standing_approval")


def test_a_clean_week_publishes_itself_under_a_standing_approval_alone() -> None:
    assert starts("in use", [*APPROVED, STANDING], []) == "published"
    assert starts("in use", APPROVED, []) == "draft"
    assert starts("in use", [*APPROVED, entry("standing_approval", review_by=TODAY - timedelta(days=1))], []) == "draft"


@pytest.mark.parametrize("kind", ["volume", "deletions", "concern", "stop", "suspension", "log", "of a later version"])
@pytest.mark.parametrize("status", ["shadow", "trial", "in use"])
def test_a_week_that_is_not_clean_is_held_and_keeps_what_was_found(kind: str, status: str) -> None:
    one = found(kind)
    assert first_standing(tool(status), [*APPROVED, STANDING], TODAY, [one], [], set()) == ("held", [one])


@pytest.mark.parametrize(("kind", "stands"), [("concern", "published"), ("stop", "held"), ("suspension", "held")])
def test_a_concern_lifted_by_two_people_holds_nothing_and_a_stop_is_lifted_by_nobody(kind: str, stands: str) -> None:
    one = found(kind)
    lift = Lift(one.id, one.severity, TODAY, TODAY, "eve", "ethics_reviewer", "sue", "supervisor", None)
    standing, kept = first_standing(tool(), [*APPROVED, STANDING], TODAY, [one], [lift], {"operator"})
    assert (standing, kept) == (stands, [one])
    assert starts("in use", [*APPROVED, STANDING], [one, found("volume")], [lift]) == "held"


def test_a_signed_reason_in_the_register_lifts_nothing_any_more() -> None:
    signed = RegisterEntry("iom", "signed_reason", TODAY, "The committee", review_by=SOON)
    for kind in ("concern", "stop", "suspension"):
        assert starts("in use", [*APPROVED, STANDING, signed], [found(kind)]) == "held"


@pytest.mark.parametrize("kind", REQUIRED_ENTRIES)
def test_without_a_dated_approval_a_week_is_held(kind: str) -> None:
    standing, kept = first_standing(tool(), [STANDING, *(e for e in APPROVED if e.kind != kind)], TODAY, [], [], set())
    assert (standing, [(f.kind, f.name) for f in kept]) == ("held", [("missing", kind)])


@pytest.mark.parametrize(("past", "stands"), [(0, "published"), (1, "published"), (LAPSE_GRACE_DAYS, "published"), (LAPSE_GRACE_DAYS + 1, "held")])
def test_a_lapsed_approval_warns_for_four_weeks_then_holds_the_week(past: int, stands: str) -> None:
    lapsed = [entry(kind, review_by=TODAY - timedelta(days=past)) for kind in REQUIRED_ENTRIES]
    assert starts("in use", [*lapsed, STANDING], []) == stands


def test_shadow_goes_out_to_those_who_judge_it() -> None:
    assert starts("shadow", [], []) == "published"


DAN = Actor("dan", "Dan", (("data_scientist", None),))
SUE = Actor("sue", "Sue", (("supervisor", "North"),))


def test_a_tool_that_is_held_keeps_no_other_back(any_state: State) -> None:
    state = any_state
    suspended = Finding("suspension", "iom", "calibration_low", "Half of what was said came.", None, None, None)
    tools = [NewTool("iom", "held", [suspended]), NewTool("knife_injury", "draft")]
    event = Event("operator", "operator", "run", "week_made")
    state.releases.keep("2026-W47", {"manifest.json": b'{"files": {}}'}, tools, origin=TODAY, as_of=TODAY, sequence=1, event=event)
    first = publish_release(state, "2026-W47", DAN, "looked at", TODAY)
    assert first.document["moved"] == {"knife_injury": "reviewed"}
    assert {tool: why["code"] for tool, why in first.document["stayed"].items()} == {"iom": "finding_open"}
    assert any(line.startswith("iom stays as it is.") for line in first.lines)
    second = publish_release(state, "2026-W47", SUE, "looked at", TODAY)
    assert second.document["moved"] == {"knife_injury": "published"}
    with pytest.raises(NotFit) as stopped:
        publish_release(state, "2026-W47", SUE, "looked at", TODAY)
    assert stopped.value.code == "finding_open"
    assert {release.tool: release.standing for release in state.releases.named("2026-W47")} == {
        "iom": "held", "knife_injury": "published",
    }  # fmt: skip
