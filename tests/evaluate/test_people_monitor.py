"""Said and came in the monitor of people: everyone, tenths, the half year, and what follows, against values written out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from harmcast.evaluate.monitor import Monitor
from harmcast.evaluate.monitor_thresholds import MonitorThresholds
from harmcast.evaluate.people_monitor import SAID, said_and_came, tenths_of, with_said
from harmcast.fairness import ratios

NONE = pl.DataFrame(schema={"person_ref": pl.String, "chance": pl.Float64, "became": pl.Boolean})


def given(said: float, came: int, people: int = 2000, first: int = 0) -> pl.DataFrame:
    """People with one chance each, `said` in sum; the first `came` of them became."""
    return pl.DataFrame({"person_ref": [f"p{first + k:05d}" for k in range(people)], "chance": [said / people] * people, "became": [k < came for k in range(people)]})


def verdicts(table: pl.DataFrame) -> dict[str, str]:
    return {f"{row['what']} {row['group']}": row["verdict"] for row in table.iter_rows(named=True)}


def fine() -> Monitor:
    empty = pl.DataFrame()
    return Monitor("fine", (), (), empty, empty, empty, empty, MonitorThresholds())


def test_tenths_keep_equal_chances_together() -> None:
    assert tenths_of(pl.Series([0.1 * k for k in range(1, 21)])).to_list() == [k // 2 + 1 for k in range(20)]
    assert tenths_of(pl.Series([0.5] * 10)).to_list() == [6] * 10
    assert tenths_of(pl.Series([], dtype=pl.Float64)).to_list() == []


def test_everyone_comes_first_and_each_row_says_what_it_could_find() -> None:
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.01, 0.3, 20_000)
    table = said_and_came({12: pl.DataFrame({"person_ref": [str(k) for k in range(20_000)], "chance": chance, "became": rng.random(20_000) < chance})}, NONE, False, 5)
    assert table["what"].to_list() == ["everyone"] + ["tenth"] * 10
    assert table["group"].to_list()[1:] == [f"{k:02d}" for k in range(1, 11)]
    assert table.columns == list(SAID)
    everyone = table.row(0, named=True)
    assert (everyone["bar_low"], everyone["bar_high"], everyone["verdict"]) == (0.9, 1.1, "met")  # over 1,200 are expected
    assert table.row(1, named=True)["bar_low"] == 0.8
    assert everyone["least_ratio"] == pytest.approx(ratios.least_ratio(everyone["said"], 11))
    assert table["least_ratio"].is_finite().all()


def test_a_rehearsal_is_never_met_and_suspends_nothing() -> None:
    sound, wrong = given(400, 400), given(400, 160)
    assert verdicts(said_and_came({12: sound}, NONE, False, 5))["everyone all"] == "met"
    assert verdicts(said_and_came({12: sound}, NONE, True, 5))["everyone all"] == "cannot say"
    table = said_and_came({12: wrong}, NONE, True, 5)
    assert verdicts(table)["everyone all"] == "stop"
    found = with_said(fine(), table, rehearsal=True)
    assert (found.state, found.rules) == ("watch", ())
    assert found.reasons[0].startswith("Rehearsal: Everyone: 160 became high harm within 12 months where chances said 400.0: 0.40 (")


def test_a_stop_of_everyone_suspends_by_name_and_a_stop_of_a_tenth_is_watched() -> None:
    found = with_said(fine(), said_and_came({12: given(400, 160)}, NONE, False, 5), rehearsal=False)
    assert (found.state, found.rules) == ("suspend", ("said_and_came/everyone",))
    low, high = given(200, 380, first=0), given(900, 720, first=5000)
    table = said_and_came({12: pl.concat([low, high])}, NONE, False, 5)
    assert verdicts(table) == {"everyone all": "met", "tenth 03": "stop", "tenth 08": "concern"}
    only_tenths = with_said(fine(), table.filter(pl.col("what") == "tenth"), rehearsal=False)
    assert (only_tenths.state, only_tenths.rules) == ("watch", ())


@pytest.mark.parametrize(("came", "verdict"), [(100, "cannot say"), (130, "cannot say"), (200, "stop"), (40, "stop")])
def test_the_half_year_can_only_stop(came: int, verdict: str) -> None:
    table = said_and_came({}, given(100, came), False, 5)
    row = table.row(0, named=True)
    assert (row["what"], row["months"], row["bar_low"], row["bar_high"], row["verdict"]) == ("half_year", 6, 0.67, 1.5, verdict)
    found = with_said(fine(), table, rehearsal=True)
    assert found.rules == (("said_and_came/half_year",) if verdict == "stop" else ())


def test_small_counts_are_not_kept_nor_given_away() -> None:
    table = said_and_came({12: pl.concat([given(20, 3, 1000), given(100, 90, 1000, 5000), given(200, 180, 1000, 9000)])}, NONE, False, 5)
    tenths = table.filter(pl.col("what") == "tenth")
    assert tenths["became"].to_list() == [None, None, 180]
    assert tenths["ratio"].null_count() == 2
    assert table.row(0, named=True)["became"] == 273
    assert said_and_came({12: NONE}, NONE, False, 5).is_empty()


@pytest.mark.parametrize("said", [120, 400])
def test_a_planted_inflation_of_the_least_ratio_is_found_and_a_sound_tool_seldom_troubled(said: int) -> None:
    rng = np.random.default_rng(7)
    people = 4000
    refs = [str(k) for k in range(people)]
    chance = rng.beta(1, 30, people)
    chance *= said / chance.sum()
    least = ratios.least_ratio(said, 11)
    found = false = 0
    for _ in range(200):
        sound, wrong = rng.random(people) < chance, rng.random(people) < chance / least
        for came, is_wrong in ((sound, False), (wrong, True)):
            table = said_and_came({12: pl.DataFrame({"person_ref": refs, "chance": chance, "became": came})}, NONE, False, 5)
            bad = table["verdict"].is_in(["concern", "stop"])
            found += is_wrong and bool(bad[0])
            false += not is_wrong and bool(bad.any())
    assert found >= 140  # power at least .7 where the inflation lies below
    assert false <= 14  # .07 of 200


def test_each_horizon_is_judged_once_it_is_over_and_a_stop_of_the_longer_suspends_by_its_own_name() -> None:
    table = said_and_came({12: given(400, 400), 24: given(700, 300)}, NONE, False, 5)
    told = table.filter(pl.col("what") == "everyone").select("months", "said", "became", "verdict").rows()
    assert told == [(12, 400.0, 400, "met"), (24, 700.0, 300, "stop")]
    assert table["least_ratio"][0] == pytest.approx(ratios.least_ratio(400.0, 4))  # everyone and one tenth, at two horizons
    found = with_said(fine(), table, rehearsal=False)
    assert (found.state, found.rules) == ("suspend", ("said_and_came/everyone/24m",))
    assert found.reasons[0].startswith("Everyone: 300 became high harm within 24 months where chances said 700.0: 0.43 (")
    not_over = said_and_came({12: given(400, 400), 24: NONE}, NONE, False, 5)
    assert not_over["months"].unique().to_list() == [12]
    assert not_over["least_ratio"][0] == pytest.approx(ratios.least_ratio(400.0, 2))


def test_two_horizons_together_trouble_a_sound_tool_no_more_than_one() -> None:
    rng = np.random.default_rng(9)
    refs, chance = [str(k) for k in range(4000)], rng.beta(1, 30, 4000)
    false = 0
    for _ in range(200):
        drawn = rng.random(4000)
        tables = {12: drawn < chance, 24: drawn < 1.6 * chance}
        given_ = {m: pl.DataFrame({"person_ref": refs, "chance": chance * (1.0 if m == 12 else 1.6), "became": came}) for m, came in tables.items()}
        false += said_and_came(given_, NONE, False, 5)["verdict"].is_in(["concern", "stop"]).any()
    assert false <= 14  # .07 of 200
