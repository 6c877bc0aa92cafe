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
    there = {p["person_ref"] for p in persons if p["known_on"] <= as_of}
    into = {p["person_ref"]: p["merged_into"] for p in persons if p["merged_into"] in there and p["known_on"] <= as_of}
    out: dict[str, list[dict[str, Any]]] = {}
    for ref, row in last.items():
        if row.get("deleted") or row["outcome"] in FELL or row["charged_on"] > as_of:
            continue
        person = row["person_ref"]
        while person in into:
            person = into[person]
        out.setdefault(person, []).append(row | {"counted_on": max(row["charged_on"], first[ref])})
    return {person: linked(own) for person, own in out.items()}


def linked(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One person's charges; one without a crime takes that of the charges alike in code and both days, where those have one crime alone."""
    crimes: dict[tuple[Any, ...], set[str]] = {}
    for row in own:
        if row["crime_ref"] is not None:
            crimes.setdefault((row["offence_code"], row["happened_on"], row["charged_on"]), set()).add(row["crime_ref"])
    found = []
    for row in own:
        alike = crimes.get((row["offence_code"], row["happened_on"], row["charged_on"]), set())
        found.append(row | {"crime_ref": next(iter(alike))} if row["crime_ref"] is None and len(alike) == 1 else row)
    return found


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


def ever_high(own: list[dict[str, Any]], weight: Callable[[str], float | None], cut: float, table: list[tuple[float, float]]) -> bool:
    """Whether one person's standing charges brought harm to the cut at any of them; an event's own day is its first, whenever that became known."""
    firsts = {event["key"]: event["happened_on"] for event in as_events(own, weight)}
    for day in sorted({row["counted_on"] for row in own}):
        events = as_events([row for row in own if row["counted_on"] <= day], lambda code: weight(code) or 0.0)
        if harm([event | {"happened_on": firsts[event["key"]]} for event in events], day, table) >= cut:
            return True
    return False


BANDS = ["low", "low-medium", "high-medium", "high", "super high"]


def band(harm_today: float, cuts: list[float]) -> str:
    return BANDS[sum(harm_today >= cut for cut in cuts)]


def features(
    events: list[dict[str, Any]], day: date, cut: float, table: list[tuple[float, float]], kind_of: dict[str, dict[str, Any]]
) -> dict[str, float]:
    """Every feature of one person, from their standing events in the order in which they counted."""
    ages = [(day - e["counted_on"]).days / MONTH for e in events]
    shares = [(e["weight"] or 0.0) / cut for e in events]
    logs = [math.log(s + 0.01) for s in shares]
    violent = [any(kind_of[c]["violent"] for c in e["codes"]) for e in events]
    return {
        "harm_share": harm(events, day, table) / cut,
        "quick_harm_share": math.fsum((e["weight"] or 0) * 0.5 ** (max((day - e["happened_on"]).days, 0) / MONTH / 6) for e in events) / cut,
        "heaviest_share": max(shares),
        "last_weight_share": shares[-1],
        "weight_trend": sum(logs[-3:]) / 3 - sum(logs[:-3]) / (len(logs) - 3) if len(logs) > 3 else 0.0,
        "events_all": len(events),
        "events_6m": sum(a < 6 for a in ages),
        "events_12m": sum(a < 12 for a in ages),
        "events_24m": sum(a < 24 for a in ages),
        "serious_events": sum(s >= 0.25 for s in shares),
        "months_since_last": ages[-1],
        "months_since_first": ages[0],
        "mean_gap_months": ages[0] / len(events),
        "last_gap_months": min(ages[-2] - ages[-1], 120.0) if len(ages) > 1 else 120.0,
        "kinds": len({kind_of[e["heaviest"]["offence_code"]]["kind"] for e in events}),
        "violent_events": sum(violent),
        "violent_24m": sum(v and a < 24 for v, a in zip(violent, ages, strict=True)),
        "weapon_events": sum(any(kind_of[c]["weapon"] for c in e["codes"]) for e in events),
        "convicted_share": sum(e["convicted"] for e in events) / len(events),
    }
