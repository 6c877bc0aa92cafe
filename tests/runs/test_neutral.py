"""The census table a force brings: each line that cannot be used is named, and nothing of it is shown."""

from __future__ import annotations

import pytest

from harmcast.errors import SettingsRefused
from harmcast.fairness.groups import GroupRules
from harmcast.runs.check import check_state
from harmcast.runs.neutral import read
from harmcast.store.state import State

HEAD = "attribute,group,residents,source,year\n"
GOOD = "sex,female,500000,Census,2021\nsex,male,480000,Census,2021\nage_band,18 to 24,90000,Census,2021\nethnicity_self,Black,60000,Census,2021\n"


def test_a_table_with_source_and_year_is_read() -> None:
    rows = read((HEAD + GOOD).encode("utf-8-sig"), GroupRules())
    assert rows[0] == {"attribute": "sex", "group": "female", "residents": 500_000, "source": "Census", "year": 2021}
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("sex,women,5,Census,2021", "neutral_group"),
        ("age_band,18 to 25,5,Census,2021", "neutral_group"),
        ("ethnicity_officer,Martian,5,Census,2021", "neutral_group"),
        ("religion,none,5,Census,2021", "neutral_attribute"),
        ("ethnicity_self,Asian,5,Census,", "neutral_year"),
        ("ethnicity_self,Asian,5,Census,21", "neutral_year"),
        ("ethnicity_self,Asian,5,,2021", "neutral_source"),
        ("ethnicity_self,Asian,many,Census,2021", "neutral_residents"),
        ("ethnicity_self,Asian,-5,Census,2021", "neutral_residents"),
        ("sex,female,5,Census,2021", "neutral_twice"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_its_number(line: str, rule: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read((HEAD + GOOD + line + "\n").encode(), GroupRules())
    assert [(fault.rule, fault.row) for fault in refused.value.faults] == [(rule, 6)]
    assert "Martian" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"group,residents\nfemale,5\n", b"\xff\xfe\x00"])
def test_what_is_no_such_table_is_refused(content: bytes) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read(content, GroupRules())
    assert [fault.rule for fault in refused.value.faults] == ["neutral_columns"]


def test_age_bands_and_codes_are_those_of_the_settings() -> None:
    rules = GroupRules(age_edges=(18, 30), sexes={"X": "other"})
    rows = read((HEAD + "age_band,18 to 29,5,Census,2021\nage_band,30 and over,5,Census,2021\nsex,other,5,Census,2021\n").encode(), rules)
    assert len(rows) == 3


def test_the_check_of_a_state_reads_the_table(own_weeks: State) -> None:
    assert "census table: 17 groups, Invented census 2021" in check_state(own_weeks.root).seen
    path = own_weeks.file("force.neutral")
    assert path is not None
    path.write_text(HEAD + GOOD + "sex,women,5,Census,2021\n")
    assert ("neutral_group", 6) in {(fault.rule, fault.row) for fault in check_state(own_weeks.root).faults}
