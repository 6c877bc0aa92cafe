"""A mapping in SQL: what it makes is accounted for by source row; what it may not do is refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.accepted import load_accepted

from harmcast.errors import FeedRefused, SettingsRefused
from harmcast.feed import sql_mapping
from harmcast.feed.extract import RawFile
from harmcast.runs.received import FileCount
from harmcast.store.state import State
from harmcast.tables import ROW

SETTINGS = """
[force]
name = "Ugly force (invented)"
invented = true

[feed]
mapping = "force.sql"
quarantine_max_share = 0.5

[feed.files."CRIMES*.TXT"]
name = "CRIMES"
delimiter = ";"
encoding = "cp1252"

[feed.files."suspects.csv"]
delimiter = "|"
quote = "'"

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"], injury = ["minor", "serious", "fatal"] }

[[tools]]
name = "iom"
kind = "people"
"""
MAPPING = """
-- The force's crimes: one row a crime.
CREATE VIEW crimes AS
SELECT
  source_row,
  CrimeNo AS crime_ref,
  ho_code(HOClass) AS offence_code,
  uk_time(DateFrom, TimeFrom) AS happened_from,
  uk_time(null_words(DateTo)) AS happened_to,
  uk_time(Recorded) AS recorded_at,
  uk_time(Recorded) AS changed_at,
  CASE null_words(Cancelled) WHEN 'C' THEN 'cancelled' ELSE 'recorded' END AS status,
  uk_number(X) AS easting_m,
  uk_number(Y) AS northing_m,
  worst_of(split_words(Weapons), ['none', 'other', 'knife', 'firearm']) AS weapon,
  lower(null_words(Injury)) AS injury,
  Beat AS beat
FROM CRIMES;

/* Several suspects stand in one row; each was charged. */
CREATE VIEW each_suspect AS
SELECT source_row, Charge, Code, Day, unnest(split_words(Suspects)) AS suspect, Crime FROM suspects;

CREATE OR REPLACE VIEW charges AS
SELECT source_row, Charge || '-' || suspect AS charge_ref, suspect AS person_ref, null_words(Crime) AS crime_ref, ho_code(Code) AS offence_code,
  uk_date(Day) AS happened_on, uk_date(Day) AS charged_on, 'charged' AS outcome, uk_date(Day) AS changed_at
FROM each_suspect;

CREATE VIEW persons AS
SELECT source_row, Ref AS person_ref, CASE WHEN Born LIKE '01/01/1900%' THEN NULL ELSE uk_date(Born) END AS born_on, 'North' AS unit,
  false AS restricted, uk_date('01/01/2026') AS changed_at
FROM people_csv
"""
CRIMES = """CrimeNo;HOClass;DateFrom;TimeFrom;DateTo;Recorded;Cancelled;X;Y;Weapons;Injury;Beat
C1;8/6;05/01/2026;2210;NULL;06/01/2026 09:00;;400,100.0;290,200;"Knife; none";Minor;Caf\u00e9
C2;00806;05/01/2026;915;06/01/2026 10:00;07/01/2026;C;"400,200.5";290200;none;NULL;
C3;806;31/02/2026;2210;NULL;06/01/2026 09:00;;400100;290200;;Minor;
C4;8/6;05/01/2026
C5;5/1;05/01/2026;11:15 pm;NULL;06/01/2026 09:00;N/A;;;firearm,knife;Serious;
"""
SUSPECTS = """Charge|Crime|Code|Day|Suspects
H1|C1|8/6|05/01/2026|'P1; P2'
H2|NULL|00806|06/01/2026|P1
H3|C5|5/1|07/01/2026|NULL
H4|C5|5/1|odd|P2
"""
PEOPLE = """Ref,Born
P1,01/02/1990
P2,01/01/1900
P3,03/04/1991
P2b,NULL
"""
END = date(2026, 12, 31)
MakeState = Callable[..., State]
Deliver = Callable[..., Path]


@pytest.fixture
def raw() -> dict[str, tuple[bytes, int]]:
    return {"CRIMES_20260302.TXT": (CRIMES.encode("cp1252"), 5), "suspects.csv": (SUSPECTS.encode(), 4), "people.csv": (PEOPLE.encode(), 4)}


def by_table(files: list[FileCount]) -> dict[str, FileCount]:
    return {file.table: file for file in files}


def test_an_ugly_export_is_loaded_and_every_row_accounted_for(make_state: MakeState, deliver: Deliver, raw: Any) -> None:
    state = make_state(SETTINGS, {"force.sql": MAPPING})
    result = load_accepted(state, deliver(raw=raw))
    found = by_table(result.files)
    crimes, charges, persons = found["crimes"], found["charges"], found["persons"]
    assert all(file.adds_up for file in result.files)
    # received, made, unread, loaded, quarantined, left out
    assert (crimes.received, crimes.made, crimes.unread, crimes.loaded, crimes.quarantined) == (5, 4, 1, 3, 2)
    assert (charges.received, charges.made, charges.unread, charges.loaded, charges.quarantined) == (4, 4, 0, 3, 1)
    assert (persons.received, persons.made, persons.loaded, persons.left_out) == (4, 4, 2, 2)
    assert charges.notes["source_row_unused"] == 1  # H3 names nobody
    assert {(f.where, f.row, f.column, f.rule) for f in result.quarantine} == {
        ("CRIMES_20260302.TXT", 3, "happened_from", "date_unreadable"),
        ("CRIMES_20260302.TXT", 4, None, "row_columns"),
        ("suspects.csv", 4, "happened_on", "date_unreadable"),
        ("suspects.csv", 4, "charged_on", "date_unreadable"),
        ("suspects.csv", 4, "changed_at", "date_unreadable"),
    }
    columns = ["crime_ref", "offence_code", "happened_from", "happened_to", "status", "easting_m", "weapon", "injury", "beat"]
    held = state.records.known("crimes", columns=columns).sort("crime_ref").rows()
    assert held == [
        ("C1", "008/06", datetime(2026, 1, 5, 22, 10), None, "recorded", 400100.0, "knife", "minor", "Caf\u00e9"),
        ("C2", "008/06", datetime(2026, 1, 5, 9, 15), datetime(2026, 1, 6, 10), "cancelled", 400200.5, "none", None, None),
        ("C5", "005/01", datetime(2026, 1, 5, 23, 15), None, "recorded", None, "firearm", "serious", None),
    ]
    assert state.records.known("charges", columns=["charge_ref", "crime_ref"]).sort("charge_ref").rows() == [("H1-P1", "C1"), ("H1-P2", "C1"), ("H2-P1", None)]
    row = state.operations.rows(_files_of())[0]
    assert (row["received"], row["made"], row["unread"]) == (5, 4, 1)


def _files_of() -> Any:
    import sqlalchemy as sa

    from harmcast.store import schema

    return sa.select(schema.delivery_files).where(schema.delivery_files.c.table_name == "crimes")


# -- what a mapping may not do ---------------------------------------------------------------------

START = "CREATE VIEW activity AS SELECT source_row, k AS kind, t AS started_at, x AS easting_m, y AS northing_m"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{START}, current_date AS minutes FROM a", "mapping_reads_clock"),
        (f"{START}, now() AS minutes FROM a", "mapping_reads_clock"),
        (f"{START}, today() AS minutes FROM a", "mapping_reads_clock"),
        (f"{START} FROM a WHERE t < current_timestamp", "mapping_reads_clock"),
        (f"{START}, random() AS minutes FROM a", "mapping_reads_clock"),
        (f"{START}, uuid() AS minutes FROM a", "mapping_reads_clock"),
        (f"{START}, getvariable('x') AS minutes FROM a", "mapping_reads_clock"),
        (f"{START} FROM a TABLESAMPLE 10%", "mapping_reads_clock"),
        (f"{START} FROM read_csv('/etc/passwd') a", "mapping_reads_outside"),
        (f"{START} FROM a, glob('*')", "mapping_reads_outside"),
        (f"{START} FROM '/etc/passwd'", "mapping_reads_outside"),
        (f"{START} FROM 'https://x/y.csv'", "mapping_reads_outside"),
        (f"{START} FROM a LIMIT 3", "mapping_row_order"),
        (f"{START}, row_number() OVER () AS minutes FROM a", "mapping_row_order"),
        (f"{START}, lag(m) OVER (PARTITION BY k) AS minutes FROM a", "mapping_row_order"),
        ("CREATE VIEW activity AS SELECT min(source_row) AS source_row, k AS kind, first(t) AS started_at, min(x) AS easting_m, min(y) AS northing_m FROM a GROUP BY k", "mapping_row_order"),
        (f"WITH x AS (SELECT 1) {START} FROM a", "mapping_not_sql"),
        ("CREATE VIEW activity AS SELEC x", "mapping_not_sql"),
        ("COPY a TO 'b.csv'", "mapping_statement"),
        ("CREATE TABLE activity AS SELECT 1", "mapping_statement"),
        ("ATTACH 'x.db'", "mapping_statement"),
        ("SET memory_limit = '1TB'", "mapping_statement"),
        ("CREATE VIEW other AS SELECT 1", "mapping_without_table"),
        (f"{START} FROM a; {START} FROM b", "mapping_view_twice"),
        ("CREATE VIEW activity AS SELECT k AS kind, t AS started_at, x AS easting_m, y AS northing_m FROM a", "column_lost"),
        ("CREATE VIEW activity AS SELECT source_row, k AS kind, x AS easting_m, y AS northing_m FROM a", "column_lost"),
    ],
)  # fmt: skip
def test_a_mapping_is_refused_for_what_it_may_not_do(text: str, rule: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        sql_mapping.parse(text)
    assert rule in {fault.rule for fault in refused.value.faults}


def test_what_says_its_order_is_taken() -> None:
    made = sql_mapping.parse(
        "CREATE VIEW activity AS SELECT source_row, k AS kind, t AS started_at, x AS easting_m, y AS northing_m, "
        "row_number() OVER (PARTITION BY k ORDER BY source_row) AS minutes FROM a ORDER BY source_row LIMIT 3"
    )
    assert made.tables == ["activity"]


def raw_file(name: str, rows: dict[str, list[Any]]) -> RawFile:
    frame = pl.DataFrame(rows).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW))
    return RawFile(name, frame, frame.height, [], {})


def places(n: int = 40) -> dict[str, list[Any]]:
    return {"k": [str(i % 4) for i in range(n)], "t": ["2026-01-05"] * n, "x": [str(i) for i in range(n)], "y": ["1"] * n}


def run(text: str, *files: RawFile, **limits: int) -> list[sql_mapping.Made]:
    return sql_mapping.run(sql_mapping.parse(text), {file.name: file for file in files}, limits=sql_mapping.Limits(**limits))


def rule_of(text: str, *files: RawFile, **limits: int) -> set[str]:
    with pytest.raises(FeedRefused) as refused:
        run(text, *files, **limits)
    return {fault.rule for fault in refused.value.faults}


def test_a_result_that_hangs_on_the_order_of_the_rows_is_found_by_mixing_them() -> None:
    by_list = "CREATE VIEW activity AS SELECT min(source_row) AS source_row, k AS kind, '2026-01-05' AS started_at, list(x)[1] AS easting_m, '1' AS northing_m FROM a GROUP BY k"
    assert rule_of(by_list, raw_file("a.csv", places())) == {"mapping_row_order"}
    by_min = by_list.replace("list(x)[1]", "min(x)")
    assert run(by_min, raw_file("a.csv", places()))[0].rows["easting_m"].to_list() == ["0", "1", "10", "11"]


def test_rows_of_several_files_name_theirs() -> None:
    one = f"{START}, source_file FROM a"
    both = one + " UNION ALL SELECT source_row, k, t, x, y, source_file FROM b"
    made = run(both, raw_file("a.csv", places(3)), raw_file("b.txt", places(2)))[0]
    assert made.files == ["a.csv", "b.txt"]
    assert made.rows.select("file", ROW).rows() == [("a.csv", 1), ("a.csv", 2), ("a.csv", 3), ("b.txt", 1), ("b.txt", 2)]
    without = both.replace(", source_file FROM", " FROM").replace(", y, source_file", ", y")
    assert rule_of(without, raw_file("a.csv", places(3)), raw_file("b.txt", places(2))) == {"source_file_missing"}


def test_of_a_join_the_rows_are_those_of_the_file_named_first() -> None:
    joined = """CREATE VIEW activity AS SELECT a.source_row, a.k AS kind, a.t AS started_at, a.x AS easting_m, a.y AS northing_m, b.x AS minutes
      FROM a LEFT JOIN b ON a.x = b.x"""
    made = run(joined, raw_file("a.csv", places(3)), raw_file("b.csv", places(2)))[0]
    assert (made.files, made.rows.height, made.unused) == (["a.csv"], 3, 0)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{START} FROM nowhere", "mapping_names_unknown"),
        (f"{START}, odd AS minutes FROM a", "mapping_names_unknown"),
        (f"{START} FROM 'other.csv'", "mapping_reads_outside"),
        (f"{START}, CAST(t AS INTEGER) AS minutes FROM a", "mapping_failed"),
        (f"{START}, [1, 2] AS minutes FROM a", "column_type"),
        (START.replace("source_row", "NULL AS source_row") + " FROM a", "source_row_unknown"),
    ],
)
def test_what_goes_wrong_on_the_rows_is_named_without_their_values(text: str, rule: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        run(text, raw_file("a.csv", places()))
    assert rule in {fault.rule for fault in refused.value.faults}
    assert "2026-01-05" not in str(refused.value)


def test_a_table_that_is_not_there_is_named_with_those_that_are_and_the_mapping_is_to_be_mended() -> None:
    with pytest.raises(FeedRefused) as refused:
        run(f"{START} FROM nowhere", raw_file("a.csv", places()), raw_file("B 2.csv", places()))
    line = "Line 1: ... kind, t AS started_at, x AS easting_m, y AS northing_m FROM nowhere"
    assert refused.value.faults[0].next_step == f"Catalog Error: Table with name nowhere does not exist! {line}. The delivery has: a, b 2"
    assert refused.value.next_step == (
        "Mend the mapping, mapping.sql, as named, or send the export as it was before. "
        "The state holds a copy: put the edit in place with harmcast settings STATE --set settings.toml. Then load again."
    )


def test_wrong_sql_is_told_with_its_line_of_the_mapping() -> None:
    good = "-- A note.\n" + f"{START} FROM a".replace("started_at", "started_at\n")
    assert "\n" in good.split("started_at")[1]
    with pytest.raises(FeedRefused) as refused:
        run(good.replace(" x AS", " odd AS"), raw_file("a.csv", places()))
    said = refused.value.faults[0].next_step
    assert said == 'Binder Error: Referenced column "odd" not found in FROM clause! Line 3: , odd AS easting_m, y AS northing_m FROM a'
    with pytest.raises(SettingsRefused) as unread:
        sql_mapping.parse(good.replace(", x AS", ", x, AS"))
    assert unread.value.faults[0].next_step == 'Parser Error: syntax error at or near "AS" Line 3: , x, AS easting_m, y AS northing_m FROM a'


def test_the_old_arrow_of_a_lambda_is_told_how_to_be_written() -> None:
    with pytest.raises(FeedRefused) as refused:
        run(f"{START}, list_transform(split_words(k), w -> upper(w)) AS minutes FROM a", raw_file("a.csv", places()))
    assert refused.value.faults[0].rule == "mapping_lambda"
    assert refused.value.faults[0].next_step == "where it says w -> ... write lambda w: ...; docs/mapping.md shows how"


def test_a_function_that_there_is_none_of_is_a_fault_without_a_row() -> None:
    with pytest.raises(SettingsRefused) as refused:
        sql_mapping.parse(f"{START}, ho_cod(k) AS minutes, split_words(k) AS a, split_words(k, ';') AS b, unnest([1]) AS c, coalesce(k, upper(k)) AS d FROM a")
    assert [(fault.rule, fault.next_step) for fault in refused.value.faults] == [("mapping_names_unknown", "no function is named ho_cod; docs/mapping.md shows how")]


def test_a_mapping_that_takes_long_is_cut_off() -> None:
    long = f"{START}, (SELECT count(*) FROM range(100000) r(i), range(100000) s(j) WHERE i * j = length(x)) AS minutes FROM a"
    assert rule_of(long, raw_file("a.csv", places()), seconds=1) == {"mapping_takes_long"}


def test_typed_columns_stand_as_text() -> None:
    typed = {"k": ["a", "b"], "t": [datetime(2026, 1, 5, 1), None], "x": [411.0, 0.0], "y": [1, 2]}
    made = run(f"{START} FROM a WHERE t IS NOT NULL", raw_file("a.parquet", typed))[0]
    assert made.rows.select("started_at", "easting_m", "northing_m").rows() == [("2026-01-05 01:00:00.000000", "411", "1")]
    assert made.unused == 1


def test_check_tries_the_mapping_on_the_newest_delivery_of_the_inbox(make_state: MakeState, deliver: Deliver, raw: Any) -> None:
    from harmcast.runs.check import check_state

    folder = deliver(raw=raw)
    inbox = f'inbox = "{folder.parent}"\nmapping = "force.sql"'
    area = '[force]\narea_from = "first_days"'
    good = make_state(SETTINGS.replace('mapping = "force.sql"', inbox).replace("[force]", area), {"force.sql": MAPPING})
    found = check_state(good.root)
    assert (found.faults, found.not_tried) == ([], [])
    said = next(line for line in found.seen if line.startswith("mapping"))
    assert said.endswith("4 crimes, 4 charges, 4 persons; kept beside: beat")
    clock = MAPPING.replace("Beat AS beat", "current_date AS beat")
    bad = make_state(SETTINGS.replace("[force]", area), {"force.sql": clock}, name="bad")
    assert {fault.rule for fault in check_state(bad.root).faults} == {"mapping_reads_clock"}
    untried = make_state(SETTINGS.replace("[force]", area), {"force.sql": MAPPING}, name="untried")
    found = check_state(untried.root)
    assert (found.faults, found.not_tried) == ([], ["mapping"])


ONE_FILE = """
CREATE VIEW crimes AS SELECT source_row, k AS crime_ref, '8/6' AS offence_code, t AS happened_from, t AS recorded_at, t AS changed_at,
  'recorded' AS status, x AS easting_m, y AS northing_m FROM a;
CREATE VIEW activity AS SELECT source_row, k AS kind, t AS started_at, x AS easting_m, y AS northing_m FROM a;
"""
ONE_TOOL = """
[force]
name = "One file"
[feed]
mapping = "force.sql"
quarantine_max_share = 0.5
[[tools]]
name = "violence"
kind = "places"
cell_area_km2 = 1.0
where = { offence_code = ["008/06"] }
"""


def test_a_broken_line_of_a_file_that_makes_two_tables_is_told_once_and_counted_in_both(make_state: MakeState, deliver: Deliver) -> None:
    from harmcast.runs.inbox import lines
    from harmcast.runs.load import try_delivery

    content = b"k,t,x,y\nA,2026-01-05,411000,301000\nB,2026-01-06\nC,2026-01-07,412000,302000\n"
    result = try_delivery(make_state(ONE_TOOL, {"force.sql": ONE_FILE}), deliver(raw={"a.csv": (content, 3)}))
    assert {count.table: count.quarantined for count in result.files} == {"crimes": 1, "activity": 1}
    assert [line.strip() for line in lines(result) if "row_columns" in line] == ["quarantined: a.csv  row_columns: 1"]


def test_another_number_of_rows_than_the_manifest_says_is_told_with_both_numbers(make_state: MakeState, deliver: Deliver) -> None:
    """Four lines after the header hold three rows, for one line break stands in quotes."""
    from harmcast.runs.load import try_delivery

    content = b'k,t,x,y\nA,2026-01-05,411000,301000\n"B\nb",2026-01-06,411000,301000\nC,2026-01-07,412000,302000\n'
    with pytest.raises(FeedRefused) as refused:
        try_delivery(make_state(ONE_TOOL, {"force.sql": ONE_FILE}), deliver(raw={"a.csv": (content, 4)}))
    fault = refused.value.faults[0]
    assert (fault.rule, fault.where) == ("row_count_differs", "a.csv")
    assert "the manifest says 4 rows, 3 were counted; a line break within quotes begins no row" in fault.next_step


def test_words_of_a_forces_own_for_nothing_go_in_every_column_at_once_as_the_page_shows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    step = page.split("CREATE VIEW crime_rows")[1].split("```")[0].replace("FROM CRIMES", "FROM a")
    rows = {"k": ["-", "NULL", "walk"], "t": ["2026-01-05 01:00"] * 3, "x": ["411", "Unknown", "1"], "y": ["1", "2", "-"]}
    made = run(f"CREATE VIEW crime_rows{step} {START} FROM crime_rows", raw_file("a.csv", rows))[0]
    assert made.rows.select("kind", "easting_m", "northing_m").rows() == [(None, "411", "1"), (None, None, "2"), ("walk", "1", None)]


def test_the_mapping_that_the_page_shows_makes_every_table_it_names() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    shown = "CREATE VIEW crimes" + page.split("CREATE VIEW crimes")[1].split("```")[0]
    crimes = {"CrimeNo": ["C1"], "HOClass": ["8/6"], "DateFrom": ["31/12/2024"], "TimeFrom": ["2315"], "Recorded": ["31/12/2024"], "Cancelled": ["NULL"]}
    crimes |= {"X": ["400,100.5"], "Y": ["300100"], "Weapons": ["Hammer | LOCK KNIFE"], "Injury": ["Minor"]}
    charges = {"Charge": ["CH1"], "Code": ["8/6"], "Day": ["31/12/2024"], "Suspects": ["NM/1|NM/2"]}
    people = {"NomRef": ["NM/1"], "Name": ["A"], "DOB": ["31/12/1990"], "Gender": ["Male"], "MergedTo": ["NULL"], "Deceased": [None], "Updated": ["31/12/2024"]}
    gone = {"What": ["CHARGE"], "Ref": ["CH1-NM/1"], "When": ["31/12/2024"], "Why": ["wrong person"]}
    files = [raw_file(name, rows) for name, rows in (("CRIMES.csv", crimes), ("SUSPECTS.csv", charges), ("NOMINALS.csv", people), ("REMOVED.csv", gone))]
    made = {one.table: one.rows for one in run(shown, *files)}
    assert made["crimes"].select("weapon", "easting_m").rows() == [("knife", "400100.5")]
    assert made["charges"]["charge_ref"].to_list() == ["CH1-NM/1", "CH1-NM/2"]
    assert made["persons"].select("sex", "born_on", "merged_into", "died_on").rows() == [("male", "1990-12-31", None, None)]
    assert made["deletions"].select("table", "ref").rows() == [("charges", "CH1-NM/1")]
