from datetime import date

import pytest

from harmcast import settings
from harmcast.errors import SettingsRefused
from harmcast.gaps import Gap, missing

MONDAYS = [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23)]


def test_a_week_that_a_gap_touches_by_its_first_or_last_day_is_missing():
    assert missing([Gap(date(2026, 3, 15), date(2026, 3, 16))], MONDAYS) == [False, True, True, False]
    assert missing([Gap(date(2026, 3, 9), date(2026, 3, 15))], MONDAYS) == [False, True, False, False]
    assert missing([Gap(date(2026, 3, 8), date(2026, 3, 8))], MONDAYS) == [True, False, False, False]


def test_a_gap_of_some_areas_is_missing_there_alone():
    gap = Gap(date(2026, 3, 9), date(2026, 3, 15), ("North",))
    assert missing([gap], MONDAYS, "North") == [False, True, False, False]
    assert missing([gap], MONDAYS, "South") == [False] * 4
    assert missing([gap], MONDAYS) == [False] * 4


def test_a_gap_of_the_whole_force_is_missing_in_every_area():
    assert missing([Gap(date(2026, 3, 9), date(2026, 3, 15))], MONDAYS, "North") == [False, True, False, False]


GAP = """
[[gaps]]
from = 2026-03-09
to = 2026-03-15
areas = ["North"]
reason = "Records of the old system were not migrated."
"""


def test_gaps_are_read_from_the_settings():
    from tests.conftest import SETTINGS

    found = settings.parse(SETTINGS + GAP)
    assert found.gap_days == (Gap(date(2026, 3, 9), date(2026, 3, 15), ("North",)),)
    assert settings.parse(SETTINGS).gap_days == ()


@pytest.mark.parametrize(
    "broken",
    [
        GAP.replace("to = 2026-03-15", "to = 2026-03-08"),
        GAP.replace('reason = "Records of the old system were not migrated."', ""),
        GAP.replace('"Records of the old system were not migrated."', '" "'),
    ],
)
def test_a_gap_that_ends_before_it_begins_or_gives_no_reason_is_refused(broken):
    from tests.conftest import SETTINGS

    with pytest.raises(SettingsRefused) as refused:
        settings.parse(SETTINGS + broken)
    assert refused.value.code == "settings_invalid"
