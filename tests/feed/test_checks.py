"""What is accepted, what is quarantined under which rule, and what refuses the whole delivery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.accepted import load_accepted

from harmcast.errors import FeedRefused
from harmcast.oversight.access import Action, Ask, Role
from harmcast.store.state import State

SETTINGS = """
[force]
name = "Test force"
{force}

[feed]
quarantine_max_share = 0.2
{feed}

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = {{ weapon = ["knife"] }}

[[tools]]
name = "iom"
kind = "people"
"""
FIRST, SECOND = "2026-03-02T05:00:00", "2026-03-09T05:00:00"
SQUARE = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry":
{"type": "Polygon", "coordinates": [[[-2.0, 52.4], [-1.8, 52.4], [-1.8, 52.6], [-2.0, 52.6], [-2.0, 52.4]]]}}]}"""

Row = dict[str, str]
Good = dict[str, Row]
Deliver = Callable[..., Path]
MakeState = Callable[..., State]


def settings(force: str = "", feed: str = "") -> str:
    return SETTINGS.format(force=force, feed=feed)


@pytest.fixture
def checked(make_state: MakeState) -> State:
    return make_state(settings())


def many(row: Row, key: str, count: int = 12, **odd: str) -> list[Row]:
    """Good rows of one table, the last one changed."""
    rows = [{**row, key: f"{key}{i}"} for i in range(count)]
    rows[-1] = {**rows[-1], **odd}
    return rows


KEYS = {"crimes": "crime_ref", "persons": "person_ref", "charges": "charge_ref"}
ROW_RULES = [
    ("crimes", {"offence_code": ""}, "offence_code", "required_missing"),
    ("crimes", {"recorded_at": "soon"}, "recorded_at", "date_unreadable"),
    ("crimes", {"happened_from": "2026-02-30T00:00:00"}, "happened_from", "date_unreadable"),
    ("crimes", {"happened_from": "1066-10-14"}, "happened_from", "date_out_of_range"),
    ("crimes", {"recorded_at": "2026-05-01T00:00:00"}, "recorded_at", "date_in_future"),
    ("crimes", {"happened_to": "2020-01-01"}, "happened_to", "interval_backwards"),
    ("crimes", {"easting_m": "here"}, "easting_m", "number_unreadable"),
    ("crimes", {"northing_m": "inf"}, "northing_m", "number_unreadable"),
    ("crimes", {"crime_ref": "x" * 300}, "crime_ref", "text_too_long"),
    ("crimes", {"offence_code": "008\x07/01"}, "offence_code", "control_character"),
    ("persons", {"died_on": "1980-01-01"}, "died_on", "died_before_born"),
    ("persons", {"review_group": "9"}, "review_group", "review_group_unknown"),
    ("persons", {"restricted": "perhaps"}, "restricted", "flag_unreadable"),
    ("charges", {"charged_on": "2025-12-31"}, "charged_on", "charged_before_happened"),
    ("charges", {"outcome": "convicted", "outcome_on": "2026-01-01"}, "outcome_on", "outcome_before_charge"),
]


@pytest.mark.parametrize(("table", "odd", "column", "rule"), ROW_RULES, ids=[r[3] + "-" + r[2] for r in ROW_RULES])
def test_a_broken_row_is_quarantined_with_file_row_column_and_rule(
    checked: State, deliver: Deliver, rows: Good, table: str, odd: Row, column: str, rule: str
) -> None:
    tables: dict[str, list[Row]] = {name: [row] for name, row in rows.items()}
    tables[table] = many(rows[table], KEYS[table], **odd)
    if table == "persons":
        tables["charges"] = [
            {**rows["charges"], "charge_ref": r["person_ref"], "person_ref": r["person_ref"]} for r in tables[table]
        ]
    result = load_accepted(checked, deliver(tables, FIRST))
    assert [(f.where, f.row, f.column, f.rule) for f in result.quarantine] == [(f"{table}.csv", 12, column, rule)]
    count = next(count for count in result.files if count.table == table)
    assert (count.received, count.loaded, count.quarantined) == (12, 11, 1)


def test_every_fault_of_a_row_is_named_and_the_row_counted_once(checked: State, deliver: Deliver, rows: Good) -> None:
    odd = {"offence_code": "", "easting_m": "x", "recorded_at": "y"}
    tables = {**{name: [row] for name, row in rows.items()}, "crimes": many(rows["crimes"], "crime_ref", **odd)}
    result = load_accepted(checked, deliver(tables, FIRST))
    assert {fault.column for fault in result.quarantine} == set(odd)
    assert next(count.quarantined for count in result.files if count.table == "crimes") == 1


NOTES = [
    ({"easting_m": "", "northing_m": ""}, "place_unknown"),
    ({"easting_m": ""}, "place_half"),
    ({"easting_m": "0", "northing_m": "0"}, "place_zero"),
    ({"happened_to": "2026-01-05T23:00:00"}, "interval"),
    ({"happened_from": "2026-01-07T00:00:00"}, "happened_after_recorded"),
]


@pytest.mark.parametrize(("odd", "rule"), NOTES, ids=[rule for _, rule in NOTES])
def test_what_is_kept_as_it_stands_is_counted(
    checked: State, deliver: Deliver, rows: Good, odd: Row, rule: str
) -> None:
    tables = {**{name: [row] for name, row in rows.items()}, "crimes": many(rows["crimes"], "crime_ref", **odd)}
    result = load_accepted(checked, deliver(tables, FIRST))
    count = next(count for count in result.files if count.table == "crimes")
    assert count.loaded == 12
    assert count.notes[rule] == 1


def test_repeated_date_and_place_under_other_references_is_counted(
    checked: State, deliver: Deliver, rows: Good
) -> None:
    tables = {**{name: [row] for name, row in rows.items()}, "crimes": many(rows["crimes"], "crime_ref", 5)}
    result = load_accepted(checked, deliver(tables, FIRST))
    assert next(c for c in result.files if c.table == "crimes").notes["repeated_date_place"] == 5


def refused_code(state: State, delivery: Path) -> FeedRefused:
    with pytest.raises(FeedRefused) as raised:
        load_accepted(state, delivery)
    return raised.value


def test_every_fault_is_found_before_refusing(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = [{**rows["crimes"], "status": "lost", "weapon": "sword"}]
    people = [{name: value for name, value in rows["persons"].items() if name != "sex"}]
    error = refused_code(checked, deliver({"crimes": crimes, "persons": people, "charges": [rows["charges"]]}, FIRST))
    assert {(f.where, f.column, f.rule) for f in error.faults} == {
        ("crimes.csv", "status", "value_new"),
        ("crimes.csv", "weapon", "value_new"),
        ("persons.csv", "sex", "column_lost"),
    }


DRIFT: list[tuple[str, str, Callable[[Row], Row], str]] = [
    *[
        ("lost", column, lambda row, c=column: {k: v for k, v in row.items() if k != c}, "column_lost")  # type: ignore[misc]
        for column in ("crime_ref", "happened_to", "recorded_at", "status", "easting_m", "weapon")
    ],
    *[
        ("renamed", column, lambda row, c=column: {(c + "_x" if k == c else k): v for k, v in row.items()}, "column_lost")  # type: ignore[misc]
        for column in ("crime_ref", "offence_code", "happened_from", "northing_m", "injury", "changed_at")
    ],
    *[
        ("new", name, lambda row, n=name: {**row, n: "1"}, "column_new")  # type: ignore[misc]
        for name in ("postcode", "officer", "Crime_Ref", "weapon2", "x", "notes")
    ],
    *[
        ("retyped", column, lambda row, c=column, v=value: {**row, c: v}, "column_retyped")  # type: ignore[misc]
        for column, value in (
            ("happened_from", "05/01/2026"), ("recorded_at", "46028"), ("easting_m", "SP 00100"), ("changed_at", "Monday"),
            ("northing_m", "4,00"), ("happened_to", "not known"),
        )
    ],
    *[
        ("value", column, lambda row, c=column, v=value: {**row, c: v}, "value_new")  # type: ignore[misc]
        for column, value in (
            ("status", "open"), ("weapon", "axe"), ("weapon", "Knife"), ("injury", "slight"), ("status", "RECORDED"), ("injury", "dead"),
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "column", "change", "rule"), DRIFT, ids=[f"{d[0]}-{d[1]}-{i}" for i, d in enumerate(DRIFT)]
)
def test_schema_drift_stops_the_load_and_the_last_week_stays(
    checked: State, deliver: Deliver, rows: Good, kind: str, column: str, change: Callable[[Row], Row], rule: str
) -> None:
    load_accepted(checked, deliver({**{name: [row] for name, row in rows.items()}}, FIRST))
    changed = [change(row) for row in many(rows["crimes"], "crime_ref")]
    error = refused_code(checked, deliver({"crimes": changed}, SECOND))
    assert rule in {fault.rule for fault in error.faults}
    assert checked.records.latest() == 1


def test_an_optional_column_once_sent_may_not_be_lost(checked: State, deliver: Deliver, rows: Good) -> None:
    with_area = {**rows["crimes"], "area": "North"}
    load_accepted(checked, deliver({**{name: [row] for name, row in rows.items()}, "crimes": [with_area]}, FIRST))
    error = refused_code(checked, deliver({"crimes": [rows["crimes"]]}, SECOND))
    assert error.code == "column_lost"


def test_too_many_broken_rows_refuse_the_whole(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = many(rows["crimes"], "crime_ref", 10)
    for row in crimes[:3]:
        row["offence_code"] = ""
    error = refused_code(checked, deliver({**{name: [row] for name, row in rows.items()}, "crimes": crimes}, FIRST))
    assert error.code == "quarantine_share"


PUT = "The state holds a copy: put the edit in place with harmcast settings STATE --set settings.toml."


def test_the_next_step_is_in_the_mapping_where_the_mapping_is_the_cure(checked: State, deliver: Deliver, rows: Good) -> None:
    tables: dict[str, Any] = {name: [row] for name, row in rows.items()}
    strange = {**rows["crimes"], "weapon": "sword"}
    error = refused_code(checked, deliver({**tables, "crimes": [strange]}, FIRST))
    assert error.next_step == f"Map the values named, in the mapping. {PUT} Then load again."
    without_sex = {name: value for name, value in rows["persons"].items() if name != "sex"}
    error = refused_code(checked, deliver({**tables, "crimes": [strange], "persons": [without_sex]}, FIRST))
    assert error.next_step == f"Map the values named, in the mapping. {PUT} Mend the export as named and send the delivery again."


def test_a_required_column_empty_in_every_row_is_one_the_mapping_gives_nothing_for(checked: State, deliver: Deliver, rows: Good) -> None:
    tables: dict[str, Any] = {name: [row] for name, row in rows.items()}
    every = [{**row, "offence_code": ""} for row in many(rows["crimes"], "crime_ref", 10)]
    error = refused_code(checked, deliver({**tables, "crimes": every}, FIRST))
    assert [(f.rule, f.count, f.next_step) for f in error.faults][1:] == [("required_missing", 10, "the mapping gives nothing for it")]
    some = [*every[:9], {**every[9], "offence_code": "008/06"}]
    error = refused_code(checked, deliver({**tables, "crimes": some}, FIRST))
    assert [(f.rule, f.count, f.next_step) for f in error.faults][1:] == [("required_missing", 9, "")]


def test_a_table_that_a_tool_needs_must_come_once(checked: State, deliver: Deliver, rows: Good) -> None:
    error = refused_code(checked, deliver({"crimes": [rows["crimes"]]}, FIRST))
    assert {fault.where for fault in error.faults} == {"persons", "charges"}


def test_points_off_the_area_are_counted_and_most_of_them_refuse(
    make_state: MakeState, deliver: Deliver, rows: Good
) -> None:
    state = make_state(settings('boundary = "area.geojson"'), {"area.geojson": SQUARE})
    inside, outside = {"easting_m": "405000", "northing_m": "290000"}, {"easting_m": "100000", "northing_m": "100000"}
    crimes = [{**row, **inside} for row in many(rows["crimes"], "crime_ref", 20)]
    crimes[3].update(outside)
    tables: dict[str, Any] = {name: [row] for name, row in rows.items()}
    result = load_accepted(state, deliver({**tables, "crimes": crimes}, FIRST))
    assert next(c for c in result.files if c.table == "crimes").notes["off_area"] == 1
    (effect,) = [e for e in result.effects if e.check == "off_area"]
    assert (effect.verdict, effect.value) == ("note", 0.05)
    assert effect.says == "1 of 20 crimes with a place lie off the force's area (5.0%); no cell gets them."
    swapped = [{**row, **outside} for row in crimes]
    error = refused_code(state, deliver({"crimes": swapped}, SECOND))
    assert error.code == "off_area_share"
    assert "crimes.csv: off_area_share, 20 row(s), first in row 1, 2, 3, 4, 5 (of 20 with a place; check the coordinate system" in str(error)
    thousandth = [{**row, "easting_m": "405.123"} if k < 7 else row for k, row in enumerate(crimes)]
    said = str(refused_code(state, deliver({"crimes": thousandth}, SECOND)))
    assert "7 row(s), first in row 1, 2, 3, 4, 5 (of 20 with a place; 7 lie within 1,000 m of the grid's origin on an axis: a point as thousands mark?; check" in said


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ("2026-01-05", "2026-01-05T00:00:00"),
        ("2026-01-05 22:10", "2026-01-05T22:10:00"),
        ("2026-01-05T22:10:00.250000", "2026-01-05T22:10:00.250000"),
        ("2026-01-05T22:10:00Z", "2026-01-05T22:10:00"),
        ("2026-01-05T22:10:00+02:00", "2026-01-05T20:10:00"),
        ("2025-07-05T22:10:00Z", "2025-07-05T23:10:00"),
    ],
)
def test_times_are_local_unless_they_name_their_zone(
    checked: State, deliver: Deliver, rows: Good, given: str, local: str
) -> None:
    from datetime import date, datetime

    tables = {name: [row] for name, row in rows.items()}
    tables["crimes"] = [{**rows["crimes"], "happened_from": given}]
    load_accepted(checked, deliver(tables, FIRST))
    assert checked.records.crimes(date(2026, 12, 31))["happened_from"].to_list() == [datetime.fromisoformat(local)]


def test_every_printed_form_of_a_code_is_held_as_one(checked: State, deliver: Deliver, rows: Good) -> None:
    forms = ["8/6", "008/06", "00806", "8/06", "806", "101", "101", "8N", "C34", "5/1"]
    crimes = [{**rows["crimes"], "crime_ref": f"C{i}", "offence_code": form} for i, form in enumerate(forms)]
    result = load_accepted(checked, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    held = checked.records.known("crimes", columns=["crime_ref", "offence_code"]).sort("crime_ref")["offence_code"].to_list()
    assert held == ["008/06"] * 5 + ["101", "101", "008N", "C34", "005/01"]
    notes = next(file for file in result.files if file.table == "crimes").notes
    assert (notes["offence_code_undecided"], notes["offence_code_class"], notes["offence_code_other"]) == (2, 1, 1)


def test_a_code_that_became_a_date_refuses_the_whole_by_name(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = many(rows["crimes"], "crime_ref", 40, offence_code="08-Jan")
    error = refused_code(checked, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    fault = next(fault for fault in error.faults if fault.rule == "offence_code_damaged")
    assert (fault.where, fault.column, fault.count, fault.rows, fault.values) == ("crimes.csv", "offence_code", 1, (40,), (("08-Jan", 1),))


def test_codes_of_other_systems_pass_as_text(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    state = make_state(settings(force='offence_codes = "as_text"'))
    crimes = [{**rows["crimes"], "crime_ref": "C1", "offence_code": "8/6"}, {**rows["crimes"], "crime_ref": "C2", "offence_code": "08-Jan"}]
    load_accepted(state, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    assert state.records.known("crimes", columns=["crime_ref", "offence_code"]).sort("crime_ref")["offence_code"].to_list() == ["8/6", "08-Jan"]


def test_words_for_nothing_are_empty_and_said(checked: State, deliver: Deliver, rows: Good) -> None:
    charges = [{**rows["charges"], "charge_ref": f"H{i}", "crime_ref": word} for i, word in enumerate(["NULL", "n/a", "C1", ""])]
    person = {**rows["persons"], "merged_into": "NULL", "name": "Null"}
    result = load_accepted(checked, deliver({"crimes": [rows["crimes"]], "persons": [person], "charges": charges}))
    assert checked.records.known("charges", columns=["charge_ref", "crime_ref"]).sort("charge_ref")["crime_ref"].to_list() == [None, None, "C1", None]
    assert {file.table: file.notes.get("null_word") for file in result.files} == {"crimes": None, "persons": 1, "charges": 2}
    may = Ask(
        role=Role.SUPERVISOR, action=Action.LIST_PEOPLE, about_tool=False, tool_status="", tool_shown=True, trained=True, about_person=False,
        own_unit=False, restricted=False, on_list=False, purpose=None, ask_purpose=False,
    )  # fmt: skip
    assert checked.records.names(may)["name"].to_list() == ["Null"]


def test_references_that_became_doubles_are_whole_text_again(checked: State, deliver: Deliver, rows: Good) -> None:
    charges = [{**rows["charges"], "charge_ref": "H1", "person_ref": "411.0", "crime_ref": "0.0"}]
    load_accepted(checked, deliver({"crimes": [{**rows["crimes"], "crime_ref": "0"}], "persons": [{**rows["persons"], "person_ref": "411"}], "charges": charges}))
    assert checked.records.known("charges", columns=["person_ref", "crime_ref"]).rows() == [("411", "0")]


def test_references_that_became_powers_of_ten_refuse_the_whole(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = [{**rows["crimes"], "crime_ref": "2.02E+11", "changed_at": f"2026-01-06T09:00:0{i}"} for i in range(9)]
    error = refused_code(checked, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    fault = error.faults[0]
    assert (fault.rule, fault.where, fault.column, fault.count, fault.rows) == ("reference_damaged", "crimes.csv", "crime_ref", 9, (1, 2, 3, 4, 5))
    assert "2.02" not in str(error)


def test_a_new_value_of_an_open_list_is_said_with_its_count(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = [{**rows["crimes"], "crime_ref": f"C{i}", "weapon": weapon} for i, weapon in enumerate(["sword", "knife", "sword", "axe"])]
    error = refused_code(checked, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    fault = error.faults[0]
    assert (fault.rule, fault.column, fault.count, fault.rows, fault.values) == ("value_new", "weapon", 3, (1, 3, 4), (("sword", 2), ("axe", 1)))


def test_a_long_value_in_a_list_is_counted_and_not_said(checked: State, deliver: Deliver, rows: Good) -> None:
    crimes = [{**rows["crimes"], "weapon": "the victim's neighbour of Invented Street 1, Minishire"}]
    error = refused_code(checked, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    assert (error.faults[0].rule, error.faults[0].values) == ("value_new", ())
    assert "neighbour" not in str(error) + str(error.document())


def test_a_refusal_for_broken_rows_names_rule_column_count_and_rows(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    people = [{**rows["persons"], "person_ref": f"P{i}", "born_on": "01/02/1990" if i % 4 == 0 else "1990-02-01"} for i in range(40)]
    error = refused_code(make_state(settings()), deliver({"crimes": [rows["crimes"]], "persons": people, "charges": [rows["charges"]]}))
    share, cause = error.faults
    assert (share.rule, share.count) == ("quarantine_share", 10)
    assert error.document()["delivery"] in str(error)
    assert (cause.rule, cause.where, cause.column, cause.count, cause.rows) == ("date_unreadable", "persons.csv", "born_on", 10, (1, 5, 9, 13, 17))
    assert "persons.csv, column born_on: date_unreadable, 10 row(s), first in row 1, 5, 9, 13, 17" in str(error)


@pytest.mark.parametrize(("written", "hint"), [(["04/28/1990", "4-15-90"], True), (["04/28/1990", "28/04/1990"], False), (["1990/28/04", "04/11/1990"], False)])
def test_dates_in_american_order_are_said_to_look_so_and_no_value_is(make_state: MakeState, deliver: Deliver, rows: Good, written: list[str], hint: bool) -> None:
    people = [{**rows["persons"], "person_ref": f"P{i}", "born_on": written[i] if i < len(written) else "1990-02-01"} for i in range(9)]
    error = refused_code(make_state(settings()), deliver({"crimes": [rows["crimes"]], "persons": people, "charges": [rows["charges"]]}))
    _, cause = error.faults
    assert (cause.rule, cause.column, cause.count, cause.rows) == ("date_unreadable", "born_on", 2, (1, 2))
    assert cause.next_step == ("day over 12 where the month should be: American order?" if hint else "")
    assert not [day for day in written if day in str(error) + str(error.document())]


def test_longitude_and_latitude_0_0_is_no_place(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    crime = {key: value for key, value in rows["crimes"].items() if key not in ("easting_m", "northing_m")}
    crimes = [{**crime, "crime_ref": "C1", "lon": "0", "lat": "0.0"}, {**crime, "crime_ref": "C2", "lon": "-1.9", "lat": "52.5"}]
    state = make_state(settings())
    result = load_accepted(state, deliver({"crimes": crimes, "persons": [rows["persons"]], "charges": [rows["charges"]]}))
    notes = next(file for file in result.files if file.table == "crimes").notes
    assert (notes["place_zero"], notes["place_unknown"]) == (1, 1)
    assert state.records.known("crimes", columns=["crime_ref", "easting_m"]).sort("crime_ref")["easting_m"].is_null().to_list() == [True, False]
