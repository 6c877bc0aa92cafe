"""Who may do what: roles, purposes and actions as one table. The answer is yes or no, with a reason.

Rules only; nothing here opens a file. A route of the web names one action of `RULES`, and nothing else decides.
Pseudonymised roles never receive a name: names leave the store through `Records.names` alone, which asks `may_see_names`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    INTELLIGENCE_ANALYST = "intelligence_analyst"
    OFFENDER_MANAGER = "offender_manager"
    SUPERVISOR = "supervisor"
    DATA_SCIENTIST = "data_scientist"
    ETHICS_REVIEWER = "ethics_reviewer"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    ADMINISTRATOR = "administrator"


A, M, S, D, E, P, U = Role
EVERYONE = frozenset(Role)

ROLES: dict[Role, tuple[str, str]] = {
    A: ("Intelligence analyst", "Area forecasts, notes and recommendations to tasking. No people."),
    M: ("Offender manager", "The people of one's own unit."),
    S: ("Supervisor", "The people of one's own unit, restricted people, sign-off and workload."),
    D: ("Data scientist", "Models, area forecasts and people without names or references."),
    E: ("Ethics reviewer", "The audit, the register and the answers; people without names or references."),
    P: ("Data protection officer", "The log, retention and the answers."),
    U: ("Administrator", "User accounts. No people."),
}

PURPOSES: dict[str, str] = {
    "management": "Managing or supporting the person",
    "review": "Reviewing a change of band or a review that is due",
    "supervision": "Supervising a colleague's decision",
    "request": "Answering a request by the person or a court",
    "complaint": "Looking into a complaint, an objection or a data error",
    "audit": "Audit or inspection",
}

BASES: dict[str, str] = {  # written by the system for somebody on the asker's own list, who is opened without being asked why
    "list_changed": "On the unit's list: the band changed",
    "list_overdue": "On the unit's list: a review is due",
    "list": "On the unit's list",
}


class Action(StrEnum):
    # anyone
    SIGN_IN = "sign_in"
    READ_NOTICES = "read_notices"
    ASK_HEALTH = "ask_health"
    COLLECT_FIGURES = "collect_figures"
    USE_OWN_ACCOUNT = "use_own_account"
    TAKE_TRAINING = "take_training"
    # areas
    VIEW_AREAS = "view_areas"
    EXPORT_AREAS = "export_areas"
    NOTE_CELL = "note_cell"
    RECOMMEND_TASKING = "recommend_tasking"
    RECORD_ACTIVITY = "record_activity"
    VIEW_TRACK_RECORD = "view_track_record"
    VIEW_AUDIT = "view_audit"
    VIEW_DATA_QUALITY = "view_data_quality"
    # people
    LIST_PEOPLE = "list_people"
    OPEN_PERSON = "open_person"
    OPEN_PERSON_PSEUDONYMISED = "open_person_pseudonymised"
    VIEW_CASE_REVIEWS = "view_case_reviews"
    GRANT_CASE_REVIEW = "grant_case_review"
    DECIDE = "decide"
    SIGN_OFF = "sign_off"
    REPORT_DATA_ERROR = "report_data_error"
    EXPORT_PEOPLE = "export_people"
    APPROVE_EXPORT = "approve_export"
    VIEW_UNIT_WORK = "view_unit_work"
    # oversight
    VIEW_REGISTER = "view_register"
    ENTER_APPROVAL = "enter_approval"
    VIEW_RELEASES = "view_releases"
    RELEASE = "release"
    LIFT_FINDING = "lift_finding"
    READ_ANSWERS = "read_answers"
    READ_LOG = "read_log"
    VIEW_RETENTION = "view_retention"
    FORGET = "forget"
    SECOND_ERASURE = "second_erasure"
    REPORT_SUBJECT = "report_subject"
    CORRECT_RECORD = "correct_record"
    MANAGE_USERS = "manage_users"
    VIEW_ROLES = "view_roles"
    CONFIRM_ROLE = "confirm_role"
    END_ROLE = "end_role"
    VIEW_LOOKS = "view_looks"
    OPEN_LOOKS = "open_looks"


@dataclass(frozen=True)
class Rule:
    """Who may do one thing, and under what condition.

    Attributes:
        roles: who may. `signed_in` false: anyone who reaches the page.
        says: what it is, as read in a refusal and in the reference.
        trained: a training on the tool must be recorded first.
        own_unit: only for people of the asker's own unit.
        names: a name or reference of a person may be shown.
        purpose: a purpose is asked for each person who is not on the asker's list, where the settings ask for one.
        machine: for a collector of the force's own, known by its address or token; no role is enough.
    """

    roles: frozenset[Role]
    says: str
    signed_in: bool = True
    trained: bool = False
    own_unit: bool = False
    names: bool = False
    purpose: bool = False
    machine: bool = False


def _rule(roles: Collection[Role], says: str, **conditions: bool) -> Rule:
    return Rule(frozenset(roles), says, **conditions)


RULES: dict[Action, Rule] = {
    Action.SIGN_IN: _rule(EVERYONE, "sign in", signed_in=False),
    Action.READ_NOTICES: _rule(EVERYONE, "read what the tools are and are not", signed_in=False),
    Action.ASK_HEALTH: _rule(EVERYONE, "ask whether the service answers", signed_in=False),
    Action.COLLECT_FIGURES: _rule((), "collect the operator's figures", machine=True),
    Action.USE_OWN_ACCOUNT: _rule(EVERYONE, "use one's own account"),
    Action.TAKE_TRAINING: _rule(EVERYONE, "take training"),
    Action.VIEW_AREAS: _rule((A, D), "see area forecasts", trained=True),
    Action.EXPORT_AREAS: _rule((A, D), "download area forecasts", trained=True),
    Action.NOTE_CELL: _rule((A,), "write a note on a place", trained=True),
    Action.RECOMMEND_TASKING: _rule((A,), "recommend a place to tasking and record what was decided", trained=True),
    Action.RECORD_ACTIVITY: _rule((A,), "record a patrol or visit in a place", trained=True),
    Action.VIEW_TRACK_RECORD: _rule((A, M, S, D, E, P), "see whether the forecasts were right"),
    Action.VIEW_AUDIT: _rule((S, D, E, P), "see the fairness audit"),
    Action.VIEW_DATA_QUALITY: _rule((A, S, D, E, P), "see the quality of the data"),
    Action.LIST_PEOPLE: _rule((M, S), "list the unit's people", trained=True, own_unit=True, names=True),
    Action.OPEN_PERSON: _rule(
        (M, S), "open a person of the unit", trained=True, own_unit=True, names=True, purpose=True
    ),
    Action.OPEN_PERSON_PSEUDONYMISED: _rule(
        (D, E), "open a person's scores without name or reference", trained=True, purpose=True
    ),
    Action.DECIDE: _rule(
        (M, S), "record a decision about a person of the unit", trained=True, own_unit=True, names=True, purpose=True
    ),
    Action.SIGN_OFF: _rule((S,), "sign off a referral", trained=True, own_unit=True, names=True, purpose=True),
    Action.REPORT_DATA_ERROR: _rule(
        (M, S), "report a data error or an objection about a person of the unit", trained=True, own_unit=True, names=True, purpose=True
    ),
    Action.EXPORT_PEOPLE: _rule(
        (M, S), "download a list of the unit's people", trained=True, own_unit=True, names=True
    ),
    Action.VIEW_CASE_REVIEWS: _rule((D, E, P), "see case reviews of people without names"),
    Action.GRANT_CASE_REVIEW: _rule((P,), "grant a case review of one person without a name"),
    Action.APPROVE_EXPORT: _rule((S,), "approve a download that holds names", own_unit=True, names=True),
    Action.VIEW_UNIT_WORK: _rule((S,), "see the unit's decisions and workload", own_unit=True, names=True),
    Action.VIEW_REGISTER: _rule(EVERYONE, "see the register of tools"),
    Action.ENTER_APPROVAL: _rule((P, E), "enter an approval in the register"),
    Action.VIEW_RELEASES: _rule((S, D, E, P), "see releases and what was found about them"),
    Action.RELEASE: _rule((S, D), "publish or withdraw a release"),
    Action.LIFT_FINDING: _rule((S, D, E, P), "lift a finding, or end a lift"),
    Action.READ_ANSWERS: _rule((S, D, E, P), "read the answers to questions about the tools"),
    Action.READ_LOG: _rule((P,), "read the log"),
    Action.VIEW_RETENTION: _rule((P,), "see what is due for review or removal"),
    Action.FORGET: _rule((P,), "forget a person"),
    Action.SECOND_ERASURE: _rule((P, E), "let an erasure go as the second person"),
    Action.REPORT_SUBJECT: _rule((P,), "make the report of what is held about one person"),
    Action.CORRECT_RECORD: _rule((D, P), "record that a record was corrected and the person scored again"),
    Action.MANAGE_USERS: _rule((U,), "manage user accounts"),
    Action.VIEW_ROLES: _rule((S, P, U), "see who holds which role, and which are proposed"),
    Action.CONFIRM_ROLE: _rule((S, U), "confirm or refuse a role that somebody else proposed"),
    Action.VIEW_LOOKS: _rule((S, P), "see how many people each account opened"),
    Action.OPEN_LOOKS: _rule((S, P), "open one more day's number of people to somebody"),
    Action.END_ROLE: _rule((P, U), "end a role"),
}

SHADOW_ROLES = frozenset({D, E})


@dataclass(frozen=True)
class Answer:
    """Yes or no, with a reason a person can act on. `missing` names what would turn a no into a yes."""

    allowed: bool
    reason: str
    missing: str = ""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Ask:
    """One question, with everything the answer hangs on. No field has a default: whoever asks says each.

    Attributes:
        role: None when nobody is signed in.
        about_tool: something of a tool is asked for; then `tool_status` is its status in the register, and `tool_shown` whether
            nothing in the register stops it from being shown (`register.Standing.may_show`).
        trained: a current training on the tool is recorded for the asker.
        about_person: one person is asked for; then `own_unit` is whether the person is among the asker's own, `restricted` whether
            the record is, `on_list` whether the person stands on the asker's list.
        purpose: key of PURPOSES that the asker gave for this person; ask_purpose: whether the force's settings ask for one.
    """

    role: Role | None
    action: Action
    about_tool: bool
    tool_status: str
    tool_shown: bool
    trained: bool
    about_person: bool
    own_unit: bool
    restricted: bool
    on_list: bool
    purpose: str | None
    ask_purpose: bool


def may(ask: Ask) -> Answer:
    """Whether it may be done, with the reason, and what would turn a no into a yes."""
    rule = RULES[ask.action]
    if rule.machine:
        return Answer(False, f"Only the force's own collector may {rule.says}.", "machine")
    if not rule.signed_in:
        return Answer(True, "open to anyone who reaches the service")
    if ask.role is None:
        return Answer(False, "Sign in first.", "session")
    if ask.role not in rule.roles:
        return Answer(False, f"Your role, {ROLES[ask.role][0].lower()}, may not {rule.says}.", "role")
    if rule.trained and not ask.trained:
        return Answer(False, "Your training on this tool is not recorded yet.", "training")
    if ask.about_tool and not ask.tool_shown:
        return Answer(False, "The tool is stopped, or an approval of it was refused: the register says which.", "status")
    if ask.about_tool and ask.tool_status == "shadow" and ask.role not in SHADOW_ROLES:
        return Answer(False, "The tool runs in shadow: it is being judged, and not shown to those who would act on it.", "status")
    if rule.own_unit and ask.about_person and not ask.own_unit:
        return Answer(False, "There is no such person in your unit.", "unit")
    if rule.own_unit and ask.about_person and ask.restricted and ask.role is not Role.SUPERVISOR:
        return Answer(False, "This person's record is restricted.", "restricted")
    if rule.purpose and ask.about_person and ask.ask_purpose and not ask.on_list and ask.purpose not in PURPOSES:
        return Answer(False, "Say why you are opening this person.", "purpose")
    return Answer(True, f"{ROLES[ask.role][0]}s may {rule.says}.")


def may_see_names(ask: Ask) -> bool:
    """Whether what is asked for may hold people's names and the force's references."""
    return RULES[ask.action].names and bool(may(ask))


def why(purpose: str | None) -> str | None:
    """Why a person was opened, in words: the purpose given, or what put the person on the list; None where neither is known."""
    return {**PURPOSES, **BASES}.get(purpose or "", purpose)
