"""People whom the force merged: what was written on an older record goes on under the surviving one. Nothing is moved.

The rows keep the key they were written on, since words are sealed under it; whoever reads or writes about the surviving record
reads the older keys with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from harmcast.store.state import State


def survivors(persons: pl.DataFrame) -> dict[str, str]:
    """Who each merged-away reference now is, following chains to the last record that is held; a circle ends at its smallest reference.

    Args: `persons`: person_ref, merged_into, as known.
    """
    is_link = pl.col("merged_into").is_not_null() & (pl.col("merged_into") != pl.col("person_ref"))
    links = persons.filter(is_link & pl.col("merged_into").is_in(persons["person_ref"].implode()))
    into: dict[str, str] = dict(links.select("person_ref", "merged_into").iter_rows())

    def end(start: str) -> str:
        path = [start]
        while (following := into.get(path[-1])) is not None and following not in path:
            path.append(following)
        return path[-1] if following is None else min(path[path.index(following) :])

    return {ref: end(ref) for ref in into}


@dataclass(frozen=True)
class Merges:
    """Keys of merged people. `into`: older key -> key of the surviving record."""

    into: Mapping[str, str] = field(default_factory=dict)

    def surviving(self, key: str) -> str:
        return self.into.get(key, key)

    def keys(self, key: str) -> tuple[str, ...]:
        """A record's key and every older one that was merged into it."""
        return (key, *sorted(older for older, now in self.into.items() if now == key and older != key))

    def followed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows under the keys of the surviving records. Args: `frame`: with person_key."""
        return frame.with_columns(pl.col("person_key").replace(dict(self.into))) if self.into else frame


def of(state: State) -> Merges:
    """The merges as the accepted loads say them."""
    found = survivors(state.records.known("persons", columns=["person_ref", "merged_into"]))
    if not found:
        return Merges()
    keys: dict[str, str] = dict(state.person_keys().filter(pl.col("person_ref").is_in([*found, *found.values()])).iter_rows())
    return Merges({keys[old]: keys[now] for old, now in found.items() if old in keys and now in keys and old != now})
