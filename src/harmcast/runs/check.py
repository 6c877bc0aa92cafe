"""Can it run? Every fault of a state's settings, layers, mapping and source at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, HarmcastError, SettingsRefused
from harmcast.feed import connection, database
from harmcast.feed.extract import read_manifest
from harmcast.feed.sql_mapping import SqlMapping
from harmcast.people.harm import HarmIndex, weights_of
from harmcast.runs import inbox
from harmcast.runs.force_area import force_area_of, layer_of, no_crimes
from harmcast.runs.neutral import neutral_of
from harmcast.runs.people import indices_of
from harmcast.runs.received import by_sql, mapping_of
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import checkpoints, deliveries, loads
from harmcast.store.grounds import name_of
from harmcast.store.state import State, open_state

NOT_TRIED = "not tried"


@dataclass
class CheckResult:
    """What a check found: every fault, and what was looked at."""

    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return SettingsRefused.exit_code if self.faults else 0

    @property
    def not_tried(self) -> list[str]:
        """What could only be looked at, for want of rows to try it on."""
        return [line.split(":")[0] for line in self.seen if NOT_TRIED in line]

    def document(self) -> PlainRecord:
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
        ("census table", _census),
        ("harm index", _indices),
        ("mapping", _mapping),
        ("source", _source),
        ("map", _map),
        ("checkpoints", _checkpoints),
        ("sign-in", _sign_in),
        ("newest load", _newest_load),
    ):
        try:
            found.seen.append(f"{what}: {look(state)}")
        except Exception as error:
            if not isinstance(error, HarmcastError):  # what a file holds must end in a fault, not in a trace
                kind = type(error).__name__
                found.faults.append(Fault("cannot_be_read", what, next_step=f"look at the files that the settings name for it ({kind})"))
                continue
            found.faults += list(error.faults) or [Fault(error.code, what, next_step=error.message)]
    return found


def _map(state: State) -> str:
    """Whether pages and paper show streets, and if not what brings them."""
    settings = state.settings.map
    if settings.ground is None:
        return "no streets; `[map] ground`, `names` and `attribution` name the files that bring them (docs/map.md)"
    ground = state.grounds.current()
    if ground is None:
        return "named and not read yet: `harmcast ground STATE` reads it"
    return f"ground {name_of(ground)}" + ("" if settings.names else "; `[map] names` would name cells after places") + (
        f"; map service {settings.wms_layers}" if settings.wms_url else ""
    )


def _newest_load(state: State) -> str:
    """What the newest load's effects say, and which values of the definitions match nothing."""
    load = loads.newest(state.operations)
    if load is None:
        return "nothing was loaded yet"
    held, noted = (sum(effect.verdict == verdict for effect in load.effects) for verdict in ("hold", "note"))
    empty = [effect.scope for effect in load.effects if effect.check == "matched" and effect.value == 0 and effect.verdict != "ok"]
    said = f"load {load.number} is {load.standing}; {held} effect(s) held, {noted} noted"
    return said + (f"; these match no crime: {', '.join(empty)}" if empty else "")


def _layers(state: State) -> str:
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
            said.append(f"{tool.name} {len(inside_force.units(tool, no_crimes))} units")
    for key in ("boundary", "areas", "neighbourhoods"):
        path = getattr(settings.force, key)
        if path is not None:
            said += [f"force.{key}: {words}" for words in layer_of(state.named_bytes(path), settings.force.crs, f"force.{key}").said]
    return ", ".join(said) or "the area is taken from the first days' crimes"


def _census(state: State) -> str:
    rows = neutral_of(state)
    if not rows:
        return "none named: the exploratory analysis sets who is scored beside nobody ([force] neutral)"
    sources = sorted({f"{row['source']} {row['year']}" for row in rows})
    return f"{len(rows)} groups, {', '.join(sources)}"


def _indices(state: State) -> str:
    said = []
    for tool in state.settings.tools:
        for index, _ in indices_of(state, tool) if isinstance(tool, PeopleTool) else ():
            coarse = ", coarse: medians of offence subgroups" if index.coarse else ""
            said.append(f"{index.table.height} codes in {index.unit} ({index.edition}{coarse}){_weighed(state, index)}")
    return "; ".join(said) or "no tool about people"


def _weighed(state: State, index: HarmIndex) -> str:
    """How many charges held an index weighs; SettingsRefused if it weighs none of them."""
    if not state.records.parts("charges"):
        return ""
    codes = state.records.known("charges", columns=["offence_code"])
    found = codes.join(weights_of(codes["offence_code"], index), on="offence_code", how="left")
    weighed = found.height - found["weight"].null_count()
    if found.height and not weighed:
        raise SettingsRefused(
            f"The harm index weighs none of the {found.height:,} charges held.",
            code="harm_index_weighs_nothing",
            next_step="Its codes are not those of the records: look at how they are written, and at [force] offence_codes.",
        )
    return f", weighs {weighed:,} of {found.height:,} charges held"


def _mapping(state: State) -> str:
    if state.file("feed.mapping") is None:
        return "none: the contract's names are read as they stand"
    rules = mapping_of(state)
    if not isinstance(rules, SqlMapping):
        return "can be read"
    said = "makes " + ", ".join(rules.tables)
    newest = max(inbox.delivered(state), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        return f"{said}; {NOT_TRIED}: files and columns are tried on a delivery, and none is in the inbox (harmcast load STATE DELIVERY --dry-run)"
    made, _ = by_sql(rules, newest, read_manifest(newest, state.settings.force.timezone), state.settings.feed)
    extra = sorted({name for one in made for name in one.extra})
    rows = ", ".join(f"{one.rows.height:,} {one.table}" for one in made)
    return f"tried on {newest.name}, as it came and with its rows mixed: {rows}" + (f"; kept beside: {', '.join(extra)}" if extra else "")


def _source(state: State) -> str:
    feed = state.settings.feed
    if feed.source == "sql":
        return _database(state)
    folder = inbox.folder_of(state)
    if folder is None:
        return "no inbox: deliveries are named on the command line"
    if not folder.is_dir():
        raise SettingsRefused(
            "The inbox is not there.", faults=(Fault("inbox_missing", "feed.inbox", next_step="make the folder"),)
        )
    return f"{len(inbox.delivered(state))} delivery folder(s) in the inbox"


def _sign_in(state: State) -> str:
    web = state.settings.web
    if web.login == "oidc":
        return "the force's own log-in"
    if web.local_until is None and not state.settings.force.invented:
        return "local accounts without a last day: no second factor, and nobody is told when somebody leaves ([web] login = \"oidc\", or local_until)"
    return f"local accounts{f' until {web.local_until}' if web.local_until else ''}"


def _database(state: State) -> str:
    """The views and columns that a read would ask for, each asked for without a row. Raises SettingsRefused, RunStopped, FeedRefused."""
    feed, rules = state.settings.feed, mapping_of(state)
    if isinstance(rules, SqlMapping):
        raise SettingsRefused("An SQL mapping is for delivered files.", code="mapping_invalid", next_step="Make views in the database instead.")
    engine = connection.engine_of(feed)
    try:
        found = database.sources(engine, feed, rules, deliveries.columns_before(state.operations))
        refused = {source.name: code for source in found if (code := connection.can_read(engine, feed.sql_schema, source.name, list(source.columns)))}
    finally:
        engine.dispose()
    if refused:
        step = "give the account that [feed] url names the right to select from it"
        raise SettingsRefused(
            "The source may not be read.", code="source_refuses", faults=tuple(Fault("source_refuses", name, next_step=step) for name in refused)
        )
    slow = [source.name for source in found if source.cursor is None]
    return f"the database answers; can be read: {', '.join(source.name for source in found)}" + (
        f"; read whole each time, for want of a typed changed_at: {', '.join(slow)}" if slow else ""
    )


def _checkpoints(state: State) -> str:
    places = checkpoints.places_of(state)
    if not places:
        return "none kept elsewhere: a cut tail of the log could not be seen ([log] witnesses)"
    gone = [place for place in places if not place.path.parent.is_dir()]
    if gone:
        raise SettingsRefused(
            f"{len(gone)} folder(s) for the lines kept outside are not there.",
            faults=tuple(
                Fault("checkpoint_dir_missing", f"log.{place.name}", next_step="make the folder, on another machine if you can") for place in gone
            ),
        )
    if len(places) == 1 and not state.settings.log.witness_command:
        return "kept in one place: whoever holds it too can hide; name a second ([log] witnesses)"
    return f"kept in {len(places)} places"
