"""Refitting the person model by a frozen procedure: every card out of time, one chosen by the rule, its level and range of today.

The result is one document of plain numbers; the same records give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from harmcast.documents.person_model import (
    CardChoice,
    KeptCard,
    KeptModel,
    KeptStretch,
    LatelyFigure,
    Rehearsal,
    SideBySide,
)
from harmcast.people.features import FEATURES
from harmcast.people.outcome import arrivals, counts_of
from harmcast.transitions import card
from harmcast.transitions.history import RecordsHeld, history, vouched_from
from harmcast.transitions.landmarks import People, Rules, eligible, not_charged_lately, outcomes, panel
from harmcast.transitions.level import Slope, slope_of_years
from harmcast.transitions.model import (
    FORM,
    SIMPLEST_FIRST,
    Card,
    card_day,
    fit,
    fit_stretches,
    floor_chances,
    look_back_of,
    matrix,
    printed_card,
)
from harmcast.transitions.regression import logit
from harmcast.transitions.table import LEAST_BECAME, chance_table
from harmcast.transitions.thinning import MOST_ROWS, thinned_panel
from harmcast.weeks import add_months

# How a card is chosen: (judged table, months, cards from the simplest) -> {"chosen", "because", "slopes", ...}.
Choose = Callable[[pl.DataFrame, Sequence[int], Sequence[str]], CardChoice]

JUDGED_LANDMARKS = 3
JUDGED_STEP_MONTHS = 12
HALF_YEAR = 6  # months after which a release is looked at first
SEED = 20


def history_of(charge_versions: pl.DataFrame, as_of: date, months: Sequence[int] = (12, 24), given: date | None = None) -> RecordsHeld | None:
    """What the procedure has to go on at `as_of`; None where nothing was charged by then.

    Args: `given`: the first day the force vouches for; None: found from the charges a month (`history.vouched_from`).
    """
    charged = charge_versions.filter(pl.col("known_on") <= as_of) if "known_on" in charge_versions.columns else charge_versions
    found = vouched_from(charged.unique("charge_ref", keep="first", maintain_order=True)["charged_on"], as_of, given)
    return None if found is None else replace(history(found.first_day, as_of, months), left_out=found.left_out, low_later=found.low_later)


def judged_days(held: RecordsHeld, count: int = JUDGED_LANDMARKS) -> list[date]:
    """Days a year apart on which the fit of the day is judged, the newest with its first 12 months just over; oldest first.

    Only days on which there was enough to print a chance.
    """
    days = [add_months(held.scored_on, -JUDGED_STEP_MONTHS * (k + 1)) for k in range(count)]
    return sorted(day for day in days if history(held.first_day, day).look_back is not None)


def all_days(held: RecordsHeld, count: int = JUDGED_LANDMARKS) -> list[date]:
    """Every day for which `refit` asks who is under 18."""
    days = set(level_days(held))
    for day in judged_days(held, count):
        days |= {day, *history(held.first_day, day).landmarks()}
    return sorted(days)


def level_days(held: RecordsHeld) -> list[date]:
    """Every day for which `relevel` asks who is under 18."""
    return sorted({held.scored_on, *held.landmarks(), *(add_months(held.scored_on, -h) for h in held.horizons)})


def out_of_time(
    people: People,
    days: Sequence[date],
    first_day: date,
    months: Sequence[int],
    as_of: date,
    models: Sequence[str] = SIMPLEST_FIRST,
    seed: int = SEED,
) -> pl.DataFrame:
    """Chances given on each day by each model fitted with what was known on that day, and what came, as known at `as_of`.

    Returns: landmark, person_ref, harm, points, `became_<m>m`, `<model>_<m>m` (null where none would have been printed);
        days on which no card could be fitted are left out.
    """
    tables = []
    for day in days:
        then = history(first_day, day, months)
        learn = _learnt_from(people, then, seed)
        if learn is None:
            continue
        judge = panel(people, [day], months, as_of, then.look_back)
        cards = {name: fit(name, learn, then.horizons, day, seed) for name in models if name in card.CARDS}
        printed = max((len(one.stretches) for one in cards.values()), default=0)
        if judge.is_empty() or not printed:
            continue
        x = matrix(judge)
        given: dict[str, pl.Series] = {}
        for name in models:
            p = cards[name].chances(x) if name in cards else floor_chances(name, learn, then.horizons[:printed], x)
            for k, horizon in enumerate(months):
                none = pl.Series([None] * judge.height, dtype=pl.Float64)
                given[f"{name}_{horizon}m"] = pl.Series(p[:, k]) if k < p.shape[1] else none
        came = [f"became_{horizon}m" for horizon in months]
        tables.append(judge.select("landmark", "person_ref", "harm", *came).with_columns(**given))
    return pl.concat(tables) if tables else pl.DataFrame()


def _learnt_from(people: People, then: RecordsHeld, seed: int) -> pl.DataFrame | None:
    """The panel a fit of that day learns from, thinned; None where no chance would be printed."""
    if then.look_back is None:
        return None
    learn = panel(people, then.landmarks(), then.horizons, then.scored_on, then.look_back)
    return None if learn.is_empty() else thinned_panel(learn, then.horizons, seed)


def rehearsal(people: People, held: RecordsHeld, name: str, seed: int = SEED) -> Rehearsal | None:
    """The fit of a year ago, kept so that it can be judged by what came since while no released chance is a year old.

    Returns: day, look_back_months, lines and stretches; None where no chance would have been printed then.
    """
    day = add_months(held.scored_on, -JUDGED_STEP_MONTHS)
    then = history(held.first_day, day, held.horizons)
    learn = _learnt_from(people, then, seed)
    one = None if learn is None else fit(name, learn, then.horizons, day, seed)
    if one is None or not one.stretches:
        return None
    return {"day": day.isoformat(), "look_back_months": then.look_back, **_kept(one, None, (), False)}


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
    held: RecordsHeld,
    rules: Rules,
    choose: Choose,
    months: Sequence[int] = (12, 24),
    seed: int = SEED,
) -> KeptModel:
    """The person model as known on `held.scored_on`: a document of plain numbers for `weekly.score_people`.

    Args:
        persons, charge_versions: versions, with known_on; nothing known later is looked at.
        minors: `people.minors.flags` for `all_days(held)`.
        held: what the records reach (`history_of`).
        choose: the choosing rule (`evaluate.people_choose.choose`).
    Returns: a JSON-ready document. Where nothing can be printed `chosen` is None and `because` says why.
    """
    people, as_of = People(persons, charge_versions, minors, rules), held.scored_on
    document: KeptModel = {
        "form": FORM,
        "chosen": None,
        "months": list(months),
        "as_of": as_of.isoformat(),
        "high_cut": float(rules.high_cut),
        "decay": rules.decay.document(),
        "index": rules.index.document(),
        "seed": seed,
        "history": held.document(),
        "most_rows_fitted": MOST_ROWS,
        "features": [{"name": f.name, "says": f.says, "unit": f.unit, "direction": f.direction} for f in FEATURES],
        "cards": {},
    }
    if held.look_back is None:
        because = f"records are vouched for over {held.months} months, and 30 are needed: chances from {held.chances_from.isoformat()}"
        return document | {"because": because, "data_hash": hashlib.sha256(b"").hexdigest()}
    learn = panel(people, held.landmarks(), held.horizons, as_of, held.look_back)
    document |= {
        "landmarks": [str(day) for day in learn["landmark"].unique().sort()],
        "rows": learn.height,
        "people": learn["person_ref"].n_unique(),
        "became": {f"{h}m": int(learn[f"became_{h}m"].sum() or 0) for h in held.horizons},
        "base_rate": {f"{h}m": _share(learn[f"became_{h}m"]) for h in held.horizons},
        "data_hash": data_hash(learn),
    }
    document["outcome"] = counts_of(arrivals(people.weighed(as_of), rules.decay, rules.high_cut)).document()
    to_fit = thinned_panel(learn, held.horizons, seed)
    cards = {name: fit(name, to_fit, held.horizons, as_of, seed) for name in card.CARDS}
    if not all(one.stretches for one in cards.values()):
        return document | {"because": f"fewer than {LEAST_BECAME} people became high harm in the records looked at"}
    judged = out_of_time(people, judged_days(held), held.first_day, months, as_of, tuple(card.CARDS), seed)
    choice = choose(judged, months, tuple(card.CARDS))
    chosen = str(choice["chosen"])
    years = choice.get("slopes", {}).get(chosen, [])
    slope = slope_of_years([y["slope"] for y in years], [y["error"] for y in years])
    halving = halved(people, held, cards[chosen], seed)
    soon = half_year(people, to_fit, cards[chosen], as_of)
    return document | {
        "chosen": chosen,
        "because": choice["because"],
        "choice": choice,
        "calibration_slope": {"years": years, "mean": slope.mean, "low": slope.low, "high": slope.high, "variance": slope.variance},
        "halving": halving,
        "cards": {name: _kept(one, slope, halving, name == chosen, soon) for name, one in cards.items()},
        "not_charged_lately": group_figure(people, held),
        "rehearsal": rehearsal(people, held, chosen, seed),
    }


def held_for_level(model: KeptModel, held: RecordsHeld) -> RecordsHeld:
    """The records held, looked back on as far and ahead as far as a kept model does."""
    horizons = tuple(stretch["months"] for stretch in printed_card(model)["stretches"])
    return replace(held, look_back=look_back_of(model), horizons=horizons)


def relevel(model: KeptModel, people: People, held: RecordsHeld, seed: int = SEED) -> KeptModel:
    """The same card with its level taken anew on `held.scored_on`; lines, slopes, look-back and range's parts stay.

    Args: `model`: a model that gives chances, `people` with flags for `level_days(held_for_level(model, held))`.
    Raises: ValueError where fewer than LEAST_BECAME became in the first stretch.
    """
    kept, chosen, same = printed_card(model), str(model["chosen"]), held_for_level(model, held)
    horizons = same.horizons
    learn = panel(people, same.landmarks(), horizons, same.scored_on, same.look_back)
    rows = thinned_panel(learn, horizons, seed)
    stretches = fit_stretches(kept["lines"], rows, horizons, same.scored_on, [float(stretch["b"]) for stretch in kept["stretches"]])
    if not stretches:
        raise ValueError(f"fewer than {LEAST_BECAME} people became high harm in the records looked at")
    slope = Slope(model["calibration_slope"]["mean"], 0.0, model["calibration_slope"]["variance"])
    one = Card(chosen, kept["lines"], stretches)
    return {
        **model,
        "as_of": same.scored_on.isoformat(),
        "history": same.document(),
        "rows": learn.height,
        "people": learn["person_ref"].n_unique(),
        "became": {f"{h}m": int(learn[f"became_{h}m"].sum() or 0) for h in horizons},
        "base_rate": {f"{h}m": _share(learn[f"became_{h}m"]) for h in horizons},
        "data_hash": data_hash(learn),
        "card_as_of": card_day(model),
        "because": f"the card of {card_day(model)} with its level of {same.scored_on.isoformat()}",
        "cards": {**model["cards"], chosen: _kept(one, slope, model["halving"], True, half_year(people, rows, one, same.scored_on))},
        "not_charged_lately": group_figure(people, same),
    }


def _kept(one: Card, slope: Slope | None, halving: Sequence[float], printed: bool, soon: KeptStretch | None = None) -> KeptCard:
    """A card as kept: lines and stretches; the printed one with its table and the level of six months, by which it is judged early."""
    document: KeptCard = {"lines": one.lines, "stretches": [stretch.document() for stretch in one.stretches]}
    if printed and slope is not None:
        document["table"] = chance_table(one.stretches, one.most, slope.variance, halving)
        document["half_year"] = soon
    return document


def half_year(people: People, rows: pl.DataFrame, one: Card, scored_on: date) -> KeptStretch | None:
    """The same card's level for what comes within 6 months: never printed, but judged when a release is so old.

    Args: `rows`: the panel that the card's stretches were fitted on. Returns: a stretch; None where fewer than LEAST_BECAME became.
    """
    parts = []
    for part in rows.partition_by("landmark", maintain_order=True):
        came = outcomes(people, part["landmark"][0], part["person_ref"], [HALF_YEAR], scored_on)
        parts.append(part.join(came, on="person_ref", how="left", maintain_order="left"))
    found = fit_stretches(one.lines, pl.concat(parts), (HALF_YEAR,), scored_on, [one.stretches[0].b])
    return found[0].document() if found else None


def halved(people: People, held: RecordsHeld, whole: Card, seed: int = SEED) -> list[float]:
    """How far half the look-back would move today's people: the deviation of logit P(L) - logit P(L/2), a value a horizon.

    It is over those charged within half the look-back; a horizon the half cannot fit takes the one before, 0 at worst.
    """
    if held.look_back is None:
        return []
    half = held.look_back // 2
    table = thinned_panel(panel(people, held.landmarks(), held.horizons, held.scored_on, half), held.horizons, seed)
    other = fit(whole.name, table, held.horizons, held.scored_on, seed)
    now, then = eligible(people, held.scored_on, held.look_back), eligible(people, held.scored_on, half)
    both = now.select("person_ref").join(then.select("person_ref"), on="person_ref", how="inner")["person_ref"]
    p, q = (one.chances(matrix(t.filter(pl.col("person_ref").is_in(both.implode())))) for one, t in ((whole, now), (other, then)))
    found: list[float] = []
    for k in range(p.shape[1]):
        if k < q.shape[1] and len(p) > 1:
            found.append(float((logit(p[:, k]) - logit(q[:, k])).std()))
        else:
            found.append(found[-1] if found else 0.0)
    return found


def group_figure(people: People, held: RecordsHeld) -> dict[str, LatelyFigure]:
    """Those not yet high harm and not charged in the look-back, a horizon before today: how many, and how many became.

    They have one figure together, and no rank.
    """
    found: dict[str, LatelyFigure] = {}
    for horizon in held.horizons:
        day = add_months(held.scored_on, -horizon)
        refs = not_charged_lately(people, day, held.look_back or 0)
        came = outcomes(people, day, refs, [horizon], held.scored_on)[f"became_{horizon}m"]
        became = int(came.sum() or 0)
        found[f"{horizon}m"] = {"day": day.isoformat(), "people": len(refs), "became": became, "share": became / len(refs) if len(refs) else None}
    return found


def _share(column: pl.Series) -> float | None:
    mean = column.mean()
    return float(mean) if isinstance(mean, int | float) else None


def to_json(model: KeptModel) -> str:
    """The model as text; floats in their shortest exact form, keys in order: the same model gives the same bytes."""
    return json.dumps(model, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def side_by_side(old: pl.DataFrame, new: pl.DataFrame, horizon_months: int = 12) -> SideBySide:
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
        "bands": [{"band": was, "band_new": now, "people": n} for was, now, n in changed.iter_rows()],
        "chances_compared": known.height,
        "mean_change": known.select((pl.col(column + "_new") - pl.col(column)).mean()).item(),
        "moved_over_01": int((moved.abs() > 0.01).sum()),
        "moved_over_05": int((moved.abs() > 0.05).sum()),
        "top5": top if known.height else 0,
        "top5_kept": len(ours & theirs) if known.height else 0,
    }
