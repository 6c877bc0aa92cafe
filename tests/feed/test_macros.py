"""The macros of SQL mappings, each at its boundaries: what is read, and what comes back as it was for the checks to find."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from harmcast import offence_codes
from harmcast.feed import sql_mapping


@pytest.fixture(scope="module")
def con() -> Any:
    with duckdb.connect(config={"enable_external_access": False}) as made:
        made.execute(sql_mapping.macros())
        yield made


def said(con: Any, expression: str) -> Any:
    return con.execute(f"SELECT {expression}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("uk_date('31/12/2024')", "2024-12-31"), ("uk_date('1/2/2024')", "2024-02-01"), ("uk_date('31-12-2024')", "2024-12-31"),
        ("uk_date('31.12.2024')", "2024-12-31"), ("uk_date('31 Dec 2024')", "2024-12-31"), ("uk_date('31-DEC-2024')", "2024-12-31"),
        ("uk_date('31 December 2024')", "2024-12-31"), ("uk_date('2024-12-31')", "2024-12-31"), ("uk_date(' 31/12/2024 23:15 ')", "2024-12-31"),
        ("uk_date('2024-12-31T10:00:00.000000')", "2024-12-31"), ("uk_date('29/02/2024')", "2024-02-29"),
        ("uk_date('29/02/2023')", "29/02/2023"), ("uk_date('12/31/2024')", "12/31/2024"), ("uk_date('00/01/2024')", "00/01/2024"),
        ("uk_date('31/12/24')", "31/12/24"), ("uk_date('31122024')", "31122024"), ("uk_date('rubbish')", "rubbish"), ("uk_date(NULL)", None),
        ("uk_date('31/12/26', 2026)", "2026-12-31"), ("uk_date('31/12/27', 2026)", "1927-12-31"), ("uk_date('31-DEC-68', 2026)", "1968-12-31"),
        ("uk_date('01/01/00', 2026)", "2000-01-01"), ("uk_date('31/12/2024', 2026)", "2024-12-31"), ("uk_date('x', 2026)", "x"),
        ("uk_time('31/12/2024 23:15')", "2024-12-31 23:15:00"), ("uk_time('31/12/2024 23:59:59')", "2024-12-31 23:59:59"),
        ("uk_time('31/12/2024')", "2024-12-31 00:00:00"), ("uk_time('31/12/2024 11:15 PM')", "2024-12-31 23:15:00"),
        ("uk_time('31/12/2024 24:00')", "31/12/2024 24:00"), ("uk_time(NULL)", None),
        ("uk_time('31/12/2024', '23:15')", "2024-12-31 23:15:00"), ("uk_time('31/12/2024', '2315')", "2024-12-31 23:15:00"),
        ("uk_time('31/12/2024', '915')", "2024-12-31 09:15:00"), ("uk_time('31/12/2024', '0000')", "2024-12-31 00:00:00"),
        ("uk_time('31/12/2024', '23.15')", "2024-12-31 23:15:00"), ("uk_time('31/12/2024', '11:15 pm')", "2024-12-31 23:15:00"),
        ("uk_time('31/12/2024', '12:00 am')", "2024-12-31 00:00:00"), ("uk_time('31/12/2024', '2460')", "31/12/2024 2460"),
        ("uk_time('31/12/2024', NULL)", "2024-12-31"), ("uk_time(NULL, '23:15')", None), ("uk_time('odd', '23:15')", "odd 23:15"),
        ("excel_date('1')", "1900-01-01"), ("excel_date('59')", "1900-02-28"), ("excel_date('60')", "60"), ("excel_date('61')", "1900-03-01"),
        ("excel_date('45292')", "2024-01-01"), ("excel_date('45292.5')", "2024-01-01 12:00:00"), ("excel_date('0')", "0"),
        ("excel_date('2958465')", "9999-12-31"), ("excel_date('2958466')", "2958466"), ("excel_date('31/12/2024')", "31/12/2024"),
        ("excel_date('-1')", "-1"), ("excel_date(NULL)", None),
        ("uk_number('1,234.5')", "1234.5"), ("uk_number('12,345,678')", "12345678"), ("uk_number('£1,234')", "1234"), ("uk_number('-5')", "-5"),
        ("uk_number('(1,234)')", "-1234"), ("uk_number('999')", "999"), ("uk_number('0.5')", "0.5"), ("uk_number('12,34')", "12,34"),
        ("uk_number('1.234,5')", "1.234,5"), ("uk_number('1,234,5')", "1,234,5"), ("uk_number('many')", "many"), ("uk_number(NULL)", None),
        ("flag('Yes')", "true"), ("flag('y')", "true"), ("flag('1')", "true"), ("flag('N')", "false"), ("flag('0')", "false"),
        ("flag('maybe')", "maybe"), ("flag(NULL)", None),
        ("null_words('NULL')", None), ("null_words(' n/a ')", None), ("null_words('NaN')", None), ("null_words('')", None), ("null_words(' ')", None),
        ("null_words('none')", "none"), ("null_words('unknown')", "unknown"), ("null_words(' x ')", "x"),
        ("split_words('knife; firearm,NULL||x')", ["knife", "firearm", "x"]), ("split_words('a/b', '/')", ["a", "b"]),
        ("split_words('one')", ["one"]), ("split_words('')", []), ("split_words(NULL)", None),
        ("worst_of(['minor', 'Fatal '], ['none', 'minor', 'fatal'])", "fatal"), ("worst_of(['none'], ['none', 'minor'])", "none"),
        ("worst_of(['minor', NULL, 'odd'], ['minor', 'fatal'])", "odd"), ("worst_of([], ['minor'])", None), ("worst_of(NULL, ['minor'])", None),
        ("worst_of(split_words('knife; firearm'), ['none', 'knife', 'firearm'])", "firearm"),
    ],
)  # fmt: skip
def test_a_macro_reads_what_it_can_and_leaves_the_rest_to_the_checks(con: Any, expression: str, value: Any) -> None:
    assert said(con, expression) == value


def test_several_words_become_several_rows(con: Any) -> None:
    found = con.execute("SELECT n, unnest(split_words(w)) FROM (VALUES (1, 'A1; A2'), (2, NULL), (3, 'B')) t(n, w) ORDER BY ALL").fetchall()
    assert found == [(1, "A1"), (1, "A2"), (3, "B")]


@pytest.mark.parametrize(
    "printed",
    ["8/6", "008/06", "00806", "8/06", "806", "0806", "101", "125", "8", "008", "8F", "8f", "8N", "105A/1", "Assault", "08-Jan", "1057", "8 / 6", "C34", "8.06", "008.06", "105A.01", "8.6", "008.6", "1.1", "001.1", "104.0", "806.0", "999.99", "999.9", "0.1", "000.1"],
)
def test_ho_code_makes_the_form_that_the_records_hold(con: Any, printed: str) -> None:
    assert offence_codes.read(said(con, f"ho_code('{printed}')")) == offence_codes.read(printed)


def test_ho_code_itself(con: Any) -> None:
    assert [said(con, f"ho_code('{printed}')") for printed in ("8/6", "00806", "806", "8.06", "8F", "101", "001.1", "8.6")] == ["008/06"] * 4 + ["008/01", "101", "001/01", "8.6"]
    assert said(con, "ho_code(NULL)") is None
