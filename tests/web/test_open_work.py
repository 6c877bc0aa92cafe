"""Open work of a state with people, releases and what users write: read from the records, and only of what one may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tests.web.conftest import UNIT, csrf_of
from tests.web.invented_people import key

from harmcast.oversight import log
from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import desk, work
from harmcast.web import open_work


def items(state, kind):
    return [item for item in open_work.everything(state, date(2026, 11, 16)).items if item.kind == kind]


def test_who_moved_up_waits_for_the_units_manager_until_somebody_decides(state, clock, sign_in):
    clock.at = log.moment(state.releases.published("iom").published_at) + timedelta(hours=1)  # a decision counts from then on
    manager = sign_in("offender_manager")
    mine = [i for i in items(state, "moved_up") if i.unit == UNIT and i.is_open]
    assert {i.about for i in mine} == {key(state, 2), key(state, 22), key(state, 42)}
    assert {(i.state, i.owner) for i in mine} == {("Not reviewed", Role.OFFENDER_MANAGER)}
    page = manager.get(f"/people/{key(state, 2)}")
    ticket = page.text.split('name="ticket" value="')[1].split('"')[0]
    review = clock.at.date() + timedelta(weeks=12)
    form = {"csrf": csrf_of(manager), "ticket": ticket, "decision": "refer", "reason": "escalating", "checks": "connect", "judgement": "same",
            "words": "Housing support", "review-day": str(review.day), "review-month": str(review.month), "review-year": str(review.year)}  # fmt: skip
    assert manager.post(f"/people/{key(state, 2)}/decisions", data=form, follow_redirects=False).status_code == 303
    closed = next(i for i in items(state, "moved_up") if i.about == key(state, 2))
    assert (closed.state, closed.says) == ("Reviewed", "Refer for support")
    referral = items(state, "referral")[0]
    assert (referral.state, referral.owner, referral.about) == ("Waits for supervisor", Role.SUPERVISOR, key(state, 2))


def test_a_band_noted_as_moved_down_closes_neither_the_review_nor_a_referral_as_it_is_read(state, clock):
    clock.at = log.moment(state.releases.published("iom").published_at) + timedelta(hours=1)
    event, refer = Event("m", "offender_manager", "alteration", "decision_made"), key(state, 22)
    base = desk.NewDecision(
        refer, "2026-W47", state.releases.published("iom").id, UNIT, None, "high", "refer", "escalating", ["connect"], "same",
        clock.at.date() + timedelta(weeks=12), desk.NOT_MEASURED, False, "a panel", {}, 0,
    )  # fmt: skip
    with state.operations.writing(event) as tx:
        number = desk.decide(tx, base, "offender_manager", "offender_manager")
        for person, after in ((key(state, 2), 0), (refer, number)):
            noted = replace(base, person_key=person, decision="no_change", reason_code=desk.NOTED, own_judgement=None, review_on=None, after=after)
            desk.decide(tx, noted, "offender_manager", "offender_manager")
    assert next(i for i in items(state, "moved_up") if i.about == key(state, 2)).is_open
    assert next(i for i in items(state, "moved_up") if i.about == refer).state == "Reviewed"
    assert [i.state for i in items(state, "referral")] == ["Waits for supervisor"]


def test_work_is_read_again_only_when_a_record_changed(state, manager):
    first = open_work.everything(state, date(2026, 11, 16))
    manager.get("/people")
    assert open_work.everything(state, date(2026, 11, 16)) is first
    assert open_work.everything(state, date(2026, 11, 17)) is not first


def test_a_kind_that_cannot_be_read_is_named_and_the_others_go_on(state):
    with state.operations.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO tasking (tool, cell, week, step, words, by, role, at) VALUES ('knife_injury', 'c', '2026-W47', 'recommendation', 'forged', 'x', 'intelligence_analyst', '2026-11-16T09:00:00.000000Z')")
    read = open_work.open_work.read(state, date(2026, 11, 16))
    assert read.unread == ("recommendation",)
    assert [i for i in read.items if i.kind == "moved_up"]
    assert work.KINDS.keys() >= set(read.unread)
