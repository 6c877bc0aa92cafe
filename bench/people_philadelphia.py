"""The Philadelphia cohort half: the shipped code on dated histories with the peers' conventions, and by the command itself.

Each contact is an offence whose weight is its seriousness; birth dates are unknown. Settings and mapping: `bench/philadelphia/`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from bench.results import Row
from harmcast.evaluate.landmarks import backtest_people
from harmcast.people import bands, harm
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, Rules
from harmcast.transitions.level import slope_of_years
from harmcast.transitions.model import SIMPLEST_FIRST

HERE = Path(__file__).resolve().parent / "philadelphia"
HARMCAST = Path(sys.executable).parent / "harmcast"
MONTHS = (12, 24)
TO = date(1963, 6, 30)
DAYS = [date(1959, 6, 30), date(1960, 6, 30), date(1961, 6, 30)]
# The design's figures on this half of the cohort: said over came, and AUC above the harm score.
DESIGN = {"12m": {"ratio": 0.85, "gain": 0.018}, "24m": {"ratio": 0.85, "gain": -0.007}}
# What the contract's JSON holds for a model and horizon.
FIGURES = ("auc", "auc_low", "auc_high", "brier", "log_loss", "calibration_slope", "calibration_slope_low", "calibration_slope_high", "ece", "precision_top5", "recall_top5", "n", "base_rate", "said_over_came", "said_over_came_low", "said_over_came_high")  # fmt: skip


def contacts(data: Path) -> pl.DataFrame:
    return pl.read_csv(data / "philadelphia_cohort_half" / "contacts.csv", try_parse_dates=True)


def harm_index(seen: pl.DataFrame) -> pl.DataFrame:
    """Each seriousness score is the weight of the code it stands for."""
    codes = seen["SeriousScore"].cast(pl.String).unique().sort()
    return pl.DataFrame({"offence_code": codes, "weight": codes}).with_columns(
        unit=pl.lit("seriousness"), edition=pl.lit("1964"), source=pl.lit("Sellin and Wolfgang")
    )


def tables(data: Path) -> People:
    """The cohort half as people and charge versions, under the settings of bench/philadelphia."""
    settings = tomllib.loads((HERE / "settings.toml").read_text())
    seen = contacts(data)
    keys = pl.concat_str("ID", pl.col("Date").cast(pl.String), "SeriousScore", separator="|")
    versions = seen.select(
        # As the mapping makes it: the order of contacts of one day follows their references.
        charge_ref=pl.format("{}#{}", keys, pl.int_range(1, pl.len() + 1).over("ID", "Date", "SeriousScore")),
        person_ref=pl.col("ID").cast(pl.String),
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
    minors = pl.DataFrame(schema={"person_ref": pl.String, "day": pl.Date, "under_18": pl.Boolean})
    rules = Rules(
        harm.index_from(harm_index(seen)),
        harm.decay_from(settings["harm"]["decay"], settings["harm"]["half_life_months"]),
        bands.high_cut(settings["bands"]["cuts"]),
        unknown_birth=settings["people"]["unknown_birth"],
        one_event=settings["harm"]["one_event"],
    )
    return People(persons, versions, minors, rules)


def line(name: str, own: dict[str, Any]) -> str:
    slope = own["calibration_slope"]
    slopes = f"{slope:5.2f} [{own['calibration_slope_low']:.2f}, {own['calibration_slope_high']:.2f}]" if slope is not None else "   - "
    return (
        f"  {name:<22} AUC {own['auc']:.4f} [{own['auc_low']:.3f}, {own['auc_high']:.3f}]  Brier {own['brier']:.4f}  "
        f"log loss {own['log_loss']:.4f}  slope {slopes}  ECE {own['ece']:.4f} (perfect {own['ece_perfect']:.4f})  "
        f"top 5%: precision {own['precision_top5']:.2f}, recall {own['recall_top5']:.2f}  mean {own['mean_chance']:.4f}"
    )


def rows(data: Path) -> list[Row]:
    """The cards year by year beside what came, then the command on the same records."""
    people = tables(data)
    held = refit.history_of(people.charge_versions, TO, MONTHS)
    assert held is not None
    judged = refit.out_of_time(people, DAYS, held.first_day, MONTHS, TO)
    found = backtest_people("iom", judged, MONTHS, SIMPLEST_FIRST, held.document())
    chosen = found["chosen"]["12m"]
    print(f"Philadelphia: records from {held.first_day}, chosen {chosen}: {found['because']}")
    for horizon, models in found["horizon"].items():
        for name in models:
            print(f" {horizon}{line(name, models[name])}")
        for day, one in found["by_landmark"].items():
            if one[horizon]:
                own = one[horizon][chosen]
                print(f"  {horizon} {day}: said/came {own['said_over_came']:.2f} [{own['said_over_came_low']:.2f}, {own['said_over_came_high']:.2f}], slope {_slope(own)}, became {own['became']}")
    own = [row for horizon in ("12m", "24m") for row in _of_horizon(horizon, found, chosen)]
    return [*own, *by_command(data)]


def _of_horizon(horizon: str, found: dict[str, Any], chosen: str) -> list[Row]:
    where, own, wanted = f"Philadelphia, {horizon}", found["horizon"][horizon][chosen], DESIGN[horizon]
    years = found["slope_of_years"][horizon]
    slope = slope_of_years([y["slope"] for y in years], [y["error"] for y in years])
    gain = found["against_plain"][chosen][horizon]
    ratio = own["said_over_came"]
    return [
        Row("people", f"{where}: said over came", f"{wanted['ratio']:.2f} or nearer 1, within .03", f"{ratio:.2f} [{own['said_over_came_low']:.2f}, {own['said_over_came_high']:.2f}]", abs(ratio - 1) <= abs(wanted["ratio"] - 1) + 0.03),
        Row("people", f"{where}: slope over years as random effects", "interval holds 1", f"{slope.mean:.2f} [{slope.low:.2f}, {slope.high:.2f}]; by year " + ", ".join(f"{y['day'][:4]} {y['slope']:.2f}" for y in years), slope.low <= 1 <= slope.high),
        Row("people", f"{where}: AUC above plain harm", f"{wanted['gain']:+.3f} or more, within .03", f"{gain['auc_gain']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]", gain["auc_gain"] >= wanted["gain"] - 0.03),
    ]  # fmt: skip


def _slope(own: dict[str, Any]) -> str:
    return f"{own['calibration_slope']:.2f} [{own['calibration_slope_low']:.2f}, {own['calibration_slope_high']:.2f}]"


def delivery(data: Path, folder: Path) -> Path:
    """A force's folder of settings, and the contacts as its one delivery."""
    force, sent = folder / "force", folder / "delivery"
    shutil.copytree(HERE, force)
    harm_index(contacts(data)).write_csv(force / "harm-index.csv")
    sent.mkdir()
    body = (data / "philadelphia_cohort_half" / "contacts.csv").read_bytes()
    (sent / "contacts.csv").write_bytes(body)
    lines = body.count(b"\n") - 1 + (not body.endswith(b"\n"))
    files = {"contacts.csv": {"rows": lines, "sha256": hashlib.sha256(body).hexdigest()}}
    manifest = {"delivery_id": "philadelphia", "made_at": "1963-07-01T00:00:00", "complete": True, "files": files}
    (sent / "manifest.json").write_text(json.dumps(manifest))
    return sent


def _run(*words: str) -> str:
    done = subprocess.run([str(HARMCAST), *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"harmcast {words[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def by_command(data: Path) -> list[Row]:
    """`harmcast init`, `load`, `accept`, `backtest --tool iom --json` on the same contacts: the contract's JSON."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sent = delivery(data, folder)
        state = str(folder / "state")
        _run("init", state, "--settings", str(folder / "force" / "settings.toml"))
        _run("load", state, str(sent))
        _run("accept", state, "--load", "1", "--reason", "bench")
        began = time.perf_counter()
        got = json.loads(_run("backtest", state, "--tool", "iom", "--to", TO.isoformat(), "--json"))
        print(f"harmcast backtest STATE --tool iom: {time.perf_counter() - began:.1f} s")
    missing = faults(got)
    what = "harmcast backtest STATE --tool iom on Philadelphia: JSON as the contract has it"
    return [Row("people", what, "0 faults", f"{len(missing)} {'; '.join(missing[:5])}".strip(), not missing)]


def faults(document: dict[str, Any]) -> list[str]:
    """What the contract's JSON of a people backtest asks for and `document` lacks."""
    found = [key for key in ("tool", "chosen", "horizon", "history") if key not in document]
    if found:
        return found
    for horizon in ("12m", "24m"):
        models = document["horizon"].get(horizon, {})
        if document["chosen"].get(horizon) not in models or "plain_harm" not in models:
            found.append(f"{horizon}: chosen or plain_harm not among the models")
        for name, one in models.items():
            found += [f"{horizon} {name}: no {figure}" for figure in FIGURES if figure not in one]
            found += [f"{horizon} {name}: {figure} not a share" for figure in ("auc", "brier", "ece", "base_rate") if not 0 <= (one.get(figure) or 0) <= 1]
    return found
