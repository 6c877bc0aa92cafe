"""Figures to fill in from Qlik and hold against ours: worked out from the tables by plain filters, without Qlik's expressions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from harmcast.publish.qlik import measures as m
from harmcast.publish.qlik.areas import NO_AREA
from harmcast.publish.spreadsheet import csv_of

HEADER = ("app", "reader", "measure", "selection", "value")
Value = float | str | None
Tables = Mapping[str, pl.DataFrame]
AREAS_TRIED, CELLS_TRIED = 3, 2


@dataclass(frozen=True)
class AcceptanceFigure:
    """One figure: the measure under a selection, for one reader where the app parts readers; and what it should be."""

    app: str
    measure: str
    selection: tuple[tuple[str, str], ...]
    value: Value
    decimals: int | None = None
    reader: str = ""

    @property
    def chosen(self) -> str:
        return "; ".join(f"{field}={value}" for field, value in self.selection)


def areas_value(tables: Tables, tool: str, measure: str, selection: Mapping[str, str]) -> Value:
    """A measure of one tool under at most one area, one cell and one week chosen."""
    name = measure.removeprefix(f"{tool}_")
    grain, _, field = name.partition("_")
    release = f"{tool}|{selection['week']}" if "week" in selection else _newest(tables, tool)
    facts = tables["facts"].filter(pl.col("tool") == tool)
    narrows = m.NARROWS[grain]
    if "area" in selection and "area" in narrows:
        facts = facts.filter(pl.col("area_key") == selection["area"])
    if "cell" in selection and "cell" in narrows:
        facts = facts.filter(pl.col("cell_key") == f"{tool}|{selection['cell']}")
    if name == "recorded":
        return float(facts.filter(pl.col("grain") == "recorded")["recorded"].sum())
    rows = facts.filter((pl.col("grain") == grain) & (pl.col("release_key") == release))
    if field in m.COUNTS:
        return None if not rows.height or rows[field].null_count() else float(rows[field].sum())
    values = rows["range_text" if field == "range" else field].unique()
    only = values[0] if values.len() == 1 else None
    return only if only is None or isinstance(only, str) else float(only)


def _newest(tables: Tables, tool: str) -> str | None:
    found = tables["dim_release"].filter((pl.col("release_tool") == tool) & (pl.col("is_newest") == 1))["release_key"].to_list()
    return str(found[0]) if found else None


def areas_figures(tables: Tables) -> Iterator[AcceptanceFigure]:
    """Every measure with a figure of each tool: for everything, single areas, single cells, the week before, and these together."""
    for tool, title in tables["dim_tool"].iter_rows():
        releases = tables["dim_release"].filter((pl.col("release_tool") == tool) & (pl.col("standing") == "published")).sort("week")
        earlier = releases["week"].to_list()[:-1][-1:]
        cells = tables["facts"].filter((pl.col("tool") == tool) & (pl.col("grain") == "cell") & (pl.col("release_key") == (_newest(tables, tool) or "")))
        tried = cells.sort("expected", descending=True)["cell_key"].head(CELLS_TRIED).str.split("|").list.last().to_list()
        areas = [a for a in tables["dim_area"]["area"].to_list() if a != NO_AREA][:AREAS_TRIED]
        places: list[dict[str, str]] = [{}, *({"area": area} for area in areas), *({"cell": cell} for cell in tried)]
        for week in (None, *earlier):
            for place in places:
                selection = place if week is None else {**place, "week": week}
                for measure in m.areas_measures(tool, title).values():
                    if measure.name.removeprefix(f"{tool}_") in ("week", "says", "stale"):
                        continue
                    value = areas_value(tables, tool, measure.name, selection)
                    decimals = None if isinstance(value, str) else (measure.decimals or 0) + (2 if measure.is_share else 0)
                    yield AcceptanceFigure("areas", measure.name, tuple(selection.items()), value, decimals)


def people_figures(tables: Tables, readers: Sequence[tuple[str, str]]) -> Iterator[AcceptanceFigure]:
    """How many people each reader sees of each unit: their own unit's, and nobody else's."""
    facts = tables["facts"].join(tables["dim_person"].select("person_key", "UNIT"), on="person_key")
    newest = tables["dim_release"].filter(pl.col("is_newest") == 1)["release_key"].to_list()
    held = facts.filter((pl.col("grain") == "score") & pl.col("release_key").is_in(newest))
    for reader, own in readers:
        for (unit,), rows in sorted(held.group_by("UNIT"), key=lambda one: str(one[0])):
            seen = rows["person_key"].n_unique() if unit == own else 0
            yield AcceptanceFigure("people", "people", (("UNIT", str(unit)),), float(seen), 0, reader)


def to_fill_in(figures: Sequence[AcceptanceFigure]) -> bytes:
    """The figures to fill in: the last column is empty."""
    return csv_of([HEADER, *((one.app, one.reader, one.measure, one.chosen, "") for one in figures)])


@dataclass(frozen=True)
class Compared:
    """A filled-in sheet against ours: rows equal, and those that are not, by line; `missing`: figures the sheet does not hold."""

    equal: int
    unlike: tuple[str, ...]
    missing: int

    @property
    def is_accepted(self) -> bool:
        return not self.unlike and not self.missing and self.equal > 0


def compared(content: bytes, figures: Sequence[AcceptanceFigure]) -> Compared:
    """Holds a filled-in sheet against ours: numbers as Qlik shows them, texts to the letter, nothing as nothing (or `-`)."""
    ours = {(one.app, one.reader, one.measure, one.chosen): one for one in figures}
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    if not rows or tuple(rows[0]) != HEADER:
        return Compared(0, (f"line 1: not {','.join(HEADER)}",), len(ours))
    unlike, seen = [], set()
    for number, row in enumerate(rows[1:], start=2):
        one = ours.get((row[0], row[1], row[2], row[3])) if len(row) == len(HEADER) else None
        if one is None:
            unlike.append(f"line {number}: not one of the figures asked")
            continue
        seen.add((row[0], row[1], row[2], row[3]))
        if not _is_same(row[4].strip(), one):
            unlike.append(f"line {number}: {one.measure} for {one.chosen or 'everything'} is {'empty' if one.value is None else one.value} here")
    return Compared(len(rows) - 1 - len(unlike), tuple(unlike), len(ours.keys() - seen))


def _is_same(filled: str, one: AcceptanceFigure) -> bool:
    if one.value is None:
        return filled in ("", "-")
    if isinstance(one.value, str):
        return filled == one.value
    plain = filled.replace(" ", "").replace("\u00a0", "").replace(",", "")
    try:
        number = float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except ValueError:
        return False
    return bool(abs(number - one.value) <= 0.5000001 * 10 ** -(one.decimals or 0))
