"""References between tables, and keys: what finds nobody, what gathers far too much, what came back as something else."""

from __future__ import annotations

from harmcast.documents.effects import Effect, Verdict
from harmcast.feed.effects.bounds import share_bound

LEAST = 20
GATHERS_LEAST, GATHERS_TIMES = 30, 10
LEAST_REPLACED = 10
OLDER_MOST = 0.1
LEAST_NOUGHTS = 5
PEOPLE_CHARGED = "charges person_ref"


def links(scope: str, unfound: int, n: int, unfound_before: int, n_before: int, deviations: float, most: float = 0.5) -> Effect:
    """References of a table's new rows that find nobody, against the share among the rows held before."""
    now = unfound / n if n else 0.0
    usual = unfound_before / n_before if n_before >= LEAST else None
    high = share_bound(usual, n, deviations)[1] if usual is not None else most
    is_odd = n >= LEAST and now > max(high, (usual or 0.0) + 0.05)
    verdict: Verdict = "hold" if is_odd else "note" if unfound else "ok"
    step = "Look whether both tables come from the same extract and write references alike." if unfound else ""
    if unfound and scope == PEOPLE_CHARGED:
        step += " A person sent before their first charge was not kept and must be sent again, with that charge or after it."
    words = f"{unfound:,} of {n:,} new references find nobody" + (f"; {100 * usual:.1f}% before." if usual is not None else ".")
    return Effect("links", scope, now, 0.0, high, verdict, step, words)


def gathered(scope: str, largest: int, next_largest: int, rows: int) -> Effect:
    """One reference that gathers far more rows than its table's usual: an empty cell exported as a word, say."""
    high = max(GATHERS_LEAST, GATHERS_TIMES * next_largest)
    is_odd = largest > high
    step = "Name that word as null in the mapping, or find out what the reference stands for." if is_odd else ""
    words = f"one reference gathers {largest:,} of {rows:,} rows; the next most {next_largest:,}."
    return Effect("links", f"{scope} gathered", largest, 0, high, "hold" if is_odd else "ok", step, words)


def copied(count: int, charges: int) -> Effect:
    """New charges without a crime link that copy one of the same person, code and days which has one: a merge at the source leaves such."""
    step = "Look whether the source copies charges when it merges people; nothing is to be done for the score." if count else ""
    words = f"{count:,} of {charges:,} new charges name no crime and copy one that does: same person, code and days, counted as one event."
    return Effect("links", "charges copied", count, None, None, "note" if count else "ok", step, words)


def older(table: str, count: int, rows: int) -> Effect:
    """Rows of a later delivery that differ from what is held and were not taken, for their `changed_at` is older than the one held."""
    share = count / rows if rows else 0.0
    is_odd = count >= LEAST and share > OLDER_MOST
    verdict: Verdict = "hold" if is_odd else "note" if count else "ok"
    step = "Look whether changed_at is the row's own last change: a date that stays as it was, or one of the day alone, hides corrections." if count else ""
    words = f"{count:,} of {rows:,} rows differ from what is held and were not taken: their changed_at is older."
    return Effect("older", f"{table} changed_at", share, 0.0, OLDER_MOST, verdict, step, words)


def keys(table: str, rows: int, repeated: int, replaced: int, most: float, *, is_meant: bool = False) -> list[Effect]:
    """Repeated keys, and versions whose date, place and offence all differ from those they replace.

    Args: `rows`: received, or made of those by an SQL mapping; `is_meant`: the mapping says which row of a repeated key stands (`keep = "first"`), so repeats are expected.
    """
    found = []
    for what, count, words, may in (
        ("repeated", repeated, "rows repeat a key of the same delivery", is_meant),
        ("reused", replaced, "rows replace one of the same key that differs in date, place and offence", False),
    ):
        share = count / rows if rows else 0.0
        refused = share > most and count >= LEAST_REPLACED and not may
        step = "Send whole references: cut short by a spreadsheet, or counted anew each year, they stand for another record." if count else ""
        verdict: Verdict = "refuse" if refused else "note" if count else "ok"
        found.append(Effect("keys", f"{table} {what}", share, 0.0, most, verdict, step, f"{count:,} of {rows:,} {words}."))
    return found


def noughts(table: str, count: int, rows: int) -> Effect:
    """New keys that are held already but for noughts in front, which a spreadsheet eats: 00411 and 411 are one reference and would be two records."""
    verdict: Verdict = "hold" if count >= LEAST_NOUGHTS else "note" if count else "ok"
    step = "Send references as before, as text and not by way of a spreadsheet: each would stand for a second record." if count else ""
    words = f"{count:,} of {rows:,} new or changed rows bear a key that is held with other noughts in front."
    return Effect("keys", f"{table} noughts", count, 0, 0, verdict, step, words)
