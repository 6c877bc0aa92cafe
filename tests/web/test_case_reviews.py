"""People without names: rows that ten share, by the reader's own keys; a whole page only by the officer's grant, for one person and a time."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.web import invented_people as invented
from tests.web.conftest import SignIn, csrf_of

from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import case_reviews
from harmcast.store.case_reviews import CaseReview
from harmcast.store.state import State

ROW = re.compile(r"/case-reviews\?row=([0-9a-f]{24})")


def test_rows_are_in_classes_and_no_random_key_of_a_person_stands_on_the_page(sign_in: SignIn, state: State) -> None:
    text = sign_in("ethics_reviewer").get("/pseudonymised").text
    rows = ROW.findall(text)
    assert len(rows) == 25
    keys = set(state.person_keys()["person_key"].to_list())
    assert not keys & set(re.findall(r"[0-9a-f]{24,}", text))
    assert "Brede Unit" not in text


def test_two_readers_cannot_tell_which_of_their_rows_are_one_persons(sign_in: SignIn) -> None:
    first, second = ({*ROW.findall(sign_in(role).get("/pseudonymised").text)} for role in ("ethics_reviewer", "data_scientist"))
    assert not first & second


def test_a_whole_page_without_a_name_needs_the_officers_grant(sign_in: SignIn, state: State) -> None:
    reviewer, officer = sign_in("ethics_reviewer"), sign_in("data_protection_officer")
    row = ROW.findall(reviewer.get("/pseudonymised").text)[0]
    asked = reviewer.post("/case-reviews", data={"csrf": csrf_of(reviewer), "row": row, "reason": "A complaint about the method"})
    assert "Your request is saved." in asked.text
    review = case_reviews.of(state.operations, "ethics_reviewer")[0]
    form = {"csrf": csrf_of(reviewer), "purpose": "audit"}
    refused = reviewer.post(f"/pseudonymised/{review.person_key}/open", data=form)
    assert refused.status_code == 403
    assert "A whole page is a case review" in refused.text
    page = officer.get("/case-reviews").text
    assert "A complaint about the method" in page
    officer.post(f"/case-reviews/{review.id}/decision", data={"csrf": csrf_of(officer), "answer": "granted"})
    assert reviewer.post(f"/pseudonymised/{review.person_key}/open", data=form).status_code == 200
    other = next(key for key in state.person_keys()["person_key"].to_list() if key != review.person_key)
    assert reviewer.post(f"/pseudonymised/{other}/open", data=form).status_code in (403, 404)
    scientist = sign_in("data_scientist")
    assert scientist.post(f"/pseudonymised/{review.person_key}/open", data={"csrf": csrf_of(scientist), "purpose": "audit"}).status_code == 403


def test_a_refusal_opens_nothing_and_an_answer_is_given_once(sign_in: SignIn, state: State) -> None:
    reviewer, officer = sign_in("ethics_reviewer"), sign_in("data_protection_officer")
    row = ROW.findall(reviewer.get("/pseudonymised").text)[1]
    reviewer.post("/case-reviews", data={"csrf": csrf_of(reviewer), "row": row, "reason": "Curious"})
    review = case_reviews.of(state.operations)[0]
    answers = [officer.post(f"/case-reviews/{review.id}/decision", data={"csrf": csrf_of(officer), "answer": a}).status_code for a in ("refused", "granted")]
    assert answers == [200, 409]
    assert not case_reviews.is_open(state.operations, review.person_key, "ethics_reviewer")


def test_a_row_that_is_not_the_readers_own_asks_for_nobody(sign_in: SignIn, state: State) -> None:
    reviewer = sign_in("ethics_reviewer")
    others = ROW.findall(sign_in("data_scientist").get("/pseudonymised").text)[0]
    for row in (others, invented.key(state, 1), "", "0" * 24):
        answer = reviewer.post("/case-reviews", data={"csrf": csrf_of(reviewer), "row": row, "reason": "A reason"})
        assert answer.status_code == 400
    assert case_reviews.of(state.operations) == []


def test_a_request_that_waits_and_a_grant_that_is_open_outlast_any_number_that_are_over(state: State) -> None:
    event = Event("ethics_reviewer", "ethics_reviewer", "administration", "case_review_asked")
    with state.operations.writing(event) as tx:
        waiting, granted, *others = [case_reviews.ask(tx, f"k{n}", "A reason", "ethics_reviewer", "ethics_reviewer") for n in range(62)]
        case_reviews.decide(tx, granted, "granted", "data_protection_officer")
        for number in others:
            case_reviews.decide(tx, number, "refused", "data_protection_officer")
    found = case_reviews.of(state.operations)
    assert len(found) == 52
    assert [one.id for one in found[-2:]] == [granted, waiting]
    assert case_reviews.is_open(state.operations, "k1", "ethics_reviewer")


def test_a_grant_ends_after_fourteen_days() -> None:
    one = CaseReview(1, "k", "r", "a", "2026-09-01T10:00:00.000000Z", "granted", "o", "2026-09-01T12:00:00.000000Z")
    end = log.moment("2026-09-01T12:00:00.000000Z") + timedelta(days=14)
    assert one.is_open(log.instant(end))
    assert not one.is_open(log.instant(end + timedelta(seconds=1)))
    assert not one.is_open("2026-09-01T11:59:59.000000Z")


def test_nobody_answers_their_own_request(state: State) -> None:
    key = invented.key(state, 1)
    with state.operations.writing(Event("both", "data_scientist", "administration", "case_review_asked", subject=key)) as tx:
        number = case_reviews.ask(tx, key, "A reason", "both", "data_scientist")
    with state.operations.writing(Event("both", "data_protection_officer", "administration", "case_review_granted")) as tx:
        assert not case_reviews.decide(tx, number, "granted", "both")
        assert case_reviews.decide(tx, number, "granted", "another")
