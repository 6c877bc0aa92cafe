"""The tables' own rules: units, keys, what is said of held weeks, section access, figures filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from harmcast.errors import NotFit
from harmcast.publish.qlik import acceptance, access, areas, checks, people, star

STANDING = areas.ReleaseStanding("iom", "2026-W47", date(2026, 11, 16), 4, "published", "plain")


def listed(units: list[str]) -> people.ListedPeople:
    keys = [f"k{n}" for n in range(len(units))]
    rows = pl.DataFrame({"person_key": keys, "unit": units}).with_columns(list_part=pl.lit("Review overdue"), list_part_order=pl.lit(1, dtype=pl.Int64), list_place=pl.lit(1, dtype=pl.Int64))
    scored = pl.DataFrame({"person_key": [*keys, "other"], "band": [*["high"] * len(units), "low"], "chance_high_harm_12m": [None, *[0.05] * len(units)]})
    decisions = pl.DataFrame({"person_key": ["k0", "other"], "decision": ["refer", "refer"], "decided_on": [date(2026, 11, 17)] * 2})
    return people.ListedPeople("iom", "IOM", [STANDING], rows, {STANDING.key: scored}, decisions, ((0.05, "5 or more"), (0.0, "under 5")))


def test_only_the_listed_leave_with_their_decisions() -> None:
    found = people.tables(listed(["North", "South"]), "https://h.example/")
    assert sorted(found["facts"]["person_key"].unique()) == ["k0", "k1"]
    assert found["facts"].filter(pl.col("grain") == "decision").select("person_key", "decision", "decided_on").rows() == [("k0", "refer", date(2026, 11, 17))]
    assert found["facts"].filter(pl.col("grain") == "score").select("chance_band", "chance_band_order").rows() == [("no chance given", 9), ("5 or more", 1)]
    assert found["dim_person"].rows() == [("k0", "NORTH", "https://h.example/people/k0"), ("k1", "SOUTH", "https://h.example/people/k1")]


def test_units_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(NotFit, match="differ only in case") as refused:
        people.tables(listed(["North", "NORTH"]), "https://h.example")
    assert refused.value.code == "qlik_tables_unfit"


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("facts", pl.lit(None, dtype=pl.String).alias("release_key"), "a key is null"),
        ("dim_person", pl.lit("k0").alias("person_key"), "a key stands twice"),
        ("dim_person", pl.lit("North").alias("UNIT"), "not in capitals"),
        ("facts", pl.lit("nobody").alias("person_key"), "has no row in dim_person"),
    ],
)
def test_a_table_that_qlik_would_link_wrongly_is_refused(table: str, change: pl.Expr, words: str) -> None:
    found = people.tables(listed(["North", "South"]), "https://h.example")
    found[table] = found[table].with_columns(change)
    with pytest.raises(NotFit, match=words):
        star.require_whole("people", found)


def test_what_is_held_is_said_with_why_before_what_is_shown() -> None:
    held = replace(STANDING, week="2026-W48", origin=date(2026, 11, 23), standing="held", says="The records are not as usual")
    assert areas.standing_says([STANDING, held]) == "2026-W48 is held (The records are not as usual). Shown: 2026-W47, first day 16 November 2026."
    assert areas.standing_says([held]) == "2026-W48 is held (The records are not as usual). Nothing is published."


def test_an_outline_is_coordinates_in_text_that_begins_with_a_bracket() -> None:
    assert areas.outline([[[-1.5, 52.0], [-1.4, 52.0], [-1.5, 52.12345678], [-1.5, 52.0]]]) == "[[[-1.5,52.0],[-1.4,52.0],[-1.5,52.123457],[-1.5,52.0]]]"


def test_every_field_is_loaded_by_one_table_or_is_a_key() -> None:
    for app, tables in star.APPS.items():
        names = [field.name for table in tables.values() for field in table.fields if not field.is_key]
        assert len(names) == len(set(names)), app
        assert not {"name", "person_ref", "charge_ref", "reasons"} & set(names)


def test_hidden_audit_figures_are_null_and_said_and_no_count_leaves() -> None:
    row = {"scope": "not managed", "attribute": "sex", "is_reference": False, "measure": "selection", "n": 40, "against": "others", "low": 0.0123456, "high": 0.2, "ratio": 1.23456, "ratio_low": 0.9, "ratio_high": 1.7}
    rows = [{**row, "group": "a", "value": 0.0638722, "verdict": "met"}, {**row, "group": "b", "value": None, "low": None, "high": None, "ratio": None, "ratio_low": None, "ratio_high": None, "verdict": None}]
    document = {"verdict": "met", "tables": [{"title": "What was measured", "columns": list(rows[0]), "rows": [list(r.values()) for r in rows]}], "thresholds": []}
    found = checks.audit_rows(document, "iom", "2026-W47")
    assert [(r["audit_group"], r["audit_value"], r["audit_low"], r["audit_ratio"], r["audit_text"]) for r in found] == [("a", 0.064, 0.012, 1.23, "6.4%"), ("b", None, None, None, "[c]")]
    assert not [key for key in found[0] if key in ("n", "numerator", "denominator")]


READERS = [access.Reader("mo", "North"), access.Reader("mo", "South"), access.Reader("ali", "North")]


def test_section_access_is_in_capitals_with_the_scheduler_and_one_administrator() -> None:
    content = access.section_access(READERS, "boss", "force")
    assert content.decode() == (
        "ACCESS,USERID,UNIT\r\nADMIN,INTERNAL\\SA_SCHEDULER,\r\nADMIN,FORCE\\BOSS,\r\nUSER,FORCE\\ALI,NORTH\r\nUSER,FORCE\\MO,NORTH\r\nUSER,FORCE\\MO,SOUTH\r\n"
    )
    assert access.faults(content, {"NORTH", "SOUTH"}) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("ADMIN,BOSS,\r\n", "", "no person is ADMIN"),
        ("ADMIN,INTERNAL\\SA_SCHEDULER,\r\n", "", "never reload"),
        ("ADMIN,BOSS,", "ADMIN,BOSS,NORTH", "an ADMIN has a unit"),
        ("USER,ALI,NORTH", "USER,ALI,EAST", "not one of the app's"),
        ("USER,ALI,NORTH", "USER,ALI,*", "a star"),
        ("USER,ALI,NORTH", "USER,ali,NORTH", "not in capitals"),
        ("USER,ALI,NORTH", "USER,ALI,NORTH ", "a space at its end"),
        ("USER,ALI,NORTH", "USER,BOSS,NORTH", "ADMIN and USER"),
        ("USER,ALI,NORTH", "GUEST,ALI,NORTH", "neither ADMIN nor USER"),
        ("USER,ALI,NORTH", "USER,,NORTH", "names nobody"),
        ("USER,ALI,NORTH", "USER,ALI", "2 fields"),
        ("ACCESS,USERID,UNIT", "ACCESS,USERID,LOMU", "the first line"),
    ],
)
def test_section_access_that_opens_or_shuts_too_much_is_found(before: str, after: str, words: str) -> None:
    content = access.section_access(READERS, "boss", None).decode()
    assert before in content
    found = access.faults(content.replace(before, after).encode(), {"NORTH", "SOUTH"})
    assert any(words in fault for fault in found), found


@pytest.mark.parametrize(
    ("value", "decimals", "filled", "is_same"),
    [
        (15.427, 1, "15.4", True), (15.427, 1, "15.5", False), (0.0638, 2, "6%", True), (0.0638, 2, "7%", False), (1234.0, 0, "1 234", True),
        (None, None, "-", True), (None, None, "0", False), ("9 to 23", None, "9 to 23", True), ("9 to 23", None, "0 to 106", False), (0.0, 0, "", False),
    ],
)  # fmt: skip
def test_a_figure_filled_in_is_compared_as_qlik_shows_it(value: object, decimals: int | None, filled: str, is_same: bool) -> None:
    figure = acceptance.AcceptanceFigure("areas", "m", (("area", "A"),), value, decimals)  # type: ignore[arg-type]
    found = acceptance.compared(f"app,reader,measure,selection,value\nareas,,m,area=A,{filled}\n".encode(), [figure])
    assert found.is_accepted == is_same
