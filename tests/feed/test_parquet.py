"""Parquet as other tools write it: times of every kind, references as doubles, and files far larger than they look."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harmcast.errors import FeedRefused
from harmcast.feed import extract


def test_open_ended_dates_in_int96_are_read_as_they_are(tmp_path: Path) -> None:
    ends = [datetime(9999, 12, 31), datetime(2035, 1, 1), None]
    pq.write_table(pa.table({"to": pa.array(ends, pa.timestamp("us"))}), tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    assert extract.read_file(tmp_path, "a.parquet").rows["to"].to_list() == ends


def test_text_that_unpacks_far_beyond_its_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    one = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, dtype=np.int32)), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"a": one}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 2_000_000
    with pytest.raises(FeedRefused) as refused:
        extract.read_file(tmp_path, "a.parquet", max_file_mb=100)
    assert refused.value.code == "file_too_large"


def test_more_cells_than_a_force_can_have_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "CELLS_MAX", 20)
    for rows, fits in ((10, True), (11, False)):
        pq.write_table(pa.table({"a": list(range(rows)), "b": [None] * rows}), tmp_path / "a.parquet")
        if fits:
            assert extract.read_file(tmp_path, "a.parquet").received == 10
        else:
            with pytest.raises(FeedRefused, match="file_too_large"):
                extract.read_file(tmp_path, "a.parquet")


def test_lists_in_a_column_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [[1], [2]]}), tmp_path / "a.parquet")
    with pytest.raises(FeedRefused, match="column_type"):
        extract.read_file(tmp_path, "a.parquet")
