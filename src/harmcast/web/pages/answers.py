"""Answers: what was published, by whom it was signed, what it supersedes; handed out as it was signed, never made again."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.publish.answers.render import HEADINGS
from harmcast.store import reports
from harmcast.web.guard import Here, Number, Pages, not_found
from harmcast.web.shell import download, page

pages = Pages()
MEDIA = {"html": "text/html; charset=utf-8", "json": "application/json"}


@pages.get("/answers", Action.READ_ANSWERS, view="answers_viewed")
def answers_page(visit: Here) -> Response:
    """Every published answer, the newest first, and those that wait for a second person."""
    held = reports.answers(visit.operations)
    return page(
        visit,
        "answers",
        title="Answers",
        published=[one for one in held if one.second is not None],
        waiting=[one for one in held if one.second is None],
        superseded={one.supersedes for one in held if one.second is not None},
        headings=HEADINGS,
    )


@pages.get("/answers/{number}/{form}", Action.READ_ANSWERS, view="answer_downloaded")
def answer_file(visit: Here, number: Number, form: str) -> Response:
    """The bytes that two people signed, as a file: no page of this service."""
    content = reports.bytes_of(visit.operations, number, form)
    if content is None:
        raise not_found("There is no such answer.")
    return download(content, f"answer-{number}.{form}", MEDIA[form])
