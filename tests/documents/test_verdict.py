"""The verdict on a tool: ties shared, too early under six periods apart, better and worse by the range of the mean difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.documents import verdict
from harmcast.documents.people_results import PeopleResults, PutHigh
from harmcast.documents.verdict import PeopleVerdict, ReleasePeriod, RunningPeriod, of_places

FIRST = date(2026, 1, 5)


def period(number: int, ours: float, plain: float | None, weeks: int = 4, offences: int = 100, held: bool = True) -> ReleasePeriod:
    low, high = (90, 110) if held else (10, 20)
    return ReleasePeriod(f"R{number}", FIRST + timedelta(weeks=weeks * number), offences, ours, plain, 30.0, low, high)


def test_hits_share_a_tie_at_the_edge() -> None:
    scores, counts = np.array([9.0, 5.0, 5.0, 5.0, 1.0]), np.array([4.0, 3.0, 0.0, 0.0, 7.0])
    assert verdict.hits(scores, counts, 2) == 5.0  # the first, and one of the three that tie: a third of their 3
    assert verdict.hits(scores, counts, 4) == 7.0  # all of them: nothing to share


def test_hits_of_nothing_expected_anywhere_are_the_mean_place() -> None:
    assert verdict.hits(np.zeros(10), np.arange(10.0), 2) == 9.0


def test_a_list_longer_than_the_area_holds_all() -> None:
    assert verdict.hits(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 20) == 7.0
    assert verdict.hits(np.array([]), np.array([]), 20) == 0.0


def test_a_period_is_read_from_a_release_and_what_came() -> None:
    cells = pl.DataFrame({"cell": [f"c{i}" for i in range(40)], "expected": [40.0 - i for i in range(40)], "baseline_24m": [1.0] * 40})
    one = verdict.period("2026-W02", FIRST, cells, {"c0": 4, "c39": 6}, (5, 12))
    assert (one.offences, one.ours, one.plain, one.best, one.in_range) == (10, 4.0, 5.0, 10.0, True)
    blank = verdict.period("2026-W02", FIRST, cells.with_columns(baseline_24m=pl.lit(None, pl.Float64)), {"c0": 4}, None)
    assert (blank.plain, blank.in_range) == (None, None)


@pytest.mark.parametrize(("offences", "inside"), [(89, False), (90, True), (110, True), (111, False)])
def test_the_ends_of_the_force_range_are_inside(offences: int, inside: bool) -> None:
    assert period(0, 10, 9, offences=offences).in_range is inside


def test_periods_apart_are_counted_back_from_the_newest() -> None:
    weekly = [period(k, 10, 10, weeks=1) for k in range(6)]
    assert [p.release for p in verdict.apart(weekly, 4)] == ["R1", "R5"]


def test_nothing_over_names_the_day_on_which_the_first_ends() -> None:
    found = of_places([], [RunningPeriod("2026-W02", FIRST, date(2026, 2, 1)), RunningPeriod("2026-W03", FIRST, date(2026, 2, 8))], 4)
    assert (found.word, found.headline) == ("nothing yet", "Nothing to judge yet")
    assert found.says == "Nothing to judge yet: no release's four weeks are over. The first four weeks of a release end on 1 February 2026."


def test_five_periods_apart_are_too_early_and_six_are_not() -> None:
    five = of_places([period(k, 12 + k % 2, 10) for k in range(5)], [], 4)
    assert five.word == "too early"
    assert five.gain is None
    assert of_places([period(k, 12 + k % 2, 10) for k in range(6)], [], 4).word == "better"


def test_overlapping_periods_are_listed_and_do_not_make_it_early_enough() -> None:
    found = of_places([period(k, 12, 10, weeks=1) for k in range(9)], [], 4)
    assert found.word == "too early"
    assert found.so_far == "ahead in 3 of 3"
    assert (len(found.periods), found.total("offences"), found.total("ours")) == (9, 300, 36)  # weeks 8, 4 and 0: each offence once
    assert found.force_says == "The force range held in 3 of 3."
    assert of_places([period(k, 12, 10, weeks=1) for k in range(3)], [], 4).says.startswith(
        "Too early to say whether it beats a plain count: in the newest four-week period that is over, its 20 places held 12 of 100 offences"
    )


def test_too_early_says_the_counts_and_who_is_ahead() -> None:
    found = of_places([period(0, 12, 10), period(1, 10, 10.4), period(2, 9, 10), period(3, 10.5, 10, held=False)], [], 4)
    assert found.says == (
        "Too early to say whether it beats a plain count: in the 4 four-week periods that are over and do not overlap, its 20 places held 42 of 400 offences, "
        "a plain 24-month count's 40, a perfect choice 120 (ahead in 2, level in 1, behind in 1 of 4). The force range held in 3 of 4."
    )


@pytest.mark.parametrize(
    ("gains", "word"),
    [([2, 3, 2, 3, 2, 3], "better"), ([-2, -3, -2, -3, -2, -3], "worse"), ([5, -5, 4, -4, 3, -3], "no better"), ([0, 0, 0, 0, 0, 0], "no better")],
)
def test_the_range_of_the_mean_difference_decides(gains: list[int], word: str) -> None:
    found = of_places([period(k, 20 + g, 20) for k, g in enumerate(gains)], [], 4)
    assert found.word == word
    assert found.gain
    assert found.gain[0] == pytest.approx(sum(gains) / 6)


def test_a_judged_tool_says_the_difference_with_its_range() -> None:
    says = of_places([period(k, 22, 20) for k in range(6)], [], 4).says
    assert says.startswith("Better than a plain count: in the 6 four-week periods that are over and do not overlap, its 20 places held 132 of 600 offences")
    assert "The difference is +2.0 offences a period, could be +2.0 to +2.0. The force range held in 6 of 6." in says


def test_periods_without_the_plain_count_are_kept_and_not_compared() -> None:
    found = of_places([period(0, 12, None), period(1, 12, 10)], [], 4)
    assert len(found.periods) == 2
    assert found.total("ours") == 12
    assert found.so_far == "ahead in 1 of 1"


RESULTS = PeopleResults(
    months=12, rehearsal=False, first_day="2025-11-23", last_day="2025-11-23", releases=1, people=5532, distinct=175, said=212.4, came=175,
    ratio=0.82, ratio_low=0.7, ratio_high=0.96, least_ratio=1.2, verdict="concern", capacity=274, capacity_share=0.05, useful_share=None,
    card=PutHigh(274, 17, 158, None), plain=PutHigh(274, 15, 160, None), gain=0.13, gain_low=0.02, years=(),
)  # fmt: skip


def test_people_without_results_are_too_early() -> None:
    found = PeopleVerdict(None, date(2027, 10, 4))
    assert found.headline == "Too early to say"
    assert found.says == "Too early to say: no released chance's 12 months are over. The 12 months of the first release end on 4 October 2027."


def test_people_say_put_high_became_missed_said_and_came() -> None:
    found = PeopleVerdict(RESULTS)
    assert found.headline == "Better than a plain harm score"
    assert found.says == (
        "It put 274 people high, and 17 of them became high harm within 12 months. 175 of 5,532 became so, and it missed 158 of them; "
        "it had said 212 would. Picking as many by plain harm alone found 15 of them."
    )


@pytest.mark.parametrize(
    ("gain", "low", "word"),
    [(0.13, 0.02, "better"), (0.13, 0.0, "no better"), (-0.1, -0.15, "worse"), (-0.1, -0.2, "no better"), (None, None, "too early")],
)
def test_people_are_set_beside_plain_harm_by_the_range_of_the_gain(gain: float | None, low: float | None, word: str) -> None:
    assert PeopleVerdict(replace(RESULTS, gain=gain, gain_low=low)).word == word


def test_a_rehearsal_is_never_a_verdict() -> None:
    found = PeopleVerdict(replace(RESULTS, rehearsal=True), date(2027, 10, 4))
    assert found.word == "too early"
    assert found.says.startswith("Too early to say of what went out. The 12 months of the first release end on 4 October 2027. Tried afterwards on the year before")


def test_small_numbers_are_not_told() -> None:
    small = replace(RESULTS, came=None, card=PutHigh(274, None, None, None), plain=PutHigh(274, None, None, None))
    assert "fewer than 5 of them became high harm" in PeopleVerdict(small).says


def test_a_rehearsal_says_where_the_score_did_no_better_than_plain_harm() -> None:
    worse = replace(RESULTS, rehearsal=True, card=PutHigh(240, 22, 93, None), plain=PutHigh(240, 24, 91, None))
    assert PeopleVerdict(worse).says.endswith("Picking as many by plain harm alone found 24 of them. So the score did no better than plain harm.")
    assert PeopleVerdict(replace(RESULTS, rehearsal=True)).says.endswith("found 15 of them.")
