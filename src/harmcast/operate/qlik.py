"""The folder that Qlik loads from: three apps with their data, written whole from the ledger whenever what is shown changes.

    STATE/qlik/<app>/latest.qvs              names the version to load; replaced last
    STATE/qlik/<app>/v000012-3fa9c1d2/       <table>.qvd and .parquet, dictionary.json, manifest.json
    STATE/qlik/<app>/app/                    the app as code, for `qlik app build`

A version is never changed. Older ones stay a day, since a reload may be reading them; after an erasure they go at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from harmcast.errors import HarmcastError, NotFit, SettingsRefused
from harmcast.operate import qlik_data
from harmcast.operate.reload import after_release
from harmcast.oversight import log
from harmcast.oversight.grants import PEOPLE_ROLES
from harmcast.oversight.log import Event
from harmcast.publish.qlik import acceptance, access, build, star
from harmcast.publish.qlik.qvd import qvd
from harmcast.publish.qlik.script import ACCESS_FILE
from harmcast.publish.release_files import NOTICE, document, parquet
from harmcast.settings import Qlik
from harmcast.store import durable, files
from harmcast.store.reads import health
from harmcast.store.state import State
from harmcast.store.users import Actor

FOLDER = "qlik"
ACCESS_FOLDER = "qlik-access"
KEPT_HOURS = 24
_VERSION = re.compile(r"^v(\d{6})-[0-9a-f]{8}$")
_LATEST = re.compile(r"^SET vVersion='(v\d{6}-[0-9a-f]{8})';$")


@dataclass
class WrittenForQlik:
    """What was written: app -> version, and what to say; apps whose data changed, and those that could not be written.

    `written`: what to say of apps written, to a force that has Qlik; `lines`: what to say to everybody.
    """

    versions: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def refresh(state: State, actor: str, role: str, today: date | None = None, *, erased: bool = False) -> WrittenForQlik:
    """Brings the folder to what may be shown now; each change is an event. What cannot be written is said and stops nothing.

    Args:
        erased: somebody was forgotten: every older version goes at once.
    """
    today = today or date.fromisoformat(state.operations.now()[:10])
    found, failed_before = WrittenForQlik(), {said.split(" ")[0] for said in health.qlik_not_written(state.operations)}
    for app in star.APPS:
        try:
            with _alone(state.root / FOLDER):
                _refresh(state, app, today, found, Event(actor, role, "disclosure", "qlik_written", object=f"qlik:{app}"), erased)
            if app in failed_before and app not in found.changed:
                state.operations.record(Event(actor, role, "disclosure", "qlik_in_order", object=f"qlik:{app}"))
        except (HarmcastError, OSError) as error:
            code = error.code if isinstance(error, HarmcastError) else "write_failed"
            found.failed[app] = code
            state.operations.record(Event(actor, role, "disclosure", "qlik_not_written", object=f"qlik:{app}", detail={"code": code}))
            found.lines.append(f"The app {app} for Qlik could not be written ({code}): {error}")
    return found


def refresh_and_reload(state: State, actor: str, role: str, today: date | None = None, *, erased: bool = False) -> list[str]:
    """Writes the folder and, where something in it changed, asks Qlik to reload. Says what was done, and what could not be."""
    written = refresh(state, actor, role, today, erased=erased)
    said = written.written if state.settings.qlik != Qlik() else []
    return [*said, *written.lines, *after_release(state, actor, role, bool(written.changed))]


def _refresh(state: State, app: str, today: date, found: WrittenForQlik, event: Event, erased: bool) -> None:
    folder = state.root / FOLDER / app
    tables = _tables(state, app, today)
    if tables is None:
        if folder.exists():
            shutil.rmtree(folder)
            state.operations.record(Event(event.actor, event.role, "disclosure", "qlik_removed", object=event.object))
            found.changed.append(app)
            found.lines.append(f"The app {app} for Qlik is removed: it may not leave, or nothing is published.")
        return
    content = {name: (parquet(frame), qvd(frame, name)) for name, frame in tables.items()}
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for name in sorted(content) for part in content[name])).hexdigest()
    held = latest(folder)
    if held is None or not held.endswith(digest[:8]):
        number = 1 + max((int(match[1]) for path in _listing(folder) if (match := _VERSION.match(path.name))), default=0)
        version = f"v{number:06d}-{digest[:8]}"
        rows = {name: frame.height for name, frame in tables.items()}
        manifest = {"app": app, "version": version, "made_at": state.operations.now(), "notice": NOTICE, "rows": rows, "sha256": digest}
        parts = {f"{name}.{kind}": part for name, both in content.items() for kind, part in zip(("parquet", "qvd"), both, strict=True)}
        state.operations.record(event.with_detail(version=version, sha256=digest))
        durable.write_folder(folder / version, {**parts, "dictionary.json": build.dictionary(app), "manifest.json": document(manifest)})
        files.write_bytes(folder / "latest.qvs", f"SET vVersion='{version}';\n".encode())
        found.changed.append(app)
        found.written.append(f"The app {app} for Qlik is written ({version}, {sum(rows.values()):,} rows).")
        held = version
    found.versions[app] = held
    _write_app(folder, build.app_files(app, tables, state.settings.map.wms_url, state.settings.map.wms_layers))
    for path in _listing(folder):
        if _VERSION.match(path.name) and path.name != held and (erased or _is_old(path, state.operations.now())):
            shutil.rmtree(path)


def _tables(state: State, app: str, today: date) -> dict[str, pl.DataFrame] | None:
    """The tables of an app; None where it is not to be there: people who may not leave, or no tool that was ever published."""
    if app == "people":
        if not qlik_data.people_may_leave(state, today):
            return None
        if not state.settings.web.base_url:
            raise SettingsRefused(
                "People may leave for Qlik only with a link back to their page: [web] base_url is not set.",
                code="qlik_needs_address",
                next_step="Set [web] base_url, or [web] qlik_people = false.",
            )
        tables = qlik_data.people_tables(state, today, state.settings.web.base_url)
    else:
        tables = (qlik_data.areas_tables if app == "areas" else qlik_data.checks_tables)(state, today)
    if app != "checks" and not tables["dim_release"].height:
        return None
    return tables


def write_access(state: State, admin: str, out: Path | None, actor: Actor) -> tuple[Path, int]:
    """Writes section access from the users: active, a role about people of a unit, trained on the tool. Returns path and readers.

    Raises: AccessDenied; NotFit (`qlik_access_unfit`) with every fault, and nothing is written.
    """
    role = "operator" if state.users.before_first() else actor.acting("administrator", "data_protection_officer")
    tool, persons = state.settings.people_tool, table(state, "people", "dim_person")
    if tool is None or persons is None:
        raise NotFit(
            "The app about people was never written: there are no units to part readers by.", code="qlik_people_not_written", next_step="Set [web] qlik_people, enter `qlik_control` in the register, then `harmcast qlik write STATE`."
        )
    trained = state.users.trained()
    readers = [
        access.Reader(user.account, held.unit)
        for user in state.users.everyone()
        if user.is_active and tool.name in trained.get(user.account, ())
        for held in user.roles
        if held.role in PEOPLE_ROLES and held.unit
    ]
    content = access.section_access(readers, admin, state.settings.qlik.user_directory)
    found = access.faults(content, set(persons["UNIT"].to_list()))
    if found:
        raise NotFit(f"Section access is not written: {'; '.join(found)}.", code="qlik_access_unfit", next_step="Mend the users or the units, then ask again.")
    path = out or state.root / ACCESS_FOLDER / ACCESS_FILE
    digest = hashlib.sha256(content).hexdigest()
    detail = {"readers": len(readers), "sha256": digest}
    state.operations.record(Event(actor.account, role, "administration", "qlik_access_written", object="qlik:people", detail=detail))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_bytes(path, content)
    return path, len(readers)


def _figures(state: State) -> list[acceptance.AcceptanceFigure]:
    found: list[acceptance.AcceptanceFigure] = []
    areas = {name: one for name in star.AREAS if (one := table(state, "areas", name)) is not None}
    if areas:
        found += acceptance.areas_figures(areas)
    people = {name: one for name in star.PEOPLE if (one := table(state, "people", name)) is not None}
    if people:
        units = sorted(people["dim_person"]["UNIT"].unique().to_list())
        found += acceptance.people_figures(people, [(f"a reader of {unit}", unit) for unit in units])
    if not found:
        raise NotFit("Nothing was written for Qlik yet.", code="qlik_not_written", next_step="`harmcast qlik write STATE` once a release is published.")
    return found


def make_sheet(state: State, path: Path) -> int:
    """Writes the figures to fill in from Qlik; how many. Raises NotFit (`qlik_not_written`)."""
    figures = _figures(state)
    files.write_bytes(path, acceptance.to_fill_in(figures))
    return len(figures)


def compare_sheet(state: State, path: Path, actor: Actor) -> acceptance.Compared:
    """Holds a filled-in sheet against ours; what it came to is an event. Raises NotFit (`qlik_not_written`, `qlik_sheet_unreadable`)."""
    try:
        found = acceptance.compared(path.read_bytes(), _figures(state))
    except (OSError, UnicodeDecodeError):
        raise NotFit("The file of figures cannot be read.", code="qlik_sheet_unreadable", next_step="Name the CSV file, in UTF-8.") from None
    detail = {"equal": found.equal, "unlike": len(found.unlike), "missing": found.missing}
    state.operations.record(Event(actor.account, actor.roles[0][0], "administration", "qlik_compared", object="qlik", detail=detail))
    return found


def latest(folder: Path) -> str | None:
    """The version that an app's `latest.qvs` names; None where there is none."""
    path = folder / "latest.qvs"
    match = _LATEST.match(path.read_text(encoding="utf-8").strip()) if path.is_file() else None
    return match[1] if match else None


def table(state: State, app: str, name: str) -> pl.DataFrame | None:
    """A table of the version that is shown; None where the app was not written."""
    folder = state.root / FOLDER / app
    version = latest(folder)
    return None if version is None else pl.read_parquet(folder / version / f"{name}.parquet")


def _write_app(folder: Path, content: Mapping[str, bytes]) -> None:
    at = folder / "app"
    same = at.is_dir() and {p.relative_to(at).as_posix(): p.read_bytes() for p in at.rglob("*") if p.is_file()} == dict(content)
    if not same:
        durable.write_folder(at, content)


def _listing(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_old(version: Path, now: str) -> bool:
    """Whether a version was made longer ago than it is kept, or does not say when."""
    try:
        made = json.loads((version / "manifest.json").read_text(encoding="utf-8"))["made_at"]
    except (OSError, ValueError, KeyError):
        return True
    return log.moment(now) - log.moment(made) > timedelta(hours=KEPT_HOURS)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: the weekly run, a command, the releases page."""
    folder.mkdir(mode=0o750, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
