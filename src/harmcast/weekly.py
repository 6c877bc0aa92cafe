"""The story of one week, from the force's delivery to what people see. READ THIS FIRST.

    what the force sent      every row accounted for, or nothing is loaded           runs.inbox
    how many, of whom?       counts of the last quarter, closed once                  runs.closing
    where                    each places tool: how many, in which cell               runs.places
    who                      harm and the chance of becoming high harm               runs.people
    were we right?           windows that are over, beside the plain counts          runs.outcomes
    who bears it?            the audit, able to stop the release                     runs.audit
    what leaves              files written whole, then named; people let them out    state.releases.keep

A week is made from the records as known at the end of a day and up to a load, and from settings, register, model, cuts and
earlier releases as they stood: no clock, no chance. So the same week can be made again byte for byte, and a run that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from harmcast.documents.command_result import CommandResult
from harmcast.documents.manifest import ReleaseManifest
from harmcast.documents.monitor import MonitorHistoryRow
from harmcast.documents.plain import PlainRecord
from harmcast.errors import RunStopped
from harmcast.oversight import findings
from harmcast.oversight import register as register_rules
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.publish import data_package, release_files
from harmcast.publish.qlik import week_folder
from harmcast.runs import audit, closing, force_area, ground, held_effects, inbox, outcomes, people, places, volume
from harmcast.runs.load import LoadResult
from harmcast.runs.release_moves import first_standing
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import checkpoints, desk, kept_settings, verify
from harmcast.store.kept import keep as keep_for_speed
from harmcast.store.kept import kept as kept_for_speed
from harmcast.store.releases import NewTool, Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weeks import Week


@dataclass
class MadeWeek:
    """A week as made, before anyone let it out: its files, and what was found about each tool."""

    files: dict[str, bytes]
    found: dict[str, list[Finding]]
    models: dict[str, str | None]
    history: list[MonitorHistoryRow] = field(default_factory=list)


@dataclass
class WeekResult:
    """What a weekly run did."""

    week: str
    name: str
    already: bool
    loads: list[LoadResult] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    standings: dict[str, tuple[str, tuple[Finding, ...]]] = field(default_factory=dict)

    def document(self) -> PlainRecord:
        return {
            "week": self.week,
            "release": self.name,
            "already_made": self.already,
            "changed_since": self.changed,
            "loads": [load.document() for load in self.loads],
            "closed": self.closed,
            "tools": {
                tool: {"standing": standing, "reasons": [f.says for f in found], "findings": [f.document() for f in found]}
                for tool, (standing, found) in self.standings.items()
            },
        }

    def lines(self) -> list[str]:
        said = [line for load in self.loads for line in inbox.lines(load)] + self.closed
        said.append(f"{self.week} {'was made before: nothing to do' if self.already else 'is made'} (release {self.name}).")
        if any(self.changed.values()):
            counts = " and ".join(f"{count:,} {table}" for table, count in self.changed.items() if count)
            said.append(f"  Since it was made, {counts} of its records have changed. Next: harmcast week STATE --as-of DAY --again --reason TEXT makes a revision.")
        for tool, (standing, found) in self.standings.items():
            said.append(f"  {tool}: {standing}")
            said += [f"    {finding.id}: {finding.says}" for finding in found]
        stand = {standing for standing, _ in self.standings.values()}
        if "held" in stand:
            said.append(f"Next: harmcast findings STATE {self.name} says what holds it, and who may lift that.")
        if stand & {"draft", "reviewed"}:
            said.append(f"Next: people look at it and let it out with harmcast publish STATE {self.name}.")
        return said


def run_week(
    state: State, as_of: date, actor: Actor, delivery: Path | None = None, progress: Progress = quiet, again: str | None = None
) -> WeekResult:
    """The weekly run. Running it again changes nothing: a week that stands is not made twice, and says what of it has changed.

    Args:
        as_of: what was known at the end of this day; its ISO week names the release, whose origin is that week's Monday.
        delivery: a delivery to load first, beside those waiting in the inbox.
        again: why a week that stands is made again, as a revision beside it, of what is held now.
    Raises: FeedRefused, NotFit, SettingsRefused, StoreDamaged, RunStopped; what stood before still stands, and is what people see.
    """
    week = Week.of(as_of)
    with state.run_lock("the weekly run", actor.account):
        checkpoints.must_agree(state)
        verify.must_be_whole(state.operations)
        kept_settings.must_be_taken(state.root, state.operations)
        state.releases.sweep()
        loads = inbox.load_what_is_due(state, as_of, actor, delivery, part(progress, 0.0, 0.3))
        closed = closing.close_what_is_due(state, as_of, actor)
        standing = [r for r in state.releases.of_week(str(week)) if r.standing != "withdrawn"]
        if standing and again is None:
            checkpoints.write(state)
            changed = {table: state.records.changed_since(table, standing[0].sequence or 0, as_of) for table in ("crimes", "charges")}
            return WeekResult(str(week), standing[0].name, True, loads, changed, closed, {r.tool: (r.standing, r.findings) for r in standing})
        sequence = state.records.latest()
        made = make_week(state, week, as_of, sequence, actor, part(progress, 0.3, 0.95))
        tools = where_each_tool_stands(state, made, as_of, actor)
        event = Event(
            actor.account, "operator", "run", "week_made_again" if standing else "week_made", again, object=f"week:{week}",
            detail={"as_of": as_of.isoformat(), "sequence": sequence},
        )  # fmt: skip
        name = state.releases.keep(
            str(week),
            made.files,
            tools,
            origin=week.origin,
            as_of=as_of,
            sequence=sequence,
            event=event,
            settings_sha256=kept_settings.keep(state.root),
            monitor_history=made.history,
        )
        checkpoints.write(state)
        progress("Done", 1.0)
        return WeekResult(str(week), name, False, loads, {}, closed, {t.tool: (t.standing, tuple(t.findings)) for t in tools})


def make_week(
    state: State,
    week: Week,
    as_of: date,
    sequence: int,
    actor: Actor,
    progress: Progress = quiet,
    made_at: str | None = None,
    listed: Collection[str] | None = None,
) -> MadeWeek:
    """The files of a week, from the records as known at the end of `as_of` and up to load `sequence`.

    Made again (`made_at`: when it was made first), it leaves the state kept for speed as it is: that belongs to the newest week.
    `listed`: names of the files it held then, so that a week made when releases held other files holds them again.
    """
    settings = state.settings
    running = [t for t in settings.tools if state.register.tool(t.name, as_of).status != "stopped"]
    places_tools = [t for t in running if isinstance(t, PlacesTool)]
    people_tool = next((t for t in running if isinstance(t, PeopleTool)), None)
    files: dict[str, bytes] = {}
    found: dict[str, list[Finding]] = {t.name: [] for t in running}
    models: dict[str, str | None] = {t.name: None for t in running}
    scores: list[pl.DataFrame] = []

    progress("Reading what was known", 0.0)
    columns = sorted({*places.crime_columns(places_tools), "area", "domestic"})
    crimes = state.records.crimes(as_of, columns, sequence)
    inside_force = force_area.force_area_of(settings, state.named_bytes)
    volume_check = volume.volume_of(crimes, week.origin, settings.feed.volume_deviations, settings.gap_days)
    delivery = state.records.delivery_sha256(sequence)
    for tool in running:
        found[tool.name] += [_of_load(tool.name, delivery, one) for one in volume_check.findings]
        found[tool.name] += held_effects.findings_since(state, tool, week, sequence, made_at)

    progress("Forecasting places", 0.1)
    map_ = ground.of_week(state, str(week), is_again=made_at is not None)
    code = release_files.code_version()
    made_places = places.make_places(
        places_tools,
        inside_force,
        crimes,
        week.origin,
        [places.since(state.releases, tool.name, week) for tool in places_tools],
        [kept_for_speed(state.root, tool.name, code) for tool in places_tools],
        lambda units: ground.names_of(map_, units, settings.force.crs),
        settings.gap_days,
    )
    for made in made_places:
        tool = made.tool
        if made_at is None:
            keep_for_speed(state.root, tool.name, code, made.forecast.kept)
        files |= release_files.places_files(made.part, made.weeks)
        models[tool.name] = str(made.forecast.model["name"])
        last = state.releases.before(tool.name, str(week))
        moved = volume.displaced(made.part.cells, last.frame(tool.name) if last and last.has(tool.name + ".parquet") else None)
        found[tool.name] += [_of_load(tool.name, delivery, moved)] if moved else []
        scores += [outcomes.judged(made, state.releases.history(tool.name, None)), outcomes.trials(made)]

    who = None
    if people_tool is not None:
        progress(f"Scoring {people_tool.title or people_tool.name}", 0.5)
        who = people.make_people(state, people_tool, week, as_of, sequence, actor, part(progress, 0.5, 0.8), made_at)
        files |= who.files
        models[people_tool.name] = who.model_name
        found[people_tool.name] += who.found

    progress("Auditing", 0.8)
    audited = audit.make_audit(state, week, as_of, sequence, actor, made_places, who, inside_force, crimes)
    files |= audited.files
    scores.append(audited.scores)
    for name, of_audit in audited.found.items():
        found[name] += of_audit

    progress("Writing", 0.95)
    files["scores.parquet"] = release_files.parquet(pl.concat(scores).sort("tool", "figure", "model", "group", "origin", nulls_last=True))
    files["dictionary.json"] = release_files.dictionary()
    if listed is None or data_package.NAME in listed:
        files[data_package.NAME] = data_package.descriptor(files, str(week))
    if listed is not None and any(name.startswith(f"{week_folder.FOLDER}/") for name in listed):
        for_people = _qlik_people(state, as_of)
        decisions = desk.before(state.operations, week.origin, settings.force.timezone) if for_people else None
        files |= week_folder.files_of(files, str(week), people=for_people, decisions=decisions)
    about: ReleaseManifest = {
        "week": str(week),
        "as_of": as_of.isoformat(),
        "origin": week.origin.isoformat(),
        "force": settings.force.name,
        "invented": settings.force.invented,
        "records": {"sequence": sequence, "data_hash": state.records.data_hash(sequence)},
        "ground": {"name": map_.name} if map_ else None,
        "volume": {"recorded": volume_check.recorded, "median": volume_check.median, "deviation": volume_check.deviation, "silent_areas": list(volume_check.silent_areas)},
        "tools": {
            t.name: {
                "kind": t.kind,
                "title": t.title or t.name,
                "model": models[t.name],
                "warnings": [f.says for f in found[t.name]],
                "findings": [f.document() for f in found[t.name]],
            }
            for t in running
        },
        "people": who.about if who else None,
        "audit": audited.about,
    }
    return MadeWeek(release_files.with_manifest(files, about), found, models, audited.history)


def where_each_tool_stands(state: State, made: MadeWeek, as_of: date, actor: Actor) -> list[NewTool]:
    """Where each tool's release starts, by the table of release rules: what the register lacks, what was found, what two people lifted."""
    entries, lifts = state.register.entries(as_of), state.lifts.all()
    tools = []
    for name, found in made.found.items():
        tool = state.register.tool(name, as_of)
        standing, every = first_standing(tool, entries, as_of, found, lifts, {actor.account})
        tools.append(NewTool(name, standing, every, made.models[name]))
    return tools


def _of_load(tool: str, delivery_sha256: str, found: volume.VolumeFinding) -> Finding:
    """What is odd about what a delivery brought, as a finding of that delivery."""
    return findings.of_load(findings.VOLUME, tool, delivery_sha256, found.check, found.says, found.measured, found.limit)


def rebuild_week(state: State, week: str, out: Path, actor: Actor, progress: Progress = quiet) -> CommandResult:
    """Makes a past week again from the records as they were known, and compares it with what was kept, file by file.

    It is made with the settings, and the files they name, that were kept with it; never with those of today.
    Raises: RunStopped if no such week was made, if other code made it (its files are verified first), or if `out` holds something;
        StoreDamaged if a file of it or its settings are not what was kept.
    """
    releases = state.releases.named(week) or state.releases.of_week(week)
    if not releases:
        raise RunStopped("No such week was made.", code="release_unknown", next_step="`harmcast status STATE` lists them.")
    first = releases[0]
    if first.as_of is None or first.sequence is None:
        raise RunStopped("That release does not say what it was made from.", code="release_without_source")
    _stop_if_of_other_code(first)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunStopped("The folder to write to is not empty.", code="folder_not_empty", next_step="Name a new folder: nothing there is written over.")
    with_its_own = state.with_kept_settings(first.settings_sha256) if first.settings_sha256 else state
    made = make_week(with_its_own, Week.named(first.week), first.as_of, first.sequence, actor, progress, first.made_at, list(first.manifest()["files"]))
    out.mkdir(parents=True, exist_ok=True)
    for name, content in made.files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    other = sorted(name for name, content in made.files.items() if not (first.path / name).is_file() or (first.path / name).read_bytes() != content)
    lines = [f"Made {first.name} again: {len(made.files) - len(other)} of {len(made.files)} files are the same, byte for byte."]
    if other:
        lines += [f"  - another: {name}" for name in other]
    document = {"release": first.name, "same": not other, "files": len(made.files), "other": other, "out": str(out)}
    return CommandResult(document, lines, exit_code=23 if other else 0)


def _stop_if_of_other_code(release: Release) -> None:
    """Only the code that made a week makes it again, byte for byte; of another's, its files are held against the hashes kept.

    Raises: RunStopped (`made_by_other_code`) naming the version to install; StoreDamaged where a file is not what was kept.
    """
    manifest, here = release.manifest(), release_files.code_version()
    made_by = manifest["code_version"]
    if made_by == here:
        return
    for name in manifest["files"]:
        release.read(name)
    raise RunStopped(
        f"{release.name} was made by version {made_by}; this is {here}. Its {len(manifest['files'])} files are as they were kept: the SHA-256 of each was verified.",
        code="made_by_other_code",
        next_step=f"To make it again, install harmcast {made_by} elsewhere, restore a backup there and run `harmcast rebuild`.",
    )


def _qlik_people(state: State, as_of: date) -> bool:
    """Whether a week of before held people's files for Qlik: by setting, once the register named who controls and logs access there."""
    tool, entries = state.settings.people_tool, state.register.entries(as_of)
    if not state.settings.web.qlik_people or tool is None:
        return False
    control = register_rules.latest(entries, "qlik_control")
    is_shown = register_rules.standing(state.register.tool(tool.name, as_of), entries, as_of).may_show
    return control is not None and control.made and is_shown


