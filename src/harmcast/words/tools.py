"""The name of a tool as people see it."""

from __future__ import annotations

from typing import Protocol


class NamedTool(Protocol):
    """A tool of the settings: its short name, and the title a force gave it or nothing."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


def tool_title(tool: NamedTool) -> str:
    """The title a force gave a tool, else its short name in words."""
    return tool.title or tool.name.replace("_", " ").capitalize()
