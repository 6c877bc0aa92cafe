"""Were we right? Counts first, then rates with both counts beside them, and plain baselines on the same windows or people."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from harmcast import words
from harmcast.publish import disclosure
from harmcast.publish.answers.blocks import day, model_words
from harmcast.publish.answers.document import AnswerColumn, AnswerTable, Block, NotHeld, Rate, Words
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.answers.people_counts import ATTRIBUTES, held_words, hidden_note, shown_or_hidden, small_number
from harmcast.publish.disclosure import Family, Published

TOP = 20  # the figure `hits_top20` of the scores


def place_scores(tool: ToolFacts) -> tuple[Block, ...]:
    """Windows that are over: offences inside the 20 highest cells of all offences, ours beside plain counts."""
    scores = tool.scores.filter(pl.col("group").is_null() & pl.col("value").is_not_null())
    # a window is judged 4 weeks after it closes and again at 52: the later word stands
    last = scores.sort("week").unique(["model", "figure", "origin"], keep="last", maintain_order=True)
    hits = last.filter(pl.col("figure") == "hits_top20")
    if hits.is_empty():
        return (
            NotHeld(
                "Accuracy",
                "No released window has been over for four weeks yet, so none has been judged.",
                "The system will hold it; the command harmcast backtest says what past windows show.",
            ),
        )
    released = {r.model for r in tool.releases}
    origins = (
        hits.filter(pl.col("model").is_in(list(released)))["origin"].unique() if released else hits["origin"].unique()
    )
    windows = len(origins) or hits["origin"].n_unique()
    pooled = (
        hits.group_by("model")
        .agg(
            hits=pl.col("value").sum().round().cast(pl.Int64),
            offences=pl.col("n").sum().cast(pl.Int64),
            windows=pl.col("origin").n_unique().cast(pl.Int64),
        )
        .with_columns(ours=pl.col("model").is_in(list(released)))
        .sort("ours", "model", descending=[True, False])
    )
    blocks: list[Block] = [
        Words(
            f"{words.plural(windows, 'window of four weeks is over and has', 'windows of four weeks are over and have')} been judged. A hit is an offence that came inside the {TOP} cells "
            f"with the highest forecast. Plain counts were judged on the same windows; perfect foresight is the most that {TOP} cells could have held."
            + (" Windows that begin in different weeks overlap, so they are not so many separate tests." if windows > 1 else "")
        ),
        AnswerTable(
            f"Offences inside the {TOP} highest cells",
            (
                AnswerColumn("model", "Method"),
                AnswerColumn("windows", "Windows", "count"),
                AnswerColumn("hits", "Hits", "count"),
                AnswerColumn("offences", "Offences", "count"),
                AnswerColumn("hit_rate", "Hit rate", "rate", over=("hits",), under=("offences",)),
            ),
            tuple(
                {
                    "model": model_words(r["model"]) + (" (as released)" if r["ours"] else ""),
                    "windows": r["windows"],
                    "hits": r["hits"],
                    "offences": r["offences"],
                }
                for r in pooled.iter_rows(named=True)
            ),
            note="Ranges are 95% intervals (Wilson) as if offences were independent; offences of one area and time are not quite.",
        ),
    ]
    inside = last.filter(pl.col("figure") == "inside_printed_range")
    if inside.height:
        cells = int(inside["n"].sum())
        held = round(float((inside["value"] * inside["n"]).sum()))
        expected = last.filter(pl.col("figure") == "expected_inside_printed_range")
        says = ""
        if expected.height:
            share = float((expected["value"] * expected["n"]).sum()) / int(expected["n"].sum())
            says = f" The model itself expected {percent(share)} of them to."
        blocks.append(
            Words(
                "Each cell was given a range in each window. So many of the ranges held what came." + says,
                (Rate("Printed ranges that held what came", ("cells inside", held), ("cells", cells)),),
            )
        )
    return tuple(blocks)


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


PLAIN = "plain_harm"
POOLED = "all periods together"


def by_year_then_pooled(frame: pl.DataFrame) -> pl.DataFrame:
    """Everyone by year and together; groups with all years together, because one year of a small group is all marks."""
    if frame["year"].n_unique() < 2:
        return frame
    pooled = frame.group_by("tool", "model", "attribute", "group").agg(
        pl.col(c).sum() for c in ("tp", "fp", "fn", "tn")
    )
    everyone = frame.filter(pl.col("attribute") == "everyone")
    return pl.concat([everyone, pooled.with_columns(year=pl.lit(POOLED)).select(frame.columns)])


def confusion_family(frame: pl.DataFrame) -> Family:
    """True and false positives and negatives by model, year and group as one family: what came is the same for all models."""
    counts: dict[Any, int] = {}
    sums: list[Any] = []
    groups: dict[tuple[str, str, str], list[str]] = {}
    for r in frame.iter_rows(named=True):
        m, y, a, g = r["model"], r["year"], r["attribute"], r["group"]
        groups.setdefault((m, y, a), []).append(g)
        came, not_came, n = (y, a, g, "came"), (y, a, g, "not came"), (y, a, g, "n")
        for name in ("tp", "fp", "fn", "tn"):
            counts[m, y, a, g, name] = r[name]
        counts[came], counts[not_came] = r["tp"] + r["fn"], r["fp"] + r["tn"]
        counts[n] = counts[came] + counts[not_came]
        sums += [
            (came, ((m, y, a, g, "tp"), (m, y, a, g, "fn"))),
            (not_came, ((m, y, a, g, "fp"), (m, y, a, g, "tn"))),
            (n, (came, not_came)),
        ]
    for (m, y, a), members in groups.items():
        if a != "everyone" and (m, y, "everyone", "all", "tp") in counts:
            for name in ("tp", "fp", "fn", "tn"):
                sums.append(((m, y, "everyone", "all", name), tuple((m, y, a, g, name) for g in members)))
    years = sorted({y for _, y, a in groups if a == "everyone" and y != POOLED})
    for m in sorted({m for m, y, a in groups if a == "everyone" and y == POOLED}):
        for name in ("tp", "fp", "fn", "tn"):
            parts = tuple((m, y, "everyone", "all", name) for y in years if (m, y, "everyone") in groups)
            sums.append(((m, POOLED, "everyone", "all", name), parts))
    return Family(counts, tuple(s for s in dict.fromkeys(sums) if counts[s[0]] == sum(counts[p] for p in s[1])))


_CONFUSION_COLUMNS = (
    AnswerColumn("n", "n", "count"),
    AnswerColumn("came", "Became high harm", "count"),
    AnswerColumn("tp", "TP", "count"),
    AnswerColumn("fp", "FP", "count"),
    AnswerColumn("fn", "FN", "count"),
    AnswerColumn("tn", "TN", "count"),
    AnswerColumn("base_rate", "Base rate", "rate", over=("tp", "fn"), under=("tp", "fp", "fn", "tn")),
    AnswerColumn("precision", "Precision", "rate", over=("tp",), under=("tp", "fp")),
    AnswerColumn("sensitivity", "Sensitivity", "rate", over=("tp",), under=("tp", "fn")),
    AnswerColumn("specificity", "Specificity", "rate", over=("tn",), under=("fp", "tn")),
)


def confusion(facts: Facts, tool: ToolFacts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """C1 for people: counts first, by year and group, beside plain baselines; null counts stay hidden with their rates."""
    frame = by_year_then_pooled(facts.confusion(tool.name))
    if frame.is_empty():
        return (
            (
                NotHeld(
                    "True and false positives and negatives",
                    "No model has been in use long enough for its first time horizon to be over, or the counts were not made for this report.",
                    "The system holds the charges that will tell; the audit of a later week counts them.",
                ),
            ),
            {},
        )
    name = f"confusion_{tool.name}"
    published = disclosure.release(
        confusion_family(frame),
        facts.as_of,
        facts.counted.earlier.get(name, ()),
        small=small_number(facts),
    )
    blocks: list[Block] = [Words(facts.counted.judged)] if facts.counted.judged else []
    blocks.append(
        Words(
            "TP, true positive: flagged, and it came. FP, false positive: flagged, and it did not come. FN, false negative: not flagged, and it came. TN, true negative: "
            "not flagged, and it did not come. Base rate: the share to whom it came at all. Precision: of those flagged, the share to whom it came. Sensitivity: of those to whom it came, the "
            "share flagged. Specificity: of those to whom it did not come, the share not flagged. To flag somebody wrongly is the error that weighs most, so precision and specificity stand beside sensitivity."
        )
    )
    if POOLED in frame["year"]:
        blocks.append(Words("By group all periods are taken together: a person judged in two of them counts twice."))
    blocks += held_words(facts, published)
    cells = sorted(k[:4] for k in published.shown if len(k) == 5 and k[4] == "tp")
    for attribute in ["everyone", *ATTRIBUTES]:
        rows = sorted((k for k in cells if k[2] == attribute), key=lambda k: (k[1], k[0], k[3]))
        if not rows:
            continue
        first = (
            (AnswerColumn("year", "Period"), AnswerColumn("model", "Method"))
            if attribute == "everyone"
            else (AnswerColumn("group", "Group"), AnswerColumn("year", "Period"), AnswerColumn("model", "Method"))
        )
        lines = tuple(_confusion_row(k, published) for k in rows)
        blocks.append(
            AnswerTable(
                "Everyone" if attribute == "everyone" else ATTRIBUTES[attribute],
                (*first, *_CONFUSION_COLUMNS),
                lines,
                note=hidden_note(lines),
                as_of=published.as_of,
            )
        )
    models = {k[0] for k in cells}
    if models == {PLAIN}:
        blocks.append(Words("The method in use is the plain harm score itself: no model gained anything real over it, so nothing plainer stands beside it."))
    elif len(models) == 1:
        blocks.append(
            NotHeld(
                "A plain baseline on the same people",
                "The counts above are of the model in use alone.",
                "The command harmcast backtest prints the plain harm score and others on the same past days.",
            )
        )
    return tuple(blocks), {name: published}


def period(year: str) -> str:
    """A period as stored, `2024-11-22 to 2025-11-22`, as read."""
    ends = year.split(" to ")
    try:
        return " to ".join(day(date.fromisoformat(end)) for end in ends)
    except ValueError:
        return year


def _confusion_row(key: tuple[str, str, str, str], published: Published) -> dict[str, Any]:
    m, y, a, g = key
    return {
        "group": "Everyone" if a == "everyone" else g[:1].upper() + g[1:],
        "year": period(y),
        "model": model_words(m),
        **{name: shown_or_hidden(published, (m, y, a, g, name)) for name in ("tp", "fp", "fn", "tn")},
        "n": shown_or_hidden(published, (y, a, g, "n")),
        "came": shown_or_hidden(published, (y, a, g, "came")),
    }
