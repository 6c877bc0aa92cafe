"""Can it run? Every fault of a state's settings, layers, mapping and source at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harmcast.errors import Fault, HarmcastError, SettingsRefused
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.state import State, open_state


@dataclass
class CheckResult:
    """What a check found: every fault, and what was looked at."""

    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return SettingsRefused.exit_code if self.faults else 0

    def document(self) -> dict[str, Any]:
        return {"faults": [asdict(fault) for fault in self.faults], "seen": self.seen}


def check_state(folder: Path) -> CheckResult:
    """Settings, layers, mapping, harm index, source: all faults at once.

    Raises: RunStopped or StoreDamaged if there is no state to check; SettingsRefused if the settings cannot even be read.
    """
    state = open_state(folder)
    found = CheckResult()
    found.seen.append(f"settings: {len(state.settings.tools)} tool(s) of {state.settings.force.name}")
    for what, look in (
        ("layers", _layers),
        ("harm index", _indices),
        ("mapping", _mapping),
        ("source", _source),
        ("checkpoints", _checkpoints),
    ):
        try:
            found.seen.append(f"{what}: {look(state)}")
        except HarmcastError as error:
            found.faults += list(error.faults) or [Fault(error.code, what, next_step=error.message)]
    return found


def _layers(state: State) -> str:
    from harmcast.runs.force_area import force_area_of

    settings = state.settings
    inside_force = force_area_of(settings, state.named_bytes)
    if inside_force.boundary is None and settings.force.area_from == "boundary":
        raise SettingsRefused(
            "No boundary is named.",
            faults=(Fault("boundary_missing", "force.boundary", next_step='name a layer, or set area_from = "first_days"'),),
        )
    said = []
    for tool in settings.tools:
        if isinstance(tool, PlacesTool) and (tool.units is not None or settings.force.area_from == "boundary"):
            said.append(f"{tool.name} {len(inside_force.units(tool, _no_crimes))} units")
    return ", ".join(said) or "the area is taken from the first days' crimes"


def _no_crimes() -> Any:
    raise SettingsRefused("The area is taken from crimes, and none are held yet.", code="no_crimes")


def _indices(state: State) -> str:
    from harmcast.runs.people import index_of

    said = []
    for number, tool in enumerate(state.settings.tools):
        if isinstance(tool, PeopleTool):
            for key in ("harm_index", "second_index"):
                value = getattr(tool, key)
                if value != "none":
                    index, _ = index_of(state, f"tools.{number}.{key}", value)
                    coarse = ", coarse: medians of offence subgroups" if index.coarse else ""
                    said.append(f"{index.table.height} codes in {index.unit} ({index.edition}{coarse})")
    return "; ".join(said) or "no tool about people"


def _mapping(state: State) -> str:
    from harmcast.feed.mapping import parse

    path = state.file("feed.mapping")
    if path is None:
        return "none: the contract's names are read as they stand"
    parse(path.read_text(encoding="utf-8"), path.name)
    return "can be read"


def _source(state: State) -> str:
    feed = state.settings.feed
    if feed.source == "sql":
        from harmcast.feed.connection import can_connect

        can_connect(feed)
        return "the database answers"
    if feed.inbox is None:
        return "no inbox: deliveries are named on the command line"
    inbox = feed.inbox if feed.inbox.is_absolute() else state.root / feed.inbox
    if not inbox.is_dir():
        raise SettingsRefused(
            "The inbox is not there.", faults=(Fault("inbox_missing", "feed.inbox", next_step="make the folder"),)
        )
    return f"{sum(1 for p in inbox.iterdir() if (p / 'manifest.json').is_file())} delivery folder(s) in the inbox"


def _checkpoints(state: State) -> str:
    folder = state.settings.log.checkpoint_dir
    if folder is None:
        return "none kept elsewhere: a cut tail of the log could not be seen ([log] checkpoint_dir)"
    if not folder.is_dir():
        raise SettingsRefused(
            "The folder for checkpoints is not there.",
            faults=(Fault("checkpoint_dir_missing", "log.checkpoint_dir", next_step="make the folder, on another machine if you can"),),
        )
    return "kept elsewhere"
