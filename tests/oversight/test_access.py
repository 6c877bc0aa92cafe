"""Who may do what: the whole table written a second time by hand, and what must never be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.oversight import access
from harmcast.oversight.access import PURPOSES, RULES, Action, Role, may, may_see_names, may_see_tool

LETTERS = dict(zip("AMSDEPU", Role, strict=True))
# A analyst, M offender manager, S supervisor, D data scientist, E ethics reviewer, P data protection officer, U administrator
EXPECTED = {
    "sign_in": "AMSDEPU", "read_notices": "AMSDEPU", "ask_health": "AMSDEPU", "collect_figures": "", "use_own_account": "AMSDEPU", "take_training": "AMSDEPU",
    "view_areas": "AD", "export_areas": "AD", "note_cell": "A", "recommend_tasking": "A", "record_activity": "A",
    "view_track_record": "AMSDEP", "view_audit": "SDEP", "view_data_quality": "ASDEP",
    "list_people": "MS", "open_person": "MS", "open_person_pseudonymised": "DE", "decide": "MS", "sign_off": "S",
    "report_data_error": "MS", "export_people": "MS", "approve_export": "S", "view_unit_work": "S",
    "view_register": "AMSDEPU", "enter_approval": "PE", "view_releases": "SDEP", "release": "SD", "lift_finding": "SDEP", "read_answers": "SDEP", "read_log": "P",
    "view_retention": "P", "forget": "P", "manage_users": "U",
}  # fmt: skip


def test_every_action_has_its_line_here() -> None:
    assert {action.value for action in Action} == set(EXPECTED) == {action.value for action in RULES}


@pytest.mark.parametrize("action", list(Action), ids=lambda a: a.value)
@pytest.mark.parametrize("role", list(Role), ids=lambda r: r.value)
def test_role_and_action(role: Role, action: Action) -> None:
    expected = role in {LETTERS[letter] for letter in EXPECTED[action.value]}
    answer = may(role, action, trained=True, same_unit=True, purpose="review", ask_purpose=True)
    assert bool(answer) is expected
    assert answer.reason


def test_nobody_signed_in_reads_only_what_is_for_anyone() -> None:
    open_to_all = {action for action in Action if may(None, action)}
    assert open_to_all == {Action.SIGN_IN, Action.READ_NOTICES, Action.ASK_HEALTH}


@given(
    role=st.sampled_from(Role),
    action=st.sampled_from(Action),
    purpose=st.sampled_from([None, "", "curious", *PURPOSES]),
)
def test_conditions_only_ever_take_away(role: Role, action: Action, purpose: str | None) -> None:
    most = may(role, action, trained=True, same_unit=True, purpose="review", ask_purpose=True)
    for trained in (True, False):
        for same_unit in (True, False):
            answer = may(role, action, trained=trained, same_unit=same_unit, purpose=purpose, ask_purpose=True)
            assert not answer or most
            rule = RULES[action]
            if answer:
                assert trained or not rule.trained
                assert same_unit or not rule.own_unit
                assert purpose in PURPOSES or not rule.purpose


@pytest.mark.parametrize(
    "role",
    [
        Role.DATA_SCIENTIST,
        Role.ETHICS_REVIEWER,
        Role.ADMINISTRATOR,
        Role.INTELLIGENCE_ANALYST,
        Role.DATA_PROTECTION_OFFICER,
    ],
)
def test_only_the_units_own_roles_ever_see_a_name(role: Role) -> None:
    assert not may_see_names(role)
    assert may_see_names(Role.OFFENDER_MANAGER)
    assert may_see_names(Role.SUPERVISOR)


def test_every_action_that_shows_a_name_is_held_to_the_own_unit() -> None:
    assert all(rule.own_unit for rule in RULES.values() if rule.names)


@pytest.mark.parametrize("role", list(Role), ids=lambda r: r.value)
def test_shadow_is_for_those_who_judge_it_and_stopped_for_nobody(role: Role) -> None:
    assert bool(may_see_tool(role, "shadow", True)) is (role in (Role.DATA_SCIENTIST, Role.ETHICS_REVIEWER))
    assert may_see_tool(role, "trial", True)
    assert may_see_tool(role, "in use", True)
    assert not any(may_see_tool(role, status, False) for status in ("shadow", "trial", "in use", "stopped"))


def test_every_role_has_its_words() -> None:
    assert set(access.ROLES) == set(Role)
