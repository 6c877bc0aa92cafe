"""An invented force of 300,000 people and ten years: a week's scores and a refit in seconds and memory, and known chances.

Uses the force that `bench.week` keeps under `.bench`; made there if it is not. Each timed step is a process of its own, with
the threads a force's machine would give it. Elapsed seconds are asked for; processor seconds stand beside, because
elapsed time means something only on a machine that does nothing else.

    python -m bench.people_force STEP FOLDER     one step: refit, score, compare; a line of JSON
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from bench.known_forces import MONTHS
from bench.results import Row
from harmcast.evaluate import people_choose
from harmcast.fairness import groups
from harmcast.invented import charges as invented_charges
from harmcast.invented import known, truth
from harmcast.people import bands, harm, minors
from harmcast.people import charges as charge_rules
from harmcast.tables import PERSONS
from harmcast.transitions import followed, refit
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.landmarks import People, Rules
from harmcast.transitions.weekly import score_people
from harmcast.weeks import add_months

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench" / "force-300000-10"
KEPT = ROOT / ".bench" / "people-force"
KNOWN_PEOPLE = 6_000
LEAST_IN_GROUP = 100
SEED = 20


def attributes() -> list[str]:
    """Names of the audit's groupings, pairs of attributes among them."""
    nobody = pl.DataFrame(schema={c.name: c.polars for c in PERSONS.columns if c.name == "person_ref" or c.sensitivity == "protected"})
    return [name for name in groups.read_groups(nobody, date(2026, 1, 1)).labels.columns if name != "person_ref"]


def history(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, date]:
    """Persons, charge versions and birth dates of the first delivery, and the last day it speaks of."""
    sent = sorted((folder / "deliveries").iterdir())[0]
    rows = pl.read_parquet(sent / "charges.parquet").unique("charge_ref", keep="last", maintain_order=True)
    brought = rows.with_columns(outcome=pl.lit("charged"), known_on=pl.col("charged_on"))
    result = rows.filter(pl.col("outcome_on").is_not_null() & (pl.col("outcome") != "charged")).with_columns(known_on=pl.col("outcome_on"))
    people = pl.read_parquet(sent / "persons.parquet").unique("person_ref", keep="last", maintain_order=True)
    people = people.with_columns(known_on=pl.col("changed_at").dt.date())
    protected = PERSONS.having("protected")
    last = date.fromisoformat(json.loads((sent / "manifest.json").read_text())["made_at"][:10]) - timedelta(days=1)
    open_columns = [c for c in people.columns if c not in protected and c != "name"]
    return people.select(open_columns), pl.concat([brought, result]), people.select("person_ref", *protected), last


def _rules() -> tuple[Rules, list[float]]:
    cuts = list(bands.DEFAULT_CUTS)
    return Rules(harm.default_index(), harm.decay_from(), bands.high_cut(cuts)), cuts


def _kept(name: str) -> Path:
    KEPT.mkdir(parents=True, exist_ok=True)
    return KEPT / name


def refit_step(folder: Path) -> dict[str, Any]:
    persons, versions, protected, last = history(folder)
    rules, _ = _rules()
    held = refit.history_of(versions, last, MONTHS)
    assert held is not None
    flags = minors.flags(protected, refit.all_days(held))
    began, processor = time.perf_counter(), time.process_time()
    model = refit.refit(persons, versions, flags, held, rules, people_choose.choose)
    got = {"seconds": time.perf_counter() - began, "processor": time.process_time() - processor}
    _kept("model.json").write_text(refit.to_json(model))
    return got | {"chosen": model["chosen"], "rows": model["rows"], "people": persons.height, "versions": versions.height}


def _fitted(folder: Path) -> tuple[Any, ...]:
    persons, versions, protected, last = history(folder)
    rules, cuts = _rules()
    return persons, versions, protected, last, cuts, rules, json.loads(_kept("model.json").read_text())


def score_step(folder: Path) -> dict[str, Any]:
    """A week's scores after last week's: cohort, harm, bands, chances, ranges, reasons, changes, what followed."""
    persons, versions, protected, last, cuts, rules, model = _fitted(folder)
    before = last - timedelta(days=7)
    earlier = score_people(persons, versions, minors.flags(protected, [before]), before, model, rules, cuts).people
    columns = ["person_ref", "harm", "band", *(f"chance_high_harm_{h}m" for h in MONTHS)]
    flags = minors.flags(protected, [last, *(add_months(last, -h) for h in MONTHS)])
    began, processor = time.perf_counter(), time.process_time()
    scored = score_people(persons, versions, flags, last, model, rules, cuts, MONTHS, LastWeek(earlier.select(columns), before, model, rules))
    followed.what_followed(scored.source, last, MONTHS, cuts)
    return {"seconds": time.perf_counter() - began, "processor": time.process_time() - processor, "scored": scored.people.height}


def compare_step(folder: Path) -> dict[str, Any]:
    """Chances and ranges of a sample of people not yet high harm beside those that follow from the process and the whole record."""
    persons, versions, protected, last, cuts, rules, model = _fitted(folder)
    flags = minors.flags(protected, [last])
    made = score_people(persons, versions, flags, last, model, rules, cuts)
    record = truth.read_record(folder / "truth")
    planted = [folder / "truth" / f"{name}.parquet" for name in ("mixed", "duplicates")]
    unclear = pl.concat([pl.read_parquet(path).select("person_ref") for path in planted if path.exists()])
    held = pl.DataFrame({"person_ref": record.refs})
    clear = made.people.drop_nulls("chance_high_harm_12m").join(unclear, on="person_ref", how="anti").join(held, on="person_ref", how="semi")
    sample = clear.sample(min(KNOWN_PEOPLE, clear.height), seed=SEED).sort("person_ref")
    people = People(persons, versions, flags, rules)
    events = charge_rules.events(people.weighed(last)).select(
        "person_ref", "weight", "happened_on", charged_on="counted_on", pending=pl.col("outcome") == "charged"
    )
    weights = dict(harm.weights_of(pl.Series(invented_charges.LABELS), rules.index).select("offence_code", "weight").iter_rows())
    found = known.chances(
        record.of(sample["person_ref"]), last + timedelta(days=1), events.join(sample.select("person_ref"), on="person_ref", how="semi"),
        weights, rules.decay.share_left, rules.high_cut, MONTHS, draws=300, replicates=2, seed=SEED,
    ).rename({f"chance_{h}m": f"known_{h}m" for h in MONTHS})  # fmt: skip
    table = sample.join(found, on="person_ref").join(groups.read_groups(protected, last).labels, on="person_ref", how="left")
    got: dict[str, Any] = {"people": table.height}
    for h in MONTHS:
        low, high, k = (table[name] for name in (f"chance_high_harm_{h}m_low", f"chance_high_harm_{h}m_high", f"known_{h}m"))
        table = table.with_columns(((low <= k) & (k <= high)).alias(f"held_{h}m"), (high - low).alias(f"width_{h}m"))
        of_groups = [
            {"group": f"{name}: {label}", "n": part.height, "held": part[f"held_{h}m"].mean()}
            for name in attributes() for (label,), part in table.sort(name).group_by(name, maintain_order=True)
            if label is not None and part.height >= LEAST_IN_GROUP
        ]  # fmt: skip
        got[f"{h}m"] = {
            "given": table[f"chance_high_harm_{h}m"].mean(), "known": k.mean(), "held": table[f"held_{h}m"].mean(),
            "width": table[f"width_{h}m"].mean(), "groups": of_groups,
        }  # fmt: skip
    return got


STEPS = {"refit": refit_step, "score": score_step, "compare": compare_step}


def _step(name: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "bench.people_force", name, str(folder)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rows(folder: Path = FOLDER) -> list[Row]:
    if not (folder / "truth").is_dir():
        print(f"left out: no invented force at {folder.relative_to(ROOT)}; `make bench-week` makes it")
        return [Row("people", "force of 300,000 people", "measured", "no force", False)]
    fitted, scored, compared = (_step(name, folder) for name in STEPS)
    print(f"{fitted['people']:,} people, {fitted['versions']:,} charge versions, {fitted['rows']:,} rows of landmarks; model {fitted['chosen']}")
    found = [
        Row(11, "people: a refit, 300,000 people", "at most 300 s", f"{fitted['seconds']:.0f} s ({fitted['processor']:.0f} of processor, {fitted['gb']:.1f} GB)", fitted["seconds"] <= 300),
        Row(11, "people: a week's scores with reasons, changes and what followed, 300,000 people", "at most 30 s", f"{scored['seconds']:.0f} s ({scored['processor']:.0f} of processor, {scored['gb']:.1f} GB)", scored["seconds"] <= 30),
        Row(11, "people: memory of a refit and of a week's scores, GB", "at most 4", f"{max(fitted['gb'], scored['gb']):.1f}", max(fitted["gb"], scored["gb"]) <= 4),
    ]  # fmt: skip
    return [*found, *(row for h in MONTHS for row in _compared(compared, h))]


def _compared(got: dict[str, Any], h: int) -> list[Row]:
    own, where = got[f"{h}m"], f"force of 300,000, {h} months"
    short = [f"{g['group']} {g['held']:.3f} of {g['n']}" for g in own["groups"] if g["held"] < 0.80]
    least = min((g["held"] for g in own["groups"]), default=1.0)
    return [
        Row("people", f"{where}: said over known", ".9 to 1.1", f"{own['given'] / own['known']:.2f} ({own['given']:.4f}, {own['known']:.4f})", 0.9 <= own["given"] / own["known"] <= 1.1),
        Row("people", f"{where}: range holds the known chance", ".88 to .97", f"{own['held']:.3f} of {got['people']:,}, mean width {own['width']:.4f}", 0.88 <= round(own["held"], 2) <= 0.97),
        Row("people", f"{where}: the same in each group of the audit", "at least .80", f"least {least:.3f} of {len(own['groups'])} groups" + (": " + "; ".join(short) if short else ""), not short),
    ]  # fmt: skip


if __name__ == "__main__":
    name, where = sys.argv[1:]
    result = STEPS[name](Path(where))
    print(json.dumps(result | {"gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))
