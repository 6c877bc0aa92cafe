from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.oversight import register
from harmcast.oversight.register import RegisterEntry, Tool

TODAY = date(2026, 11, 16)


def tool(status="in use"):
    return Tool("iom", "people", "IOM", status, TODAY)


def entry(kind, dated=TODAY - timedelta(days=100), review_by=None, made=True):
    return RegisterEntry("iom", kind, dated, "someone", review_by=review_by, made=made)


def full(**changed):
    return [entry(kind, **changed.get(kind, {})) for kind in register.REQUIRED_ENTRIES]


def test_all_approvals_let_a_tool_out():
    assert register.standing(tool(), full(), TODAY).may_publish


@pytest.mark.parametrize("kind", register.REQUIRED_ENTRIES)
def test_each_missing_approval_holds(kind):
    found = register.standing(tool(), [e for e in full() if e.kind != kind], TODAY)
    assert not found.may_publish
    assert len(found.holds) == 1


def test_a_statement_that_none_was_made_is_no_approval():
    assert not register.standing(tool(), full(dpia={"made": False}), TODAY).may_publish


def test_an_entry_says_whether_none_was_made_or_it_was_refused():
    refused = RegisterEntry("iom", "dpia", TODAY, "someone", made=False, refused=True)
    assert refused.why_none == "it was refused"
    assert entry("dpia", made=False).why_none == "none was made"
    assert entry("dpia").why_none is None
    held = register.standing(tool(), [refused, *full()[1:]], TODAY)
    assert held.holds == (f"{register.ENTRY_KINDS['dpia']}: it was refused (entered in the register, 16 November 2026).",)


def test_a_status_is_known_by_its_letters_however_it_was_read():
    read = "".join(["sha", "dow"])  # as a database gives it: equal, and another object
    assert register.standing(tool(read), [], TODAY).may_publish
    assert not register.standing(tool("".join(["stop", "ped"])), full(), TODAY).may_show
    assert register.in_the_way(tool(read), "".join(["tri", "al"]), [], TODAY)


@pytest.mark.parametrize("other", ["aaa", "zzz"])
def test_approvals_of_another_tool_are_not_its_own(other):
    theirs = [RegisterEntry(other, kind, TODAY, "someone") for kind in register.REQUIRED_ENTRIES]
    assert [f.kind for f in register.standing(tool(), theirs, TODAY).findings] == ["missing"] * 3
    refused = RegisterEntry(other, "dpia", TODAY, "someone", made=False, refused=True)
    assert register.standing(tool(), [*full(), refused], TODAY).may_show


@pytest.mark.parametrize("status", ["trial", "in use"])
@pytest.mark.parametrize("kind", register.REQUIRED_ENTRIES)
def test_a_tool_leaves_shadow_by_its_approvals_alone(kind, status):
    assert register.in_the_way(tool("shadow"), status, full(), TODAY) == ()
    others = [e for e in full() if e.kind != kind]
    for entries, why in (
        (others, "missing"),
        ([*others, entry(kind, made=False)], "missing"),
        ([*others, entry(kind, dated=TODAY + timedelta(days=1))], "missing"),
        ([*others, entry(kind, review_by=TODAY - timedelta(days=29))], "lapsed"),
        ([*full(), RegisterEntry("iom", kind, TODAY, "someone", made=False, refused=True)], "refused"),
    ):
        assert [(f.kind, f.name) for f in register.in_the_way(tool("shadow"), status, entries, TODAY)] == [(why, kind)]


@pytest.mark.parametrize("status", ["shadow", "stopped"])
def test_back_to_shadow_or_stopped_needs_nothing(status):
    assert register.in_the_way(tool("in use"), status, [], TODAY) == ()


REFUSABLE = ("dpia", "legal", "ethics", "eia", "appropriate_policy")


@pytest.mark.parametrize("status", ["shadow", "trial", "in use"])
@pytest.mark.parametrize("kind", REFUSABLE)
def test_a_refusal_stops_showing_and_publishing_from_its_day_on_in_shadow_too(kind, status):
    refused = RegisterEntry("iom", kind, TODAY, "someone", made=False, refused=True)
    found = register.standing(tool(status), [*full(), refused], TODAY)
    assert [(f.kind, f.name) for f in found.findings] == [("refused", kind)]
    assert not found.may_show
    assert not found.may_publish
    assert register.standing(tool(status), [*full(), refused], TODAY - timedelta(days=1)).may_show


def test_of_one_day_the_entry_entered_last_stands():
    approved, refused = entry("ethics", dated=TODAY), RegisterEntry("iom", "ethics", TODAY, "someone", made=False, refused=True)
    others = [e for e in full() if e.kind != "ethics"]
    assert not register.standing(tool(), [*others, approved, refused], TODAY).may_show
    assert register.standing(tool(), [*others, refused, approved], TODAY).may_publish


def test_a_refused_contract_stops_nothing_and_what_is_missing_stops_publishing_alone():
    contract = RegisterEntry("iom", "contract", TODAY, "someone", made=False, refused=True)
    assert register.standing(tool(), [*full(), contract], TODAY).may_publish
    bare = register.standing(tool(), [], TODAY)
    assert (bare.may_publish, bare.may_show) == (False, True)
    assert not register.standing(tool("stopped"), full(), TODAY).may_show


def test_an_approval_dated_tomorrow_is_none_today():
    early = [entry(kind, dated=TODAY + timedelta(days=1)) for kind in register.REQUIRED_ENTRIES]
    assert not register.standing(tool(), early, TODAY).may_publish
    assert register.standing(tool(), [*full(), *early], TODAY).may_publish


@pytest.mark.parametrize("role", ["ethics_reviewer", "data_protection_officer"])
def test_nobody_enters_a_signed_reason_any_more(role):
    assert not register.may_enter("signed_reason", role)
    assert register.may_enter("eia", role)


def test_another_tools_approval_does_not_count():
    others = [RegisterEntry("knife_injury", e.kind, e.dated, e.by) for e in full()]
    assert not register.standing(tool(), others, TODAY).may_publish


@given(st.integers(-400, 400))
def test_a_lapsed_review_warns_for_four_weeks_then_holds(days_past):
    found = register.standing(tool(), full(legal={"review_by": TODAY - timedelta(days=days_past)}), TODAY)
    assert bool(found.warnings) == (0 < days_past <= 28)
    assert found.may_publish == (days_past <= 28)


def test_shadow_needs_no_approval_and_stopped_has_none():
    assert register.standing(tool("shadow"), [], TODAY).may_publish
    assert not register.standing(tool("stopped"), full(), TODAY).may_publish


@pytest.mark.parametrize("status", ["trial", "in use"])
def test_whatever_is_shown_outside_shadow_needs_its_approvals(status):
    assert not register.standing(tool(status), [], TODAY).may_publish
    assert register.standing(tool(status), full(), TODAY).may_publish


@pytest.mark.parametrize(("days", "publishes"), [(28, True), (29, False)])
def test_four_weeks_after_its_review_date_an_approval_has_lapsed(days, publishes):
    entries = [entry(kind, review_by=TODAY - timedelta(days=days) if kind == "ethics" else None) for kind in register.REQUIRED_ENTRIES]
    assert register.standing(tool(), entries, TODAY).may_publish is publishes


def test_a_standing_approval_ends_on_its_review_date():
    one = entry("standing_approval", review_by=TODAY)
    assert register.has_standing_approval(tool(), [one], TODAY)
    assert not register.has_standing_approval(tool(), [one], TODAY + timedelta(days=1))
    assert not register.has_standing_approval(tool(), [], TODAY)


def test_a_standing_approval_begins_on_its_own_day():
    assert register.has_standing_approval(tool(), [entry("standing_approval", dated=TODAY)], TODAY)
    assert not register.has_standing_approval(tool(), [entry("standing_approval", dated=TODAY + timedelta(days=1))], TODAY)
    assert not register.has_standing_approval(tool(), [entry("standing_approval", dated=TODAY, made=False)], TODAY)


@pytest.mark.parametrize("other", ["a_tool_before", "zz_tool_after", None])
def test_a_standing_approval_of_another_tool_is_none_of_this_one(other: str | None) -> None:
    assert not register.has_standing_approval(tool(), [replace(entry("standing_approval", review_by=TODAY), tool=other)], TODAY)


def test_who_enters_what():
    assert register.may_enter("dpia", "data_protection_officer")
    assert not register.may_enter("dpia", "ethics_reviewer")
    assert not register.may_enter("ethics", "administrator")


@pytest.mark.parametrize(
    ("kind", "outcome", "is_opened"),
    [
        ("dpia", "approved", True), ("eia", "approved with conditions", True), ("standing_approval", "approved", True), ("dpia", "refused", False), ("dpia", "none made", False),
        ("policy", "approved", False), ("contract", "none made", False),
    ],
)  # fmt: skip
def test_only_an_approval_that_stops_a_tool_while_it_lacks_opens_it(kind, outcome, is_opened):
    assert register.opens(kind, outcome) is is_opened
