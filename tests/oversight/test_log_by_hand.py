"""The log's forms and faults, written out one by one: what an entry and a checkpoint are as bytes, and what each fault is called."""

from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Entry, Event, LogFault

KEY = bytes(range(32))
STATE = "5" * 32
FIRST = '{"action":"page_viewed","actor":"ann","at":"T1","detail":"{\\"b\\":\\"é\\"}","kind":"consultation","object":"page:home","prev_hash":"' + "0" * 64 + '","purpose":null,"role":"analyst","seq":1,"subject":null}'


def entry(seq: int, at: str, after: Entry | None, kind: str = "consultation") -> Entry:
    made = log.chained(Event("ann", "analyst", "consultation", "page_viewed"), seq, at, log.GENESIS if after is None else after.hash)
    if kind == made.kind:
        return made
    other = replace(made, kind=kind, hash="")
    return replace(other, hash=log.digest(other))


def test_the_bytes_an_entry_is_named_by() -> None:
    one = log.chained(Event("ann", "analyst", "consultation", "page_viewed", object="page:home", detail={"b": "é"}), 1, "T1", log.GENESIS)
    assert log.GENESIS == "0" * 64
    assert log.canonical(one) == FIRST.encode()
    assert one.hash == hashlib.sha256(FIRST.encode()).hexdigest()
    assert (one.writes, one.seal) == (None, None)
    with pytest.raises(FrozenInstanceError):
        one.hash = ""  # type: ignore[misc]


def test_an_entry_that_wrote_rows_says_so_in_its_bytes_and_its_seal_never_leaves() -> None:
    one = log.chained(Event("ann", "analyst", "consultation", "page_viewed", purpose="review", subject="k1"), 7, "T1", "ab", writes="cd", key=KEY)
    assert log.fields_of(one) == {
        "seq": 7, "at": "T1", "actor": "ann", "role": "analyst", "kind": "consultation", "action": "page_viewed", "purpose": "review", "subject": "k1", "object": None,
        "detail": "{}", "prev_hash": "ab", "hash": one.hash, "writes": "cd",
    }  # fmt: skip
    assert '"writes":"cd"' in log.canonical(one).decode()
    assert '"hash"' not in log.canonical(one).decode()
    assert one.seal == log.seal(KEY, one.hash)
    assert log.seal(KEY, "x") == "b3fb46c7f2e3cc97b59aa0d9eeb0fbc8185c9845b7a41de32ad6dc83fce56324"


def test_a_moment_is_written_in_utc_and_read_back() -> None:
    at = datetime(2026, 7, 1, 1, 2, 3, 45, tzinfo=timezone(timedelta(hours=1)))
    assert log.instant(at) == "2026-07-01T00:02:03.000045Z"
    assert log.moment(log.instant(at)) == datetime(2026, 7, 1, 0, 2, 3, 45, tzinfo=UTC)


def test_detail_stands_in_the_order_of_its_names_whatever_order_it_was_said_in() -> None:
    one = log.chained(Event("a", "r", "run", "x", detail={"b": 1, "a": 2}), 1, "T1", log.GENESIS)
    assert one.detail == '{"a":2,"b":1}'


def test_detail_is_added_to_and_replaced_by_name() -> None:
    event = Event("a", "r", "run", "x", detail={"n": 1, "m": 2}).with_detail(n=3, o=4)
    assert dict(event.detail) == {"n": 3, "m": 2, "o": 4}


@pytest.mark.parametrize("seq", [2, 1, 4, 9])
def test_an_entry_out_of_its_place_is_named_with_the_place(seq: int) -> None:
    first = entry(1, "T1", None)
    second = entry(2, "T2", first)
    wrong = entry(seq, "T3", second)
    assert log.broken_links([first, second, wrong]) == [LogFault("sequence", seq, "entry 3 was expected here")]
    assert log.broken_links([first, second, entry(3, "T3", second)]) == []


def test_a_log_begins_with_entry_1_after_nothing() -> None:
    assert log.broken_links([entry(2, "T1", None)]) == [LogFault("sequence", 2, "entry 1 was expected here")]
    assert log.broken_links([entry(1, "T1", entry(1, "T0", None))]) == [LogFault("link", 1, "does not follow from the entry before it")]
    assert log.broken_links([]) == []


def test_content_clock_and_kind_are_named_each_by_itself() -> None:
    first = entry(1, "T2", None)
    assert log.broken_links([replace(first, actor="bob")]) == [LogFault("content", 1, "is not what was written")]
    assert log.broken_links([first, entry(2, "T2", first)]) == []  # at the same moment
    assert log.broken_links([first, entry(2, "T1", first)]) == [LogFault("clock", 2, "is dated before the entry that it follows")]
    assert log.broken_links([first, entry(2, "T3", first, kind="gossip")]) == [LogFault("kind", 2, "has a kind that the log never writes")]


# --- checkpoints -----------------------------------------------------------------------------------------------


def point(number: int, seq: int, at: str = "T1", after: Checkpoint | None = None, state: str = STATE, lost: tuple[int, int] | None = None, previous: str | None = None) -> Checkpoint:
    before = previous if previous is not None else log.GENESIS if after is None else after.digest()
    return log.signed(Checkpoint(number, state, seq, f"h{seq}", at, before, lost=lost), KEY)


HASHES = {n: f"h{n}" for n in range(1, 31)}


def faults(*points: Checkpoint, hashes: dict[int, str] = HASHES) -> list[tuple[str, int | None]]:
    return [(fault.rule, fault.seq) for fault in log.checkpoint_faults(points, hashes, log.public_key(KEY), STATE)]


def test_a_checkpoints_line_and_what_it_signs() -> None:
    plain = Checkpoint(1, "s", 2, "h", "T", "p", "sig")
    assert plain.line() == '{"at":"T","hash":"h","number":1,"previous":"p","seq":2,"signature":"sig","state_id":"s"}'
    assert plain.body() == b'{"at":"T","hash":"h","number":1,"previous":"p","seq":2,"state_id":"s"}'
    assert plain.digest() == hashlib.sha256(plain.body()).hexdigest()
    declared = replace(plain, lost=(3, 5), backup="b")
    assert declared.line() == '{"at":"T","backup":"b","hash":"h","lost":[3,5],"number":1,"previous":"p","seq":2,"signature":"sig","state_id":"s"}'
    assert Checkpoint.of_line(declared.line()) == declared
    assert Checkpoint.of_line(plain.line()) == plain
    for wrong in ("", "[]", "{}", '{"number":1}', json.dumps({**json.loads(plain.line()), "more": 1})):
        with pytest.raises(ValueError, match="not a checkpoint"):
            Checkpoint.of_line(wrong)


def test_honest_checkpoints_have_no_fault() -> None:
    one = point(1, 10)
    two = point(2, 10, after=one)  # nothing since, at the same moment
    assert faults(one, two, point(3, 30, "T2", two)) == []
    assert faults(point(1, 0)) == []  # made before the first entry
    assert faults() == []


def test_each_fault_of_a_checkpoint_has_its_name() -> None:
    one, other = point(1, 10), point(1, 10, state="6" * 32)
    assert faults(other) == [("checkpoint_foreign", 10)]
    assert faults(replace(one, signature="00")) == [("checkpoint_signature", 10)]
    assert faults(replace(one, signature="no hexadecimal")) == [("checkpoint_signature", 10)]
    assert faults(point(2, 10)) == [("checkpoint_order", 10)]
    assert faults(point(0, 10)) == [("checkpoint_order", 10)]
    for before in ("", "ab"):  # one sorts before the beginning of a log, one after
        assert faults(point(1, 10, previous=before)) == [("checkpoint_order", 10)]
    assert faults(one, point(3, 11, "T2", one)) == [("checkpoint_order", 11)]
    assert faults(one, point(1, 11, "T2", one)) == [("checkpoint_order", 11)]
    for before in ("", "zz"):
        assert faults(one, point(2, 11, "T2", previous=before)) == [("checkpoint_order", 11)]
    assert faults(one, point(2, 9, "T2", one)) == [("checkpoint_clock", 9)]
    assert faults(one, point(2, 11, "T0", one)) == [("checkpoint_clock", 11)]
    assert faults(point(1, 31)) == [("tail_cut", 31)]
    assert faults(one, hashes={**HASHES, 10: "another"}) == [("rewritten", 10)]


@pytest.mark.parametrize(("seq", "is_asked"), [(7, True), (8, False), (9, False), (10, False), (11, True)])
def test_what_a_declared_restore_gave_up_is_not_asked_for_again(seq: int, is_asked: bool) -> None:
    """Entries 8 to 10 are lost; the log went on after 7 with others under the same numbers."""
    one = point(1, seq, "T1")
    declared = point(2, 7, "T0", one, lost=(8, 10))
    assert faults(one, declared, hashes={**HASHES, seq: "another"} if seq != 7 else {**HASHES, 7: "h7"}) == ([("rewritten", seq)] if is_asked and seq != 7 else [])


def test_a_declared_restore_gives_up_nothing_that_a_later_checkpoint_saw() -> None:
    declared = point(1, 7, "T0", lost=(8, 10))
    assert faults(declared, point(2, 9, "T1", declared), hashes={**HASHES, 9: "another"}) == [("rewritten", 9)]


def test_a_whole_log_is_held_against_both() -> None:
    first = entry(1, "T1", None)
    saw = log.signed(Checkpoint(1, STATE, 1, first.hash, "T1", log.GENESIS), KEY)
    assert log.verify([first], [saw], log.public_key(KEY), STATE) == []
    assert [fault.rule for fault in log.verify([], [saw], log.public_key(KEY), STATE)] == ["tail_cut"]
    with pytest.raises(ValueError, match="public key"):
        log.verify([first], [saw])


# --- codes for paper -------------------------------------------------------------------------------------------


def test_a_code_is_five_groups_of_five_and_is_read_back_as_people_type_it() -> None:
    code = log.code_of(b"one line")
    assert code == "DQERC-0MNF9-V1N1C-2QNPV-CDKF3"
    assert log.as_code("  dqerc 0mnf9-v1n1c 2qnpv\tcdkf3 ") == code
    assert log.as_code("OIL00-00000-00000-00000-00000") == "01100-00000-00000-00000-00000"
    for wrong in ("", code[:-1], f"{code}0", code.replace("D", "U")):
        with pytest.raises(ValueError, match="not a code of five groups of five"):
            log.as_code(wrong)
