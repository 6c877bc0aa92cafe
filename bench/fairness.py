"""`make bench-fairness`: the audit, its proxy tests, the feedback check and the monitor, each beside what is asked.

Real people's data come from the folder that HARMCAST_DATA names; without it those parts are left out aloud.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from harmcast.fairness import audit, feedback, proxies
from harmcast.fairness.groups import Groups, groups_of, read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit

TO = date(2026, 11, 15)
SEEDS = 20
PEOPLE, YEARS = 20_000, 6
OVER_POLICING = 0.7  # log odds of a charge for what police find: odds doubled
FEEDBACK = 1.0
GRAVE = ("001", "002", "004", "005", "008/01", "008/59", "017", "019", "020", "028", "034")
RESULTS: list[tuple[str, str, str, bool]] = []


def say(what: str, asked: str, got: str, held: bool) -> None:
    RESULTS.append((what, asked, got, held))
    print(f"  {'ok  ' if held else 'MISS'} {what}: asked {asked}; got {got}", flush=True)


# --- the invented force: people ---------------------------------------------------------------------------------


def people_of_invented(seed: int, over_policing: float) -> Audit:
    """The audit of a plain score on an invented force, at an origin a year before its end.

    The score: a logistic regression on recency, frequency and severity of charges that stood at the origin; the
    outcome: a grave charge within 12 months. Both as recorded, so both carry what was planted.
    """
    from harmcast.feed.invented import Plan, make

    force = make(Plan(PEOPLE, YEARS, seed, TO, over_policing=over_policing, crimes_a_year=60_000))
    origin = TO - timedelta(days=364)
    refs = force.people.frame["person_ref"]
    charges = force.charges.with_columns(person_ref=refs.gather(force.charges["person"].to_numpy()))
    grave = pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in GRAVE)
    before = charges.filter(pl.col("charged_on") < origin).with_columns(grave=grave)
    people = before.group_by("person_ref").agg(
        pl.len().alias("charges"), pl.col("grave").sum().alias("grave"), pl.col("offence_code").n_unique().alias("breadth"),
        ((pl.lit(origin) - pl.col("charged_on").max()).dt.total_days() / 365.25).alias("years_since"),
        (pl.col("charged_on") >= origin - timedelta(days=365)).sum().alias("charges_12m"),
    ).sort("person_ref")  # fmt: skip
    later = charges.filter(grave & (pl.col("charged_on") >= origin)).select("person_ref").unique()
    became = people["person_ref"].is_in(later["person_ref"].implode())
    features = people.drop("person_ref")
    chance = _logistic(features, became)
    groups = read_groups(force.people.frame.join(people, on="person_ref", how="semi"), origin)
    known = charges.with_columns(
        outcome=pl.when(pl.col("outcome_on") <= TO).then("outcome").otherwise(pl.lit("charged"))
    )
    scored = people.select("person_ref").with_columns(
        chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.9))
    )
    return audit.audit_people(
        scored, people, groups, people.select("person_ref").with_columns(became=became), None, Thresholds(), charges=known
    )


def _logistic(features: pl.DataFrame, became: pl.Series) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.log1p(features.cast(pl.Float64).to_numpy())
    y = became.cast(pl.Int64).to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)
    return np.asarray(model.predict_proba(x)[:, 1])


# --- drifts ------------------------------------------------------------------------------------------------------

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


def watched(seed: int, drift: str | None) -> pl.DataFrame:
    """Three years of weekly rows from an invented force; from week 130 one thing is different, if a drift is named."""
    from harmcast.evaluate import streams
    from harmcast.feed.invented import Plan, make

    force = make(Plan(200, 4, seed, TO, crimes_a_year=60_000))
    first = TO + timedelta(days=1 - 7 * WEEKS_WATCHED)
    begins = first + timedelta(days=7 * DRIFT_WEEK)
    crimes = force.crimes.select("offence_code", "happened_from", "recorded_at", "easting_m", "northing_m", "weapon", "injury")
    rng = np.random.default_rng(seed + 1000)
    crimes = _drifted(crimes, drift, begins, rng)
    late = (pl.col("recorded_at") - pl.col("happened_from")).dt.total_seconds() / 86_400
    seen = crimes.filter(
        (pl.col("recorded_at").cast(pl.Date) >= first) & (pl.col("recorded_at").cast(pl.Date) <= TO)
    ).with_columns(no_place=pl.col("easting_m").is_null(), days_late=late)
    rows = [
        streams.flows(
            seen, "recorded_at",
            {"weapon": None, "injury": None, "no_place": None, "days_late": (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 91.0)}, "crimes",
        )
    ]  # fmt: skip
    rows += _forecasts(crimes, first, drift, begins)
    return pl.concat(rows)


def _drifted(crimes: pl.DataFrame, drift: str | None, begins: date, rng: np.random.Generator) -> pl.DataFrame:
    from datetime import datetime

    after = pl.col("recorded_at") >= datetime.combine(begins, datetime.min.time())
    hit = pl.Series("hit", rng.random(crimes.height))
    frame = crimes.with_columns(hit)
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


def _forecasts(crimes: pl.DataFrame, first: date, drift: str | None, begins: date) -> list[pl.DataFrame]:
    """A forecast a week: the shipped level, shared out by weighted counts; cells as scores, its last week as level."""
    from harmcast.evaluate import streams
    from harmcast.forecast.level import LevelBank

    counted = pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in LEVEL_TOOL)
    own = crimes.filter(counted & pl.col("easting_m").is_not_null()).select(
        week=((pl.col("happened_from").cast(pl.Date) - pl.lit(first)).dt.total_days() // 7),
        cell=(pl.col("easting_m") // 1000).cast(pl.Int64) * 10_000 + (pl.col("northing_m") // 1000).cast(pl.Int64),
    )
    names = own["cell"].unique().sort()
    start = int(own["week"].min())  # type: ignore[arg-type]
    counts = np.zeros((WEEKS_WATCHED - start, len(names)))
    kept = own.filter(pl.col("week") < WEEKS_WATCHED)
    np.add.at(counts, (kept["week"].to_numpy() - start, np.searchsorted(names.to_numpy(), kept["cell"].to_numpy())), 1)
    totals = counts.sum(axis=1)
    origins = list(range(13, len(totals)))
    first_week = (first + timedelta(days=7 * start) - date(2000, 1, 3)).days // 7
    levels, _ = LevelBank(4).forecasts(totals, np.ones(len(totals)), first_week, origins)
    share, rows = counts[:1].mean(axis=0) + 0.01, []
    day_of_drift = (begins - first).days // 7
    for w in range(start, WEEKS_WATCHED):
        if w >= 0:
            week = first + timedelta(days=7 * w)
            expected = levels[w - start].mean * share / share.sum()
            if w >= day_of_drift and drift == "score_scale":
                expected = expected * 1.25
            if w >= day_of_drift and drift == "score_flat":
                expected = 0.5 * expected + 0.5 * expected.mean()
            rows.append(streams.scores(week, "serious_violence.expected", pl.Series(expected), streams.EXPECTED_EDGES))
            rows.append(streams.level(week, "serious_violence", totals[w - start], levels[w - start - 3].mean / 4))
        share = share * 0.5 ** (1 / 104) + counts[w - start]
    return rows


def weeks_to_alarm(seed: int, drift: str | None) -> tuple[dict[str, int | None], int]:
    """Weeks from the drift to the first alarm of each kind, and alarms before it (in the 104 weeks the charts spoke)."""
    from harmcast.evaluate.monitor import monitor

    rows = watched(seed, drift)
    found = monitor(rows).alarms
    begins = TO + timedelta(days=1 - 7 * WEEKS_WATCHED) + timedelta(days=7 * DRIFT_WEEK)
    took: dict[str, int | None] = {}
    for kind in ("input", "score", "level"):
        after = found.filter((pl.col("kind") == kind) & (pl.col("week") >= begins))
        took[kind] = None if after.is_empty() else (after["week"].min() - begins).days // 7 + 1  # type: ignore[operator]
    return took, found.filter(pl.col("week") < begins).height


# --- records that follow patrols --------------------------------------------------------------------------------

WATCHED_GROUPS = ("street", "night", "drugs")  # what the invented patrols find


def feedback_of_invented(seed: int, patrol_feedback: float, which: str = "watched") -> feedback.Feedback:
    """The feedback check on an invented force: four years, square kilometres, a weighted count as forecast.

    Args:
        which: `watched`: crime of the kinds that patrols come upon; `tool`: serious violence alone.
    """
    from harmcast.feed.invented import Plan, make
    from harmcast.feed.invention.offences import MIX

    force = make(Plan(200, 4, seed, TO, patrol_feedback=patrol_feedback, crimes_a_year=60_000))
    codes = sorted({line.code for line in MIX if line.group in WATCHED_GROUPS})
    kept = (
        pl.col("offence_code").is_in(codes)
        if which == "watched"
        else pl.any_horizontal(pl.col("offence_code").str.starts_with(code) for code in LEVEL_TOOL)
    )
    cell = (pl.col("easting_m") // 1000).cast(pl.Int64).cast(pl.String) + "_" + (pl.col("northing_m") // 1000).cast(pl.Int64).cast(pl.String)
    crimes = force.crimes.filter(kept & pl.col("easting_m").is_not_null()).select(
        cell=cell, happened_on=pl.col("happened_from").cast(pl.Date)
    )
    activity = force.activity.select(cell=cell, started_on=pl.col("started_at").cast(pl.Date), minutes="minutes")
    origins = [TO + timedelta(days=1 - 28 * k) for k in range(39, 0, -1)]
    forecast = _weighted_counts(crimes, origins)
    return feedback.check(feedback.panel(forecast, crimes, activity), Thresholds())


def _weighted_counts(crimes: pl.DataFrame, origins: list[date]) -> pl.DataFrame:
    """Exponentially weighted counts of 28-day windows before each origin, for every cell with any crime."""
    names = crimes["cell"].unique().sort()
    back = (pl.lit(origins[-1]) - pl.col("happened_on")).dt.total_days() // 28
    number = crimes.with_columns(back=pl.when(pl.col("happened_on") < origins[-1]).then((pl.lit(origins[-1]) - pl.col("happened_on") - timedelta(days=1)).dt.total_days() // 28).otherwise(back))
    windows = int(number["back"].max()) + 1  # type: ignore[arg-type]
    counts = np.zeros((windows + 1, len(names)))
    place = np.searchsorted(names.to_numpy().astype(str), number["cell"].to_numpy().astype(str))
    np.add.at(counts, (windows - 1 - number["back"].to_numpy().clip(-1), place), 1)
    level, parts = counts[0] * 0.3 + 0.05, []
    for w in range(1, windows + 1):
        origin = origins[-1] - timedelta(days=28 * (windows - w))
        if origin >= origins[0]:
            parts.append(pl.DataFrame({"origin": [origin] * len(names), "cell": names, "expected": level}))
        level = 0.85 * level + 0.15 * counts[w]
    return pl.concat(parts)


# --- real people ------------------------------------------------------------------------------------------------


def data_folder() -> Path | None:
    """The measuring data, from HARMCAST_DATA or beside the project; None where it is not there."""
    folder = Path(os.environ.get("HARMCAST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return folder if folder.is_dir() else None


def _trees(train: pl.DataFrame, y: np.ndarray, test: pl.DataFrame) -> np.ndarray:
    """Chances from shallow boosted trees: what a careful, sex- and race-blind model would say."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=250, learning_rate=0.05, max_depth=3, min_samples_leaf=100, random_state=0)
    model.fit(train.cast(pl.Float64).to_numpy(), y)
    return np.asarray(model.predict_proba(test.cast(pl.Float64).to_numpy())[:, 1])


def _shown(found: Audit, measure: str, attribute: str) -> pl.DataFrame:
    rows = found.table.filter((pl.col("measure") == measure) & (pl.col("attribute") == attribute))
    return rows.select("group", "numerator", "denominator", "value", "gap", "gap_low", "gap_high", "ratio", "verdict")


def _print_audit(name: str, found: Audit, attributes: tuple[str, ...]) -> None:
    print(f"\n{name}: {found.verdict}; {found.judged} judged, {found.too_few} too few to say")
    with pl.Config(tbl_rows=40, tbl_cols=-1, float_precision=3, tbl_hide_dataframe_shape=True, tbl_width_chars=150):
        for attribute in attributes:
            for measure in ("selection", "fpr", "fnr", "ppv", "observed_against_predicted"):
                print(f"{attribute}: {measure}")
                print(_shown(found, measure, attribute))
    for finding in found.findings:
        print(f"  {finding.verdict}: {finding.says}")


def georgia(folder: Path) -> None:
    """NIJ Georgia: the audit of a model without sex, race, age, gang and place; proxies with the gang flag."""
    people = pl.read_csv(folder / "people" / "nij_georgia" / "NIJRecid_round1.csv").with_row_index("person_ref")
    people = people.with_columns(
        pl.all().exclude("person_ref").replace(-1, None),
        sex=pl.when(pl.col("Gender") == 1).then(pl.lit("male")).otherwise(pl.lit("female")),
        race=pl.when(pl.col("Race") == 1).then(pl.lit("Black")).otherwise(pl.lit("White")),
        age_band=pl.concat_str(pl.lit("code "), pl.col("Age_at_Release").cast(pl.String)),
    )
    left_out = {"person_ref", "Recidivism_Arrest_Year1", "Training_Sample", "Gender", "Race", "Age_at_Release",
                "Gang_Affiliated", "Residence_PUMA", "sex", "race", "age_band"}  # fmt: skip
    names = [c for c in people.columns if c not in left_out]
    train, test = (people.filter(pl.col("Training_Sample") == flag) for flag in (1, 0))
    chance = _trees(train.select(names), train["Recidivism_Arrest_Year1"].to_numpy(), test.select(names))
    groups = groups_of(test, "person_ref", ["sex", "race", "age_band"], [("sex", "race")])
    scored = test.select("person_ref").with_columns(
        chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.8))
    )
    outcomes = test.select("person_ref", became=pl.col("Recidivism_Arrest_Year1") == 1)
    judged = Thresholds(like_for_like=("race",))
    found = audit.audit_people(scored, None, groups, outcomes, None, judged)
    _print_audit("NIJ Georgia, test people", found, ("sex", "race"))
    everyone = groups_of(people, "person_ref", ["sex", "race"])
    table = proxies.proxy_tests(people.select("person_ref", *names), everyone, 0, boosted=True)
    gang = proxies.proxy_tests(people.select("person_ref", "Gang_Affiliated"), everyone, 0)
    _print_proxies("NIJ Georgia", pl.concat([table, gang.filter(pl.col("feature") == "Gang_Affiliated")]))
    missing = _auc(gang, "sex", "missing", "Gang_Affiliated")
    say("Georgia: Gang_Affiliated missing is sex", "AUC 1.000, refused", f"AUC {missing:.3f}", missing > 0.999)
    race = max(_auc(table, "race", kind) for kind in ("together", "boosted"))
    say("Georgia: race predictable from the features", "about .70", f"AUC {race:.3f}", abs(race - 0.705) < 0.02)
    women = _shown(found, "observed_against_predicted", "sex").filter(pl.col("group") == "female").row(0, named=True)
    say("Georgia: women over-predicted", "gap below 0, interval too", f"{women['gap']:+.3f} ({women['gap_low']:+.3f} to {women['gap_high']:+.3f})", women["gap_high"] < 0)
    cost = proxies.cost_of_leaving_out(train.select(names), train["Recidivism_Arrest_Year1"] == 1, 0)
    with pl.Config(tbl_rows=30, tbl_cols=-1, float_precision=4, tbl_hide_dataframe_shape=True, tbl_width_chars=150):
        print("What leaving a feature out costs (Georgia, training people)")
        print(cost.select("feature", "auc_cost", "auc_cost_low", "auc_cost_high", "brier_cost"))


def california(folder: Path) -> None:
    """California parole: the same on spells, the clock columns left out, chances out of fold by person."""
    spells = pl.read_csv(
        folder / "people" / "california_parole" / "journal.pone.0141328.s001.csv", infer_schema_length=None, null_values=["NA", ""]
    ).with_row_index("person_ref")
    spells = spells.with_columns(
        sex=pl.when(pl.col("MALE") == 1).then(pl.lit("male")).otherwise(pl.lit("female")),
        race=pl.when(pl.col("BLACK") == 1).then(pl.lit("Black")).otherwise(pl.lit("not Black")),
    )
    names = ["RETURNS", "OFFSCAT2_1", "OFFSCAT2_2", "OFFSCAT2_4", "OFFSCAT2_5", "SEX_FLAG", "STRIKE", "PRIORSER", "PRIORVIO",
             "AGEFIRST", "MH_FLAG", "LEVELTYPE_1", "LEVELTYPE_2", "LEVELTYPE_3", "LEVELTYPE_4", "LEVELTYPE_5"]  # fmt: skip
    y = ((spells["EVENT"] == 1) & (spells["stop.time"] - spells["start.time"] <= 365)).to_numpy()
    fold = spells["ID"].to_numpy() % 5
    chance = np.zeros(spells.height)
    for f in range(5):
        chance[fold == f] = _trees(spells.filter(pl.Series(fold != f)).select(names), y[fold != f], spells.filter(pl.Series(fold == f)).select(names))
    groups = groups_of(spells, "person_ref", ["sex", "race"], [("sex", "race")])
    scored = spells.select("person_ref").with_columns(
        chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.8))
    )
    outcomes = spells.select("person_ref").with_columns(became=pl.Series(y))
    found = audit.audit_people(scored, None, groups, outcomes, None, Thresholds(like_for_like=("race",)))
    _print_audit("California parole, spells", found, ("sex", "race"))
    table = proxies.proxy_tests(spells.select("person_ref", *names), groups, 0, boosted=True)
    _print_proxies("California parole", table)
    worst_drift = max(abs(r["numerator"] / r["denominator"] - r["value"]) for r in found.table.drop_nulls("value").iter_rows(named=True))
    say("California: rates recompute from the counts beside them", "1e-9", f"{worst_drift:.1e}", worst_drift <= 1e-9)


def _auc(table: pl.DataFrame, attribute: str, kind: str, feature: str = proxies.ALL) -> float:
    rows = table.filter((pl.col("attribute") == attribute) & (pl.col("kind") == kind) & (pl.col("feature") == feature))
    return float(rows["auc"].max())  # type: ignore[arg-type]


def _print_proxies(name: str, table: pl.DataFrame) -> None:
    print(f"\n{name}: proxies, the strongest first")
    with pl.Config(tbl_rows=20, tbl_cols=-1, float_precision=3, tbl_hide_dataframe_shape=True, fmt_str_lengths=40, tbl_width_chars=150):
        print(table.sort("auc", descending=True, nulls_last=True).select("attribute", "group", "feature", "kind", "auc", "auc_low", "auc_high", "verdict").head(20))


# --- what is asked ----------------------------------------------------------------------------------------------


def planted_people() -> None:
    quiet = [people_of_invented(seed, 0.0).verdict for seed in range(SEEDS)]
    say("people: met with nothing planted", "19 of 20", f"{quiet.count('met')} of {SEEDS}", quiet.count("met") >= 19)
    loud = [people_of_invented(seed, OVER_POLICING).verdict for seed in range(SEEDS)]
    found = sum(v in ("concern", "stop") for v in loud)
    say(f"people: concern or stop with over-policing planted (odds x {np.exp(OVER_POLICING):.1f})", "19 of 20", f"{found} of {SEEDS}", found >= 19)


def planted_feedback() -> None:
    quiet = sum(feedback_of_invented(seed, 0.0).alarm for seed in range(SEEDS))
    say("places: feedback alarms with nothing planted", "at most 1 of 20", f"{quiet} of {SEEDS}", quiet <= 1)
    loud = sum(feedback_of_invented(seed, FEEDBACK).alarm for seed in range(SEEDS))
    say(f"places: feedback alarms, {FEEDBACK:g} more records for each crime in a patrolled cell", "19 of 20", f"{loud} of {SEEDS}", loud >= 19)
    own = [feedback.check(feedback.simulate(seed, 0.6)[0], Thresholds()).alarm for seed in range(SEEDS)]
    none = [feedback.check(feedback.simulate(seed, 0.0)[0], Thresholds()).alarm for seed in range(SEEDS)]
    say("places: the same in the module's own simulation (.6)", "19 of 20; at most 1", f"{sum(own)}; {sum(none)}", sum(own) >= 19 and sum(none) <= 1)


def drifts() -> None:
    names, asked = list(DRIFTS), {"input": 4, "score": 4, "level": 8}
    caught, false_alarms = 0, []
    for seed in range(SEEDS):
        drift = names[seed % len(names)]
        took, before = weeks_to_alarm(seed, drift)
        kind = drift.split("_")[0]
        weeks = took[kind]
        held = weeks is not None and weeks <= asked[kind]
        caught += held
        false_alarms.append(before)
        print(f"    seed {seed}: {DRIFTS[drift]}: {kind} alarm after {weeks} weeks (asked {asked[kind]}); {before} alarms in the 104 weeks before")
    say("monitor: drifts alarmed in time", "19 of 20", f"{caught} of {SEEDS}", caught >= 19)
    over = sum(f > 1 for f in false_alarms)
    say("monitor: false alarms in 104 weeks", "at most 1", f"mean {np.mean(false_alarms):.2f}, more than 1 in {over} of {SEEDS}", over <= 1)


def size() -> None:
    """300,000 people through the audit and the proxy tests."""
    rng = np.random.default_rng(1)
    n, charges = 300_000, 600_000
    refs = pl.Series([f"p{i}" for i in range(n)])
    labels = pl.DataFrame({
        "person_ref": refs, "sex": rng.choice(["male", "female"], n, p=[0.8, 0.2]),
        "ethnicity_self": rng.choice(["White", "Asian", "Black", "Mixed", "not recorded"], n),
        "age_band": rng.choice(["18 to 24", "25 to 34", "35 to 49", "50 and over"], n),
    })  # fmt: skip
    groups: Groups = groups_of(labels, "person_ref", ["age_band", "sex", "ethnicity_self"], [("age_band", "sex"), ("sex", "ethnicity_self"), ("age_band", "ethnicity_self")])
    x = rng.gamma(1, 1, (n, 15))
    chance = 1 / (1 + np.exp(4.5 - 0.8 * x[:, 0]))
    scored = pl.DataFrame({"person_ref": refs, "chance": chance, "selected": chance > np.quantile(chance, 0.9)})
    outcomes = pl.DataFrame({"person_ref": refs, "became": rng.random(n) < chance})
    who = rng.integers(0, n, charges)
    records = pl.DataFrame({"person_ref": refs.gather(who), "offence_code": rng.choice(["008/01", "092/61", "028/01"], charges), "outcome": rng.choice(["convicted", "charged", "withdrawn"], charges), "crime_ref": ["c"] * charges})
    features = pl.DataFrame({"person_ref": refs, **{f"f{j}": x[:, j] for j in range(15)}})
    began = time.perf_counter()
    audit.audit_people(scored, features, groups, outcomes, None, Thresholds(), charges=records)
    took = time.perf_counter() - began
    say("audit with proxy tests, 300,000 people, 600,000 charges, 15 features", "a few seconds", f"{took:.1f} s", took < 10)


def real() -> None:
    folder = data_folder()
    if folder is None:
        print("  The measuring data is not here (HARMCAST_DATA): Georgia and California are left out.")
        return
    georgia(folder)
    california(folder)


PARTS: dict[str, Callable[[], None]] = {
    "real": real, "people": planted_people, "feedback": planted_feedback, "drifts": drifts, "size": size,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="which parts; all by default")
    for name in parser.parse_args().parts or PARTS:
        began = time.perf_counter()
        print(f"{name}", flush=True)
        PARTS[name]()
        print(f"  ({time.perf_counter() - began:.0f} s)", flush=True)
    print("\nasked and got")
    for what, asked, got, held in RESULTS:
        print(f"  {'ok  ' if held else 'MISS'} {what}: asked {asked}; got {got}")
    return 0 if all(held for *_, held in RESULTS) else 1


if __name__ == "__main__":
    sys.exit(main())
