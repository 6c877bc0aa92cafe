"""One person's scores over the last half year: harm, band and chance as each release gave them.

Kept in columns as small as they can be, a release read once, so that a person's page needs no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.publish.released import ReadCache
from harmcast.store.releases import Release
from harmcast.tables import BANDS

WEEKS = 26
_kept = ReadCache(most=2 * WEEKS)


@dataclass(frozen=True)
class Past:
    """What one release said of a person. `harm`, `band`, `chance`: None where it gave none."""

    week: str
    origin: date
    harm: float | None
    band: str | None
    chance: float | None
    model: str | None


@dataclass(frozen=True)
class _Columns:
    keys: NDArray[np.bytes_]
    harm: NDArray[np.float32]
    chance: NDArray[np.float32]
    band: NDArray[np.int8]


def _columns(release: Release, tool: str) -> _Columns:
    frame = release.frame(tool, ["person_key", "harm", "band", "chance_high_harm_12m"])
    if not frame["person_key"].is_sorted():
        frame = frame.sort("person_key")
    places = {band: i for i, band in enumerate(BANDS)}
    return _Columns(
        _bytes(frame["person_key"]),
        frame["harm"].fill_null(float("nan")).to_numpy().astype(np.float32),
        frame["chance_high_harm_12m"].fill_null(float("nan")).to_numpy().astype(np.float32),
        frame["band"].replace_strict(places, default=-1, return_dtype=pl.Int8).to_numpy(),
    )


def _bytes(keys: pl.Series) -> NDArray[np.bytes_]:
    """Keys as an array of bytes; all of one length, as they are given out, without making text of each."""
    lengths = keys.str.len_bytes()
    if keys.is_empty() or lengths.min() != lengths.max():
        return keys.to_numpy().astype(np.bytes_)
    joined = keys.str.join("").item().encode()
    return np.frombuffer(joined, dtype=f"S{lengths[0]}")


def read_ahead(history: list[Release], tool: str) -> None:
    """Reads what the pages of people need of the last 26 releases, the newest first, so that none waits for it."""
    for release in reversed(history[-WEEKS:]):
        _kept.get((release.manifest_sha256, tool), partial(_columns, release, tool))


def of_person(history: list[Release], tool: str, person_key: str) -> list[Past]:
    """The last 26 releases that scored the person, oldest first; float32 precision, for a line and its table."""
    found = []
    key = np.bytes_(person_key.encode())
    for release in history[-WEEKS:]:
        columns: _Columns = _kept.get((release.manifest_sha256, tool), partial(_columns, release, tool))
        place = int(np.searchsorted(columns.keys, key))
        if place == len(columns.keys) or columns.keys[place] != key:
            continue
        harm, chance, band = float(columns.harm[place]), float(columns.chance[place]), int(columns.band[place])
        found.append(
            Past(
                release.name,
                release.origin,
                None if np.isnan(harm) else harm,
                BANDS[band] if band >= 0 else None,
                None if np.isnan(chance) else chance,
                release.model,
            )
        )
    return found
