"""What a closing counts, before it is rounded: exact, in memory, and gone when the run is over.

Protected columns are opened for it alone, once a closing, and the reading is an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

import polars as pl

from harmcast.documents.closed_tables import ALL, EVERYONE, NO_CHANGE_AGAINST, ClosedRow, value_in
from harmcast.documents.person_model import KeptModel
from harmcast.fairness import explored, groups, tallies
from harmcast.fairness.groups import Groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.runs import people
from harmcast.runs.audit import group_rules
from harmcast.runs.people_results import FLAGGED_SHARE
from harmcast.settings import PeopleTool
from harmcast.store import desk
from harmcast.store.cuts import Cuts
from harmcast.store.reads import work
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import BANDS
from harmcast.transitions import followed, landmarks
from harmcast.transitions.landmarks import People
from harmcast.transitions.model import gives_chances, look_back_of, points_of
from harmcast.weeks import add_months

YEARS_JUDGED = 3
FLOOR = "plain_harm"
NO_BAND = "harm incomplete"
JUDGED = (
    "Who is judged: everyone who was not yet high harm on the first day of each period. "
    f"Flagged: the {100 * FLAGGED_SHARE:g} in 100 of them with the highest chance of becoming so, as the model in use would have said from what was known that day. "
    "It came: the person reached high harm at a charge within the next {months} months."
)
CONVICTED: Final = "with_conviction"
NOT_CONVICTED: Final = "without_conviction"


@dataclass(frozen=True)
class ExactTables:
    """Everything a closing counts about a day.

    Attributes:
        tables: name -> rows with exact counts; absent: name -> why there is none; notes: name -> what it counts, in words.
        standing: person_ref, has_conviction of everyone tracked: what moves are counted from.
        labels: the groups of that day; source: the tables of people it was counted from; charged: every charge as known.
        model: name and content of the model in use; null: none was.
    """

    day: date
    tables: dict[str, list[ClosedRow]]
    absent: dict[str, str]
    notes: dict[str, str]
    standing: pl.DataFrame
    labels: Groups
    source: People
    charged: pl.DataFrame
    model: tuple[str, KeptModel] | None


def exact(state: State, tool: PeopleTool, day: date, before: date | None, actor: Actor, name: str) -> tuple[ExactTables, int | None]:
    """The tables of `day`, and how many people have moved since `before` (None: no table was printed yet).

    Raises: NotFit (`cuts_not_taken`); SettingsRefused for a harm index that cannot be read.
    """
    sequence = state.records.latest()
    _, cuts, rules = people.harm_of(state, tool)
    known = people.known_people(state, sequence)
    judged = [add_months(day, -12 * k) for k in range(1, YEARS_JUDGED + 1)]
    looked_back = [add_months(day, -months) for months in tool.horizons_months]
    days = sorted({day, *judged, *looked_back, *([before] if before else [])})
    births = people.under_18(state, days, day, sequence, actor, f"Closing {name}: nobody under 18 is counted")
    held = People(known.persons, known.charge_versions, births, rules)
    protected = people.protected(state, "fairness.groups", day, sequence, actor, f"Closing {name}: counts by group")
    labels = groups.read_groups(protected, day, rules=group_rules(state))
    now = tracked(held, day, cuts)
    moved = None
    if before is not None:
        then = tracked(held, before, cuts)
        labels_then = groups.read_groups(protected, before, rules=group_rules(state))
        moved = moves(then, labels_then.labels, now, labels.labels)
    release = model_release(state, tool, day)
    model = state.models.named(release.model) if release is not None and release.model else None
    content = model.content() if model else None
    tables, absent = _about_people(held, labels, now, tool, day, cuts)
    charged = people.standing_charges(known, day)
    tables |= explored.charge_rows(charged, labels, Thresholds.chosen(state.settings.fairness.model_dump()))
    for of, found in (_of_work(state, day, labels), _judged(held, labels, content, tool, day, judged)):
        tables |= of
        absent |= found
    notes = {"confusion": JUDGED.format(months=tool.horizons_months[0])} if "confusion" in tables else {}
    standing = now.select("person_ref", "has_conviction")
    tables = {of: sorted(rows, key=_place) for of, rows in tables.items()}
    return ExactTables(day, tables, absent, notes, standing, labels, held, charged, (model.name, model.content()) if model else None), moved


def _place(row: ClosedRow) -> tuple[str, str, int]:
    """Where a row stands: by model and period, everyone first, then attribute by attribute; the rest as counted."""
    order = (EVERYONE, *groups.ATTRIBUTES)
    return str(row.get("model", "")), str(row.get("period", "")), order.index(row["attribute"]) if "attribute" in row else 0


# -- people --------------------------------------------------------------------------------------


def tracked(held: People, day: date, cuts: Cuts) -> pl.DataFrame:
    """person_ref, band (null: harm incomplete), has_conviction of everyone scored on a day, as known then."""
    charges = people.standing_charges(people.Known(held.persons, held.charge_versions), day)
    convicted = charges.filter(pl.col("outcome") == "convicted")["person_ref"].unique().implode()
    return followed.banded(held, day, cuts.values).with_columns(has_conviction=pl.col("person_ref").is_in(convicted)).sort("person_ref")


def moves(then: pl.DataFrame, labels_then: pl.DataFrame, now: pl.DataFrame, labels_now: pl.DataFrame) -> int:
    """How many people joined, left, were convicted (or no longer are), or came into another age band between two days."""
    left = then.join(now, on="person_ref", how="anti").height
    joined = now.join(then, on="person_ref", how="anti").height
    both = (
        now.join(then.select("person_ref", convicted_then="has_conviction"), on="person_ref", how="inner")
        .join(labels_now.select("person_ref", "age_band"), on="person_ref", how="left")
        .join(labels_then.select("person_ref", age_then="age_band"), on="person_ref", how="left")
    )
    changed = both.filter((pl.col("has_conviction") != pl.col("convicted_then")) | pl.col("age_band").ne_missing(pl.col("age_then")))
    return left + joined + changed.height


Found = tuple[dict[str, list[ClosedRow]], dict[str, str]]


def _about_people(held: People, labels: Groups, now: pl.DataFrame, tool: PeopleTool, day: date, cuts: Cuts) -> Found:
    if now.is_empty():
        why = f"Nobody was scored on {day.isoformat()}."
        return {}, dict.fromkeys(("tracked", "bands_by_group", "bands"), why)
    word = pl.when("has_conviction").then(pl.lit(CONVICTED)).otherwise(pl.lit(NOT_CONVICTED))
    by_conviction = groups.count_people(labels, now.with_columns(conviction=word), ["conviction"])
    by_band = groups.count_people(labels, now.with_columns(band=pl.col("band").fill_null(NO_BAND)), ["band"])
    long = tallies.by_group("bands_by_group", by_conviction.iter_rows(named=True), "conviction", [CONVICTED, NOT_CONVICTED])
    wide: dict[tuple[str, str], dict[str, int]] = {}
    for row in long:
        wide.setdefault((row["attribute"], row["group"]), {})[str(value_in(row, "conviction"))] = row["people"]
    what = followed.what_followed(held, day, tool.horizons_months, cuts.values).filter(pl.col("what") == "reached_high")
    return {
        "tracked": [
            {"attribute": attribute, "group": group, CONVICTED: n[CONVICTED], NOT_CONVICTED: n[NOT_CONVICTED], "people": n[ALL]}
            for (attribute, group), n in wide.items()
        ],
        "bands_by_group": tallies.by_group("bands_by_group", by_band.iter_rows(named=True), "band", [*BANDS, NO_BAND]),
        "bands": cast(list[ClosedRow], what.select("horizon_months", "band", "people", "followed").to_dicts()),
    }, {}


# -- what officers did ---------------------------------------------------------------------------


def _of_work(state: State, day: date, labels: Groups) -> Found:
    """Decisions, sign-offs, steps and papers received by the end of the day; a table of which there was none yet is absent."""
    end = f"{day.isoformat()}T99"
    made = desk.since(state.operations, "", end)
    last = {each["person_key"]: each["decision"] for each in made}
    considered = pl.DataFrame({"person_key": list(last), "decision": list(last.values())}, schema={"person_key": pl.String, "decision": pl.String})
    decided = considered.join(state.person_keys(), on="person_key", how="inner")
    values = sorted(decided["decision"].unique().to_list())
    counted: dict[tuple[str, str], int] = {}
    for each in made:
        against = each["decision"] == "no_change" and desk.is_against(each["decision"], each["own_judgement"])
        key = (NO_CHANGE_AGAINST if against else each["decision"], each["reason_code"])
        counted[key] = counted.get(key, 0) + 1
    by_group = groups.count_people(labels, decided, ["decision"]).iter_rows(named=True)
    tables = {
        "considered": tallies.by_group("considered", by_group, "decision", values) if values else [],
        "decisions": tallies.with_totals("decisions", ({"decision": d, "reason": r, "decisions": n} for (d, r), n in counted.items())),
        "sign_offs": tallies.with_totals("sign_offs", _times("outcome", work.counted(state.operations, "sign_offs", "outcome", end))),
        "follow_ups": tallies.with_totals("follow_ups", _times("step", work.counted(state.operations, "follow_ups", "step", end))),
        "representations": tallies.with_totals("representations", work.representations(state.operations, end).iter_rows(named=True)),
    }
    absent = {name: f"None had been recorded by {day.isoformat()}." for name, rows in tables.items() if not rows}
    return {name: rows for name, rows in tables.items() if rows}, absent


def _times(column: str, counted: Mapping[str, int]) -> Iterable[dict[str, str | int]]:
    return ({column: word, "times": n} for word, n in counted.items())


# -- who was flagged, and who became -------------------------------------------------------------


def model_release(state: State, tool: PeopleTool, day: date) -> Release | None:
    """The newest release of the tool from what was known by a day that was not withdrawn."""
    found = [r for r in state.releases.history(tool.name, None) if r.as_of is not None and r.as_of <= day and r.standing != "withdrawn"]
    return found[-1] if found else None


def _judged(held: People, labels: Groups, model: KeptModel | None, tool: PeopleTool, day: date, days: list[date]) -> Found:
    """TP, FP, FN, TN by period and group, of the model in use and of the plain harm score, the same number flagged by each."""
    if model is None or not gives_chances(model):
        return {}, {"confusion": f"No model that gives chances was in use on {day.isoformat()}."}
    months = tool.horizons_months[0]
    became, rows = f"became_{months}m", []
    for first in days:
        then = landmarks.panel(held, [first], [months], day, look_back_of(model))
        if then.is_empty() or then[became].null_count() == then.height:
            continue
        period = f"{first.isoformat()} to {add_months(first, months).isoformat()}"
        for name, score in ((str(model["chosen"]), pl.Series(points_of(model, then).astype(float))), (FLOOR, then["harm"])):
            rows += _confusion(then.with_columns(score=score), became, labels, name, period)
    return ({"confusion": rows}, {}) if rows else ({}, {"confusion": "No period of a full horizon is over yet."})


def _confusion(then: pl.DataFrame, became: str, labels: Groups, model: str, period: str) -> list[ClosedRow]:
    flagged_n = max(1, round(FLAGGED_SHARE * then.height))
    ranked = then.sort(["score", "harm", "person_ref"], descending=[True, True, False]).with_row_index("rank")
    flagged, came = pl.col("rank") < flagged_n, pl.col(became)
    cell = pl.when(flagged & came).then(pl.lit("tp")).when(flagged).then(pl.lit("fp")).when(came).then(pl.lit("fn")).otherwise(pl.lit("tn"))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in groups.count_people(labels, ranked.select("person_ref", cell=cell), ["cell"]).iter_rows(named=True):
        found.setdefault((row["attribute"], row["group"]), dict.fromkeys(("tp", "fp", "fn", "tn"), 0))[row["cell"]] = row["people"]
    return [
        {"model": model, "period": period, "attribute": attribute, "group": group, "tp": n["tp"], "fp": n["fp"], "fn": n["fn"], "tn": n["tn"]}
        for (attribute, group), n in found.items()
    ]
