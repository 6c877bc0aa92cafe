"""Any force's columns, dates, codes and coordinates, read through a mapping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from bench.accepted import load_accepted

from harmcast.errors import FeedRefused, SettingsRefused
from harmcast.feed import mapping
from harmcast.store.state import State

SETTINGS = """
[force]
name = "Mapped force"
timezone = "America/New_York"
crs = "EPSG:32618"

[feed]
mapping = "mapping.toml"

[[tools]]
name = "robbery"
kind = "places"
cell_area_km2 = 1.0
where = { kind = ["ROB"] }
"""
MAPPING = """
[tables.crimes]
file = "offences.csv"
crs = "EPSG:32618"
formats = ["%d/%m/%Y"]
delimiter = ";"
encoding = "cp1252"
keep = "first"
ignore = ["officer"]

[tables.crimes.columns]
crime_ref = "no"
offence_code = { from = ["law", "section"], join = "/" }
happened_from = { from = "day", hours = "hour" }
recorded_at = "day"
changed_at = "day"
status = { constant = "recorded" }
easting_m = "x"
northing_m = "y"
injury = { from = "hurt", codes = { Y = "minor", N = "none" } }
kind = "kind"
"""
HEADER = "no;law;section;day;hour;x;y;hurt;kind;officer\n"
ROW = "7;12;3;05/01/2026;22;585000.5;4510000.25;Y;ROB;caf\xe9\n"
END = date(2026, 12, 31)


@pytest.fixture
def mapped(make_state: Callable[..., State]) -> State:
    return make_state(SETTINGS, {"mapping.toml": MAPPING})


def test_a_mapped_row_arrives_under_our_names(mapped: State, deliver: Callable[..., Path]) -> None:
    delivery = deliver(raw={"offences.csv": ((HEADER + ROW).encode("cp1252"), 1)})
    load_accepted(mapped, delivery)
    row = mapped.records.crimes(END).to_dicts()[0]
    assert row["crime_ref"] == "7"
    assert row["offence_code"] == "012/03"
    assert row["happened_from"] == datetime(2026, 1, 5, 22)
    assert row["recorded_at"] == datetime(2026, 1, 5)
    assert (row["easting_m"], row["northing_m"]) == (585000.5, 4510000.25)
    assert (row["injury"], row["weapon"], row["status"], row["kind"]) == ("minor", None, "recorded", "ROB")
    assert "officer" not in row


def test_the_first_row_of_a_key_stands_where_the_mapping_says_so(mapped: State, deliver: Callable[..., Path]) -> None:
    second = ROW.replace("05/01/2026", "06/01/2026").replace(";Y;", ";N;")
    result = load_accepted(mapped, deliver(raw={"offences.csv": ((HEADER + ROW + second).encode("cp1252"), 2)}))
    assert (result.files[0].loaded, result.files[0].superseded) == (1, 1)
    assert mapped.records.crimes(END)["injury"].to_list() == ["minor"]


def test_a_column_neither_mapped_nor_ignored_stops_the_load(mapped: State, deliver: Callable[..., Path]) -> None:
    content = (HEADER.replace("officer", "badge") + ROW).encode("cp1252")
    with pytest.raises(FeedRefused) as raised:
        load_accepted(mapped, deliver(raw={"offences.csv": (content, 1)}))
    assert raised.value.code == "column_new"


def test_a_code_outside_the_mapping_stops_the_load(mapped: State, deliver: Callable[..., Path]) -> None:
    content = (HEADER + ROW.replace(";Y;", ";Q;")).encode("cp1252")
    with pytest.raises(FeedRefused) as raised:
        load_accepted(mapped, deliver(raw={"offences.csv": (content, 1)}))
    assert raised.value.code == "value_new"


def test_longitude_and_latitude_are_carried_into_the_force_s_system(
    make_state: Callable[..., State], deliver: Callable[..., Path]
) -> None:
    changed = MAPPING.replace('easting_m = "x"\nnorthing_m = "y"', 'lon = "x"\nlat = "y"').replace(
        'crs = "EPSG:32618"\n', ""
    )
    state = make_state(SETTINGS, {"mapping.toml": changed})
    content = HEADER + ROW.replace("585000.5;4510000.25", "-75.0;40.0")
    load_accepted(state, deliver(raw={"offences.csv": (content.encode("cp1252"), 1)}))
    row = state.records.crimes(END).to_dicts()[0]
    assert row["easting_m"] == pytest.approx(500_000.0, abs=0.01)  # -75 is the zone's central meridian
    assert row["northing_m"] == pytest.approx(4_427_757.2, abs=0.5)


def test_another_projected_system_is_carried_into_the_force_s(
    make_state: Callable[..., State], deliver: Callable[..., Path]
) -> None:
    from pyproj import Transformer

    changed = MAPPING.replace("EPSG:32618", "EPSG:3857")
    state = make_state(SETTINGS, {"mapping.toml": changed})
    x, y = Transformer.from_crs("EPSG:32618", "EPSG:3857", always_xy=True).transform(585000.5, 4510000.25)
    content = HEADER + ROW.replace("585000.5;4510000.25", f"{x};{y}")
    load_accepted(state, deliver(raw={"offences.csv": (content.encode("cp1252"), 1)}))
    row = state.records.crimes(END).to_dicts()[0]
    assert (row["easting_m"], row["northing_m"]) == (
        pytest.approx(585000.5, abs=0.01),
        pytest.approx(4510000.25, abs=0.01),
    )


KEYED = """
[tables.crimes]
file = "offences.csv"
key = { columns = ["day", "x"], occurrence = true }

[tables.crimes.columns]
offence_code = "law"
happened_from = "day"
recorded_at = "day"
changed_at = "day"
status = { constant = "recorded" }
easting_m = "x"
northing_m = "y"
kind = "law"
"""


def test_a_key_made_of_columns_and_occurrence_keeps_exact_duplicates(
    make_state: Callable[..., State], deliver: Callable[..., Path]
) -> None:
    state = make_state(SETTINGS, {"mapping.toml": KEYED})
    line = "ROB,2026-01-05,585000,4510000\n"
    content = ("law,day,x,y\n" + line * 3 + line.replace("585000", "585001")).encode()
    delivery = deliver(raw={"offences.csv": (content, 4)})
    assert load_accepted(state, delivery).files[0].loaded == 4
    assert state.records.crimes(END)["crime_ref"].to_list() == [
        "2026-01-05|585000#1", "2026-01-05|585000#2", "2026-01-05|585000#3", "2026-01-05|585001#1",
    ]  # fmt: skip
    assert load_accepted(state, delivery).changed_rows == 0


TWO = """
[tables.persons]
file = "contacts.csv"
keep = "first"

[tables.persons.columns]
person_ref = "id"
changed_at = { constant = "1951-01-01" }

[tables.charges]
file = "contacts.csv"
key = { columns = ["id", "day"], occurrence = true }

[tables.charges.columns]
person_ref = "id"
offence_code = "score"
happened_on = "day"
charged_on = "day"
outcome = { constant = "charged" }
changed_at = "day"
"""


def test_one_file_may_feed_two_tables(make_state: Callable[..., State], deliver: Callable[..., Path]) -> None:
    people = SETTINGS.split("[[tools]]")[0] + '[[tools]]\nname = "iom"\nkind = "people"\n'
    state = make_state(people, {"mapping.toml": TWO})
    content = b"id,score,day\n1,200,1960-01-01\n1,5,1961-01-01\n2,7,1961-06-01\n"
    result = load_accepted(state, deliver(raw={"contacts.csv": (content, 3)}, made_at="1964-01-01"))
    assert {count.table: (count.received, count.loaded, count.superseded) for count in result.files} == {
        "persons": (3, 2, 1),
        "charges": (3, 3, 0),
    }


@pytest.mark.parametrize(
    "text",
    [
        "[tables.crimes]\nfile = 5",
        "[tables.arrests]\nfile = 'a.csv'",
        "[tables.crimes.columns]\ncrime_ref = 'no'",
        "[tables.crimes.columns]\ncrime_ref = { from = 'a', constant = 'b' }",
        "[tables.crimes]\nsurprise = 1",
        "not toml",
    ],
)
def test_a_wrong_mapping_is_refused_with_its_faults(text: str) -> None:
    with pytest.raises(SettingsRefused):
        mapping.parse(text)
