"""Closed tables attacked: small counts, small changes between two closings, one person who joined; and counted again by another path.

The attacker knows every printed count, every sum, and that a printed count is less than the base away from the true one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from bench.results import Row
from harmcast.fairness import tallies
from harmcast.fairness.rounding import CountFamily, CountKey, controlled

BASE = 5
SMALL = range(1, BASE)
TRIALS = 400


@dataclass(frozen=True)
class Printed:
    """What stands in a report: counts, how far each may be from the true one, and the sums everybody knows."""

    counts: Mapping[CountKey, int]
    away: int
    family: CountFamily


def exact(family: CountFamily) -> Printed:
    return Printed(family.counts, 0, family)


def nearest(family: CountFamily) -> Printed:
    """Each count to the nearest multiple by itself: sums need not hold."""
    return Printed({key: BASE * ((n + 2) // BASE) for key, n in family.counts.items()}, 2, family)


def whole(family: CountFamily, drawn: Callable[[CountKey], float]) -> Printed:
    return Printed(controlled(family, drawn, BASE).counts, BASE - 1, family)


def _system(printed: Sequence[Printed]) -> tuple[list[CountKey], csr_array, np.ndarray, np.ndarray]:
    """Unknown true counts of several reports side by side: their sums, and the least and most each can be."""
    keys = sorted({key for one in printed for key in one.family.counts})
    n, rows, columns, values, line = len(keys), [], [], [], 0
    place = {key: i for i, key in enumerate(keys)}
    low, high = np.zeros(n * len(printed)), np.zeros(n * len(printed))
    for number, one in enumerate(printed):
        for key, shown in one.counts.items():
            at = number * n + place[key]
            low[at], high[at] = max(0, shown - one.away), shown + one.away
        for total, parts in one.family.sums:
            for key, sign in ((total, -1), *((part, 1) for part in parts)):
                rows.append(line)
                columns.append(number * n + place[key])
                values.append(sign)
            line += 1
    return keys, csr_array(coo_array((values, (rows, columns)), shape=(line, n * len(printed)), dtype=float)), low, high


def _range(goal: np.ndarray, sums: csr_array, low: np.ndarray, high: np.ndarray) -> tuple[int, int]:
    ends = []
    for sign in (1.0, -1.0):
        found = linprog(sign * goal, A_eq=sums, b_eq=np.zeros(sums.shape[0]), bounds=np.column_stack([low, high]), method="highs")
        if found.status != 0:
            raise ArithmeticError("the attacker's programme has no solution")
        ends.append(sign * found.fun)
    return int(np.ceil(ends[0] - 1e-6)), int(np.floor(ends[1] + 1e-6))


def told(printed: Printed) -> tuple[int, int]:
    """How many counts of 1 to 4 the attacker can give exactly, of how many."""
    keys, sums, low, high = _system([printed])
    small = [key for key in keys if printed.family.counts[key] in SMALL]
    found = 0
    for key in small:
        goal = np.zeros(len(keys))
        goal[keys.index(key)] = 1
        least, most = _range(goal, sums, low, high)
        found += least == most
    return found, len(small)


def changes_told(before: Printed, after: Printed, most: int = 60) -> tuple[int, int]:
    """How many changes of 1 to 4 between two printed tables the attacker can give exactly, of how many (at most `most` looked at)."""
    keys, sums, low, high = _system([before, after])
    both = [key for key in keys if key in before.family.counts and key in after.family.counts]
    small = [key for key in both if abs(after.family.counts[key] - before.family.counts[key]) in SMALL]
    small = random.Random(5).sample(small, min(most, len(small)))
    found = 0
    for key in small:
        goal = np.zeros(2 * len(keys))
        goal[len(keys) + keys.index(key)], goal[keys.index(key)] = 1, -1
        least, top = _range(goal, sums, low, high)
        found += least == top
    return found, len(small)


# -- one person joined -----------------------------------------------------------------------------


def tracked_rows(people: pl.DataFrame, attributes: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `tracked`. Args: `people`: a column an attribute, has_conviction; a row a person."""
    rows = []
    views = [("everyone", people.with_columns(group=pl.lit("all"))), *((a, people.with_columns(group=pl.col(a))) for a in attributes)]
    for attribute, view in views:
        counted = view.group_by("group").agg(pl.col("has_conviction").sum().cast(pl.Int64).alias("with_conviction"), pl.len().cast(pl.Int64).alias("people")).sort("group")
        rows += [{"attribute": attribute, **row, "without_conviction": row["people"] - row["with_conviction"]} for row in counted.iter_rows(named=True)]
    return rows


def guessed_right(people: pl.DataFrame, attributes: Sequence[str], others: int, how: str, trials: int = TRIALS) -> float:
    """How often somebody who knows a person's groups guesses from two printed tables whether the person who joined was convicted.

    The guess: whether the groups' printed counts rose more among the convicted, against what others who joined give on average.
    """
    rng = np.random.default_rng(11)
    right = 0.0
    for trial in range(trials):
        order = rng.permutation(people.height)[int(rng.integers(0, 50)) :]  # another total each time: no residue is favoured
        rest, held = people[order[: others + 1]], people[order[others + 1 :]]
        one = rest[[0]].with_columns(has_conviction=pl.lit(bool(rng.random() < 0.5)))
        joined = pl.concat([held, rest[1:], one])
        tables = []
        for number, frame in enumerate((held, joined)):
            family = tallies.family({"tracked": tracked_rows(frame, attributes)})
            tables.append(family.counts if how == "exact" else nearest(family).counts if how == "nearest" else whole(family, random_draw(f"{trial} {number}")).counts)
        share = float(people["has_conviction"].mean())  # type: ignore[arg-type]
        score = 0.0
        for attribute in ("everyone", *attributes):
            group = "all" if attribute == "everyone" else str(one[attribute][0])
            moved = [tables[1].get(("tracked", attribute, group, c), 0) - tables[0].get(("tracked", attribute, group, c), 0) for c in ("with_conviction", "without_conviction")]
            expected = (others / people.height) * (people.height if attribute == "everyone" else people.filter(pl.col(attribute) == group).height)
            score += (moved[0] - share * expected) - (moved[1] - (1 - share) * expected)
        guess = 0.5 if score == 0 else float((score > 0) == bool(one["has_conviction"][0]))
        right += guess
    return right / trials


def random_draw(seed: str) -> Callable[[CountKey], float]:
    return lambda key: random.Random(f"{seed} {key}").random()


# -- figures ---------------------------------------------------------------------------------------


def attacked(
    name: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], later: Mapping[str, Sequence[Mapping[str, Any]]] | None, *, attack: bool = True
) -> list[Row]:
    """Every table of a state that is rounded together: feasible, seconds, small counts told; small changes against a later closing."""
    rows, seconds, slack, cells = [], 0.0, 0, 0
    kinds = {"exact": [0, 0], "nearest 5": [0, 0], "controlled": [0, 0]}
    changes = {"exact": [0, 0], "nearest 5": [0, 0], "controlled": [0, 0]}
    largest = 0.0
    for together in tallies.TOGETHER:
        own = {of: tables[of] for of in together if tables.get(of)}
        if not own:
            continue
        family = tallies.family(own)
        begun = time.perf_counter()
        rounded = controlled(family, random_draw(f"first {together}"), BASE)
        took = time.perf_counter() - begun
        seconds, largest, slack, cells = seconds + took, max(largest, took), max(slack, rounded.slack), cells + len(family.counts)
        sides = {"exact": exact(family), "nearest 5": nearest(family), "controlled": Printed(rounded.counts, BASE - 1 + BASE * rounded.slack, family)}
        next_ones = {of: later[of] for of in together if later and later.get(of)}
        second = tallies.family(next_ones) if next_ones else None
        for how, one in sides.items() if attack else ():
            if how != "nearest 5" or _consistent(one):
                found, of = told(one)
                kinds[how][0], kinds[how][1] = kinds[how][0] + found, kinds[how][1] + of
            if second is not None:
                after = exact(second) if how == "exact" else nearest(second) if how == "nearest 5" else whole(second, random_draw(f"second {together}"))
                if how != "nearest 5" or (_consistent(one) and _consistent(after)):
                    found, of = changes_told(one, after)
                    changes[how][0], changes[how][1] = changes[how][0] + found, changes[how][1] + of
    rows.append(Row("20", f"{name}: tables rounded whole, {cells:,} counts", "feasible, no slack", f"slack {slack}; {seconds:.1f} s in all, {largest:.1f} s at most for one", slack == 0))
    if not attack:
        return rows
    said = "; ".join(f"{how} {found} of {of}" for how, (found, of) in kinds.items())
    rows.append(Row("20", f"{name}: counts of 1 to 4 told", "controlled 0", said, kinds["controlled"][0] == 0 and kinds["controlled"][1] > 0))
    if later:
        said = "; ".join(f"{how} {found} of {of}" for how, (found, of) in changes.items())
        rows.append(Row("20", f"{name}: changes of 1 to 4 between two closings told", "controlled 0", said, changes["controlled"][0] == 0 and changes["controlled"][1] > 0))
    return rows


def _consistent(printed: Printed) -> bool:
    """Whether true counts within reach of the printed ones exist (always so, since the true ones are)."""
    return all(abs(n - printed.family.counts[key]) <= printed.away for key, n in printed.counts.items())


def membership(people: pl.DataFrame, attributes: Sequence[str]) -> list[Row]:
    """How often `convicted` is guessed right of one who joined, by how many others joined; a coin is .50."""
    rows = []
    for others in (0, 20, 100, 600):
        rates = {how: guessed_right(people, attributes, others, how) for how in ("exact", "nearest", "controlled")}
        error = 0.5 / TRIALS**0.5
        met = rates["controlled"] <= max(0.75 if others < 100 else 0.65, rates["exact"])
        said = ", ".join(f"{how} {rate:.2f}" for how, rate in rates.items())
        rows.append(Row("20", f"one joined with {others} others: conviction guessed right (coin .50, s.e. {error:.2f})", "the hold of 300 moves: at most .65" if others >= 100 else "at most .75", said, met))
    return rows


# -- counted again ---------------------------------------------------------------------------------


def again(state: Any, day: date, protected: pl.DataFrame, scored: pl.Series, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Three tables counted again by SQL over the files of record, before rounding; a version whose person is not held waits, and counts for nothing."""
    import duckdb

    base = duckdb.connect()
    charges = [str(state.root / part.name) for part in state.records.parts("charges")]
    persons = [str(state.root / part.name) for part in state.records.parts("persons")]
    base.register("protected", protected.to_arrow())
    base.register("scored", pl.DataFrame({"person_ref": scored}).to_arrow())
    base.execute(f"CREATE TABLE charge_rows AS SELECT * FROM read_parquet({charges!r}, union_by_name=true)")
    base.execute(f"CREATE TABLE person_rows AS SELECT * FROM read_parquet({persons!r}, union_by_name=true)")
    base.execute("CREATE TABLE persons AS SELECT * FROM person_rows WHERE known_on <= ? QUALIFY row_number() OVER (PARTITION BY person_ref ORDER BY sequence DESC, known_on DESC) = 1", [day])
    base.execute("CREATE TABLE c AS SELECT * FROM charge_rows WHERE known_on <= ? AND (coalesce(deleted, false) OR person_ref IN (SELECT person_ref FROM persons)) QUALIFY row_number() OVER (PARTITION BY charge_ref ORDER BY sequence DESC, known_on DESC, (outcome = 'charged')) = 1", [day])
    base.execute(
        "CREATE TABLE merged AS WITH RECURSIVE m(source, target, step) AS (SELECT person_ref, merged_into, 1 FROM persons WHERE merged_into IS NOT NULL AND merged_into IN (SELECT person_ref FROM persons) "
        "UNION ALL SELECT source, merged_into, step + 1 FROM m JOIN persons ON person_ref = target WHERE merged_into IS NOT NULL AND merged_into IN (SELECT person_ref FROM persons) AND step < 50) "
        "SELECT source, arg_max(target, step) AS target FROM m GROUP BY source"
    )
    base.execute("CREATE TABLE held AS SELECT coalesce(target, c.person_ref) AS person_ref, offence_code, outcome FROM c LEFT JOIN merged ON source = c.person_ref JOIN persons p ON p.person_ref = c.person_ref WHERE NOT coalesce(c.deleted, false)")
    sex = "CASE upper(trim(coalesce(sex, ''))) WHEN 'M' THEN 'male' WHEN 'MALE' THEN 'male' WHEN 'F' THEN 'female' WHEN 'FEMALE' THEN 'female' ELSE 'not recorded' END"
    base.execute(f"CREATE TABLE who AS SELECT person_ref, {sex} AS sex FROM protected")
    queries = {
        "tracked": "SELECT coalesce(w.sex, 'not recorded'), count(*) FILTER (s.person_ref IN (SELECT person_ref FROM held WHERE outcome = 'convicted')), count(*) FROM scored s LEFT JOIN who w USING (person_ref) GROUP BY 1 ORDER BY 1",
        "charges_fell_away": "SELECT w.sex, count(*) FILTER (outcome IN ('acquitted', 'withdrawn', 'discontinued', 'quashed')), count(*) FILTER (outcome = 'convicted') FROM held JOIN who w USING (person_ref) WHERE outcome <> 'charged' GROUP BY 1 ORDER BY 1",
        "charges_police_found": "SELECT w.sex, count(*), count(*) FROM held JOIN who w USING (person_ref) GROUP BY 1 ORDER BY 1",
    }
    rows = []
    for name, query in queries.items():
        theirs = base.execute(query).fetchall()
        own = sorted((row for row in tables[name] if row["attribute"] == "sex"), key=lambda row: row["group"])
        if name == "tracked":
            ours = [(row["group"], row["with_conviction"], row["people"]) for row in own]
        elif name == "charges_fell_away":
            ours = [(row["group"], row["fell_away"], row["held_up"]) for row in own]
        else:
            ours = [(row["group"], row["police_found"] + row["others"], row["police_found"] + row["others"]) for row in own]
        rows.append(Row("20", f"{name} by sex, counted again by SQL over the files of record, before rounding", "equal", "equal" if ours == theirs else f"{ours} against {theirs}", ours == theirs))
    return rows


# -- of a state ------------------------------------------------------------------------------------

Tables = dict[str, list[dict[str, Any]]]


def tables_of(folder: Path, as_of: date) -> tuple[Tables, Tables, list[Row], pl.DataFrame]:
    """Exact tables of the opening's day and of two weeks later with decisions simulated, three counted again, and who is tracked."""
    from harmcast.oversight.log import Event
    from harmcast.runs import quarter_counts
    from harmcast.store import statistics
    from harmcast.store.state import open_state
    from harmcast.store.users import Actor

    state, actor = open_state(folder), Actor("bench", "Bench", (("operator", None),))
    tool = state.settings.people_tool
    if tool is None:
        raise SystemExit("the bench's force has no tool about people")
    opening = statistics.closed(state.root, state.operations)[0].as_at
    found = [quarter_counts.exact(state, tool, day, None, actor, "bench")[0] for day in (opening, as_of)]
    event = Event("bench", "operator", "consultation", "protected_read", purpose="Bench: counted again", object="persons_protected")
    protected = state.records.protected("fairness.groups", event, as_of, state.records.latest())
    rows = again(state, as_of, protected, found[1].standing["person_ref"], found[1].tables)
    people = found[1].standing.join(found[1].labels.labels, on="person_ref", how="left").drop("person_ref")
    state.close()
    first, later = (one.tables | decided(one, share) for one, share in zip(found, (1.0, 1.1), strict=True))
    return first, later, rows, people


def decided(one: Any, share: float) -> Tables:
    """Decisions about one in twenty of those tracked, simulated; `share`: of them made by then."""
    from harmcast.fairness import groups

    rng = np.random.default_rng(3)
    refs = one.standing["person_ref"].to_list()
    chosen = rng.choice(len(refs), len(refs) // 20, replace=False)[: int(share * len(refs) / 22)]
    kinds = rng.choice(["refer", "no_change", "defer", "not_adopted_local", "not_adopted_data"], len(chosen), p=[0.3, 0.4, 0.2, 0.07, 0.03])
    reasons = rng.choice(["escalating", "recent_charge", "known_support", "circumstances", "other"], len(chosen), p=[0.3, 0.3, 0.2, 0.15, 0.05])
    made = pl.DataFrame({"person_ref": [refs[i] for i in chosen], "decision": kinds, "reason": reasons})
    by_group = groups.count_people(one.labels, made, ["decision"]).iter_rows(named=True)
    counted = made.group_by("decision", "reason").len("decisions").iter_rows(named=True)
    steps = ({"step": step, "times": n} for step, n in (("offered", len(made) // 4), ("taken_up", len(made) // 9), ("ended", 3)))
    return {
        "considered": tallies.by_group("considered", by_group, "decision", sorted(made["decision"].unique().to_list())),
        "decisions": tallies.with_totals("decisions", counted),
        "follow_ups": tallies.with_totals("follow_ups", steps),
    }


def pages(folder: Path, as_of: date, name: str) -> list[Row]:
    """Re-identification on pages without names by one who holds every charge."""
    from harmcast.people import coarse
    from harmcast.store.state import open_state

    state = open_state(folder)
    tool = state.settings.people_tool
    release = state.releases.history(tool.name, None)[-1] if tool else None
    if tool is None or release is None:
        raise SystemExit("the bench's force has no release about people")
    every, high = coarse.told_apart(release.frame(f"{tool.name}_coarse"))
    state.close()
    said = f"{100 * every:.1f}%, high and super high {100 * high:.1f}%"
    return [Row("17", f"{name}: right of people without names, by one who holds the charges", "at most 3%, high and super high at most 6%", said, every <= 0.03 and high <= 0.06)]


def planted(seeds: Sequence[int] = (0, 1, 2)) -> list[Row]:
    """Findings of the analysis on clean forces, on over-policed ones, and on ones whose recent events stand in for one group."""
    found = {kind: [findings(kind, seed) for seed in seeds] for kind in ("clean", "over-policed", "proxy")}
    policed = [any("Black" in line and "officers find" in line for line in lines) for lines in found["over-policed"]]
    proxies = [any(line.startswith(("events_24m", "All variables")) and "Black" in line for line in lines) for lines in found["proxy"]]
    clean = sum(bool(lines) for lines in found["clean"])
    n = len(seeds)
    return [
        Row("20", "report eda: planted over-policing named", f"{n} of {n}", f"{sum(policed)} of {n}", all(policed)),
        Row("20", "report eda: planted proxy named", f"{n} of {n}", f"{sum(proxies)} of {n}", all(proxies)),
        Row("20", "report eda: clean forces with either named", f"0 of {n}", f"{clean} of {n}" + (f": {found['clean']}" if clean else ""), clean == 0),
    ]


def findings(kind: str, seed: int) -> list[str]:
    """What stands out about groups of an invented force: `clean`, `over-policed`, or `proxy` (recent charges of one group doubled)."""
    from bench.fairness_invented import OVER_POLICING
    from bench.known_forces import first_load
    from harmcast.documents.exploration import GroupsExplored
    from harmcast.fairness import explored
    from harmcast.fairness.groups import read_groups
    from harmcast.fairness.thresholds import Thresholds
    from harmcast.invented.making import Plan, make
    from harmcast.people import bands, charges, harm, minors
    from harmcast.people.features import FEATURES
    from harmcast.transitions import followed
    from harmcast.transitions.landmarks import People, Rules

    to = date(2026, 11, 15)
    plan = Plan(20_000, 5, seed, to, weeks=0, over_policing=OVER_POLICING if kind == "over-policed" else 0.0, crimes_a_year=2_000, known_people=0)
    persons, versions, protected = first_load(make(plan))
    labels = read_groups(protected, to)
    if kind == "proxy":
        group = labels.labels.filter(pl.col("ethnicity_self") == "Black")["person_ref"].implode()
        recent = versions.filter(pl.col("person_ref").is_in(group) & (pl.col("charged_on") > date(2025, 2, 1)))
        twice = recent.with_columns(charge_ref=pl.col("charge_ref") + "-again", crime_ref=pl.lit(None, pl.String), happened_on=pl.col("happened_on").dt.offset_by("-3d"))
        versions = pl.concat([versions, twice]).sort("charge_ref", "known_on")
    rules = Rules(harm.default_index(), harm.decay_from(), bands.high_cut(bands.DEFAULT_CUTS))
    people = People(persons, versions, minors.flags(protected, [to]), rules)
    asked = {f.name: f.says for f in FEATURES if f.name in ("harm_share", "events_24m", "months_since_last")}
    scored = followed.banded(people, to, bands.DEFAULT_CUTS)["person_ref"]
    features = people.features(to, 24).filter(pl.col("person_ref").is_in(scored.implode()))
    told = explored.told(features.select("person_ref", *asked), labels, asked, 1, random_draw("planted"))
    gaps = explored.charge_gaps(charges.last_versions(versions, "charge_ref", to), labels, Thresholds())
    return list(explored.findings(GroupsExplored("bench", to, to, "card", told, (gaps,)), Thresholds().proxy_noted))
