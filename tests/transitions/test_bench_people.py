"""The bench of the person half is itself right: what it calls a fault, a difference, an allowance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from bench import known_chances, other_forces, people_again, people_philadelphia

from harmcast.people.offences import crosswalk, kinds


def _document() -> dict[str, object]:
    one = dict.fromkeys(people_philadelphia.FIGURES, 0.5)
    return {"tool": "iom", "chosen": {"12m": "card", "24m": "card"}, "history": {}, "horizon": {h: {"plain_harm": dict(one), "card": dict(one)} for h in ("12m", "24m")}}


def test_the_contracts_json_is_told_from_one_that_lacks_something() -> None:
    assert people_philadelphia.faults(_document()) == []
    assert people_philadelphia.faults({"tool": "iom"}) == ["chosen", "horizon", "history"]
    short = _document()
    del short["horizon"]["24m"]["card"]["ece"]  # type: ignore[index]
    short["horizon"]["12m"]["card"]["auc"] = 1.2  # type: ignore[index]
    assert people_philadelphia.faults(short) == ["12m card: auc not a share", "24m card: no ece"]
    other = _document()
    other["chosen"]["12m"] = "unheard of"  # type: ignore[index]
    assert len(people_philadelphia.faults(other)) == 1


def test_the_second_look_up_of_codes_agrees_with_the_first_on_every_code_of_the_crosswalk() -> None:
    codes = [*crosswalk()["offence_code"].to_list(), "008/06", "105A/01", "no such code", "999/99"]
    ours = people_again.looked_up(codes)
    for row in kinds(pl.Series(codes)).iter_rows(named=True):
        assert {name: ours[row["offence_code"]][name] for name in ("kind", "violent", "weapon")} == {name: row[name] for name in ("kind", "violent", "weapon")}
    assert ours["no such code"]["weight"] is None


def test_a_single_changed_value_is_a_different_row() -> None:
    a = pl.DataFrame({"person_ref": ["x", "y", "z"], "harm": [1.0, 2.0, 3.0]})
    assert people_again._equal_rows(a, a[[2, 0, 1]]) == 3
    assert people_again._equal_rows(a, a.with_columns(harm=pl.Series([1.0, 2.0, 3.0 + 1e-12]))) == 2
    assert people_again._equal_rows(a, a.head(1)) == 1


def test_a_force_of_another_make_knows_its_own_chances() -> None:
    """The chances that follow from the process hold on careers run on: of those with a chance near p, about p cross."""
    made = other_forces.force(5, 24, people=3000)
    months = made.versions.group_by("person_ref").len()
    assert made.persons.height == months.height
    refs = made.persons["person_ref"].to_list()[:300]
    few, many = (made.known(refs, draws=d, seed=s) for d, s in ((60, 1), (240, 2)))
    assert (many[12] <= many[24]).all()
    assert few[12].mean() == pytest.approx(many[12].mean(), rel=0.1)
    assert np.corrcoef(few[12], many[12])[0, 1] > 0.95


def test_what_is_compared_is_counted_right() -> None:
    table = pl.DataFrame({
        "chance": [0.1] * 10 + [0.2] * 10, "harm": [float(k) for k in range(20)], "low": 0.05, "high": 0.15, "known": [0.1] * 10 + [0.1] * 10,
        "group_low": 0.09, "group_high": 0.21, "points": 1, "plain_points": 1,
    })  # fmt: skip
    got = known_chances.compared(table, 12)
    assert got["said_over_known"] == pytest.approx(1.5)
    assert (got["holds"], got["tenths"], got["group_holds"], got["mean_held"]) == (1.0, [1.0] * 10, 10, True)
    assert got["auc_best"] == pytest.approx(0.5)


def test_each_tenth_and_each_score_is_judged_on_its_own_people() -> None:
    """Ten people with known chances .05 to .95: the card ranks them right, the plain card backwards, and one range misses."""
    known = [k / 10 + 0.05 for k in range(10)]
    table = pl.DataFrame({
        "chance": known, "known": known, "harm": 1.0, "points": range(10), "plain_points": range(10, 0, -1),
        "low": 0.0, "high": [1.0] * 9 + [0.9], "group_low": 0.0, "group_high": 1.0,
    })  # fmt: skip
    got = known_chances.compared(table, 12)
    assert (got["holds"], got["tenths"]) == (0.9, [1.0] * 9 + [0.0])
    # Pairs of one who became and one who did not, by chance: right where the one who became stands above; ties count half.
    right = sum(p * (1 - q) * ((p > q) + 0.5 * (p == q)) for p in known for q in known) / (sum(known) * sum(1 - q for q in known))
    assert got["auc_card"] == pytest.approx(right)
    assert got["auc_plain"] == pytest.approx(1 - right)
    assert got["auc_harm"] == pytest.approx(0.5)
