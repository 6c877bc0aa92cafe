"""`make bench-people`: the person half on real people, beside the peers' rows and the goals.

    python -m bench.people [philadelphia] [georgia] [california] [invented] [--peers]

Philadelphia runs the shipped code on dated histories with the peers' conventions (settings and mapping in
`bench/philadelphia/`). Georgia and California have no dated charges, so there the shipped kinds of model are fitted
to the columns of their own. `invented` sets chances beside known ones, on forces of several seeds (minutes each). Data comes from HARMCAST_DATA; without it the parts are left out aloud.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from bench import known_chances
from bench.peers import people_challengers, people_columns
from harmcast.evaluate import people_choose
from harmcast.evaluate.landmarks import backtest_people
from harmcast.people import bands, harm
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, Rules
from harmcast.transitions.model import SIMPLEST_FIRST

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HARMCAST_DATA", HERE.parent.parent / "shared" / "data")) / "people"
MONTHS = (12, 24)
TO = date(1963, 6, 30)
LAST = date(1961, 6, 30)

# AUC, Brier of the peers' table on the landmark of 1961-06-30: plain harm, logistic, forest, EBM, LightGBM.
PEERS = {
    "12m": {"plain harm": (0.822, 0.0409), "logistic": (0.836, 0.0408), "forest": (0.822, 0.0400), "EBM": (0.837, 0.0403), "LightGBM": (0.831, 0.0411)},
    "24m": {"plain harm": (0.794, 0.0577), "logistic": (0.812, 0.0553), "forest": (0.808, 0.0557), "EBM": (0.812, 0.0562), "LightGBM": (0.809, 0.0631)},
}  # fmt: skip


def philadelphia_tables() -> tuple[People, dict[str, Any]]:
    """The cohort half as people and charge versions, under the settings of bench/philadelphia."""
    settings = tomllib.loads((HERE / "philadelphia" / "settings.toml").read_text())
    contacts = pl.read_csv(DATA / "philadelphia_cohort_half" / "contacts.csv", try_parse_dates=True).with_row_index()
    versions = contacts.select(
        charge_ref=pl.format("c{}", pl.col("index").cast(pl.String).str.zfill(5)),
        person_ref=pl.format("p{}", pl.col("ID").cast(pl.String).str.zfill(5)),
        crime_ref=pl.lit(None, dtype=pl.String),
        offence_code=pl.col("SeriousScore").cast(pl.String),
        happened_on="Date",
        charged_on="Date",
        outcome=pl.lit("charged"),
        known_on="Date",
    )
    persons = versions.group_by("person_ref").agg(known_on=pl.col("known_on").min()).sort("person_ref").with_columns(
        unit=pl.lit("Philadelphia"), merged_into=pl.lit(None, pl.String), died_on=pl.lit(None, pl.Date), review_due_on=pl.lit(None, pl.Date)
    )
    codes = versions["offence_code"].unique().sort()
    weights = pl.DataFrame({"offence_code": codes, "weight": codes}).with_columns(
        unit=pl.lit("seriousness"), edition=pl.lit("1964"), source=pl.lit("Sellin and Wolfgang")
    )
    minors = pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})
    rules = Rules(
        harm.index_from(weights),
        harm.decay_from(settings["harm"]["decay"], settings["harm"]["half_life_months"]),
        bands.high_cut(settings["bands"]["cuts"]),
        unknown_birth=settings["people"]["unknown_birth"],
        one_event=settings["harm"]["one_event"],
    )
    return People(persons, versions, minors, rules), settings


def line(name: str, own: dict[str, Any]) -> str:
    slope = own["calibration_slope"]
    slopes = f"{slope:5.2f} [{own['calibration_slope_low']:.2f}, {own['calibration_slope_high']:.2f}]" if slope is not None else "   - "
    return (
        f"  {name:<22} AUC {own['auc']:.4f} [{own['auc_low']:.3f}, {own['auc_high']:.3f}]  Brier {own['brier']:.4f}  "
        f"log loss {own['log_loss']:.4f}  slope {slopes}  ECE {own['ece']:.4f} (perfect {own['ece_perfect']:.4f})  "
        f"top 5%: precision {own['precision_top5']:.2f}, recall {own['recall_top5']:.2f}  mean {own['mean_chance']:.4f}"
    )


def philadelphia(peers: bool) -> bool:
    people, _ = philadelphia_tables()
    began = time.perf_counter()
    days = refit.judged_days(TO, MONTHS)
    judged = refit.out_of_time(people, days, MONTHS, TO)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    shipped = refit.refit(people.persons, people.charge_versions, people.minors, LAST, people.rules, people_choose.choose)
    refitted = time.perf_counter() - began
    if peers:
        judged = people_challengers.beside(people, judged, days, MONTHS)
    models = [*SIMPLEST_FIRST, *(people_challengers.NAMES if peers else ())]
    last = backtest_people("iom", judged.filter(pl.col("landmark") == LAST), MONTHS, models, shipped["chosen"], shipped["because"])
    pooled = backtest_people("iom", judged, MONTHS, models, shipped["chosen"], shipped["because"])
    print(f"Philadelphia: backtest of {len(days)} landmarks {seconds:.1f} s; a refit {refitted:.1f} s; memory {memory_gb():.2f} GB")
    print(f" chosen on landmarks before the test window: {shipped['chosen']}: {shipped['because']}")
    for horizon, rows in PEERS.items():
        found = last["horizon"][horizon]
        print(f" {horizon}, landmark {LAST}: n {found['plain_harm']['n']}, base rate {found['plain_harm']['base_rate']:.3f}")
        for name, (auc, brier) in rows.items():
            print(f"  row: {name:<17} AUC {auc:.3f}  Brier {brier:.4f}")
        for name in models:
            print(line(name, found[name]))
        gain = pooled["against_plain"]
        for name in models:
            if name in gain:
                g = gain[name][horizon]
                print(f"  pooled over {len(pooled['landmarks'])} landmarks, {name}: AUC gain over the plain score {g['auc_gain']:+.4f} [{g['low']:+.4f}, {g['high']:+.4f}]")
    return goals(last, pooled)


def goals(last: dict[str, Any], pooled: dict[str, Any]) -> bool:
    """Each goal with the figure got; True if what proves the evaluation (the plain score's row) holds."""
    print(" goals:")
    same = True
    for horizon, rows in PEERS.items():
        plain = last["horizon"][horizon]["plain_harm"]["auc"]
        same &= abs(plain - rows["plain harm"][0]) < 0.0006
        best = max(own["auc"] for own in last["horizon"][horizon].values())
        card = last["horizon"][horizon]["card"]["auc"]
        chosen = last["horizon"][horizon][last["chosen"][horizon]]
        reached = {m: g[horizon] for m, g in pooled["against_plain"].items() if g[horizon]["low"] > 0}
        row = rows["plain harm"][0]
        print(f"  {horizon} plain score reproduces its row {row}: got {plain:.4f}: {'yes' if abs(plain - row) < 0.0006 else 'NO'}")
        gains = ", ".join(f"{m} {g['auc_gain']:+.4f}" for m, g in reached.items())
        print(f"  {horizon} gain over the plain score of .02, pooled interval above 0: {gains or 'no model; the plain score ships'}")
        print(f"  {horizon} points card within .005 of the best ({best:.4f}): {card:.4f}: {'yes' if best - card <= 0.005 else 'NO'}")
        low, high = chosen["calibration_slope_low"], chosen["calibration_slope_high"]
        name = last["chosen"][horizon]
        print(f"  {horizon} calibration of {name}: slope holds 1: {'yes' if low <= 1 <= high else 'NO'}; ECE at most .02 above perfect: {chosen['ece'] - chosen['ece_perfect']:+.4f}")
    return same


def memory_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(arguments: list[str]) -> int:
    wanted = [name for name in arguments if not name.startswith("--")] or ["philadelphia", "georgia", "california", "invented"]
    peers = "--peers" in arguments or not arguments
    held = True
    if "invented" in wanted:
        held &= known_chances.report()
        wanted.remove("invented")
    if wanted and not DATA.is_dir():
        print(f"left out: no measuring data at {DATA}; set HARMCAST_DATA")
        return 0 if held else 1
    for name in wanted:
        if name == "philadelphia":
            held &= philadelphia(peers)
        elif name == "georgia":
            people_columns.georgia(DATA / "nij_georgia" / "NIJRecid_round1.csv")
        elif name == "california":
            people_columns.california(DATA / "california_parole" / "journal.pone.0141328.s001.csv")
        else:
            print(f"unknown: {name}")
            return 2
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
