"""Files of record written again without somebody: erasure is all that ever rewrites one.

Each is written beside the old one, whole and synced; `retention` then names all of them in one transaction.
Of a release past its time the people's files go and what was counted of them stays.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from harmcast.errors import StoreDamaged
from harmcast.progress import Progress
from harmcast.store import durable, files
from harmcast.store.ledger import Part
from harmcast.store.state import State
from harmcast.tables import CHARGES, CIRCUMSTANCES_TABLE, GROUP_ROWS, PERSONS, PERSONS_PROTECTED

HOLD_PEOPLE = (PERSONS.name, PERSONS_PROTECTED.name, CHARGES.name, CIRCUMSTANCES_TABLE.name)
Qvd = Callable[[pl.DataFrame, str], bytes]


# -- parts ---------------------------------------------------------------------------------------


def parts_without(state: State, gone: pl.DataFrame, progress: Progress) -> list[tuple[Part, Part | None]]:
    """Every part that holds a row of these people, and the part that takes its place (None: nothing is left of it)."""
    records = state.if_accepted().records
    charges = records.versions(CHARGES.name, columns=["charge_ref", "person_ref"]).drop_nulls("person_ref")
    last = charges.unique("charge_ref", keep="last", maintain_order=True)  # a charge is whose it was last
    their_charges = last.join(gone, on="person_ref", how="semi").select("charge_ref")
    held = [item for item in records.parts() if item.table_name in HOLD_PEOPLE]
    swaps: list[tuple[Part, Part | None]] = []
    for i, item in enumerate(held):
        progress("Writing records again", i / max(len(held), 1))
        rows = state.records.read(item)
        left = rows.join(gone, on="person_ref", how="anti", maintain_order="left")
        if item.table_name == CHARGES.name:
            left = left.join(their_charges, on="charge_ref", how="anti", maintain_order="left")
        if left.height == rows.height:
            continue
        revision = int(Path(item.name).name.split(".")[1]) + 1 if item.name.count(".") == 2 else 1
        new = (
            state.records.write(str(item.table_name), left, item.sequence, str(item.made_at), revision)
            if left.height
            else None
        )
        swaps.append((item, new))
    return swaps


# -- releases ------------------------------------------------------------------------------------


def releases_without(
    state: State, gone: set[str], old: set[str], qvd: Qvd | None, progress: Progress
) -> list[tuple[str, str, int]]:
    """Releases that hold a row of these people, and people's files of the `old` ones, written again beside.

    Returns: name, SHA-256 of the manifest, bytes of each release written again.
    """
    names = state.releases.names()
    found = []
    for i, name in enumerate(names):
        progress("Writing releases again", i / max(len(names), 1))
        contents = _contents(state.releases.folder / name)
        left_out = people_files(contents) if name in old else []
        for file in left_out:
            del contents[file]
        changed = {file: new for file, was in contents.items() if (new := _without(file, was, gone)) is not None}
        if not changed and not left_out:
            continue
        changed |= _qlik_again(changed, contents, qvd)
        manifest = json.loads(contents["manifest.json"])
        for file, content in changed.items():
            manifest["files"][file] = {**manifest["files"].get(file, {}), **_note(content)}
        for file in left_out:
            manifest["files"].pop(file, None)
        if left_out:
            manifest["removed_past_their_time"] = sorted({*manifest.get("removed_past_their_time", ()), *left_out})
        contents |= changed
        contents["manifest.json"] = (json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
        beside = state.releases.rewritten(name)
        durable.write_folder(beside, contents)
        found.append((name, files.sha256(beside / "manifest.json"), sum(map(len, contents.values()))))
    return found


def _contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def holds_people(folder: Path) -> bool:
    """Whether a release's folder has a file with a row a person."""
    return folder.is_dir() and any(_has_keys(path.name, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file())


def people_files(contents: Mapping[str, bytes]) -> list[str]:
    """Files of a release with a row a person: tables with a `person_key`, and Qlik's file beside each."""
    found = [name for name, content in contents.items() if _has_keys(name, content)]
    twins = [name.removesuffix(".parquet") + ".qvd" for name in found]
    return sorted({*found, *(twin for twin in twins if twin in contents)})


def _has_keys(name: str, content: bytes) -> bool:
    if name.endswith(".parquet"):
        return "person_key" in pl.read_parquet_schema(io.BytesIO(content))
    return name.endswith(".csv") and "person_key" in content.split(b"\n", 1)[0].decode().strip().split(",")


def _qlik_again(changed: dict[str, bytes], contents: dict[str, bytes], qvd: Qvd | None) -> dict[str, bytes]:
    """Qlik's own files, made again from the tables beside them."""
    twins = {file: file.removesuffix(".parquet") + ".qvd" for file in changed if file.endswith(".parquet")}
    wanted = {file: twin for file, twin in twins.items() if twin in contents}
    if not wanted:
        return {}
    if qvd is None:
        raise ValueError("releases hold Qlik's files: hand over what writes them")
    return {twin: qvd(pl.read_parquet(io.BytesIO(changed[file])), Path(file).stem) for file, twin in wanted.items()}


def _note(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _without(name: str, content: bytes, gone: set[str]) -> bytes | None:
    """The file without the rows of these people; None if it holds none. Raises StoreDamaged if it cannot be read."""
    if name.endswith(".qvd") or (not name.endswith(".parquet") and not any(key.encode() in content for key in gone)):
        return None
    if name.endswith(".parquet"):
        frame = pl.read_parquet(io.BytesIO(content))
        if "person_key" not in frame.columns:
            return None
        left = frame.filter(~pl.col("person_key").is_in(sorted(gone)))
        if left.height == frame.height:
            return None
        out = io.BytesIO()
        left.rechunk().write_parquet(out, compression="zstd", statistics=True, row_group_size=GROUP_ROWS)
        return out.getvalue()
    if name.endswith(".csv"):
        lines = content.decode().splitlines(keepends=True)
        return "".join(line for line in lines if not any(key in line for key in gone)).encode()
    raise StoreDamaged(
        f"The release file {name} names a person where no row can be taken out.",
        code="release_file_names_people",
        next_step="Tell whoever maintains harmcast; withdraw and remove that release by hand.",
    )
