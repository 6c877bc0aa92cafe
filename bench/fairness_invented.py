"""The audit, the feedback check and the monitor on invented forces, where what is wrong was planted, or nothing was.

Seeds 100 and above were used to set the monitor's charts; what is reported rests on seeds 0 to 19 alone.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from bench.kept import kept
from bench.known_forces import first_load
from harmcast.evaluate import people_choose, streams
from harmcast.evaluate.monitor import monitor
from harmcast.fairness import feedback
from harmcast.fairness.groups import read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit
from harmcast.forecast.level import LevelBank
from harmcast.invented.making import InventedForce, Plan, make
from harmcast.invented.offences import MIX
from harmcast.people import bands, charges, harm, minors
from harmcast.runs.audit import audit_of_landmark
from harmcast.transitions import refit
from harmcast.transitions.landmarks import People, Rules, panel
from harmcast.transitions.model import card_chances, matrix
from harmcast.weeks import add_months

TO = date(2026, 11, 15)
SEEDS = 20
PEOPLE, YEARS, MONTHS = 20_000, 6, (12, 24)
OVER_POLICING = 0.7  # log odds of a charge for what police find: odds doubled
FEEDBACK = 1.0
INVENTION = ("src/harmcast/invented/making.py", "src/harmcast/invented", "bench/fairness_invented.py")
AUDIT = (*INVENTION, "src/harmcast/fairness", "src/harmcast/people", "src/harmcast/transitions", "src/harmcast/runs/audit.py",
         "src/harmcast/evaluate/people_choose.py")  # fmt: skip
PATROLS = (*INVENTION, "src/harmcast/fairness/feedback.py", "src/harmcast/fairness/thresholds.py")
WATCH = (*INVENTION, "src/harmcast/evaluate/monitor.py", "src/harmcast/evaluate/monitor_thresholds.py",
         "src/harmcast/evaluate/sequential.py", "src/harmcast/evaluate/streams.py", "src/harmcast/forecast/level.py")  # fmt: skip

# --- people -----------------------------------------------------------------------------------------------------


def audited(seed: int, over_policing: float) -> Audit:
    """The audit as a week makes it: a model of the frozen procedure, judged on the landmark a year before the last day."""
    force = make(Plan(PEOPLE, YEARS, seed, TO, weeks=0, over_policing=over_policing, crimes_a_year=60_000, known_people=0))
    persons, versions, protected = first_load(force)
    last = add_months(TO, -MONTHS[0])
    rules = Rules(harm.default_index(), harm.decay_from(), bands.high_cut(bands.DEFAULT_CUTS))
    held = refit.history_of(versions, TO, MONTHS)
    assert held is not None
    flags = minors.flags(protected, [*refit.all_days(held), last])
    model = refit.refit(persons, versions, flags, held, rules, people_choose.choose)
    kept_card = model["rehearsal"]
    landmark = panel(People(persons, versions, flags, rules), [last], MONTHS[:1], TO, kept_card["look_back_months"])
    standing = charges.last_versions(versions, "charge_ref", TO)
    chance = card_chances(kept_card, matrix(landmark))[:, 0]
    return audit_of_landmark(landmark, chance, MONTHS[0], read_groups(protected, last), _managed(force, last), standing, Thresholds())


def _managed(force: InventedForce, day: date) -> pl.DataFrame:
    """Who was under management on a day."""
    known = force.circumstances
    over = pl.col("to_on").is_null() | (pl.col("to_on") >= day)
    return known.filter((pl.col("kind") == "managed") & (pl.col("from_on") <= day) & over).select("person_ref").unique()


def audit_of(seed: int, over_policing: float) -> dict[str, Any]:
    """Verdict of a seed's audit, comparisons judged and not, findings."""

    def said() -> dict[str, Any]:
        found = audited(seed, over_policing)
        findings = [f"{f.name}: {f.verdict}" for f in found.findings]
        return {"verdict": found.verdict, "judged": found.judged, "too_few": found.too_few, "findings": findings}

    return kept(f"audit-{over_policing:g}", seed, AUDIT, said)


# --- drifts -----------------------------------------------------------------------------------------------------

DRIFTS: dict[str, str] = {
    "input_weapon": "a third of knives come as unknown",
    "input_injury": "minor injuries come as unknown, half of them",
    "input_place": "one crime in ten loses its place",
    "input_delay": "recording takes three days longer",
    "score_scale": "every cell's expected number is a quarter too high",
    "score_flat": "the map is half flattened",
    "level_fall": "a quarter of crimes is no longer sent",
    "level_rise": "recorded serious violence rises by a third",
}
LEVEL_TOOL = ("001", "002", "004/01", "005", "008/01", "008/06", "008/59")
WEEKS_WATCHED, DRIFT_WEEK = 156, 130
FIRST = TO + timedelta(days=1 - 7 * WEEKS_WATCHED)
BEGINS = FIRST + timedelta(days=7 * DRIFT_WEEK)
DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 91.0)


def watched(seed: int, drift: str | None) -> pl.DataFrame:
    """Three years of weekly rows from a force in which no level was shifted; from week 130 one thing differs, if named."""
    force = make(Plan(200, 4, seed, TO, crimes_a_year=60_000, level_shifts=0))
    columns = ("offence_code", "happened_from", "recorded_at", "easting_m", "northing_m", "weapon", "injury")
    crimes = _drifted(force.crimes.select(columns), drift, np.random.default_rng(seed + 1000))
    late = (pl.col("recorded_at") - pl.col("happened_from")).dt.total_seconds() / 86_400
    day = pl.col("recorded_at").cast(pl.Date)
    seen = crimes.filter((day >= FIRST) & (day <= TO)).with_columns(no_place=pl.col("easting_m").is_null(), days_late=late)
    inputs = {"weapon": None, "injury": None, "no_place": None, "days_late": DELAYS}
    return pl.concat([streams.flows(seen, "recorded_at", inputs, "crimes"), *_forecasts(crimes, drift)])


def _drifted(crimes: pl.DataFrame, drift: str | None, rng: np.random.Generator) -> pl.DataFrame:
    after = pl.col("recorded_at") >= datetime.combine(BEGINS, datetime.min.time())
    frame = crimes.with_columns(pl.Series("hit", rng.random(crimes.height)))
    if drift == "input_weapon":
        lost = after & (pl.col("weapon") == "knife") & (pl.col("hit") < 1 / 3)
        frame = frame.with_columns(weapon=pl.when(lost).then(pl.lit("unknown")).otherwise("weapon"))
    if drift == "input_injury":
        lost = after & (pl.col("injury") == "minor") & (pl.col("hit") < 0.5)
        frame = frame.with_columns(injury=pl.when(lost).then(pl.lit("unknown")).otherwise("injury"))
    if drift == "input_place":
        lost = after & (pl.col("hit") < 0.1)
        frame = frame.with_columns(pl.when(~lost).then(pl.col("easting_m")), pl.when(~lost).then(pl.col("northing_m")))
    if drift == "input_delay":
        frame = frame.with_columns(recorded_at=pl.when(after).then(pl.col("recorded_at").dt.offset_by("3d")).otherwise("recorded_at"))
    if drift == "level_fall":
        frame = frame.filter(~after | (pl.col("hit") >= 0.25))
    if drift == "level_rise":
        frame = pl.concat([frame, frame.filter(after & (pl.col("hit") < 1 / 3))])
    return frame.drop("hit")


def _of_tool() -> pl.Expr:
    return pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in LEVEL_TOOL)


def _forecasts(crimes: pl.DataFrame, drift: str | None) -> list[pl.DataFrame]:
    """A forecast a week: the shipped level, shared out by weighted counts; cells as scores, its last week as level."""
    own = crimes.filter(_of_tool() & pl.col("easting_m").is_not_null()).select(
        week=((pl.col("happened_from").cast(pl.Date) - pl.lit(FIRST)).dt.total_days() // 7),
        cell=(pl.col("easting_m") // 1000).cast(pl.Int64) * 10_000 + (pl.col("northing_m") // 1000).cast(pl.Int64),
    )
    names = own["cell"].unique().sort()
    start = int(own["week"].min())  # type: ignore[arg-type]
    counts = np.zeros((WEEKS_WATCHED - start, len(names)))
    inside = own.filter(pl.col("week") < WEEKS_WATCHED)
    np.add.at(counts, (inside["week"].to_numpy() - start, np.searchsorted(names.to_numpy(), inside["cell"].to_numpy())), 1)
    totals = counts.sum(axis=1)
    first_week = (FIRST + timedelta(days=7 * start) - date(2000, 1, 3)).days // 7
    levels, _ = LevelBank(4).forecasts(totals, np.ones(len(totals)), first_week, list(range(13, len(totals))))
    share, rows = counts[:1].mean(axis=0) + 0.01, []
    for w in range(start, WEEKS_WATCHED):
        if w >= 0:
            week = FIRST + timedelta(days=7 * w)
            expected = levels[w - start].mean * share / share.sum()
            if w >= DRIFT_WEEK and drift == "score_scale":
                expected = expected * 1.25
            if w >= DRIFT_WEEK and drift == "score_flat":
                expected = 0.5 * expected + 0.5 * expected.mean()
            rows.append(streams.scores(week, "serious_violence.expected", pl.Series(expected), streams.EXPECTED_EDGES))
            rows.append(streams.level(week, "serious_violence", totals[w - start], levels[w - start - 3].mean / 4))
        share = share * 0.5 ** (1 / 104) + counts[w - start]
    return rows


def drift_of(seed: int, drift: str | None) -> dict[str, Any]:
    """Weeks from the drift to the first alarm of each kind, and the alarms of the 104 weeks before, in which nothing changed."""

    def said() -> dict[str, Any]:
        found = monitor(watched(seed, drift)).alarms
        took: dict[str, int | None] = {}
        for kind in ("input", "score", "level"):
            after = found.filter((pl.col("kind") == kind) & (pl.col("week") >= BEGINS))
            took[kind] = None if after.is_empty() else (after["week"].min() - BEGINS).days // 7 + 1  # type: ignore[operator]
        before = found.filter(pl.col("week") < BEGINS)
        return {**took, "before": [f"{kind} {name} {bins}" for kind, name, bins in before.select("kind", "name", "bins").rows()]}

    return kept(f"drift-{drift}", seed, WATCH, said)


# --- records that follow patrols --------------------------------------------------------------------------------

WATCHED_GROUPS = ("street", "night", "drugs")  # what the invented patrols find


def followed(seed: int, patrol_feedback: float) -> dict[str, Any]:
    """The feedback check on a force of four years: kinds of crime that patrols come upon, square kilometres, weighted counts."""

    def said() -> dict[str, Any]:
        force = make(Plan(200, 4, seed, TO, patrol_feedback=patrol_feedback, crimes_a_year=60_000))
        codes = sorted({line.code for line in MIX if line.group in WATCHED_GROUPS})
        kilometre = [(pl.col(c) // 1000).cast(pl.Int64).cast(pl.String) for c in ("easting_m", "northing_m")]
        cell = pl.concat_str(kilometre, separator="_")
        own = pl.col("offence_code").is_in(codes) & pl.col("easting_m").is_not_null()
        crimes = force.crimes.filter(own).select(cell=cell, happened_on=pl.col("happened_from").cast(pl.Date))
        activity = force.activity.select(cell=cell, started_on=pl.col("started_at").cast(pl.Date), minutes="minutes")
        origins = [TO + timedelta(days=1 - 28 * k) for k in range(39, 0, -1)]
        found = feedback.check(feedback.panel(_weighted_counts(crimes, origins), crimes, activity), Thresholds())
        return {"alarm": bool(found.alarm), "z": found.z, "extra_share": found.extra_share}

    return kept(f"feedback-{patrol_feedback:g}", seed, PATROLS, said)


def _weighted_counts(crimes: pl.DataFrame, origins: list[date]) -> pl.DataFrame:
    """Exponentially weighted counts of 28-day windows before each origin, for every cell with any crime."""
    names = crimes["cell"].unique().sort()
    before = crimes.filter(pl.col("happened_on") < origins[-1])
    back = ((pl.lit(origins[-1]) - pl.col("happened_on") - timedelta(days=1)).dt.total_days() // 28).alias("back")
    number = before.select("cell", back)
    windows = int(number["back"].max()) + 1  # type: ignore[arg-type]
    counts = np.zeros((windows, len(names)))
    place = np.searchsorted(names.to_numpy().astype(str), number["cell"].to_numpy().astype(str))
    np.add.at(counts, (windows - 1 - number["back"].to_numpy(), place), 1)
    level, parts = counts[0] * 0.3 + 0.05, []
    for w in range(1, windows + 1):
        origin = origins[-1] - timedelta(days=28 * (windows - w))
        if origin >= origins[0]:
            parts.append(pl.DataFrame({"origin": [origin] * len(names), "cell": names, "expected": level}))
        if w < windows:
            level = 0.85 * level + 0.15 * counts[w]
    return pl.concat(parts)
