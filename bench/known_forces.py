"""Invented forces whose chances are known, made once for each seed and kept under `.bench/known`.

Kept beside the records: a sample of people not yet high harm with their known chances given the whole record
(`invented.known`). None of it depends on a model, so a model may change and the same forces serve again; a
change of the code that invents, of the code that counts harm, or of the plan makes them anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from harmcast.fairness import groups
from harmcast.invented import charges, known, making, slices, truth
from harmcast.people import bands, harm, minors
from harmcast.tables import PERSONS
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.weekly import score_people

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench" / "known"
MONTHS = (12, 24)
LAST = date(2026, 11, 15)
PEOPLE, YEARS, KNOWN_PEOPLE = 30_000, 10.0, 4_000


@dataclass(frozen=True)
class KnownForce:
    """Records as a first load at the end would hold them, and the sample: person_ref, `chance_<m>m` known, labels of groups."""

    seed: int
    persons: pl.DataFrame
    versions: pl.DataFrame
    protected: pl.DataFrame
    sample: pl.DataFrame
    cuts: list[float]

    @property
    def rules(self) -> Rules:
        return Rules(harm.default_index(), harm.decay_from(), bands.high_cut(self.cuts))


def _code_hash() -> str:
    """Of the modules that a kept force depends on."""
    source = ROOT / "src" / "harmcast"
    files = [*sorted((source / "invented").glob("*.py")), *sorted((source / "people").glob("*.*")), Path(__file__)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def first_load(force: making.InventedForce) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Persons, charge versions and birth dates as a first load at the end would hold them."""
    sent = making.sends(force.plan)[-1]
    tables = slices.tables_of(force, sent, everything=True)
    rows = tables["charges"]
    brought = rows.with_columns(outcome=pl.lit("charged"), known_on=pl.col("charged_on"))
    result = rows.filter(pl.col("outcome_on").is_not_null() & (pl.col("outcome") != "charged")).with_columns(known_on=pl.col("outcome_on"))
    versions = pl.concat([brought, result]).with_columns(pl.col("happened_on", "charged_on", "outcome_on", "known_on").cast(pl.Date))
    people = tables["persons"].with_columns(known_on=pl.col("changed_at").cast(pl.Datetime).dt.date())
    open_columns = [c for c in people.columns if c not in PERSONS.having("protected") and c != "name"]
    return people.select(open_columns), versions, people.select("person_ref", *PERSONS.having("protected"))


def known_force(seed: int, people: int = PEOPLE, known_people: int = KNOWN_PEOPLE, years: float = YEARS) -> KnownForce:
    """The force of a seed: read where it is kept, else made (about a minute) and kept."""
    folder = FOLDER / f"{seed}-{people}-{years:g}-{known_people}-{_code_hash()}"
    if not (folder / "cuts.json").exists():
        _keep(_made(seed, people, known_people, years), folder)
    persons, versions, protected, sample = (pl.read_parquet(folder / f"{name}.parquet") for name in ("persons", "versions", "protected", "sample"))
    return KnownForce(seed, persons, versions, protected, sample, json.loads((folder / "cuts.json").read_text()))


def _keep(force: KnownForce, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("persons", "versions", "protected", "sample"):
        getattr(force, name).write_parquet(folder / f"{name}.parquet")
    (folder / "cuts.json").write_text(json.dumps(force.cuts))


def _made(seed: int, people: int, known_people: int, years: float) -> KnownForce:
    plan = making.Plan(people, years, seed, LAST, weeks=0, crimes_a_year=people, known_people=known_people)
    force = making.make(plan)
    persons, versions, protected = first_load(force)
    index, decay = harm.default_index(), harm.decay_from()
    cuts = list(bands.DEFAULT_CUTS)
    rules = Rules(index, decay, bands.high_cut(cuts))
    now = score_people(persons, versions, minors.flags(protected, [LAST]), LAST, None, rules, cuts).people
    waiting = now.filter(~pl.col("high_before") & ~pl.col("incomplete") & (pl.col("harm") < rules.high_cut))
    unclear = pl.concat([force.duplicates["person"], force.mixed["person"]])
    twice = force.people.frame.filter(pl.col("person").is_in(unclear.implode()))["person_ref"]
    charged = force.people.frame.head(force.people.charged)["person_ref"]
    clear = waiting.filter(~pl.col("person_ref").is_in(twice.implode()) & pl.col("person_ref").is_in(charged.implode()))
    refs = clear.select("person_ref").sample(min(known_people, clear.height), seed=seed).sort("person_ref")
    tomorrow = LAST + timedelta(days=1)
    weights = dict(harm.weights_of(pl.Series(charges.LABELS), index).select("offence_code", "weight").iter_rows())
    found = known.chances(
        truth.record_of(force).of(refs["person_ref"]), tomorrow, truth.standing_events(force, tomorrow), weights,
        decay.share_left, rules.high_cut, MONTHS, draws=300, replicates=2, seed=seed,
    )  # fmt: skip
    known_columns = {f"chance_{m}m": f"known_{m}m" for m in MONTHS}
    sample = found.rename(known_columns).join(groups.read_groups(protected, LAST).labels, on="person_ref", how="left")
    return KnownForce(seed, persons, versions, protected, sample, list(cuts))
