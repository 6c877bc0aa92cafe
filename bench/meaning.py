"""Are faults seen whose every value is well formed? Each planted in four sizes; how often a clean week is held; what it costs.

    python -m bench.meaning [power] [files] [holds] [cases] [cost] [--seeds 10] [--weeks 104] [--draws 5] [--forces other invented new_york toronto]

Each force gives weeks of crimes, charges and people. `other` is made here, by other rules than `harmcast invent`. Its clean weeks are
not spotless: a few births are unknown, a few codes are in no list, a few corrections bear an older date of change.

power   faults in the last four weeks of many draws, looked at as `load` looks at effects: share of draws in which a check of the kind that speaks
        of it holds or refuses the load, by fault and size
files   faults written into files that go the whole way of a load (`bench/meaning_files.py`): said, or read right, by fault and size
holds   clean weekly deliveries: how many are held or refused, each named
cases   the inputs of shared/cases, as they lie there (`bench/meaning_cases.py`)
cost    seconds that the effects of a weekly load take where a force holds 3 million crimes and 300,000 people
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from bench import meaning_cases, meaning_files
from bench.accepted import load_accepted
from bench.results import Row, saved
from harmcast.documents.effects import Effect
from harmcast.runs import received
from harmcast.runs.compared import compare
from harmcast.runs.effects import Seen, carried_over, effects_of, looked_at
from harmcast.runs.received import FileCount
from harmcast.store.state import State, create
from harmcast.tables import CHARGES, CRIMES, PERSONS

SIZES = (0.1, 0.25, 0.5, 0.9)
LOOKED_WEEKS = 4
YEARS_IN_FILES = 4
MOST_SECONDS = 5.0
PARTS = ("power", "files", "holds", "cases", "cost")
MADE_HERE = ("other", "invented")  # forces whose clean weeks are known to be clean
EXPLAINED = {  # spans of a real panel in which crime itself was other than before: what happened, first and last day of a delivery
    "toronto": [("Ontario's emergency of 17 March 2020, until Toronto opened again on 24 June", date(2020, 3, 17), date(2020, 6, 24))],
}
PLACES = """
[force]
name = "Measured"
offence_codes = "{form}"
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
IN_NO_LIST = "105/99"  # a class that is listed, a subclass that is not
USUALLY_IN_NO_LIST, USUALLY_UNBORN, USUALLY_OLDER = 0.01, 0.04, 0.02  # shares of rows in a clean week


def other(seed: int, years: float = 4.0, a_week: int = 260, people_most: int = 4_000, spread: float = 0.0) -> Weeks:
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
    codes = rng.choice(OTHER_CODES, n, p=OTHER_SHARES)
    codes = np.where(np.random.default_rng([seed, 1]).random(n) < USUALLY_IN_NO_LIST, IN_NO_LIST, codes)
    crimes = pl.DataFrame(
        {
            "crime_ref": [str(1_000_000 + k) for k in range(n)],
            "offence_code": codes,
            "happened_from": happened,
            "recorded_at": recorded,
            "status": ["recorded"] * n,
            "easting_m": 400_000 + 9_000 * town + rng.normal(0, 1_500, n).round(),
            "northing_m": 300_000 + 4_000 * town + rng.normal(0, 1_500, n).round(),
        }
    ).filter(pl.col("recorded_at") < datetime(end.year, end.month, end.day))
    charged = crimes.sample(fraction=0.18, seed=seed)
    m = charged.height
    people = np.where(rng.random(m) < spread, rng.integers(0, people_most, m), rng.zipf(1.6, m) % people_most)
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
    """Everybody charged; the births of a few are unknown."""
    who = charges.select("person_ref").unique(maintain_order=True)
    is_unborn = np.random.default_rng(who.height).random(who.height) < USUALLY_UNBORN
    born = pl.when(pl.Series(is_unborn, dtype=pl.Boolean)).then(None).otherwise(pl.lit(date(1990, 5, 1)))
    return who.with_columns(
        merged_into=pl.lit(None, pl.String), died_on=pl.lit(None, pl.Date), review_due_on=pl.lit(None, pl.Date), unit=pl.lit("North"), born_on=born
    )  # fmt: skip


def invented(seed: int) -> Weeks:
    """The invented force's history, as `harmcast load` held it."""
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


def _in(table: str, change: Callable[[pl.DataFrame, pl.Series, Weeks], pl.DataFrame]) -> Plant:
    def plant(tables: Tables, force: Weeks, size: float, rng: np.random.Generator) -> Tables:
        rows = tables[table]
        return {**tables, table: change(rows, _some(rows, size, rng), force)}

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


@dataclass(frozen=True)
class Planted:
    """A fault of four weeks. `kinds`: the checks that speak of it."""

    kinds: str
    table: str
    plant: Plant
    home_office: bool = False


def _code(code: str) -> Callable[[pl.DataFrame, pl.Series, Weeks], pl.DataFrame]:
    return lambda rows, chosen, force: _set(rows, chosen, offence_code=pl.lit(code))


FAULTS: dict[str, Planted] = {
    "codes of a definition misread": Planted(
        "matched recoded", CRIMES.name, _in(CRIMES.name, lambda r, c, f: _set(r, c & r["offence_code"].is_in(f.codes), offence_code=pl.lit("999/99")))
    ),
    "recoded by new counting rules": Planted("recoded matched", CRIMES.name, _in(CRIMES.name, _recoded)),
    "crimes lost": Planted("volume matched", CRIMES.name, _in(CRIMES.name, lambda r, c, f: r.filter(~c))),
    "dates by month only": Planted("resolution", CRIMES.name, _in(CRIMES.name, lambda r, c, f: _set(r, c, happened_from=pl.col("happened_from").dt.truncate("1mo")))),
    "numbers used again": Planted("keys", CRIMES.name, _in(CRIMES.name, _reused)),
    "crimes under codes in no list": Planted("codes", CRIMES.name, _in(CRIMES.name, _code(IN_NO_LIST)), home_office=True),
    "charges under codes in no list": Planted("codes", CHARGES.name, _in(CHARGES.name, _code(IN_NO_LIST)), home_office=True),
    "charges without weight": Planted("weights", CHARGES.name, _in(CHARGES.name, _code("200/01"))),
    "a word for no crime": Planted("links", CHARGES.name, _in(CHARGES.name, lambda r, c, f: _set(r, c, crime_ref=pl.lit("NULL")))),
    "charges lost": Planted("volume", CHARGES.name, _in(CHARGES.name, lambda r, c, f: r.filter(~c))),
    "births unknown": Planted("births", PERSONS.name, _in(PERSONS.name, lambda r, c, f: _set(r, c, born_on=pl.lit(None, pl.Date)))),
    "deleted at source (a tenth of the size)": Planted("deletions", CHARGES.name, _deleted),
}


# -- looking -----------------------------------------------------------------------------------------


Past = dict[str, dict[str, list[float]]]  # check -> scope -> its values in the loads before, the newest first


def look(state: State, force: Weeks, end: date, tables: Tables, weeks: int, past: Past, older: int | None = None) -> list[Effect]:
    """Effects of a delivery made on the morning of `end` that brings these tables to what was held `weeks` weeks before.

    Args: `older`: draws that give a few rows of each table an older date of change than the one held.
    """
    since = end - timedelta(weeks=weeks)
    made_at = datetime(end.year, end.month, end.day, 5)
    new = {name: rows for name, rows in tables.items() if name != "gone" and rows.height}
    gone = {CHARGES.name: [tables["gone"]]} if "gone" in tables else {}
    rng = np.random.default_rng(older)
    not_taken = {name: int(rng.binomial(rows.height, USUALLY_OLDER)) if older is not None else 0 for name, rows in new.items()}
    counts = {name: FileCount(name, name, rows.height, notes={"changed_at_older": not_taken[name]}) for name, rows in new.items()}
    work: Any = SimpleNamespace(manifest=SimpleNamespace(made_at=made_at), checked={}, new=new, tombstones=gone, counts=counts, listed={}, unfound={})
    seen = Seen(state, work)
    charges = force.charges.filter(pl.col("charged_on") < since)
    seen._before = {
        CRIMES.name: force.crimes.filter(pl.col("recorded_at") < since),
        CHARGES.name: charges,
        PERSONS.name: force.persons.drop("born_on").join(charges, on="person_ref", how="semi"),
    }
    seen._past = past
    return looked_at(seen)


def delivery(force: Weeks, end: date, weeks: int) -> Tables:
    """What was recorded and charged in the weeks, and those whom it was charged to."""
    since = end - timedelta(weeks=weeks)
    charges = force.charges.filter((pl.col("charged_on") >= since) & (pl.col("charged_on") < end))
    return {
        CRIMES.name: force.crimes.filter((pl.col("recorded_at") >= since) & (pl.col("recorded_at") < end)),
        CHARGES.name: charges,
        PERSONS.name: force.persons.join(charges, on="person_ref", how="semi"),
    }


def _nothing_before() -> Past:
    return {"people": {}, "births": {}}


def _remembered(past: Past, effects: list[Effect]) -> None:
    for effect in effects:
        if effect.check in past:
            past[effect.check].setdefault(effect.scope, []).insert(0, effect.value)


def stopped(effects: list[Effect], kinds: str) -> bool:
    return any(e.verdict in ("hold", "refuse") and e.check in kinds.split() for e in effects)


def state_of(folder: Path, force: Weeks, name: str) -> State:
    settings = folder / f"{name}.toml"
    form = "home_office" if force.codes[0][:3].isdigit() else "as_text"
    settings.write_text(PLACES.format(codes=str(force.codes).replace("'", '"'), form=form) + (PEOPLE if force.has_people else ""), encoding="utf-8")
    return create(folder / name, settings)


def power(state: State, force: Weeks, draws: int) -> dict[str, list[float | None]]:
    """Share of draws in which each fault of each size is seen; None where the force has no such table."""
    found: dict[str, list[float | None]] = {}
    ends = [force.end - timedelta(weeks=draw) for draw in range(draws)]
    pasts = []
    for end in ends:
        before = end - timedelta(weeks=LOOKED_WEEKS)
        pasts.append(_nothing_before())
        _remembered(pasts[-1], look(state, force, before, delivery(force, before, LOOKED_WEEKS), LOOKED_WEEKS, _nothing_before()))
    for name, fault in FAULTS.items():
        if not meaning_files.fits(fault.table, force, home_office=fault.home_office):
            found[name] = [None] * len(SIZES)
            continue
        shares: list[float | None] = []
        for size in SIZES:
            seen = []
            for draw, end in enumerate(ends):
                tables = fault.plant(delivery(force, end, LOOKED_WEEKS), force, size, np.random.default_rng(100 * draw + 7))
                seen.append(stopped(look(state, force, end, tables, LOOKED_WEEKS, pasts[draw]), fault.kinds))
            shares.append(sum(seen) / len(seen))
        found[name] = shares
    return found


def false_holds(state: State, force: Weeks, weeks: int) -> list[str]:
    """Holds and refusals of clean weekly deliveries over so many weeks, the oldest first, each said; what holds is accepted, as in life."""
    found: list[str] = []
    past = _nothing_before()
    before: Any = None
    for back in reversed(range(weeks)):
        end = force.end - timedelta(weeks=back)
        effects = carried_over(look(state, force, end, delivery(force, end, 1), 1, past, older=back), before)
        found += [f"{end}: {e.check}, {e.scope}: {e.says}" for e in effects if e.verdict in ("hold", "refuse")]
        _remembered(past, effects)
        before = SimpleNamespace(effects=effects)
    return found


def _curve(values: Sequence[float | bool | None]) -> str:
    return " ".join("-" if v is None else f"{float(v):.2g}" for v in values)


def _power_rows(name: str, force: Weeks, draws: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        state = state_of(Path(folder), force, name)
        found = power(state, force, draws)
        state.close()
    sizes = ", ".join(f"{size:g}" for size in SIZES)
    return [
        Row(37, f"{name}, four weeks: {fault}", f"sizes {sizes}: the largest in every draw", _curve(shares), shares[-1] == 1)
        for fault, shares in found.items()
        if shares[-1] is not None
    ]


def _file_rows(name: str, force: Weeks) -> list[Row]:
    since = force.end - timedelta(weeks=52 * YEARS_IN_FILES)
    young = replace(force, crimes=force.crimes.filter(pl.col("recorded_at") >= since), charges=force.charges.filter(pl.col("charged_on") >= since))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        found = meaning_files.power(at, lambda which: state_of(at, young, f"{name}-{which}"), young)
    rows = []
    for what, line in found.items():
        fault = meaning_files.FAULTS[what.rsplit(", ", 1)[0]]
        if line[0] is None:
            continue
        right = all(ok for size, ok in zip(fault.sizes, line, strict=True) if size >= fault.asked)
        asked = f"sizes {', '.join(f'{size:g}' for size in fault.sizes)}: said or read right from {fault.asked:g} on"
        rows.append(Row(37, f"{name}, files: {what}", asked, _curve(line), right))
    return rows


def _hold_rows(name: str, makers: Sequence[Callable[[], Weeks | None]], weeks: int) -> list[Row]:
    holds: list[int] = []
    why: list[str] = []
    for seed, make in enumerate(makers, 1):
        force = make()
        if force is None:
            return []
        with tempfile.TemporaryDirectory() as folder:
            state = state_of(Path(folder), force, name)
            found = false_holds(state, force, weeks)
            state.close()
        holds.append(len(found))
        why += [_explanation(name, date.fromisoformat(line[:10])) for line in found]
        print("\n".join(f"    held, {name}, seed {seed}: {line}" for line in found) or f"    {name}, seed {seed}: none held", flush=True)
    mean = sum(holds) / len(holds) * 104 / weeks
    what = f"{name}: held in 104 clean weeks, {len(holds)} seed(s) of {weeks} weeks"
    if name in MADE_HERE:
        return [Row(37, what, "a mean of at most 1", f"{mean:.2f}", mean <= 1)]
    told = "; ".join(f"{why.count(reason)}: {reason or 'not explained'}" for reason in sorted(set(why)))
    return [Row(37, what, "each explained", f"{mean:.2f}" + (f" ({told})" if told else ""), "" not in why)]


def _explanation(name: str, day: date) -> str:
    return next((words for words, first, last in EXPLAINED.get(name, ()) if first <= day <= last), "")


def cost(folder: Path, a_week: int = 5_770, years: float = 10.0, people: int = 300_000) -> list[Row]:
    """A weekly load of a large force by the running path: seconds of its effects, and of all else up to them."""
    force = other(1, years, a_week, people, spread=0.8)
    since = force.end - timedelta(weeks=1)
    state = state_of(folder, force, "large")
    load_accepted(state, meaning_files.write(folder / "history", meaning_files.files_of(force, None, since), datetime(since.year, since.month, since.day, 5)))
    week = meaning_files.write(folder / "week", meaning_files.files_of(force, since, force.end), datetime(force.end.year, force.end.month, force.end.day, 5))
    begun = time.perf_counter()
    work = received.read(state, week, lambda *_: None)
    compare(state, work, lambda *_: None)
    read = time.perf_counter()
    cpu = time.process_time()
    effects_of(state, work)
    seconds, cpu = time.perf_counter() - read, time.process_time() - cpu
    held = f"{force.crimes.height:,} crimes, {force.charges.height:,} charges, {force.persons.height:,} people"
    state.close()
    return [Row(37, f"effects of a weekly load, s ({held})", f"at most {MOST_SECONDS:g}", f"{seconds:.1f} ({cpu:.1f} of CPU; read and compared in {read - begun:.1f})", seconds <= MOST_SECONDS)]


def main(parts: Sequence[str], seeds: int, weeks: int, draws: int, forces: Sequence[str]) -> int:
    makers: dict[str, list[Callable[[], Weeks | None]]] = {
        "other": [partial(other, s, spread=0.6) for s in range(1, seeds + 1)],
        "invented": [partial(invented, s) for s in range(5, 5 + seeds)],
        "new_york": [partial(real, "new_york")],
        "toronto": [partial(real, "toronto")],
    }
    rows: list[Row] = []
    for name in forces:
        force = makers[name][0]()
        if force is None:
            print(f"{name}: skipped, the data is not here")
            continue
        print(f"{name}: {force.crimes.height:,} crimes, {force.charges.height:,} charges", flush=True)
        again: list[Callable[[], Weeks | None]] = [partial(_itself, force), *makers[name][1:]]
        measured: dict[str, Callable[[], list[Row]]] = {
            "power": partial(_power_rows, name, force, draws), "files": partial(_file_rows, name, force), "holds": partial(_hold_rows, name, again, weeks),
        }  # fmt: skip
        for part in parts:
            if part in measured:
                begun = time.perf_counter()
                rows += measured[part]()
                print(f"    {name}, {part}: {time.perf_counter() - begun:.0f} s", flush=True)
    if "cases" in parts:
        with tempfile.TemporaryDirectory() as folder:
            rows += meaning_cases.rows(Path(folder))
    if "cost" in parts:
        with tempfile.TemporaryDirectory() as folder:
            rows += cost(Path(folder))
    is_whole = set(parts) == set(PARTS) and seeds >= 10 and set(forces) == set(makers)
    return saved("meaning" if is_whole else f"meaning-{'-'.join(parts)}", rows)


def _itself(force: Weeks) -> Weeks:
    return force


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--forces", nargs="*", default=["other", "invented", "new_york", "toronto"])
    asked = parser.parse_args()
    sys.exit(main(asked.parts or list(PARTS), asked.seeds, asked.weeks, asked.draws, asked.forces))
