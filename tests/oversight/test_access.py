"""Who may do what: the whole table written a second time by hand, and what must never be."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest

from harmcast.oversight import access
from harmcast.oversight.access import Action, Ask, Role, may, may_see_names

LETTERS = dict(zip("AMSDEPU", Role, strict=True))
# A analyst, M offender manager, S supervisor, D data scientist, E ethics reviewer, P data protection officer, U administrator
EXPECTED = {
    "sign_in": "AMSDEPU", "read_notices": "AMSDEPU", "ask_health": "AMSDEPU", "collect_figures": "", "use_own_account": "AMSDEPU", "take_training": "AMSDEPU",
    "view_areas": "AD", "export_areas": "AD", "note_cell": "A", "recommend_tasking": "A", "record_activity": "A",
    "view_track_record": "AMSDEP", "view_audit": "SDEP", "view_data_quality": "ASDEP",
    "list_people": "MS", "open_person": "MS", "open_person_pseudonymised": "DE", "decide": "MS", "sign_off": "S",
    "view_case_reviews": "DEP", "grant_case_review": "P", "report_data_error": "MS", "export_people": "MS", "approve_export": "S", "view_unit_work": "S",
    "view_register": "AMSDEPU", "enter_approval": "PE", "view_releases": "SDEP", "release": "SD", "lift_finding": "SDEP", "read_answers": "SDEP", "read_log": "P",
    "view_retention": "P", "forget": "P", "second_erasure": "PE", "report_subject": "P", "correct_record": "DP", "manage_users": "U", "view_roles": "SPU", "confirm_role": "SU", "end_role": "PU", "view_looks": "SP", "open_looks": "SP",
}  # fmt: skip


def test_every_action_has_its_line_here() -> None:
    assert {action.value for action in Action} == set(EXPECTED) == {action.value for action in access.RULES}


TRAINED = {
    "view_areas", "export_areas", "note_cell", "recommend_tasking", "record_activity", "list_people", "open_person",
    "open_person_pseudonymised", "decide", "sign_off", "report_data_error", "export_people",
}  # fmt: skip
OWN_UNIT = {"list_people", "open_person", "decide", "sign_off", "report_data_error", "export_people", "approve_export", "view_unit_work"}
NAMES = {"list_people", "open_person", "decide", "sign_off", "report_data_error", "export_people", "approve_export", "view_unit_work"}
PURPOSE = {"open_person", "open_person_pseudonymised", "decide", "sign_off", "report_data_error"}
PURPOSES = ("management", "review", "supervision", "request", "complaint", "audit")
OPEN_TO_ALL = {"sign_in", "read_notices", "ask_health"}


def ask(role: Role | None, action: Action, **changed: object) -> Ask:
    """A question to which everything but the role says yes."""
    yes = Ask(
        role=role, action=action, about_tool=True, tool_status="in use", tool_shown=True, trained=True, about_person=True, own_unit=True,
        restricted=False, on_list=True, purpose="review", ask_purpose=True,
    )  # fmt: skip
    return replace(yes, **changed)  # type: ignore[arg-type]


def allowed(asked: Ask) -> bool:
    """The answer, written a second time."""
    action = asked.action.value
    if action in OPEN_TO_ALL:
        return True
    if asked.role is None or asked.role not in {LETTERS[letter] for letter in EXPECTED[action]}:
        return False
    judges = asked.role in (Role.DATA_SCIENTIST, Role.ETHICS_REVIEWER)
    of_person = not asked.about_person or action not in OWN_UNIT or (asked.own_unit and (not asked.restricted or asked.role == Role.SUPERVISOR))
    said = action not in PURPOSE or not asked.about_person or not asked.ask_purpose or asked.on_list or asked.purpose in PURPOSES
    of_tool = not asked.about_tool or (asked.tool_shown and (asked.tool_status != "shadow" or judges))
    return (asked.trained or action not in TRAINED) and of_tool and of_person and said


@pytest.mark.parametrize("action", list(Action), ids=lambda a: a.value)
def test_each_question_has_the_answer_written_here(action: Action) -> None:
    """Every role with every combination of what a question says: 9,216 questions an action."""
    flags = (True, False)
    for role, about_tool, shown, trained, person, own, restricted, on_list, asks in itertools.product(
        [None, *Role], flags, flags, flags, flags, flags, flags, flags, flags
    ):
        for status, purpose in (("in use", "audit"), ("shadow", None), ("trial", "curious")):
            asked = ask(
                role, action, about_tool=about_tool, tool_shown=shown, trained=trained, about_person=person, own_unit=own,
                restricted=restricted, on_list=on_list, ask_purpose=asks, tool_status=status, purpose=purpose,
            )  # fmt: skip
            assert bool(may(asked)) is allowed(asked), asked
            assert may_see_names(asked) is (action.value in NAMES and allowed(asked))


# One question for each field: it is a no as it stands, and the field alone makes it a yes.
ONE_FIELD = [
    ("role", ask(Role.ADMINISTRATOR, Action.OPEN_PERSON), Role.SUPERVISOR, "role"),
    ("action", ask(Role.OFFENDER_MANAGER, Action.SIGN_OFF), Action.DECIDE, "role"),
    ("about_tool", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, tool_shown=False), False, "status"),
    ("tool_status", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, tool_status="shadow"), "trial", "status"),
    ("tool_shown", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, tool_shown=False), True, "status"),
    ("trained", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, trained=False), True, "training"),
    ("about_person", ask(Role.OFFENDER_MANAGER, Action.LIST_PEOPLE, own_unit=False), False, "unit"),
    ("own_unit", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, own_unit=False), True, "unit"),
    ("restricted", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, restricted=True), False, "restricted"),
    ("on_list", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, on_list=False, purpose=None), True, "purpose"),
    ("purpose", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, on_list=False, purpose=None), "complaint", "purpose"),
    ("ask_purpose", ask(Role.OFFENDER_MANAGER, Action.OPEN_PERSON, on_list=False, purpose=None), False, "purpose"),
]


@pytest.mark.parametrize(("name", "no", "value", "missing"), ONE_FIELD, ids=[row[0] for row in ONE_FIELD])
def test_each_field_of_the_question_turns_an_answer(name: str, no: Ask, value: object, missing: str) -> None:
    assert (bool(may(no)), may(no).missing) == (False, missing)
    assert may(no).reason
    assert may(replace(no, **{name: value}))  # type: ignore[arg-type]


def test_every_field_of_the_question_is_tried_and_none_has_a_default() -> None:
    assert [row[0] for row in ONE_FIELD] == [field.name for field in fields(Ask)]
    with pytest.raises(TypeError):
        Ask(role=Role.SUPERVISOR, action=Action.OPEN_PERSON)  # type: ignore[call-arg]


def test_a_supervisor_opens_who_is_restricted_and_those_who_judge_are_not_asked_for_a_unit() -> None:
    assert may(ask(Role.SUPERVISOR, Action.OPEN_PERSON, restricted=True))
    assert may(ask(Role.ETHICS_REVIEWER, Action.OPEN_PERSON_PSEUDONYMISED, own_unit=False, restricted=True, on_list=False))
    assert not may(ask(Role.ETHICS_REVIEWER, Action.OPEN_PERSON_PSEUDONYMISED, on_list=False, purpose="curious"))


def test_every_action_that_shows_a_name_is_held_to_the_own_unit() -> None:
    assert all(rule.own_unit for rule in access.RULES.values() if rule.names)
    assert {action.value for action, rule in access.RULES.items() if rule.names} == NAMES


def test_every_role_has_its_words() -> None:
    assert set(access.ROLES) == set(Role)
    assert tuple(access.PURPOSES) == PURPOSES
    assert access.why("complaint") == "Looking into a complaint, an objection or a data error"
    assert access.why("list") == "On the unit's list"
    assert access.why(None) is None
