"""The report page of a people backtest: ranking, calibration and lists of each model, with pictures; no name, no reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from harmcast.charts.report import against, document, figure, lines, number, share, table
from harmcast.documents.backtest import AucGain, ByModel, PeopleBacktest, Tenth
from harmcast.statistics import share_interval

FLOOR = "plain_harm"
COLOURS = ("#1d70b8", "#b58105", "#505a5f")


def people_page(found: PeopleBacktest) -> str:
    """The page of one people backtest.

    Args:
        found: what `backtest_people` gave.
    Returns: an HTML document. Counts of people only; nobody can be told from it.
    """
    days = found["landmarks"]
    told = f"{len(days)} days judged, {days[0]} to {days[-1]}"
    chosen = sorted(set(found["chosen"].values()))
    because = f" Chosen because {escape(str(found['because']))}." if found.get("because") else ""
    parts = [
        f"<h1>Were the chances of {escape(found['tool'])} right?</h1>",
        f"<p>{told}. Every chance was made from what was known before its day, by a model fitted on earlier days. Model that ships: "
        f"<strong>{escape(', '.join(chosen))}</strong>; floor: the plain harm score.{because} Not evidence, and not grounds for a stop, "
        "a search or an arrest.</p>",
    ]
    for horizon, models in found["horizon"].items():
        if not models:
            parts.append(f"<p>Within {escape(horizon)}: no outcome is known yet.</p>")
            continue
        shipped = models[found["chosen"][horizon]]
        parts += [
            _table(horizon, models, found["against_plain"]),
            figure(
                f"Within {horizon}: does what was expected come?",
                f"{told}. Ten equal groups by chance, {shipped['n']} people and days, {shipped['became']} became. Bars: 95% by counting alone. "
                "On the line: as expected.",
                _calibration(shipped["tenths"]),
            ),
        ]
        if len(days) > 1:
            parts.append(figure(f"Within {horizon}: ranking, day by day", "AUC on each day judged; .5 is no better than a coin.",
                                _ranking(found["by_landmark"], horizon, [*dict.fromkeys([found["chosen"][horizon], FLOOR])])))  # fmt: skip
    return document(f"Backtest of {found['tool']}", parts)


def _table(horizon: str, models: ByModel, against: Mapping[str, Mapping[str, AucGain | None]]) -> str:
    heads = ["Model", "AUC [95%]", "Gain on plain harm [95%]", "Said over came [95%]", "Brier", "Slope [95%]", "ECE (a perfect model's)", "Top 5%: became of listed",
             "Precision", "Recall"]  # fmt: skip
    rows: list[tuple[str, Sequence[str]]] = []
    for name, one in models.items():
        gain = against.get(name, {}).get(horizon)
        top = one["top5"]
        rows.append(
            (name, [
                _ranged(one["auc"], one["auc_low"], one["auc_high"], 3),
                _ranged(gain["auc_gain"], gain["low"], gain["high"], 3) if gain else "",
                _ranged(one["said_over_came"], one["said_over_came_low"], one["said_over_came_high"], 2),
                number(one["brier"], 4, "-"),
                _ranged(one["calibration_slope"], one["calibration_slope_low"], one["calibration_slope_high"], 2),
                f"{number(one['ece'], 3, '-')} ({number(one['ece_perfect'], 3, '-')})",
                f"{top['true_positives']:.0f} of {top['flagged']:.0f}", share(one["precision_top5"], "-"), share(one["recall_top5"], "-"),
            ])
        )  # fmt: skip
    any_model = next(iter(models.values()))
    return table(f"Within {horizon}: {any_model['n']} people and days, {any_model['became']} became ({share(any_model['base_rate'], '-')})", heads, rows)


def _ranged(value: float | None, low: float | None, high: float | None, digits: int) -> str:
    if value is None:
        return "-"
    between = f" [{low:.{digits}f}, {high:.{digits}f}]" if low is not None and high is not None else ""
    return f"{value:.{digits}f}{between}"


def _calibration(tenths: Sequence[Tenth]) -> str:
    top = max([max(one["mean_chance"], one["observed_share"]) for one in tenths] + [0.01]) * 1.15
    marks = []
    for one in tenths:
        low, high = share_interval(one["became"], one["n"]) or (0.0, 1.0)
        words = f"mean chance {one['mean_chance']:.3f}, {one['became']} of {one['n']} became"
        marks.append((one["mean_chance"], one["observed_share"], low, min(high, top), words))
    return against(marks, top, "mean chance of the group", "share that became", "Share that became against mean chance in ten groups of people")


def _ranking(by_landmark: Mapping[str, Mapping[str, ByModel]], horizon: str, models: Sequence[str]) -> str:
    drawn = []
    for name, colour in zip(models, COLOURS, strict=False):
        points = [(float(k), auc) for k, one in enumerate(by_landmark.values())
                  if one.get(horizon) and (auc := one[horizon][name]["auc"]) is not None]  # fmt: skip
        drawn.append((name, colour, points))
    return lines(drawn, f"day, {next(iter(by_landmark))} to {list(by_landmark)[-1]}", "AUC")
