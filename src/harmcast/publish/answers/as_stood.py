"""What stood by the day asked and was known by the day of knowing: kept rows, releases, settings, and facts with their source and dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harmcast.documents.facts import Fact, Value
from harmcast.settings import Settings
from harmcast.store import kept_settings
from harmcast.store.reads import then

if TYPE_CHECKING:
    from harmcast.store.releases import Release
    from harmcast.store.state import State


@dataclass(frozen=True)
class ReadFrom:
    """Where facts are read, the first day they hold, and the day they were written down."""

    source: str
    valid_from: date
    known_on: date


class AsStood:
    """A state as it stood. The operational database is read through `then` alone."""

    def __init__(self, state: State, as_of: date, known_on: date) -> None:
        self.state, self.as_of, self.known_on = state, as_of, known_on
        self.zone = state.settings.force.timezone

    def rows(self, table: str) -> list[dict[str, Any]]:
        return then.rows(self.state.operations, table, self.known_on, self.zone)

    def asked(self, source: str) -> ReadFrom:
        """What has no dates of its own: it holds from the day asked, as known then."""
        return ReadFrom(source, self.as_of, self.known_on)

    def read_from(self, release: Release, file: str = "") -> ReadFrom:
        """A release or a file of it: it holds from the day the release was made of, known since it was made."""
        return ReadFrom(f"release:{release.name}/{file}".rstrip("/"), release.as_of or release.origin, self.day(release.made_at))

    def day(self, at: str) -> date:
        return then.day_of(at, self.zone)

    @staticmethod
    def facts(of: str, read: ReadFrom, *said: tuple[str, Value | None, str]) -> Iterator[Fact]:
        """Facts read from one place, each `of` a tool or a matter. Args: `said`: key, value (None: not held, no fact), unit."""
        for key, value, unit in said:
            if value is not None:
                yield Fact(f"{of}.{key}", value, unit, read.source, read.valid_from, read.known_on)

    @cached_property
    def releases(self) -> list[Release]:
        """Releases made by the day of knowing of what was known by the day asked, whose files are still held, as they stood; oldest first."""
        tools = self.state.settings.tools
        held = [r for tool in tools for r in then.releases(self.state.releases, tool.name, self.as_of, self.known_on, self.zone)]
        return sorted(held, key=lambda r: (r.week, r.revision, r.tool))

    def of(self, tool: str) -> list[Release]:
        return [r for r in self.releases if r.tool == tool]

    def newest(self, tool: str) -> Release | None:
        """The newest release of a tool that was not withdrawn by then."""
        return next((r for r in reversed(self.of(tool)) if r.standing != "withdrawn"), None)

    @cached_property
    def _made_with(self) -> tuple[Settings, str]:
        newest = max(self.releases, key=lambda r: (r.week, r.revision), default=None)
        if newest is None or not newest.settings_sha256:
            return self.state.settings, "settings:as they stand"
        return kept_settings.read(kept_settings.kept(self.state.root, newest.settings_sha256))[0], f"settings:{newest.name}"

    @property
    def settings(self) -> Settings:
        """The settings that the newest release was made with; the state's own before the first."""
        return self._made_with[0]

    @property
    def of_settings(self) -> ReadFrom:
        return self.asked(self._made_with[1])


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
