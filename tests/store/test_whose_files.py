"""Files and databases are their own account's: whatever the umask a command begins with, and on PostgreSQL by roles."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.oversight.log import Event
from harmcast.store import operations as operations_of
from harmcast.store.operations import Operations
from harmcast.store.upgrade import upgrade
from harmcast.store.verify import verify_database

ROLES = Path(__file__).parents[2] / "deploy" / "postgres-roles.sql"


def run(folder: Path, *words: str) -> None:
    begin = f"umask 0000 && exec {sys.executable} -c 'from harmcast.cli import main; main()' \"$@\""
    done = subprocess.run(["sh", "-c", begin, "harmcast", *words], cwd=folder, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr


def test_nothing_that_a_command_writes_is_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS + f'\n[log]\nwitnesses = ["{tmp_path / "outside" / "lines"}"]\n')
    (tmp_path / "inside").mkdir()
    state = tmp_path / "inside" / "state"
    run(tmp_path, "init", str(state), "--settings", str(tmp_path / "settings.toml"))
    run(tmp_path, "log", "export", str(state), "--out", str(tmp_path / "inside" / "log.jsonl"))
    run(tmp_path, "report", "public", str(state), "--out", str(tmp_path / "inside" / "report"))
    run(tmp_path, "backup", str(state), str(tmp_path / "inside" / "backup.tar"))
    made = [path for path in (tmp_path / "inside").rglob("*")]
    assert len(made) > 10
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
    assert (tmp_path / "outside" / "lines").stat().st_mode & 0o777 == 0o644


@pytest.mark.postgres
def test_on_postgresql_the_service_only_adds_to_the_log_and_the_reader_verifies(postgres_server: str) -> None:
    import psycopg

    name = f"t{time.monotonic_ns()}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(f"{postgres_server}/{name}", autocommit=True) as connection:
        connection.execute(ROLES.read_text(encoding="utf-8"))
    where = postgres_server.split("@")[1]

    def as_role(role: str) -> Operations:
        return Operations(operations_of.engine_of(operations_of.database_url(f"postgresql://{role}@{where}/{name}", Path())), b"s" * 32)

    event = Event("system", "operator", "administration", "state_made")
    owner, service, reader = (as_role(f"harmcast_{role}") for role in ("owner", "service", "reader"))
    try:
        upgrade(owner, event)
        revoke = next(line for line in ROLES.read_text(encoding="utf-8").splitlines() if "REVOKE" in line)
        with owner.unlogged() as connection:
            connection.execute(sa.text(revoke.lstrip("- ").rstrip(";")))
        with service.writing(event) as tx:
            operations_of.set_fact(tx, "state_id", "x")
        for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM versions", "DELETE FROM events", "UPDATE versions SET hash = 'x'", "TRUNCATE events"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), service.unlogged() as connection:
                connection.execute(sa.text(statement))
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), reader.unlogged() as connection:
            connection.execute(sa.text("UPDATE facts SET value = 'y'"))
        found = verify_database(reader)
        assert (found.events, found.faults) == (2, ())
    finally:
        for one in (owner, service, reader):
            one.close()
