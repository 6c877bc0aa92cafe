"""Progress on long work: a line a stage on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""


def quiet(stage: str, share: float) -> None:
    """No progress shown."""


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress bar on standard error while the block runs; `quiet` where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("Starting", total=1.0)

        def update(stage: str, share: float) -> None:
            bar.update(task, description=stage, completed=min(max(share, 0.0), 1.0))

        yield update


def part(progress: Progress, first: float, last: float) -> Progress:
    """Progress of a stage that takes the share from `first` to `last` of the whole."""

    def update(stage: str, share: float) -> None:
        progress(stage, first + (last - first) * min(max(share, 0.0), 1.0))

    return update
