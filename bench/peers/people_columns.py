"""Georgia and California: people described by columns at release, not by dated charges.

The shipped kinds of model are fitted to these columns through small adapters (the same regression, the same step
curves' library, the same card search); protected columns, gang and place are left out of every model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.results import Row
from harmcast.evaluate.people_scores import Ranked, calibration_slope, ece, losses
from harmcast.transitions.regression import chance, fit_logistic

Array = np.ndarray[Any, np.dtype[np.float64]]
GEORGIA_LEFT_OUT = ("Recidivism_Arrest_Year1", "Training_Sample", "Gang_Affiliated", "Residence_PUMA", "Gender", "Race", "Age_at_Release")
GEORGIA_ROWS = {"logistic": (0.653, 0.1975), "points card of 12": (0.650, 0.1981), "forest": (0.658, 0.1968), "EBM": (0.662, 0.1957), "LightGBM": (0.664, 0.1955)}  # fmt: skip


def _logistic(x: Array, y: Array, test: Array) -> Array:
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    intercept, slopes = fit_logistic((x - mean) / spread, y, 1 / 0.3**2)
    return np.asarray(chance(intercept + ((test - mean) / spread) @ slopes))


def _steps(x: Array, y: Array, test: Array) -> Array:
    from interpret.glassbox import ExplainableBoostingClassifier

    model = ExplainableBoostingClassifier(interactions=0, outer_bags=4, max_bins=32, learning_rate=0.02, n_jobs=1, random_state=20)
    return np.asarray(model.fit(x, y.astype(int)).predict_proba(test)[:, 1])


def _boosted(x: Array, y: Array, test: Array) -> Array:
    """LightGBM; on rows a spell and stretch it is a gradient-boosted survival model in discrete time."""
    import lightgbm

    model = lightgbm.LGBMClassifier(
        n_estimators=300, learning_rate=0.03, num_leaves=8, min_child_samples=30, reg_lambda=5.0, n_jobs=1,
        random_state=20, deterministic=True, verbose=-1,
    ).fit(x, y)  # fmt: skip
    return np.asarray(model.predict_proba(test)[:, 1])


def _forest(x: Array, y: Array, test: Array) -> Array:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(300, min_samples_leaf=20, max_features="sqrt", n_jobs=1, random_state=20).fit(x, y)
    return np.asarray(model.predict_proba(test)[:, 1])


def _card(x: Array, y: Array, test: Array) -> Array:
    """Whole points for yes/no questions at the columns' own values, by the search of the shipped card."""
    from harmcast.transitions import card

    asked = [(k, float(t), below) for k in range(x.shape[1]) for t in np.unique(x[:, k])[1:] for below in (False, True)]
    yes, period = card.answers(x, asked), np.zeros(len(y), dtype=np.int64)
    chosen, slopes = card._chosen_lines(yes, y, np.ones(len(y)), np.zeros((len(y), 1)), np.array([k for k, _, _ in asked]))
    points = card._rounded(slopes, yes[:, chosen], y, np.ones(len(y)), period)
    total, other = yes[:, chosen] @ points, card.answers(test, asked)[:, chosen] @ points
    intercept, slope = fit_logistic(total[:, None] / 10, y, 0.1)
    return np.asarray(chance(intercept + slope[0] * other / 10))


def card_sizes(path: Path, folds: int = 5) -> None:
    """What the card's size and ridge were chosen on: cross-validated AUC on the learning half alone, two ways of dealing it."""
    from harmcast.transitions import card

    learn = pl.read_csv(path).filter(pl.col("Training_Sample") == 1)
    x = learn.select(name for name in learn.columns if name not in GEORGIA_LEFT_OUT).to_numpy().astype(np.float64)
    y = learn["Recidivism_Arrest_Year1"].to_numpy().astype(np.float64)
    shipped = card.MOST_ITEMS, card.MOST_LINES, card.RIDGE
    for size in ((12, 14, 2.0), (12, 28, 2.0), (12, 30, 30.0), shipped, (12, 30, 100.0), (14, 36, 60.0)):
        card.MOST_ITEMS, card.MOST_LINES, card.RIDGE = size
        aucs = []
        for deal in (1, 2):
            fold = np.random.default_rng(deal).integers(0, folds, len(y))
            aucs += [Ranked.of(_card(x[fold != f], y[fold != f], x[fold == f]), y[fold == f]).auc() or 0.5 for f in range(folds)]
        print(f"  at most {size[0]} items, {size[1]} lines, ridge {size[2]:g}: AUC {np.mean(aucs):.4f}{' <- shipped' if size == shipped else ''}", flush=True)
    card.MOST_ITEMS, card.MOST_LINES, card.RIDGE = shipped


def _print(name: str, p: Array, y: Array, seconds: float) -> float:
    slope = calibration_slope(p, y, np.arange(len(y)))
    ends = f"{slope[0]:.2f} [{slope[1]:.2f}, {slope[2]:.2f}]" if slope else "-"
    auc = Ranked.of(p, y).auc() or 0.5
    print(
        f"  {name:<22} AUC {auc:.4f}  Brier {((p - y) ** 2).mean():.4f}  log loss {losses(p, y).mean():.4f}"
        f"  slope {ends}  ECE {ece(p, y):.4f}  {seconds:.1f} s of processor",
        flush=True,
    )
    return auc


GEORGIA_MODELS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "logistic": _logistic, "card": _card, "steps": _steps, "forest": _forest, "LightGBM": _boosted,
}  # fmt: skip


def georgia(path: Path) -> list[Row]:
    """Arrest within a year of release; the official split; no sex, race, age, gang or place."""
    data = pl.read_csv(path)
    columns = [name for name in data.columns if name not in GEORGIA_LEFT_OUT]
    learn, judge = data.filter(pl.col("Training_Sample") == 1), data.filter(pl.col("Training_Sample") == 0)
    x, test = (t.select(columns).to_numpy().astype(np.float64) for t in (learn, judge))
    y, came = (t["Recidivism_Arrest_Year1"].to_numpy().astype(np.float64) for t in (learn, judge))
    print(f"NIJ Georgia: {len(y)} to learn, {len(came)} to judge, base rate {came.mean():.3f}, {len(columns)} columns")
    for name, (auc, brier) in GEORGIA_ROWS.items():
        print(f"  row: {name:<17} AUC {auc:.3f}   Brier {brier:.4f}")
    got: dict[str, float] = {}
    given: dict[str, Array] = {}
    for name, fit in GEORGIA_MODELS.items():
        began = time.process_time()
        p = fit(x, y, test)
        given[name], got[name] = p, _print(name, p, came, time.process_time() - began)
    short = got["steps"] - got["card"]
    said, slope = float(given["card"].sum() / came.sum()), calibration_slope(given["card"], came, np.arange(len(came)))
    best = max(got, key=lambda name: got[name])
    print(f"  the card is {got[best] - got['card']:.4f} below the best of all, {best}, which an officer cannot redo")
    return [
        Row("people", "NIJ Georgia, card of 12: AUC", "the design's .655, within .03", f"{got['card']:.4f}", got["card"] >= 0.625),
        Row("people", "NIJ Georgia, card of 12: said over came", "the design's .993, within .03", f"{said:.3f}", abs(said - 1) <= 0.037),
        Row("people", "NIJ Georgia, card of 12: slope", "interval holds 1", "none" if slope is None else f"{slope[0]:.2f} [{slope[1]:.2f}, {slope[2]:.2f}]", slope is not None and slope[1] <= 1 <= slope[2]),
        Row("people", "NIJ Georgia: AUC of the points card below the additive steps on the same columns", "at most .005", f"{short:.4f} ({got['card']:.4f}, {got['steps']:.4f}; {best} {got[best]:.4f})", short <= 0.005),
    ]  # fmt: skip


CALIFORNIA_LEFT_OUT = (
    "ID", "WEEK", "OBSDATE", "crowd3groups", "crowd2groups", "start.time", "stop.time", "DAYFREE", "EVENT", "VIOEVENT", "AVCLOCK", "CVCLOCK",
    "SEX_FLAG", "MALE", "BLACK", "MALEPA", "BLACKPA", "AGEFIRST", "AGERLSE_G_1", "AGERLSE_G_3",
    "REGION", "REGION_1", "REGION_2", "REGION_4", "PALWEEK", "RETURNS",
)  # fmt: skip
STRETCH_DAYS = 90.0
STRETCHES = 8


def _stretched(x: Array, days: Array, event: Array) -> tuple[Array, Array, Array]:
    """A row a spell and stretch of 90 days it was at risk in: columns and the stretch, whether it ended then, its spell."""
    rows, came, spell = [], [], []
    for k in range(STRETCHES):
        at_risk = days > k * STRETCH_DAYS if k else days >= 0
        ended = at_risk & (event == 1) & (days <= (k + 1) * STRETCH_DAYS)
        whole = ended | (days >= (k + 1) * STRETCH_DAYS)
        keep = at_risk & whole
        rows.append(np.column_stack([x[keep], np.full(int(keep.sum()), float(k))]))
        came.append(ended[keep].astype(np.float64))
        spell.append(np.flatnonzero(keep))
    return np.concatenate(rows), np.concatenate(came), np.concatenate(spell)


def concordance(score: Array, days: Array, event: Array) -> float:
    """Harrell's C: of pairs whose order is known, the share in which the higher score ended first; ties count half."""
    order = np.lexsort((1 - event, days))
    right, pairs = 0.0, 0.0
    score, days, event = score[order], days[order], event[order]
    for i in np.flatnonzero(event == 1):
        later = score[i + 1 :][days[i + 1 :] > days[i]]
        pairs += len(later)
        right += float((score[i] > later).sum()) + 0.5 * float((score[i] == later).sum())
    return right / pairs


def california(path: Path) -> list[Row]:
    """First of recurrent parole spells to an event, by stretches of 90 days; one person in four judged.

    The clock columns are left out, and RETURNS, which counts the return that ends the spell itself."""
    data = pl.read_csv(path, infer_schema_length=None, null_values=["NA"])
    columns = [n for n in data.columns if n not in CALIFORNIA_LEFT_OUT and data[n].dtype.is_numeric()]
    data = data.with_columns(pl.col(n).cast(pl.Float64).fill_null(strategy="mean") for n in columns)
    folds = np.random.default_rng(20).integers(0, 4, int(data["ID"].max()) + 1)[data["ID"].to_numpy()]  # type: ignore[arg-type, operator]
    x = data.select(columns).to_numpy()
    days = (data["stop.time"] - data["start.time"]).to_numpy().astype(np.float64)
    event = (data["EVENT"] != 0).cast(pl.Float64).to_numpy()
    learn, judge = folds != 0, folds == 0
    rows, came, _ = _stretched(x[learn], days[learn], event[learn])
    print(f"California parole: {data['ID'].n_unique()} people, {len(x)} spells, {int(judge.sum())} judged, {len(columns)} columns")
    print("  row: discrete-time EBM C .646 in 26 s; gradient-boosted survival C .646 in 707 s; with the clock columns .778 (a leak)")
    got = {}
    for name, fit in (("logistic", _logistic), ("steps", _steps), ("boosted survival", _boosted)):
        began = time.process_time()
        left = np.ones(int(judge.sum()))
        tests = np.concatenate([np.column_stack([x[judge], np.full(int(judge.sum()), float(k))]) for k in range(STRETCHES)])
        for part in np.split(fit(rows, came, tests), STRETCHES):
            left = left * (1 - part)
        got[name] = concordance(1 - left, days[judge], event[judge])
        print(f"  discrete-time {name:<17} C {got[name]:.4f}  {time.process_time() - began:.1f} s of processor", flush=True)
    figures = ", ".join(f"{name} {c:.4f}" for name, c in got.items())
    return [Row("people", "California parole: C index of the discrete-time steps, row .646", "at least .646", figures, got["steps"] >= 0.646)]
