"""The attack here is its own: one dense linear programme over all unknowns of both reports at once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from harmcast.publish import disclosure
from harmcast.publish.disclosure import Family, Published, protect, release, rounded

MONDAY = date(2026, 9, 7)


def crossed(cells: dict[tuple[str, str], int]) -> Family:
    """Groups by columns with both margins."""
    groups = sorted({g for g, _ in cells})
    columns = sorted({c for _, c in cells})
    counts = dict(cells)
    for g in groups:
        counts[g, "all"] = sum(cells[g, c] for c in columns)
    for c in [*columns, "all"]:
        counts["all", c] = sum(counts[g, c] for g in groups)
    sums = [((g, "all"), tuple((g, c) for c in columns)) for g in [*groups, "all"]]
    sums += [(("all", c), tuple((g, c) for g in groups)) for c in [*columns, "all"]]
    return Family(counts, tuple(sums))


def joined(families: list[Family]) -> Family:
    """Tables by several attributes of the same people: the grand totals are one and the same."""
    counts, sums = {}, []
    for number, family in enumerate(families):
        name = lambda key, n=number: key if key[0] == "all" else (f"{n}{key[0]}", key[1])  # noqa: E731
        counts |= {name(k): v for k, v in family.counts.items()}
        sums += [(name(t), tuple(name(p) for p in parts)) for t, parts in family.sums]
    return Family(counts, tuple(dict.fromkeys(sums)))


def random_family(rng: np.random.Generator) -> Family:
    shape = rng.integers(2, 5), rng.integers(2, 4)
    scale = rng.choice([4, 15, 60, 300])
    cells = rng.negative_binomial(0.7, 1 / (1 + scale), size=shape)
    one = crossed({(f"g{i}", f"c{j}"): int(cells[i, j]) for i in range(shape[0]) for j in range(shape[1])})
    if rng.random() < 0.75:
        return one
    second = np.zeros((3, shape[1]), dtype=int)
    for j in range(shape[1]):
        second[:, j] = rng.multinomial(cells[:, j].sum(), [0.7, 0.25, 0.05])
    two = crossed({(f"g{i}", f"c{j}"): int(second[i, j]) for i in range(3) for j in range(shape[1])})
    return joined([one, two])


def a_while_later(family: Family, rng: np.random.Generator) -> Family:
    """The same people with a few more and a few fewer, through the cells that are no totals."""
    totals = {t for t, _ in family.sums}
    inner = [k for k in family.counts if k not in totals]
    if any(k[0].startswith("1g") for k in inner) or len({k[0][0] for k in inner}) > 1:
        return family
    cells = {k: family.counts[k] for k in inner}
    for k in inner:
        if rng.random() < 0.5:
            cells[k] = max(0, cells[k] + int(rng.choice([-6, -3, -1, 1, 2, 4, 9])))
    return crossed(cells)


def attack(tables: list[tuple[Published, Family]], form: dict[tuple[int, object], float], sign: float) -> float:
    """Extreme of a linear form of the true counts, from all that is printed; the truth itself serves as a check."""
    keys = [(n, k) for n, (shown, _) in enumerate(tables) for k in shown.shown]
    place = {k: i for i, k in enumerate(keys)}
    rows, sides = [], []
    for n, (shown, _) in enumerate(tables):
        for total, parts in shown.sums:
            row = np.zeros(len(keys))
            row[place[n, total]] -= 1
            for p in parts:
                row[place[n, p]] += 1
            rows.append(row)
            sides.append(0.0)
    limits = [(0, None) if tables[n][0].shown[k] is None else (tables[n][0].shown[k],) * 2 for n, k in keys]
    goal = np.zeros(len(keys))
    for k, value in form.items():
        goal[place[k]] += sign * value
    found = linprog(goal, A_eq=np.array(rows), b_eq=sides, bounds=limits, method="highs")
    if found.status == 3:
        return np.inf * -sign
    assert found.status == 0, found.message
    return sign * found.fun


def assert_nothing_small_is_told(tables: list[tuple[Published, Family]]) -> int:
    """Every count under 5, and every change of 1 to 4, might as well be 5 or more. Returns how many were attacked."""
    attacked = 0
    for n, (_, truth) in enumerate(tables):
        for key, count in truth.counts.items():
            if count < 5:
                attacked += 1
                assert attack(tables, {(n, key): 1.0}, -1) >= 5 - 1e-6, (n, key)
    if len(tables) == 2:
        (_, then), (_, now) = tables
        for key in then.counts.keys() & now.counts.keys():
            if 0 < abs(now.counts[key] - then.counts[key]) < 5:
                attacked += 1
                form = {(1, key): 1.0, (0, key): -1.0}
                most = attack(tables, form, -1)
                if most < 5 - 1e-6:
                    assert attack(tables, form, 1) <= -5 + 1e-6, key
    return attacked


def test_a_thousand_random_pairs_of_tables_give_no_count_under_five_away():
    rng = np.random.default_rng(20261122)
    attacked = hidden = printed = new_tables = 0
    for _ in range(1000):
        then = random_family(rng)
        now = a_while_later(then, rng)
        first = release(then, MONDAY)
        later = MONDAY + timedelta(days=int(rng.choice([7, 200])))
        second = release(now, later, [first])
        tables = [(first, then)]
        if second.as_of == later:
            tables.append((second, now))
            new_tables += 1
        else:
            assert second == first
        for shown, truth in tables:
            assert all(v is None or v == truth.counts[k] for k, v in shown.shown.items())
            hidden += sum(v is None for v in shown.shown.values())
            printed += sum(v is not None for v in shown.shown.values())
        attacked += assert_nothing_small_is_told(tables)
    assert attacked > 4_000
    assert new_tables > 400
    assert printed > hidden / 2


def test_an_undefended_table_falls_to_the_attack():
    family = crossed({("a", "x"): 3, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40})
    shown = {k: None if v < 5 else v for k, v in family.counts.items()}
    bare = Published(MONDAY, shown, family.sums)
    with pytest.raises(AssertionError):
        assert_nothing_small_is_told([(bare, family)])


def test_no_more_is_hidden_than_a_square_around_one_small_count():
    cells = {("a", "x"): 3, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40, ("c", "x"): 9, ("c", "y"): 11}
    assert protect(crossed(cells)) == {("a", "x"), ("a", "y"), ("c", "x"), ("c", "y")}


def test_nothing_is_hidden_where_nothing_is_small():
    assert protect(crossed({("a", "x"): 5, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40})) == frozenset()


def test_a_total_shared_by_two_tables_is_hidden_in_both():
    small = crossed({("a", "x"): 2, ("a", "y"): 1, ("b", "x"): 0, ("b", "y"): 1})
    assert all(v is None for v in release(small, MONDAY).shown.values())


def test_a_change_of_a_few_people_holds_the_table_and_a_quarter_later_hides_them():
    then = crossed({("a", "x"): 50, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40})
    now = crossed({("a", "x"): 52, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 60})
    first = release(then, MONDAY)
    assert release(now, MONDAY + timedelta(days=7), [first]) is first
    later = release(now, MONDAY + timedelta(days=91), [first])
    assert later.as_of == MONDAY + timedelta(days=91)
    assert later.shown["a", "x"] is None
    assert sum(v is None for v in later.shown.values()) >= 4
    assert_nothing_small_is_told([(first, then), (later, now)])


def test_the_same_day_again_prints_the_same_even_when_a_person_was_forgotten_since():
    then = crossed({("a", "x"): 50, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40})
    forgotten = crossed({("a", "x"): 49, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40})
    first = release(then, MONDAY)
    assert release(forgotten, MONDAY, [first]) is first


def test_an_unchanged_table_is_printed_anew():
    then = crossed({("a", "x"): 50, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 3})
    first = release(then, MONDAY)
    again = release(then, MONDAY + timedelta(days=7), [first])
    assert again.as_of == MONDAY + timedelta(days=7)
    assert again.shown == first.shown


def test_rounding_leaves_hidden_hidden_and_prints_multiples():
    family = crossed({("a", "x"): 3, ("a", "y"): 22, ("b", "x"): 38, ("b", "y"): 41})
    plain = release(family, MONDAY)
    shown = rounded(plain).shown
    assert {k for k, v in shown.items() if v is None} == {k for k, v in plain.shown.items() if v is None}
    assert all(v is None or v % 5 == 0 for v in shown.values())
    assert all(abs(shown[k] - v) <= 2 for k, v in plain.shown.items() if v is not None)


def test_what_was_printed_survives_being_kept_as_json():
    published = release(crossed({("a", "x"): 3, ("a", "y"): 22, ("b", "x"): 38, ("b", "y"): 41}), MONDAY)
    assert Published.read(published.document()) == published


def test_a_family_whose_total_does_not_add_up_is_a_bug():
    with pytest.raises(ValueError, match="total"):
        Family({"a": 1, "b": 2, "t": 4}, (("t", ("a", "b")),))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "|cmd", "%x", "\t=1", " =1", "\u202e=1"])
def test_text_that_a_spreadsheet_could_run_is_defused(text):
    assert pl.DataFrame({"a": [text]}).select(disclosure.neutral("a"))["a"][0].startswith("'")
