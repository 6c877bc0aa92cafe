"""Somebody merged into another record: what was written on the older one is read, signed off and followed up on the surviving one."""

from __future__ import annotations

import shutil
from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.web.conftest import SignIn, form_of
from tests.web.invented_people import changed, key, reference
from tests.web.test_oversight_browser import refer
from tests.web.test_people_forms import decision, save

from harmcast.oversight.log import Event
from harmcast.people import charges
from harmcast.store import desk, merges, representations
from harmcast.store.merges import Merges
from harmcast.store.state import State
from harmcast.web import open_work

OLD, NOW, BETWEEN = 13, 23, 18
TODAY = date(2026, 11, 16)
OFFICER = ("data_protection_officer", "data_protection_officer")


def merge(state: State, into: dict[int, int], **more: Any) -> None:
    """A load that says who was merged into whom; the records are this test's own from then on."""
    shared = (state.root / "records").resolve()
    (state.root / "records").unlink()
    shutil.copytree(shared, state.root / "records")
    changed(state, TODAY, {old: {"merged_into": reference(now), **more} for old, now in into.items()})


@pytest.fixture
def referral(state: State) -> int:
    """A referral and an objection about somebody; the referral's number."""
    with state.operations.writing(Event(*OFFICER, "alteration", "representation_received")) as tx:
        representations.receive(tx, key(state, OLD), "iom", "objection", TODAY, "person", "Not my charge", *OFFICER)
    return refer(state, key(state, OLD))


def test_a_merged_persons_referral_is_signed_off_and_followed_up_under_the_surviving_record(state: State, referral: int, sign_in: SignIn) -> None:
    merge(state, {OLD: BETWEEN, BETWEEN: NOW})
    supervisor, manager, here = sign_in("supervisor"), sign_in("offender_manager"), f"/people/{key(state, NOW)}"
    home = supervisor.get("/unit-work").text
    assert f"{here}#referral-{referral}" in home
    assert f"from {reference(OLD)}" in home
    text = supervisor.get(here).text
    assert "for the panel" in text
    assert "Not my charge" in supervisor.get(f"{here}?view=record").text
    address = f"{here}/decisions/{referral}"
    answer = supervisor.post(f"{address}/sign-off", data={**form_of(supervisor, here), "sign": "agreed", "sign-words": "Do it"}, follow_redirects=False)
    assert answer.status_code == 303
    item = next(i for i in open_work.everything(state, TODAY).items if i.kind == "referral")
    assert (item.state, item.about, item.source) == ("Referral agreed", key(state, NOW), key(state, OLD))
    happened = {"happened-day": "16", "happened-month": "11", "happened-year": "2026"}
    answer = manager.post(f"{address}/follow-ups", data={**form_of(manager, here), "step": "offered", **happened}, follow_redirects=False)
    assert answer.status_code == 303
    (kept,) = desk.of_person(state.operations, key(state, OLD))
    assert [(s["outcome"], s["words"]) for s in kept.sign_offs] == [("agreed", "Do it")]
    assert [f["step"] for f in kept.follow_ups] == ["offered"]


def test_a_decision_on_the_surviving_record_has_seen_the_older_ones(state: State, referral: int, manager, clock) -> None:
    merge(state, {OLD: NOW})
    before = decision(manager, state, NOW)
    assert save(manager, state, before, NOW).status_code == 303  # type: ignore[attr-defined]
    assert save(manager, state, before, NOW).status_code == 409  # type: ignore[attr-defined]  # the ticket saw the referral, not this one
    closed = next(i for i in open_work.everything(state, TODAY).items if i.kind == "referral")
    assert closed.state == "Decided again"


def test_the_surviving_record_is_as_restricted_as_the_one_merged_into_it(state: State, referral: int, sign_in: SignIn) -> None:
    merge(state, {OLD: NOW}, restricted=True)
    here = f"/people/{key(state, NOW)}"
    assert "for the panel" not in sign_in("offender_manager").get(here).text
    assert "for the panel" in sign_in("supervisor").get(here).text


def test_nobody_elses_number_is_signed_off_through_a_merge(state: State, referral: int, sign_in: SignIn) -> None:
    supervisor, here = sign_in("supervisor"), f"/people/{key(state, NOW)}"
    answer = supervisor.post(f"{here}/decisions/{referral}/sign-off", data={**form_of(supervisor, here), "sign": "agreed"})
    assert answer.status_code == 404


@pytest.mark.parametrize("into", [{"A": "B"}, {"A": "B", "B": "C"}, {"A": "B", "B": "A"}, {"A": "Z"}, {"A": "A"}, {"A": "B", "B": "C", "C": "B"}, {"A": "B", "B": "Z"}])
def test_merges_end_where_the_score_has_them_end(into: dict[str, str]) -> None:
    persons = pl.DataFrame({"person_ref": ["A", "B", "C"], "merged_into": [into.get(ref) for ref in "ABC"]}, schema_overrides={"merged_into": pl.String})
    assert merges.survivors(persons) == dict(charges.survivors(persons).iter_rows())


def test_keys_of_a_record_are_its_own_and_those_merged_into_it() -> None:
    found = Merges({"a": "c", "b": "c"})
    assert found.keys("c") == ("c", "a", "b")
    assert found.keys("x") == ("x",)
    assert found.surviving("a") == "c"
    assert found.followed(pl.DataFrame({"person_key": ["a", "x"]}))["person_key"].to_list() == ["c", "x"]
