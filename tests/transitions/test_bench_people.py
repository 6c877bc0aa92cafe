"""The bench of the person half is itself right: what it calls a fault, a difference, an allowance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from bench import known_chances, people_again, people_philadelphia

from harmcast.people.offences import crosswalk, kinds
from harmcast.transitions.ranges import UNSEEN_ABOVE, UNSEEN_BELOW, Z
from harmcast.transitions.regression import chance


def _document() -> dict[str, object]:
    one = dict.fromkeys(people_philadelphia.FIGURES, 0.5)
    return {"tool": "iom", "chosen": {"12m": "card", "24m": "card"}, "horizon": {h: {"plain_harm": dict(one), "card": dict(one)} for h in ("12m", "24m")}}


def test_the_contracts_json_is_told_from_one_that_lacks_something() -> None:
    assert people_philadelphia.faults(_document()) == []
    assert people_philadelphia.faults({"tool": "iom"}) == ["chosen", "horizon"]
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


def test_the_allowance_needed_is_the_one_that_was_planted() -> None:
    rng = np.random.default_rng(2)
    n, below, above, seen = 40_000, 0.6, 0.3, 0.04
    eta = rng.normal(-3, 0.5, n)
    off = np.where(rng.random(n) < 0.5, -np.abs(rng.normal(0, np.sqrt(seen + below**2), n)), np.abs(rng.normal(0, np.sqrt(seen + above**2), n)))
    table = pl.DataFrame({
        "chance_high_harm_12m": chance(eta),
        "chance_high_harm_12m_low": chance(eta - Z * np.sqrt(seen + UNSEEN_BELOW**2)),
        "chance_high_harm_12m_high": chance(eta + Z * np.sqrt(seen + UNSEEN_ABOVE**2)),
        "known_12m": chance(eta + off),
    })  # fmt: skip
    found = known_chances.allowances_needed(table, 12, 0.05)
    assert found == pytest.approx((below, above), rel=0.05)
