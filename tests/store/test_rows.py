"""One row of a released table is the row that the whole table holds, and a changed file is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from harmcast import tables
from harmcast.errors import StoreDamaged
from harmcast.publish import release_files as publishing
from harmcast.store import rows

KEYS = [f"k{n:05d}" for n in range(3 * tables.GROUP_ROWS + 7)]
FRAME = pl.DataFrame({"person_key": KEYS, "reasons": [f"because {n}" for n in range(len(KEYS))], "harm": range(len(KEYS))})


def written(folder: Path, frame: pl.DataFrame) -> tuple[Path, str]:
    path = folder / "iom.parquet"
    path.write_bytes(publishing.parquet(frame))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def looked_up(path: Path, sha256: str, key: str) -> dict[str, object] | None:
    def checked() -> bytes:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreDamaged("changed", code="release_file_changed")
        return content

    return rows.row(path, sha256, checked, key, ("reasons", "harm"))


@pytest.mark.parametrize("frame", [FRAME, FRAME.sample(fraction=1, shuffle=True, seed=3), FRAME.head(0)], ids=["sorted", "mixed", "empty"])
def test_a_row_is_the_tables_own(tmp_path: Path, frame: pl.DataFrame) -> None:
    path, sha256 = written(tmp_path, frame)
    for number in (0, 1, tables.GROUP_ROWS - 1, tables.GROUP_ROWS, len(KEYS) - 1):
        expected = frame.filter(person_key=KEYS[number]).select("reasons", "harm").rows(named=True)
        assert looked_up(path, sha256, KEYS[number]) == (expected[0] if expected else None)
    for unknown in ("", "a", "k00000x", "zzz"):
        assert looked_up(path, sha256, unknown) is None


def test_a_release_of_an_earlier_version_in_large_groups_is_read_too(tmp_path: Path) -> None:
    large = pl.concat([FRAME] * 3).with_columns(person_key=pl.format("x{}", pl.int_range(3 * FRAME.height).cast(pl.String).str.zfill(6)))
    path = tmp_path / "iom.parquet"
    large.write_parquet(path, row_group_size=rows.LARGE_GROUP + 1)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for number in (0, rows.LARGE_GROUP, rows.LARGE_GROUP + 1, large.height - 1):
        assert looked_up(path, sha256, f"x{number:06d}") == large.select("reasons", "harm").row(number, named=True)


def test_a_changed_file_is_refused_whenever_it_is_not_the_file_it_was(tmp_path: Path) -> None:
    path, sha256 = written(tmp_path, FRAME)
    assert looked_up(path, sha256, KEYS[0])
    path.write_bytes(publishing.parquet(FRAME.with_columns(reasons=pl.lit("other"))))
    with pytest.raises(StoreDamaged):
        looked_up(path, sha256, KEYS[0])


def test_the_same_table_gives_the_same_bytes_however_it_lies_in_memory() -> None:
    parts = pl.concat([FRAME.slice(0, 100), FRAME.slice(100, 5000), FRAME.slice(5100)], rechunk=False)
    assert parts.n_chunks() == 3
    assert publishing.parquet(parts) == publishing.parquet(FRAME)
