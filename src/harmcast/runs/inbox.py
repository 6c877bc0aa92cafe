"""What the force sent: deliveries waiting in the inbox, in the order they were made, each loaded once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from harmcast.documents.comparison import lines as comparison_lines
from harmcast.documents.effects import WHY_WAITS
from harmcast.documents.effects import lines as effect_lines
from harmcast.feed.extract import read_manifest
from harmcast.progress import Progress, part, quiet
from harmcast.runs import source
from harmcast.runs.load import LoadResult, load_delivery
from harmcast.store import deliveries
from harmcast.store import loads as waits
from harmcast.store.state import State
from harmcast.store.users import Actor


def folder_of(state: State) -> Path | None:
    """The folder that deliveries come to, there or not; None where the settings name none."""
    inbox = state.settings.feed.inbox
    return inbox if inbox is None or inbox.is_absolute() else state.root / inbox


def delivered(state: State) -> list[Path]:
    """Delivery folders of the inbox, those loaded already among them, by name."""
    folder = folder_of(state)
    return sorted(path for path in folder.iterdir() if (path / "manifest.json").is_file()) if folder and folder.is_dir() else []


def waiting(state: State, as_of: date) -> list[Path]:
    """Delivery folders of the inbox made on or before `as_of` and not loaded yet, oldest first.

    Raises: FeedRefused for a manifest that cannot be read.
    """
    done = deliveries.names_loaded(state.operations)
    zone = state.settings.force.timezone
    found = [(read_manifest(path, zone), path) for path in delivered(state)]
    due = [(m.made_at, path) for m, path in found if m.delivery_id not in done and m.made_at.date() <= as_of]
    return [path for _, path in sorted(due)]


def load_what_is_due(
    state: State, as_of: date, actor: Actor, delivery: Path | None = None, progress: Progress = quiet
) -> list[LoadResult]:
    """Loads what waits in the inbox, then the delivery named, then what changed in the database that the settings name.

    The database tells what is known now, so it is not read for a day before today once something is held.

    Raises: FeedRefused: that delivery changed nothing, and the ones before it stand; NotFit (`load_waiting`) where a load waits.
    """
    paths: Iterable[Path] = [*waiting(state, as_of), *([delivery] if delivery is not None else [])]
    paths = list(dict.fromkeys(path.resolve() for path in paths))
    waits.stop_if_waiting(state.operations)
    loads = []
    for k, path in enumerate(paths):
        loads.append(load_delivery(state, path, actor.account, progress=part(progress, k / len(paths), (k + 1) / len(paths))))
        waits.stop_if_waiting(state.operations)
    if state.settings.feed.source == "sql" and (as_of >= today(state) or not state.records.parts()):
        loads += source.load_from_database(state, actor, progress)
        waits.stop_if_waiting(state.operations)
    return loads


def today(state: State) -> date:
    """The day it is now, where the force is."""
    return datetime.fromisoformat(state.operations.now()).astimezone(ZoneInfo(state.settings.force.timezone)).date()


def lines(result: LoadResult) -> list[str]:
    """What a load says to people: every file's account, then what is worth a look."""
    said = [f"{'received':>10} {'loaded':>9} {'unchanged':>9} {'superseded':>10} {'quarantined':>11} {'left out':>9}  file"]
    for f in result.files:
        said.append(
            f"{f.received:>10,} {f.loaded:>9,} {f.unchanged:>9,} {f.superseded:>10,} {f.quarantined:>11,} {f.left_out:>9,}  "
            f"{f.file} ({f.table})" + (f"; {f.made:,} rows made" if f.made is not None else "")
            + (f"; {f.deleted:,} deleted at source" if f.deleted else "")
            + (f"; {f.waiting:,} charges wait for their person in all, {f.waiting_new:,} by this delivery" if f.waiting else "")
        )
        said += [f"{'':>64} {rule}: {count:,}" for rule, count in sorted(f.notes.items())]
    rules: dict[tuple[str, str, str], int] = {}
    for fault in result.quarantine:
        key = (fault.where, fault.column or "", fault.rule)
        rules[key] = rules.get(key, 0) + 1
    said += [f"  quarantined: {where} {column} {rule}: {count:,}" for (where, column, rule), count in sorted(rules.items())]
    said += [f"  warning: {warning}" for warning in result.warnings]
    said += effect_lines(result.effects)
    if result.comparison:
        said += ["", "Compare with the force's own published figures:", *comparison_lines(result.comparison)]
    if result.waiting:
        why = " and ".join(WHY_WAITS[reason] for reason in result.why_waits)
        number = "N" if result.load is None else result.load
        said.append(f"{'It would wait' if result.load is None else f'Load {number} waits'}: {why}. Nothing of it counts before a person accepts it.")
        said.append(f"Next: harmcast effects STATE --load {number}, then harmcast accept STATE --load {number} --reason TEXT.")
    return said
