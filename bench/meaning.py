"""Are faults seen whose every value is well formed? Each planted in four sizes; and how often a clean week is held.

    python -m bench.meaning [--seeds 3] [--weeks 104] [--forces other invented new_york toronto]

Each force gives weeks of crimes and charges; the last four weeks are looked at as a delivery would be, once as they are
and once with a fault planted in a share of their rows. `other` is made here, by other rules than `harmcast invent`. A
fault is seen if a check of the kind that speaks of it holds or refuses the load. Printed: power by fault, size and force;
and holds in clean weeks, each named.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from harmcast.documents.effects import Effect
from harmcast.runs.effects import Seen, looked_at
from harmcast.store.state import State, create
from harmcast.tables import CHARGES, CRIMES, PERSONS

SIZES = (0.1, 0.25, 0.5, 0.9)
LOOKED_WEEKS = 4
PLACES = """
[force]
name = "Measured"
[[tools]]
name = "violence"
kind = "places"
cell_area_km2 = 1.0
where = {{ offence_code = {codes} }}
"""
PEOPLE = '\n[[tools]]\nname = "iom"\nkind = "people"\n'


@dataclass(frozen=True)
class Weeks:
    """A force's records: crimes, charges and people as held; no charges where it has none."""

    crimes: pl.DataFrame
    charges: pl.DataFrame
    persons: pl.DataFrame
    codes: list[str]
    end: date

    @property
    def has_people(self) -> bool:
        return self.charges.height > 0


# -- forces ------------------------------------------------------------------------------------------

OTHER_CODES = ["008/01", "008/06", "001", "028/01", "030/01", "105/01", "149/00"]
OTHER_SHARES = [0.08, 0.1, 0.002, 0.2, 0.3, 0.2, 0.118]


def other(seed: int, years: float = 4.0, a_week: int = 260) -> Weeks:
    """A force of other make: a yearly wave, a slow trend, gamma noise from week to week, three towns."""
    rng = np.random.default_rng(seed)
    end = date(2026, 11, 16)
    weeks = int(52 * years)
    rates = a_week * (1 + 0.15 * np.sin(np.arange(weeks) * 2 * np.pi / 52)) * np.linspace(0.9, 1.1, weeks) * rng.gamma(80, 1 / 80, weeks)
    counts = rng.poisson(rates)
    n = int(counts.sum())
    monday = np.repeat(np.arange(weeks), counts)
    minutes = rng.integers(0, 7 * 24 * 60, n)
    start = datetime(end.year, end.month, end.day) - timedelta(weeks=weeks)
    happened = pl.Series([start]).extend_constant(start, n - 1) + pl.Series((monday * 7 * 24 * 60 + minutes).astype("int64") * 60_000_000).cast(pl.Duration("us"))
    recorded = happened + pl.Series(rng.exponential(600, n).astype("int64") * 60_000_000).cast(pl.Duration("us"))
    town = rng.integers(0, 3, n)
    crimes = pl.DataFrame(
        {
            "crime_ref": [f"X{k:07d}" for k in range(n)],
            "offence_code": rng.choice(OTHER_CODES, n, p=OTHER_SHARES),
            "happened_from": happened,
            "recorded_at": recorded,
            "status": ["recorded"] * n,
            "easting_m": 400_000 + 9_000 * town + rng.normal(0, 1_500, n).round(),
            "northing_m": 300_000 + 4_000 * town + rng.normal(0, 1_500, n).round(),
        }
    ).filter(pl.col("recorded_at") < datetime(end.year, end.month, end.day))
    charged = crimes.sample(fraction=0.18, seed=seed)
    m = charged.height
    people = rng.zipf(1.6, m) % 4_000
    charges = pl.DataFrame(
        {
            "charge_ref": [f"Y{k:07d}" for k in range(m)],
            "person_ref": [f"Z{k:05d}" for k in people],
            "crime_ref": charged["crime_ref"],
            "offence_code": charged["offence_code"],
            "happened_on": charged["happened_from"].dt.date(),
            "charged_on": charged["recorded_at"].dt.date(),
            "outcome": ["charged"] * m,
        }
    )
    return Weeks(crimes, charges, _persons(charges), ["008/01", "008/06", "001"], end)


def _persons(charges: pl.DataFrame) -> pl.DataFrame:
    return charges.select("person_ref").unique(maintain_order=True).with_columns(
        merged_into=pl.lit(None, pl.String), died_on=pl.lit(None, pl.Date), review_due_on=pl.lit(None, pl.Date), unit=pl.lit("North")
    )  # fmt: skip


def invented(seed: int) -> Weeks:
    """The invented force's history, as `harmcast load` held it."""
    from bench.accepted import load_accepted
    from harmcast.invented.making import invent

    end = date(2026, 11, 16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        invent(folder / "force", people=4_000, years=4.0, seed=seed, to=end - timedelta(days=1), weeks=1, crimes_a_year=20_000)
        settings = folder / "force" / "settings.toml"
        state = create(folder / "state", settings)
        for delivery in sorted((folder / "force" / "deliveries").iterdir())[:1]:
            load_accepted(state, delivery)
        crimes = state.records.known(CRIMES.name, columns=["crime_ref", "offence_code", "happened_from", "recorded_at", "status", "easting_m", "northing_m"])
        charges = state.records.known(CHARGES.name, columns=["charge_ref", "person_ref", "crime_ref", "offence_code", "happened_on", "charged_on", "outcome"])
        last = crimes["recorded_at"].max()
        state.close()
    assert isinstance(last, datetime)
    return Weeks(crimes, charges, _persons(charges), ["008/01", "008/06", "001", "005/01"], last.date() - timedelta(days=last.weekday()))


def real(name: str) -> Weeks | None:
    """New York or Toronto through its mapping; None where the data is not here."""
    from bench import deliveries
    from bench.accepted import load_accepted

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        try:
            settings, delivery = deliveries.wrap(name, folder / "in")
        except FileNotFoundError:
            return None
        state = create(folder / "state", settings)
        load_accepted(state, delivery)
        crimes = state.records.known(CRIMES.name, columns=["crime_ref", "offence_code", "happened_from", "recorded_at", "status", "easting_m", "northing_m"])
        state.close()
    crimes = crimes.filter(pl.col("status") == "recorded")
    last = crimes["recorded_at"].max()
    assert isinstance(last, datetime)
    codes = crimes["offence_code"].value_counts(sort=True)["offence_code"].head(2).to_list()
    nobody = pl.DataFrame(schema={c: (pl.Date if c.endswith("_on") else pl.String) for c in ["charge_ref", "person_ref", "crime_ref", "offence_code", "happened_on", "charged_on", "outcome"]})
    return Weeks(crimes, nobody, _persons(nobody), codes, last.date() - timedelta(days=last.weekday()))


# -- faults ------------------------------------------------------------------------------------------

Tables = dict[str, pl.DataFrame]
Plant = Callable[[Tables, Weeks, float, np.random.Generator], Tables]


def _some(rows: pl.DataFrame, size: float, rng: np.random.Generator) -> pl.Series:
    return pl.Series(rng.random(rows.height) < size)


def _crimes(change: Callable[[pl.DataFrame, pl.Series, Weeks], pl.DataFrame]) -> Plant:
    def plant(tables: Tables, force: Weeks, size: float, rng: np.random.Generator) -> Tables:
        rows = tables[CRIMES.name]
        return {**tables, CRIMES.name: change(rows, _some(rows, size, rng), force)}

    return plant


def _charges(change: Callable[[pl.DataFrame, pl.Series, Weeks], pl.DataFrame]) -> Plant:
    def plant(tables: Tables, force: Weeks, size: float, rng: np.random.Generator) -> Tables:
        rows = tables[CHARGES.name]
        return {**tables, CHARGES.name: change(rows, _some(rows, size, rng), force)}

    return plant


def _set(rows: pl.DataFrame, chosen: pl.Series, **values: Any) -> pl.DataFrame:
    return rows.with_columns([pl.when(chosen).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()])


def _recoded(rows: pl.DataFrame, chosen: pl.Series, force: Weeks) -> pl.DataFrame:
    is_first = rows["offence_code"] == force.codes[0]
    return _set(rows, chosen & is_first, offence_code=pl.lit(force.codes[0].split("/")[0] + "/71"))


def _reused(rows: pl.DataFrame, chosen: pl.Series, force: Weeks) -> pl.DataFrame:
    old = force.crimes["crime_ref"].head(rows.height)
    return _set(rows, chosen, crime_ref=old)


def _deleted(tables: Tables, force: Weeks, size: float, rng: np.random.Generator) -> Tables:
    """A tenth of the size: a share of everything held goes."""
    gone = force.charges.filter(_some(force.charges, size / 10, rng)).select("charge_ref")
    return {**tables, "gone": gone}


FAULTS: dict[str, tuple[str, Plant]] = {
    "codes of a definition misread": ("matched recoded", _crimes(lambda r, c, f: _set(r, c & r["offence_code"].is_in(f.codes), offence_code=pl.lit("999/99")))),
    "recoded by new counting rules": ("recoded matched", _crimes(_recoded)),
    "crimes lost": ("volume matched", _crimes(lambda r, c, f: r.filter(~c))),
    "dates by month only": ("resolution", _crimes(lambda r, c, f: _set(r, c, happened_from=pl.col("happened_from").dt.truncate("1mo")))),
    "numbers used again": ("keys", _crimes(_reused)),
    "charges without weight": ("weights", _charges(lambda r, c, f: _set(r, c, offence_code=pl.lit("200/01")))),
    "a word for no crime": ("links", _charges(lambda r, c, f: _set(r, c, crime_ref=pl.lit("NULL")))),
    "charges lost": ("volume", _charges(lambda r, c, f: r.filter(~c))),
    "deleted at source (a tenth of the size)": ("deletions", _deleted),
}


# -- looking -----------------------------------------------------------------------------------------


def look(state: State, force: Weeks, end: date, tables: Tables, weeks: int) -> list[Effect]:
    """Effects of a delivery made on the morning of `end` that brings these tables to what was held `weeks` weeks before."""
    since = end - timedelta(weeks=weeks)
    made_at = datetime(end.year, end.month, end.day, 5)
    new = {name: rows for name, rows in tables.items() if name != "gone" and rows.height}
    gone = {CHARGES.name: [tables["gone"]]} if "gone" in tables else {}
    counts = {name: SimpleNamespace(table=name, received=rows.height, notes={}) for name, rows in new.items()}
    work: Any = SimpleNamespace(manifest=SimpleNamespace(made_at=made_at), checked={}, new=new, tombstones=gone, counts=counts)
    seen = Seen(state, work)
    seen._before = {
        CRIMES.name: force.crimes.filter(pl.col("recorded_at") < since),
        CHARGES.name: force.charges.filter(pl.col("charged_on") < since),
        PERSONS.name: force.persons,
    }
    return looked_at(seen)


def delivery(force: Weeks, end: date, weeks: int) -> Tables:
    since = end - timedelta(weeks=weeks)
    return {
        CRIMES.name: force.crimes.filter((pl.col("recorded_at") >= since) & (pl.col("recorded_at") < end)),
        CHARGES.name: force.charges.filter((pl.col("charged_on") >= since) & (pl.col("charged_on") < end)),
    }


def stopped(effects: list[Effect], kinds: str) -> bool:
    return any(e.verdict in ("hold", "refuse") and e.check in kinds.split() for e in effects)


def state_of(folder: Path, force: Weeks, name: str) -> State:
    settings = folder / f"{name}.toml"
    settings.write_text(PLACES.format(codes=str(force.codes).replace("'", '"')) + (PEOPLE if force.has_people else ""), encoding="utf-8")
    return create(folder / name, settings)


def power(state: State, force: Weeks, draws: int) -> dict[str, list[float | None]]:
    """Share of draws in which each fault of each size is seen; None where the force has no such table."""
    found: dict[str, list[float | None]] = {}
    for fault, (kinds, plant) in FAULTS.items():
        needs_charges = kinds.split()[0] in ("weights", "links", "deletions") or "charges" in fault
        shares: list[float | None] = []
        for size in SIZES:
            if needs_charges and not force.has_people:
                shares.append(None)
                continue
            seen = []
            for draw in range(draws):
                end = force.end - timedelta(weeks=draw)
                tables = plant(delivery(force, end, LOOKED_WEEKS), force, size, np.random.default_rng(100 * draw + 7))
                seen.append(stopped(look(state, force, end, tables, LOOKED_WEEKS), kinds))
            shares.append(sum(seen) / len(seen))
        found[fault] = shares
    return found


def false_holds(state: State, force: Weeks, weeks: int) -> list[str]:
    """Holds and refusals of clean weekly deliveries over so many weeks, each said."""
    found = []
    for back in range(weeks):
        end = force.end - timedelta(weeks=back)
        effects = look(state, force, end, delivery(force, end, 1), 1)
        found += [f"{end}: {e.check}, {e.scope}: {e.says}" for e in effects if e.verdict in ("hold", "refuse")]
    return found


def main(seeds: int, weeks: int, draws: int, forces: list[str]) -> int:
    wrong = 0
    makers: dict[str, list[Callable[[], Weeks | None]]] = {
        "other": [lambda s=s: other(s) for s in range(1, seeds + 1)],
        "invented": [lambda: invented(5)],
        "new_york": [lambda: real("new_york")],
        "toronto": [lambda: real("toronto")],
    }
    for name in forces:
        holds: list[int] = []
        for number, make in enumerate(makers[name]):
            force = make()
            if force is None:
                print(f"{name}: skipped, the data is not here")
                continue
            with tempfile.TemporaryDirectory() as folder:
                state = state_of(Path(folder), force, name)
                began = time.perf_counter()
                if number == 0:
                    print(f"\n{name}: {force.crimes.height:,} crimes, {force.charges.height:,} charges; share of draws seen, by size {', '.join(f'{s:g}' for s in SIZES)}")
                    for fault, shares in power(state, force, draws).items():
                        said = "  ".join("  -" if share is None else f"{share:.2f}" for share in shares)
                        print(f"  {fault:<42} {said}", flush=True)
                        wrong += shares[-1] is not None and shares[-1] < 1
                found = false_holds(state, force, weeks)
                holds.append(len(found))
                for line in found:
                    print(f"    held, seed {number + 1}: {line}")
                print(f"  seed {number + 1}: {len(found)} held in {weeks} clean weeks ({time.perf_counter() - began:.0f} s)", flush=True)
                state.close()
        if holds:
            mean = sum(holds) / len(holds)
            print(f"  asked: a mean of at most 1 held in 104 clean weeks; got: {mean * 104 / weeks:.2f} over {len(holds)} seed(s)")
            wrong += name in ("other", "invented") and mean * 104 / weeks > 1
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--forces", nargs="+", default=["other", "invented", "new_york", "toronto"])
    asked = parser.parse_args()
    raise SystemExit(main(asked.seeds, asked.weeks, asked.draws, asked.forces))
