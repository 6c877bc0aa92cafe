"""What nobody knows of a real force, written beside the invented one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from harmcast.feed.invention import intensity
from harmcast.feed.invention.careers import CLASSES, STATES
from harmcast.feed.invention.offences import GROUPS, MIX, SERIOUS_VIOLENCE

if TYPE_CHECKING:
    from harmcast.feed.invented import Force
    from harmcast.feed.invention.deliveries import Written


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


def _places(force: Force, folder: Path) -> None:
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


def _people(force: Force, folder: Path) -> None:
    lives = force.careers
    frame = force.people.frame.head(force.people.charged)
    frame.select("person_ref").with_columns(
        pl.Series(list(CLASSES)).gather(lives.first_cell // 6).alias("career"),
        pl.Series(list(STATES)).gather(lives.last_cell % 6).alias("state_at_end"),
        pl.Series(force.people.over_policed & (force.plan.over_policing != 0)).alias("over_policed"),
    ).write_parquet(folder / "people.parquet", compression="zstd")
    refs = frame["person_ref"]
    spells = lives.custody
    pl.DataFrame(
        {
            "person_ref": refs.gather(spells[:, 0]),
            "first_step": spells[:, 1],
            "last_step": spells[:, 2],
        }
    ).write_parquet(folder / "custody.parquet", compression="zstd")
    force.duplicates.join(force.people.frame.select("person", "person_ref"), on="person").drop("person").write_parquet(
        folder / "duplicates.parquet"
    )


def document(force: Force, written: list[Written]) -> dict[str, Any]:
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


def write(force: Force, folder: Path, written: list[Written], planted: pl.DataFrame) -> None:
    """truth.json and the truth's tables into `folder`."""
    folder.mkdir(parents=True)
    _places(force, folder)
    _people(force, folder)
    planted.write_parquet(folder / "bad_rows.parquet")
    (folder / "truth.json").write_text(json.dumps(document(force, written), indent=1) + "\n", encoding="utf-8")
