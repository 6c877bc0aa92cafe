"""Controlled rounding: every sum holds, each count is less than the base away, and a secret decides among what is alike."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmcast.fairness.rounding import CountFamily, controlled


def table(cells: dict[tuple[str, ...], int]) -> CountFamily:
    """A two-way table with its margins and its total; cells are named (row, column)."""
    counts, sums = dict(cells), []
    rows, columns = sorted({r for r, _ in cells}), sorted({c for _, c in cells})
    for r in rows:
        parts = tuple((r, c) for c in columns)
        counts[r, "all"] = sum(cells[p] for p in parts)
        sums.append(((r, "all"), parts))
    for c in columns:
        parts = tuple((r, c) for r in rows)
        counts["all", c] = sum(cells[p] for p in parts)
        sums.append((("all", c), parts))
    counts["all", "all"] = sum(cells.values())
    sums += [(("all", "all"), tuple((r, "all") for r in rows)), (("all", "all"), tuple(("all", c) for c in columns))]
    return CountFamily(counts, tuple(sums))


def drawn(key: tuple[str, ...]) -> float:
    return random.Random(repr(key)).random()


@given(st.lists(st.lists(st.integers(0, 400), min_size=3, max_size=3), min_size=1, max_size=6))
def test_every_sum_holds_and_no_count_moves_by_five_or_more(values: list[list[int]]) -> None:
    family = table({(f"r{i}", f"c{j}"): v for i, row in enumerate(values) for j, v in enumerate(row)})
    rounded = controlled(family, drawn)
    assert rounded.slack == 0
    for total, parts in family.sums:
        assert rounded.counts[total] == sum(rounded.counts[part] for part in parts)
    for key, count in family.counts.items():
        assert rounded.counts[key] % 5 == 0
        assert abs(rounded.counts[key] - count) < 5
        assert count % 5 or rounded.counts[key] == count


def test_distance_is_least_of_all_roundings_that_keep_the_sums() -> None:
    family = table({("a", "x"): 3, ("a", "y"): 11, ("b", "x"): 7, ("b", "y"): 4})
    found = controlled(family, drawn).counts
    best = min(
        sum(abs(r - family.counts[k]) for k, r in every.items())
        for cells in itertools.product(*([5 * (v // 5), 5 * (v // 5) + 5] for v in (3, 11, 7, 4)))
        for every in [table(dict(zip([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], cells, strict=True))).counts]
        if all(abs(r - family.counts[k]) < 5 for k, r in every.items())
    )
    assert sum(abs(found[k] - v) for k, v in family.counts.items()) == best


def test_another_secret_may_round_another_way_and_the_same_one_never_does() -> None:
    cells = {("r", str(k)): 2 for k in range(12)}  # 24: 25 in five of twelve cells, which of them is nobody's to know
    family = table(cells)
    first = controlled(family, lambda k: random.Random(f"one {k}").random()).counts
    again = controlled(family, lambda k: random.Random(f"one {k}").random()).counts
    other = controlled(family, lambda k: random.Random(f"two {k}").random()).counts
    assert first == again
    assert first != other
    assert first["all", "all"] == other["all", "all"] == 25


def test_where_nearest_multiples_cannot_keep_the_sums_a_count_goes_one_base_further() -> None:
    """Seven counts of 1 that are one and the same: all 0 or all 5, so their total, 7, is 0 or 35, never 5 or 10."""
    names = [(f"a{k}",) for k in range(7)]
    family = CountFamily({**dict.fromkeys(names, 1), ("all",): 7}, ((("all",), tuple(names)), *((name, (names[0],)) for name in names[1:])))
    found = controlled(family, drawn)
    assert found.slack == 1
    assert set(found.counts.values()) == {0}


ALIKE = [(f"a{k}",) for k in range(9)]


def alike(value: int, times: int, **beside: int) -> CountFamily:
    """So many counts that are one and the same, their total, and counts beside them that nothing ties."""
    names = ALIKE[:times]
    counts = {**dict.fromkeys(names, value), ("all",): value * times, **{(name,): count for name, count in beside.items()}}
    return CountFamily(counts, ((("all",), tuple(names)), *((name, (names[0],)) for name in names[1:])))


def test_a_count_that_nothing_ties_stays_nearest_where_others_go_further() -> None:
    found = controlled(alike(6, 7, free=6, up=9, whole=10), drawn)
    assert found.slack == 1
    assert [found.counts[name,] for name in ("free", "up", "whole")] == [5, 10, 10]
    assert {found.counts[name] for name in ALIKE[:7]} == {5}


def test_a_multiple_of_the_base_moves_only_where_no_nearest_rounding_keeps_the_sums() -> None:
    found = controlled(alike(4, 5), drawn)  # a total of 20, of five alike: 0 or 25
    assert (found.slack, found.counts["all",]) == (1, 25)


def test_nought_stays_nought_even_where_others_go_further() -> None:
    family = alike(1, 8)
    grand = CountFamily({**family.counts, ("none",): 0, ("sum",): 8, ("again",): 8}, (*family.sums, (("sum",), (("all",), ("none",))), (("again",), (("sum",),))))
    found = controlled(grand, drawn)
    assert found.slack > 0
    assert found.counts["none",] == 0
    assert found.counts["sum",] == found.counts["all",] == found.counts["again",]


@pytest.mark.parametrize("total", [3, 5])
def test_a_family_that_does_not_add_up_is_refused(total: int) -> None:
    with pytest.raises(ValueError, match="not the sum"):
        CountFamily({("t",): total, ("a",): 4}, ((("t",), (("a",),)),))
    with pytest.raises(ValueError, match="below 0"):
        CountFamily({("a",): -1}, ())
