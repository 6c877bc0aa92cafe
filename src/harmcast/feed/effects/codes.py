"""Offence codes: one that ends while another begins, a class that is gone, numbers that could be two, codes nobody knows, charges without a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from harmcast.documents.effects import Effect, Verdict
from harmcast.feed.effects.bounds import WEEKS_COMPARED, WINDOWS, bound, none_is_unlikely, share_bound

WITHOUT_WEIGHT = 0.1
NOT_KNOWN = 0.1
LEAST_CHARGES, LEAST_CODES = 20, 20


def _move(weekly: Sequence[int], deviations: float, weeks: int) -> int:
    """-1: the last weeks lie under the bound of those before, 1: over it, 0: within."""
    limits = bound(weekly[weeks : weeks + WEEKS_COMPARED], deviations, weeks)
    now = sum(weekly[:weeks])
    return 0 if limits is None else -1 if now < limits[0] else 1 if now > limits[1] else 0


def recoded(tool: str, wanted: Sequence[str], weekly: Mapping[str, Sequence[int]], deviations: float) -> list[Effect]:
    """Codes of a definition that end while another code of their class begins or grows.

    Args:
        wanted: the definition's codes, whole classes without a slash.
        weekly: every code's weekly counts, the newest first.
    """
    found: dict[str, Effect] = {}
    for weeks in WINDOWS:
        moves = {code: _move(counts, deviations, weeks) for code, counts in weekly.items()}
        for code in sorted(moves):
            grown = [other for other in sorted(moves) if moves[other] > 0 and other.split("/")[0] == code.split("/")[0]]
            if moves[code] < 0 and grown and (code in wanted or code.split("/")[0] in wanted):
                now, limits = sum(weekly[code][:weeks]), bound(weekly[code][weeks : weeks + WEEKS_COMPARED], deviations, weeks)
                words = f"{code} ends ({now:,} in {weeks} week(s)) while {', '.join(grown)} begins or grows: new counting rules?"
                step = "If the force counts anew, put the new code into the tool's `where` and the harm index, then accept."
                low, high = limits or (None, None)
                found[code] = Effect("recoded", f"{tool} {code}", now, low, high, "hold", step, words)
    return list(found.values()) or [Effect("recoded", tool, 0, None, None, "ok", "", "no code of the definition ends while another begins.")]


def gone(table: str, weekly: Mapping[str, Sequence[int]], since: Mapping[str, date], deviations: float) -> list[Effect]:
    """Offence classes of which the newest weeks hold none at all, and more weeks than chance leaves empty.

    Args: every class's weekly counts, the newest first, and the day since which none was recorded.
    """
    found = []
    for name in sorted(weekly):
        silent = next((k for k, count in enumerate(weekly[name]) if count), len(weekly[name]))
        past = weekly[name][silent : silent + WEEKS_COMPARED]
        if silent and none_is_unlikely(past, silent, deviations):
            words = f"none of class {name} since {since[name]}; about {silent * sum(past) / len(past):,.0f} would be as before."
            step = "Look whether the extract or the mapping leaves the class out, or writes its codes in another way."
            found.append(Effect("classes", f"{table} {name}", 0, 1, None, "hold", step, words))  # 1 however long it lasts: who accepted it is not asked again
    return found or [Effect("classes", table, 0, None, None, "ok", "", "no offence class is gone.")]


def _named(codes: Mapping[str, int]) -> str:
    """The commonest codes, each with its rows."""
    return ", ".join(f"{code} ({number:,})" for code, number in sorted(codes.items(), key=lambda item: (-item[1], item[0]))[:8])


def undecided(table: str, codes: Mapping[str, int], received: int) -> Effect:
    """Bare numbers that could be a class or a class and its subclass: never guessed, so the rows have no code that means anything."""
    count = sum(codes.values())
    words = f"{count:,} of {received:,} rows bear a bare number that could be two offence codes" + (f": {_named(codes)}." if count else ".")
    step = "Write the codes with their class in three figures and a stroke (001/01), by ho_code on a longer form or by a list in the mapping." if count else ""
    return Effect("weights", f"{table} bare codes", count, 0, 0, "hold" if count else "ok", step, words)


def unknown(table: str, codes: Mapping[str, int], n: int, unknown_before: int, n_before: int, deviations: float) -> Effect:
    """New rows whose offence code was not read, or is in no list though read, against the share among the rows held.

    Args: `codes`: those codes, and how many of the `n` new rows bear each.
    """
    count = sum(codes.values())
    share = count / n if n else 0.0
    usual = unknown_before / n_before if n_before >= LEAST_CODES else None
    high = share_bound(usual, n, deviations)[1] if usual is not None else NOT_KNOWN
    is_odd = n >= LEAST_CODES and share > high
    verdict: Verdict = "hold" if is_odd else "note" if count else "ok"
    words = f"{count:,} of {n:,} new rows bear an offence code that is not known" + (f": {_named(codes)}" if count else "")
    words += f"; {100 * usual:.1f}% before." if usual is not None else "."
    step = "Write the codes as the Home Office does (008/06), by ho_code or by a list in the mapping: no definition finds one that was not read. A right one newer than our list needs nothing." if count else ""
    return Effect("codes", f"{table} offence_code", share, 0.0, high, verdict, step, words)


def weights(tool: str, counts: Mapping[str, int], recent: Mapping[str, int], missing: Mapping[str, int], deviations: float) -> list[Effect]:
    """Charges by how their weight was found (exact, class, missing): all that are held, and those of the last four weeks.

    Args: `missing`: codes without a weight and how many charges bear each.
    """
    n, lately = sum(counts.values()), sum(recent.values())
    share = counts.get("missing", 0) / n if n else 0.0
    step = "Add the codes to the harm index, or mend how the mapping writes them."
    words = f"{counts.get('exact', 0):,} exact, {counts.get('class', 0):,} by class, {counts.get('missing', 0):,} without weight" + (f": {_named(missing)}" if missing else "")
    is_odd = share > WITHOUT_WEIGHT and n >= LEAST_CHARGES
    verdict: Verdict = "hold" if is_odd else "note" if counts.get("missing", 0) else "ok"
    found = [Effect("weights", f"{tool} charges", share, 0.0, WITHOUT_WEIGHT, verdict, step if verdict != "ok" else "", words + ".")]
    before = n - lately
    if lately >= LEAST_CHARGES and before >= LEAST_CHARGES:
        usual = (counts.get("missing", 0) - recent.get("missing", 0)) / before
        now = recent.get("missing", 0) / lately
        low, high = share_bound(usual, lately, deviations)
        jumped = now > high
        words = f"{recent.get('missing', 0):,} of {lately:,} charges of the last 4 weeks have no weight; {100 * usual:.1f}% before."
        found.append(Effect("weights", f"{tool} charges of 4 weeks", now, low, high, "hold" if jumped else "ok", step if jumped else "", words))
    return found
