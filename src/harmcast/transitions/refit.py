"""Refitting the person model by a frozen procedure: try every model out of time, choose by the rule, fit on all that is known.

The result is one document of plain numbers; the same records give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from harmcast.people.features import FEATURES
from harmcast.transitions.landmarks import People, Rules, landmarks_before, panel
from harmcast.transitions.model import SIMPLEST_FIRST, chances, fit, matrix
from harmcast.transitions.ranges import fit_conformal, fit_ranges, fit_venn_abers
from harmcast.transitions.regression import Document
from harmcast.transitions.thinning import MOST_ROWS, thinned_panel

# How a model is chosen: (judged table, months, models from the simplest) -> {"chosen": name, "because": ..., ...}.
Choose = Callable[[pl.DataFrame, Sequence[int], Sequence[str]], dict[str, Any]]

STEP_MONTHS = 6
TRAINING_LANDMARKS = 10
JUDGED_LANDMARKS = 3
JUDGED_STEP_MONTHS = 12
SEED = 20


def training_days(
    as_of: date, months: Sequence[int], step_months: int = STEP_MONTHS, count: int = TRAINING_LANDMARKS
) -> list[date]:
    """Landmarks a model fitted at `as_of` learns from: the newest has its shortest outcome just known."""
    return landmarks_before(as_of, months[0], step_months, count)


def judged_days(
    as_of: date, months: Sequence[int], count: int = JUDGED_LANDMARKS, step_months: int = JUDGED_STEP_MONTHS
) -> list[date]:
    """Landmarks on which models are judged at `as_of`: the newest has its longest outcome just known."""
    return landmarks_before(as_of, months[-1], step_months, count)


def all_days(
    as_of: date, months: Sequence[int], step_months: int = STEP_MONTHS, count: int = TRAINING_LANDMARKS
) -> list[date]:
    """Every day for which `refit` at `as_of` asks who is under 18."""
    days = set(training_days(as_of, months, step_months, count))
    for day in judged_days(as_of, months):
        days |= {day, *training_days(day, months, step_months, count)}
    return sorted(days)


def out_of_time(
    people: People,
    days: Sequence[date],
    months: Sequence[int],
    as_of: date,
    models: Sequence[str] = SIMPLEST_FIRST,
    step_months: int = STEP_MONTHS,
    count: int = TRAINING_LANDMARKS,
    seed: int = SEED,
) -> pl.DataFrame:
    """Chances given on each day by each model fitted with what was known on that day, and what came, as known at `as_of`.

    Returns: landmark, person_ref, harm, `became_<m>m`, `<model>_<m>m`; days without enough before them to fit are left out.
    """
    tables = []
    for day in days:
        learn = panel(people, training_days(day, months, step_months, count), months, day)
        judge = panel(people, [day], months, as_of)
        if judge.is_empty() or not is_enough(learn, months):
            continue
        learn, x = thinned_panel(learn, months, seed), matrix(judge)
        given: dict[str, Any] = {}
        for name in models:
            p = chances(fit(name, learn, months, seed), x)
            given |= {f"{name}_{horizon}m": p[:, k] for k, horizon in enumerate(months)}
        outcomes = [f"became_{horizon}m" for horizon in months]
        tables.append(
            judge.select("landmark", "person_ref", "harm", *outcomes).with_columns(
                **{k: pl.Series(v) for k, v in given.items()}
            )
        )
    return pl.concat(tables) if tables else pl.DataFrame()


def is_enough(learn: pl.DataFrame, months: Sequence[int], least: int = 20) -> bool:
    """Whether at least `least` rows became within every horizon, and as many did not."""
    for horizon in months:
        known = learn[f"became_{horizon}m"].drop_nulls()
        if min(int(known.sum()), len(known) - int(known.sum())) < least:
            return False
    return True


def data_hash(table: pl.DataFrame) -> str:
    """SHA-256 of a table's values in their order: what a model was fitted on."""
    digest = hashlib.sha256("|".join(f"{name}:{kind}" for name, kind in table.schema.items()).encode())
    for name in table.columns:
        column = table[name]
        values = column.fill_null("\0").to_list() if column.dtype == pl.String else None
        digest.update(
            "\n".join(values).encode()
            if values is not None
            else column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().tobytes()
        )
    return digest.hexdigest()


def refit(
    persons: pl.DataFrame,
    charge_versions: pl.DataFrame,
    minors: pl.DataFrame,
    as_of: date,
    rules: Rules,
    choose: Choose,
    months: Sequence[int] = (12, 24),
    models: Sequence[str] = SIMPLEST_FIRST,
    step_months: int = STEP_MONTHS,
    count: int = TRAINING_LANDMARKS,
    seed: int = SEED,
) -> Document:
    """The person model as known at `as_of`: a document of plain numbers for `weekly.score_people`.

    Args:
        persons, charge_versions: versions, with known_on; nothing known later than `as_of` is looked at.
        minors: `people.minors.flags` for `all_days(as_of, months, step_months, count)`.
        choose: the choosing rule (`evaluate.people_choose.choose`).
    Returns: a JSON-ready document; `model["json"]` never needs a library that made it. With too little history (under 20
        people who became) every chance is null: `chosen` is None and `because` says why.
    """
    people = People(persons, charge_versions, minors, rules)
    learn = panel(people, training_days(as_of, months, step_months, count), months, as_of)
    document: Document = {
        "form": 1,
        "months": list(months),
        "as_of": as_of.isoformat(),
        "high_cut": float(rules.high_cut),
        "decay": rules.decay.document(),
        "index": rules.index.document(),
        "seed": seed,
        "landmarks": [str(day) for day in learn["landmark"].unique().sort()],
        "rows": learn.height,
        "most_rows_fitted": MOST_ROWS,
        "people": learn["person_ref"].n_unique(),
        "became": {f"{h}m": int(learn[f"became_{h}m"].sum() or 0) for h in months},
        "base_rate": {f"{h}m": _share(learn[f"became_{h}m"]) for h in months},
        "data_hash": data_hash(learn),
        "features": [{"name": f.name, "says": f.says, "unit": f.unit, "direction": f.direction} for f in FEATURES],
    }
    if not is_enough(learn, months):
        return document | {
            "chosen": None,
            "because": "fewer than 20 people became high harm in the history held",
            "models": {},
        }
    judged = out_of_time(people, judged_days(as_of, months), months, as_of, models, step_months, count, seed)
    choice = _choice(judged, months, models, choose)
    to_fit = thinned_panel(learn, months, seed)
    fitted = {
        name: fit(name, to_fit, months, seed)
        for name in dict.fromkeys(["base_rate", "plain_harm", "card", choice["chosen"]])
    }
    chosen = choice["chosen"]
    return document | {
        "chosen": chosen,
        "because": choice["because"],
        "choice": choice,
        "models": fitted,
        "ranges": fit_ranges(fitted[chosen], learn, months, seed),
        "told_apart": _told_apart(judged, chosen, months),
    }


def _share(column: pl.Series) -> float | None:
    mean = column.mean()
    return float(mean) if isinstance(mean, int | float) else None


def _choice(judged: pl.DataFrame, months: Sequence[int], models: Sequence[str], choose: Choose) -> dict[str, Any]:
    if judged.is_empty():
        return {
            "chosen": "plain_harm",
            "because": "too little history to judge a model out of time, so the plain score ships",
        }
    return choose(judged, months, models)


def _told_apart(judged: pl.DataFrame, chosen: str, months: Sequence[int]) -> dict[str, Any]:
    """Venn-ABERS and conformal tables of the chosen model, from its out-of-time chances."""
    out: dict[str, Any] = {}
    for horizon in months:
        if judged.is_empty():
            p, y = np.zeros(0), np.zeros(0)
        else:
            p = judged[f"{chosen}_{horizon}m"].to_numpy()
            y = judged[f"became_{horizon}m"].cast(pl.Float64).to_numpy()
        out[f"{horizon}m"] = {"conformal": fit_conformal(p, y), "venn_abers": fit_venn_abers(p, y)}
    return out


def to_json(model: Document) -> str:
    """The model as text; floats in their shortest exact form, keys in order: the same model gives the same bytes."""
    return json.dumps(model, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def side_by_side(old: pl.DataFrame, new: pl.DataFrame, horizon_months: int = 12) -> dict[str, Any]:
    """What a new model changes for the same people on the same records: counts, before anyone approves it.

    Args: `old`, `new`: scored people (`weekly.score_people(...).people`) under each model.
    Returns: people scored by both, bands changed (from, to, people), chances moved by over .01, .05, the mean change,
        and how many of the old's highest 5% stay there.
    """
    column = f"chance_high_harm_{horizon_months}m"
    both = old.select("person_ref", "band", column).join(
        new.select("person_ref", "band", column), on="person_ref", suffix="_new"
    )
    moved = (both[column + "_new"] - both[column]).drop_nulls()
    changed = (
        both.filter(pl.col("band").ne_missing(pl.col("band_new")))
        .group_by("band", "band_new")
        .len("people")
        .sort("band", "band_new")
    )
    known = both.drop_nulls([column, column + "_new"])
    top = max(1, round(0.05 * known.height))
    ours, theirs = (
        set(known.sort([name, "person_ref"], descending=[True, False])["person_ref"].head(top).to_list())
        for name in (column, column + "_new")
    )
    return {
        "people": both.height,
        "bands_changed": int(changed["people"].sum()),
        "bands": changed.to_dicts(),
        "chances_compared": known.height,
        "mean_change": known.select((pl.col(column + "_new") - pl.col(column)).mean()).item(),
        "moved_over_01": int((moved.abs() > 0.01).sum()),
        "moved_over_05": int((moved.abs() > 0.05).sum()),
        "top5": top if known.height else 0,
        "top5_kept": len(ours & theirs) if known.height else 0,
    }
