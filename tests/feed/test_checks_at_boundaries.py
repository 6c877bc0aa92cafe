"""Each rule of the checks at its very boundary, on rows alone: the last value that is taken and the first that is not."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from tests.conftest import CHARGE, CRIME, PERSON

from harmcast.errors import Fault
from harmcast.feed.checks import CheckContext, Checked, check, check_made, column_faults, grouped
from harmcast.feed.extract import RawFile
from harmcast.feed.mapping import TableRule
from harmcast.feed.sql_mapping import Made
from harmcast.tables import ACTIVITY, CHARGES, CIRCUMSTANCES_TABLE, CRIMES, FILE, PERSONS, ROW, Table

MADE_AT = datetime(2026, 3, 2, 5)
CONTEXT = CheckContext("Europe/London", "EPSG:27700", MADE_AT, quarantine_max_share=1.0)
CIRCUMSTANCE = {"person_ref": "P1", "kind": "managed", "value": "", "from_on": "2026-01-01", "to_on": "", "source": "unit"}
ACTIVE = {"kind": "patrol", "started_at": "2026-01-01T10:00:00", "minutes": "10", "easting_m": "400100", "northing_m": "290200"}
GOOD: dict[str, tuple[Table, dict[str, str]]] = {
    "crimes": (CRIMES, {**CRIME, "area": "North"}), "persons": (PERSONS, PERSON), "charges": (CHARGES, CHARGE), "circumstances": (CIRCUMSTANCES_TABLE, CIRCUMSTANCE), "activity": (ACTIVITY, ACTIVE),
}  # fmt: skip


def raw(rows: list[dict[str, Any]], name: str = "f.csv", broken: tuple[tuple[int, str], ...] = ()) -> RawFile:
    """Rows of text as they are read: empty is null, rows numbered from 1."""
    frame = pl.DataFrame([{k: v if v != "" else None for k, v in row.items()} for row in rows], schema=dict.fromkeys(rows[0], pl.String))
    numbered = frame.with_columns(pl.int_range(1, len(rows) + 1, dtype=pl.Int64).alias(ROW))
    return RawFile(name, numbered, len(rows) + len(broken), list(broken), dict.fromkeys(rows[0], "text"))


def of(name: str, rows: list[dict[str, Any]], rule: TableRule | None = None, context: CheckContext = CONTEXT, **more: Any) -> Checked:
    return check(raw(rows, **more), GOOD[name][0], rule, context)


def one(name: str, **odd: str) -> set[tuple[str, str | None]]:
    """Rule and column of everything found against one row, good but for the columns named; three good ones stand beside it."""
    good = GOOD[name][1]
    found = of(name, [good, good, good, {**good, **odd}])
    assert {fault.row for fault in found.quarantine} <= {4}
    assert found.rows.height + found.quarantined == 4
    assert [fault for fault in found.faults if fault.rule != "column_retyped"] == []
    return {(fault.rule, fault.column) for fault in found.quarantine}


# -- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "longest"), [("crime_ref", 200), ("offence_code", 200), ("area", 2000)])
def test_text_is_taken_to_its_longest_and_not_a_character_more(column: str, longest: int) -> None:
    assert one("crimes", **{column: "x" * longest}) == set()
    assert one("crimes", **{column: "x" * (longest + 1)}) == {("text_too_long", column)}


def test_length_is_of_characters_not_of_bytes() -> None:
    assert one("crimes", crime_ref="é" * 200) == set()


@pytest.mark.parametrize("code", [0x00, 0x08, 0x0B, 0x0C, 0x0E, 0x1F, 0x7F, 0x202A, 0x202E, 0x2066, 0x2069])
def test_control_and_direction_marks_are_set_aside(code: int) -> None:
    assert one("crimes", crime_ref=f"a{chr(code)}b") == {("control_character", "crime_ref")}


@pytest.mark.parametrize("code", [0x09, 0x0A, 0x0D, 0x20, 0x7E, 0x80, 0x2029, 0x202F, 0x2065, 0x206A])
def test_their_neighbours_are_text(code: int) -> None:
    assert one("crimes", crime_ref=f"a{chr(code)}b") == set()


def test_a_column_kept_beside_those_of_the_table_is_read_as_text_and_looked_at() -> None:
    rule = TableRule(file="f.csv", columns={**{name: name for name in CRIME}, "beat": "beat"})
    found = of("crimes", [{**CRIME, "beat": "B1"}, {**CRIME, "beat": "a\x07"}, {**CRIME, "beat": "x" * 2001}, {**CRIME, "beat": "x" * 2000}], rule)
    assert [(fault.row, fault.column, fault.rule) for fault in found.quarantine] == [(3, "beat", "text_too_long"), (2, "beat", "control_character")]
    assert found.rows["beat"].to_list() == ["B1", "x" * 2000]


def test_words_for_nothing_are_nothing_but_in_a_name() -> None:
    found = of("persons", [{**PERSON, "name": "Null", "unit": "NULL"}, {**PERSON, "name": "n/a", "unit": "North"}])
    assert (found.rows["name"].to_list(), found.rows["unit"].to_list()) == (["Null", "n/a"], [None, "North"])
    assert found.notes["null_word"] == 1


# -- days ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "rule"), [("1900-01-01", None), ("1899-12-31", "date_out_of_range"), ("2026-03-03", None), ("2026-03-04", "date_in_future")])
def test_days_run_from_1900_to_a_day_after_the_delivery(day: str, rule: str | None) -> None:
    assert one("crimes", happened_to="", happened_from=day) == ({(rule, "happened_from")} if rule else set())


def test_a_review_and_an_end_may_lie_ahead() -> None:
    assert one("persons", review_due_on="2036-01-01") == set()
    assert one("circumstances", to_on="2036-01-01") == set()
    assert one("circumstances", from_on="2036-01-01", to_on="") == {("date_in_future", "from_on")}


def test_a_birth_that_stands_for_none_is_none() -> None:
    found = of("persons", [{**PERSON, "born_on": "1900-01-01"}, {**PERSON, "born_on": "1900-01-02"}])
    assert found.rows["born_on"].to_list() == [None, date(1900, 1, 2)]
    assert (found.notes, found.quarantined) == ({"birth_placeholder": 1}, 0)


@pytest.mark.parametrize(("unreadable", "is_retyped"), [(2, False), (3, True)])
def test_a_column_is_of_another_type_where_more_than_half_of_what_it_holds_is(unreadable: int, is_retyped: bool) -> None:
    values = ["x"] * unreadable + ["400100"] * (4 - unreadable) + [""] * 4
    found = of("crimes", [{**CRIME, "easting_m": value, "northing_m": "1"} for value in values])
    assert [fault.rule for fault in found.faults] == (["column_retyped"] if is_retyped else [])
    assert found.quarantined == unreadable


@pytest.mark.parametrize(("hour", "moment"), [("0", datetime(2026, 1, 5)), ("24", datetime(2026, 1, 6)), ("13", datetime(2026, 1, 5, 13)), ("-1", None), ("25", None)])
def test_hours_of_a_day_run_from_0_to_24(hour: str, moment: datetime | None) -> None:
    columns: dict[str, Any] = {name: name for name in CRIME} | {"happened_from": {"from": "happened_from", "hours": "hour"}}
    rule = TableRule.model_validate({"file": "f.csv", "columns": columns})
    good = {**CRIME, "happened_from": "2026-01-05T22:10:00", "hour": "1"}
    found = of("crimes", [good, good, {**good, "hour": hour}], rule)
    assert found.rows["happened_from"].to_list() == [datetime(2026, 1, 5, 1)] * 2 + ([moment] if moment else [])
    assert [(fault.row, fault.rule) for fault in found.quarantine] == ([] if moment else [(3, "date_unreadable"), (3, "required_missing")][:1])


# -- rows of one table ---------------------------------------------------------------------------

ORDERS = [
    ("crimes", {"happened_from": "2026-01-05T22:10:00", "happened_to": "2026-01-05T22:10:00"}, None),
    ("crimes", {"happened_from": "2026-01-05T22:10:00", "happened_to": "2026-01-05T22:09:59"}, ("interval_backwards", "happened_to")),
    ("charges", {"happened_on": "2026-01-07", "charged_on": "2026-01-07"}, None),
    ("charges", {"happened_on": "2026-01-08", "charged_on": "2026-01-07"}, ("charged_before_happened", "charged_on")),
    ("charges", {"outcome": "convicted", "outcome_on": "2026-01-07"}, None),
    ("charges", {"outcome": "convicted", "outcome_on": "2026-01-06"}, ("outcome_before_charge", "outcome_on")),
    ("persons", {"died_on": "1990-05-01"}, None),
    ("persons", {"died_on": "1990-04-30"}, ("died_before_born", "died_on")),
    ("persons", {"review_group": "1"}, None),
    ("persons", {"review_group": "4"}, None),
    ("persons", {"review_group": ""}, None),
    ("persons", {"review_group": "0"}, ("review_group_unknown", "review_group")),
    ("persons", {"review_group": "5"}, ("review_group_unknown", "review_group")),
    ("circumstances", {"to_on": "2026-01-01"}, None),
    ("circumstances", {"to_on": "2025-12-31"}, ("interval_backwards", "to_on")),
    ("activity", {"minutes": "0"}, None),
    ("activity", {"minutes": "-1"}, ("number_out_of_range", "minutes")),
    ("activity", {"easting_m": "", "northing_m": ""}, ("required_missing", "easting_m")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "odd", "found"), ORDERS)
def test_an_order_that_cannot_be_is_set_aside_and_the_same_day_is_not(name: str, odd: dict[str, str], found: tuple[str, str] | None) -> None:
    assert one(name, **odd) - {("required_missing", "northing_m")} == ({found} if found else set())


def test_notes_begin_the_moment_after() -> None:
    at = {"happened_from": "2026-01-05T22:10:00", "recorded_at": "2026-01-05T22:10:00", "happened_to": "2026-01-05T22:10:00"}
    found = of("crimes", [{**CRIME, **at}])
    assert found.notes == {}
    later = of("crimes", [{**CRIME, **at, "happened_to": "2026-01-05T22:10:01", "recorded_at": "2026-01-05T22:09:59"}])
    assert later.notes == {"interval": 1, "happened_after_recorded": 1}


def test_an_outcome_without_its_day_is_noted_and_a_charge_that_stands_is_not() -> None:
    found = of("charges", [CHARGE, {**CHARGE, "outcome": "acquitted"}, {**CHARGE, "outcome": "acquitted", "outcome_on": "2026-02-01"}])
    assert found.notes == {"outcome_undated": 1}


def test_a_row_set_aside_is_in_no_note() -> None:
    assert of("charges", [{**CHARGE, "outcome": "acquitted", "charged_on": "2020-01-01"}, CHARGE]).notes == {}


# -- places --------------------------------------------------------------------------------------


def placed(lon: str, lat: str) -> set[tuple[str, str | None]]:
    crime = {key: value for key, value in CRIME.items() if key not in ("easting_m", "northing_m")}
    return {(fault.rule, fault.column) for fault in of("crimes", [{**crime, "lon": "-1.9", "lat": "52.5"}] * 2 + [{**crime, "lon": lon, "lat": lat}]).quarantine}


def test_longitude_and_latitude_run_to_180_and_90() -> None:
    assert placed("180", "90") == placed("-180", "-90") == set()
    assert placed("180.1", "52") == {("number_out_of_range", "lon")}
    assert placed("-180.1", "52") == {("number_out_of_range", "lon")}
    assert placed("-1.9", "90.1") == {("number_out_of_range", "lat")}
    assert placed("x", "52") == {("number_unreadable", "lon")}


def test_longitude_and_latitude_are_carried_into_the_system_of_the_force() -> None:
    crime = {key: value for key, value in CRIME.items() if key not in ("easting_m", "northing_m")}
    found = of("crimes", [{**crime, "lon": "-1.9", "lat": "52.5"}])
    east, north = found.rows.select("easting_m", "northing_m").row(0)
    assert 406_000 < east < 407_500  # a tenth of a degree west of the grid's own meridian, 2 west: 6.8 km east of 400,000
    assert 288_500 < north < 289_500
    assert (round(east, 3), round(north, 3)) == (east, north)  # to the millimetre
    assert set(found.rows.columns) == {*CRIMES.names, ROW}


def test_half_a_place_and_the_origin_are_no_place() -> None:
    rows = [CRIME, {**CRIME, "easting_m": ""}, {**CRIME, "northing_m": ""}, {**CRIME, "easting_m": "0", "northing_m": "0"}, {**CRIME, "easting_m": "0"}, {**CRIME, "northing_m": "0"}]
    found = of("crimes", rows)
    assert found.notes == {"place_half": 2, "place_zero": 1, "place_unknown": 3}
    assert found.rows["easting_m"].to_list() == [400100.0, None, None, None, 0.0, 400100.0]
    assert found.rows["northing_m"].to_list() == [290200.0, None, None, None, 290200.0, 0.0]


@pytest.mark.parametrize(("lon", "lat", "zero"), [("0", "0", 1), ("0", "52.5", 0), ("-1.9", "0", 0)])
def test_only_longitude_and_latitude_both_0_are_no_place(lon: str, lat: str, zero: int) -> None:
    crime = {key: value for key, value in CRIME.items() if key not in ("easting_m", "northing_m")}
    assert of("crimes", [{**crime, "lon": lon, "lat": lat}]).notes.get("place_zero", 0) == zero


def test_a_mapping_without_coordinates_gives_crimes_without_a_place() -> None:
    rule = TableRule(file="f.csv", columns={name: name for name in CRIME if name not in ("easting_m", "northing_m")}, ignore=["easting_m", "northing_m"])
    found = of("crimes", [CRIME, {**CRIME, "crime_ref": "C2"}], rule)
    assert (found.notes, found.quarantined) == ({"place_unknown": 2}, 0)
    assert found.rows["easting_m"].to_list() == [None, None]


def off_area(eastings: list[float], share: float) -> Checked:
    context = CheckContext("Europe/London", "EPSG:27700", MADE_AT, 1.0, share, lambda east, north: east >= 5000)
    return of("crimes", [{**CRIME, "crime_ref": f"C{i}", "easting_m": str(east)} for i, east in enumerate(eastings)], context=context)


def test_points_off_the_area_are_refused_above_the_share_and_not_at_it() -> None:
    at = off_area([9000] * 9 + [4000], 0.1)
    assert (at.notes["off_area"], at.placed, at.faults) == (1, 10, [])
    above = off_area([9000] * 8 + [4000] * 2, 0.1)
    assert [(f.rule, f.count, f.rows) for f in above.faults] == [("off_area_share", 2, (9, 10))]
    assert above.faults[0].next_step == "of 10 with a place; check the coordinate system, the boundary, feed.off_area_max_share"


@pytest.mark.parametrize(("east", "near"), [(999.0, True), (1000.0, False), (-999.0, True), (-1000.0, False)])
def test_a_point_near_an_axis_is_within_1000_m_of_it(east: float, near: bool) -> None:
    assert ("1 lie within 1,000 m" in off_area([east], 0.0).faults[0].next_step) is near


def test_inside_everything_nothing_is_noted() -> None:
    assert off_area([9000], 0.1).notes == {}
    assert of("crimes", [CRIME]).placed == 0  # no boundary, so nothing was held against one


@pytest.mark.parametrize(
    ("odd", "repeated"),
    [({}, 2), ({"happened_from": "2026-01-05T01:00:00"}, 2), ({"happened_from": "2026-01-04T22:10:00"}, 0), ({"offence_code": "008/06"}, 0), ({"northing_m": "290201"}, 0), ({"crime_ref": "C1"}, 0)],
)
def test_day_place_and_code_under_another_reference_are_noted(odd: dict[str, str], repeated: int) -> None:
    found = of("crimes", [CRIME, {**CRIME, "crime_ref": "C2", **odd}])
    assert found.notes.get("repeated_date_place", 0) == repeated


def test_crimes_without_a_place_repeat_none() -> None:
    nowhere = {**CRIME, "easting_m": "", "northing_m": ""}
    assert "repeated_date_place" not in of("crimes", [nowhere, {**nowhere, "crime_ref": "C2"}]).notes


# -- the whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("broken", "is_refused"), [(2, False), (3, True)])
def test_rows_set_aside_refuse_the_whole_above_the_share_and_not_at_it(broken: int, is_refused: bool) -> None:
    context = CheckContext("Europe/London", "EPSG:27700", MADE_AT, quarantine_max_share=0.2)
    found = of("crimes", [{**CRIME, "crime_ref": f"C{i}", "offence_code": "" if i < broken else "008/01"} for i in range(10)], context=context)
    assert [(f.rule, f.count) for f in found.faults] == ([("quarantine_share", 3), ("required_missing", 3)] if is_refused else [])
    if is_refused:
        assert found.faults[0].next_step == "30.00% of the rows are broken; feed.quarantine_max_share allows 20.00%"


def test_rows_that_could_not_be_read_count_with_those_set_aside() -> None:
    found = of("crimes", [CRIME, {**CRIME, "crime_ref": "C2", "offence_code": ""}, {**CRIME, "crime_ref": "", "offence_code": ""}], broken=((4, "row_columns"), (5, "not_utf8")))
    assert (found.received, found.rows.height, found.quarantined) == (5, 1, 4)
    assert [(f.row, f.rule) for f in found.quarantine][:2] == [(4, "row_columns"), (5, "not_utf8")]
    assert found.held_keys.rows() == [("C2",)]
    assert found.keyless == 3  # one without its key, two that could not be read
    assert of("crimes", [CRIME]).held_keys.schema == {"crime_ref": pl.String}


def test_causes_are_named_by_file_then_by_how_many_rows_with_the_first_five() -> None:
    faults = [Fault("b", "y", row, "c") for row in (7, 3, 3, 9, 1, 5, 8)] + [Fault("a", "y", 2, "c")] + [Fault("z", "x", None)]
    assert [(c.where, c.rule, c.count, c.rows) for c in grouped(faults)] == [("x", "z", 1, (0,)), ("y", "b", 7, (1, 3, 5, 7, 8)), ("y", "a", 1, (2,))]


@pytest.mark.parametrize(("read", "says"), [(2, "the mapping gives nothing for it"), (3, "")])
def test_a_required_column_empty_in_every_row_that_was_read_is_one_the_mapping_does_not_fill(read: int, says: str) -> None:
    context = CheckContext("Europe/London", "EPSG:27700", MADE_AT, quarantine_max_share=0.0)
    rows = [{**CRIME, "offence_code": ""}, {**CRIME, "offence_code": ""}, CRIME][:read]
    found = of("crimes", rows, context=context, broken=((9, "row_columns"),))
    assert [f.next_step for f in found.faults if f.rule == "required_missing"] == [says]


# -- closed lists --------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "is_said"), [(40, True), (41, False)])
def test_a_new_code_is_said_up_to_40_characters(length: int, is_said: bool) -> None:
    (fault,) = of("crimes", [CRIME, {**CRIME, "weapon": "w" * length}]).faults
    assert (fault.rule, fault.rows, fault.values) == ("value_new", (2,), (("w" * length, 1),) if is_said else ())


@pytest.mark.parametrize(
    ("value", "is_said"),
    [("sword", True), ("8/1", True), ("Other, not listed (specify)", True), ("one two three four", True), ("one two three four five", False), ("Smith 12", False), ("dob 1/1/80", False), ("a  b", False)],
)
def test_a_new_value_that_reads_as_free_text_is_counted_and_not_said(value: str, is_said: bool) -> None:
    (fault,) = of("crimes", [CRIME, {**CRIME, "weapon": value}, {**CRIME, "weapon": "axe"}]).faults
    assert (fault.count, bool(fault.values)) == (2, is_said)


@pytest.mark.parametrize(("codes", "said"), [(50, 50), (51, 0)])
def test_a_list_of_new_codes_is_said_up_to_50_of_them(codes: int, said: int) -> None:
    (fault,) = of("crimes", [{**CRIME, "weapon": f"w{i:02d}"} for i in range(codes)]).faults
    assert (fault.count, fault.rows, len(fault.values)) == (codes, (1, 2, 3, 4, 5), said)


# -- columns -------------------------------------------------------------------------------------


def drift(columns: dict[str, str], before: dict[str, str] | None = None, rule: TableRule | None = None, elsewhere: set[str] | None = None, table: Table = CRIMES) -> list[tuple[str, str | None]]:
    file = RawFile("f.csv", pl.DataFrame(), 0, [], columns)
    return [(fault.rule, fault.column) for fault in column_faults(file, table, rule, elsewhere or set(), before)]


OURS = dict.fromkeys(CRIME, "text")


def test_columns_of_the_table_are_wanted_and_optional_ones_allowed() -> None:
    assert drift(OURS) == drift({**OURS, "area": "text", "domestic": "text"}) == []
    assert drift({name: kind for name, kind in OURS.items() if name not in ("status", "injury")}) == [("column_lost", "injury"), ("column_lost", "status")]
    assert drift({"postcode": "text", **OURS, "officer": "text"}) == [("column_new", f"column {len(OURS) + 2}"), ("column_new", "column 1")]


def test_longitude_and_latitude_stand_for_both_coordinates_or_for_none() -> None:
    neither = {name: kind for name, kind in OURS.items() if name not in ("easting_m", "northing_m")}
    assert drift({**neither, "lon": "text", "lat": "text"}) == []
    assert drift({**neither, "lon": "text"}) == [("column_lost", "easting_m"), ("column_lost", "northing_m")]
    people = dict.fromkeys(PERSON, "text")
    assert drift({**people, "lon": "text"}, table=PERSONS) == [("column_new", f"column {len(people) + 1}")]


def test_a_mapping_wants_its_own_columns_and_what_it_ignores_may_come() -> None:
    rule = TableRule(file="f.csv", columns={"crime_ref": "URN", "offence_code": "HOC"}, ignore=["Beat"])
    assert drift({"URN": "text", "HOC": "text", "Beat": "text"}, rule=rule) == []
    assert drift({"URN": "text"}, rule=rule) == [("column_lost", "HOC")]
    assert drift({"URN": "text", "HOC": "text", "Other": "text"}, rule=rule) == [("column_new", "column 3")]
    assert drift({"URN": "text", "HOC": "text", "Other": "text"}, rule=rule, elsewhere={"Other"}) == []


def test_a_column_sent_before_may_not_be_lost_unless_it_is_ignored_or_gone_from_the_mapping() -> None:
    assert drift(OURS, before={**OURS, "area": "text"}) == [("column_lost", "area")]
    assert drift(OURS, before={**OURS, "postcode": "text"}) == []
    rule = TableRule(file="f.csv", columns={"crime_ref": "URN"}, ignore=["Beat"])
    assert drift({"URN": "text"}, before={"URN": "text", "Beat": "text"}, rule=rule) == []


@pytest.mark.parametrize(("was", "now", "is_retyped"), [("text", "number", True), ("text", "text", False), ("empty", "number", False), ("number", "empty", False)])
def test_a_column_of_another_type_than_before_is_named_and_an_empty_one_is_not(was: str, now: str, is_retyped: bool) -> None:
    assert drift({**OURS, "weapon": now}, before={**OURS, "weapon": was}) == ([("column_retyped", "weapon")] if is_retyped else [])


def test_what_is_lost_ends_the_look_at_rows() -> None:
    found = check(raw([{"crime_ref": "C1"}]), CRIMES, None, CONTEXT)
    assert (found.received, found.rows.height, found.quarantined) == (1, 0, 0)
    assert {fault.rule for fault in found.faults} == {"column_lost"}


# -- rows that an SQL mapping made ---------------------------------------------------------------


def made_of(files: list[str], unused: int = 0) -> Checked:
    raws = {name: raw([CRIME], name, broken=((2, "row_columns"),) if name == files[0] else ()) for name in files}
    rows = pl.concat([raws[name].rows.with_columns(pl.lit(name).alias(FILE), crime_ref=pl.lit(name[:9])) for name in files])
    odd = pl.when(pl.col(FILE) == files[-1]).then(pl.lit("soon")).otherwise("recorded_at")
    return check_made(Made("crimes", rows.with_columns(recorded_at=odd), files, unused), raws, CONTEXT)


def test_rows_of_a_mapping_are_counted_with_those_no_file_gave() -> None:
    found = made_of(["a.csv", "b.csv", "c.csv"], unused=2)
    assert (found.file, found.files) == ("a.csv + b.csv + c.csv", ["a.csv", "b.csv", "c.csv"])
    assert (found.received, found.made, found.delivered, found.unread) == (4, 3, 4, 1)
    assert (found.quarantined, found.rows.height) == (2, 2)
    assert [(f.where, f.rule, f.row) for f in found.quarantine] == [("a.csv", "row_columns", 2), ("c.csv", "date_unreadable", 1)]
    assert found.notes["source_row_unused"] == 2
    assert "source_row_unused" not in made_of(["a.csv", "b.csv"]).notes


@pytest.mark.parametrize(("length", "name"), [(98, f"{'a' * 98} + {'b' * 99}"), (99, f"{'a' * 99} + 1 more")])
def test_many_long_names_of_files_are_counted_instead(length: int, name: str) -> None:
    found = made_of(["a" * length, "b" * 99])
    assert (found.file, len(f"{'a' * length} + {'b' * 99}")) == (name, length + 102)
    assert made_of(["a" * 99, "b" * 99, "c" * 9, "d"]).file == f"{'a' * 99} + 3 more"


def test_shares_are_two_and_ten_in_a_hundred_unless_the_settings_say_otherwise() -> None:
    context = CheckContext("Europe/London", "EPSG:27700", MADE_AT)
    assert (context.quarantine_max_share, context.off_area_max_share, context.home_office) == (0.02, 0.1, True)


def test_only_references_lose_the_point_of_a_double() -> None:
    found = of("crimes", [{**CRIME, "crime_ref": "411.0", "area": "12.0"}])
    assert found.rows.select("crime_ref", "area").row(0) == ("411", "12.0")


def test_another_rule_broken_in_every_row_is_not_the_mapping_that_gives_nothing() -> None:
    context = CheckContext("Europe/London", "EPSG:27700", MADE_AT, quarantine_max_share=0.0)
    found = of("persons", [{**PERSON, "died_on": "1980-01-01"}], context=context)
    assert [(f.rule, f.next_step) for f in found.faults[1:]] == [("died_before_born", "")]
