"""An answer from the records: collected, composed, written as a draft, and logged. Making one is never counted in one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harmcast.errors import NotFit, SettingsRefused
from harmcast.oversight.log import Event
from harmcast.publish.answers import render
from harmcast.publish.answers.collect import answer_day, collect
from harmcast.publish.answers.compose import FORMS, compose
from harmcast.runs import subject_report
from harmcast.runs.counted import without_charge
from harmcast.store import reports
from harmcast.store.reads import data_quality
from harmcast.store.state import State
from harmcast.store.users import Actor


@dataclass(frozen=True)
class Written:
    paths: list[Path]
    sha256: str


def write_answer(
    state: State,
    kind: str,
    as_of: date,
    out: Path,
    actor: Actor,
    *,
    person: str | None = None,
    known_on: date | None = None,
    questions: Path | None = None,
    today: date | None = None,
) -> Written:
    """Writes one answer as a draft: HTML, JSON and tables as CSV; the same bytes from the same records.

    It prints the witness code of the last line signed outside before its day, so that paper covers the log.

    What is held about one person is the data protection officer's to hand over: files only their writer may read.

    Args: `known_on`: what is known by the end of that day of `as_of`; default the day itself, or today where the log of the
        state had not begun by then. `questions`: a file of the numbers asked for, one a line, each with the asker's own words.
    Raises: AccessDenied (`role_needed`) for a subject report another asks for; RunStopped (`person_unknown`) for one
        about nobody held; NotFit (`day_to_come`, `day_before_records`, `known_before_day`); SettingsRefused for an unknown kind.
    """
    if kind not in (*FORMS, "subject"):
        raise SettingsRefused("There is no such report.", code="report_unknown", next_step="One of: " + ", ".join(FORMS) + ", subject.")
    is_about_one = kind == "subject"
    role = "operator" if not is_about_one or state.users.before_first() else actor.acting("data_protection_officer")
    asked = read_questions(questions) if questions else ()
    if asked and kind != "foi":
        raise SettingsRefused("Questions are picked for a request alone.", code="question_unknown", next_step="Leave out --questions, or ask for foi.")
    today = today or date.today()
    if is_about_one:
        document, about = subject_report.document_of(state, person or "", as_of)
    else:
        _refuse_day(state, as_of, known_on, today)
        known = answer_day(state, as_of, known_on, today)
        document, about = compose(kind, collect(state, as_of, known, without_charge(state, as_of, known)), asked), None
    document = subject_report.witnessed(state, document)
    rendered = render.files(document)
    sha256 = hashlib.sha256(rendered[f"{kind}.json"]).hexdigest()
    detail = {"as_of": as_of.isoformat(), "known_on": document.known_on.isoformat(), "sha256": sha256}
    event = Event(actor.account, role, "disclosure", "report_made", subject=about, object=f"report:{kind}", detail=detail)
    with state.operations.writing(event) as tx:
        reports.note(tx, kind, as_of, sha256, actor.account)
    return Written(_write(rendered, out, is_about_one), sha256)


def _refuse_day(state: State, as_of: date, known_on: date | None, today: date) -> None:
    """A day to come, or before any delivery, has no answer; and nobody knew of a day before it was over."""
    first, last = data_quality.delivery_days(state.operations)
    if as_of > max(today, last or today):
        raise NotFit("That day is still to come.", code="day_to_come", next_step="Name a day with --as-of that is over.")
    if first is not None and as_of < first:
        raise NotFit("No delivery had been made by that day.", code="day_before_records", next_step=f"The first was made on {first.isoformat()}.")
    if known_on is not None and known_on < as_of:
        raise NotFit("The day of knowing lies before the day asked.", code="known_before_day", next_step="--known-on is --as-of or later.")


def read_questions(path: Path) -> tuple[tuple[str, str], ...]:
    """Numbers asked for with the asker's own words, one a line; `#` begins a remark. Raises SettingsRefused."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"The file of questions {path.name} cannot be read.", code="questions_unreadable", next_step="Name a text file.") from error
    parted = [line.split(maxsplit=1) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not parted:
        raise SettingsRefused(f"The file of questions {path.name} asks for none.", code="questions_unreadable", next_step="One number a line, e.g. A2f.")
    return tuple((words[0].rstrip(".:)"), words[1].strip() if len(words) > 1 else "") for words in parted)


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


