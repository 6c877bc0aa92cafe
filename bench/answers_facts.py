"""Answers held to the facts: `python -m bench.answers facts`. Dead facts, order of days, later entries dated back, reading ages, both requests.

A small invented force is made under a clock that is moved from week to week, as a force would live it; then its reports are made in two orders,
entries are dated back, and every fact of the newest day is changed, one at a time, under all seven reports.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.out_of_shadow import bring_out
from bench.results import Row

LAST_SUNDAY = date(2026, 11, 15)
# Heads of every document, and what is said only where a day is looked back on; a tool's kind and title choose its parts.
NEVER_ALONE = ("answer.known_on", "answer.begun", "force.name", "force.invented")


class Clock:
    """The database's clock, moved by hand."""

    def __init__(self, day: date) -> None:
        self.day = day

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


@contextmanager
def under(clock: Clock) -> Iterator[None]:
    """Every state opened within is under that clock."""
    from harmcast.store.operations import Operations

    usual = Operations.__init__.__defaults__
    Operations.__init__.__defaults__ = (clock,)
    try:
        yield
    finally:
        Operations.__init__.__defaults__ = usual


def lived(folder: Path, people: int, clock: Clock) -> Any:
    """A force's state with a model in use and three weeks made, each on its own Monday."""
    from bench.accepted import load_accepted
    from harmcast.invented.making import invent
    from harmcast.oversight.log import Event
    from harmcast.runs.refit import refit_people
    from harmcast.runs.release_moves import publish_release
    from harmcast.store.state import create
    from harmcast.store.users import Actor
    from harmcast.weekly import run_week
    from harmcast.weeks import Week

    invent(folder / "force", people=people, years=4.0, seed=20, to=LAST_SUNDAY, weeks=3, crimes_a_year=15_000)
    history, *weekly = sorted((folder / "force" / "deliveries").iterdir())
    mondays = [Week.of(LAST_SUNDAY).plus(k).monday for k in (-1, 0, 1)]
    clock.day = mondays[0] - timedelta(days=8)
    state = create(folder / "state", folder / "force" / "settings.toml")
    load_accepted(state, history)
    operator = Actor("operator", "Operator", (("operator", None),))
    scientist, supervisor = Actor("s", "S", (("data_scientist", None),)), Actor("v", "V", (("supervisor", None),))
    model = refit_people(state, "iom", clock.day, scientist).document["model"]
    publish_release(state, model, supervisor, "bench", clock.day)
    event = Event("dpo", "data_protection_officer", "administration", "bench")
    for tool in state.settings.tools:
        bring_out(state, tool.name, "trial", clock.day)
        state.register.describe(tool.name, {"purpose": "To help.", "cost": "One analyst", "owner": "Head"}, event, clock.day)
    for monday, delivery in zip(mondays, weekly, strict=False):
        clock.day = monday
        run_week(state, monday, operator, delivery=delivery)
    return state, mondays


def facts_measured(people: int) -> list[Row]:
    from harmcast.oversight.log import Event

    clock = Clock(LAST_SUNDAY)
    with tempfile.TemporaryDirectory(prefix="harmcast-answers-") as folder, under(clock):
        state, mondays = lived(Path(folder), people, clock)
        days = [day + timedelta(days=2) for day in mondays]
        clock.day = days[-1] + timedelta(days=30)
        first = {day: _files(state, day) for day in days}
        again = {day: _files(state, day) for day in reversed(days)}
        event = Event("dpo", "data_protection_officer", "administration", "bench")
        entry = {"tool": None, "kind": "legal", "title": "dated back", "outcome": "approved", "by_whom": "x", "document_ref": None, "conditions": None, "review_by": None}
        for day in days:
            state.register.enter(entry | {"dated": day}, event)
            state.register.describe("iom", {"owner": f"Another {day}"}, event, day)
            state.register.set_status("iom", "in use", day, None, event)
        later = {day: _files(state, day) for day in days}
        differ = sum(first[d] != again[d] for d in days)
        moved = sum(first[d] != later[d] for d in days)
        apart = len({first[d]["foi.json"] for d in days})
        rows = [
            Row(33, "reports of three days, oldest first and newest first: days whose bytes differ", "0", f"{differ} of {len(days)} ({apart} unlike one another)", differ == 0 and apart == len(days)),
            Row(33, "the same after entries, words and statuses dated back", "0", f"{moved} of {len(days)}", moved == 0),
        ]
        rows += _dead(state, days[-1]) + _asked(json.loads(first[days[-1]]["foi.json"])) + _read(state, days[-1])
        rows.append(_two_pages(Path(folder), first[days[-1]]["foi.html"]))
        rows.append(_one_file())
        state.close()
    return rows


def _collected(state: Any, day: date) -> Any:
    from harmcast.publish.answers.collect import collect
    from harmcast.runs.counted import without_charge

    return collect(state, day, day, without_charge(state, day, day))


def _files(state: Any, day: date) -> dict[str, bytes]:
    from harmcast.publish.answers import render
    from harmcast.publish.answers.compose import FORMS, compose

    facts = _collected(state, day)
    return {name: content for kind in FORMS for name, content in render.files(compose(kind, facts)).items()}


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        if value and isinstance(value[0], dict):
            touched = {k: _other(v) for k, v in value[0].items() if k not in ("attribute", "outcome") and v is not None}
            return ({**value[0], **touched}, *value[1:])
        return (*value, "another")
    if isinstance(value, int | float):
        return value / 2 + 0.1 if isinstance(value, float) else value + 1
    return value - timedelta(days=400) if isinstance(value, date) else f"{value} changed"


def _dead(state: Any, day: date) -> list[Row]:
    """Facts that change no byte under all seven reports, and words with a figure that name no fact."""
    from tests.publish.conftest import put

    from harmcast.documents.facts import Facts
    from harmcast.publish.answers.compose import FORMS, compose
    from harmcast.publish.answers.pieces import facts_of_design, library

    facts = _collected(state, day)
    base = {kind: compose(kind, facts) for kind in FORMS}
    tools = {key.removesuffix(".kind"): str(facts.value(key)) for key in facts.held if key.endswith(".kind")}

    def drawn_anew(changed: Facts) -> Facts:
        """The facts with their design facts drawn anew, as a changed fact would have them."""
        own = [f for f in changed.held.values() if not f.key.startswith("design.")]
        return Facts.of(day, day, [*own, *facts_of_design(Facts.of(day, day, own), tools)])

    def is_dead(key: str) -> bool:
        other = put(facts, key, _other(facts.value(key)))
        other = other if key.startswith("design.") else drawn_anew(other)
        return all((now.summary, now.parts, now.intro) == (base[k].summary, base[k].parts, base[k].intro) for k in FORMS for now in (compose(k, other),))

    changed = [k for k in facts.held if k not in NEVER_ALONE and not k.endswith((".kind", ".title"))]
    dead = [k for k in changed if is_dead(k)]
    print(f"dead: {dead}")
    blocks = [b for document in base.values() for p in document.parts for s in p.sections for b in s.blocks if type(b).__name__ == "Words"]
    unbacked = [b.text for b in blocks if not b.facts and b.text not in library().definitions.values()]
    return [
        Row(33, "facts of a real state that, changed alone, change no byte of seven reports", "0", f"{len(dead)} of {len(changed)}", not dead),
        Row(33, "sentences that name no fact, listed definitions aside", "0", f"{len(unbacked)} of {len(blocks)}", not unbacked),
    ]


def _asked(document: dict[str, Any]) -> list[Row]:
    """Both requests question by question."""
    for line in document["summary"]:
        for answer in line["answers"]:
            print(f"{line['number']:<4} {line['standing']:<16} {', '.join(answer['tools']) or 'each'}: {answer['says'][:110]}")
    empty = [line["number"] for line in document["summary"] if not line["answers"] or not all(a["says"] for a in line["answers"])]
    return [Row(33, "questions of both requests and the annex with an answer or a named gap", "31 of 31", f"{len(document['summary']) - len(empty)} of 31", not empty and len(document["summary"]) == 31)]


def _read(state: Any, day: date) -> list[Row]:
    """Reading ages, by the formula of Flesch and Kincaid, headings and cells included."""
    from tests.publish.reading import own_words, reading_age

    from harmcast.people import offences
    from harmcast.publish.answers import person_facts, subject
    from harmcast.publish.answers.compose import compose
    from harmcast.publish.answers.document import Words

    document = compose("public", _collected(state, day))
    page = [document.title, *(w for p in document.parts for s in p.sections for w in (p.title, s.title, *(b.text for b in s.blocks if isinstance(b, Words) and b.text)))]
    kinds = dict(offences.crosswalk().select("offence_code", "subgroup").iter_rows())
    refs = state.person_keys()["person_ref"].sort().to_list()[::40][:50]
    letters = [held for ref in refs if (held := person_facts.gather(state, ref, day, kinds)) is not None]
    ages = sorted(reading_age(own_words(subject.answer(held))) for held in letters)
    return [
        Row(33, "reading age of the page for everyone", "under 12", f"{reading_age(page):.1f}", reading_age(page) < 12),
        Row(33, f"reading age of {len(ages)} letters to people, headings and cells: median, oldest", "under 12", f"{ages[len(ages) // 2]:.1f}, {ages[-1]:.1f}", ages[-1] < 12),
    ]


def _two_pages(folder: Path, html: bytes) -> Row:
    """How many printed pages the summary of a request takes: a picture of each page lies in .bench."""
    from playwright.sync_api import sync_playwright

    out = Path(__file__).resolve().parent.parent / ".bench"
    out.mkdir(exist_ok=True)
    (folder / "foi.html").write_bytes(html)
    with sync_playwright() as tried:
        browser = tried.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 673, "height": 985})
        page.emulate_media(media="print")
        page.goto((folder / "foi.html").as_uri())
        box = page.locator(".summary").bounding_box()
        for number in (0, 1):
            page.screenshot(path=str(out / f"foi-page-{number + 1}.png"), clip={"x": 0, "y": 985 * number, "width": 673, "height": 985}, full_page=True)
        browser.close()
    pages = (box["y"] + box["height"]) / 985 if box else 99.0
    return Row(33, "printed pages of a request's summary", "at most 2", f"{pages:.2f}", pages <= 2)


def _one_file() -> Row:
    """A new question is one entry in one file: added to the form's text and answered, with nothing else touched."""
    from harmcast.publish.answers.compose import read_form
    from harmcast.publish.answers.pieces import text_of

    text = text_of("documents/foi.toml")
    entry = '  { number = "C5", title = "Who owns it?", pieces = ["owner"] },\n'
    more = re.sub(r"\]\n\Z", entry + "]\n", text)
    numbers = [q.number for _, _, questions in read_form("foi", "documents/foi.toml", more).parts for q in questions]
    return Row(33, "files touched for a new question", "1", "1" if numbers[-1] == "C5" else "more", numbers[-1] == "C5")
