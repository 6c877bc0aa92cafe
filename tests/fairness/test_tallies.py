"""Tables of a closing as families that add up: shared totals are printed alike, margins nobody prints hold too."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harmcast.fairness import tallies


def drawn(key: tuple[str, ...]) -> float:
    return random.Random(repr(key)).random()


def people(counts: dict[tuple[str, str, str], int], column: str) -> list[dict[str, Any]]:
    return [{"attribute": a, "group": g, column: v, "people": n} for (a, g, v), n in counts.items()]


def confusion(model: str, cells: dict[tuple[str, str], tuple[int, int, int, int]]) -> list[dict[str, Any]]:
    names = ("tp", "fp", "fn", "tn")
    return [{"model": model, "period": "p", "attribute": a, "group": g, **dict(zip(names, n, strict=True))} for (a, g), n in cells.items()]


def test_groups_by_a_column_are_whole_with_their_totals() -> None:
    rows = tallies.by_group("considered", people({("everyone", "all", "refer"): 3, ("sex", "female", "refer"): 1, ("sex", "male", "refer"): 2}, "decision"), "decision", ["defer", "refer"])
    assert rows[:3] == [
        {"attribute": "everyone", "group": "all", "decision": "defer", "people": 0},
        {"attribute": "everyone", "group": "all", "decision": "refer", "people": 3},
        {"attribute": "everyone", "group": "all", "decision": "all", "people": 3},
    ]
    assert len(rows) == 9


def test_a_list_gets_its_total_and_a_table_of_two_columns_both() -> None:
    assert tallies.with_totals("follow_ups", [{"step": "offered", "times": 7}]) == [{"step": "offered", "times": 7}, {"step": "all", "times": 7}]
    rows = tallies.with_totals(
        "decisions",
        [{"decision": "refer", "reason": "other", "decisions": 4}, {"decision": "refer", "reason": "escalating", "decisions": 2}, {"decision": "defer", "reason": "other", "decisions": 1}],
    )
    assert [(r["decision"], r["reason"], r["decisions"]) for r in rows] == [
        ("defer", "other", 1), ("defer", "all", 1), ("refer", "escalating", 2), ("refer", "other", 4), ("refer", "all", 6), ("all", "all", 7),
    ]  # fmt: skip
    assert tallies.with_totals("follow_ups", []) == []


def test_tables_of_the_same_people_print_their_totals_alike() -> None:
    tracked = [
        {"attribute": "everyone", "group": "all", "with_conviction": 13, "without_conviction": 9, "people": 22},
        {"attribute": "sex", "group": "female", "with_conviction": 6, "without_conviction": 1, "people": 7},
        {"attribute": "sex", "group": "male", "with_conviction": 7, "without_conviction": 8, "people": 15},
    ]
    banded = {("everyone", "all", "low"): 18, ("everyone", "all", "high"): 4, ("sex", "female", "low"): 6, ("sex", "female", "high"): 1, ("sex", "male", "low"): 12, ("sex", "male", "high"): 3}
    exact = {"tracked": tracked, "bands_by_group": tallies.by_group("bands_by_group", people(banded, "band"), "band", ["low", "high"])}
    found = tallies.rounded(exact, drawn)
    total = {(r["attribute"], r["group"]): r["people"] for r in found["tracked"]}
    assert {(r["attribute"], r["group"]): r["people"] for r in found["bands_by_group"] if r["band"] == "all"} == total
    assert total["everyone", "all"] == total["sex", "female"] + total["sex", "male"]
    for row in found["tracked"]:
        assert row["people"] == row["with_conviction"] + row["without_conviction"]
    everyone = {r["band"]: r["people"] for r in found["bands_by_group"] if r["attribute"] == "everyone"}
    by_sex = [r for r in found["bands_by_group"] if r["attribute"] == "sex"]
    assert everyone == {band: sum(r["people"] for r in by_sex if r["band"] == band) for band in ("low", "high", "all")}


def test_who_became_is_the_same_whichever_model_flagged() -> None:
    cells = {
        "ours": {("everyone", "all"): (7, 11, 6, 88), ("sex", "female"): (3, 4, 2, 31), ("sex", "male"): (4, 7, 4, 57)},
        "plain": {("everyone", "all"): (5, 13, 8, 86), ("sex", "female"): (2, 6, 3, 29), ("sex", "male"): (3, 7, 5, 57)},
    }
    found = tallies.rounded({"confusion": [row for model, own in cells.items() for row in confusion(model, own)]}, drawn)["confusion"]
    became = {(r["model"], r["attribute"], r["group"]): r["tp"] + r["fn"] for r in found}
    whole = {(r["model"], r["attribute"], r["group"]): sum(r[c] for c in ("tp", "fp", "fn", "tn")) for r in found}
    for of_all in (became, whole):
        for attribute, group in cells["ours"]:
            assert of_all["ours", attribute, group] == of_all["plain", attribute, group]
        for model in cells:
            assert of_all[model, "everyone", "all"] == of_all[model, "sex", "female"] + of_all[model, "sex", "male"]
    for row in found:
        exact = dict(zip(("tp", "fp", "fn", "tn"), cells[row["model"]][row["attribute"], row["group"]], strict=True))
        assert all(abs(row[name] - n) < 5 for name, n in exact.items())


def test_of_a_band_those_followed_and_the_rest_add_up() -> None:
    rows = [{"horizon_months": 12, "band": "low", "people": 43, "followed": 3}, {"horizon_months": 12, "band": "high-medium", "people": 9, "followed": 8}]
    found = tallies.rounded({"bands": rows}, drawn)["bands"]
    for exact, row in zip(rows, found, strict=True):
        assert 0 <= row["followed"] <= row["people"]
        assert abs((row["people"] - row["followed"]) - (exact["people"] - exact["followed"])) < 5  # type: ignore[operator]


def adds_up(tables: Mapping[str, Sequence[Any]]) -> set[str]:
    """Every sum of the family in words: the total = its parts, in the alphabet; a part is `table column value value`."""
    found = tallies.family(tables)  # type: ignore[arg-type]
    for total, parts in found.sums:
        assert found.counts[total] == sum(found.counts[part] for part in parts)
    assert len(set(found.sums)) == len(found.sums)
    return {" ".join(total) + " = " + " + ".join(sorted(map(" ".join, parts))) for total, parts in found.sums}


def test_every_sum_of_two_tables_of_the_same_people_is_kept_and_no_other() -> None:
    tracked = [
        {"attribute": "everyone", "group": "all", "with_conviction": 5, "without_conviction": 4, "people": 9},
        {"attribute": "age_band", "group": "old", "with_conviction": 5, "without_conviction": 4, "people": 9},
        {"attribute": "sex", "group": "f", "with_conviction": 2, "without_conviction": 1, "people": 3},
        {"attribute": "sex", "group": "m", "with_conviction": 3, "without_conviction": 3, "people": 6},
    ]
    banded = {("everyone", "all", "a"): 7, ("everyone", "all", "high"): 2, ("sex", "f", "a"): 3, ("sex", "m", "a"): 4, ("sex", "m", "high"): 2}  # `a` comes before `all`
    by_band = tallies.by_group("bands_by_group", people(banded, "band"), "band", ["a", "high"])
    own = {
        *(f"tracked everyone all {c} = tracked age_band old {c}" for c in ("with_conviction", "without_conviction", "people")),
        *(f"tracked everyone all {c} = tracked sex f {c} + tracked sex m {c}" for c in ("with_conviction", "without_conviction", "people")),
        *(f"tracked {g} people = tracked {g} with_conviction + tracked {g} without_conviction" for g in ("everyone all", "age_band old", "sex f", "sex m")),
    }
    assert adds_up({"tracked": tracked}) == own
    bands = {
        *(f"bands_by_group everyone all {b} people = bands_by_group sex f {b} people + bands_by_group sex m {b} people" for b in ("a", "high", "all")),
        *(f"bands_by_group {g} all people = bands_by_group {g} a people + bands_by_group {g} high people" for g in ("everyone all", "sex f", "sex m")),
    }
    assert adds_up({"bands_by_group": by_band}) == bands
    both = {f"bands_by_group {g} all people = tracked {g} people" for g in ("everyone all", "sex f", "sex m")}
    assert adds_up({"tracked": tracked, "bands_by_group": by_band}) == own | bands | both


def test_every_sum_of_tables_about_charges_bands_and_decisions_is_kept_and_no_other() -> None:
    fell = [{"attribute": a, "group": g, "fell_away": x, "held_up": y} for a, g, x, y in (("everyone", "all", 3, 9), ("sex", "f", 1, 2), ("sex", "m", 2, 7))]
    assert adds_up({"charges_fell_away": fell}) == {
        *(f"charges_fell_away everyone all {c} = charges_fell_away sex f {c} + charges_fell_away sex m {c}" for c in ("fell_away", "held_up")),
        *(f"charges_fell_away whole {g} = charges_fell_away {g} fell_away + charges_fell_away {g} held_up" for g in ("everyone all", "sex f", "sex m")),
    }
    banded = [{"horizon_months": 12, "band": "low", "people": 43, "followed": 3}]
    assert adds_up({"bands": banded}) == {"bands 12 low people = bands 12 low followed + bands 12 low rest"}
    assert tallies.family({"bands": banded}).counts["bands", "12", "low", "rest"] == 40  # type: ignore[list-item]
    decided = tallies.with_totals(
        "decisions", [{"decision": "refer", "reason": "other", "decisions": 4}, {"decision": "refer", "reason": "escalating", "decisions": 2}, {"decision": "defer", "reason": "other", "decisions": 1}]
    )
    assert adds_up({"decisions": decided}) == {
        "decisions refer all decisions = decisions refer escalating decisions + decisions refer other decisions",
        "decisions defer all decisions = decisions defer other decisions",
        "decisions all all decisions = decisions defer all decisions + decisions refer all decisions",
    }
    steps = tallies.with_totals("follow_ups", [{"step": "offered", "times": 7}, {"step": "done", "times": 4}])
    assert steps == [{"step": "done", "times": 4}, {"step": "offered", "times": 7}, {"step": "all", "times": 11}]
    assert adds_up({"follow_ups": steps}) == {"follow_ups all times = follow_ups done times + follow_ups offered times"}


def test_every_margin_of_two_models_in_two_periods_is_kept_and_no_other() -> None:
    shown = {"everyone all": ("sex f",), "sex f": ()}
    rows, expected = [], set()
    for model in ("ours", "plain"):
        for period in ("p", "q"):
            for group, below in shown.items():
                rows.append({"model": model, "period": period, "attribute": group.split()[0], "group": group.split()[1], "tp": 1, "fp": 2, "fn": 3, "tn": 4})
                key = {name: f"confusion {model} {period} {group} {name}" for name in ("tp", "fp", "fn", "tn")}
                expected |= {f"{key[name]} = confusion {model} {period} {part} {name}" for name in key for part in below}
                expected |= {
                    f"confusion became {period} {group} = {key['fn']} + {key['tp']}", f"confusion did_not {period} {group} = {key['fp']} + {key['tn']}",
                    f"confusion whole {period} {group} = {key['fn']} + {key['fp']} + {key['tn']} + {key['tp']}", f"confusion flagged {model} {period} {group} = {key['fp']} + {key['tp']}",
                }  # fmt: skip
    assert adds_up({"confusion": rows}) == expected
    counts = tallies.family({"confusion": rows}).counts  # type: ignore[list-item]
    assert [counts["confusion", name, "p", "sex", "f"] for name in ("became", "did_not", "whole")] == [4, 6, 10]
    assert counts["confusion", "flagged", "ours", "p", "sex", "f"] == 3


def test_people_of_one_group_and_value_are_added_up_and_the_total_counts_every_value() -> None:
    held = [{"attribute": "sex", "group": "f", "band": 1, "people": n} for n in (3, 4)] + [{"attribute": "sex", "group": "f", "band": "other", "people": 2}]
    assert tallies.by_group("bands_by_group", held, "band", ["1", "2"]) == [
        {"attribute": "sex", "group": "f", "band": "1", "people": 7}, {"attribute": "sex", "group": "f", "band": "2", "people": 0}, {"attribute": "sex", "group": "f", "band": "all", "people": 9},
    ]  # fmt: skip


@pytest.mark.parametrize("last", ["confusion", "representations", "charges_police_found"])
def test_every_table_comes_back_in_its_rows_whatever_tables_are_absent_or_empty(last: str) -> None:
    rows: dict[str, list[Any]] = {
        "confusion": [{"model": "m", "period": "p", "attribute": "everyone", "group": "all", "tp": 5, "fp": 11, "fn": 0, "tn": 86}],
        "representations": [{"kind": "asks", "outcome": "upheld", "received": 4}, {"kind": "asks", "outcome": "all", "received": 4}],
        "charges_police_found": [{"attribute": "everyone", "group": "all", "police_found": 15, "others": 20}],
    }
    found = tallies.rounded({"tracked": [], last: rows[last]}, drawn)
    assert list(found) == [last]
    assert found[last] == {
        "confusion": [{"model": "m", "period": "p", "attribute": "everyone", "group": "all", "tp": 5, "fp": 10, "fn": 0, "tn": 85}],
        "representations": [{"kind": "asks", "outcome": "upheld", "received": 5}, {"kind": "asks", "outcome": "all", "received": 5}],
        "charges_police_found": rows["charges_police_found"],
    }[last]
