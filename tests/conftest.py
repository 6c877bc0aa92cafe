"""What many tests need: a state, deliveries made on the spot, a real PostgreSQL."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import kept_settings
from harmcast.store import state as states
from harmcast.store import upgrade as schema_upgrade
from harmcast.store.state import State

# The same drawn cases on every run of one commit; a wide search draws new ones (HARMCAST_EXAMPLES, `make bench-faults`).
hypothesis.settings.register_profile("suite", deadline=None, derandomize=not os.environ.get("HARMCAST_EXAMPLES"))
hypothesis.settings.load_profile("suite")

pytest_plugins = ["tests.force"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Another order of files, and of the tests in each: `HARMCAST_SHUFFLE=7 pytest`. What a test leaves behind would show."""
    seed = os.environ.get("HARMCAST_SHUFFLE")
    if seed:
        drawn = {str(item.path): random.Random(f"{seed} {item.path}").random() for item in items}
        items.sort(key=lambda item: (drawn[str(item.path)], random.Random(f"{seed} {item.nodeid}").random()))

SETTINGS = """
[force]
name = "Test force"

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"], injury = ["minor", "serious", "fatal"] }

[[tools]]
name = "iom"
kind = "people"
"""


MADE: dict[str, list[str]] = {}  # the statements that make the empty tables, by kind of database


@pytest.fixture(scope="session", autouse=True)
def empty_schema() -> Iterator[None]:
    """A new state takes its empty tables from the first that the migrations made here: they take a quarter of a second each time, on PostgreSQL a whole one."""
    from alembic import command

    by_migrations = command.upgrade

    def upgrade(config: Any, revision: str, *others: Any, **named: Any) -> None:
        connection = config.attributes["connection"]
        is_new = revision == "head" and not sa.inspect(connection).get_table_names()
        if is_new and connection.dialect.name in MADE:
            for statement in MADE[connection.dialect.name]:
                connection.connection.cursor().execute(statement)
            return
        by_migrations(config, revision, *others, **named)
        if is_new and connection.dialect.name == "sqlite":
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL ORDER BY rowid").scalars()
            MADE["sqlite"] = [*made, f"INSERT INTO alembic_version (version_num) VALUES ('{version}')"]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(command, "upgrade", upgrade)
        yield


def _made_on_postgresql(server: str, dumps: str) -> list[str]:
    """What the migrations make of an empty PostgreSQL, as it writes it down itself."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    engine = sa.create_engine(f"{server}/migrated".replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        schema_upgrade.to_revision(connection, "head")
    engine.dispose()
    dump = subprocess.run([dumps, "--no-owner", "--inserts", "-d", f"{server}/migrated"], check=True, capture_output=True, text=True).stdout
    kept = [line for line in dump.splitlines() if not line.startswith(("SET ", "SELECT pg_catalog.set_config", "\\", "--"))]
    return ["\n".join(kept)]


Rows = Sequence[Mapping[str, Any]]
Deliver = Callable[..., Path]

CRIME = {
    "crime_ref": "C1",
    "offence_code": "008/01",
    "happened_from": "2026-01-05T22:10:00",
    "happened_to": "",
    "recorded_at": "2026-01-06T09:00:00",
    "changed_at": "2026-01-06T09:00:00",
    "status": "recorded",
    "easting_m": "400100.0",
    "northing_m": "290200.0",
    "weapon": "knife",
    "injury": "minor",
}
PERSON = {
    "person_ref": "P1",
    "born_on": "1990-05-01",
    "sex": "F",
    "ethnicity_self": "W1",
    "ethnicity_officer": "IC1",
    "unit": "North",
    "merged_into": "",
    "died_on": "",
    "restricted": "false",
    "review_group": "2",
    "review_due_on": "2030-01-01",
    "changed_at": "2026-01-06T09:00:00",
}
CHARGE = {
    "charge_ref": "H1",
    "person_ref": "P1",
    "crime_ref": "C1",
    "offence_code": "008/01",
    "happened_on": "2026-01-05",
    "charged_on": "2026-01-07",
    "outcome": "charged",
    "outcome_on": "",
    "changed_at": "2026-01-07T10:00:00",
}


@pytest.fixture(scope="session")
def rows() -> dict[str, dict[str, str]]:
    """A good row of each table, to be changed at will."""
    return {"crimes": CRIME, "persons": PERSON, "charges": CHARGE}


def write_csv(path: Path, rows: Rows, columns: Sequence[str] | None = None) -> int:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(columns or rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Makes a delivery folder of tables (rows of text), with its manifest; `raw` gives files as bytes and row counts."""
    count = itertools.count(1)

    def make(
        tables: Mapping[str, Rows] | None = None,
        made_at: str = "2026-03-02T05:00:00",
        complete: bool = False,
        delivery_id: str | None = None,
        raw: Mapping[str, tuple[bytes, int]] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Path:
        number = next(count)
        folder = tmp_path / "deliveries" / f"{number:04d}"
        folder.mkdir(parents=True)
        files: dict[str, Any] = {}
        for name, given in (tables or {}).items():
            path = folder / f"{name}.csv"
            held = write_csv(path, given, (columns or {}).get(name))
            files[path.name] = {"rows": held, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for name, (content, held) in (raw or {}).items():
            (folder / name).write_bytes(content)
            files[name] = {"rows": held, "sha256": hashlib.sha256(content).hexdigest()}
        note = {"delivery_id": delivery_id or f"d{number}", "made_at": made_at, "complete": complete, "files": files}
        (folder / "manifest.json").write_text(json.dumps(note), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def make_state(tmp_path: Path) -> Iterator[Callable[..., State]]:
    """Makes a state of a settings text, with other files beside it."""
    opened: list[State] = []

    def make(settings: str = SETTINGS, files: Mapping[str, str] | None = None, name: str = "state") -> State:
        folder = tmp_path / f"{name}-settings"
        folder.mkdir()
        (folder / "settings.toml").write_text(settings, encoding="utf-8")
        for file, content in (files or {}).items():
            (folder / file).write_text(content, encoding="utf-8")
        opened.append(states.create(tmp_path / name, folder / "settings.toml"))
        return opened[-1]

    yield make
    for state in opened:
        state.close()


def take_settings(state: State) -> None:
    """Says that the settings as a test wrote them are those that were taken."""
    with state.operations.writing(Event("test", "operator", "administration", "settings_taken")) as tx:
        kept_settings.take(tx, state.root)


@pytest.fixture
def state(make_state: Callable[..., State]) -> State:
    return make_state()


# -- PostgreSQL ----------------------------------------------------------------------------------


def _postgres_folder() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL server started for the tests, as a user of its own when we are root."""
    programs = _postgres_folder()
    if programs is None:
        pytest.skip("no PostgreSQL here: the store's tests on PostgreSQL did not run")
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="harmcast-pg-"))
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, capture_output=True)

    port = _free_port()
    data = folder / "data"
    try:
        run(str(programs / "initdb"), "-D", str(data), "-U", "harmcast", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=100"
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL would not start: {error.stderr.decode()[-300:]}")
    server = f"postgresql://harmcast@127.0.0.1:{port}"
    try:
        dumps = shutil.which("pg_dump")
        if dumps:
            MADE["postgresql"] = _made_on_postgresql(server, dumps)
        yield server
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        time.sleep(0.1)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """A fresh operational database of each kind: None for SQLite in the state, a URL for PostgreSQL."""
    if request.param == "sqlite":
        yield None
        return
    import psycopg

    server = request.getfixturevalue("postgres_server")
    name = f"t{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"


@pytest.fixture
def any_state(make_state: Callable[..., State], store_url: str | None) -> State:
    """A state on SQLite, and again one on PostgreSQL."""
    extra = f'\n[store]\nurl = "{store_url}"\n' if store_url else ""
    return make_state(SETTINGS + extra)
