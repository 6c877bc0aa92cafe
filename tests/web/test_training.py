"""Training: the tour's parts add up, its steps can all be gone through, passing is recorded, the recording has its place."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import SignIn, csrf_of

from harmcast.store.state import State
from harmcast.words.tour_questions import questions
from harmcast.words.tour_steps import steps

KINDS = [("knife_injury", "places"), ("iom", "people")]


def texts(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize(("tool", "kind"), KINDS)
def test_each_step_leads_to_the_next_and_the_last_to_the_questions(tool: str, kind: str, sign_in: SignIn) -> None:
    client, every = sign_in("untrained"), steps(kind)
    address = f"/training/{tool}/tour"
    for number, step in enumerate(every, start=1):
        html = client.get(address).text
        assert f"step {number} of {len(every)}" in html
        assert step.title in html.replace("&#39;", "'")
        assert "invented figures" in html
        assert "There is a problem" not in html
        address = re.findall(r'class="govuk-button" role="button" href="([^"]+)"', html)[-1]
    html = client.get(address).text
    assert html.count("<fieldset") == len(questions(kind))
    assert not re.search(r"govuk-radios__input[^>]*checked", html)


@pytest.mark.parametrize("step", ["0", "-1", "99", "٣", "x", "", "1e3"])
def test_a_step_that_is_not_there_breaks_nothing(step: str, sign_in: SignIn) -> None:
    assert sign_in("untrained").get("/training/iom/tour", params={"step": step}).status_code == 200


def test_the_parts_add_up(sign_in: SignIn) -> None:
    client = sign_in("untrained")
    changed = texts(client.get("/training/iom/tour?step=5").text)
    numbers = [float(n) for n in re.findall(r"(?:Last week|records|passing|model|This week) ([+-]?[\d.]+)", changed)][:5]
    assert sum(numbers[:4]) == pytest.approx(numbers[4])
    charges = texts(client.get("/training/iom/tour?step=6").text)
    assert round(365.0 * 0.40, 1) == 146.0
    assert round(10.0 * 0.96, 1) == 9.6
    assert {"146.0", "9.6", "17.3", "172.9"} <= set(charges.split())
    assert round(146.0 + 9.6 + 17.3, 1) == 172.9
    crowd = client.get("/training/iom/tour?step=3").text
    assert crowd.count("app-crowd__one--came") == 6
    assert len(re.findall(r'class="app-crowd__one[ "]', crowd)) == 100


def test_answers_stand_in_the_trainers_handout_alone(sign_in: SignIn) -> None:
    because = questions("people")[0].because
    assert because not in sign_in("untrained").get("/training/iom/tour?step=all").text
    assert because in sign_in("administrator").get("/training/iom/tour?step=all").text


def test_the_forces_recording_is_entered_and_found_by_everyone(sign_in: SignIn, state: State) -> None:
    administrator = sign_in("administrator")
    form = {"csrf": csrf_of(administrator), "iom-title": "Recording of the demonstration", "iom-where": "https://learning.force.example/iom",
            "iom-by": "A. Trainer, extension 12", "iom-made-day": "3", "iom-made-month": "11", "iom-made-year": "2026"}  # fmt: skip
    saved = administrator.post("/training/iom/material", data=form, follow_redirects=False)
    assert saved.headers["location"] == "/training?saved=material"
    page = sign_in("untrained").get("/training").text
    assert 'href="https://learning.force.example/iom" rel="noreferrer noopener"' in page
    assert "A. Trainer, extension 12, 3 November 2026" in page
    assert "/material" not in page
    (entry,) = [e for e in state.register.entries() if e.kind == "training_material"]
    assert (entry.tool, entry.reference) == ("iom", "https://learning.force.example/iom")


@pytest.mark.parametrize("where", ["javascript:alert(1)", "data:text/html,x", " https://x.example", "//x.example"])
def test_what_is_no_address_of_the_web_is_no_link(where: str, sign_in: SignIn) -> None:
    administrator = sign_in("administrator")
    form = {"csrf": csrf_of(administrator), "iom-title": "x", "iom-where": where, "iom-by": "x", "iom-made-day": "3", "iom-made-month": "11", "iom-made-year": "2026"}
    administrator.post("/training/iom/material", data=form)
    links = re.findall(r'href="([^"]*)"', sign_in("untrained").get("/training").text)
    assert not [a for a in links if a.startswith(("javascript:", "data:", "//"))]


def test_faults_of_the_recordings_form_are_said(sign_in: SignIn, state: State) -> None:
    administrator = sign_in("administrator")
    answer = administrator.post("/training/iom/material", data={"csrf": csrf_of(administrator), "iom-title": "Half done"})
    assert answer.status_code == 400
    assert "Say where it is kept" in answer.text
    assert 'value="Half done"' in answer.text
    assert not state.register.entries()[-1:] or all(e.kind != "training_material" for e in state.register.entries())


def test_whoever_arranges_training_sees_how_far_everybody_is(sign_in: SignIn) -> None:
    asked = questions("places")
    learner: TestClient = sign_in("untrained")
    wrong = {q.name: q.right for q in asked} | {"rank": "b"}
    learner.post("/training/knife_injury/tour", data={"csrf": csrf_of(learner), **wrong})
    page = texts(sign_in("administrator").get("/training").text)
    assert "How far everybody is" in page
    assert "Two places stand in one group" in page
    assert "missed once" in page
    assert "How far everybody is" not in learner.get("/training").text
