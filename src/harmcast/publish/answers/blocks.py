"""Blocks that several answers share: papers of the register, figures with counts, people by group, gaps by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from harmcast.oversight.register import ENTRY_KINDS
from harmcast.publish import disclosure
from harmcast.publish.answers.document import (
    HIDDEN,
    Block,
    Bullets,
    Column,
    Empty,
    NoneMade,
    NotHeld,
    Pairs,
    Papers,
    Rate,
    Table,
    Words,
)
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.disclosure import Family, Published

ATTRIBUTES = {
    "age_band": "Age",
    "sex": "Gender (sex as recorded)",
    "ethnicity_self": "Race (self-defined ethnicity)",
    "ethnicity_officer": "Race (officer-defined ethnicity)",
}
HIDDEN_NOTE = f"{disclosure.MARK}: a count under {disclosure.SMALL_NUMBER}, none included, or one that would give such a count away."
MODELS = {
    "count_4w": "Plain count, last 4 weeks",
    "count_last_year": "Plain count, same weeks last year",
    "count_12m": "Plain count, 12 months",
    "count_24m": "Plain count, 24 months",
    "count_36m": "Plain count, 36 months",
    "count_all": "Plain count, all history",
    "ewma": "Exponentially weighted count",
    "foresight": "Perfect foresight (the ceiling)",
    "oracle": "Perfect knowledge of each cell's mean (a ceiling)",
    "plain_harm": "Plain harm score",
    "everyone": "Base rate alone",
}


def day(value: date | None) -> str:
    """16 November 2026."""
    return "no date" if value is None else f"{value.day} {value:%B %Y}"


def number(value: int | float) -> str:
    return f"{value:,}"


def model_words(name: str | None) -> str:
    """A model's stored name as read."""
    if not name:
        return "no model"
    return MODELS.get(name, name.replace("_", " ").capitalize())


def field(tool: ToolFacts, title: str, value: str | None) -> Block:
    """A field of the register: what is written, or that it is empty."""
    return Pairs(((title, value),)) if value else Empty(title)


def papers(tool: ToolFacts, kinds: Iterable[str]) -> tuple[Block, ...]:
    """Documents of the register by kind with their dates; a kind without any is named as none made."""
    rows: list[dict[str, Any]] = []
    gaps: list[Block] = []
    for kind in kinds:
        title = ENTRY_KINDS[kind]
        held = sorted(tool.of_kind(kind), key=lambda e: e.dated)
        if not held:
            gaps.append(NoneMade(title, "none is entered in the register"))
        for e in held:
            if e.made:
                rows.append(
                    {
                        "what": title,
                        "title": e.words,
                        "dated": e.dated,
                        "by": e.by,
                        "reference": e.reference,
                        "conditions": e.conditions,
                        "review_by": e.review_by,
                    }
                )
            else:
                gaps.append(NoneMade(title, f"none was made, or it was refused (entered on {day(e.dated)} by {e.by})"))
    rows.sort(key=lambda r: (r["dated"], r["what"]))
    return ((Papers(tuple(rows)),) if rows else ()) + tuple(gaps)


def stages(tool: ToolFacts) -> Block:
    """A tool's statuses with dates."""
    if not tool.statuses:
        return Empty("Date since when the tool has its status")
    return Table(
        "Stages",
        (Column("status", "Status"), Column("from", "From", "date"), Column("reason", "Reason")),
        tuple({"status": s, "from": d, "reason": r or "none given"} for s, d, r in tool.statuses),
    )


def releases(tool: ToolFacts) -> tuple[Block, ...]:
    """When it was used, as far as releases show: how many weeks, from when to when, where each stood."""
    if not tool.releases:
        return (Words("No release has been made: the tool has not been used."),)
    by: dict[str, int] = {}
    for r in tool.releases:
        by[r.standing] = by.get(r.standing, 0) + 1
    first, last = tool.releases[0], tool.releases[-1]
    return (
        Words(f"Releases were made for {number(len(tool.releases))} week(s), from {first.week} to {last.week}."),
        Table(
            "Releases by where they stood",
            (Column("standing", "Standing"), Column("releases", "Releases", "count")),
            tuple({"standing": s, "releases": n} for s, n in sorted(by.items())),
        ),
    )


def outputs(pairs: Sequence[tuple[str, str]]) -> Pairs:
    return Pairs(tuple(pairs))


# -- figures ------------------------------------------------------------------------------------------------------


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
    top = int(tool.settings.get("top_cells", 20)) if tool.is_places else 20
    released = {r.model for r in tool.releases}
    origins = (
        hits.filter(pl.col("model").is_in(list(released)))["origin"].unique() if released else hits["origin"].unique()
    )
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
            f"{number(len(origins) or hits['origin'].n_unique())} window(s) have been judged. A hit is an offence that came inside the {top if top == 20 else 20} cells "
            "with the highest forecast. Plain counts were judged on the same windows; perfect foresight is the most that 20 cells could have held."
        ),
        Table(
            "Offences inside the 20 highest cells",
            (
                Column("model", "Method"),
                Column("windows", "Windows", "count"),
                Column("hits", "Hits", "count"),
                Column("offences", "Offences", "count"),
                Column("hit_rate", "Hit rate", "rate", over=("hits",), under=("offences",)),
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
            says = f" The model itself expected {percent(share)}."
        blocks.append(
            Words(
                "Of the printed ranges, counted a cell and window, so many held what came." + says,
                (Rate("Printed ranges that held what came", ("cells inside", held), ("cells", cells)),),
            )
        )
    return tuple(blocks)


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


POOLED = "all years together"


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
    Column("n", "n", "count"),
    Column("came", "Became high harm", "count"),
    Column("tp", "TP", "count"),
    Column("fp", "FP", "count"),
    Column("fn", "FN", "count"),
    Column("tn", "TN", "count"),
    Column("base_rate", "Base rate", "rate", over=("tp", "fn"), under=("tp", "fp", "fn", "tn")),
    Column("precision", "Precision", "rate", over=("tp",), under=("tp", "fp")),
    Column("sensitivity", "Sensitivity", "rate", over=("tp",), under=("tp", "fn")),
    Column("specificity", "Specificity", "rate", over=("tn",), under=("fp", "tn")),
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
        small=_small(facts),
    )
    blocks: list[Block] = [Words(facts.counted.judged)] if facts.counted.judged else []
    blocks.append(
        Words(
            "TP: flagged, and it came. FP: flagged, and it did not come. FN: not flagged, and it came. TN: not flagged, and it did not come. "
            "Someone wrongly flagged is the error that weighs most, so precision and specificity stand beside sensitivity."
        )
    )
    if POOLED in frame["year"]:
        blocks.append(Words("By group all years are together: a person judged in two years counts twice."))
    blocks += _held_words(facts, published)
    cells = sorted(k[:4] for k in published.shown if len(k) == 5 and k[4] == "tp")
    for attribute in ["everyone", *ATTRIBUTES]:
        rows = sorted((k for k in cells if k[2] == attribute), key=lambda k: (k[1], k[0], k[3]))
        if not rows:
            continue
        first = (
            (Column("year", "Year"), Column("model", "Method"))
            if attribute == "everyone"
            else (Column("group", "Group"), Column("year", "Year"), Column("model", "Method"))
        )
        blocks.append(
            Table(
                "Everyone" if attribute == "everyone" else ATTRIBUTES[attribute],
                (*first, *_CONFUSION_COLUMNS),
                tuple(_confusion_row(k, published) for k in rows),
                note=HIDDEN_NOTE,
                as_of=published.as_of,
            )
        )
    if len({k[0] for k in cells}) == 1:
        blocks.append(
            NotHeld(
                "A plain baseline on the same people",
                "The counts above are of the model in use alone.",
                "The command harmcast backtest prints the plain harm score and others on the same past days.",
            )
        )
    return tuple(blocks), {name: published}


def _held_words(facts: Facts, published: Published) -> tuple[Block, ...]:
    """Why a table is of another day, where it is."""
    if published.as_of == facts.as_of:
        return ()
    return (
        Words(
            f"The table is that of {day(published.as_of)}. Too few people have come or gone since to print a new one without "
            f"showing who: the next is printed from {day(disclosure.next_after(published))} at the latest."
        ),
    )


def _confusion_row(key: tuple[str, str, str, str], published: Published) -> dict[str, Any]:
    m, y, a, g = key
    return {
        "group": g,
        "year": y,
        "model": model_words(m),
        **{name: _shown(published, (m, y, a, g, name)) for name in ("tp", "fp", "fn", "tn")},
        "n": _shown(published, (y, a, g, "n")),
        "came": _shown(published, (y, a, g, "came")),
    }


def _shown(published: Published, key: Any) -> int | str:
    value = published.shown.get(key)
    return HIDDEN if value is None else value


def _small(facts: Facts) -> int:
    return max(disclosure.SMALL_NUMBER, int(facts.settings.get("fairness", {}).get("small_number", 5)))


# -- people by group ----------------------------------------------------------------------------------------------


def group_family(frame: pl.DataFrame, column: str) -> Family:
    """People by attribute, group and one more column, with the totals that all attributes share."""
    counts: dict[Any, int] = {}
    sums: list[Any] = []
    values = frame[column].unique().sort().to_list()
    for attribute in frame["attribute"].unique().sort().to_list():
        part = frame.filter(pl.col("attribute") == attribute)
        groups = part["group"].unique().sort().to_list()
        held = {(r["group"], r[column]): r["people"] for r in part.iter_rows(named=True)}
        for g in groups:
            for v in values:
                counts[attribute, g, str(v)] = int(held.get((g, v), 0))
            counts[attribute, g, "all"] = sum(counts[attribute, g, str(v)] for v in values)
            sums.append(((attribute, g, "all"), tuple((attribute, g, str(v)) for v in values)))
    for attribute in {a for a, _, _ in counts} - {"everyone"}:
        groups = sorted({g for a, g, _ in counts if a == attribute})
        for v in [*map(str, values), "all"]:
            if ("everyone", "all", v) in counts:
                sums.append((("everyone", "all", v), tuple((attribute, g, v) for g in groups)))
    return Family(counts, tuple(dict.fromkeys(sums)))


def people_by_group(
    facts: Facts,
    name: str,
    frame: pl.DataFrame,
    column: str,
    titles: Mapping[str, str],
    rate: tuple[str, str] | None = None,
) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """Tables of people by age, gender and race against one more column, safe to publish.

    Args:
        frame: attribute, group, `column`, people; every attribute counts the same people.
        titles: value of the column as text -> title.
        rate: (value, title) of a column whose share of all is printed.
    """
    published = disclosure.release(
        group_family(frame, column), facts.as_of, facts.counted.earlier.get(name, ()), small=_small(facts)
    )
    blocks: list[Block] = list(_held_words(facts, published))
    columns = [Column(v, t, "count") for v, t in titles.items()]
    rates = (Column("share", rate[1], "rate", over=(rate[0],), under=("all",)),) if rate else ()
    keys = sorted({(a, g) for a, g, _ in published.shown})
    for attribute in ["everyone", *ATTRIBUTES]:
        groups = [g for a, g in keys if a == attribute]
        if not groups:
            continue
        blocks.append(
            Table(
                "Everyone" if attribute == "everyone" else ATTRIBUTES[attribute],
                (Column("group", "Group"), *columns, Column("all", "All", "count"), *rates),
                tuple(
                    {
                        "group": "Everyone" if attribute == "everyone" else g[:1].upper() + g[1:],
                        **{v: _shown(published, (attribute, g, v)) for v in [*titles, "all"]},
                    }
                    for g in groups
                ),
                note=HIDDEN_NOTE,
                as_of=published.as_of,
            )
        )
    return tuple(blocks), {name: published}


def tracked(facts: Facts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """A2f: everyone scored, by age, race and gender, with and without a previous conviction."""
    frame = facts.counted.tracked
    if frame is None:
        gap = NotHeld(
            "People tracked by age, race and gender",
            "The counts were not made for this report: protected characteristics are opened only for it, and each opening is logged.",
            "The system holds them; the same command run by someone with access to them prints them.",
        )
        return (gap,), {}
    plain = frame.with_columns(has_conviction=pl.col("has_conviction").cast(pl.Boolean))
    return people_by_group(
        facts,
        "tracked",
        plain,
        "has_conviction",
        {"True": "With a previous conviction", "False": "Without"},
        ("True", "Share with a conviction"),
    )


def considered(facts: Facts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """People about whom an officer decided, by the last decision, by age, race and gender."""
    frame = facts.counted.considered
    if frame is None or frame.is_empty():
        return (), {}
    titles = {str(v): str(v)[:1].upper() + str(v)[1:] for v in frame["decision"].unique().sort().to_list()}
    return people_by_group(facts, "considered", frame, "decision", titles)


# -- work ---------------------------------------------------------------------------------------------------------


def small_counts(
    facts: Facts, name: str, rows: Sequence[tuple[str, int]], what: str, unit: str
) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """A short list of counts with their total, small ones hidden so that the total does not give them away."""
    if not rows or not sum(n for _, n in rows):
        return (Words(f"{what}: none so far."),), {}
    counts: dict[Any, int] = {("part", n): c for n, c in rows} | {("all", ""): sum(c for _, c in rows)}
    family = Family(counts, ((("all", ""), tuple(("part", n) for n, _ in rows)),))
    published = disclosure.release(family, facts.as_of, facts.counted.earlier.get(name, ()), small=_small(facts))
    order = [n for n, _ in rows]
    parts = sorted(
        (k[1] for k in published.shown if k[0] == "part"), key=lambda n: (order.index(n) if n in order else 99, n)
    )
    shown = [(n, _shown(published, ("part", n))) for n in parts] + [("All", _shown(published, ("all", "")))]
    table = Table(
        what,
        (Column("what", "What"), Column("count", unit, "count")),
        tuple({"what": n, "count": v} for n, v in shown),
        note=HIDDEN_NOTE,
        as_of=published.as_of,
    )
    return (table,), {name: published}


def decisions(facts: Facts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """Decisions by what was decided and why, and how often officers set the score aside: one family, small counts hidden."""
    frame = facts.work.decisions
    if frame.is_empty():
        return (Words("No decision about a person has been recorded."),), {}
    counts: dict[Any, int] = {(r["decision"], r["reason_code"]): r["decisions"] for r in frame.iter_rows(named=True)}
    sums: list[Any] = []
    for decision in frame["decision"].unique().sort().to_list():
        parts = tuple(k for k in counts if k[0] == decision)
        counts[decision, "all"] = sum(counts[p] for p in parts)
        sums.append(((decision, "all"), parts))
    subtotals = [k for k in counts if k[1] == "all"]
    for key, chosen in (
        (("", "not adopted"), [k for k in subtotals if k[0].startswith("not adopted")]),
        (("", "followed"), [k for k in subtotals if not k[0].startswith("not adopted")]),
    ):
        counts[key] = sum(counts[k] for k in chosen)
        if chosen:
            sums.append((key, tuple(chosen)))
    counts["", "made"] = counts["", "not adopted"] + counts["", "followed"]
    sums.append((("", "made"), (("", "not adopted"), ("", "followed"))))
    published = disclosure.release(
        Family(counts, tuple(sums)), facts.as_of, facts.counted.earlier.get("decisions", ()), small=_small(facts)
    )
    rows = [
        {
            "decision": d[:1].upper() + d[1:],
            "reason": "all reasons" if c == "all" else c.replace("_", " "),
            "count": _shown(published, (d, c)),
        }
        for d, c in sorted(published.shown, key=lambda k: (k[0], k[1] != "all", k[1]))
        if d
    ]
    table = Table(
        "Decisions recorded",
        (Column("decision", "Decision"), Column("reason", "Reason"), Column("count", "Decisions", "count")),
        tuple(rows),
        note=HIDDEN_NOTE,
        as_of=published.as_of,
    )
    aside, made = published.shown["", "not adopted"], published.shown["", "made"]
    says = Words(
        "How often officers set the score aside, of all decisions recorded."
        + ("" if aside is not None and made is not None else f" Too few, or too alike, to print ({disclosure.MARK}).")
    )
    if aside is not None and made is not None:
        says = Words(
            says.text, (Rate("Decisions that set the score aside", ("not adopted", aside), ("decisions", made)),)
        )
    return (says, table), {"decisions": published}


def access(facts: Facts) -> Block:
    """Who has access: roles, what each may see, and how many people hold it."""
    return Table(
        "Roles",
        (Column("role", "Role"), Column("sees", "What it sees"), Column("people", "People", "count")),
        tuple({"role": r, "sees": w, "people": n} for r, w, n in facts.roles),
        note="Counts of staff, not of members of the public.",
    )


def training(tool: ToolFacts) -> tuple[Block, ...]:
    """What the training consists of, who gives it, how many took it, how to reach the trainer, the recording."""
    blocks: list[Block] = []
    if tool.trained:
        blocks.append(
            Table(
                "Training recorded",
                (
                    Column("kind", "What it consists of"),
                    Column("trainer", "Given by"),
                    Column("contact", "How to reach them"),
                    Column("people", "Staff trained", "count"),
                    Column("first", "First", "date"),
                    Column("last", "Last", "date"),
                ),
                tuple(
                    {
                        "kind": t.kind,
                        "trainer": t.trainer or "not recorded",
                        "contact": t.contact or "not recorded",
                        "people": t.people,
                        "first": t.first,
                        "last": t.last,
                    }
                    for t in tool.trained
                ),
                note="Nobody sees the tool before their training on it is recorded.",
            )
        )
    else:
        blocks.append(NoneMade("Training of users", "none is recorded; nobody sees the tool before it is"))
    return (*blocks, *papers(tool, ("training_material",)))


def bullets(items: Iterable[str]) -> Bullets:
    return Bullets(tuple(items))
