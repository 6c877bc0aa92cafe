"""What nobody knows of a real force, written beside the invented one."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.invented import charges, intensity, known
from harmcast.invented.careers import CLASSES, STATES, process
from harmcast.invented.draws import stream
from harmcast.invented.offences import GROUPS, MIX, SERIOUS_VIOLENCE, harm_days
from harmcast.tables import FALLEN_AWAY

if TYPE_CHECKING:
    from harmcast.invented.deliveries import DeliveryWritten
    from harmcast.invented.plan import InventedForce


def tool_mixes(volume: np.ndarray) -> dict[str, dict[str, float]]:
    """Offences in four weeks by group that count for each places tool at mean level."""
    mixes: dict[str, dict[str, float]] = {"knife_injury": {}, "serious_violence": {}, "knife": {}, "all": {}}
    for number, line in enumerate(MIX):
        serious = line.code in SERIOUS_VIOLENCE or line.code.split("/")[0] in SERIOUS_VIOLENCE
        shares = {
            "knife_injury": line.weapons[1] * sum(line.injuries[1:4]),
            "serious_violence": float(serious),
            "knife": line.weapons[1],
            "all": 1.0,
        }
        for name, share in shares.items():
            mixes[name][line.group] = mixes[name].get(line.group, 0.0) + float(volume[number]) * share
    return mixes


def _places(force: InventedForce, folder: Path) -> None:
    made = force.intensity
    intensity.truth_of_windows(made, tool_mixes(force.volume)).write_parquet(
        folder / "intensity.parquet", compression="zstd"
    )
    corners = made.county.squares
    pl.concat(
        [
            pl.DataFrame({"group": [g] * len(at), "easting_m": corners[at, 0], "northing_m": corners[at, 1]})
            for g, at in made.chronic.items()
        ]
    ).write_parquet(folder / "chronic.parquet")
    force.crimes.filter(pl.col("parent_ref").is_not_null()).select("crime_ref", "parent_ref").write_parquet(
        folder / "near_repeats.parquet", compression="zstd"
    )


def _people(force: InventedForce, folder: Path) -> None:
    lives = force.careers
    frame = force.people.frame.head(force.people.charged)
    frame.select("person_ref").with_columns(
        pl.Series(list(CLASSES)).gather(lives.first_cell // 6).alias("career"),
        pl.Series(list(STATES)).gather(lives.last_cell % 6).alias("state_at_end"),
        pl.Series(force.people.over_policed & (force.plan.over_policing != 0)).alias("over_policed"),
        pl.Series(lives.entry_day.astype(np.int32)).alias("entry_day"),
        pl.Series(lives.died_day.astype(np.int32)).alias("died_day"),
    ).write_parquet(folder / "people.parquet", compression="zstd")
    pl.DataFrame(
        {"person": lives.person.astype(np.int32), "day": lives.day.astype(np.int32), "kind": lives.kind.astype(np.int8)}
    ).write_parquet(folder / "charge_events.parquet", compression="zstd")
    refs = frame["person_ref"]
    spells = lives.custody
    pl.DataFrame(
        {
            "person_ref": refs.gather(spells[:, 0]),
            "first_step": spells[:, 1],
            "last_step": spells[:, 2],
        }
    ).write_parquet(folder / "custody.parquet", compression="zstd")
    force.mixed.join(force.people.frame.select("person", "person_ref"), on="person").drop("person").write_parquet(
        folder / "mixed.parquet"
    )
    force.duplicates.join(force.people.frame.select("person", "person_ref"), on="person").drop("person").write_parquet(
        folder / "duplicates.parquet"
    )


# what is left of a harm weight at whole half years (OGRS4, serious violence, offence-free months)
_HALF_YEARS_LEFT = (1.0, 0.8332, 0.7074, 0.6114, 0.5348, 0.4685, 0.4047)
HIGH_PERCENTILE = 90


def share_left(days: np.ndarray) -> np.ndarray:
    """Share of a harm weight left after `days`; after three years the rate of the third goes on."""
    half_years = np.maximum(np.asarray(days, float), 0) / (365.25 / 2)
    logs = np.log(_HALF_YEARS_LEFT)
    beyond = np.maximum(half_years - 6, 0) * (logs[6] - logs[4]) / 2
    return np.asarray(np.exp(np.interp(half_years, np.arange(7), logs) + beyond))


def standing_events(force: InventedForce, day: date) -> pl.DataFrame:
    """Events that stand before `day`, by the heaviest charge: person_ref, weight, happened_on, charged_on, pending."""
    shown = charges.as_shown(force.charges, day - timedelta(days=1)).filter(~pl.col("outcome").is_in(FALLEN_AWAY))
    weights = {code: harm_days(code) for code in charges.LABELS}
    heaviest = (
        shown.with_columns(pl.col("offence_code").replace_strict(weights, return_dtype=pl.Float64).alias("weight"))
        .sort("weight", "charge_ref", descending=[True, False])
        .unique(["person", "event"], keep="first", maintain_order=True)
        .sort("charged_on", "charge_ref")
    )
    refs = force.people.frame["person_ref"].gather(heaviest["person"].to_numpy())
    return heaviest.select(
        refs.alias("person_ref"),
        "weight",
        "happened_on",
        "charged_on",
        (pl.col("outcome") == "charged").alias("pending"),
    )


def record_of(force: InventedForce) -> known.Record:
    """The charge events behind the charges, as `known.chances` wants them."""
    lives, planted = force.careers, force.plan.over_policing
    group = (force.people.over_policed & (planted != 0)).astype(np.int64)
    refs = force.people.frame["person_ref"].head(force.people.charged)
    models = [process(), process(planted)]
    return known.Record(force.plan.first_day, models, refs, group, lives.entry_day, lives.person, lives.day, lives.kind)


def read_record(folder: Path) -> known.Record:
    """The same, read from the truth's folder."""
    document = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    people = pl.read_parquet(folder / "people.parquet")
    events = pl.read_parquet(folder / "charge_events.parquet")
    return known.Record(
        date.fromisoformat(document["first_day"]),
        [process(), process(document["over_policing_log_odds"])],
        people["person_ref"],
        people["over_policed"].to_numpy().astype(np.int64),
        people["entry_day"].to_numpy().astype(np.int64),
        events["person"].to_numpy().astype(np.int64),
        events["day"].to_numpy().astype(np.int64),
        events["kind"].to_numpy().astype(np.int64),
    )


def _known_chances(force: InventedForce, folder: Path) -> PlainRecord:
    """known_chances.parquet: for a sample of people under the cut the day after the last, what the records imply."""
    day = force.plan.to + timedelta(days=1)
    events = standing_events(force, day)
    age = (day - events["happened_on"]).dt.total_days().to_numpy()
    harm = (
        events.select("person_ref", (pl.col("weight") * pl.Series(share_left(age))).alias("harm"))
        .group_by("person_ref")
        .agg(pl.col("harm").sum())
        .sort("person_ref")
    )
    cut = float(np.percentile(harm["harm"].to_numpy(), HIGH_PERCENTILE))
    unclear = pl.concat([force.duplicates["person"], force.mixed["person"]])
    twice = force.people.frame.filter(pl.col("person").is_in(unclear.implode()))["person_ref"]
    below = harm.filter((pl.col("harm") < cut) & ~pl.col("person_ref").is_in(twice.to_list()))
    rng = stream(force.plan.seed, "known chances")
    chosen = np.sort(rng.permutation(len(below))[: force.plan.known_people])
    sample = below[chosen]
    weights = {code: harm_days(code) for code in charges.LABELS}
    own = record_of(force).of(sample["person_ref"])
    found = known.chances(own, day, events, weights, share_left, cut, draws=300, replicates=2, seed=force.plan.seed)
    sample.join(found, on="person_ref", maintain_order="left").write_parquet(folder / "known_chances.parquet")
    return {"day": day.isoformat(), "high_cut_days": cut, "people": len(sample), "draws": 300}


def document(force: InventedForce, written: list[DeliveryWritten]) -> PlainRecord:
    """The planted things that fit in one JSON document."""
    plan = force.plan
    return {
        "seed": plan.seed,
        "first_day": plan.first_day.isoformat(),
        "last_day": plan.to.isoformat(),
        "step_days": intensity.STEP_DAYS,
        "crimes": len(force.crimes),
        "charges": len(force.charges),
        "people": plan.people,
        "people_charged": force.people.charged,
        "over_policing_log_odds": plan.over_policing,
        "over_policed_group": "Black" if plan.over_policing else None,
        "patrol_feedback": plan.patrol_feedback,
        "near_repeat_share": {g: intensity.NEAR_REPEAT_SHARE[g] for g in GROUPS},
        "level_shifts": [
            {
                "easting_m": s.easting_m,
                "northing_m": s.northing_m,
                "radius_m": s.radius_m,
                "groups": list(s.groups),
                "from_on": s.from_on.isoformat(),
                "factor": s.factor,
            }
            for s in force.intensity.shifts
        ],
        "deliveries": [{"name": w.name, "rows": w.rows, "bad_rows": w.bad_rows} for w in written],
    }


def write(force: InventedForce, folder: Path, written: list[DeliveryWritten], planted: pl.DataFrame) -> None:
    """truth.json and the truth's tables into `folder`."""
    folder.mkdir(parents=True)
    _places(force, folder)
    _people(force, folder)
    planted.write_parquet(folder / "bad_rows.parquet")
    facts = document(force, written)
    if force.plan.known_people:
        facts["known_chances"] = _known_chances(force, folder)
    (folder / "truth.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
