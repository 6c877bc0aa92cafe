"""What an analyst writes on a cell: saved with its event, signed, never run as markup; faults are said and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from tests.web.conftest import SignIn, csrf_of, form_of

from harmcast.runs import audit
from harmcast.store import cell_records, schema
from harmcast.web.forms import Form, plain
from harmcast.web.security import MOST_BYTES
from harmcast.weeks import Week

TOOL = "knife_injury"
ASKED = {"place": "The precinct, north door", "time": "Fri, Sat 22:00 to 03:00", "asked": "Two officers on foot."}
ATTACKS = (
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "'; DROP TABLE users;--",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe",
    "a\x00b\r\nSet-Cookie: x=1",
)


@pytest.fixture
def cell(web: FastAPI) -> str:
    return str(web.state.harmcast.releases.published(TOOL).frame(TOOL).sort("expected", descending=True)["cell"][0])


def answer(csrf: str, step: str = "outcome", choice: str = "adopted", day: int = 16, newest: int = 0, **more: str) -> dict[str, str]:
    """Tasking's answer, or what was done, as the form sends it."""
    return {"csrf": csrf, "step": step, "choice": choice, "on-day": str(day), "on-month": "11", "on-year": "2026", "newest": str(newest), **more}


def test_tasking_answers_and_what_was_done_closes_it(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    client, operations = sign_in("intelligence_analyst"), web.state.harmcast.operations
    csrf, here = csrf_of(client), f"/areas/{TOOL}/cells/{cell}"
    client.post(f"{here}/recommendations", data={**form_of(client, here), **ASKED, "recommendation": "Late turns."})
    number = cell_records.recommendations(operations, TOOL, cell)[0]["id"]
    address, home = f"/recommendations/{number}", client.get("/home").text
    assert "Waits for tasking" in home
    assert f'href="{address}"' in home
    assert "Your open work: 1" in home
    done = answer(csrf, "done", "done", words="Two patrols.")
    assert "record tasking&#39;s decision first" in client.post(address, data=done).text
    assert "or later" in client.post(address, data=answer(csrf, day=15)).text  # before it was recommended
    late = {"until-day": "1", "until-month": "12", "until-year": "2026"}
    assert "put it off" in client.post(address, data=answer(csrf, choice="deferred")).text
    asked = client.get(address).text  # who records the decision reads what was asked, as the briefing printed it
    assert all(words in asked for words in (ASKED["place"], ASKED["time"], "Late turns.", ASKED["asked"]))
    assert client.post(address, data=answer(csrf, choice="deferred") | late, follow_redirects=False).status_code == 303
    assert "put off to 1 December 2026" in client.get(here).text
    assert "Deferred by tasking" in client.get("/home").text
    assert client.post(address, data=answer(csrf)).status_code == 409  # written on what stood before
    first, *_ = cell_records.recommendation(operations, number)["outcomes"]
    assert client.post(address, data=answer(csrf, newest=first["id"]), follow_redirects=False).status_code == 303
    second = cell_records.recommendation(operations, number)["outcomes"][-1]["id"]
    assert "Say what was done" in client.post(address, data=answer(csrf, "done", "done", newest=second)).text
    assert client.post(address, data=answer(csrf, "done", "done", newest=second, words="Two patrols."), follow_redirects=False).status_code == 303
    home = client.get("/home").text
    assert "Your open work: 0" in home
    assert "Closed in the last 14 days: 1" in home
    page = client.get(address).text
    assert "Two patrols." in page
    assert "does not show that it worked" in page


def test_the_analysts_monday(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    operations = web.state.harmcast.operations
    here = f"/areas/{TOOL}/cells/{cell}"
    form = form_of(client, here)
    client.post(f"{here}/notes", data={**form, "note": "Fair on the green until Friday."})
    client.post(f"{here}/recommendations", data={**form, **ASKED, "recommendation": "Visible patrol, late turns."})
    number = cell_records.recommendations(operations, TOOL, cell)[0]["id"]
    sheet = client.get(f"/areas/{TOOL}/briefing").text
    assert "Visible patrol, late turns." in sheet
    assert "Deferred to" in sheet
    assert "recommended to tasking" in client.get(f"/areas/{TOOL}").text
    assert client.post(f"/recommendations/{number}", data=answer(form["csrf"], choice="adopted_in_part"), follow_redirects=False).status_code == 303
    happened = {"happened-day": "15", "happened-month": "11", "happened-year": "2026"}
    client.post(f"{here}/activity", data={**form, "activity": "patrol", "minutes": "45", **happened})
    assert "Visible patrol" not in client.get(f"/areas/{TOOL}/briefing").text  # tasking has decided
    assert "decided by tasking" in client.get(f"/areas/{TOOL}").text
    html = client.get(here).text
    for words in (
        "Fair on the green until Friday.",
        "Visible patrol, late turns.",
        "Adopted in part",
        "45 minutes",
        "Intelligence_Analyst, intelligence analyst, 16 November 2026",
    ):
        assert words in html
    written = [e.action for e in operations.entries() if e.kind == "alteration"]
    assert written[-4:] == [
        "cell_note_added",
        "tasking_recommended",
        "tasking_outcome_recorded",
        "cell_activity_recorded",
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_written_is_shown_as_text(attack: str, sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    here = f"/areas/{TOOL}/cells/{cell}"
    client.post(f"{here}/notes", data={**form_of(client, here), "note": attack})
    response = client.get(here)
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "49" not in response.text.split('id="notes"')[1].split("</section>")[0].split("<form")[0]
    assert "\u202e" not in response.text
    assert "set-cookie" not in response.headers


def test_faults_are_said_and_nothing_typed_is_lost(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    here = f"/areas/{TOOL}/cells/{cell}"
    form = {
        **form_of(client, here),
        "activity": "patrol",
        "minutes": "much",
        "happened-day": "31",
        "happened-month": "2",
        "happened-year": "2026",
        "activity-words": "late turn",
    }
    response = client.post(f"{here}/activity", data=form)
    assert response.status_code == 400
    for words in (
        "There is a problem",
        "Enter a real date",
        "Minutes must be a whole number",
        'value="late turn"',
        'value="31"',
    ):
        assert words in response.text
    assert cell_records.activity(web.state.harmcast.operations, TOOL, cell) == []


def test_a_date_to_come_is_refused(sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    form = {
        **form_of(client, f"/areas/{TOOL}/cells/{cell}"),
        "activity": "visit",
        "happened-day": "1",
        "happened-month": "1",
        "happened-year": "2027",
    }
    assert "or earlier" in client.post(f"/areas/{TOOL}/cells/{cell}/activity", data=form).text


def test_cells_and_recommendations_that_are_not_there(sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    csrf = csrf_of(client)
    assert client.get(f"/areas/{TOOL}/cells/E1N1").status_code == 404
    assert client.post(f"/areas/{TOOL}/cells/E1N1/notes", data={"csrf": csrf, "note": "x"}).status_code == 404
    assert client.post("/recommendations/999", data=answer(csrf)).status_code == client.get("/recommendations/999").status_code == 404
    assert client.get(f"/areas/{TOOL}?week=2031-W01").status_code == 404
    assert client.get(f"/areas/{TOOL}?area=Nowhere").status_code == 404
    assert client.get("/areas/iom").status_code == 404
    assert client.get("/areas/nope").status_code == 404
    assert client.get(f"/areas/{TOOL}?at=x").status_code == 400


def test_a_request_that_is_too_large_is_not_read(sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    form = {"csrf": csrf_of(client), "note": "x" * (MOST_BYTES + 1)}
    assert client.post(f"/areas/{TOOL}/cells/{cell}/notes", data=form).status_code == 413


def test_a_body_that_does_not_say_its_length_is_read_to_the_limit_alone(sign_in: SignIn, cell: str) -> None:
    client, sent = sign_in("intelligence_analyst"), []

    def body() -> Iterator[bytes]:
        yield f"csrf={csrf_of(client)}&note=".encode()
        for _ in range(64):
            sent.append(1)
            yield b"x" * 64 * 1024

    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post(f"/areas/{TOOL}/cells/{cell}/notes", content=body(), headers=headers, follow_redirects=False)
    assert 400 <= answer.status_code < 500
    assert not client.app.state.harmcast.operations.rows(sa.select(schema.cell_notes))


@given(st.text())
def test_plain_text_holds_no_mark_that_turns_a_line(text: str) -> None:
    made = plain(text)
    assert plain(made) == made
    assert not any(c in made for c in "\x00\x1b\r\u202e\u2066")


def test_a_form_reads_dates_and_numbers() -> None:
    form = Form({"d-day": "1", "d-month": "2", "d-year": "2026", "n": "٣", "m": ""})
    assert str(form.day("d", "missing", first=date(2026, 2, 1))) == "2026-02-01"
    assert form.whole("m", 1, 5, "fault") is None
    assert not form.errors
    assert form.whole("n", 1, 5, "fault") is None
    assert form.error("n") == {"text": "fault"}


@pytest.mark.parametrize(
    ("year", "fault"),
    [("26", "Enter the year in four figures, for example 2026"), ("02026", "Enter the year in four figures, for example 2026"),
     ("٢٠٢٦", "Enter the year in four figures, for example 2026"), ("2025", "The date must be 1 February 2026 or later"), ("2026", None)],
)  # fmt: skip
def test_a_year_has_four_figures_and_a_date_a_floor(year: str, fault: str | None) -> None:
    form = Form({"d-day": "1", "d-month": "2", "d-year": year})
    form.day("d", "missing", first=date(2026, 2, 1))
    assert form.error("d-day") == (None if fault is None else {"text": fault})


def test_a_form_without_its_pages_ticket_saves_nothing_and_keeps_the_words(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    here = f"/areas/{TOOL}/cells/{cell}"
    answer = client.post(f"{here}/notes", data={"csrf": csrf_of(client), "note": "Fair on the green."})
    assert answer.status_code == 400
    assert "This form had expired" in answer.text
    assert "Fair on the green.</textarea>" in answer.text
    assert cell_records.notes(web.state.harmcast.operations, TOOL, cell) == []


def test_what_was_written_on_an_earlier_release_says_that_release(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    client = sign_in("intelligence_analyst")
    here = f"/areas/{TOOL}/cells/{cell}"
    client.post(f"{here}/notes", data={**form_of(client, f"{here}?week=2026-W44"), "note": "Read on W44."})
    assert [n["week"] for n in cell_records.notes(web.state.harmcast.operations, TOOL, cell)] == ["2026-W44"]


@pytest.mark.parametrize(("what", "path", "more"), [("note", "notes", {"note": "Wrong place."}), ("recommendation", "recommendations", {**ASKED, "recommendation": "Wrong place."}),
                                                    ("activity", "activity", {"activity": "patrol", "minutes": "60", "happened-day": "15", "happened-month": "11", "happened-year": "2026"})])  # fmt: skip
def test_a_second_entry_strikes_a_wrong_one(web: FastAPI, sign_in: SignIn, cell: str, what: str, path: str, more: dict[str, str]) -> None:
    client, operations = sign_in("intelligence_analyst"), web.state.harmcast.operations
    here = f"/areas/{TOOL}/cells/{cell}"
    client.post(f"{here}/{path}", data={**form_of(client, here), **more})
    sent = {**form_of(client, here), "what": what, "number": "1"}
    assert "Say what was wrong with it" in client.post(f"{here}/strikes", data=sent).text
    assert client.post(f"{here}/strikes", data={**sent, "number": "2", "reason": "Typed twice."}).status_code == 404
    assert client.post(f"{here}/strikes", data={**sent, "reason": "Another street."}, follow_redirects=False).status_code == 303
    page = client.get(here).text
    assert "<strong>Struck</strong> by Intelligence_Analyst, 16 November 2026" in page
    assert ": Another street." in page
    assert client.post(f"{here}/strikes", data={**sent, "reason": "Again."}).status_code == 409
    read = {"note": cell_records.notes, "activity": cell_records.activity, "recommendation": cell_records.recommendations}[what]
    assert read(operations, TOOL, cell)[0]["struck"]["reason"] == "Another street."
    assert cell_records.patrol_hours(operations, TOOL, date(2026, 1, 1)) == {}
    assert "Your open work: 0" in client.get("/home").text
    assert [e.action for e in operations.entries() if e.kind == "alteration"][-1] == "entry_struck"


def test_recorded_patrols_reach_my_area_and_the_check_whether_records_follow_them(web: FastAPI, sign_in: SignIn, cell: str, clock) -> None:
    client, state = sign_in("intelligence_analyst"), web.state.harmcast
    here = f"/areas/{TOOL}/cells/{cell}"
    for kind, minutes in (("patrol", "60"), ("patrol", "45"), ("visit", "30"), ("patrol", ""), ("other", "90")):
        sent = {"activity": kind, "minutes": minutes, "happened-day": "15", "happened-month": "11", "happened-year": "2026"}
        client.post(f"{here}/activity", data={**form_of(client, here), **sent})
    assert "Patrolled 1.8 h in 28 days" in client.get(f"/areas/{TOOL}").text

    def held(day: int) -> list[tuple[str, date, float]]:
        return cell_records.patrols_before(state.operations, TOOL, date(2026, 11, day), "Europe/London").rows()

    first = [(cell, date(2026, 11, 15), minutes) for minutes in (60.0, 45.0, 30.0)]
    assert (held(16), held(17)) == ([], first)  # a week made again holds what was written before it began
    clock.on(days=1)
    client = sign_in("intelligence_analyst")
    client.post(f"{here}/strikes", data={**form_of(client, here), "what": "activity", "number": "1", "reason": "Twice."})
    assert (held(17), held(18)) == (first, first[1:])


def test_a_patrol_that_is_sent_and_recorded_counts_once(web: FastAPI, sign_in: SignIn, cell: str, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    client, state = sign_in("intelligence_analyst"), web.state.harmcast
    here = f"/areas/{TOOL}/cells/{cell}"
    for day in ("14", "15"):
        client.post(f"{here}/activity", data={**form_of(client, here), "activity": "patrol", "minutes": "60", "happened-day": day, "happened-month": "11", "happened-year": "2026"})
    sent = pl.DataFrame({"started_at": [datetime(2026, 11, 15, 20)], "minutes": [25.0]})
    monkeypatch.setattr(type(state.records), "activity", lambda *_: sent)
    monkeypatch.setattr(audit, "_cells_of", lambda *_: pl.Series([cell]))
    found = audit._patrols(state, TOOL, Week.of(date(2026, 11, 23)), date(2026, 11, 22), 1, None)  # type: ignore[arg-type]
    assert found is not None
    assert found.rows() == [(cell, date(2026, 11, 15), 25.0), (cell, date(2026, 11, 14), 60.0)]
    monkeypatch.setattr(type(state.records), "activity", lambda *_: sent.clear())
    monkeypatch.setattr(audit, "_cells_of", lambda *_: pl.Series([], dtype=pl.String))
    assert audit._patrols(state, "iom", Week.of(date(2026, 11, 23)), date(2026, 11, 22), 1, None) is None  # type: ignore[arg-type]
