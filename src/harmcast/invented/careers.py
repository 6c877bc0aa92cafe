"""How people come to be charged again: hidden kinds of career, moving through hidden states, four weeks at a time.

The process is built so that it can be turned round. A person has one hidden kind (once, now and then, thieving,
violent, rising) and in each four-week step one hidden state. A step brings charge events at the state's rate; each
is of an observed kind of offence. At the step's end the state moves, and more often into custody if the step held a
grave charge. Nothing else matters: not age, sex or ethnicity, nor what became of a charge. So the chance of every
hidden state given the record follows exactly by forward filtering (`known.py`), and the chance of becoming high
harm from that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harmcast.invented.draws import pick, stream
from harmcast.invented.offences import FOUND_KINDS, KINDS

STEP_DAYS = 28
CLASSES = ("once", "now_and_then", "thieving", "violent", "rising")
STATES = ("active", "burst", "escalated", "dormant", "custody", "gone")
CLASS_SHARE = np.array([0.60, 0.20, 0.08, 0.07, 0.05])
FIRST_STATE = np.array([0.70, 0.10, 0.02, 0.18, 0.0, 0.0])
_GRAVE = ("serious_violence", "sexual", "robbery", "burglary", "supply")
DEATH_A_STEP = 0.00035

#           sv   inj   ass   sex   rob   bur   the   dam   dru   sup   wea   tra
_MARKS = {
    "once": [0.4, 8.0, 19.0, 1.2, 0.6, 1.2, 18.0, 17.0, 14.0, 1.0, 2.0, 17.6],
    "now_and_then": [0.7, 9.0, 17.0, 1.0, 1.4, 3.0, 20.0, 17.0, 14.0, 1.8, 3.6, 11.5],
    "thieving": [0.2, 2.0, 6.0, 0.2, 2.2, 9.0, 61.0, 6.0, 9.0, 0.8, 1.6, 2.0],
    "violent": [3.0, 23.0, 36.0, 2.0, 1.2, 1.2, 5.0, 16.0, 5.0, 0.6, 3.4, 3.6],
    "rising": [1.2, 7.0, 14.0, 0.5, 6.0, 4.0, 14.0, 14.0, 22.0, 4.0, 9.0, 4.3],
}
_ESCALATED = {
    "once": [2.0, 16.0, 20.0, 2.0, 3.0, 4.0, 14.0, 12.0, 12.0, 3.0, 6.0, 6.0],
    "now_and_then": [3.0, 17.0, 18.0, 1.5, 5.0, 7.0, 14.0, 12.0, 10.0, 4.0, 6.0, 2.5],
    "thieving": [1.0, 4.0, 8.0, 0.3, 9.0, 28.0, 36.0, 4.0, 5.0, 2.0, 2.0, 0.7],
    "violent": [12.0, 34.0, 26.0, 4.0, 3.0, 1.0, 2.0, 8.0, 2.0, 1.0, 6.0, 1.0],
    "rising": [9.0, 13.0, 10.0, 1.0, 19.0, 7.0, 6.0, 5.0, 8.0, 10.0, 11.0, 1.0],
}
# charge events in four weeks: active, burst, escalated, dormant, custody, gone
_RATES = {
    "once": [0.012, 0.10, 0.02, 0.001, 0.0005, 0.0002],
    "now_and_then": [0.042, 0.22, 0.06, 0.004, 0.001, 0.0005],
    "thieving": [0.130, 0.62, 0.16, 0.008, 0.002, 0.0005],
    "violent": [0.070, 0.30, 0.11, 0.006, 0.002, 0.0005],
    "rising": [0.085, 0.38, 0.15, 0.006, 0.002, 0.0005],
}
# chance a step of leaving the active state: to burst, escalated, dormant, gone
_LEAVES = {
    "once": [0.004, 0.0005, 0.030, 0.045],
    "now_and_then": [0.016, 0.003, 0.024, 0.016],
    "thieving": [0.030, 0.006, 0.022, 0.007],
    "violent": [0.018, 0.014, 0.022, 0.010],
    "rising": [0.026, 0.030, 0.020, 0.012],
}


@dataclass(frozen=True)
class Process:
    """The whole process as tables over hidden cells (kind of career x state), cell = kind * 6 + state.

    Attributes:
        first: (cells,) chance of each cell at a person's first charge.
        rates: (cells, kinds) charge events of each kind of offence in four weeks.
        quiet, after_grave: (cells, cells) moves at the end of a step without, and with, a grave charge in it.
        first_marks: (cells, kinds) what the first charge is for.
    """

    first: np.ndarray
    rates: np.ndarray
    quiet: np.ndarray
    after_grave: np.ndarray
    first_marks: np.ndarray
    grave: np.ndarray

    @property
    def cells(self) -> int:
        return len(self.first)


def charging_factor(over_policing: float, charged_share: float = 0.35) -> float:
    """How many times as often conduct that police find ends in a charge when its log odds of a charge are raised.

    Source: arithmetic of odds; 1 when `over_policing` is 0.
    """
    odds = charged_share / (1 - charged_share) * np.exp(over_policing)
    return float(odds / (1 + odds) / charged_share)


def process(over_policing: float = 0.0) -> Process:
    """The process for people who are policed alike (0), or for a group whose log odds of a charge are raised."""
    width = len(CLASSES) * len(STATES)
    rates = np.zeros((width, len(KINDS)))
    first_marks = np.zeros((width, len(KINDS)))
    quiet, after = np.zeros((width, width)), np.zeros((width, width))
    factor = np.where(np.isin(KINDS, FOUND_KINDS), charging_factor(over_policing), 1.0)
    for c, kind in enumerate(CLASSES):
        plain = np.array(_MARKS[kind]) / sum(_MARKS[kind])
        heavy = np.array(_ESCALATED[kind]) / sum(_ESCALATED[kind])
        to_burst, to_escalated, to_dormant, to_gone = _LEAVES[kind]
        rows = np.array(
            [
                [0, to_burst, to_escalated, to_dormant, 0, to_gone],
                [0.22, 0, to_escalated * 1.5, 0.05, 0, to_gone * 0.5],
                [0.010, to_burst * 0.6, 0, 0.020, 0, to_gone * 0.8],
                [0.022, 0, 0.0015, 0, 0, 0.022],
                [0.10, 0, 0.012, 0.045, 0, 0.008],
                [0.0004, 0, 0, 0, 0, 0],
            ]
        )
        rows[np.arange(6), np.arange(6)] = 1 - rows.sum(axis=1)
        jailed = np.array([0.30, 0.38, 0.45, 0.30, 0.0, 0.30])
        moved = rows * (1 - jailed)[:, None]
        moved[:, 4] += jailed
        at = slice(c * 6, c * 6 + 6)
        quiet[at, at], after[at, at] = rows, moved
        for s in range(6):
            marks = heavy if s == 2 else plain
            rates[c * 6 + s] = _RATES[kind][s] * marks * factor
            first_marks[c * 6 + s] = marks * factor / (marks * factor).sum()
    first = (CLASS_SHARE[:, None] * FIRST_STATE[None, :]).ravel()
    return Process(first, rates, quiet, after, first_marks, np.isin(KINDS, _GRAVE))


@dataclass(frozen=True)
class Careers:
    """Simulated careers. Events are sorted by person, then day.

    Attributes:
        entry_day: (people,) day of the first charge event, counted from the first day.
        first_cell, last_cell: (people,) hidden cell at entry, and in the last step.
        died_day: (people,) day of death, -1 while alive.
        person, day, kind: charge events.
        custody: (spells, 3) person, first and last step in custody.
    """

    entry_day: np.ndarray
    first_cell: np.ndarray
    last_cell: np.ndarray
    died_day: np.ndarray
    person: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    custody: np.ndarray


def _move(rng: np.random.Generator, cell: np.ndarray, grave: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Next cell of each person; `edges` is (2, cells, 6) of cumulative moves within a kind of career."""
    own = edges[grave.astype(np.int64), cell]
    state = (rng.random(len(cell))[:, None] > own[:, :5]).sum(axis=1)
    return np.asarray(cell // 6 * 6 + state)


def move_edges(model: Process) -> np.ndarray:
    """Cumulative chances of the next state: (without and with a grave charge, cell, state)."""
    blocks = np.empty((2, model.cells, 6))
    for which, matrix in enumerate((model.quiet, model.after_grave)):
        for cell in range(model.cells):
            at = cell // 6 * 6
            blocks[which, cell] = np.cumsum(matrix[cell, at : at + 6])
    return blocks


def simulate(seed: int, entry_day: np.ndarray, group: np.ndarray, models: list[Process], days: int) -> Careers:
    """Careers of people whose first charge is on `entry_day`, until day `days` (not included).

    Args:
        group: position of each person's process in `models` (0: policed as everyone).
    """
    rng = stream(seed, "careers")
    people = len(entry_day)
    steps = -(-days // STEP_DAYS)
    entry_step = entry_day // STEP_DAYS
    cell = pick(rng, models[0].first, people)
    first_cell = cell.copy()
    total = np.array([m.rates.sum(axis=1) for m in models])
    mark_edges = np.array([np.cumsum(m.rates / m.rates.sum(axis=1, keepdims=True), axis=1) for m in models])
    first_edges = np.array([np.cumsum(m.first_marks, axis=1) for m in models])
    edges = move_edges(models[0])
    first_kind = np.minimum((rng.random(people)[:, None] > first_edges[group, cell]).sum(axis=1), len(KINDS) - 1)
    died = np.full(people, -1)
    persons, event_days, kinds, spells = [np.arange(people)], [entry_day.copy()], [first_kind], []
    since = np.full(people, -1)
    order = np.argsort(entry_step, kind="stable")
    arrived = np.searchsorted(entry_step[order], np.arange(steps), side="right")
    for step in range(steps):
        on = order[: arrived[step]]
        on = on[died[on] < 0]
        begins = np.where(entry_step[on] == step, entry_day[on] % STEP_DAYS, 0)
        exposure = (STEP_DAYS - begins) / STEP_DAYS
        count = rng.poisson(total[group[on], cell[on]] * exposure)
        who = np.repeat(np.arange(len(on)), count)
        kind = np.minimum(
            (rng.random(len(who))[:, None] > mark_edges[group[on[who]], cell[on[who]]]).sum(axis=1), len(KINDS) - 1
        )
        at = step * STEP_DAYS + begins[who] + (rng.random(len(who)) * (STEP_DAYS - begins[who])).astype(np.int64)
        persons.append(on[who])
        event_days.append(at)
        kinds.append(kind)
        grave = np.zeros(len(on), bool)
        grave[who[models[0].grave[kind]]] = True
        new = entry_step[on] == step
        grave |= new & models[0].grave[first_kind[on]]
        ends = rng.random(len(on)) < DEATH_A_STEP
        died[on[ends]] = step * STEP_DAYS + STEP_DAYS - 1
        was = cell[on] % 6 == 4
        cell[on] = _move(rng, cell[on], grave, edges)
        now = cell[on] % 6 == 4
        since[on[now & ~was]] = step + 1
        left = on[was & (~now | ends)]
        spells.append(np.column_stack([left, since[left], np.full(len(left), step)]))
    still = np.flatnonzero((cell % 6 == 4) & (died < 0))
    spells.append(np.column_stack([still, since[still], np.full(len(still), steps)]))
    person, day, kind = np.concatenate(persons), np.concatenate(event_days), np.concatenate(kinds)
    kept = day < days
    person, day, kind = person[kept], day[kept], kind[kept]
    by = np.lexsort((day, person))
    return Careers(
        entry_day,
        first_cell,
        cell,
        np.where(died < days, died, -1),
        person[by],
        day[by],
        kind[by],
        np.concatenate(spells),
    )
