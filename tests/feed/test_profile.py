"""What a raw delivery looks like, and never a value that could single a person out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harmcast.errors import FeedRefused
from harmcast.feed import extract, profile, sql_mapping
from harmcast.tables import ROW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    raw.mkdir()
    head = "CrimeNo;HO Class;Date From;Recorded;X;Weapon;Notes\n"
    words = ["caf\u00e9", "NULL"]
    rows = "".join(
        f"C{i};8/{i % 3};{1 + i % 28:02d}/01/2026 10:00;06/02/2026;4{i:02d},100.5;{'knife' if i < 20 else 'axe' if i < 29 else 'Jane'};{words[i % 2]}\n"
        for i in range(30)
    )
    (raw / "CRIMES.txt").write_bytes((head + rows + "C99;8/1\n").encode("cp1252"))
    people = "urn,dob,surname\n" + "".join(f"P{i},{1 + i % 28:02d}/03/{1960 + i},Invented{'abc'[i % 3]}{i}\n" for i in range(40))
    (raw / "people.csv").write_text(people, encoding="utf-8")
    return raw


def test_each_column_is_told_by_kind_words_shapes_and_ranges(folder: Path) -> None:
    seen = profile.of_delivery(folder)
    crimes, people = seen.files
    assert (crimes.rows, crimes.broken, crimes.form.delimiter, crimes.form.encoding) == (31, 1, ";", "cp1252")
    kinds = {column.name: column.kind for column in crimes.columns}
    assert kinds == {
        "CrimeNo": "text", "HO Class": "offence code", "Date From": "UK date and time", "Recorded": "UK date",
        "X": "number with thousands marks", "Weapon": "text", "Notes": "text",
    }  # fmt: skip
    by_name = {column.name: column for column in [*crimes.columns, *people.columns]}
    assert by_name["Notes"].null_words == {"NULL": 15}
    assert by_name["CrimeNo"].shapes == {"A9": 30}
    assert (by_name["X"].lowest, by_name["X"].highest) == ("400000", "430000")
    assert (by_name["dob"].kind, by_name["dob"].lowest, by_name["dob"].highest, by_name["dob"].codes) == ("UK date", None, None, {})


def test_a_value_is_shown_from_ten_times_in_a_column_of_at_most_fifty(folder: Path) -> None:
    by_name = {column.name: column for file in profile.of_delivery(folder).files for column in file.columns}
    assert by_name["Weapon"].codes == {"knife": 20}  # axe occurs 9 times, the other word once
    assert by_name["surname"].codes == {}
    said = json.dumps(profile.of_delivery(folder).document()) + "\n".join(profile.of_delivery(folder).lines())
    assert not any(word in said for word in ("axe", "Jane", "Invented", "P12"))


@pytest.mark.parametrize(
    "name", ["SEX", "Gender", "ethnicity_self", "Officer Defined Ethnicity", "IC Code", "SDE", "DOB", "D.O.B", "D.O.B.", "Nominal_DOB", "D O B", "Date Of Birth", "Nationality", "Religion", "Disability", "SURNAME"]
)
def test_of_a_protected_column_no_value_is_shown_however_common(tmp_path: Path, name: str) -> None:
    (tmp_path / "people.csv").write_text(f"urn,{name},unit\n" + "".join(f"P{i},W1,North\n" for i in range(40)))
    of, unit = profile.of_delivery(tmp_path).files[0].columns[1:]
    assert (of.name, of.codes, of.lowest, of.highest, of.shapes) == (name, {}, None, None, {"A9": 40})
    assert unit.codes == {"North": 40}


def test_the_first_mapping_is_one_that_can_be_read_and_marks_what_it_guessed(folder: Path) -> None:
    text = profile.first_mapping(profile.of_delivery(folder))
    assert sql_mapping.parse(text).tables == ["crimes", "persons"]
    assert 'ho_code(null_words("HO Class")) AS offence_code' in text
    assert "NULL AS status" in text
    assert text.count("-- guess") >= 6
    assert "to do: no file looked like charges" in text


@pytest.mark.parametrize("name", ["dob", "D.O.B", "D.O.B.", "NOM_DOB", "Date of Birth"])
def test_the_birth_date_is_found_however_its_column_is_headed(tmp_path: Path, name: str) -> None:
    (tmp_path / "people.csv").write_text(f"urn,{name}\n" + "".join(f"P{i},0{1 + i % 9}/03/1970\n" for i in range(40)))
    assert f'uk_date(null_words("{name}")) AS born_on' in profile.first_mapping(profile.of_delivery(tmp_path))


def test_a_birth_date_that_is_not_found_is_to_do_and_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("urn,jobs\n" + "".join(f"P{i},1\n" for i in range(40)))
    assert "NULL AS born_on,  -- to do: the date of birth; without it nobody is scored" in profile.first_mapping(profile.of_delivery(tmp_path))


@pytest.mark.parametrize(
    ("file", "pattern", "name"),
    [
        ("CRIME_EXTRACT_20261115.csv", "CRIME_EXTRACT*.csv", "CRIME_EXTRACT"), ("crimes-2026-11-15.TXT", "crimes*.TXT", "crimes"),
        ("crimes 15.11.2026.csv", "crimes*.csv", "crimes"), ("crimes_2026-W47.csv", "crimes*.csv", "crimes"), ("crimes_20261115_0500.csv", "crimes*.csv", "crimes"),
    ],
)  # fmt: skip
def test_a_date_at_the_end_of_a_files_name_becomes_a_star(tmp_path: Path, file: str, pattern: str, name: str) -> None:
    (tmp_path / file).write_text("crime_ref,ho_code\nC1,8/6\n")
    text = profile.first_mapping(profile.of_delivery(tmp_path))
    assert f'[feed.files."{pattern}"]  name = "{name}"' in text
    assert f'FROM "{name}";' in text


def test_a_name_without_a_date_stays(tmp_path: Path) -> None:
    (tmp_path / "crimes2026.csv").write_text("crime_ref,ho_code\nC1,8/6\n")
    text = profile.first_mapping(profile.of_delivery(tmp_path))
    assert '[feed.files."crimes2026.csv"]  delimiter' in text
    assert 'FROM "crimes2026";' in text


def test_a_file_that_tells_nothing_of_its_encoding_is_written_as_the_others(tmp_path: Path) -> None:
    (tmp_path / "crimes.csv").write_bytes(b"crime_ref,ho_code\nC1,8/6\n")
    (tmp_path / "empty.csv").write_bytes(b"a,b\n")
    assert [file.form.encoding for file in profile.of_delivery(tmp_path).files] == ["utf-8", "utf-8"]
    (tmp_path / "people.csv").write_text("urn,surname\nP1,Caf\u00e9\n", encoding="cp1252")
    assert [file.form.encoding for file in profile.of_delivery(tmp_path).files] == ["cp1252", "cp1252", "cp1252"]


def test_likely_words_for_nothing_several_in_a_cell_and_columns_without_a_place_are_said(tmp_path: Path) -> None:
    suspects = ["NM/1|NM/2", "-", "N/K", "NM/3"]
    (tmp_path / "charges_20261116.csv").write_text("ChargeNo,Suspects,Odd\n" + "".join(f"CH{i},{suspects[i % 4]},x\n" for i in range(40)))
    seen = profile.of_delivery(tmp_path)
    column = seen.files[0].columns[1]
    assert (column.likely_null, column.several) == ({"-": 10, "N/K": 10}, 10)
    assert "10 x -, likely for nothing; 10 x N/K, likely for nothing; 10 with several words parted by a bar" in "\n".join(seen.lines())
    text = profile.first_mapping(seen)
    assert "-- guess: '-', 'N/K' stand for nothing, in every column." in text
    assert 'AS person_ref,  -- guess from text; several in a cell: a step with unnest(split_words("Suspects")) makes a row of each' in text
    assert text.endswith("-- to do: no place was found for these columns of charges: Odd\n")
    raw = extract.read_file(tmp_path, "charges_20261116.csv")
    made = sql_mapping.run(sql_mapping.parse(text), {raw.name: raw}, {raw.name: "charges"})[0]
    assert made.rows["person_ref"].to_list()[:4] == ["NM/1|NM/2", None, None, "NM/3"]


def test_a_folder_without_a_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedRefused) as refused:
        profile.of_delivery(tmp_path)
    assert refused.value.code == "delivery_empty"


def test_a_file_that_says_it_is_utf_8_is_not_misread_under_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "crimes.csv").write_text("urn;place\nC1;Caf\u00e9\n", encoding="utf-8-sig")
    assert extract.read_file(tmp_path, "crimes.csv", "utf-8", ";").rows.columns == [ROW, "urn", "place"]
    with pytest.raises(FeedRefused) as refused:
        extract.read_file(tmp_path, "crimes.csv", "cp1252", ";")
    assert [fault.rule for fault in refused.value.faults] == ["encoding_unreadable"]
    assert "it begins with the mark of UTF-8 and the settings or the mapping say cp1252" in str(refused.value)
