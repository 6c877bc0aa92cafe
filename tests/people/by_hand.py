"""The same sums again in plain loops, sharing nothing with the code under test: the independent judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

FELL = {"acquitted", "withdrawn", "discontinued", "quashed"}
MONTH = 365.25 / 12


def known_charges(versions: list[dict[str, Any]], persons: list[dict[str, Any]], as_of: date) -> dict[str, list[dict[str, Any]]]:
    """Standing charges by surviving person."""
    last: dict[str, dict[str, Any]] = {}
    first: dict[str, date] = {}
    for row in sorted(versions, key=lambda r: r["known_on"]):
        if row["known_on"] <= as_of:
            last[row["charge_ref"]] = row
            first.setdefault(row["charge_ref"], row["known_on"])
    into = {p["person_ref"]: p["merged_into"] for p in persons if p["merged_into"] and p["known_on"] <= as_of}
    out: dict[str, list[dict[str, Any]]] = {}
    for ref, row in last.items():
        if row["deleted"] or row["outcome"] in FELL or row["charged_on"] > as_of:
            continue
        person = row["person_ref"]
        while person in into:
            person = into[person]
        out.setdefault(person, []).append(row | {"counted_on": max(row["charged_on"], first[ref])})
    return out


def left(months_table: list[tuple[float, float]], days: int) -> float:
    months = max(days, 0) / MONTH
    (last_m, last_l) = months_table[-1]
    if months > last_m:
        (_, earlier) = next(p for p in months_table if p[0] == last_m - 12)
        return last_l * (last_l / earlier) ** ((months - last_m) / 12)
    for (m0, l0), (m1, l1) in pairwise(months_table):
        if m0 <= months <= m1:
            return l0 * (l1 / l0) ** ((months - m0) / (m1 - m0))
    raise AssertionError


def as_events(charges: list[dict[str, Any]], weight: Callable[[str], float | None]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in charges:
        groups.setdefault(row["crime_ref"] or str(row["happened_on"]), []).append(row)
    out = []
    for key, rows in groups.items():
        weights = [weight(r["offence_code"]) for r in rows]
        out.append({
            "key": key,
            "weight": None if any(w is None for w in weights) else max(w for w in weights if w is not None),
            "happened_on": min(r["happened_on"] for r in rows),
            "counted_on": min(r["counted_on"] for r in rows),
            "codes": [r["offence_code"] for r in rows],
            "heaviest": sorted(rows, key=lambda r: (-(math.inf if weight(r["offence_code"]) is None else weight(r["offence_code"]) or 0), r["counted_on"], r["charge_ref"]))[0],
            "convicted": any(r["outcome"] == "convicted" for r in rows),
        })
    return sorted(out, key=lambda e: (e["counted_on"], ("c:" if e["heaviest"]["crime_ref"] else "d:") + e["key"]))


def harm(events: list[dict[str, Any]], day: date, table: list[tuple[float, float]]) -> float:
    return math.fsum((e["weight"] or 0.0) * left(table, (day - e["happened_on"]).days) for e in events)
