"""The audit and its proxy tests on real people's data, held against what is known to be in it.

The data come from the folder that HARMCAST_DATA names, or lie beside the project; they are never copied.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

from bench.results import Row
from harmcast.fairness import audit, proxies
from harmcast.fairness.groups import groups_of
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit

PAGE = {"tbl_rows": 40, "tbl_cols": -1, "float_precision": 3, "tbl_hide_dataframe_shape": True, "tbl_width_chars": 150}


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
    with pl.Config(**PAGE):
        for attribute in attributes:
            for measure in ("selection", "fpr", "fnr", "ppv", "observed_against_predicted"):
                print(f"{attribute}: {measure}")
                print(_shown(found, measure, attribute))
    for finding in found.findings:
        print(f"  {finding.verdict}: {finding.says}")


def georgia(folder: Path) -> list[Row]:
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
    cost = proxies.cost_of_leaving_out(train.select(names), train["Recidivism_Arrest_Year1"] == 1, 0)
    with pl.Config(**PAGE):
        print("What leaving a feature out costs (Georgia, training people)")
        print(cost.select("feature", "auc_cost", "auc_cost_low", "auc_cost_high", "brier_cost"))
    missing = _auc(gang, "sex", "missing", "Gang_Affiliated")
    race, sex = (max(_auc(table, attribute, kind) for kind in ("together", "boosted")) for attribute in ("race", "sex"))
    women = _shown(found, "observed_against_predicted", "sex").filter(pl.col("group") == "female").row(0, named=True)
    gap = f"{women['gap']:+.3f} ({women['gap_low']:+.3f} to {women['gap_high']:+.3f})"
    refused = gang.filter((pl.col("feature") == "Gang_Affiliated") & (pl.col("kind") == "missing") & (pl.col("attribute") == "sex"))["verdict"][0]
    return [
        Row("fairness", "Georgia: a missing Gang_Affiliated is sex, and is refused", "AUC 1.000, stop", f"AUC {missing:.3f}, {refused}", missing > 0.999 and refused == "stop"),
        Row("fairness", "Georgia: race predicted by the features, AUC", "about .705 (within .02)", f"{race:.3f}", abs(race - 0.705) <= 0.02),
        Row("fairness", "Georgia: sex predicted by the features, AUC", "about .747 (within .02)", f"{sex:.3f}", abs(sex - 0.747) <= 0.02),
        Row("fairness", "Georgia: women over-predicted, what came less what was predicted", "below 0, the interval too", gap, women["gap_high"] < 0),
        _recomputed("Georgia", found),
    ]


def california(folder: Path) -> list[Row]:
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
    return [_recomputed("California", found)]


def _recomputed(name: str, found: Audit) -> Row:
    """Promise 17: every rate of the audit again from TP, FP, FN, TN and the counts printed beside it."""
    made_of = {"fpr": ("fp", ("fp", "tn")), "fnr": ("fn", ("fn", "tp")), "ppv": ("tp", ("tp", "fp")), "base_rate": ("base", ("tp", "fp", "fn", "tn"))}
    worst, rates = 0.0, 0
    for row in found.table.drop_nulls("value").iter_rows(named=True):
        pairs = [(row["numerator"], row["denominator"])]
        if row["measure"] in made_of:
            top, bottom = made_of[row["measure"]]
            pairs.append((row[top], sum(row[c] for c in bottom)))
        worst, rates = max(worst, *(abs(k / n - row["value"]) for k, n in pairs)), rates + 1
    return Row(17, f"{name}: {rates} rates of the audit recompute from the counts beside them, largest difference", "at most 1e-9", f"{worst:.1e}", worst <= 1e-9)


def _auc(table: pl.DataFrame, attribute: str, kind: str, feature: str = proxies.ALL) -> float:
    rows = table.filter((pl.col("attribute") == attribute) & (pl.col("kind") == kind) & (pl.col("feature") == feature))
    return float(rows["auc"].max())  # type: ignore[arg-type]


def _print_proxies(name: str, table: pl.DataFrame) -> None:
    print(f"\n{name}: proxies, the strongest first")
    with pl.Config(**PAGE, fmt_str_lengths=40):
        print(table.sort("auc", descending=True, nulls_last=True).select("attribute", "group", "feature", "kind", "auc", "auc_low", "auc_high", "verdict").head(20))
