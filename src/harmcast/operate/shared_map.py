"""The published release of each places tool as a GeoPackage in a folder that others read: a layer that is always the newest.

Where the settings name a folder: replaced whole after a release came out, removed once none stands published or the tool may not be seen.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from harmcast.errors import HarmcastError
from harmcast.operate.qlik_data import may_be_seen
from harmcast.oversight.log import Event
from harmcast.publish import geopackage
from harmcast.store import files
from harmcast.store.state import State


def refresh(state: State, actor: str, role: str) -> list[str]:
    """Brings the folder to what is published now; each change is an event. Says what changed, and what could not be done."""
    named = state.settings.map.shared_folder
    if named is None:
        return []
    folder = named if named.is_absolute() else state.root / named
    said = []
    for tool in state.settings.places_tools:
        try:
            said += _refresh(state, tool.name, tool.title or tool.name, folder / f"{tool.name}.gpkg", actor, role)
        except (HarmcastError, OSError) as error:
            code = error.code if isinstance(error, HarmcastError) else "write_failed"
            said.append(f"The shared map of {tool.name} could not be brought up to date ({code}): look at the folder that [map] shared_folder names.")
    return said


def _refresh(state: State, tool: str, title: str, path: Path, actor: str, role: str) -> list[str]:
    today = date.fromisoformat(state.operations.now()[:10])
    release = state.releases.published(tool) if may_be_seen(state, tool, today) else None
    if release is None:
        if not path.exists():
            return []
        path.unlink()
        state.operations.record(Event(actor, role, "disclosure", "shared_map_removed", object=f"areas:{tool}"))
        return [f"The shared map of {tool} is removed: no release of it is published, or it may not be shown."]
    content = geopackage.of_release(release, tool, title, state.settings.force.name)
    if path.is_file() and path.read_bytes() == content:
        return []
    detail = {"release": release.name, "sha256": hashlib.sha256(content).hexdigest()}
    state.operations.record(Event(actor, role, "disclosure", "shared_map_written", object=f"areas:{tool}", detail=detail))
    files.write_bytes(path, content, 0o644)  # for others to read: that is what the folder is for
    return [f"The shared map of {tool} shows {release.name}."]
