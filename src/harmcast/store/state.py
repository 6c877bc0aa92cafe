"""A state: one folder with everything one force's system knows.

STATE/settings/      the settings and the files they name, as copied
STATE/settings-kept/ the same as they stood at each release, by hash
STATE/records/       Parquet parts, one a load and table
STATE/releases/      one folder a week
STATE/ground/        compiled grounds: roads and names near the force, one file each, named by content
STATE/models/        models of people, one file each
STATE/statistics/    counts of closed quarters
STATE/exports/       kept copies of lists that were downloaded
STATE/qlik/          what Qlik loads; STATE/kept/ what makes the next week faster; STATE/logs/
STATE/operations.db  unless the settings name a PostgreSQL
STATE/secret         32 random bytes: keys of people, keyed hashes; STATE/signing.key signs checkpoints
STATE/run.lock       held by the one run that may write records and releases
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from harmcast import settings as settings_of
from harmcast.errors import AccessDenied, Fault, RunStopped, SettingsRefused, StoreDamaged
from harmcast.oversight.commands import BY_SETTINGS, CODE_MINUTES, COMMANDS
from harmcast.oversight.log import Event
from harmcast.settings import Settings
from harmcast.store import codes, files, kept_settings, keys, operations, schema, upgrade
from harmcast.store.grounds import Grounds
from harmcast.store.lifts import Lifts
from harmcast.store.models import Models
from harmcast.store.operations import Operations
from harmcast.store.records import Records
from harmcast.store.register import Register
from harmcast.store.releases import Releases
from harmcast.store.users import Actor, Users, account_of

SETTINGS = kept_settings.SETTINGS
NAMED = "files.json"


@dataclass
class State:
    """One open state. Made by `create` or `open_state`."""

    root: Path
    settings: Settings
    operations: Operations
    secret: bytes = field(repr=False)
    settings_folder: Path
    gone_settings: tuple[str, ...] = ()
    _held: int = field(default=0, repr=False)
    _holder: int | None = field(default=None, repr=False)

    @cached_property
    def records(self) -> Records:
        return Records(self.root, self.operations)

    @cached_property
    def releases(self) -> Releases:
        return Releases(self.root, self.operations)

    @cached_property
    def models(self) -> Models:
        return Models(self.root, self.operations)

    @cached_property
    def users(self) -> Users:
        return Users(self.operations)

    @cached_property
    def register(self) -> Register:
        return Register(self.operations, self.settings)

    @cached_property
    def lifts(self) -> Lifts:
        return Lifts(self.operations)

    @cached_property
    def _files(self) -> dict[str, str]:
        path = self.settings_folder / NAMED
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def file(self, setting: str) -> Path | None:
        """Our copy of the file that a setting names, e.g. `force.boundary`, or where one lies that is not copied; None if none is named."""
        name = self._files.get(setting)
        return None if name is None else self.settings_folder / name

    def named_bytes(self, path: Path) -> bytes:
        """Our copy of a file by its path as the settings write it."""
        setting = next((setting for setting, name in settings_of.named_files(self.settings).items() if name == path), "")
        return (self.file(setting) or self.settings_folder / path).read_bytes()

    def with_kept_settings(self, sha256: str) -> State:
        """This state read with the settings, and the files they name, that a release was made with.

        Raises: StoreDamaged if they are not what was kept.
        """
        folder = kept_settings.kept(self.root, sha256)
        return State(self.root, kept_settings.read(folder)[0], self.operations, self.secret, folder)

    @cached_property
    def grounds(self) -> Grounds:
        return Grounds(self.root, self.operations)

    def person_keys(self) -> pl.DataFrame:
        """Every held person's `person_ref, person_key` (Polars)."""
        return keys.held(self.operations)

    def if_accepted(self) -> State:
        """The state as it would be if the load that waits were accepted: for judging that load, and for erasure."""
        other = replace(self)
        other.__dict__["records"] = Records(self.root, self.operations, waiting=True)
        return other

    def actor(self, command: str, code: str | None = None, second_code: str | None = None) -> Actor:
        """Who acts in this process: the kernel says which account runs it, a one-time code which person.

        The service's account and root are the operator, whatever the environment or the users say. Another account is the person it is
        entered for. What `oversight.commands` says is a person's needs a code drawn for that very command; where it only shuts, an account
        of the person's own is enough. Where it takes two people together, the second's code stands beside. Before the first user is
        entered the operator sets up.

        Raises: AccessDenied (`account_disabled`, `account_unmapped`, `code_needed`, `second_code_needed`, `code_refused`, `second_person_needed`,
            `role_needed`); StoreDamaged (`settings_by_hand`).
        """
        one = COMMANDS[command]
        uid = os.getuid()
        os_account = account_of(uid)
        operator = Actor(f"os:{os_account}", os_account, (("operator", None),))
        before_first = self.users.before_first()
        is_service = uid in (0, self.root.stat().st_uid)
        own = None if is_service or before_first else self.users.of_os_account(os_account)
        if command in BY_SETTINGS:
            kept_settings.must_be_taken(self.root, self.operations)
        if not one.person or before_first or (one.at_set_up and code is None and self.users.in_set_up()):
            return own or operator
        if code is None:
            if own is not None and not one.opens:
                return own
            raise _code_needed("This is done by a person, who is known by a one-time code.", command, "--code", code="code_needed")
        if one.second and not second_code:
            raise _code_needed("This takes two people: a second one's code stands beside the first's.", command, "--second-code", code="second_code_needed")
        first = self.users.get(codes.use(self.operations, code, command, os_account, only=own.account if own else None))
        return replace(first, second=self.second_person(command, second_code, first.account, os_account)) if second_code and one.second else first

    def second_person(self, command: str, code: str, first: str, os_account: str | None = None) -> str:
        """The account that stands beside the first with a code for the same command: somebody else's, in a role that the table names.

        Raises: AccessDenied (`code_refused`, `second_person_needed`, `role_needed`); the code is used up then too.
        """
        second = self.users.get(codes.use(self.operations, code, command, os_account, beside=first))
        if second.account == first:
            raise AccessDenied("The first person cannot be the second too.", code="second_person_needed", next_step="Ask somebody else for a code.")
        second.acting(*(role.value for role in COMMANDS[command].second))
        return second.account

    def close(self) -> None:
        self.operations.close()

    @contextmanager
    def run_lock(self, what: str, actor: str = "system") -> Iterator[None]:
        """Held while records or releases are written: one run at a time; taking it again inside is free.

        Raises: RunStopped (`run_in_progress`), saying who holds it and since when.
        """
        if self._held and self._holder == threading.get_ident():
            self._held += 1
            try:
                yield
            finally:
                self._held -= 1
            return
        with (self.root / "run.lock").open("a+", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                raise RunStopped(
                    f"Another run is at work here: {_holder(handle.read())}.",
                    code="run_in_progress",
                    next_step="Wait until it is done; a run that was killed holds nothing.",
                ) from None
            handle.seek(0)
            handle.truncate()
            json.dump({"what": what, "actor": actor, "pid": os.getpid(), "since": self.operations.now()}, handle)
            handle.flush()
            self._held, self._holder = 1, threading.get_ident()
            try:
                yield
            finally:
                self._held, self._holder = 0, None
                handle.seek(0)
                handle.truncate()


def _code_needed(says: str, command: str, option: str, *, code: str) -> AccessDenied:
    next_step = f"Sign in to the dashboards, draw a code for `{command}` under Your account, and add {option} CODE within {CODE_MINUTES} minutes."
    return AccessDenied(says, code=code, next_step=next_step)


def _holder(text: str) -> str:
    try:
        held = json.loads(text)
    except json.JSONDecodeError:
        return "it has just begun"
    return f"{held['what']} by {held['actor']}, process {held['pid']}, since {held['since']}"


def _settings_files(settings: Settings, folder: Path) -> dict[str, Path]:
    """The files that the settings name, as they stand. Raises SettingsRefused with every one that is not there."""
    found = {setting: folder / name for setting, name in settings_of.named_files(settings).items()}
    missing = [setting for setting, path in found.items() if not path.is_file()]
    faults = [Fault("file_missing", setting, next_step="put the file beside the settings, or name another") for setting in missing]
    if faults:
        raise SettingsRefused(
            f"The settings name {len(faults)} file(s) that are not there.",
            code="settings_file_missing",
            faults=tuple(faults),
        )
    return found


def _copied_name(folder: Path, path: Path, setting: str) -> str:
    """Where a file lies below `settings/`: under its relative name, or apart if it came from elsewhere."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return f"elsewhere/{setting}{path.suffix}"


def copy_settings(settings_file: Path, into: Path) -> Settings:
    """Copies the settings and the files they name; gives the settings. Raises SettingsRefused."""
    settings = settings_of.read(settings_file)
    folder = settings_file.parent
    names = {}
    for setting, path in _settings_files(settings, folder).items():
        names[setting] = _copied_name(folder, path, setting)
        target = into / names[setting]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for setting, path in settings_of.files_left_in_place(settings).items():
        names[setting] = (folder / path).resolve().as_posix()
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings_file, into / "settings.toml")
    (into / NAMED).write_text(json.dumps(names, indent=1, sort_keys=True), encoding="utf-8")
    return settings


def create(state: Path, settings_file: Path, actor: str = "system") -> State:
    """An empty state with its settings, database, secrets and first event.

    Raises: SettingsRefused (`state_exists` if the folder already holds anything); RunStopped.
    """
    must_be_new(state)
    with files.new_folder(state, "The state") as beside:
        settings = copy_settings(settings_file, beside / SETTINGS)
        secret = secrets.token_bytes(32)
        files.write_private(beside / "secret", secret)
        files.write_private(beside / "signing.key", secrets.token_bytes(32))
        for folder in ("records", "releases"):
            (beside / folder).mkdir()
        database = Operations(operations.engine_of(operations.database_url(settings.store.url, beside)), secret)
        event = Event(actor, "operator", "administration", "state_made", object="state")
        upgrade.upgrade(database, event)
        if database.fact("state_id") is not None:
            raise SettingsRefused(
                "The database named by store.url already serves another state.",
                code="store_in_use",
                next_step="Name an empty database.",
            )
        with database.writing(event) as tx:
            operations.set_fact(tx, "state_id", secrets.token_hex(16))
            tx.says(settings_sha256=kept_settings.take(tx, beside))
        database.close()
    return open_state(state)


def must_be_new(folder: Path) -> None:
    """Raises SettingsRefused (`state_exists`) if a folder named for a state holds anything."""
    if folder.exists() and any(folder.iterdir()):
        raise SettingsRefused(
            "The folder named for the state is not empty.", code="state_exists", next_step="Name a new folder."
        )


def open_state(state: Path) -> State:
    """The state in a folder, its database brought up to this version's schema.

    Raises: RunStopped (`state_missing`, `schema_newer`, `log_unavailable`), StoreDamaged, SettingsRefused.
    """
    return brought_up(unopened(state))


def unopened(state: Path) -> State:
    """The state in a folder, its database not asked yet. Raises RunStopped (`state_missing`), StoreDamaged, SettingsRefused."""
    state = state.resolve()  # a database read writes beside it, by address
    try:
        secret = (state / "secret").read_bytes()
    except FileNotFoundError:
        raise RunStopped(
            "There is no state in that folder.", code="state_missing", next_step="Make one with `harmcast init`."
        ) from None
    if len(secret) != 32:
        raise StoreDamaged(
            "The state's secret is damaged.", code="secret_damaged", next_step="Restore the newest backup."
        )
    kept_settings.settle(state)
    settings, went = kept_settings.read(state / SETTINGS)
    url = operations.database_url(settings.store.url, state)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise StoreDamaged(
            "The operational database is gone.", code="operations_missing", next_step="Restore the newest backup."
        )
    return State(state, settings, Operations(operations.engine_of(url), secret), secret, state / SETTINGS, tuple(went))


def brought_up(opened: State) -> State:
    """The same state once its database answers, is its own, and has this version's schema. Raises RunStopped, StoreDamaged."""
    database = opened.operations
    if upgrade.revision(database) != upgrade.HEAD:
        with opened.run_lock("schema upgrade"):
            upgrade.upgrade(database, Event("system", "operator", "administration", "schema_upgraded", object="state"))
    is_first = not database.has_lines(schema.facts, kept_settings.FACT)
    if opened.gone_settings and (is_first or kept_settings.are_taken(opened.root, database)):
        event = Event("system", "operator", "administration", "settings_upgraded", object="settings", detail={"gone": list(opened.gone_settings)})
        with opened.run_lock("settings upgrade"), database.writing(event) as tx:
            kept_settings.strip_own(opened.root)
            tx.says(settings_sha256=kept_settings.take(tx, opened.root))
    elif is_first:
        with database.writing(Event("system", "operator", "administration", "settings_taken", object="settings")) as tx:
            tx.says(settings_sha256=kept_settings.take(tx, opened.root))
    if database.fact("state_id") is None:
        raise StoreDamaged(
            "The database does not belong to this state.", code="operations_foreign", next_step="Check store.url."
        )
    return opened
