"""Files written again without somebody: which hold people, what is left of each, and that nothing else of it moves."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import polars as pl
import pytest

from harmcast.errors import StoreDamaged
from harmcast.store import rewrites

KEYED = pl.DataFrame({"person_key": ["k1", "k2", "k3"], "band": ["low", "low", "high"]})
COUNTS = pl.DataFrame({"band": ["low"], "people": [3]})


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd", statistics=True, row_group_size=2048)
    return out.getvalue()


def read(content: bytes | None) -> pl.DataFrame:
    assert content is not None
    return pl.read_parquet(io.BytesIO(content))


def test_a_table_is_written_again_without_their_rows_and_as_it_was_otherwise() -> None:
    left = rewrites._without("iom.parquet", parquet(KEYED), {"k2", "not here"})
    assert left == parquet(KEYED.filter(pl.col("person_key") != "k2"))
    many = pl.DataFrame({"person_key": [f"k{i}" for i in range(5000)]})
    again = rewrites._without("iom.parquet", parquet(many), {"k0"})
    assert again == parquet(many[1:])  # in groups of rows, so that one person's is read alone


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("iom.parquet", parquet(KEYED)), ("counts.parquet", parquet(COUNTS)), ("counts.parquet", parquet(COUNTS.with_columns(band=pl.lit("gone")))), ("iom.csv", b"person_key,band\nk1,low\n"),
        ("iom.qvd", b"gone"), ("about.json", b"{}"),
    ],
)  # fmt: skip
def test_a_file_without_them_is_left_alone(name: str, content: bytes) -> None:
    assert rewrites._without(name, content, {"gone"}) is None


def test_of_a_csv_their_lines_go() -> None:
    text = b"person_key,band\nk1,low\r\nk2,low\nk3,high"
    assert rewrites._without("iom.csv", text, {"k2"}) == b"person_key,band\nk1,low\r\nk3,high"
    assert rewrites._without("iom.csv", text, {"k1", "k3"}) == b"person_key,band\nk2,low\n"


def test_another_file_that_names_them_is_said_and_nothing_is_made_of_it() -> None:
    with pytest.raises(StoreDamaged) as damaged:
        rewrites._without("about.json", b'{"who": "k1"}', {"k1"})
    assert damaged.value.code == "release_file_names_people"
    assert "about.json" in damaged.value.message
    assert "k1" not in str(damaged.value)


def test_files_about_people_have_a_column_of_keys() -> None:
    contents = {
        "iom.parquet": parquet(KEYED), "iom.qvd": b"x", "counts.parquet": parquet(COUNTS), "counts.qvd": b"x", "iom.csv": b"band,person_key\r\nlow,k1\r\n", "counts.csv": b"band\nperson_key\n",
        "other.json": b"person_key", "manifest.json": b"{}",
    }  # fmt: skip
    assert rewrites.people_files(contents) == ["iom.csv", "iom.parquet", "iom.qvd"]
    assert rewrites.people_files({name: content for name, content in contents.items() if name != "iom.qvd"}) == ["iom.csv", "iom.parquet"]


def test_a_folder_holds_people_by_any_file_of_it_and_none_by_none(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    assert not rewrites.holds_people(folder)
    (folder / "qlik").mkdir(parents=True)
    (folder / "counts.parquet").write_bytes(parquet(COUNTS))
    assert not rewrites.holds_people(folder)
    (folder / "qlik" / "people.csv").write_bytes(b"person_key\nk1\n")
    assert rewrites.holds_people(folder)
    assert rewrites._contents(folder) == {"counts.parquet": parquet(COUNTS), "qlik/people.csv": b"person_key\nk1\n"}


def qvd(frame: pl.DataFrame, name: str) -> bytes:
    return f"{name}:{','.join(frame['person_key'])}".encode()


def test_qliks_files_are_made_again_of_the_tables_that_changed() -> None:
    changed = {"qlik/people.parquet": parquet(KEYED[1:]), "iom.csv": b"x", "alone.parquet": parquet(KEYED)}
    contents = {**changed, "qlik/people.qvd": b"old", "qlik/other.qvd": b"other"}
    assert rewrites._qlik_again(changed, contents, qvd) == {"qlik/people.qvd": b"people:k2,k3"}
    assert rewrites._qlik_again({"iom.csv": b"x"}, contents, None) == {}
    with pytest.raises(ValueError, match="hand over what writes them"):
        rewrites._qlik_again(changed, contents, None)


def test_a_file_is_noted_by_its_hash_and_length() -> None:
    assert rewrites._note(b"abc") == {"sha256": hashlib.sha256(b"abc").hexdigest(), "bytes": 3}
