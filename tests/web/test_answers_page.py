"""The page of answers: what two people signed is listed and handed out as it was signed; what waits is not handed out."""

from __future__ import annotations

from datetime import date

from tests.web.conftest import SignIn

from harmcast.oversight.log import Event
from harmcast.store import reports
from harmcast.store.reports import NewAnswer
from harmcast.store.state import State

NEW = NewAnswer("foi", "1353A/22 <b>", date(2026, 11, 1), date(2026, 11, 1), b"<p>signed</p>", b"{}", "ab" * 32)


def test_published_answers_are_listed_and_handed_out(state: State, sign_in: SignIn) -> None:
    reader = sign_in("ethics_reviewer")
    assert "No answer was published yet." in reader.get("/answers").text
    number = reports.sign_first(state.operations, NEW, None, Event("sam", "data_scientist", "disclosure", "answer_proposed"))
    page = reader.get("/answers").text
    assert "waits for the data protection officer" in page
    assert reader.get(f"/answers/{number}/html").status_code == 404
    (waiting,) = reports.answers(state.operations)
    reports.sign_second(state.operations, waiting, Event("dora", "data_protection_officer", "disclosure", "answer_published"))
    page = reader.get("/answers").text
    assert "1353A/22 &lt;b&gt;" in page
    assert "ab" * 32 in page
    got = reader.get(f"/answers/{number}/html")
    assert (got.content, got.headers["content-disposition"]) == (b"<p>signed</p>", f'attachment; filename="answer-{number}.html"')
    assert reader.get(f"/answers/{number}/json").content == b"{}"
    assert reader.get(f"/answers/{number}/sha256").status_code == 404
    assert reader.get(f"/answers/{number + 1}/html").status_code == 404
    looked = [e.action for e in state.operations.entries() if e.action.startswith("answer")]
    assert looked.count("answer_downloaded") == 5  # what was not there was asked for all the same
