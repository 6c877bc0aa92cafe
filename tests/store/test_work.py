"""Open work by the records alone: each state of each kind, who has it, by when, and what closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.register import Tool
from harmcast.oversight.release_rules import Lift
from harmcast.settings import WorkSettings
from harmcast.store import work, work_kinds
from harmcast.store.work_records import (
    BandMoved,
    Decided,
    Delivered,
    EnteredApproval,
    ListAsked,
    ModelKept,
    PersonNow,
    Received,
    Recommended,
    Recorded,
    ReleaseStood,
    WorkRules,
)

TODAY = date(2026, 11, 26)
UNIT, OTHER = "Brede Unit", "Fennick Unit"
RULES = WorkRules(
    today=TODAY, days=WorkSettings(), managed_units=frozenset({UNIT}), horizon_days={"knife_injury": 28}, reviewed_days=7, stopped={}, people_tool="iom"
)
A, M, S, D, E, P, U = Role
PEOPLE = {
    "k1": PersonNow("k1", UNIT, False),
    "k2": PersonNow("k2", UNIT, True),
    "k3": PersonNow("k3", OTHER, False),
    "k4": PersonNow("k4", None, False),
    "old": PersonNow("k1", UNIT, False),
    "gone": PersonNow("gone", None, False, "erased", date(2026, 11, 20)),
}


def day(number: int, month: int = 11) -> date:
    return date(2026, month, number)


def only(items):
    (item,) = items
    return item


# -- recommendations -----------------------------------------------------------------------------


def recommended(last: Recorded | None = None, **changes) -> Recommended:
    made = Recommended(11, "knife_injury", "c7", "2026-W46", day(10), A, last)
    return replace(made, **changes)


def state_of(last: Recorded | None = None, **changes):
    return only(work_kinds.recommendations([recommended(last, **changes)], RULES))


def test_a_recommendation_waits_until_the_next_tasking():
    item = state_of()
    assert (item.state, item.owner, item.next, item.is_open) == ("Waits for tasking", A, "Record the decision", True)
    assert (item.due_on, item.is_overdue(day(24)), item.is_overdue(day(25))) == (day(24), False, True)
    assert (item.about, item.number, item.source, item.href) == ("c7", 11, "2026-W46", "/recommendations/11")


def test_a_deferred_one_waits_for_its_day():
    item = state_of(Recorded("deferred", day(12), day(13), until=day(1, 12)))
    assert (item.state, item.due_on, item.is_open) == ("Deferred by tasking", day(1, 12), True)
    assert state_of(Recorded("deferred", day(12), day(13))).due_on == day(26)


def test_an_adopted_one_waits_for_what_was_done_until_four_weeks_are_over():
    for key, words in (("adopted", "Adopted"), ("adopted_in_part", "Adopted in part")):
        item = state_of(Recorded(key, day(10), day(12)))
        assert (item.state, item.since, item.due_on, item.next) == (words, day(10), day(8, 12), "Record what was done")


def test_not_adopted_and_each_word_of_what_was_done_close_it():
    item = state_of(Recorded("not_adopted", day(12), day(13)))
    assert (item.state, item.closed_on, item.next) == ("Not adopted", day(13), "")
    for key, words in {"done": "Done", "done_in_part": "Done in part", "not_done": "Not done", "not_known": "Not known what was done"}.items():
        item = state_of(Recorded(key, day(20), day(21)))
        assert (item.state, item.closed_on) == (words, day(21))


def test_one_written_on_a_withdrawn_release_stays_and_says_so():
    item = state_of(withdrawn=True)
    assert (item.is_open, item.says) == (True, "Written on 2026-W46, which was withdrawn since.")


def test_a_refused_tool_closes_what_users_had_open_on_it():
    rules = replace(RULES, stopped={"knife_injury": day(24)})
    item = only(work_kinds.recommendations([recommended()], rules))
    assert (item.state, item.closed_on) == ("Tool refused or stopped", day(24))
    referral = only(work_kinds.referrals([decided()], PEOPLE, replace(RULES, stopped={"iom": day(25)})))
    assert (referral.state, referral.is_open) == ("Tool refused or stopped", False)
    assert only(work_kinds.referrals([decided()], PEOPLE, rules)).is_open


# -- referrals and reviews -------------------------------------------------------------------------


def decided(number: int = 5, person: str = "k1", decision: str = "refer", on: date = day(20), **changes) -> Decided:
    made = Decided(number, person, "2026-W47", decision, on, f"{on}T09:00:00.000000Z", day(12, 2).replace(year=2027), M)
    return replace(made, **changes)


def referral(*found: Decided):
    return list(work_kinds.referrals(found, PEOPLE, RULES))


def test_a_referral_waits_for_the_supervisor_of_the_unit_within_a_week():
    item = only(referral(decided()))
    assert (item.state, item.owner, item.unit, item.due_on, item.next) == ("Waits for supervisor", S, UNIT, day(27), "Sign off")
    assert (item.opened_by, item.href) == (M, "/people/k1#referral-5")


def test_one_not_agreed_goes_back_to_the_manager_who_decides_again():
    item = only(referral(decided(signed=Recorded("not_agreed", day(24), day(24)))))
    assert (item.state, item.owner, item.due_on, item.next) == ("Referral not agreed", M, day(1, 12), "Decide again")


def test_support_is_recorded_until_it_was_declined_or_ended():
    signed = Recorded("agreed", day(24), day(24))
    item = only(referral(decided(signed=signed)))
    assert (item.state, item.owner, item.due_on) == ("Referral agreed", M, date(2027, 2, 12))
    for key, words, is_open in (("offered", "Support offered", True), ("taken_up", "Support taken up", True), ("declined", "Support declined", False), ("ended", "Support ended", False)):
        item = only(referral(decided(signed=signed, followed=Recorded(key, day(25), day(26)))))
        assert (item.state, item.is_open) == (words, is_open)
    assert item.closed_on == day(26)


def test_support_recorded_before_the_sign_off_closes_nothing():
    item = only(referral(decided(followed=Recorded("declined", day(21), day(21)))))
    assert (item.state, item.owner) == ("Waits for supervisor", S)


def test_a_later_decision_closes_the_referral_before_it():
    first, second = referral(decided(), decided(9, on=day(25)))
    assert (first.number, first.state, first.closed_on) == (5, "Decided again", day(25))
    assert second.is_open


def test_a_merged_persons_referral_moves_to_the_surviving_record():
    item = only(referral(decided(person="old")))
    assert (item.about, item.source, item.href) == ("k1", "old", "/people/k1#referral-5")
    before = only(referral(decided(person="old"), decided(9, "k1", "no_change", day(25))))
    assert (before.state, before.closed_on) == ("Decided again", day(25))


def test_restricted_people_and_those_without_unit_or_manager_are_the_supervisors():
    refused = Recorded("not_agreed", day(24), day(24))
    for person, unit in (("k2", UNIT), ("k3", OTHER), ("k4", None)):
        item = only(referral(decided(person=person, signed=refused)))
        assert (item.owner, item.unit) == (S, unit)


def test_what_was_erased_is_closed_as_erased_and_has_no_address():
    item = only(referral(decided(person="gone")))
    assert (item.state, item.closed_on, item.href) == ("Erased", day(20), "")


def test_a_review_opens_a_week_before_its_date_and_is_overdue_the_day_after():
    def review(on: date, *later: Decided):
        return list(work_kinds.reviews([decided(decision="no_change", on=day(1), review_on=on), *later], PEOPLE, RULES))

    assert review(day(4, 12)) == []
    item = only(review(day(3, 12)))
    assert (item.state, item.owner, item.due_on, item.next) == ("Review due", M, day(3, 12), "Review and decide")
    assert only(review(day(26))).state == "Review due"
    assert only(review(day(25))).state == "Review overdue"
    closed = review(day(25), decided(9, on=day(26), decision="defer"))[0]
    assert (closed.state, closed.closed_on) == ("Reviewed", day(26))


def test_a_referral_that_is_agreed_stands_for_its_own_review():
    agreed = decided(review_on=day(25), signed=Recorded("agreed", day(21), day(21)))
    assert list(work_kinds.reviews([agreed], PEOPLE, RULES)) == []
    ended = replace(agreed, followed=Recorded("ended", day(22), day(22)))
    assert only(work_kinds.reviews([ended], PEOPLE, RULES)).state == "Review overdue"


# -- bands that moved up -----------------------------------------------------------------------------


def moved(was: str, now: str, on: date = day(16), person: str = "k1", release: int = 3) -> BandMoved:
    return BandMoved(person, release, "2026-W47", was, now, on, f"{on}T06:00:00.000000Z")


def test_a_band_that_moved_up_waits_for_a_decision_a_week():
    item = only(work_kinds.moved_up([moved("low", "super high")], [], PEOPLE, RULES))
    assert (item.state, item.owner, item.unit, item.due_on, item.says) == ("Not reviewed", M, UNIT, day(23), "super high, was low")
    assert list(work_kinds.moved_up([moved("high", "low")], [], PEOPLE, RULES)) == []


def test_only_a_decision_after_it_was_published_closes_it():
    before, after = decided(4, on=day(15)), decided(5, on=day(17), decision="no_change")
    assert only(work_kinds.moved_up([moved("low", "high")], [before], PEOPLE, RULES)).is_open
    item = only(work_kinds.moved_up([moved("low", "high")], [before, after], PEOPLE, RULES))
    assert (item.state, item.closed_on, item.says) == ("Reviewed", day(17), "No change")


def test_noting_together_that_bands_moved_down_reviews_nobody_who_moved_up():
    up, down = moved("low", "high"), moved("high", "high-medium", day(23))
    noted = decided(6, on=day(24), decision="no_change", noted=True)
    assert only(work_kinds.moved_up([up, down], [noted], PEOPLE, RULES)).is_open
    item = only(work_kinds.moved_up([up, down], [decided(5, on=day(20), decision="no_change"), noted], PEOPLE, RULES))
    assert (item.state, item.closed_on) == ("Reviewed", day(20))


def test_noting_together_that_bands_moved_down_answers_no_referral_and_no_review():
    noted = decided(6, on=day(24), decision="no_change", noted=True, review_on=None)
    assert only(referral(decided(), noted)).state == "Waits for supervisor"
    due = decided(5, decision="no_change", review_on=day(27))
    assert only(work_kinds.reviews([due, noted], PEOPLE, RULES)).state == "Review due"


def test_a_band_that_fell_to_where_it_was_closes_it_and_one_that_stays_higher_does_not():
    ups = moved("low", "high")
    item = only(work_kinds.moved_up([ups, moved("high", "low", day(23))], [], PEOPLE, RULES))
    assert (item.state, item.closed_on) == ("Band fell again", day(23))
    assert only(work_kinds.moved_up([ups, moved("high", "high-medium", day(23))], [], PEOPLE, RULES)).is_open


# -- objections and data errors ------------------------------------------------------------------------


def received(last: Recorded | None = None, kind: str = "data_error", person: str = "k1"):
    return only(work_kinds.representations([Received(7, kind, person, date(2026, 10, 31), M, last)], PEOPLE, RULES))


def test_an_objection_is_answered_by_the_officer_within_one_calendar_month():
    item = received(kind="objection")
    assert (item.state, item.owner, item.unit, item.due_on) == ("Received", P, None, day(30))
    assert received(Recorded("looked_at", day(2), day(2))).state == "Being looked at"


def test_upheld_goes_to_the_scientist_and_is_closed_by_scoring_again():
    item = received(Recorded("upheld", day(20), day(20)))
    assert (item.state, item.owner, item.due_on, item.href) == ("Upheld, to be corrected", D, day(4, 12), "/corrections#number-7")
    item = received(Recorded("rescored", day(24), day(24)))
    assert (item.state, item.closed_on) == ("Corrected and scored again", day(24))


def test_not_upheld_withdrawn_and_erased_close_it():
    for key, words in (("not_upheld", "Not upheld"), ("withdrawn", "Withdrawn")):
        assert (received(Recorded(key, day(20), day(20))).state, received(Recorded(key, day(20), day(20))).is_open) == (words, False)
    assert received(person="gone").state == "Erased"


# -- releases, models, findings --------------------------------------------------------------------------


CONCERN = Finding("concern", "knife_injury", "false_high/deprivation/1/over", "Too often wrong in the poorest fifth.", 4.1, 2.0, 2.1)
STOP = Finding("stop", "knife_injury", "missed/deprivation/1/over", "Twice the limit.", 9.0, 2.0, 4.5)


def released(number: int, standing: str, on: date, findings=(), waited: bool = True, reviewer: Role | None = None) -> ReleaseStood:
    return ReleaseStood(number, f"2026-W{40 + number}", "knife_injury", standing, on, on, waited, reviewer, frozenset({"system"}), tuple(findings))


def test_a_release_waits_for_the_other_of_two_roles():
    assert [(i.state, i.owner) for i in work_kinds.releases([released(1, "draft", day(23))], RULES)] == [("Draft", D)]
    assert [(i.state, i.owner, i.due_on) for i in work_kinds.releases([released(1, "held", day(23))], RULES)] == [("Held", D, day(25))]
    for reviewer, owner in ((D, S), (S, D)):
        item = only(work_kinds.releases([released(1, "reviewed", day(23), reviewer=reviewer)], RULES))
        assert (item.state, item.owner) == ("Reviewed, waits for a second person", owner)


def test_publishing_refusing_and_a_later_week_close_it_and_a_clean_week_is_no_work():
    assert list(work_kinds.releases([released(1, "published", day(23), waited=False)], RULES)) == []
    for standing, words in (("published", "Published"), ("withdrawn", "Withdrawn")):
        item = only(work_kinds.releases([released(1, standing, day(23))], RULES))
        assert (item.state, item.closed_on) == (words, day(23))
    old, new = work_kinds.releases([released(1, "draft", day(16)), released(2, "held", day(23))], RULES)
    assert (old.state, old.closed_on, new.is_open) == ("Overtaken by a later week", day(23), True)


def test_a_model_is_approved_by_somebody_of_the_other_role_than_its_maker():
    def model(standing: str, maker: Role | None = None):
        return only(work_kinds.models([ModelKept(1, "iom-model-2026-W47", "iom", standing, day(23), day(24), maker)], RULES))

    assert (model("candidate").owner, model("candidate", D).owner, model("candidate").due_on) == (D, S, day(25))
    assert (model("approved").state, model("withdrawn").state, model("withdrawn").closed_on) == ("Approved", "Refused", day(24))


def finding(releases, lifts=(), entries=()):
    return work_kinds.findings(releases, lifts, entries, RULES)


def lift(second: str | None, until: date, from_on: date = day(10), ended_on: date | None = None) -> Lift:
    return Lift(CONCERN.id, 2.1, from_on, until, "ellis", "ethics_reviewer", second, second and "supervisor", ended_on)


def test_a_concern_is_the_ethics_reviewers_for_28_days_from_the_first_release_that_had_it():
    stood = [released(1, "held", day(2), [CONCERN]), released(2, "held", day(9), [CONCERN])]
    item = only(finding(stood))
    assert (item.state, item.owner, item.opened_on, item.due_on, item.says) == ("To be answered", E, day(2), day(30), CONCERN.says)


def test_a_signed_reason_waits_for_the_second_person_and_then_lifts_it_until_its_day():
    stood = [released(1, "held", day(9), [CONCERN])]
    item = only(finding(stood, [lift(None, day(30))]))
    assert (item.state, item.owner, item.opened_by) == ("Reason signed, waits for a second person", S, E)
    item = only(finding(stood, [lift("sunita", day(26))]))
    assert (item.state, item.is_open) == ("Lifted for a time", False)
    item = only(finding(stood, [lift("sunita", day(25))]))
    assert (item.state, item.opened_on) == ("To be answered", day(26))


def test_a_finding_that_is_gone_or_whose_tool_was_refused_is_closed():
    before, after = released(1, "held", day(9), [CONCERN]), released(2, "published", day(16))
    item = only(finding([before, after]))
    assert (item.state, item.closed_on) == ("No longer found", day(16))
    refused = EnteredApproval(3, "knife_injury", "ethics", "refused", day(12), day(12), None)
    assert (only(finding([before], (), [refused])).state, only(finding([before], (), [refused])).closed_on) == ("Tool refused", day(12))


def test_what_nobody_may_lift_is_the_data_scientists_to_mend():
    item = only(finding([released(1, "held", day(9), [STOP])]))
    assert (item.state, item.owner) == ("Stops publication, nobody may lift it", D)


# -- approvals, deliveries, downloads -----------------------------------------------------------------------


def approval(*entries: EnteredApproval, status: str = "in use"):
    tool = Tool("knife_injury", "places", "Knife crime", status, day(1))  # type: ignore[arg-type]
    return {item.about: item for item in work_kinds.approvals([tool], entries, RULES)}


def entered(kind: str, outcome: str = "approved", review_by: date | None = None, number: int = 1, dated: date = day(1, 3)) -> EnteredApproval:
    return EnteredApproval(number, "knife_injury", kind, outcome, dated, dated, review_by)


def test_an_approval_missing_near_its_review_lapsed_or_refused_is_entered_anew_by_whoever_may():
    found = approval(entered("dpia", review_by=date(2027, 1, 25)), entered("legal", review_by=day(25)), entered("ethics", "refused"))
    assert {kind: (i.state, i.owner) for kind, i in found.items()} == {
        "dpia": ("Review due", P), "legal": ("Lapsed", P), "ethics": ("Refused", E),
    }  # fmt: skip
    assert (found["dpia"].opened_on, found["dpia"].due_on, found["legal"].due_on) == (day(26), date(2027, 1, 25), day(25))
    assert approval(entered("dpia", review_by=date(2027, 1, 26)))["dpia"].state == "Entered"
    assert approval()["ethics"].state == "Missing"
    assert approval(status="shadow") == {}


def test_a_new_entry_closes_it():
    found = approval(entered("dpia", "refused"), entered("dpia", review_by=date(2027, 11, 1), number=2, dated=day(20)))
    assert (found["dpia"].state, found["dpia"].closed_on) == ("Entered", day(20))


def delivered(number: int, standing: str, on: date, made: date | None = None, first_by: str | None = None) -> Delivered:
    return Delivered(number, f"d{number}", standing, on, made or on, first_by)


def test_a_refused_delivery_is_closed_by_a_later_good_one():
    item = only(work_kinds.deliveries([delivered(1, "refused", day(23))], 8, RULES))
    assert (item.state, item.owner, item.due_on) == ("Refused", D, day(25))
    refused, *_ = work_kinds.deliveries([delivered(1, "refused", day(23)), delivered(2, "loaded", day(24))], 8, RULES)
    assert (refused.state, refused.closed_on) == ("A later one was good", day(24))


def test_one_that_waits_is_the_scientists_and_then_the_second_persons():
    assert only(work_kinds.deliveries([delivered(1, "waiting", day(25))], 8, RULES)).owner is D
    assert only(work_kinds.deliveries([delivered(1, "waiting", day(25), first_by="dara")], 8, RULES)).owner is S
    rejected = only(work_kinds.deliveries([delivered(1, "rejected", day(25))], 8, RULES))
    assert (rejected.state, rejected.closed_on) == ("Rejected", day(25))


def test_none_that_came_is_late_the_day_after_the_days_allowed():
    assert list(work_kinds.deliveries([delivered(1, "loaded", day(18))], 8, RULES)) == []
    item = only(work_kinds.deliveries([delivered(1, "loaded", day(17))], 8, RULES))
    assert (item.state, item.opened_on, item.due_on) == ("Late", day(26), day(28))
    item = only(work_kinds.deliveries([delivered(1, "loaded", day(2)), delivered(2, "loaded", day(20))], 8, RULES))
    assert (item.state, item.closed_on) == ("A later one was good", day(20))


def test_a_download_with_names_waits_for_the_units_supervisor():
    asked = ListAsked(2, UNIT, M, day(25), None, None)
    item = only(work_kinds.asked("download", [asked], RULES))
    assert (item.state, item.owner, item.unit, item.due_on) == ("Waits for supervisor", S, UNIT, day(27))
    for answer, words in (("granted", "Granted"), ("refused", "Refused")):
        item = only(work_kinds.asked("download", [replace(asked, decision=answer, decided_on=day(26))], RULES))
        assert (item.state, item.closed_on) == (words, day(26))


def test_case_reviews_wait_for_the_officer_and_roles_for_whoever_may_confirm_them():
    asked = ListAsked(2, None, E, day(25), None, None)
    item = only(work_kinds.asked("case_review", [asked], RULES))
    assert (item.state, item.owner, item.opened_by, item.due_on, item.href) == ("Waits for data protection officer", P, E, day(27), "/case-reviews#request-2")
    proposed = ListAsked(3, UNIT, U, day(25), None, None, about="Dora", owner=S, says="Offender manager of Brede Unit")
    item = only(work_kinds.asked("role", [proposed], RULES))
    assert (item.state, item.owner, item.unit, item.about, item.opened_by) == ("Waits for a second person", S, UNIT, "Dora", U)
    assert only(work_kinds.asked("role", [replace(proposed, owner=U, unit=None)], RULES)).owner is U
    for kind, answers in (("case_review", {"granted": "Granted", "refused": "Refused"}), ("role", {"confirmed": "Given", "refused": "Refused"})):
        for answer, words in answers.items():
            item = only(work_kinds.asked(kind, [replace(asked, decision=answer, decided_on=day(26))], RULES))
            assert (item.state, item.closed_on) == (words, day(26))


# -- whose ---------------------------------------------------------------------------------------------------


def test_homes_list_mine_what_waits_for_others_and_what_was_closed_in_14_days():
    waits, refused = decided(), decided(6, "k2", signed=Recorded("not_agreed", day(24), day(24)))
    elsewhere = decided(7, "k3")
    ended = decided(8, "k1", on=day(26), signed=Recorded("agreed", day(26), day(26)), followed=Recorded("ended", day(26), day(26)))
    items = list(work_kinds.referrals([waits, refused, elsewhere, ended], PEOPLE, RULES))
    manager, supervisor = work.desk_of(items, M, UNIT, RULES), work.desk_of(items, S, UNIT, RULES)
    assert [i.number for i in manager.mine] == []
    assert [i.number for i in manager.waiting] == [6]
    assert [(i.number, i.state) for i in manager.closed] == [(8, "Support ended"), (5, "Decided again")]
    assert [i.number for i in supervisor.mine] == [6]
    assert [i.number for i in work.desk_of(items, S, OTHER, RULES).mine] == [7]
    later = replace(RULES, today=date(2026, 12, 11))
    assert work.desk_of(items, M, UNIT, later).closed == ()


def test_everything_without_a_unit_is_everybodys_of_the_role():
    items = list(work_kinds.recommendations([recommended()], RULES))
    assert len(work.desk_of(items, A, None, RULES).mine) == 1
    assert work.desk_of(items, A, None, RULES).overdue(TODAY) == 1
    assert work.desk_of(items, D, None, RULES).mine == ()


def test_each_state_has_words_and_each_open_one_says_what_comes_next():
    for kind, states in work.STATES.items():
        assert kind in work.KINDS
        for state in states.values():
            assert state.words
            assert (state.owner is None) == (state.next == "")
