"""The settings of a live state: shown, or changed whole, with the difference, what it will mean, validation and an event."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harmcast.documents.command_result import CommandResult
from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, SettingsRefused
from harmcast.oversight.log import Event
from harmcast.runs.received import mapping_of
from harmcast.settings import Settings, named_files
from harmcast.store import kept_settings
from harmcast.store.state import State, copy_settings
from harmcast.store.users import Actor

WHO = ("administrator", "data_scientist")
SECRETS = frozenset({"feed.url", "store.url", "web.oidc_client_secret", "web.metrics_token", "alerts.webhook"})
FIXED = ("store.url",)
# What a change of a section means. The first that a dotted name begins with holds.
MEANS = {
    "tools": "From the next weekly run on. Weeks already made stay as they are and are made again from the settings kept with them.",
    "bands.reference_date": "Cuts that are frozen stay: they are taken again only by a logged retake.",
    "bands.percentiles": "Cuts that are frozen stay: they are taken again only by a logged retake.",
    "bands.cuts": "Cuts that are frozen stay: they are taken again only by a logged retake.",
    "bands": "On pages at once.",
    "harm": "From the next weekly run on; the person model in use was fitted with the settings before, so refit it.",
    "people": "From the next weekly run on; the person model in use was fitted with the settings before, so refit it.",
    "force": "From the next weekly run on; pages name the force anew at once.",
    "gaps": "From the next weekly run on.",
    "feed.mapping": "From the next load on, which then waits to be accepted; what is held stays as it was read.",
    "feed": "From the next load on.",
    "fairness": "From the next weekly run on: a finding lifted before may come back, or go.",
    "audit": "From the next weekly run on: groups are put together anew, so figures before and after do not compare.",
    "monitor": "From the next weekly run on.",
    "shadow": "From the next weekly run on: a bar changed after its figures were seen is no bar.",
    "retention.group_years": "From the next weekly run on: who is overdue by it is not scored. From the next `harmcast forget` on.",
    "retention": "From the next `harmcast forget` on.",
    "release": "At the next move of a release.",
    "log": "At once.",
    "decisions": "On pages at once.",
    "web": "Once the service is started again.",
    "map": "Once `harmcast ground STATE` has read it.",
    "qlik": "At the next reload.",
    "alerts": "At the next alert.",
}


@dataclass(frozen=True)
class ChangedSetting:
    """One setting that is another: its dotted name, value before and after (secrets hidden), what it means."""

    setting: str
    before: Any
    after: Any
    means: str


def shown(state: State) -> CommandResult:
    """The settings as they stand, every default said; secrets are not."""
    values = {name: _printable(name, value) for name, value in flat(state.settings).items()}
    sha256 = kept_settings.sha256_of(state.settings_folder)
    return CommandResult({"sha256": sha256, "settings": values}, [*(f"{name} = {value}" for name, value in values.items()), f"SHA-256 {sha256}"])


def change(state: State, file: Path, actor: Actor) -> CommandResult:
    """Makes a settings file, and the files it names, those of the state: all of it, or nothing.

    Raises: SettingsRefused with every fault; AccessDenied without the role; RunStopped while a run is at work.
    """
    role = "operator" if state.users.before_first() else actor.acting(*WHO)
    with state.run_lock("a change of the settings", actor.account):
        beside = state.root / kept_settings.NEXT
        shutil.rmtree(beside, ignore_errors=True)
        try:
            new = copy_settings(file, beside)
            as_changed = State(state.root, new, state.operations, state.secret, beside)
            mapping_of(as_changed)
            changes = differences(state.settings, new)
            files = _other_files(state.settings_folder, beside)
            _refuse_fixed(changes)
            before, after = kept_settings.sha256_of(state.settings_folder), kept_settings.sha256_of(beside)
            if not changes and not files and kept_settings.taken(state.operations) == before:
                return CommandResult({"changed": [], "files": [], "sha256": before}, ["Nothing is another."])
            document = {"changed": [asdict(c) for c in changes], "files": files}
            detail = {"before": before, "after": after, **document}
            event = Event(actor.account, role, "administration", "settings_changed", object="settings", detail=detail)
            with state.operations.writing(event) as tx:
                kept_settings.put_in_place(state.root)
                kept_settings.take(tx, state.root)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    named = {path.relative_to(beside).as_posix(): setting for setting in named_files(new) if (path := as_changed.file(setting)) is not None}
    lines = [f"{c.setting}: {c.before} -> {c.after}. {c.means}" for c in changes]
    lines += [f"{name}: another file. {_means(named.get(name, name))}" for name in files]
    return CommandResult({**document, "sha256": after}, lines)


def differences(before: Settings, after: Settings) -> list[ChangedSetting]:
    """Every setting that is another, by dotted name; tools are told apart by their own names, not by their order."""
    old, new = flat(before), flat(after)
    return [
        ChangedSetting(name, _printable(name, old.get(name)), _printable(name, new.get(name)), _means(name))
        for name in [*old, *(name for name in new if name not in old)]
        if old.get(name) != new.get(name)
    ]


def flat(settings: Settings) -> PlainRecord:
    """Dotted name -> value, e.g. `web.idle_minutes`, `tools.knife_injury.cell_area_km2`."""
    document = settings.model_dump(mode="json", by_alias=True)
    document["tools"] = {tool["name"]: tool for tool in document["tools"]}
    return _flat(document)


def _flat(node: Mapping[str, Any], trail: str = "") -> PlainRecord:
    found: PlainRecord = {}
    for key, value in node.items():
        name = f"{trail}{key}"
        if isinstance(value, Mapping) and (not trail or trail == "tools."):
            found |= _flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def _printable(name: str, value: Any) -> Any:
    return "(set)" if name in SECRETS and value and not str(value).startswith("env:") else value


def _means(name: str) -> str:
    if name.startswith("tools.") and name.endswith(".harm_index"):
        return "No week is made until the cuts are taken again (`harmcast cuts`). The person model in use was fitted under the index before, so refit it."
    return next((words for begins, words in MEANS.items() if name == begins or name.startswith(f"{begins}.")), "From the next run on.")


def _refuse_fixed(changes: list[ChangedSetting]) -> None:
    faults = tuple(
        Fault("setting_fixed", "settings.toml", column=c.setting, next_step="move the state with `harmcast backup` and `harmcast restore`")
        for c in changes
        if c.setting in FIXED
    )
    if faults:
        raise SettingsRefused(
            "That setting of a live state cannot be changed here.", code="setting_fixed", faults=faults, next_step="Leave it as it is."
        )


def _other_files(before: Path, after: Path) -> list[str]:
    """Files beside the settings that are new, gone, or another."""

    def contents(folder: Path) -> dict[str, bytes]:
        own = {"settings.toml", "files.json"}
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in own}

    old, new = contents(before), contents(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
