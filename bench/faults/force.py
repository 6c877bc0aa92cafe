"""A small invented force for the fault bench: its tables week by week, to be changed at will, and states made of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from harmcast.store.users import Actor

SUNDAY = date(2026, 11, 15)
OPERATOR = Actor("operator", "Operator", (("operator", None),))
DAN = Actor("dan", "Dan", (("data_scientist", None),))
SUE = Actor("sue", "Sue", (("supervisor", "North"),))
Tables = dict[str, pl.DataFrame]


@dataclass
class Force:
    """An invented force. `sends` are its deliveries' dates, the history first."""

    folder: Path
    made: Any
    sends: list[Any]

    def tables(self, number: int, everything: bool = False) -> Tables:
        """What the records system holds by a delivery's date: all of it, or what is new since the delivery before."""
        from harmcast.invented import slices

        return slices.tables_of(self.made, self.sends[number], everything or number == 0)

    def write(self, number: int, tables: Tables, complete: bool = False, name: str | None = None) -> Path:
        """A delivery of these tables, made when the delivery of that number was."""
        from dataclasses import replace

        from harmcast.invented import deliveries

        sent = replace(self.sends[number], name=name or self.sends[number].name)
        folder = self.folder / "written" / sent.name
        shutil.rmtree(folder, ignore_errors=True)
        deliveries.write(folder, sent, tables, complete=complete)
        return folder

    def day(self, number: int) -> date:
        """The day a delivery was made: the as-of day of its week."""
        made_at: datetime = self.sends[number].made_at
        return made_at.date()


def invented(folder: Path, weeks: int, people: int = 900, years: float = 2.0, seed: int = 5, area_km2: float = 900.0) -> Force:
    """The force, with its settings in `folder`/force; its deliveries there hold bad rows, `tables` holds none."""
    from harmcast.invented import making as inventing

    inventing.invent(folder / "force", people=people, years=years, seed=seed, to=SUNDAY, weeks=weeks, crimes_a_year=12_000, known_people=50, area_km2=area_km2)
    plan = inventing.Plan(people, years, seed, SUNDAY, weeks, crimes_a_year=12_000.0, area_km2=area_km2)
    return Force(folder, inventing.make(plan), inventing.sends(plan))


def state_of(force: Force, folder: Path, weeks: int) -> Path:
    """A state with the history and so many weeks made."""
    from bench.accepted import load_accepted
    from harmcast.store.state import create
    from harmcast.weekly import run_week

    state = create(folder, force.folder / "force" / "settings.toml")
    load_accepted(state, force.write(0, force.tables(0)))
    for number in range(1, weeks + 1):
        run_week(state, force.day(number), OPERATOR, force.write(number, force.tables(number)))
    state.close()
    return folder


def approve(state: Any, day: date) -> None:
    """Every approval a trial needs, and the places tools in trial from that day."""
    from bench.out_of_shadow import bring_out

    for tool in state.settings.places_tools:
        bring_out(state, tool.name, "trial", day)


def lifted(state: Any, release: str, day: date) -> None:
    """What was found about a release and may be lifted, lifted by the two people whom the table of release rules names."""
    from harmcast.oversight.release_rules import rule_of
    from harmcast.runs.lift import lift_finding

    for found in [found for tool in state.releases.named(release) for found in tool.findings]:
        rule = rule_of(found.kind)
        for person, roles in (("first", rule.first), ("second", rule.second)):
            if roles:
                actor = Actor(f"{person}-lifter", person, ((min(roles).value, None),))
                lift_finding(state, release, found.id, actor, "looked into", today=day)
