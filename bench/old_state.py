"""Builds a state with whatever version of harmcast is first on the path: run by bench/upgrade.py with an older one there.

    PYTHONPATH=OLD/src python bench/old_state.py FOLDER [--url postgresql+psycopg://...] [--people N] [--events N] [--decisions N]

FOLDER/state then holds a real history, a week made of a delivery, a log of so many events and so many decisions, and
FOLDER/next is the delivery after it. Only what that version offers is used to write.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import date
from pathlib import Path

AT_ONCE = 20_000
SUNDAY = date(2026, 11, 15)


def main(folder: Path, url: str | None, people: int, events: int, decisions: int) -> None:
    try:
        from harmcast.invented.making import invent
        from harmcast.runs.load import load_delivery
    except ModuleNotFoundError:  # version 0.1.0 kept them elsewhere
        from harmcast.feed.invented import invent
        from harmcast.loading import load_delivery
    from harmcast.store.state import create
    from harmcast.store.users import Actor
    from harmcast.weekly import run_week

    invent(folder / "force", people=people, years=3.0, seed=3, to=SUNDAY, weeks=2, crimes_a_year=people * 4, known_people=50)
    settings = folder / "force" / "settings.toml"
    if url:
        settings.write_text(f'{settings.read_text()}\n[store]\nurl = "{url}"\n')
    state = create(folder / "state", settings)
    history, first, second = sorted((folder / "force" / "deliveries").iterdir())
    result = load_delivery(state, history)
    if getattr(result, "waiting", False):  # versions before 0.2 know no acceptance
        from harmcast.runs.accept import accept_load

        accept_load(state, result.load, Actor("first", "First", (("data_scientist", None),)), "invented")
    run_week(state, date(2026, 11, 9), Actor("operator", "Operator", (("operator", None),)), delivery=first)
    shutil.move(second, folder / "next")
    _look(state, events)
    _decide(state, decisions)
    _others(state)
    state.close()


def _look(state: object, events: int) -> None:
    """Views of people, in the chain, many in one transaction."""
    from harmcast.oversight.log import Event

    keys = state.person_keys()["person_key"].sort().to_list()  # type: ignore[attr-defined]
    for first in range(0, events, AT_ONCE):
        looks = [
            Event(f"officer{i % 40}", "offender_manager", "consultation", "person_viewed", "management", keys[i % len(keys)], f"person:{i}", {"i": i})
            for i in range(first, min(first + AT_ONCE, events))
        ]
        with state.operations.writing(looks[0]) as tx:  # type: ignore[attr-defined]
            for look in looks[1:]:
                tx.also(look)


def _decide(state: object, decisions: int) -> None:
    from harmcast.oversight.log import Event
    from harmcast.store import desk

    keys = state.person_keys()["person_key"].sort().to_list()  # type: ignore[attr-defined]
    for first in range(0, decisions, 500):
        with state.operations.writing(Event("officer1", "offender_manager", "alteration", "decided")) as tx:  # type: ignore[attr-defined]
            for i in range(first, min(first + 500, decisions)):
                key = keys[i % len(keys)]
                after = desk.newest_number(tx.connection, key)
                number = desk.decide(
                    tx,
                    desk.NewDecision(
                        key, "2026-W46", 1, "North", "plain_harm", "high", "refer" if i % 3 == 0 else "no_change", "other", ["pnc"], "same",
                        date(2027, 1, 4), "1 to 3 minutes", False, f"words about decision {i}", {"band": "high", "number": i}, after,
                    ),
                    "officer1", "offender_manager",
                )  # fmt: skip
                if i % 9 == 0:
                    desk.sign_off(tx, key, number, "agreed", "seen", "supervisor1", "supervisor")


def _others(state: object) -> None:
    """Rows of tables that a weekly run does not fill, among them the one the first migration altered."""
    from harmcast.oversight.log import Event
    from harmcast.store import schema

    with state.operations.writing(Event("dpo", "data_protection_officer", "erasure", "forgotten")) as tx:  # type: ignore[attr-defined]
        for i in range(500):
            tx.insert(schema.erased, ref_hash=f"{i:064x}", table_name="persons", erased_at=tx.at, reason="retention")
        for i in range(2_000):
            tx.insert(schema.cell_notes, tool="knife_injury", cell=f"E{i}N{i}", week="2026-W46", words=f"note {i}", by="ana", role="intelligence_analyst", at=tx.at)
        for i in range(20_000):
            if hasattr(schema, "login_attempts"):
                tx.insert(schema.login_attempts, account_hash=f"{i % 50:064x}", address="10.0.0.1", at=tx.at, succeeded=bool(i % 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--people", type=int, default=12_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--decisions", type=int, default=20_000)
    given = parser.parse_args()
    main(given.folder, given.url, given.people, given.events, given.decisions)
