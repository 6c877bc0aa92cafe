"""Where a fresh release starts: published by a standing approval, a draft without one, held with every reason it is held."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from harmcast.oversight.register import LAPSE_GRACE_DAYS, REQUIRED_ENTRIES, Entry, Tool
from harmcast.runs.release_moves import first_standing

TODAY = date(2026, 11, 16)
SOON = TODAY + timedelta(days=100)


def tool(status: str = "in use") -> Tool:
    return Tool("iom", "people", "Integrated Offender Management", status, date(2026, 1, 1))  # type: ignore[arg-type]


def entry(kind: str, review_by: date | None = SOON) -> Entry:
    return Entry("iom", kind, date(2026, 1, 5), "Somebody", review_by=review_by)


APPROVED = [entry(kind) for kind in REQUIRED_ENTRIES]
STANDING = entry("standing_approval")


def test_a_clean_week_publishes_itself_under_a_standing_approval_alone() -> None:
    assert first_standing(tool(), [*APPROVED, STANDING], TODAY, []) == ("published", [])
    assert first_standing(tool(), APPROVED, TODAY, []) == ("draft", [])
    lapsed = entry("standing_approval", review_by=TODAY - timedelta(days=1))
    assert first_standing(tool(), [*APPROVED, lapsed], TODAY, []) == ("draft", [])


@pytest.mark.parametrize("found", ["volume: twice the usual number", "audit_stop: a gap over the bar", "monitor: suspend"])
def test_a_week_that_is_not_clean_is_held_with_its_reason(found: str) -> None:
    assert first_standing(tool(), [*APPROVED, STANDING], TODAY, [found]) == ("held", [found])


@pytest.mark.parametrize("kind", REQUIRED_ENTRIES)
def test_without_a_dated_approval_a_week_is_held(kind: str) -> None:
    standing, reasons = first_standing(tool(), [STANDING, *(e for e in APPROVED if e.kind != kind)], TODAY, [])
    assert standing == "held"
    assert len(reasons) == 1
    assert reasons[0].startswith("register: ")


@pytest.mark.parametrize(("past", "stands"), [(0, "published"), (1, "published"), (LAPSE_GRACE_DAYS, "published"), (LAPSE_GRACE_DAYS + 1, "held")])
def test_a_lapsed_approval_warns_for_four_weeks_then_holds_the_week(past: int, stands: str) -> None:
    lapsed = [entry(kind, review_by=TODAY - timedelta(days=past)) for kind in REQUIRED_ENTRIES]
    assert first_standing(tool(), [*lapsed, STANDING], TODAY, [])[0] == stands


def test_shadow_goes_out_to_those_who_judge_it() -> None:
    assert first_standing(tool("shadow"), [], TODAY, []) == ("published", [])
