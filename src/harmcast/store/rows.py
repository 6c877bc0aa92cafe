"""One person's row of a released table: only the group of rows that holds it is read.

What a page needs of one person in 300,000 is long (reasons, in words and figures); kept in memory for all it would be most of
the server's. The file is checked against its manifest once a process, and again whenever it is not the file it was.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from harmcast.tables import GROUP_ROWS

MOST_FILES = 4
LARGE_GROUP = 4 * GROUP_ROWS  # releases of earlier versions came in groups of 100,000 rows and more
_indexes: OrderedDict[tuple[object, ...], Index] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Index:
    """A checked file's footer, with the least and the greatest key of each group; None where the file does not say.

    Attributes:
        source: where its groups are read: the file itself, or a copy in small groups where its own are large.
    """

    source: Any
    metadata: Any
    ends: tuple[tuple[str, str] | None, ...]


def row(path: Path, manifest_sha256: str, checked: Callable[[], bytes], key: str, columns: Sequence[str]) -> dict[str, Any] | None:
    """The row of a person's key; None if the file holds none. Quick where the file is sorted by `person_key`, as releases are.

    Args:
        checked: reads the whole file and raises StoreDamaged if it is not what the manifest says.
    """
    import pyarrow.parquet as pq

    index = _index(path, manifest_sha256, checked)
    groups = [n for n, ends in enumerate(index.ends) if ends is None or ends[0] <= key <= ends[1]]
    if not groups:
        return None
    with pq.ParquetFile(_opened(index.source), metadata=index.metadata, memory_map=True) as file:
        for group in groups:
            table = file.read_row_group(group, columns=["person_key", *columns], use_threads=False)
            keys = table.column("person_key").to_pylist()  # looked through here: what Arrow looks with imports pandas
            if key in keys:
                return {name: table.column(name)[keys.index(key)].as_py() for name in columns}
    return None


def _opened(source: Any) -> Any:
    import pyarrow as pa

    return source if isinstance(source, Path) else pa.BufferReader(source)


def _index(path: Path, manifest_sha256: str, checked: Callable[[], bytes]) -> Index:
    stat = path.stat() if path.exists() else None
    mark = (path, manifest_sha256, stat and (stat.st_size, stat.st_mtime_ns, stat.st_ino))
    with _lock:
        if mark in _indexes:
            _indexes.move_to_end(mark)
            return _indexes[mark]
    made = _read(path, checked())
    with _lock:
        _indexes[mark] = made
        while len(_indexes) > MOST_FILES:
            _indexes.popitem(last=False)
    return made


def _read(path: Path, content: bytes) -> Index:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source: Any = path
    metadata = pq.read_metadata(pa.BufferReader(content))
    if any(metadata.row_group(n).num_rows > LARGE_GROUP for n in range(metadata.num_row_groups)):
        out = pa.BufferOutputStream()
        pq.write_table(pq.read_table(pa.BufferReader(content)), out, row_group_size=GROUP_ROWS, compression="zstd")
        source = out.getvalue()
        metadata = pq.read_metadata(pa.BufferReader(source))
    column = metadata.schema.names.index("person_key")
    said = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
    ends = tuple((str(s.min), str(s.max)) if s is not None and s.has_min_max else None for s in said)
    return Index(source, metadata, ends)
