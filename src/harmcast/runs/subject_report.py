"""What is held about one person, as a document: for the data protection officer to hand over, by a command or on a page."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from harmcast.errors import RunStopped
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.publish.answers import person_facts, render, subject
from harmcast.publish.answers.document import Document
from harmcast.store import reports
from harmcast.store.reads import witness_lines
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.words.offences import subgroups


def document_of(state: State, person: str, as_of: date) -> tuple[Document, str]:
    """The document about the person of a reference, and the person's key. Raises RunStopped (`person_unknown`)."""
    held = person_facts.gather(state, person, as_of, subgroups())
    if held is None:
        raise RunStopped(
            "Nobody of that reference is held at the end of that day.",
            code="person_unknown",
            next_step="Check the reference and the day; a person whose record was erased is not held.",
        )
    return subject.answer(held), held.person_key


def witnessed(state: State, document: Document) -> Document:
    """The document with the code of the last outside line from before its day."""
    before = log.instant(datetime.combine(document.known_on, time(), ZoneInfo(state.settings.force.timezone)))
    return replace(document, witness=witness_lines.newest_code(state.operations, before) or "")


def made(state: State, person: str, as_of: date, actor: Actor) -> dict[str, bytes]:
    """`subject.html` and `subject.json`, after their event and their row are written; nothing is left on this machine.

    Raises: AccessDenied (`role_needed`) for anybody but the data protection officer; RunStopped (`person_unknown`).
    """
    role = actor.acting("data_protection_officer")
    document, key = document_of(state, person, as_of)
    rendered = render.files(witnessed(state, document))
    sha256 = hashlib.sha256(rendered["subject.json"]).hexdigest()
    detail = {"as_of": as_of.isoformat(), "sha256": sha256}
    with state.operations.writing(Event(actor.account, role, "disclosure", "report_made", subject=key, object="report:subject", detail=detail)) as tx:
        reports.note(tx, "subject", as_of, sha256, actor.account)
    return rendered
