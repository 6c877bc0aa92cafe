"""Ten kinds of tampering with a log, done as somebody could who may write to the database and re-chain what they wrote.

Each changes a real log's entries, or its checkpoints, in a random place; with checkpoints kept elsewhere every one must be found,
and what is said must point at the place: at the entry, at the one after it, or at the first checkpoint that saw more than is left.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Entry, Event, LogFault

STATE = "a" * 32
ENTRIES, EVERY = 120, 20


@dataclass
class Case:
    """A log and its checkpoints, ours to spoil. `at` is the index of the first entry that is not what it was."""

    entries: list[Entry]
    points: list[Checkpoint]
    key: bytes
    at: int = 0
    point: int | None = None  # number of the checkpoint that was changed instead


def an_event(i: int) -> Event:
    kind = log.KINDS[i % len(log.KINDS)]
    return Event(f"user{i % 7}", "supervisor", kind, "something_done", subject=f"k{i:023d}", object=f"cell:{i}", detail={"n": i})  # type: ignore[arg-type]


def a_log(length: int = ENTRIES, start: int = 0) -> list[Entry]:
    entries: list[Entry] = []
    prev = log.GENESIS
    for i in range(length):
        entries.append(log.chained(an_event(i + start), i + 1, f"2026-01-{1 + i // 60:02d}T00:00:{i % 60:02d}.000000Z", prev))
        prev = entries[-1].hash
    return entries


def signed(entries: Sequence[Entry], key: bytes, state: str = STATE) -> list[Checkpoint]:
    """A checkpoint every `EVERY` entries."""
    found: list[Checkpoint] = []
    for number, entry in enumerate(entries[EVERY - 1 :: EVERY], 1):
        previous = found[-1].digest() if found else log.GENESIS
        found.append(log.signed(Checkpoint(number, state, entry.seq, entry.hash, entry.at, previous), key))
    return found


def rechained(entries: list[Entry], first: int) -> list[Entry]:
    """The log made to agree with itself again from an index on."""
    whole = list(entries)
    for i in range(first, len(whole)):
        entry = replace(whole[i], seq=i + 1, prev_hash=whole[i - 1].hash if i else log.GENESIS, hash="")
        whole[i] = replace(entry, hash=log.digest(entry))
    return whole


def seen(rng: random.Random, case: Case) -> int:
    """An entry that the last checkpoint has seen: what came after nobody can vouch for yet."""
    return rng.randrange(case.points[-1].seq - 1)


def edit(case: Case, rng: random.Random) -> None:
    case.at = rng.randrange(len(case.entries))
    name = rng.choice(["at", "actor", "role", "kind", "action", "subject", "object", "detail"])
    case.entries[case.at] = replace(case.entries[case.at], **{name: (getattr(case.entries[case.at], name) or "") + "x"})


def delete(case: Case, rng: random.Random) -> None:
    case.at = rng.randrange(len(case.entries) - 1)
    del case.entries[case.at]


def insert(case: Case, rng: random.Random) -> None:
    case.at = rng.randrange(1, len(case.entries))
    before = case.entries[case.at - 1]
    case.entries.insert(case.at, log.chained(an_event(999), before.seq + 1, before.at, before.hash))


def reorder(case: Case, rng: random.Random) -> None:
    i, j = sorted(rng.sample(range(len(case.entries)), 2))
    case.entries[i], case.entries[j] = case.entries[j], case.entries[i]
    case.at = i


def duplicate(case: Case, rng: random.Random) -> None:
    i = rng.randrange(len(case.entries))
    case.entries.insert(i + 1, case.entries[i])
    case.at = i  # the copy bears the number of what it copies


def tail_cut(case: Case, rng: random.Random) -> None:
    case.at = seen(rng, case)
    del case.entries[case.at :]


def fork(case: Case, rng: random.Random) -> None:
    """Another history from an entry on, as long, and in itself without fault."""
    case.at = seen(rng, case)
    for i in range(case.at, len(case.entries)):
        other = an_event(i + 500)
        case.entries[i] = replace(case.entries[i], actor=other.actor, object=other.object, subject=other.subject)
    case.entries[:] = rechained(case.entries, case.at)


def whole_rewrite(case: Case, rng: random.Random) -> None:
    case.at = 0
    case.entries[:] = a_log(len(case.entries), start=rng.randrange(1, 10_000))


def clock(case: Case, rng: random.Random) -> None:
    """One entry dated back or on, and all after it chained again."""
    case.at = seen(rng, case)
    at = rng.choice(["2025-06-01T00:00:00.000000Z", "2027-06-01T00:00:00.000000Z"])
    case.entries[case.at] = replace(case.entries[case.at], at=at)
    case.entries[:] = rechained(case.entries, case.at)


def checkpoint_swap(case: Case, rng: random.Random) -> None:
    """The log rewritten from an entry on, and checkpoints put in their place to fit it."""
    kind = rng.choice(["another key", "another state", "one forged", "one removed", "two swapped"])
    i = rng.randrange(len(case.points))
    if kind in ("one removed", "two swapped"):
        i = rng.randrange(len(case.points) - 1)
        case.point = case.points[i].number
        if kind == "one removed":
            del case.points[i]
        else:
            case.points[i], case.points[i + 1] = case.points[i + 1], case.points[i]
        return
    case.at = rng.randrange(case.points[i].seq)
    case.entries[case.at] = replace(case.entries[case.at], object="cell:elsewhere")
    case.entries[:] = rechained(case.entries, case.at)
    if kind == "another key":
        case.points[:] = signed(case.entries, secrets.token_bytes(32))
    elif kind == "another state":
        case.points[:] = signed(case.entries, case.key, "b" * 32)
    else:
        point = case.points[i]
        case.points[i] = replace(point, hash=case.entries[point.seq - 1].hash)


KINDS: tuple[Callable[[Case, random.Random], None], ...] = (
    edit, delete, insert, reorder, duplicate, tail_cut, fork, whole_rewrite, clock, checkpoint_swap,
)  # fmt: skip


def says_where(case: Case, findings: Sequence[LogFault], honest: Sequence[Entry]) -> bool:
    """Whether a finding points at the place: the entry changed, the one after it, or the first checkpoint that saw it."""
    named = {finding.seq for finding in findings}
    if case.point is not None:
        near = {point.seq for point in signed(honest, case.key) if abs(point.number - case.point) <= 1}
        return bool(named & near)
    number = case.at + 1
    first_to_see = -(-number // EVERY) * EVERY
    return bool(named & {number, number + 1, first_to_see})


@dataclass
class Tally:
    tried: int = 0
    found: int = 0
    placed: int = 0


def tried(tamper: Callable[[Case, random.Random], None], times: int) -> Tally:
    """How many of so many tamperings of one kind are found, and how many are said where."""
    key = secrets.token_bytes(32)
    honest = a_log()
    points = signed(honest, key)
    public = log.public_key(key)
    if log.verify(honest, points, public, STATE):
        raise AssertionError("an honest log is accused")
    tally = Tally()
    for seed in range(times):
        case = Case(list(honest), list(points), key)
        tamper(case, random.Random(f"{tamper.__name__} {seed}"))
        if case.entries == honest and case.points == points:
            continue
        findings = log.verify(case.entries, case.points, public, STATE)
        tally.tried += 1
        tally.found += bool(findings)
        tally.placed += says_where(case, findings, honest)
    return tally
