"""What is written about people in the browser: decisions, sign-offs, data errors, lists that leave, objections; each with its event."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date

import polars as pl
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from tests.web import invented_people as invented
from tests.web.conftest import SignIn, carried, code_of, csrf_of, form_of, unnamed
from tests.web.test_people_pages import OWN, events

from harmcast.oversight.access import Role
from harmcast.publish.answers import closed_facts
from harmcast.store import desk, representations, schema
from harmcast.store.state import State
from harmcast.web import tickets


def ticket_of(text: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', text)
    assert found
    return found[1]


def decision(
    client: TestClient, state: State, number: int = OWN, text: str | None = None, **changes: str
) -> dict[str, str]:
    """The form of a decision as a browser would send it, from the page as opened."""
    page = text or client.get(f"/people/{invented.key(state, number)}").text
    form = {
        "csrf": csrf_of(client),
        "ticket": ticket_of(page),
        "decision": "no_change",
        "reason": "known_support",
        "checks": "connect",
        "judgement": "same",
        "words": "=1+1 <b>seen</b>",
        "review-day": "8",
        "review-month": "2",
        "review-year": "2027",
    }
    return {**form, **changes}


def save(client: TestClient, state: State, form: dict[str, str], number: int = OWN) -> object:
    return client.post(f"/people/{invented.key(state, number)}/decisions", data=form, follow_redirects=False)


def test_a_decision_keeps_what_was_shown(manager: TestClient, state: State) -> None:
    key = invented.key(state, OWN)
    response = save(manager, state, decision(manager, state))
    assert response.status_code == 303  # type: ignore[attr-defined]
    (kept,) = desk.of_person(state.operations, key)
    assert kept.review_on == date(2027, 2, 8)
    assert kept.own_judgement == "same"
    assert kept.time_band == "under 1 minute"
    assert kept.shown
    assert kept.shown["band"] == "high"
    assert kept.shown["charges"][0]["reference"] == "CH-00003"
    (event,) = events(state, "decision_made")
    assert event["subject"] == key
    assert "seen" not in str(event)
    page = manager.get(f"/people/{key}").text
    assert "=1+1 &lt;b&gt;seen&lt;/b&gt;" in page
    assert "No change (band high" in manager.get(f"/people/{key}?view=record").text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"decision": ""}, "Choose what you decided"),
        ({"reason": "other", "words": ""}, "Say the reason in words"),
        ({"decision": "refer", "checks": "none"}, "A referral rests on more than the score"),
        ({"decision": "not_adopted_local", "words": ""}, "Say what is wrong"),
        ({"checks": ""}, "Choose the checks you made"),
        ({"review-year": "2028"}, "The date must be"),
        ({"review-day": "31"}, "Enter a real date"),
        ({"ticket": "forged.0"}, "This form had expired"),
    ],
)
def test_a_decision_with_a_fault_is_not_kept(
    manager: TestClient, state: State, changes: dict[str, str], fault: str
) -> None:
    response = save(manager, state, decision(manager, state, **changes))
    assert response.status_code == 400
    assert fault in response.text
    assert not desk.of_person(state.operations, invented.key(state, OWN))
    assert not events(state, "decision_made")


def test_a_lost_update_is_refused_with_a_message(manager: TestClient, supervisor: TestClient, state: State) -> None:
    mine = decision(manager, state, words="mine")
    theirs = decision(supervisor, state, words="theirs")
    assert save(supervisor, state, theirs).status_code == 303  # type: ignore[attr-defined]
    refused = save(manager, state, mine)
    assert refused.status_code == 409  # type: ignore[attr-defined]
    assert "decided about this person after you opened the page" in refused.text
    assert "mine" in refused.text
    assert len(desk.of_person(state.operations, invented.key(state, OWN))) == 1
    again = decision(manager, state, text=refused.text)  # type: ignore[attr-defined]
    assert save(manager, state, again).status_code == 303  # type: ignore[attr-defined]


def test_a_form_written_on_the_release_before_keeps_what_that_release_showed(manager: TestClient, supervisor: TestClient, state: State) -> None:
    key = invented.key(state, OWN)
    before, newest = state.releases.history("iom")[0], state.releases.history("iom")[-1]
    written = tickets.PageTicket(f"person:{key}", "offender_manager", before.id, 0).text(state.secret)
    assert save(manager, state, decision(manager, state, ticket=written)).status_code == 303  # type: ignore[attr-defined]
    (kept,) = desk.of_person(state.operations, key)
    assert (kept.week, kept.unit, kept.band) == (before.week, invented.UNIT, "high")
    assert kept.shown
    assert (kept.shown["harm"], newest.frame("iom").filter(pl.col("person_key") == key)["harm"].item()) == (250.5, 250.0)
    late = tickets.PageTicket(f"person:{key}", "supervisor", before.id, 0).text(state.secret)
    refused = save(supervisor, state, decision(supervisor, state, ticket=late, words="late"))
    assert refused.status_code == 409  # type: ignore[attr-defined]
    assert "decided about this person after you opened the page" in refused.text  # type: ignore[attr-defined]
    assert "Invented Person 3" in refused.text  # type: ignore[attr-defined]
    assert "late" in refused.text  # type: ignore[attr-defined]
    assert newest.week != before.week


def test_another_ones_ticket_opens_nothing(manager: TestClient, supervisor: TestClient, state: State) -> None:
    stolen = decision(supervisor, state)["ticket"]
    assert save(manager, state, decision(manager, state, ticket=stolen)).status_code == 400  # type: ignore[attr-defined]
    other = decision(manager, state, 1)["ticket"]
    assert save(manager, state, decision(manager, state, ticket=other)).status_code == 400  # type: ignore[attr-defined]


def test_a_referral_is_signed_off_and_followed_up(manager: TestClient, supervisor: TestClient, state: State) -> None:
    key = invented.key(state, OWN)
    save(manager, state, decision(manager, state, decision="refer", words="for the panel"))
    number = desk.of_person(state.operations, key)[0].id
    assert "Sign off the referral" in supervisor.get(f"/people/{key}").text
    assert "Invented Person 3" in supervisor.get("/unit-work").text
    address = f"/people/{key}/decisions/{number}"
    signed = supervisor.post(
        f"{address}/sign-off", data={**form_of(supervisor, f"/people/{key}"), "sign": "agreed"}, follow_redirects=False
    )
    assert signed.status_code == 303
    form = {
        **form_of(manager, f"/people/{key}"),
        "step": "offered",
        "happened-day": "16",
        "happened-month": "11",
        "happened-year": "2026",
        "step-words": "a course",
    }
    early = manager.post(f"{address}/follow-ups", data={**form, "happened-day": "15"})
    assert "The date must be 16 November 2026 or later" in early.text
    assert manager.post(f"{address}/follow-ups", data=form, follow_redirects=False).status_code == 303
    page = manager.get(f"/people/{key}?view=record").text
    assert "agreed by the supervisor" in page
    assert "Support offered" in page
    assert "a course" in page
    assert manager.post(f"{address}/sign-off", data={"csrf": csrf_of(manager), "sign": "agreed"}).status_code == 403


def test_what_a_referral_rests_on_stands_beside_the_sign_off_and_in_the_timeline(
    manager: TestClient, supervisor: TestClient, sign_in: SignIn, state: State
) -> None:
    key = invented.key(state, OWN)
    sent = decision(manager, state, decision="refer", reason="escalating", checks="probation", judgement="higher", words="a panel")
    save(manager, state, sent)
    page = supervisor.get(f"/people/{key}").text
    asked = page[page.index("Sign off the referral") : page.index("Do you agree with this referral?")]
    said = ("Offending is getting more serious or more frequent", "Probation", "Higher", "a panel")
    record = supervisor.get(f"/people/{key}?view=record").text
    line = record[record.index('class="app-timeline"') :]
    for words in said:
        assert words in asked, words
        assert words in line, words
    page = unnamed(sign_in("ethics_reviewer"), key)
    assert "Refer for support" in page
    assert not any(words in page for words in ("Main reason", "Checks made", *said[:2], "a panel"))


def test_no_change_by_somebody_who_judged_otherwise_went_against_the_score(
    manager: TestClient, supervisor: TestClient, state: State
) -> None:
    for judgement in ("same", "lower", "higher"):
        save(manager, state, decision(manager, state, judgement=judgement))
    newest = desk.of_person(state.operations, invented.key(state, OWN))[0]
    assert (newest.decision, newest.own_judgement) == ("no_change", "higher")
    page = supervisor.get("/unit-work").text
    assert "2 of 3" in page[page.index('id="overrides"') : page.index("Not counted: deferred decisions, and people noted together as moved down.")]
    made = desk.since(state.operations, "")
    assert [desk.is_against(one["decision"], one["own_judgement"]) for one in made] == [False, True, True]


def test_what_was_not_adopted_is_counted_so_in_the_answers(manager: TestClient, state: State) -> None:
    save(manager, state, decision(manager, state, decision="not_adopted_data", words="another's charge"))
    (made,) = desk.since(state.operations, "")
    assert desk.is_against(made["decision"], made["own_judgement"])
    assert closed_facts.sets_aside(made["decision"])


def test_judge_then_reveal_hides_the_score_until_judged(
    manager: TestClient, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(state.settings.decisions.__dict__, "judge_then_reveal", True)
    key = invented.key(state, OWN)
    page = manager.get(f"/people/{key}").text
    assert "Your own judgement first" in page
    assert "Harm weight" not in page
    assert "app-band--" not in page
    assert 'id="changed"' not in page
    judged = manager.post(f"/people/{key}/judgement", data={"csrf": csrf_of(manager), "band": "super high"})
    assert "You expected the band <strong>super high</strong>" in judged.text
    form = decision(manager, state, text=judged.text)
    del form["judgement"]
    assert save(manager, state, form).status_code == 303  # type: ignore[attr-defined]
    (kept,) = desk.of_person(state.operations, key)
    assert kept.judged_first
    assert kept.own_judgement == "higher"


def test_a_data_error_goes_its_way(manager: TestClient, sign_in: SignIn, state: State) -> None:
    key = invented.key(state, OWN)
    manager.post(
        f"/people/{key}/data-errors", data={**form_of(manager, f"/people/{key}"), "error-words": "CH-00003 is somebody else's"}
    )
    officer = sign_in("data_protection_officer")
    assert "somebody else" in officer.get("/representations").text
    (raised,) = representations.of_person(state.operations, key)
    token = carried(officer)
    for form in (
        {"step-1": "looked_at"},
        {"step-1": "outcome", "outcome-1": "upheld", "words-1": "put right"},
        {"step-1": "rescored"},
    ):
        sent = {name.replace("1", str(raised.id)): value for name, value in form.items()}
        assert (
            officer.post(
                f"/representations/{raised.id}/steps", data={**token, **sent}, follow_redirects=False
            ).status_code
            == 303
        )
    (raised,) = representations.of_person(state.operations, key)
    assert not raised.is_open
    assert raised.steps[-1]["rescored_week"] == "2026-W47"
    assert [e["subject"] for e in events(state, "representation_step")] == [key] * 3
    assert "put right" in manager.get(f"/people/{key}").text


def test_an_objection_is_recorded_as_one_and_stands_on_the_page_and_beside_the_sign_off(
    manager: TestClient, supervisor: TestClient, sign_in: SignIn, state: State
) -> None:
    key = invented.key(state, OWN)
    page = manager.get(f"/people/{key}").text
    assert 'value="data_error" checked' in page
    sent = {**form_of(manager, f"/people/{key}"), "error-kind": "objection", "error-words": "Objects to being scored"}
    refused = manager.post(f"/people/{key}/data-errors", data={**sent, "error-channel": "unit"})
    assert refused.status_code == 400
    assert "Choose how it came: by the person, or by somebody for them" in refused.text
    assert representations.of_person(state.operations, key) == []
    saved = manager.post(f"/people/{key}/data-errors", data={**sent, "error-channel": "person"}, follow_redirects=False)
    assert saved.status_code == 303
    (raised,) = representations.of_person(state.operations, key)
    assert (raised.kind, raised.channel, raised.words, raised.role) == ("objection", "person", "Objects to being scored", "offender_manager")
    (event,) = events(state, "representation_received")
    assert (event["subject"], events(state, "data_error_reported")) == (key, [])
    for client in (manager, supervisor):
        page = client.get(f"/people/{key}").text
        assert "<strong>Objection: received</strong>" in page
        assert "“Objects to being scored”" in page
    assert "Objection: received" in manager.get("/people").text
    save(manager, state, decision(manager, state, decision="refer", words="a panel"))
    page = supervisor.get(f"/people/{key}").text
    asked = page[page.index("Sign off the referral") : page.index("Do you agree with this referral?")]
    assert "Objection by the person or for them" in asked
    assert "Objects to being scored" in asked
    page = sign_in("data_protection_officer").get("/representations").text
    assert "<strong>Objection by the person or for them</strong>" in page
    assert "from the person; recorded by" in page
    assert f'href="/log?subject={key}"' in page
    assert invented.reference(OWN) not in page  # her role reads keys, not references


def exported(response: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))  # type: ignore[attr-defined]


def test_a_key_led_to_another_person_is_shown_and_leaves_nowhere(manager: TestClient, state: State) -> None:
    assert manager.get("/people?group=all").status_code == 200
    with state.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE person_keys SET person_ref = person_ref || 'X'"))
    assert manager.get("/people?group=all").status_code == 503
    assert manager.post("/exports", data={"csrf": csrf_of(manager), "names": "no", "reason": "x"}).status_code == 503


def test_a_list_without_names_leaves_with_its_watermark(manager: TestClient, state: State) -> None:
    response = manager.post(
        "/exports", data={"csrf": csrf_of(manager), "names": "no", "reason": "=HYPERLINK(1)\nfor the meeting"}
    )
    rows = exported(response)
    names, people = rows[0], rows[1:]
    assert (names[0], names[-4:]) == ("person_ref", ["tool", "release", "data_to", "notice"])
    assert {"iom"} == {row[-4] for row in people}
    assert all("Decision support." in row[-1] and "Downloaded by" in row[-1] and "for: =HYPERLINK(1)" in row[-1] for row in people)
    assert "name" not in names
    assert {int(row[0][1:]) for row in people} <= set(range(invented.EACH)) - {7, 8}
    assert not [cell for row in rows for cell in row if cell and cell[0] in "=+@"]
    (event,) = events(state, "people_downloaded")
    assert event["kind"] == "disclosure"
    assert len(json.loads(str(event["detail"]))["shown"]) == len(people)
    (kept,) = state.operations.rows(sa.select(schema.exports).where(schema.exports.c.what == "people"))
    assert kept["rows"] == len(people)
    assert not kept["with_names"]


def test_the_cap_holds(manager: TestClient, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(state.settings.web.__dict__, "export_rows", 10)
    rows = exported(manager.post("/exports", data={"csrf": csrf_of(manager), "names": "no", "reason": "x"}))
    assert sum(bool(re.fullmatch(r"P\d{5}", row[0])) for row in rows) == 10


def test_names_need_a_second_person_and_go_once(manager: TestClient, supervisor: TestClient, state: State) -> None:
    sent = manager.post(
        "/exports", data={"csrf": csrf_of(manager), "names": "yes", "reason": "court"}, follow_redirects=False
    )
    assert sent.status_code == 303
    assert not events(state, "people_downloaded")
    (asked,) = state.operations.rows(sa.select(schema.export_requests))
    address, token = f"/exports/{asked['id']}", {"csrf": csrf_of(manager)}
    assert manager.post(f"{address}/download", data=token).status_code == 403
    assert supervisor.post(f"{address}/download", data={"csrf": csrf_of(supervisor)}).status_code == 403
    assert (
        supervisor.post(
            f"{address}/decision", data={"csrf": csrf_of(supervisor), "answer": "granted"}, follow_redirects=False
        ).status_code
        == 303
    )
    got = manager.post(f"{address}/download", data=token)
    assert "Invented Person 3" in got.text
    assert "Invented Person 7" not in got.text
    assert manager.post(f"{address}/download", data=token).status_code == 403
    with state.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.exports))
    assert manager.post(f"{address}/download", data=token).status_code == 403, "the log still says that it left"
    own = supervisor.post(
        "/exports", data={"csrf": csrf_of(supervisor), "names": "yes", "reason": "mine"}, follow_redirects=False
    )
    assert own.status_code == 303
    last = state.operations.rows(sa.select(schema.export_requests).order_by(schema.export_requests.c.id.desc()))[0][
        "id"
    ]
    assert (
        supervisor.post(
            f"/exports/{last}/decision", data={"csrf": csrf_of(supervisor), "answer": "granted"}
        ).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("role", "kind", "status"),
    [
        (Role.DATA_PROTECTION_OFFICER, "dpia", 303),
        (Role.ETHICS_REVIEWER, "dpia", 400),
        (Role.ETHICS_REVIEWER, "ethics", 303),
    ],
)
def test_who_may_enter_what_in_the_register(sign_in: SignIn, state: State, role: Role, kind: str, status: int) -> None:
    client = sign_in(role.value)
    form = {
        **carried(client),
        "tool": "iom",
        "kind": kind,
        "outcome": "approved",
        "by-whom": "The panel",
        "title": "Advice 12",
        "dated-day": "1",
        "dated-month": "10",
        "dated-year": "2026",
        "review-day": "1",
        "review-month": "10",
        "review-year": "2027",
    }
    other = "ethics_reviewer" if role is Role.DATA_PROTECTION_OFFICER else "data_protection_officer"
    for second in ("", code_of(state, role.value, "register enter approval")):
        assert client.post("/register", data={**form, "second-code": second}, follow_redirects=False).status_code == 400
    form["second-code"] = code_of(state, other, "register enter approval")
    assert client.post("/register", data=form, follow_redirects=False).status_code == status
    assert len([e for e in state.register.entries() if e.words == "Advice 12"]) == (status == 303)


def test_the_tour_is_recorded_and_opens_no_tool_by_itself(sign_in: SignIn, state: State) -> None:
    from harmcast.words.tour_questions import PLACES

    client = sign_in("untrained")
    wrong = {q.name: next(a for a in q.answers if a != q.right) for q in PLACES}
    right = {q.name: q.right for q in PLACES}
    assert "0 of 5 right" in client.post("/training/knife_injury/tour", data={"csrf": csrf_of(client), **wrong}).text
    assert not state.users.trainings_of("untrained")
    assert "You passed" in client.post("/training/knife_injury/tour", data={"csrf": csrf_of(client), **right}).text
    (kept,) = state.users.trainings_of("untrained")
    assert (kept["kind"], kept["right"], kept["asked"]) == ("tour", 5, 5)
    assert client.get("/areas/knife_injury").status_code == 403


def test_the_log_is_searched_by_person_without_a_reference_in_an_address(
    manager: TestClient, sign_in: SignIn, state: State
) -> None:
    key = invented.key(state, OWN)
    manager.get(f"/people/{key}")
    officer = sign_in("data_protection_officer")
    found = officer.post("/log/person", data={"csrf": csrf_of(officer), "reference": "P00003"}, follow_redirects=False)
    assert found.headers["location"] == f"/log?subject={key}"
    text = officer.get(found.headers["location"]).text
    assert "Person viewed" in text
    assert "People listed" not in text
    assert "Invented Person" not in text
    assert officer.get(f"/people/{key}").status_code == 403


def test_two_people_let_a_release_out(sign_in: SignIn, state: State) -> None:
    from harmcast.oversight.log import Event

    newest = state.releases.newest("iom")
    assert newest
    state.releases.move(newest, "held", Event("system", "operator", "run", "held"), "odd volume")
    for kind in ("dpia", "legal", "ethics"):
        entry = {
            "tool": None,
            "kind": kind,
            "title": "t",
            "outcome": "approved",
            "dated": date(2026, 1, 1),
            "by_whom": "w",
            "document_ref": None,
            "conditions": None,
            "review_by": None,
        }
        state.register.enter(entry, Event("dpo", "data_protection_officer", "administration", "entered"))
    first, second = sign_in("supervisor"), sign_in("data_scientist")
    address, field = f"/releases/{newest.name}/publish", f"reason-{newest.name}"
    assert (
        first.post(address, data={**carried(first), field: "looked at"}, follow_redirects=False).status_code
        == 303
    )
    refused = first.post(address, data={**carried(first), field: "again"})
    assert refused.status_code == 409
    assert "cannot publish it too" in refused.text
    assert (
        second.post(address, data={**carried(second), field: "fine"}, follow_redirects=False).status_code == 303
    )
    published = state.releases.newest("iom")
    assert published
    assert published.standing == "published"
