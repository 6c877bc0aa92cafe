"""Every measure of the three apps under many selections, as Qlik would show it and as the pages say it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, product
from pathlib import Path
from typing import Any

from tests.publish.qlik.evaluator import App, Chosen, Key
from tests.publish.qlik.pages import NONE_NAMED, AreasPages, ChecksPages, PeoplePages

from harmcast.store.state import State

LEAST = 60
EACH = 3  # under every third selection each cell, area and week recorded is held as well
NO_DIMS: tuple[str, ...] = ()


@dataclass
class Equal:
    """How many figures were compared under how many selections, of each measure those that say something; and those that are not the same."""

    figures: int = 0
    selections: dict[str, int] = field(default_factory=dict)
    measures: Counter[str] = field(default_factory=Counter)
    unlike: list[str] = field(default_factory=list)

    def silent(self) -> set[str]:
        """Measures that were compared, but nothing with nothing."""
        return {name for name, said in self.measures.items() if not said}

    def hold(self, measure: str, chosen: Chosen, ours: Mapping[Key, Any], pages: Mapping[Key, Any]) -> None:
        self.measures[measure] += 0
        for key in ours.keys() | pages.keys():
            self.figures += 1
            one, other = ours.get(key), pages.get(key)
            self.measures[measure] += one is not None
            if not is_same(one, other):
                self.unlike.append(f"{measure} {dict(chosen)} {key}: {one!r} in Qlik, {other!r} on the page")


def shown_by(folder: Path) -> dict[str, set[tuple[str, ...]]]:
    """By which dimensions the sheets of an app's folder show each measure; () where by none."""
    names = {one["qInfo"]["qId"]: one["qMetaDef"]["tags"][0] for kind in ("measures", "dimensions") for one in json.loads((folder / f"{kind}.json").read_text())}
    found: dict[str, set[tuple[str, ...]]] = {}
    for path in sorted((folder / "objects").glob("sheet-*.json")):
        for cube in _cubes(json.loads(path.read_text())):
            dims = tuple(names[one["qLibraryId"]] for one in cube["qDimensions"])
            for one in cube["qMeasures"]:
                found.setdefault(names[one["qLibraryId"]], set()).add(dims)
    return found


def _cubes(node: Any) -> Iterator[Any]:
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for one in inside:
        yield from _cubes(one)
    if isinstance(node, dict) and "qMeasures" in node:
        yield node


def is_same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        one, other = (int(x) if isinstance(x, bool) else x for x in (one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, date) or isinstance(other, date):
        return str(one)[:10] == str(other)[:10]
    return bool(one == other)


def areas_selections(page: AreasPages) -> list[dict[str, list[Any]]]:
    """Nothing, areas, weeks, cells, weeks recorded, and combinations: some of one area with a cell of another."""
    named = sorted({row["area"] for row in page.rows(page.newest)})
    weeks = [r.week for r in page.history]
    cells = [row["cell"] for row in page.rows(page.newest)]
    days = sorted(page.weeks["week"].unique().to_list())[-3:]
    area_parts: list[dict[str, list[Any]]] = [{}, *({"area": [a]} for a in named[:7]), {"area": named[:2]}, {"area": [NONE_NAMED]}]
    week_parts: list[dict[str, list[Any]]] = [{}, {"week": weeks[:1]}, {"week": weeks[-2:-1] or weeks[:1]}, {"week": weeks[:2]}, {"week": ["1999-W01"]}]
    found: list[dict[str, list[Any]]] = [{**a, **w} for a, w in product(area_parts, week_parts)]
    others: list[dict[str, list[Any]]] = [{"cell": [cells[0]]}, {"cell": cells[:3]}, {"cell": [cells[-1]]}, {"recorded_week": days[:1]}, {"recorded_week": days}]
    found += others
    found += [{**a, **o} for a, o in product(area_parts[1:3], others)]
    found += [{**w, **o} for w, o in product(week_parts[1:2], others)]
    return found


def areas(state: State, folder: Path, today: date, most: int | None = None) -> Equal:
    """The app about areas against My area, the track record's counts and the recorded weeks."""
    app, found, by = App("areas", folder / "areas", today), Equal(), shown_by(folder / "areas" / "app")
    for tool in state.settings.places_tools:
        page = AreasPages(state, tool, today)
        selections = list(islice(areas_selections(page), most))
        found.selections[tool.name] = len(selections)
        made = [name for name in app.measures if name.startswith(f"{tool.name}_")]
        for number, (chosen, name) in enumerate(product(selections, made)):
            short = name.removeprefix(f"{tool.name}_")
            found.hold(name, chosen, {(): app.measure(name, chosen)}, {(): page.figure(short, chosen)})
            for dims in () if number // len(made) % EACH else sorted(by[name] - {NO_DIMS}):
                found.hold(name, chosen, app.by(name, dims, chosen), page.by(short, dims, chosen))
    return found


def people_selections(page: PeoplePages) -> list[dict[str, list[Any]]]:
    rows = page.rows({})
    units, bands = sorted({r["UNIT"] for r in rows}), sorted({r["band"] for r in rows})
    chances, parts = sorted({r["chance_band"] for r in rows}), sorted({r["list_part"] for r in rows})
    weeks = [r.week for r in page.history]
    unit_parts: list[dict[str, list[Any]]] = [{}, *({"UNIT": [u]} for u in units[:3])]
    week_parts: list[dict[str, list[Any]]] = [{}, {"week": weeks[:1]}, {"week": weeks[:2]}]
    other: list[dict[str, list[Any]]] = [{}, *({"band": [b]} for b in bands[:2]), *({"chance_band": [c]} for c in chances[:2]), {"list_part": parts[:1]}, {"band": bands[:1], "chance_band": chances[-1:]}]
    found: list[dict[str, list[Any]]] = [{**u, **w, **o} for u, w, o in product(unit_parts, week_parts, other)]
    return [*found, {"person_key": [rows[0]["person_key"]]}, {"person_key": [r["person_key"] for r in rows[:3]]}]


def people(state: State, folder: Path, today: date, most: int | None = None) -> Equal:
    """The app about people against each unit's My people and each person's page."""
    app, page, found, by = App("people", folder / "people", today), PeoplePages(state, today), Equal(), shown_by(folder / "people" / "app")
    selections = list(islice(people_selections(page), most))
    found.selections["people"] = len(selections)
    for chosen, name in product(selections, app.measures):
        for dims in sorted(by[name]):
            if dims:
                found.hold(name, chosen, app.by(name, dims, chosen), page.by(name, dims, chosen))
            else:
                found.hold(name, chosen, {(): app.measure(name, chosen)}, {(): page.figure(name, chosen)})
    return found


def checks_selections(page: ChecksPages) -> list[dict[str, list[Any]]]:
    def some(rows: list[dict[str, Any]], name: str, most: int) -> list[Any]:
        return sorted({row[name] for row in rows if row.get(name) is not None}, key=str)[:most]

    tools: list[dict[str, list[Any]]] = [{}, *({"tool_title": [t]} for t in some([*page.scores, *page.audit], "tool_title", 3))]
    parts: list[dict[str, list[Any]]] = [{}]
    for rows, name, most in ((page.scores, "score_name", 3), (page.scores, "score_origin", 3), (page.audit, "audit_attribute", 2), (page.audit, "audit_group", 2), (page.audit, "audit_measure", 2)):
        parts += [{name: [value]} for value in some(rows, name, most)]
    files = [{"delivery_day": d["day"], "delivery_table": d["file"].table_name, "delivery_key": d["number"]} for d in page.deliveries]
    for name in ("delivery_day", "delivery_table", "delivery_key"):
        parts += [{name: [value]} for value in some(files, name, 2)]
    parts += [{"rule": [rule]} for rule in sorted({one.rule for _, one in page.rules})[:2]]
    return [{**t, **p} for t, p in product(tools, parts)]


def checks(state: State, folder: Path, today: date, most: int | None = None) -> Equal:
    """The app about checks against the track record, the audit and data quality."""
    app, page, found, by = App("checks", folder / "checks", today), ChecksPages(state), Equal(), shown_by(folder / "checks" / "app")
    selections = list(islice(checks_selections(page), most))
    found.selections["checks"] = len(selections)
    for chosen, name in product(selections, app.measures):
        for dims in sorted(by[name]):
            if name == "about_says":
                found.hold(name, chosen, {(): app.measure(name, chosen)}, {(): page.says})
            else:
                found.hold(name, chosen, app.by(name, dims, chosen), page.by(name, dims, chosen))
    return found


EVERY = {"areas": areas, "people": people, "checks": checks}
