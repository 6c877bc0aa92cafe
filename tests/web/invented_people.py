"""Invented people with releases of the contract's shape: two units, a card model whose figures can be redone, all parts of the list."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from typing import Any

import numpy as np
import polars as pl
from tests.web import invented_audits
from tests.web.invented_releases import NEWEST, register

from harmcast import tables
from harmcast.oversight.log import Event
from harmcast.people.features import FEATURES, NAMES
from harmcast.publish import release_files as publishing
from harmcast.store import keys, ledger
from harmcast.store.releases import NewTool
from harmcast.store.state import State

SYSTEM = Event("system", "operator", "run", "people_made")
UNIT = "Brede Unit"
OTHER = "Fennick Unit"
CUTS = [5.0, 20.0, 100.0, 400.0]
CARD = [
    {"feature": "events_12m", "threshold": 2.0, "below": False, "points": 3},
    {"feature": "violent_events", "threshold": 1.0, "below": False, "points": 2},
    {"feature": "months_since_last", "threshold": 6.0, "below": True, "points": 2},
]
LEVELS = [(-4.6, 0.42), (-4.9, 0.35)]
WEEKS = 4
EACH = 60


def model() -> dict[str, Any]:
    """A points card as a refit keeps it."""
    features = [{"name": f.name, "says": f.says, "unit": f.unit, "direction": f.direction} for f in FEATURES]
    table = []
    for points in range(sum(int(str(line["points"])) for line in CARD) + 1):
        row: dict[str, float] = {"points": points}
        for months, chance in zip((12, 24), chances(points), strict=True):
            ends = (("", 1), ("_low", 0.6), ("_high", 1.5), ("_group_low", 0.8), ("_group_high", 1.2))
            row |= {f"p{months}{end}": min(1.0, chance * times) for end, times in ends}
        table.append(row)
    return {
        "form": 2,
        "chosen": "card_three",
        "because": "it foretold better than harm alone",
        "months": [12, 24],
        "history": {"look_back_months": 24, "first_day": "2022-11-16", "months": 48},
        "features": features,
        "cards": {"card_three": {"lines": CARD, "table": table}},
        "not_charged_lately": {"12m": {"people": 400, "became": 7}},
        "base_rate": {"12m": 0.01, "24m": 0.02},
        "rows": 5000,
        "people": 1200,
    }


def chances(points: int) -> list[float]:
    """Chance within 12 and 24 months of a sum of points."""
    left, found = 1.0, []
    for intercept, slope in LEVELS:
        left *= 1 - 1 / (1 + math.exp(-(intercept + slope * points)))
        found.append(1 - left)
    return found


def _person(number: int, week: int, rng: np.random.Generator) -> dict[str, Any]:
    """One person's scores in one week. Numbers decide: the band, who moves, who was high before."""
    band = number % 5
    moved = number % 20 == 2 and week == WEEKS - 1
    harm = [3.0, 12.0, 60.0, 250.0, 900.0][band] + (week == 0) * 0.5
    if moved:
        harm = 130.0
    name = tables.BANDS[sum(harm >= cut for cut in CUTS)]
    values = [0.0] * len(NAMES)
    values[NAMES.index("events_12m")] = float(number % 4)
    values[NAMES.index("violent_events")] = float(number % 2)
    values[NAMES.index("months_since_last")] = float(number % 12)
    lines = [3 * (number % 4 >= 2), 2 * (number % 2 >= 1), 2 * (number % 12 < 6)]
    waiting = name in tables.BANDS[:3]
    both = chances(sum(lines)) if waiting else [None, None]
    light = {"happened_on": "2024-05-06", "charged_on": "2024-06-01", "offence_code": "049/10", "kind": "Shoplifting", "violent": False, "weapon": False, "outcome": "convicted", "charges": 1, "weight": 0.0, "left": 0.1, "effect": 0.0}
    rest = [{"charge_ref": f"CH-{number:05d}-{k}", **light} for k in range(2 if number % 4 == 3 else 0)]
    why = {
        "charges": [{"charge_ref": f"CH-{number:05d}", "happened_on": "2026-03-01", "charged_on": "2026-03-05", "violent": True, "weapon": False, "offence_code": "008/06", "kind": "Violence with injury", "outcome": "convicted" if number % 3 else "charged", "charges": 1, "weight": harm * 2, "left": 0.5, "effect": harm}],
        "others": {"count": len(rest), "effect": 0.0, "events": rest},
        "values": values if waiting else None,
        "card": {"points": sum(lines), "lines": lines} if waiting else None,
        "group": {f"group_{end}_{m}m": both[k] * times if waiting else None for k, m in enumerate((12, 24)) for end, times in (("low", 0.8), ("high", 1.2))},
        "no_chance": None if waiting else "high_now",
        "high_before": False,
        "harm_incomplete": False,
        "other_band": bool(number % 7 == 0),
        "not_known": {"charges_standing": 1, "events": 1, "convicted": int(number % 3 > 0), "awaiting_result": int(number % 3 == 0), "without_weight": 0, "first_charged_on": "2026-03-05"},
        "changed": {"harm": {"last": harm, "time": 0.0, "records": 0.0, "model": 0.0, "now": harm}},
    }  # fmt: skip
    row = {"band": name, "harm": harm, "harm_unit": "days", "no_chance": why["no_chance"], "reasons": json.dumps(why)}
    for months, chance in zip((12, 24), both, strict=True):
        row |= {
            f"chance_high_harm_{months}m": chance,
            f"chance_high_harm_{months}m_low": chance and chance * 0.6,
            f"chance_high_harm_{months}m_high": chance and min(1.0, chance * 1.5),
        }
    return row


def unit_of(number: int) -> str | None:
    if number >= 2 * EACH:
        return None
    return UNIT if number < EACH else OTHER


def reference(number: int) -> str:
    return f"P{number:05d}"


RECORD = {"sequence": pl.Int32, "digest": pl.UInt64, "merged_into": pl.String, "died_on": pl.Date}


def _record(n: int, when: datetime, version: dict[str, Any]) -> dict[str, Any]:
    return {"person_ref": reference(n), "name": f"Invented Person {n}", "unit": unit_of(n), "merged_into": None, "died_on": None, "restricted": n in (7, 8, 67), "review_group": 1 + n % 4, "review_due_on": date(2026, 1, 1) if n == 9 else date(2030, 1, 1), "changed_at": when, **version, "digest": n}  # fmt: skip


def changed(state: State, on: date, changes: dict[int, dict[str, Any]], sequence: int = 2) -> None:
    """A later load in which these people's records say something else, e.g. whom they were merged into."""
    when = datetime.combine(on, time())
    version = {"known_on": on, "deleted": False, "sequence": sequence, "made_at": when}
    rows = [{**_record(n, when, version), "digest": 1000 * sequence + n, **more} for n, more in changes.items()]
    part = state.records.write("persons", pl.DataFrame(rows, schema_overrides=RECORD), sequence, f"{on}T00:00:00.000000Z")
    with state.operations.writing(Event("system", "operator", "run", "delivery_loaded")) as tx:
        ledger.add(tx, [part])


def add_people(state: State) -> None:
    """People 0 to 59 of UNIT, 60 to 119 of OTHER, 120 to 123 without a unit; numbers 7, 67 and 8 are restricted."""
    count = 2 * EACH + 4
    numbers = list(range(count))
    when = datetime(2026, 10, 1)
    version = {"known_on": when.date(), "deleted": False, "sequence": 1, "made_at": when}
    people = pl.DataFrame([_record(n, when, version) for n in numbers], schema_overrides=RECORD)
    held = pl.DataFrame(
        [{"person_ref": reference(n), "kind": kind, "value": value, "from_on": date(2026, 5, 1), "to_on": None, "source": source, **version, "digest": n} for n, kind, value, source in ((0, "managed", "IOM", "unit"), (0, "mappa", "level 2", "probation"), (1, "custody", "in custody", "prison notice"))],
        schema_overrides={"to_on": pl.Date, "sequence": pl.Int32, "digest": pl.UInt64},
    )  # fmt: skip
    parts = [
        state.records.write(name, frame, 1, "2026-10-01T00:00:00.000000Z")
        for name, frame in (("persons", people), ("circumstances", held))
    ]
    with state.operations.writing(SYSTEM) as tx:
        ledger.add(tx, parts)
        keys.assign(tx, state.secret, people["person_ref"].to_list())
    made = state.models.keep(
        "iom",
        "iom-model-2026-W40",
        "2026-W40",
        model(),
        {"chosen": "card_three", "because": "it foretold better than harm alone"},
        SYSTEM,
    )
    state.models.approve(made, SYSTEM)
    register(state, "iom")
    key = dict(state.person_keys().iter_rows())
    rng = np.random.default_rng(4)
    before: dict[str, str] = {}
    for week in range(WEEKS):
        rows = []
        for n in numbers:
            row = _person(n, week, rng)
            ref = reference(n)
            rows.append({"person_key": key[ref], "unit": unit_of(n), "band_last_week": before.get(ref), **row})
            before[ref] = row["band"]
        names = [c.name for c in tables.SCORED_PEOPLE.columns]
        frame = (
            pl.DataFrame(rows, schema_overrides={"band_last_week": pl.String}, infer_schema_length=None)
            .select(names)
            .sort("person_key")
        )
        _release(state, week, frame)


def charge_all(state: State) -> None:
    """A charge for everybody, so that nobody is due to go but number 9, whose review is overdue."""
    when = datetime(2026, 10, 1)
    rows = [
        {"charge_ref": f"C{n:05d}", "person_ref": reference(n), "crime_ref": None, "offence_code": "008/06", "happened_on": date(2025, 3, 1), "charged_on": date(2025, 3, 5),
         "outcome": "charged", "outcome_on": None, "changed_at": when, "known_on": when.date(), "deleted": False, "sequence": 1, "made_at": when, "digest": n}
        for n in range(2 * EACH + 4)
    ]  # fmt: skip
    overrides = {"sequence": pl.Int32, "digest": pl.UInt64, "outcome_on": pl.Date, "crime_ref": pl.String}
    part = state.records.write("charges", pl.DataFrame(rows, schema_overrides=overrides), 1, "2026-10-01T00:00:00.000000Z")
    with state.operations.writing(SYSTEM) as tx:
        ledger.add(tx, [part])


def _release(state: State, week: int, frame: pl.DataFrame) -> None:
    named = NEWEST.plus(week - WEEKS + 1)
    about = {
        "cuts": CUTS,
        "cuts_reference_date": "2025-11-16",
        "harm_unit": "days",
        "weights": {"coarse_index": True, "index": {"source": "Cambridge", "edition": "2026"}},
        "left_out": {"under_18": 3},
    }
    classes = frame.select(
        "person_key", band=pl.col("band").fill_null("harm incomplete"), chance=pl.lit("under 2 in 100"), charges=pl.lit("1 to 2"), newest=pl.lit("*"), group=pl.lit("*")
    )
    files = {"iom.parquet": publishing.parquet(frame), "iom_about.json": publishing.document(about), "iom_coarse.parquet": publishing.parquet(classes)}
    if week == WEEKS - 1:
        files |= invented_audits.of_people("iom", "Integrated Offender Management", str(named), named.origin)
    manifest = {
        "week": str(named),
        "origin": named.origin.isoformat(),
        "as_of": named.origin.isoformat(),
        "tools": {"iom": {"warnings": []}},
    }
    # The places' releases of the same week stand already, so this is the week's second revision.
    state.releases.keep(
        str(named), publishing.with_manifest(files, manifest), [NewTool("iom", "published", model="iom-model-2026-W40")],
        origin=named.origin, as_of=named.origin, sequence=1, event=SYSTEM,
    )  # fmt: skip


def key(state: State, number: int) -> str:
    """The key of the person of that number."""
    found = keys.key_of(state.operations, reference(number))
    assert found is not None
    return found
