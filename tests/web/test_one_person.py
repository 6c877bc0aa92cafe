"""One person in every role at once, with a second account of hers that holds none: no door of the service opens to her alone.

Every form's address stands in one of two tables. `OPENS`: it gives access, lets out or destroys, and is tried here to the end by her alone.
`ONE`: one person is enough, and why. What is only looked at (GET) changes nothing: `test_each_view_is_one_event_written_before_the_page`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import NOW, TOOLS, UNIT, carried, code_of, form_of
from tests.web.invented_releases import user

from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.store import case_reviews, codes, desk, erasure_requests, proposals, schema, sessions, users
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.web import app as apps

ME, MINE = "mallory", "mallory.two"
BY = Event("setup", "operator", "administration", "user_added")
TODAY = NOW.date()
PERSON = 3  # on the unit's list
CONCERN = Finding("concern", "iom", "selection/sex/male/higher", "Men are selected more.", 0.7, 0.8, 1.6)
ONE = {
    "/sign-in": "with one's own password",
    "/sign-out": "it shuts",
    "/account/stay": "one's own session",
    "/account/role": "only a role that is held",
    "/account/password": "one's own",
    "/account/codes": "it says who acts; one's own is no second person's, as the doors that take one show",
    "/invitation": "with a code that two people drew, or that a new account without a role was given",
    "/training/{tool}/tour": "one's own",
    "/training/{tool}/material": "the trainers' handout, without anybody in it",
    "/areas/{tool}/cells/{cell}/notes": "it adds, about a place",
    "/areas/{tool}/cells/{cell}/recommendations": "it adds, about a place",
    "/recommendations/{number}": "it adds, about a place",
    "/areas/{tool}/cells/{cell}/strikes": "it adds, about a place",
    "/areas/{tool}/cells/{cell}/activity": "it adds, about a place",
    "/users/{account}/unbind": "it shuts",
    "/roles/end": "it shuts",
    "/people/search": "one's own unit's people, counted",
    "/people/{key}/open": "one's own unit's people, for a purpose, counted",
    "/people/{key}/judgement": "one's own work",
    "/people/{key}/decisions": "one's own work; what refers is signed off by another",
    "/people/{key}/decisions/{number}/follow-ups": "it adds",
    "/people/{key}/data-errors": "it adds",
    "/people/noted": "one's own work",
    "/tools/{name}/refuse": "it shuts",
    "/releases/{name}/withdraw": "it shuts",
    "/log/person": "it looks, and is logged",
    "/log/verify": "it looks, and is logged",
    "/kept/{number}/drop": "one's own form",
    "/corrections/{number}": "it says what a release that two people let out has done",
    "/representations": "it adds",
    "/representations/{number}/steps": "it adds",
}


class Mallory:
    """Every role in one account, a session for each, and a second account of hers without any."""

    def __init__(self, app: FastAPI) -> None:
        self.state: State = app.state.harmcast
        self.app = app
        user(self.state.operations, ME, Role.ADMINISTRATOR, None, TOOLS)
        with self.state.operations.writing(BY) as tx:
            users.enter(tx, MINE, "Mallory")
            for role in set(Role) - {Role.ADMINISTRATOR}:
                users.give(tx, ME, role.value, self.unit(role), "system")
        self.roles = {role: self._signed_in(role) for role in Role}

    @staticmethod
    def unit(role: Role) -> str | None:
        return UNIT if role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR) else None

    def _signed_in(self, role: Role) -> TestClient:
        with self.state.operations.writing(Event(ME, role.value, "administration", "signed_in")) as tx:
            token = sessions.begin(tx, ME, role, self.unit(role), self.state.settings.web)
        client = TestClient(self.app)
        client.cookies.set("harmcast", token)
        return client

    def sends(self, path: str, command: str = "", **form: str) -> set[int]:
        """Sent in every role, with no code and with each that she can draw; the answers' statuses."""
        found = set()
        for client in self.roles.values():
            held = {**carried(client), **form}
            for account in ("", *((ME, MINE) if command else ())):
                code = {"second-code": code_of(self.state, account, command)} if account else {}
                found.add(client.post(path, data=held | code, follow_redirects=False).status_code)
        return found

    def confirms_everything(self) -> None:
        for one in proposals.all_of(self.state.operations, waiting=True):
            self.sends(f"/roles/proposals/{one.id}", answer="confirmed")

    def holds(self, account: str) -> list[str]:
        return [held.role.value for held in self.state.users.roles_of(account)]

    def did(self) -> set[str]:
        return {entry.action for entry in self.state.operations.entries()}


@pytest.fixture
def me(web: FastAPI) -> Mallory:
    return Mallory(web)


def approve_everything(state: State) -> None:
    for kind in ("dpia", "legal", "ethics"):
        entry = {"tool": None, "kind": kind, "title": "t", "outcome": "approved", "dated": date(2026, 1, 1), "by_whom": "w"}
        state.register.enter({**entry, "document_ref": None, "conditions": None, "review_by": None}, BY)


def held_week(state: State, week: str, found: list[Finding]) -> None:
    event = Event("operator", "operator", "run", "week_made")
    state.releases.keep(week, {"manifest.json": b'{"files": {}}'}, [NewTool("iom", "held", found)], origin=TODAY, as_of=TODAY, sequence=1, event=event)


def a_new_account(me: Mallory) -> bool:
    assert 200 in me.sends("/users", account="mallory.three", name="M", role="administrator", unit="")
    me.confirms_everything()
    return me.holds("mallory.three") != []


def a_role_for_her_other_account(me: Mallory) -> bool:
    assert 303 in me.sends(f"/users/{MINE}/roles", role="ethics_reviewer", unit="")
    me.confirms_everything()
    return me.holds(MINE) != []


def a_role_for_herself(me: Mallory) -> bool:
    before = me.holds(ME)
    me.sends(f"/users/{ME}/roles", role="supervisor", unit=invented.OTHER)
    with me.state.operations.writing(BY) as tx:  # somebody else's proposal, of whom she is the one to receive
        tx.insert(schema.role_proposals, account=ME, role="supervisor", unit=invented.OTHER, by="administrator", at=tx.at)
    me.confirms_everything()
    return me.holds(ME) != before


def somebody_elses_account(me: Mallory) -> bool:
    me.sends("/users/supervisor/invitation", "users invite")
    me.sends(f"/users/{ME}/invitation", "users invite")
    with me.state.operations.reading() as connection:
        drawn = connection.execute(sa.select(schema.one_time_codes.c.account).where(schema.one_time_codes.c.what == codes.INVITATION)).scalars().all()
    return drawn != []


def roles_of_an_account_that_was_shut(me: Mallory) -> bool:
    assert 303 in me.sends("/users/data_scientist/standing", standing="disabled")
    assert 303 in me.sends("/users/data_scientist/standing", standing="active")
    me.confirms_everything()
    return me.holds("data_scientist") != []


def her_own_training(me: Mallory) -> bool:
    before = len(me.state.users.trainings_of(ME))
    day = {"passed-day": "1", "passed-month": "6", "passed-year": "2026"}
    assert me.sends(f"/users/{ME}/training", tool="iom", kind="methodology", trainer="M", **day) == {403}
    return len(me.state.users.trainings_of(ME)) != before


def a_list_with_names(me: Mallory) -> bool:
    assert 303 in me.sends("/exports", names="yes", reason="for the panel")
    for number in (1, 2):
        me.sends(f"/exports/{number}/decision", answer="granted")
        assert me.sends(f"/exports/{number}/download") == {403}
    return "export_granted" in me.did()


def a_page_without_a_name(me: Mallory) -> bool:
    key = invented.key(me.state, PERSON)
    me.sends("/case-reviews", row="x", reason="to see")
    for role in ("data_scientist", "ethics_reviewer"):
        with me.state.operations.writing(Event(ME, role, "administration", "case_review_asked", subject=key)) as tx:
            number = case_reviews.ask(tx, key, "to see", ME, role)
        me.sends(f"/case-reviews/{number}/decision", answer="granted")
    return 200 in me.sends(f"/pseudonymised/{key}/open", purpose="audit") or "case_review_granted" in me.did()


def one_more_day_of_people(me: Mallory) -> bool:
    assert me.sends(f"/looks/{ME}") == {403}
    return "people_budget_opened" in me.did()


def an_approval(me: Mallory) -> bool:
    before = len(me.state.register.entries())
    day = {"dated-day": "1", "dated-month": "11", "dated-year": "2026", "review-day": "1", "review-month": "11", "review-year": "2027"}
    for kind in ("dpia", "ethics"):
        me.sends("/register", "register enter approval", tool="iom", kind=kind, outcome="approved", title="t", **{"by-whom": "w"}, **day)
    return len(me.state.register.entries()) != before


def a_release(me: Mallory) -> bool:
    approve_everything(me.state)
    held_week(me.state, "2026-W50", [])
    for _ in range(2):
        me.sends("/releases/2026-W50/publish", **{"reason-2026-W50": "looked at"})
    assert me.state.releases.named("2026-W50")[0].standing == "reviewed"  # her half
    return me.state.releases.named("2026-W50")[0].standing == "published"


def a_finding(me: Mallory) -> bool:
    held_week(me.state, "2026-W51", [CONCERN])
    for _ in range(2):
        me.sends(f"/releases/2026-W51/findings/{CONCERN.id}", **{f"lift-2026-W51-{CONCERN.id}": "known"})
    assert [lift.first for lift in me.state.lifts.all()] == [ME]  # her half
    return [lift.second for lift in me.state.lifts.all()] != [None]


def an_erasure(me: Mallory) -> bool:
    root = me.state.root
    for name in ("releases", "records", "models"):  # files of her own: what is tried might be done
        shared = (root / name).resolve()
        (root / name).unlink()
        shutil.copytree(shared, root / name)
    invented.charge_all(me.state)
    page = me.roles[Role.DATA_PROTECTION_OFFICER].get("/forget").text
    assert 303 in me.sends("/forget", why="due", list=page.split('name="list" value="')[1].split('"')[0])
    number = erasure_requests.newest(me.state.operations)[0].id
    me.sends(f"/forget/{number}", **{f"answer-{number}": "erased"})
    return "person_forgotten" in me.did()


def what_is_held_about_somebody(me: Mallory) -> bool:
    assert 200 not in me.sends("/subject", "report subject", reference=invented.reference(PERSON), kind="html")
    return "report_made" in me.did()


def a_referral(me: Mallory) -> bool:
    key = invented.key(me.state, PERSON)
    with me.state.operations.writing(Event(ME, "offender_manager", "alteration", "decided", subject=key)) as tx:
        new = desk.NewDecision(
            person_key=key, week="2026-W47", release=1, unit=UNIT, model=None, band="high", decision="refer", reason_code="support_agreed", checks=[],
            own_judgement=None, review_on=date(2027, 1, 4), time_band="1 to 5 minutes", judged_first=False, words="a talk", shown={}, after=0,
        )  # fmt: skip
        number = desk.decide(tx, new, ME, "offender_manager")
    for role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR):
        client = me.roles[role]
        answer = client.post(f"/people/{key}/decisions/{number}/sign-off", data={**form_of(client, f"/people/{key}"), "sign": "agreed"})
        assert answer.status_code == 403
    return "referral_signed_off" in me.did()


OPENS: dict[str, Callable[[Mallory], bool]] = {
    "/users": a_new_account,
    "/users/{account}/roles": a_role_for_her_other_account,
    "/roles/proposals/{number}": a_role_for_herself,
    "/users/{account}/invitation": somebody_elses_account,
    "/users/{account}/standing": roles_of_an_account_that_was_shut,
    "/users/{account}/training": her_own_training,
    "/exports": a_list_with_names,
    "/exports/{number}/decision": a_list_with_names,
    "/exports/{number}/download": a_list_with_names,
    "/case-reviews": a_page_without_a_name,
    "/case-reviews/{number}/decision": a_page_without_a_name,
    "/pseudonymised/{key}/open": a_page_without_a_name,
    "/looks/{account}": one_more_day_of_people,
    "/register": an_approval,
    "/releases/{name}/publish": a_release,
    "/releases/{name}/findings/{finding}": a_finding,
    "/forget": an_erasure,
    "/forget/{number}": an_erasure,
    "/subject": what_is_held_about_somebody,
    "/people/{key}/decisions/{number}/sign-off": a_referral,
}


def test_every_form_stands_in_one_of_the_two_tables(web: FastAPI) -> None:
    assert {route["path"] for route in apps.routes(web) if route["method"] != "GET"} == OPENS.keys() | ONE.keys()
    assert not OPENS.keys() & ONE.keys()


@pytest.mark.parametrize("door", sorted({attempt.__name__: attempt for attempt in OPENS.values()}.values(), key=lambda attempt: attempt.__name__), ids=lambda door: door.__name__)
def test_one_person_in_all_her_accounts_opens_none(door: Callable[[Mallory], bool], me: Mallory) -> None:
    assert not door(me)
