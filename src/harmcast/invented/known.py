"""The known chance of becoming high harm, given only what the records show.

The hidden kind and state of a career given its charge events follow exactly by forward filtering. From each hidden
cell many careers are run ahead once; a person's chance is the share of them that would lift the person's own fading
harm to the cut, weighted with the person's chances of being in each cell. Sampling error comes from the careers run
ahead alone (`draws` a cell).
Source: the forward algorithm of hidden Markov models (Rabiner 1989, Proceedings of the IEEE 77, 257-286).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from harmcast.invented import charges
from harmcast.invented.careers import DEATH_A_STEP, STEP_DAYS, Process, move_edges
from harmcast.invented.draws import stream
from harmcast.invented.offences import CODES_OF_KIND, KINDS
from harmcast.weeks import add_months

ShareLeft = Callable[[np.ndarray], np.ndarray]
FALLS_SHARE = sum(share for name, share in charges.OUTCOME_SHARE.items() if name != "convicted")


def posterior(
    models: Sequence[Process],
    group: np.ndarray,
    entry_day: np.ndarray,
    person: np.ndarray,
    day: np.ndarray,
    kind: np.ndarray,
    until_day: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Chance of each hidden cell at the start of `until_day`, given every charge event before it.

    Args:
        group, entry_day: a value a person; `person`, `day`, `kind`: a value a charge event, the first one included.
    Returns: (people, cells), rows that sum to 1 (0 for people not charged before `until_day`); and whether a grave
        charge fell in the step that `until_day` cuts, which still has its move to come.
    """
    people, cells = len(entry_day), models[0].cells
    before = day < until_day
    person, day, kind = person[before], day[before], kind[before]
    by = np.lexsort((day, person))
    person, day, kind = person[by], day[by], kind[by]
    is_first = np.concatenate([[True], person[1:] != person[:-1]])[: len(person)]
    order = np.argsort(entry_day, kind="stable")  # arrived people are always the first of `order`
    place = np.empty(people, np.int64)
    place[order] = np.arange(people)
    entry, policed = entry_day[order], group[order]
    alpha = np.zeros((people, cells), np.float32)
    totals = np.array([m.rates.sum(axis=1) for m in models], np.float32)
    rates = np.array([m.rates.T for m in models], np.float32)
    firsts = np.array([m.first_marks.T for m in models], np.float32)
    quiet, after = models[0].quiet.astype(np.float32), models[0].after_grave.astype(np.float32)
    is_grave = models[0].grave
    step_of = day // STEP_DAYS
    by_step = np.argsort(step_of, kind="stable")
    last = until_day // STEP_DAYS
    cut_days = until_day - last * STEP_DAYS
    edges = np.searchsorted(step_of[by_step], np.arange(last + 2))
    grave = np.zeros(people, bool)
    for step in range(last + (1 if cut_days else 0)):
        days = cut_days if step == last else STEP_DAYS
        on = int(np.searchsorted(entry, min(until_day, (step + 1) * STEP_DAYS), side="left"))
        at = by_step[edges[step] : edges[step + 1]]
        who, what, first = place[person[at]], kind[at], is_first[at]
        new = who[first]
        alpha[new] = models[0].first.astype(np.float32) * firsts[policed[new], what[first]]
        begins = np.maximum(entry[:on] - step * STEP_DAYS, 0)
        alpha[:on] *= np.exp(-totals[policed[:on]] * ((days - begins) / STEP_DAYS).astype(np.float32)[:, None])
        again, kinds_again = who[~first], what[~first]
        np.multiply.at(alpha, again, rates[policed[again], kinds_again])
        alpha[:on] /= alpha[:on].sum(axis=1, keepdims=True)
        grave[:] = False
        grave[who[is_grave[what]]] = True
        if step < last:
            moved = alpha[:on] @ quiet
            jailed = np.flatnonzero(grave[:on])
            moved[jailed] = alpha[jailed] @ after
            alpha[:on] = moved
    return alpha[place], grave[place] if cut_days else np.zeros(people, bool)


@dataclass(frozen=True)
class Ahead:
    """Charge events of careers run ahead from one hidden cell. Sorted by career, then day.

    Attributes:
        career: 0 to `draws` - 1. `day`: days ahead. `days_since`: from the offence to the charge.
        code: position in charges.LABELS. `falls_day`: days ahead when it falls away, a large number: never.
    """

    draws: int
    career: np.ndarray
    day: np.ndarray
    days_since: np.ndarray
    code: np.ndarray
    falls_day: np.ndarray


_NEVER = 10**6
_MORE_DRAWS = (20, 6, 1, 2, 1)  # a kind of career, in the order of careers.CLASSES


def run_ahead(
    model: Process, start_day: int, horizon_days: int, draws: int, grave_so_far: bool, seed: int
) -> list[Ahead]:
    """At least `draws` careers from each hidden cell, from `start_day` (its place in a step counts) for `horizon_days`.

    Quiet kinds of career get more, so that rare events are known as well as common ones.
    """
    rng = stream(seed, f"ahead {grave_so_far}")
    cells = model.cells
    runs = np.repeat([draws * more for more in _MORE_DRAWS], cells // len(_MORE_DRAWS))
    starts = np.concatenate([[0], np.cumsum(runs)])
    cell = np.repeat(np.arange(cells), runs)
    alive = np.ones(len(cell), bool)
    total = model.rates.sum(axis=1)
    marks = np.cumsum(model.rates / total[:, None], axis=1)
    edges = move_edges(model)
    into = start_day % STEP_DAYS
    found_career, found_day, found_kind = [], [], []
    grave = np.full(len(cell), grave_so_far and into > 0)
    begin = 0
    while begin < horizon_days:
        length = STEP_DAYS - into if begin == 0 else STEP_DAYS
        count = rng.poisson(total[cell] * (length / STEP_DAYS)) * alive
        who = np.repeat(np.arange(len(cell)), count)
        kind = np.minimum((rng.random(len(who))[:, None] > marks[cell[who]]).sum(axis=1), len(KINDS) - 1)
        found_career.append(who)
        found_day.append(begin + (rng.random(len(who)) * length).astype(np.int64))
        found_kind.append(kind)
        grave[who[model.grave[kind]]] = True
        alive &= rng.random(len(cell)) >= DEATH_A_STEP
        own = edges[grave.astype(np.int64), cell]
        cell = cell // 6 * 6 + (rng.random(len(cell))[:, None] > own[:, :5]).sum(axis=1)
        grave = np.zeros(len(cell), bool)
        begin += length
    career, day, kind = (np.concatenate(x) for x in (found_career, found_day, found_kind))
    kept = day < horizon_days
    career, day, kind = career[kept], day[kept], kind[kept]
    by = np.lexsort((day, career))
    career, day, kind = career[by], day[by], kind[by]
    n = len(career)
    code = charges.draw_codes(rng, kind, CODES_OF_KIND)
    lag = charges.draw_lags(rng, n)
    falls = rng.random(n) < FALLS_SHARE
    falls_day = np.where(falls, day + charges.draw_result_days(rng, n), _NEVER)
    cuts = np.searchsorted(career, starts)
    return [
        Ahead(int(runs[k]), career[a:b] - starts[k], day[a:b], lag[a:b], code[a:b], falls_day[a:b])
        for k, (a, b) in enumerate(pairwise(cuts))
    ]


def _needs(
    ahead: Ahead, weight: np.ndarray, left: ShareLeft, cut: float, horizon_days: int, judged_days: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the events that still stand at `judged_days`: career, week ahead, harm a person must have left for the cut."""
    stands = (ahead.day < horizon_days) & (ahead.falls_day > judged_days) & (weight[ahead.code] > 0)
    career, day = ahead.career[stands], ahead.day[stands]
    since, added = ahead.days_since[stands], weight[ahead.code[stands]]
    gained = added * left(since)
    start = np.searchsorted(career, career, side="left")
    rows, back = np.arange(len(career)), 1
    while len(rows := rows[rows - start[rows] >= back]):  # what the career's earlier events still weigh
        gained[rows] += added[rows - back] * left(day[rows] - day[rows - back] + since[rows - back])
        back += 1
    return career, day // 7, cut - gained


def _share_reaching(
    curves: np.ndarray, draws: int, career: np.ndarray, week: np.ndarray, need: np.ndarray
) -> np.ndarray:
    """Share of `draws` careers in which some event's need is at most the person's harm that week: (people,)."""
    sure = np.zeros(draws, bool)
    sure[career[need <= 0]] = True
    open_ = ~sure[career] & (need <= curves[:, 0].max() if len(curves) else False)
    career, week, need = career[open_], week[open_], need[open_]
    share = np.full(len(curves), sure.sum() / draws)
    if not len(career) or not len(curves):
        return share
    starts = np.flatnonzero(np.concatenate([[True], career[1:] != career[:-1]]))
    for a in range(0, len(curves), 1000):
        reached = curves[a : a + 1000][:, week] >= need
        share[a : a + 1000] += np.logical_or.reduceat(reached, starts, axis=1).sum(axis=1) / draws
    return share


def harm_curves(
    events: pl.DataFrame, refs: pl.Series, day: date, left: ShareLeft, weeks: int, judged_days: int, seed: int
) -> np.ndarray:
    """What is left of each person's standing harm in the middle of each week ahead: (people, weeks + 1).

    An event still `pending` falls away at random with the process's own chance, if its result is due by `judged_days`.

    Args:
        events: person_ref, weight, happened_on, charged_on, pending.
    """
    rng = stream(seed, "pending")
    place = pl.DataFrame({"person_ref": refs, "place": np.arange(len(refs))})
    own = events.join(place, on="person_ref", how="inner", maintain_order="left")
    who, weight = own["place"].to_numpy(), own["weight"].fill_null(0.0).to_numpy()
    age = (pl.select(pl.lit(day) - own["happened_on"]).to_series().dt.total_days()).to_numpy()
    waited = (pl.select(pl.lit(day) - own["charged_on"]).to_series().dt.total_days()).to_numpy()
    result = charges.draw_result_days(rng, len(own), waited=waited)
    falls = own["pending"].to_numpy() & (rng.random(len(own)) < FALLS_SHARE) & (result - waited <= judged_days)
    weight = np.where(falls, 0.0, weight)
    curves = np.zeros((len(refs), weeks + 1), np.float32)
    for week in range(weeks + 1):
        curves[:, week] = np.bincount(who, weights=weight * left(age + 7 * week + 3.5), minlength=len(refs))
    return curves


@dataclass(frozen=True)
class Record:
    """The charge events of people as the truth keeps them; days are counted from `first_day`."""

    first_day: date
    models: list[Process]
    refs: pl.Series
    group: np.ndarray
    entry_day: np.ndarray
    person: np.ndarray
    day: np.ndarray
    kind: np.ndarray

    def of(self, refs: pl.Series) -> Record:
        """The same for some of the people, in the order asked. Raises ValueError if one of them is not held."""
        place = dict(zip(self.refs.to_list(), range(len(self.refs)), strict=True))
        missing = [ref for ref in refs if ref not in place]
        if missing:
            raise ValueError(f"{len(missing)} of the people are not in the truth")
        chosen = np.array([place[ref] for ref in refs], np.int64)
        new = np.full(len(self.refs), -1)
        new[chosen] = np.arange(len(chosen))
        kept = new[self.person] >= 0
        return Record(
            self.first_day,
            self.models,
            refs,
            self.group[chosen],
            self.entry_day[chosen],
            new[self.person[kept]],
            self.day[kept],
            self.kind[kept],
        )


def chances(
    record: Record,
    day: date,
    events: pl.DataFrame,
    weights: dict[str, float],
    share_left: ShareLeft,
    cut: float,
    months: Sequence[int] = (12, 24),
    judged_on: date | None = None,
    draws: int = 2000,
    replicates: int = 4,
    seed: int = 1,
) -> pl.DataFrame:
    """Each person's known chance of reaching the cut at a charge within the months, given the records before `day`.

    Only charges that still stand on `judged_on` (default: the last day of each horizon) count, as outcomes are judged.
    People under the cut on `day` are meant; nobody is left out here.

    Args:
        events: the events that stand before `day`: person_ref, weight (null counts for nothing), happened_on,
            charged_on, pending (no result yet). People of `record` without one have no harm.
        weights: harm of each offence code; a code that is absent counts for nothing.
        share_left: share of a weight that is left after so many days (an array in, an array out).
        replicates: how often the results of pending charges are drawn.
    Returns: person_ref and `chance_<months>m`, 0 to 1; sampling error at most .5 / sqrt(draws) and mostly far less.
    """
    until = (day - record.first_day).days
    hidden, grave = posterior(
        record.models, record.group, record.entry_day, record.person, record.day, record.kind, until
    )
    weight = np.array([weights.get(code, 0.0) for code in charges.LABELS])
    ends = [add_months(day, m) for m in months]
    longest = (max(ends) - day).days + 1
    columns: dict[str, np.ndarray] = {f"chance_{m}m": np.zeros(len(record.refs)) for m in months}
    runs = {
        (g, flag): run_ahead(record.models[g], until, longest, draws, flag, seed + g)
        for g in np.unique(record.group).tolist()
        for flag in np.unique(grave).tolist()
    }
    for name, end in zip(columns, ends, strict=True):
        days = (end - day).days + 1
        judged = ((judged_on or end) - day).days
        for replicate in range(replicates):
            curves = harm_curves(
                events, record.refs, day, share_left, longest // 7 + 1, judged, seed * 1000 + replicate
            )
            for (g, flag), cells in runs.items():
                at = np.flatnonzero((record.group == g) & (grave == flag))
                for cell, ahead in enumerate(cells):
                    likely = at[hidden[at, cell] > 1e-5]
                    needs = _needs(ahead, weight, share_left, cut, days, judged)
                    share = _share_reaching(curves[likely], ahead.draws, *needs)
                    columns[name][likely] += hidden[likely, cell] * share / replicates
    return pl.DataFrame({"person_ref": record.refs, **columns})
