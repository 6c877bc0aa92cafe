"""The log's chain and checkpoints: every kind of tampering is found, and an honest log never accused."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Entry, Event

KEY = secrets.token_bytes(32)
OTHER_KEY = secrets.token_bytes(32)
STATE = "a" * 32
POINTS = (10, 25, 40)


def an_event(i: int) -> Event:
    return Event("ann", "analyst", "consultation", "page_viewed", object=f"cell:{i}", detail={"n": i})


def a_log(length: int = 40, start: int = 0) -> list[Entry]:
    entries: list[Entry] = []
    prev = log.GENESIS
    for i in range(length):
        entry = log.chained(an_event(i + start), i + 1, f"2026-01-01T00:{i // 60:02d}:{i % 60:02d}.000000Z", prev)
        entries.append(entry)
        prev = entry.hash
    return entries


def checkpoints(entries: list[Entry], key: bytes = KEY, state: str = STATE) -> list[Checkpoint]:
    found: list[Checkpoint] = []
    for number, seq in enumerate(POINTS, 1):
        if seq > len(entries):
            break
        at = entries[seq - 1]
        previous = found[-1].digest() if found else log.GENESIS
        found.append(log.signed(Checkpoint(number, state, seq, at.hash, at.at, previous), key))
    return found


def rechained(entries: list[Entry], first: int = 0) -> list[Entry]:
    """The log made to agree with itself again from an index on, as one with write access could."""
    whole = list(entries)
    for i in range(first, len(whole)):
        prev = whole[i - 1].hash if i else log.GENESIS
        entry = replace(whole[i], seq=i + 1, prev_hash=prev, hash="")
        whole[i] = replace(entry, hash=log.digest(entry))
    return whole


def edit(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i = r.randrange(len(e))
    name = r.choice(["actor", "role", "action", "object", "detail", "at"])
    e[i] = replace(e[i], **{name: (getattr(e[i], name) or "") + "x"})


def delete(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    del e[r.randrange(len(e) - 1)]


def insert(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i = r.randrange(1, len(e))
    e.insert(i, log.chained(an_event(99), i + 1, e[i].at, e[i - 1].hash))


def reorder(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i, j = r.sample(range(len(e)), 2)
    e[i], e[j] = e[j], e[i]


def duplicate(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i = r.randrange(len(e))
    e.insert(i, e[i])


def tail_cut(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    del e[r.randrange(len(e) - 1) :]


def fork(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i = r.randrange(len(e) - 1)
    e[i] = replace(e[i], detail='{"n":-1}')
    e[:] = rechained(e, i)


def whole_rewrite(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    e[:] = a_log(len(e), start=r.randrange(1, 1000))


def clock(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    i = r.randrange(1, len(e))
    e[i] = replace(e[i], at="2025-06-01T00:00:00.000000Z")
    e[:] = rechained(e, i)


def checkpoint_swap(e: list[Entry], p: list[Checkpoint], r: random.Random) -> None:
    whole_rewrite(e, p, r)
    kind = r.randrange(3)
    if kind == 0:  # new checkpoints under another key
        p[:] = checkpoints(e, OTHER_KEY)
    elif kind == 1:  # another state's checkpoints, rightly signed
        p[:] = checkpoints(e, KEY, "b" * 32)
    else:  # one of the honest ones replaced by a forged one
        i = r.randrange(len(p))
        p[i] = replace(p[i], hash=e[p[i].seq - 1].hash)


KINDS: list[Callable[[list[Entry], list[Checkpoint], random.Random], None]] = [
    edit, delete, insert, reorder, duplicate, tail_cut, fork, whole_rewrite, clock, checkpoint_swap,
]  # fmt: skip


def test_an_honest_log_is_not_accused() -> None:
    entries = a_log()
    assert log.verify(entries, checkpoints(entries), log.public_key(KEY), STATE) == []


def test_a_log_that_went_on_after_its_last_checkpoint_is_not_accused() -> None:
    entries = a_log(60)
    assert log.verify(entries, checkpoints(entries), log.public_key(KEY), STATE) == []


@pytest.mark.parametrize("tamper", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_tampering_is_found(tamper: Callable[..., None]) -> None:
    honest = a_log()
    points = checkpoints(honest)
    key = log.public_key(KEY)
    for seed in range(60):
        entries, kept = list(honest), list(points)
        tamper(entries, kept, random.Random(seed))
        assert log.verify(entries, kept, key, STATE), f"seed {seed}"


@pytest.mark.parametrize("tamper", [edit, delete, insert, duplicate], ids=lambda kind: kind.__name__)
def test_where_it_was_tampered_with_is_said(tamper: Callable[..., None]) -> None:
    honest = a_log()
    entries = list(honest)
    tamper(entries, [], random.Random(3))
    first = next(i for i, (a, b) in enumerate(zip(entries, honest, strict=False)) if a != b)
    assert log.broken_links(entries)[0].seq in {entries[first].seq, entries[first].seq + 1}


def test_a_cut_tail_needs_a_checkpoint() -> None:
    entries = a_log()
    assert log.verify(entries[:20]) == []
    found = log.verify(entries[:20], checkpoints(entries), log.public_key(KEY), STATE)
    assert {finding.rule for finding in found} == {"tail_cut"}


def test_a_checkpoint_survives_its_line() -> None:
    point = checkpoints(a_log())[1]
    assert Checkpoint.of_line(point.line()) == point
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.of_line('{"number": 1}')


def test_a_kind_outside_the_law_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        Event("ann", "analyst", "peeking", "x")  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Event,
            actor=st.text(max_size=20),
            role=st.text(max_size=20),
            kind=st.sampled_from(log.KINDS),
            action=st.text(max_size=20),
            purpose=st.none() | st.text(max_size=30),
            subject=st.none() | st.text(max_size=10),
            object=st.none() | st.text(max_size=10),
            detail=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
        ),
        min_size=2,
        max_size=8,
    ),
    st.data(),
)
def test_any_changed_field_breaks_the_chain(events: list[Event], data: st.DataObject) -> None:
    entries: list[Entry] = []
    for i, event in enumerate(events):
        prev = entries[-1].hash if entries else log.GENESIS
        entries.append(log.chained(event, i + 1, "2026-01-01T00:00:00.000000Z", prev))
    assert log.broken_links(entries) == []
    i = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from(["actor", "action", "purpose", "subject", "object", "detail"]))
    changed = replace(entries[i], **{name: (getattr(entries[i], name) or "") + "~"})
    assert log.broken_links([*entries[:i], changed, *entries[i + 1 :]])


def test_an_entry_written_anew_with_a_hash_of_its_own_breaks_the_link_of_the_next() -> None:
    from dataclasses import replace

    from harmcast.oversight import log

    first = log.chained(log.Event("ann", "analyst", "consultation", "page_opened"), 1, "2026-01-05T09:00:00Z", log.GENESIS)
    second = log.chained(log.Event("ann", "analyst", "consultation", "page_opened"), 2, "2026-01-05T09:01:00Z", first.hash)
    anew = replace(first, actor="bob")
    anew = replace(anew, hash=log.digest(anew))
    assert log.broken_links([first, second]) == []
    assert [(f.rule, f.seq) for f in log.broken_links([anew, second])] == [("link", 2)]
