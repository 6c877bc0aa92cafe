"""The Philadelphia cohort half: the shipped code on dated histories with the peers' conventions, and by the command itself.

Each contact is an offence whose weight is its seriousness; birth dates are unknown. Settings and mapping: `bench/philadelphia/`.
"""

from __future__ import annotations

import hashlib
import itertools
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

from bench.peers import people_challengers
from bench.results import Row
from harmcast.evaluate import people_choose
from harmcast.evaluate.landmarks import backtest_people
from harmcast.people import bands, harm
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, Rules, panel
from harmcast.transitions.model import SIMPLEST_FIRST, chances, fit, matrix
from harmcast.transitions.ranges import fit_ranges, ranges
from harmcast.transitions.thinning import thinned_panel

HERE = Path(__file__).resolve().parent / "philadelphia"
HARMCAST = Path(sys.executable).parent / "harmcast"
MONTHS = (12, 24)
TO = date(1963, 6, 30)
LAST = date(1961, 6, 30)
GAIN = 0.02

# AUC, Brier of the peers' table on the landmark of 1961-06-30.
PEERS = {
    "12m": {"plain harm": (0.822, 0.0409), "logistic": (0.836, 0.0408), "forest": (0.822, 0.0400), "EBM": (0.837, 0.0403), "LightGBM": (0.831, 0.0411)},
    "24m": {"plain harm": (0.794, 0.0577), "logistic": (0.812, 0.0553), "forest": (0.808, 0.0557), "EBM": (0.812, 0.0562), "LightGBM": (0.809, 0.0631)},
}  # fmt: skip
# What the contract's JSON holds for a model and horizon.
FIGURES = ("auc", "auc_low", "auc_high", "brier", "log_loss", "calibration_slope", "calibration_slope_low", "calibration_slope_high", "ece", "precision_top5", "recall_top5", "n", "base_rate")  # fmt: skip


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
    """The shipped models and the challengers beside the peers' rows, then the command on the same records."""
    people = tables(data)
    began = time.process_time()
    days = refit.judged_days(TO, MONTHS)
    judged = refit.out_of_time(people, days, MONTHS, TO)
    seconds = time.process_time() - began
    began = time.process_time()
    shipped = refit.refit(people.persons, people.charge_versions, people.minors, LAST, people.rules, people_choose.choose)
    print(f"Philadelphia: {len(days)} landmarks {seconds:.1f} s, a refit {time.process_time() - began:.1f} s of processor")
    print(f" chosen on landmarks before the test window: {shipped['chosen']}: {shipped['because']}")
    judged = people_challengers.beside(people, judged, days, MONTHS)
    models = [*SIMPLEST_FIRST, *people_challengers.NAMES]
    last = backtest_people("iom", judged.filter(pl.col("landmark") == LAST), MONTHS, models, shipped["chosen"], shipped["because"])
    pooled = backtest_people("iom", judged, MONTHS, models, shipped["chosen"], shipped["because"])
    for horizon, peers in PEERS.items():
        found = last["horizon"][horizon]
        print(f" {horizon}, landmark {LAST}: n {found['plain_harm']['n']}, base rate {found['plain_harm']['base_rate']:.3f}")
        for name, (auc, brier) in peers.items():
            print(f"  row: {name:<17} AUC {auc:.3f}  Brier {brier:.4f}")
        for name in models:
            print(line(name, found[name]))
        for name, gains in pooled["against_plain"].items():
            g = gains[horizon]
            print(f"  pooled over {len(pooled['landmarks'])} landmarks, {name}: AUC gain over the plain score {g['auc_gain']:+.4f} [{g['low']:+.4f}, {g['high']:+.4f}]")
    own = [row for horizon in PEERS for row in _of_horizon(horizon, last, pooled)]
    return [*own, *in_ranges(people, days, str(shipped["chosen"])), _shipping(pooled, shipped), *by_command(data, judged, str(shipped["chosen"]))]


def _of_horizon(horizon: str, last: dict[str, Any], pooled: dict[str, Any]) -> list[Row]:
    where, found = f"Philadelphia, {horizon}", last["horizon"][horizon]
    row, plain = PEERS[horizon]["plain harm"][0], found["plain_harm"]["auc"]
    additive = {name: found[name]["auc"] for name in SIMPLEST_FIRST}
    best = max(additive, key=lambda name: additive[name])
    chosen = last["chosen"][horizon]
    own, over_all = found[chosen], pooled["horizon"][horizon][chosen]
    off = own["ece"] - own["ece_perfect"]
    return [
        Row("people", f"{where}: AUC of the plain score, the peers' row again", f"{row:.3f}", f"{plain:.4f}", abs(plain - row) < 0.0006),
        Row("people", f"{where}: AUC of the points card below the best shipped kind of model ({best})", "at most .005", f"{additive[best] - found['card']['auc']:.4f}", additive[best] - found["card"]["auc"] <= 0.005),
        Row("people", f"{where}: 95% interval of the calibration slope of {chosen}, landmark {LAST}", "holds 1", _slope(own), _holds_one(own)),
        Row("people", f"{where}: the same, three landmarks pooled", "holds 1", _slope(over_all), _holds_one(over_all)),
        Row("people", f"{where}: ECE of {chosen} above that of a perfect model", "at most .02", f"{off:+.4f}", off <= 0.02),
    ]  # fmt: skip


def _slope(own: dict[str, Any]) -> str:
    return f"{own['calibration_slope']:.2f} [{own['calibration_slope_low']:.2f}, {own['calibration_slope_high']:.2f}]"


def _holds_one(own: dict[str, Any]) -> bool:
    return bool(own["calibration_slope_low"] <= 1 <= own["calibration_slope_high"])


def in_ranges(people: People, days: list[date], chosen: str) -> list[Row]:
    """Ten groups by chance over the landmarks: the share that became beside the mean range of the group."""
    parts = []
    for day in days:
        learn = panel(people, refit.training_days(day, MONTHS), MONTHS, day)
        document = fit(chosen, thinned_panel(learn, MONTHS, refit.SEED), MONTHS, refit.SEED)
        judge = panel(people, [day], MONTHS, TO)
        x = matrix(judge)
        low, high = ranges(document, fit_ranges(document, learn, MONTHS, refit.SEED), x)
        p = chances(document, x)
        columns = {f"{name}_{h}": values[:, k] for name, values in (("p", p), ("low", low), ("high", high)) for k, h in enumerate(MONTHS)}
        parts.append(judge.select(*(f"became_{h}m" for h in MONTHS)).with_columns(**{k: pl.Series(v) for k, v in columns.items()}))
    table = pl.concat(parts)
    rows = []
    for h in MONTHS:
        inside, said = 0, []
        for part in _by_chance(table, f"p_{h}"):
            low, high = float(part[f"low_{h}"].mean()), float(part[f"high_{h}"].mean())  # type: ignore[arg-type]
            share = float(part[f"became_{h}m"].mean())  # type: ignore[arg-type]
            inside += low <= share <= high
            said.append(f"{share:.4f} in [{low:.4f}, {high:.4f}]")
        print(f"  {h} months, {chosen}, share that became and mean range of each tenth: " + "  ".join(said))
        what = f"Philadelphia, {h}m: tenths by chance whose share that became lies in their mean range"
        rows.append(Row("people", what, "10 of 10", f"{inside} of {len(said)}", inside == len(said)))
    return rows


def _by_chance(table: pl.DataFrame, name: str) -> list[pl.DataFrame]:
    """Ten parts of nearly equal size by chance."""
    ordered = table.sort(name)
    edges = [round(ordered.height * k / 10) for k in range(11)]
    return [ordered[a:b] for a, b in itertools.pairwise(edges)]


def _shipping(pooled: dict[str, Any], shipped: dict[str, Any]) -> Row:
    """The goal of +.02 by a model that ships; else the plain score must ship and say why."""
    chosen = str(shipped["chosen"])
    gains = pooled["against_plain"].get(chosen, {})
    reached = bool(gains) and all(g["auc_gain"] >= GAIN and g["low"] > 0 for g in gains.values())
    best = {h: max((g[h]["auc_gain"], name, g[h]["low"]) for name, g in pooled["against_plain"].items() if name in SIMPLEST_FIRST) for h in PEERS}
    figures = "; ".join(f"{h} {name} {gain:+.4f}, lower end {low:+.4f}" for h, (gain, name, low) in best.items())
    fell_back = chosen == "plain_harm" and "plain score ships" in str(shipped["because"])
    return Row("people", "Philadelphia: AUC gain of the model that ships, .02 at both horizons with a lower end above 0; otherwise the plain score ships and says so",
               "one of the two", f"{chosen} ships; best gains {figures}", reached or fell_back)  # fmt: skip


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


def by_command(data: Path, judged: pl.DataFrame, chosen: str) -> list[Row]:
    """`harmcast init`, `load`, `backtest --tool iom --json` on the same contacts: the contract's JSON, and the same figures."""
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
    ours = backtest_people("iom", judged, MONTHS, list(SIMPLEST_FIRST), chosen)
    differ = [
        f"{h} {name} {figure}" for h, models in ours["horizon"].items() for name, one in models.items() for figure in FIGURES
        if not _alike(one[figure], got["horizon"][h][name][figure])
    ]  # fmt: skip
    for what in differ[:8]:
        print(f"  differs: {what}")
    compared = len(FIGURES) * sum(len(models) for models in ours["horizon"].values())
    return [
        Row("people", "harmcast backtest STATE --tool iom on Philadelphia: JSON as the contract has it", "0 faults", f"{len(missing)} {'; '.join(missing[:5])}".strip(), not missing),
        Row("people", "the same: figures equal those of the bench, and the same model chosen", f"{compared} of {compared}", f"{compared - len(differ)} of {compared}, {got['chosen']['12m']}", not differ and got["chosen"]["12m"] == chosen),
    ]


def faults(document: dict[str, Any]) -> list[str]:
    """What the contract's JSON of a people backtest asks for and `document` lacks."""
    found = [key for key in ("tool", "chosen", "horizon") if key not in document]
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


def _alike(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and abs(a - b) <= 1e-9)
