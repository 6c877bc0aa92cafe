"""Tables of a closing as families of counts that add up, and the same tables rounded whole.

A table is its rows (`documents.closed_tables.COLUMNS`), totals included. Tables that count the same people are rounded together, so
that what they share is printed alike in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from harmcast.documents.closed_tables import ALL, COLUMNS, COUNTS, EVERYONE, ClosedRow, value_in
from harmcast.fairness.rounding import CountFamily, CountKey, CountSum, Drawn, controlled

Rows = Sequence[ClosedRow]
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("tracked", "bands_by_group"),
    ("charges_fell_away",),
    ("charges_police_found",),
    ("bands",),
    ("considered",),
    ("decisions",),
    ("sign_offs",),
    ("follow_ups",),
    ("representations",),
    ("confusion",),
)


def rounded(tables: Mapping[str, Rows], drawn: Drawn) -> dict[str, list[ClosedRow]]:
    """Every table with each count rounded, in the same rows; `drawn` as in `rounding.controlled`."""
    found: dict[str, list[ClosedRow]] = {}
    for names in TOGETHER:
        own = {name: tables[name] for name in names if tables.get(name)}
        if not own:
            continue
        counts = controlled(family(own), drawn).counts
        found |= {
            name: [cast(ClosedRow, {**row, **{column: counts[_key(name, row, column)] for column in _counts(name)}}) for row in rows] for name, rows in own.items()
        }
    return found


def family(tables: Mapping[str, Rows]) -> CountFamily:
    """The counts of tables that are rounded together, with every sum among them, margins that nobody prints included."""
    counts: dict[CountKey, int] = {}
    sums: list[CountSum] = []
    for name, rows in tables.items():
        counts |= {_key(name, row, column): int(value_in(row, column)) for row in rows for column in _counts(name)}
    for name, rows in tables.items():
        sums += _down(name, rows, counts)
        sums += _across(name, rows, counts)
    if "bands_by_group" in tables and "tracked" in tables:
        sums += [
            (_key("bands_by_group", row, "people"), (("tracked", row["attribute"], row["group"], "people"),))
            for row in tables["bands_by_group"]
            if row["band"] == ALL
        ]
    return CountFamily(counts, tuple(dict.fromkeys(sums)))


def _counts(name: str) -> tuple[str, ...]:
    return tuple(column for column in COLUMNS[name] if column in COUNTS)


def _dimensions(name: str) -> tuple[str, ...]:
    return tuple(column for column in COLUMNS[name] if column not in COUNTS)


def _key(name: str, row: ClosedRow, column: str) -> CountKey:
    return (name, *(str(value_in(row, d)) for d in _dimensions(name)), column)


def _down(name: str, rows: Rows, counts: Mapping[CountKey, int]) -> Iterable[CountSum]:
    """Totals over rows: everyone over the groups of each attribute, `all` over the values of any other column."""
    for column in _counts(name):
        parts: dict[tuple[CountKey, str], list[CountKey]] = {}
        for row in rows:
            totals = {d: cast(ClosedRow, {**row, d: ALL}) for d in _dimensions(name) if d not in ("attribute", "group") and value_in(row, d) != ALL}
            if row.get("attribute", EVERYONE) != EVERYONE:
                totals[row["attribute"]] = {**row, "attribute": EVERYONE, "group": ALL}
            for over, total in totals.items():
                parts.setdefault((_key(name, total, column), over), []).append(_key(name, row, column))
        yield from ((total, tuple(keys)) for (total, _), keys in parts.items() if total in counts)


def _across(name: str, rows: Rows, counts: dict[CountKey, int]) -> Iterable[CountSum]:
    """Totals within a row; those of a confusion table's margins are the same for every model of a period."""
    for row in rows:
        if name == "tracked":
            yield _key(name, row, "people"), (_key(name, row, "with_conviction"), _key(name, row, "without_conviction"))
        if name == "bands":
            rest = _key(name, row, "rest")
            counts[rest] = int(row["people"]) - int(row["followed"])
            yield _key(name, row, "people"), (_key(name, row, "followed"), rest)
        if name.startswith("charges_"):
            decided: CountKey = (name, "whole", row["attribute"], row["group"])
            counts[decided] = sum(int(value_in(row, column)) for column in _counts(name))
            yield decided, tuple(_key(name, row, column) for column in _counts(name))
        if name == "confusion":
            for margin, parts in (("became", ("tp", "fn")), ("did_not", ("fp", "tn"))):
                shared = (name, margin, row["period"], row["attribute"], row["group"])
                counts[shared] = sum(int(value_in(row, part)) for part in parts)
                yield shared, tuple(_key(name, row, part) for part in parts)
            whole = (name, "whole", row["period"], row["attribute"], row["group"])
            counts[whole] = row["tp"] + row["fp"] + row["fn"] + row["tn"]
            yield whole, tuple(_key(name, row, part) for part in ("tp", "fp", "fn", "tn"))
            flagged = (name, "flagged", *(str(value_in(row, d)) for d in _dimensions(name)))
            counts[flagged] = int(row["tp"]) + int(row["fp"])
            yield flagged, (_key(name, row, "tp"), _key(name, row, "fp"))


def with_totals(name: str, cells: Iterable[Mapping[str, Any]]) -> list[ClosedRow]:
    """Cells of a table with one count and no groups, with its rows `all`."""
    dimensions, count = _dimensions(name), _counts(name)[0]
    held = {tuple(str(row[d]) for d in dimensions): int(row[count]) for row in cells}
    if not held:
        return []
    if len(dimensions) == 1:
        found = [(key, n) for key, n in sorted(held.items())]
    else:
        found = []
        for a in sorted({key[0] for key in held}):
            own = {key[1]: n for key, n in held.items() if key[0] == a}
            found += [*(((a, b), own[b]) for b in sorted(own)), ((a, ALL), sum(own.values()))]
    found.append(((ALL,) * len(dimensions), sum(held.values())))
    return [cast(ClosedRow, {**dict(zip(dimensions, key, strict=True)), count: n}) for key, n in found]


def by_group(name: str, people: Iterable[Mapping[str, Any]], column: str, values: Sequence[str]) -> list[ClosedRow]:
    """A table of groups by one more column, with its total `all`, 0 where nobody was counted.

    Args: `people`: attribute, group, `column`, people; every attribute counts the same people.
    """
    held: dict[tuple[str, str], dict[str, int]] = {}
    for row in people:
        own = held.setdefault((row["attribute"], row["group"]), {})
        own[str(row[column])] = own.get(str(row[column]), 0) + int(row["people"])
    return [
        cast(ClosedRow, {"attribute": attribute, "group": group, column: value, "people": sum(own.values()) if value == ALL else own.get(value, 0)})
        for (attribute, group), own in held.items()
        for value in [*values, ALL]
    ]
