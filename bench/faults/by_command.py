"""A week by the command line, in this process: what waits is accepted and the same command run again."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.accepted import WAITS
from harmcast.errors import HarmcastError
from harmcast.store import loads
from harmcast.store.state import open_state


def week_by_command(state: Path, delivery: Path, day: str) -> int:
    """`harmcast week` as somebody at a shell does it: what waits is accepted and the same command run again. Gives its exit code."""
    week = ["week", str(state), "--as-of", day, "--from", str(delivery)]
    code = _command(week)
    if code != WAITS:
        return code
    try:
        opened = open_state(state)
        waits = loads.waiting(opened.operations)
        opened.close()
    except HarmcastError as error:
        print(f"[{error.code}]", file=sys.stderr)
        return error.exit_code
    if waits is None:
        return code
    return _command(["accept", str(state), "--load", str(waits.number), "--reason", "invented"]) or _command(week)


def _command(words: list[str]) -> int:
    from harmcast.cli import main

    try:
        main(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
