"""An answer from the records: counted, composed, written, and logged. Making one is never counted in one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harmcast.errors import RunStopped, SettingsRefused
from harmcast.oversight.log import Event
from harmcast.publish.answers import (
    algocare,
    atrs,
    foi,
    gathering,
    impact,
    modelcard,
    person_facts,
    public,
    render,
    subject,
)
from harmcast.publish.answers.document import Document
from harmcast.runs.counted import counted
from harmcast.store import files, keys, reports
from harmcast.store.state import State
from harmcast.store.users import Actor

ANSWERS = {
    "foi": foi.answer,
    "atrs": atrs.answer,
    "dpia": impact.dpia,
    "eia": impact.eia,
    "algocare": algocare.answer,
    "modelcard": modelcard.answer,
    "public": public.answer,
}


@dataclass(frozen=True)
class Written:
    paths: list[Path]
    sha256: str


def write_answer(state: State, kind: str, as_of: date, out: Path, actor: Actor, *, person: str | None = None) -> Written:
    """Writes one answer as HTML and JSON; the same bytes from the same records.

    What is held about one person is the data protection officer's to hand over: files only their writer may read.

    Raises: AccessDenied (`role_needed`) for a subject report another asks for; RunStopped (`person_unknown`) for one
        about nobody held; SettingsRefused for an unknown kind.
    """
    is_about_one = kind == "subject"
    role = "operator" if not is_about_one or state.users.is_empty() else actor.acting("data_protection_officer")
    if is_about_one:
        document, about = _subject(state, person or "", as_of)
    elif kind in ANSWERS:
        document, about = ANSWERS[kind](gathering.gather(state, as_of, counted(state, as_of, kind, actor))), None
    else:
        raise SettingsRefused("There is no such report.", code="report_unknown", next_step="One of: " + ", ".join(ANSWERS) + ", subject.")
    rendered = render.files(document)
    sha256 = hashlib.sha256(rendered[f"{kind}.json"]).hexdigest()
    event = Event(
        actor.account, role, "disclosure", "report_made", subject=about, object=f"report:{kind}", detail={"as_of": as_of.isoformat(), "sha256": sha256}
    )
    with state.operations.writing(event) as tx:
        reports.note(tx, kind, as_of, sha256, actor.account)
    _keep_published(state, kind, document)
    return Written(_write(rendered, out, is_about_one), sha256)


def _write(rendered: Mapping[str, bytes], out: Path, only_own: bool) -> list[Path]:
    """Writes the files; with `only_own` nobody but the account that asked may read them, or open a folder made for them."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700 if only_own else 0o777)
    paths = [out / name for name in sorted(rendered)]
    for path in paths:
        if only_own:
            path.unlink(missing_ok=True)  # an older file may be open to others
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if only_own else 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(rendered[path.name])
    return paths


def _subject(state: State, person: str, as_of: date) -> tuple[Document, str | None]:
    held = person_facts.gather(state, person, as_of)
    if held is None:
        raise RunStopped(
            "Nobody of that reference is held at the end of that day.",
            code="person_unknown",
            next_step="Check the reference and the day; a person whose record was erased is not held.",
        )
    return subject.answer(held), keys.key_of(state.operations, person)


def _keep_published(state: State, kind: str, document: Document) -> None:
    """Keeps what was printed, so that the next report cannot be subtracted from this one."""
    if not document.published:
        return
    content = json.dumps({name: one.document() for name, one in document.published.items()}, sort_keys=True, ensure_ascii=False)
    path = state.root / "answers" / f"{document.as_of.isoformat()}-{kind}.json"

    def write(target: Path) -> None:
        target.write_text(content, encoding="utf-8")

    files.write_whole(path, write)
