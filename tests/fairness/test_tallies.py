"""Tables of a closing as families that add up: shared totals are printed alike, margins nobody prints hold too."""

from __future__ import annotations

import random
from typing import Any

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
