"""What came of a tool in shadow: each release looked at once at each step, counts hidden where few, and never what is not yet known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from harmcast.runs import shadowed
from harmcast.weeks import add_months

FIRST = date(2025, 1, 6)


@dataclass
class Made:
    """A release as the stage reads one."""

    as_of: date
    people: int = 400
    model: str = "m"

    @property
    def origin(self) -> date:
        return self.as_of

    @property
    def week(self) -> str:
        return str(self.as_of)

    def has(self, name: str) -> bool:
        return True

    def frame(self, name: str) -> pl.DataFrame:
        chance = np.linspace(0.001, 0.2, self.people)
        return pl.DataFrame({"person_key": [f"k{i:04d}" for i in range(self.people)], "chance_high_harm_12m": chance, "chance_high_harm_24m": chance})


def who(people: int = 400) -> SimpleNamespace:
    keys = pl.DataFrame({"person_key": [f"k{i:04d}" for i in range(people)], "person_ref": [f"p{i:04d}" for i in range(people)]})
    return SimpleNamespace(tool=SimpleNamespace(name="iom", horizons_months=[12, 24]), keys=keys, scored=SimpleNamespace(source=None))


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The people with the highest chances became high harm, as many as the list's one number says."""
    many = [40]
    monkeypatch.setattr(shadowed, "reached_by", lambda source, day, end, refs: refs.is_in(refs.tail(many[0]).implode()))
    return many


def figures(as_of: date, weeks: int) -> pl.DataFrame:
    history = [Made(as_of - timedelta(weeks=k)) for k in range(weeks, 0, -1)]
    return shadowed.people_judged(who(), as_of, history)  # type: ignore[arg-type]


def test_each_step_is_looked_at_once(came: list[int]) -> None:
    seen: list[tuple[date, str]] = []
    for week in range(1, 60):
        now = FIRST + timedelta(weeks=week)
        history = [Made(FIRST + timedelta(weeks=k)) for k in range(week)]
        table = shadowed.people_judged(who(), now, history)  # type: ignore[arg-type]
        seen += table.filter(pl.col("figure").str.starts_with("became_")).select("origin", "figure").rows()
    own = [figure for origin, figure in seen if origin == FIRST]
    assert own == ["became_so_far_13w", "became_so_far_26w", "became_so_far_39w", "became_12m"]
    assert len(seen) == len(set(seen))


def test_nothing_is_judged_before_its_time(came: list[int]) -> None:
    assert figures(FIRST, 12).is_empty()
    day = add_months(FIRST, 12)
    assert "auc_12m" not in shadowed.people_judged(who(), day - timedelta(days=1), [Made(FIRST)])["figure"]  # type: ignore[arg-type]


def test_figures_are_what_came(came: list[int]) -> None:
    table = {row["figure"]: row for row in shadowed.people_judged(who(), FIRST + timedelta(weeks=53), [Made(FIRST - timedelta(weeks=1)), Made(FIRST)]).iter_rows(named=True) if row["origin"] == FIRST}  # type: ignore[arg-type]
    assert table["became_12m"]["value"] == 40
    assert table["auc_12m"]["value"] == pytest.approx(1.0)
    assert table["auc_12m"]["n"] == 400
    assert table["expected_12m"]["value"] == pytest.approx(np.linspace(0.001, 0.2, 400).sum())
    assert 0 < table["brier_12m"]["value"] < 1


def test_few_are_not_counted_out_loud(came: list[int]) -> None:
    came[0] = 3
    table = figures(FIRST, 13)
    assert table.height
    assert table.filter(~pl.col("figure").str.starts_with("expected_"))["value"].null_count() == table.height - table["figure"].str.starts_with("expected_").sum()
    assert set(table.filter(pl.col("value").is_null())["reason"]) == {shadowed.SMALL}


def test_came_over_said_stands_on_the_number_expected_with_its_log_interval() -> None:
    figure, ratio, low, high, unit, _, reason = shadowed._came_over_said("12m", 120.0, 100, False)
    assert (figure, unit, reason) == ("came_over_said_12m", "ratio", None)
    assert ratio == pytest.approx(100 / 120)
    assert (low, high) == pytest.approx((100 / 120 * np.exp(-0.19599639845), 100 / 120 * np.exp(0.19599639845)))
    assert shadowed._came_over_said("12m", 120.0, 3, True)[1] is None
    assert shadowed._came_over_said("12m", 3.0, 0, False)[1] is None
