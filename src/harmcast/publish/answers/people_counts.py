"""People and what officers did about them, in counts: by age, gender and race, by decision, by outcome; safe to publish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from harmcast.publish import disclosure
from harmcast.publish.answers import wording
from harmcast.publish.answers.blocks import day
from harmcast.publish.answers.document import HIDDEN, AnswerColumn, AnswerTable, Block, NotHeld, Rate, Words
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.disclosure import Family, Published

ATTRIBUTES = {
    "age_band": "Age",
    "sex": "Gender (sex as recorded)",
    "ethnicity_self": "Race (self-defined ethnicity)",
    "ethnicity_officer": "Race (officer-defined ethnicity)",
}
HIDDEN_NOTE = f"{disclosure.MARK}: a count under {disclosure.SMALL_NUMBER}, none included, or one that would give such a count away."


def hidden_note(rows: Iterable[Mapping[str, Any]]) -> str:
    """What the mark means, where one of the rows has a hidden count."""
    return HIDDEN_NOTE if any(value == HIDDEN for row in rows for value in row.values()) else ""


def held_words(facts: Facts, published: Published) -> tuple[Block, ...]:
    """Why a table is of another day, where it is."""
    if published.as_of == facts.as_of:
        return ()
    return (
        Words(
            f"The table is that of {day(published.as_of)}. Too few people have come or gone since to print a new one without "
            f"showing who: the next is printed from {day(disclosure.next_after(published))} at the latest."
        ),
    )


def shown_or_hidden(published: Published, key: Any) -> int | str:
    value = published.shown.get(key)
    return HIDDEN if value is None else value


def small_number(facts: Facts) -> int:
    return max(disclosure.SMALL_NUMBER, int(facts.settings.get("fairness", {}).get("small_number", 5)))


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
        group_family(frame, column), facts.as_of, facts.counted.earlier.get(name, ()), small=small_number(facts)
    )
    blocks: list[Block] = list(held_words(facts, published))
    columns = [AnswerColumn(v, t, "count") for v, t in titles.items()]
    rates = (AnswerColumn("share", rate[1], "rate", over=(rate[0],), under=("all",)),) if rate else ()
    keys = sorted({(a, g) for a, g, _ in published.shown})
    for attribute in ["everyone", *ATTRIBUTES]:
        groups = [g for a, g in keys if a == attribute]
        if not groups:
            continue
        rows = tuple(
            {
                "group": "Everyone" if attribute == "everyone" else g[:1].upper() + g[1:],
                **{v: shown_or_hidden(published, (attribute, g, v)) for v in [*titles, "all"]},
            }
            for g in groups
        )
        blocks.append(
            AnswerTable(
                "Everyone" if attribute == "everyone" else ATTRIBUTES[attribute],
                (AnswerColumn("group", "Group"), *columns, AnswerColumn("all", "All", "count"), *rates),
                rows,
                note=hidden_note(rows),
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


def band_outcomes(facts: Facts, tool: ToolFacts) -> tuple[int, Published] | None:
    """(months, counts by band as published): how many of each band then reached high harm within the shortest horizon.

    Keys are (band, `people` | `followed` | `rest`). Null where no release holds what followed.
    """
    if tool.bands is None:
        return None
    frame = tool.bands.filter(pl.col("what") == "reached_high")
    months = frame["horizon_months"].min()
    if not isinstance(months, int):
        return None
    counts: dict[Any, int] = {}
    sums: list[Any] = []
    for row in frame.filter(pl.col("horizon_months") == months).iter_rows(named=True):
        band, people, came = row["band"], row["people"], row["followed"]
        counts |= {(band, "people"): people, (band, "followed"): came, (band, "rest"): people - came}
        sums.append(((band, "people"), ((band, "followed"), (band, "rest"))))
    earlier = facts.counted.earlier.get(f"bands_{tool.name}", ())
    return months, disclosure.release(Family(counts, tuple(sums)), facts.as_of, earlier, small=small_number(facts))


def considered(facts: Facts) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """People about whom an officer decided, by the last decision, by age, race and gender."""
    frame = facts.counted.considered
    if frame is None or frame.is_empty():
        return (), {}
    titles = {str(v): wording.decision(str(v)) for v in frame["decision"].unique().sort().to_list()}
    return people_by_group(facts, "considered", frame, "decision", titles)


def small_counts(
    facts: Facts, name: str, rows: Sequence[tuple[str, int]], what: str, unit: str
) -> tuple[tuple[Block, ...], dict[str, Published]]:
    """A short list of counts with their total, small ones hidden so that the total does not give them away."""
    if not rows or not sum(n for _, n in rows):
        return (Words(f"{what}: none so far."),), {}
    counts: dict[Any, int] = {("part", n): c for n, c in rows} | {("all", ""): sum(c for _, c in rows)}
    family = Family(counts, ((("all", ""), tuple(("part", n) for n, _ in rows)),))
    published = disclosure.release(family, facts.as_of, facts.counted.earlier.get(name, ()), small=small_number(facts))
    order = [n for n, _ in rows]
    parts = sorted(
        (k[1] for k in published.shown if k[0] == "part"), key=lambda n: (order.index(n) if n in order else 99, n)
    )
    shown = [(n, shown_or_hidden(published, ("part", n))) for n in parts] + [("All", shown_or_hidden(published, ("all", "")))]
    table = AnswerTable(
        what,
        (AnswerColumn("what", "What"), AnswerColumn("count", unit, "count")),
        tuple({"what": n, "count": v} for n, v in shown),
        note=hidden_note({"count": v} for _, v in shown),
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
        (("", "not adopted"), [k for k in subtotals if wording.sets_aside(k[0])]),
        (("", "followed"), [k for k in subtotals if not wording.sets_aside(k[0])]),
    ):
        counts[key] = sum(counts[k] for k in chosen)
        if chosen:
            sums.append((key, tuple(chosen)))
    counts["", "made"] = counts["", "not adopted"] + counts["", "followed"]
    sums.append((("", "made"), (("", "not adopted"), ("", "followed"))))
    published = disclosure.release(
        Family(counts, tuple(sums)), facts.as_of, facts.counted.earlier.get("decisions", ()), small=small_number(facts)
    )
    rows = [
        {
            "decision": wording.decision(d),
            "reason": "All reasons" if c == "all" else wording.reason(c),
            "count": shown_or_hidden(published, (d, c)),
        }
        for d, c in sorted(published.shown, key=lambda k: (k[0], k[1] != "all", k[1]))
        if d
    ]
    table = AnswerTable(
        "Decisions recorded",
        (AnswerColumn("decision", "Decision"), AnswerColumn("reason", "Reason"), AnswerColumn("count", "Decisions", "count")),
        tuple(rows),
        note=hidden_note(rows),
        as_of=published.as_of,
    )
    aside, made = published.shown["", "not adopted"], published.shown["", "made"]
    says = Words(
        "How often officers set the score aside, of all decisions recorded: not adopted, or no change by an officer who judged otherwise."
        + ("" if aside is not None and made is not None else f" Too few, or too alike, to print ({disclosure.MARK}).")
    )
    if aside is not None and made is not None:
        says = Words(
            says.text, (Rate("Decisions that set the score aside", ("not adopted", aside), ("decisions", made)),)
        )
    return (says, table), {"decisions": published}
