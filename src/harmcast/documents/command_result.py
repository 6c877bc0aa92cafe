"""What was done, as it is said: by a run to whoever asked for it, by a command to people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class CommandResult:
    """Lines for people, one document for programs, and the exit code of a command."""

    document: Mapping[str, object]
    lines: list[str] = field(default_factory=list)
    exit_code: int = 0
