"""Each check of a load at its boundary; expected values are written out."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from harmcast.feed.effects import codes, counted, dates, people, places, references
from harmcast.feed.effects.bounds import at_most, bound, none_is_unlikely, share_bound
from harmcast.gaps import Gap


def test_eleven_weeks_are_too_few_to_judge_by() -> None:
    assert bound([100] * 11, 4.0) is None
    assert bound([100] * 12, 4.0) is not None


def test_a_steady_hundred_allows_counting_noise_and_no_more() -> None:
    """Poisson of mean 100, tails of 4 standard deviations (3.17e-5 each): 63 and 142."""
    assert bound([100] * 52, 4.0) == (63, 142)


def test_a_scattered_past_allows_more() -> None:
    low, high = bound([60, 140, 90, 150, 70, 110, 130, 80, 120, 95, 105, 75, 100] * 4, 4.0) or (0, 0)
    assert low < 50
    assert high > 180


def test_a_past_whose_median_deviation_is_nothing_still_scatters() -> None:
    """Three weeks of five lie at 100, so the median deviation is 0: the rest widen the bound by half, from (63, 142)."""
    assert bound([100, 60, 100, 140, 100] * 10, 4.0) == (49, 169)


def test_five_wild_weeks_of_52_widen_nothing_and_more_widen_by_half_at_most() -> None:
    assert bound([100] * 47 + [0, 0, 900, 900, 900], 4.0) == (63, 142)
    assert bound([100] * 46 + [900] * 6, 4.0) == (49, 169)


def test_small_counts_are_exact() -> None:
    """One a week: nothing at all in a week is usual, in four weeks too, ten in a week is not."""
    low, high = bound([1] * 52, 4.0) or (-1, -1)
    assert (low, high) == (0, 7)
    assert (bound([1] * 52, 4.0, weeks=4) or (-1, -1))[0] == 0


def test_a_share_of_few_may_be_anything() -> None:
    assert share_bound(0.05, 20, 4.0)[1] >= 0.3
    assert share_bound(0.05, 2000, 4.0)[1] < 0.08


def test_a_cap_is_the_larger_of_a_number_and_a_share() -> None:
    assert at_most(1000, 20, 0.01) == 20
    assert at_most(3000, 20, 0.01) == 30


# -- matched, volume ------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "verdict"), [(63, "ok"), (62, "hold"), (142, "ok"), (143, "hold")])
def test_a_week_outside_its_past_is_held(now: int, verdict: str) -> None:
    assert counted.volume("crimes", [now] + [100] * 52, 4.0).verdict == verdict


def test_a_slow_fall_is_seen_over_four_weeks() -> None:
    """75 in each of four weeks is within the bound of any one week, and 300 is under that of four (400 as usual)."""
    found = counted.matched("knife_injury", [75] * 4 + [100] * 52, 4.0, whole_tool=True)
    assert (found.verdict, found.value) == ("hold", 300)


def test_a_definition_that_matches_nothing_is_held_and_a_value_noted() -> None:
    assert counted.matched("knife_injury", [0] * 57, 4.0, whole_tool=True).verdict == "hold"
    assert counted.matched("knife_injury injury fatal", [0] * 57, 4.0, whole_tool=False).verdict == "note"


@pytest.mark.parametrize(("whole", "usual", "verdict"), [(True, [], "refuse"), (False, [], "note"), (False, [50.0] * 12, "hold"), (False, [0.0, 1.0] * 6, "note")])
def test_a_table_without_rows(whole: bool, usual: list[float], verdict: str) -> None:
    assert counted.without_rows("persons", 900, whole, usual, 4.0).verdict == verdict


# -- codes ----------------------------------------------------------------------------------------


def test_a_code_that_ends_while_another_of_its_class_begins_is_held_and_both_are_named() -> None:
    weekly = {"008/01": [0] * 4 + [20] * 52, "008/71": [20] * 4 + [0] * 52, "028/01": [30] * 4 + [0] * 52}
    found = codes.recoded("serious_violence", ["008/01"], weekly, 4.0)
    assert [(e.verdict, e.scope) for e in found] == [("hold", "serious_violence 008/01")]
    assert "008/71" in found[0].says
    assert "028/01" not in found[0].says


def test_a_code_that_ends_alone_is_no_recoding() -> None:
    weekly = {"008/01": [0] * 4 + [20] * 52, "008/71": [20] * 56}
    assert [e.verdict for e in codes.recoded("serious_violence", ["008/01"], weekly, 4.0)] == ["ok"]


@pytest.mark.parametrize(("weekly", "verdict"), [
    ([0] + [20] * 52, "hold"), ([1] + [20] * 52, "ok"), ([0] * 3 + [20] * 52, "hold"), ([0] + [9] * 52, "ok"), ([0] + [20, 0] * 26, "ok"),
    ([0] + [20] * 11, "ok"), ([0] * 45 + [20] * 12, "hold"), ([0] + [13] * 52, "hold"), ([0] + [12] * 52, "ok"), ([0] * 57, "ok"), ([], "ok"),
    ([0] * 2 + [5] * 52, "ok"), ([0] * 3 + [5] * 52, "hold"), ([0] * 12 + [1] * 45, "ok"), ([0] * 13 + [1] * 44, "hold"),
    ([0] * 25 + [1, 0] * 16, "ok"), ([0] * 26 + [1, 0] * 15 + [1], "hold"),
])  # fmt: skip
def test_a_class_is_held_where_none_came_for_longer_than_chance_brings(weekly: list[int], verdict: str) -> None:
    """4.5 deviations are a chance of 3.4e-6, or e to the -12.59: so many must be expected of a class that counts alone scatter."""
    (found,) = codes.gone("crimes", {"008": weekly}, {"008": date(2026, 2, 23)}, 4.5)
    assert (found.check, found.verdict) == ("classes", verdict)
    assert found.scope == ("crimes 008" if verdict == "hold" else "crimes")
    assert (found.value, found.low) == (0, 1 if verdict == "hold" else None)


def test_a_class_that_is_gone_is_named_with_what_would_be_as_before() -> None:
    (found,) = codes.gone("crimes", {"008": [0] * 3 + [5] * 52, "028": [5] * 55}, {"008": date(2026, 2, 23), "028": date(2026, 3, 16)}, 4.5)
    assert (found.scope, found.says) == ("crimes 008", "none of class 008 since 2026-02-23; about 15 would be as before.")


@pytest.mark.parametrize(("past", "longest"), [
    ([20, 0] * 26, 6),  # each week multiplies the chance by e to the -1.93
    ([60] * 4 + [0] * 4 + [60] * 4 + [0] * 40, 56),  # two bursts of four weeks
    ([9] * 13 + [0] * 13 + [9] * 13 + [0] * 13, 19),  # a season: by single weeks alone 8
    ([100] * 47 + [900] * 5, 0),  # five wild weeks of 52 widen nothing
    ([100] * 46 + [900] * 6, 5),
    ([20] * 11, 56),  # too few weeks to judge by
])  # fmt: skip
def test_the_longest_silence_that_is_as_before_grows_with_how_much_a_class_scatters(past: list[int], longest: int) -> None:
    assert [weeks for weeks in range(1, 57) if not none_is_unlikely(past, weeks, 4.5)] == list(range(1, longest + 1))


@pytest.mark.parametrize(("missing", "verdict"), [(0, "ok"), (10, "note"), (11, "hold")])
def test_more_than_a_tenth_without_weight_is_held(missing: int, verdict: str) -> None:
    found = codes.weights("iom", {"exact": 100 - missing, "missing": missing}, {}, {"999": missing} if missing else {}, 4.0)
    assert found[0].verdict == verdict


def test_a_share_without_weight_that_jumps_is_held_though_small() -> None:
    found = codes.weights("iom", {"exact": 9950, "missing": 50}, {"exact": 60, "missing": 40}, {"999": 50}, 4.0)
    assert [e.verdict for e in found] == ["note", "hold"]


@pytest.mark.parametrize(("bare", "verdict"), [({}, "ok"), ({"101": 1}, "hold")])
def test_one_number_that_could_be_two_codes_is_held_and_named(bare: dict[str, int], verdict: str) -> None:
    found = codes.undecided("charges", bare, 50)
    assert (found.check, found.scope, found.verdict, found.value) == ("weights", "charges bare codes", verdict, len(bare))
    assert ("101 (1)" in found.says) == bool(bare)


@pytest.mark.parametrize(("unknown", "n", "verdict"), [(0, 100, "ok"), (1, 100, "note"), (10, 100, "note"), (11, 100, "hold"), (19, 19, "note")])
def test_codes_that_nobody_knows_are_noted_and_more_than_a_tenth_of_a_first_load_held(unknown: int, n: int, verdict: str) -> None:
    found = codes.unknown("crimes", {"8 dot 6": unknown} if unknown else {}, n, 0, 0, 4.0)
    assert (found.check, found.scope, found.verdict, found.value) == ("codes", "crimes offence_code", verdict, unknown / n)
    assert (f"8 dot 6 ({unknown})" in found.says) == bool(unknown)


def test_codes_that_nobody_knows_are_held_where_their_share_rose() -> None:
    """1% of 200 is 2; chance brings over 9 about once in 30,000 weeks."""
    assert codes.unknown("crimes", {"C34": 9}, 200, 10, 1000, 4.0).verdict == "note"
    assert codes.unknown("crimes", {"C34": 15}, 200, 10, 1000, 4.0).verdict == "hold"
    assert codes.unknown("crimes", {"C34": 30}, 200, 150, 1000, 4.0).verdict == "note"


@pytest.mark.parametrize(("known", "n", "verdict"), [(0, 19, "ok"), (0, 20, "hold"), (49, 100, "hold"), (50, 100, "ok"), (0, 0, "ok")])
def test_a_first_load_in_which_half_of_the_people_have_no_date_of_birth_is_held(known: int, n: int, verdict: str) -> None:
    found = people.births(known, n, (), 4.0)
    assert (found.check, found.scope, found.verdict) == ("births", "persons born_on", verdict)
    assert bool(found.next_step) == (verdict == "hold")


@pytest.mark.parametrize(("past", "known", "n", "verdict"), [
    ([0.98, 1.0, 0.97], 200, 200, "ok"), ([0.98, 1.0, 0.97], 176, 200, "ok"), ([0.98, 1.0, 0.97], 175, 200, "hold"), ([0.98], 0, 200, "hold"),
    ([1.0, 1.0], 44, 45, "ok"), ([1.0, 1.0], 35, 45, "ok"), ([1.0, 1.0], 34, 45, "hold"),
    ([0.8], 136, 200, "ok"), ([0.8], 135, 200, "hold"),
])  # fmt: skip
def test_fewer_dates_of_birth_than_before_are_held(past: list[float], known: int, n: int, verdict: str) -> None:
    """95% of 200 is 190; chance brings 175 or fewer less than once in 30,000 loads. Where everybody's was known, one without is not odd."""
    assert people.births(known, n, past, 4.0).verdict == verdict


# -- references and keys --------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "verdict"), [(0, "ok"), (1, "note"), (20, "note"), (21, "hold")])
def test_rows_that_differ_and_were_not_taken_are_said_and_more_than_a_tenth_held(count: int, verdict: str) -> None:
    found = references.older("crimes", count, 200)
    assert (found.check, found.scope, found.verdict) == ("older", "crimes changed_at", verdict)
    assert found.says == f"{count} of 200 rows differ from what is held and were not taken: their changed_at is older."


def test_links_that_find_nobody_are_noted_and_a_jump_is_held() -> None:
    assert references.links("charges crime_ref", 0, 100, 0, 1000, 4.0).verdict == "ok"
    assert references.links("charges crime_ref", 1, 100, 10, 1000, 4.0).verdict == "note"
    assert references.links("charges crime_ref", 40, 100, 10, 1000, 4.0).verdict == "hold"
    assert references.links("charges crime_ref", 19, 19, 0, 0, 4.0).verdict == "note"


@pytest.mark.parametrize(("scope", "unfound", "said"), [
    ("charges person_ref", 0, ""),
    ("charges person_ref", 1, "Look whether both tables come from the same extract and write references alike. A person sent before their first charge was not kept and must be sent again, with that charge or after it."),
    ("charges crime_ref", 1, "Look whether both tables come from the same extract and write references alike."),
    ("persons merged_into", 1, "Look whether both tables come from the same extract and write references alike."),
])  # fmt: skip
def test_a_charge_of_a_person_not_held_says_that_the_person_must_come_again(scope: str, unfound: int, said: str) -> None:
    assert references.links(scope, unfound, 100, 0, 1000, 4.0).next_step == said


def test_one_reference_that_gathers_ten_times_the_next_is_held() -> None:
    assert references.gathered("charges crime_ref", 30, 2, 900).verdict == "ok"
    assert references.gathered("charges crime_ref", 31, 2, 900).verdict == "hold"
    assert references.gathered("charges crime_ref", 60, 6, 900).verdict == "ok"


@pytest.mark.parametrize(("repeated", "verdict"), [(0, "ok"), (50, "note"), (51, "refuse")])
def test_repeated_keys_are_refused_above_their_share(repeated: int, verdict: str) -> None:
    assert references.keys("crimes", 1000, repeated, 0, 0.05)[0].verdict == verdict


def test_repeats_that_the_mapping_expects_are_noted() -> None:
    assert references.keys("crimes", 1000, 500, 0, 0.05, is_meant=True)[0].verdict == "note"
    assert references.keys("crimes", 1000, 0, 500, 0.05, is_meant=True)[1].verdict == "refuse"


def test_nine_rows_are_too_few_to_refuse_by() -> None:
    assert references.keys("crimes", 10, 9, 0, 0.05)[0].verdict == "note"
    assert references.keys("crimes", 10, 0, 10, 0.05)[1].verdict == "refuse"


@pytest.mark.parametrize(("changed", "exchanged", "again", "verdicts"), [
    (0, 0, 0, ["ok", "ok"]), (4, 4, 20, ["ok", "ok"]), (5, 4, 20, ["hold", "ok"]), (5, 5, 50, ["ok", "hold"]), (6, 0, 50, ["hold", "ok"]), (5, 0, 50, ["ok", "ok"]),
])  # fmt: skip
def test_births_that_a_load_changes_are_held_where_many_or_where_day_and_month_are_exchanged(changed: int, exchanged: int, again: int, verdicts: list[str]) -> None:
    found = people.births_changed(changed, exchanged, again)
    assert [(e.check, e.scope) for e in found] == [("births", "persons born_on changed"), ("births", "persons born_on exchanged")]
    assert [e.verdict for e in found] == verdicts
    assert [bool(e.next_step) for e in found] == [verdict == "hold" for verdict in verdicts]


# -- dates ----------------------------------------------------------------------------------------


def test_dates_by_month_only_are_refused() -> None:
    found = dates.resolution("crimes", [40], [2] * 20, [24, 10])
    assert [e.verdict for e in found] == ["refuse", "note"]


def test_a_delivery_of_one_day_is_not_dates_by_month() -> None:
    """Recorded and happened on one day, but for a few of the day before."""
    assert dates.resolution("crimes", [95, 25], [120], [5, 4])[0].verdict == "ok"


def test_thirty_nine_rows_say_nothing() -> None:
    assert dates.resolution("crimes", [39], [2] * 19, [1])[0].verdict == "ok"


MONDAYS = [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19), date(2026, 1, 26), date(2026, 2, 2)]


def test_empty_weeks_next_to_each_other_are_one_proposed_gap() -> None:
    found = dates.gaps(MONDAYS, [50, 0, 0, 50, 50], [])
    assert [(e.verdict, e.scope, e.value) for e in found] == [("hold", "crimes 2026-01-12 to 2026-01-25", 2)]
    assert "from = 2026-01-12, to = 2026-01-25" in found[0].next_step


def test_a_declared_gap_is_not_proposed_again() -> None:
    assert dates.gaps(MONDAYS, [50, 0, 0, 50, 50], [Gap(date(2026, 1, 12), date(2026, 1, 25))])[0].verdict == "ok"


def test_a_thin_week_is_noted_and_few_records_say_nothing() -> None:
    assert [e.verdict for e in dates.gaps(MONDAYS, [50, 4, 50, 50, 50], [])] == ["note"]
    assert [e.verdict for e in dates.gaps(MONDAYS, [50, 5, 50, 50, 50], [])] == ["ok"]
    assert [e.verdict for e in dates.gaps(MONDAYS, [13, 0, 13, 13, 13], [])] == ["ok"]
    assert [e.verdict for e in dates.gaps(MONDAYS, [14, 0, 14, 14, 14], [])] == ["hold"]


NOW = datetime(2026, 3, 2, 5)


@pytest.mark.parametrize(("made", "verdict"), [(datetime(2026, 3, 3, 5), "ok"), (datetime(2026, 3, 3, 6), "refuse"), (datetime(2020, 1, 1), "ok")])
def test_a_delivery_from_the_future_is_refused(made: datetime, verdict: str) -> None:
    assert dates.time(made, NOW, None)[0].verdict == verdict


def test_a_delivery_older_than_its_newest_record_is_refused() -> None:
    assert dates.time(NOW, NOW, datetime(2026, 3, 3, 5))[1].verdict == "ok"
    assert dates.time(NOW, NOW, datetime(2026, 3, 3, 6))[1].verdict == "refuse"


# -- people, deletions, places --------------------------------------------------------------------


@pytest.mark.parametrize(("count", "verdict"), [(20, "ok"), (21, "hold")])
def test_more_than_20_people_leave_a_small_cohort(count: int, verdict: str) -> None:
    assert people.people("iom", "merged_away", count, 900, (), 4.0).verdict == verdict


def test_a_past_of_twelve_loads_is_the_bound() -> None:
    assert people.people("iom", "dead", 30, 9000, [2.0] * 12, 4.0).verdict == "hold"
    assert people.people("iom", "dead", 30, 9000, [2.0] * 11, 4.0).verdict == "ok"


@pytest.mark.parametrize(
    ("deleted", "month", "held", "verdict", "needed"),
    [(20, 20, 900, "ok", 1), (21, 21, 900, "hold", 2), (30, 30, 3000, "ok", 1), (31, 31, 3000, "hold", 2), (1, 60, 900, "ok", 1), (1, 61, 900, "hold", 2), (0, 99, 900, "ok", 1), (46, 46, 900, "refuse", 1), (3, 3, 3, "ok", 1)],
)
def test_deletions_above_a_cap_need_two_people_and_above_a_share_are_refused(deleted: int, month: int, held: int, verdict: str, needed: int) -> None:
    found = people.deletions("persons", deleted, month, held, 0.05)
    assert (found.verdict, found.people) == (verdict, needed)


@pytest.mark.parametrize(("unfound", "count", "verdict"), [(12, 12, "hold"), (4, 4, "ok"), (5, 9, "hold"), (5, 10, "ok"), (0, 0, "ok")])
def test_listed_keys_that_name_nothing_are_held_above_half(unfound: int, count: int, verdict: str) -> None:
    found = people.listed("charges", unfound, count)
    assert (found.check, found.scope, found.verdict) == ("deletions", "charges listed", verdict)
    assert found.says == f"{unfound} of {count} listed keys name nothing held."


def test_one_incident_with_many_victims_is_named() -> None:
    assert places.incident("knife_injury", 10, 1).verdict == "ok"
    assert places.incident("knife_injury", 11, 1).verdict == "note"
    assert places.incident("knife_injury", 15, 3).verdict == "ok"


@pytest.mark.parametrize(
    ("at_point", "n", "verdict"),
    [(49, 100, "ok"), (50, 2_500, "ok"), (51, 2_500, "note"), (250, 2_500, "note"), (251, 2_500, "hold"), (0, 0, "ok")],
)
def test_a_point_that_gathers_crimes_is_named_by_its_square_alone(at_point: int, n: int, verdict: str) -> None:
    found = places.one_point(at_point, n, "E400000 N290000")
    assert (found.check, found.scope, found.verdict) == ("placeholders", "crimes place", verdict)
    assert ("E400000 N290000" in found.says) is (verdict != "ok")
