"""Every printed form of a Home Office code is one code; what could be two is never guessed."""

from __future__ import annotations

import polars as pl
import pytest

from harmcast import offence_codes
from harmcast.people import harm
from harmcast.settings import parse


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("8/6", "008/06"), ("008/06", "008/06"), ("00806", "008/06"), ("8/06", "008/06"), ("008/6", "008/06"),
        ("806", "008/06"),  # no class 806
        ("806.0", "008/06"), ("0806", "008/06"), (" 8 / 6 ", "008/06"), ("125/11", "125/11"), ("12511", "125/11"),
        ("105A/1", "105A/01"), ("8f", "008/01"), ("8F", "008/01"), ("5D", "005/01"), ("100", "001/00"),
        ("8.06", "008/06"), ("008.06", "008/06"), ("105A.01", "105A/01"), ("999.99", "999/99"),
        ("1.1", "001/01"), ("001.1", "001/01"),  # 001/10 is not listed
        ("8/99", "008/99"),  # in no list yet: its form says what it is
    ],
)  # fmt: skip
def test_a_printed_form_is_one_code(printed: str, code: str) -> None:
    assert offence_codes.read(printed) == (code, "code")


@pytest.mark.parametrize(
    ("printed", "kept", "how"),
    [
        ("101", "101", "undecided"),  # class 101, or 001/01: murder
        ("802", "802", "undecided"),
        ("8.6", "8.6", "undecided"),  # 008/06, or 008/60 as a number without its last nought
        ("999.9", "999.9", "other"),
        ("250", "250", "undecided"),  # neither is listed
        ("8", "008", "class"), ("008", "008", "class"), ("125", "125", "class"),
        ("8N", "008N", "class"), ("8H", "008H", "class"),
        ("C34", "C34", "other"), ("Assault", "Assault", "other"), ("PL 125.25", "PL 125.25", "other"), ("", "", "other"),
        ("08-Jan", "08-Jan", "damaged"), ("8-Jan-24", "8-Jan-24", "damaged"), ("Jan-08", "Jan-08", "damaged"),
        ("2008-06-01", "2008-06-01", "damaged"), ("2008-06-01 00:00:00", "2008-06-01 00:00:00", "damaged"),
        ("01/06/2008", "01/06/2008", "damaged"), ("8.06E+02", "8.06E+02", "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_single_code_stands_as_printed_and_is_told_apart(printed: str, kept: str, how: str) -> None:
    assert offence_codes.read(printed) == (kept, how)


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("8/6", ["008/06"]), ("008", ["008"]), ("8", ["008"]), ("101", ["101"]), ("010", ["010"]), ("806", ["008/06"]),
        ("8H", ["008/33", "008/40", "008/46", "008/59", "008H"]), ("8N", ["008N"]), ("Assault", ["Assault"]),
    ],
)  # fmt: skip
def test_in_settings_a_bare_class_stands_for_its_subclasses(printed: str, meant: list[str]) -> None:
    assert offence_codes.of_settings(printed) == meant


def test_a_column_is_read_once_a_code_and_counted_by_row() -> None:
    found = offence_codes.in_data(pl.Series("offence_code", ["8/6", "101", None, "101", "08-Jan", "00806"]))
    assert found.codes.to_list() == ["008/06", "101", None, "101", "08-Jan", "008/06"]
    assert found.how.to_list() == ["code", "undecided", None, "undecided", "damaged", "code"]
    assert found.count == {"undecided": {"101": 2}, "damaged": {"08-Jan": 1}}


def test_the_list_is_whole() -> None:
    assert len(offence_codes.listed()) == 219
    assert sum(map(len, offence_codes.listed().values())) == 3039
    assert all(code[4:] in offence_codes.listed()[code[:3]] for codes in offence_codes.letters().values() for code in codes)


SETTINGS = """
[force]
name = "Test force"
{0}
[people]
weapon_classes = ["8/11", "10"]
[[tools]]
name = "violence"
kind = "places"
cell_area_km2 = 1.0
where = {{ offence_code = ["1", "5/1", "8F", "8/1"], weapon = ["8/6"] }}
leading = [{{ offence_code = ["8/6"] }}]
"""


def test_settings_hold_the_one_form() -> None:
    settings = parse(SETTINGS.format(""))
    tool = settings.places_tools[0]
    assert tool.where == {"offence_code": ["001", "005/01", "008/01"], "weapon": ["8/6"]}
    assert tool.leading == [{"offence_code": ["008/06"]}]
    assert settings.people.weapon_classes == ["008/11", "010"]
    as_text = parse(SETTINGS.format('offence_codes = "as_text"'))
    assert as_text.places_tools[0].where["offence_code"] == ["1", "5/1", "8F", "8/1"]
    assert as_text.people.weapon_classes == ["8/11", "10"]


def test_an_index_with_unpadded_codes_weighs_what_the_records_hold() -> None:
    printed = pl.DataFrame({"offence_code": ["5/1", "8/6", "105", "8H"], "weight": ["1460", "20", "1", "365"]}).with_columns(
        unit=pl.lit("days"), edition=pl.lit("2026"), source=pl.lit("x")
    )
    held = pl.Series(["005/01", "008/06", "105/01", "008/33", "034/01"])
    found = dict(harm.weights_of(held, harm.index_from(printed, home_office=True)).select("offence_code", "weight").iter_rows())
    assert found == {"005/01": 1460.0, "008/06": 20.0, "105/01": 1.0, "008/33": 365.0, "034/01": None}
    assert harm.weights_of(held, harm.index_from(printed))["weight"].null_count() == 4
