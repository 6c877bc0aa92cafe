"""A draft becomes a published answer: two people sign the same bytes, which are kept and handed out from then on, never made again."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

from harmcast.documents.answer import AnswerSays
from harmcast.errors import AccessDenied, NotFit
from harmcast.oversight.log import Event
from harmcast.publish.answers import render
from harmcast.publish.answers.compose import FORMS
from harmcast.store import reports
from harmcast.store.reports import NewAnswer, PublishedAnswer
from harmcast.store.state import State
from harmcast.store.users import Actor

FIRST = ("data_scientist", "ethics_reviewer", "supervisor")
SECOND = ("data_protection_officer",)


def publish_answer(state: State, file: Path, reference: str, actor: Actor) -> PublishedAnswer:
    """One person's half of publishing a draft: the first proposes it, a data protection officer who is somebody else signs.

    An answer published under the same reference before is superseded by it; both are kept.

    Args: `file`: the HTML or the JSON of a draft as `report` wrote it; the other lies beside it.
    Raises: NotFit (`draft_unknown`, `draft_changed`, `reference_needed`, `answer_published`); AccessDenied without the role, and for one person twice.
    """
    if not reference.strip():
        raise NotFit("No reference is given.", code="reference_needed", next_step="Name the request it answers with --reference.")
    data = _draft(state, file)
    html, text = render.as_published(data, reference.strip())
    answer = NewAnswer(
        kind=data["kind"],
        reference=reference.strip(),
        as_of=date.fromisoformat(data["as_of"]),
        known_on=date.fromisoformat(data["known_on"]),
        html=html,
        json=text,
        sha256=hashlib.sha256(html).hexdigest(),
    )
    held = [one for one in reports.answers(state.operations) if one.reference == answer.reference and one.kind == answer.kind]
    same = next((one for one in held if one.sha256 == answer.sha256), None)
    if same is not None and same.second is not None:
        raise NotFit("That answer is published already.", code="answer_published", next_step="The page /answers hands it out.")
    if same is None:
        before = next((one.id for one in held if one.second is not None), None)
        event = Event(actor.account, actor.acting(*FIRST), "disclosure", "answer_proposed", object=f"answer:{answer.reference}")
        number = reports.sign_first(state.operations, answer, before, event)
        return next(one for one in reports.answers(state.operations) if one.id == number)
    role = actor.acting(*SECOND)
    if same.first == actor.account:
        raise AccessDenied("Whoever proposed an answer cannot sign it too.", code="second_person_needed", next_step="Ask another data protection officer.")
    event = Event(actor.account, role, "disclosure", "answer_published", object=f"answer:{answer.reference}")
    reports.sign_second(state.operations, same, event)
    return next(one for one in reports.answers(state.operations) if one.id == same.id)


def _draft(state: State, file: Path) -> AnswerSays:
    """The JSON of a draft that was made here, whose page beside it is its own. Raises NotFit."""
    unknown = NotFit(
        f"{file.name} is no draft that was made here, or it was changed since.",
        code="draft_unknown",
        next_step="Make it with harmcast report, and name that file with its other half beside it.",
    )
    try:
        text, page = file.with_suffix(".json").read_bytes(), file.with_suffix(".html").read_bytes()
        data: AnswerSays = json.loads(text)
        kind = data["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        raise unknown from None
    if kind not in FORMS or not reports.was_made(state.operations, kind, hashlib.sha256(text).hexdigest()):
        raise unknown
    if render.html_of(data) != page:
        raise NotFit(f"{file.stem}.html does not say what {file.stem}.json says.", code="draft_changed", next_step="Make the draft again; edit neither by hand.")
    return data
