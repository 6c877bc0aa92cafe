"""Promise 34: a state written by version 0.1.0, upgraded, killed on the way again and again: nothing is lost.

    python -m bench.upgrade [--kills 20] [--events 1000000] [--decisions 20000] [--small]

The state is built by the project's own code as it stood before the first migration after 0.1.0 (taken from the history of this
checkout), on SQLite and on a PostgreSQL started here. Then the present code opens it. Each child is killed with SIGKILL,
at a random moment or right after a random statement of the upgrade; after every kill the database holds every row it
held, at the old schema or the new. The last one is let through, and every table, part and release must be what an
upgrade that nobody disturbed makes of it. A week made afterwards must be the same, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.results import Row, saved
from bench.servers import postgres, programs

ROOT = Path(__file__).parents[1]
VERSIONS = ROOT / "src/harmcast/store/migrations/versions"
MONDAY = date(2026, 11, 16)
NEW_EVENTS = ("schema_upgraded", "rows_adopted", "settings_taken")
NEW_FACT = "settings_sha256"  # which settings the upgraded state took
RELEASED = "0003"  # schema of version 0.1.0
LEAVES = {"releases": {"reasons"}, "sessions": {"purpose"}}  # columns that the upgrade takes away: reasons become findings (`found_of`)
GONE = {"checkpoints", "login_attempts"}  # what the first held stands in the files outside; misses are counted by lane


# -- the older version ---------------------------------------------------------------------------


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


def commit_of_release() -> str | None:
    """The last commit with the schema of 0.1.0; None where this checkout has no history."""
    following = next(path for path in sorted(VERSIONS.glob("[0-9]*.py")) if path.name[:4] > RELEASED)
    try:
        added = git("log", "--diff-filter=A", "--format=%H", "--", str(following.relative_to(ROOT))).decode().split()
        return git("rev-parse", f"{added[-1]}^").decode().strip() if added else None
    except (subprocess.CalledProcessError, FileNotFoundError):
        return None


def old_source(commit: str, folder: Path) -> Path:
    """The source of a commit, beside this checkout."""
    folder.mkdir(parents=True)
    packed = folder / "src.tar"
    packed.write_bytes(git("archive", commit, "src"))
    subprocess.run(["tar", "-xf", str(packed), "-C", str(folder)], check=True)
    packed.unlink()
    return folder / "src"


def build(source: Path, folder: Path, url: str | None, people: int, events: int, decisions: int) -> None:
    """A state made by the code in `source`: FOLDER/state, and FOLDER/next, the delivery after it."""
    words = [str(folder), "--people", str(people), "--events", str(events), "--decisions", str(decisions), *(["--url", url] if url else [])]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/old_state.py"), *words],
        env={**os.environ, "PYTHONPATH": str(source)}, cwd=source, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the older version could not build its state: {done.stderr[-2000:]}")


# -- copies: of a folder, and of the database where it lies elsewhere ----------------------------------


@dataclass
class Held:
    """A state to copy as often as needed; `server` is None where its database is the SQLite file in it."""

    state: Path
    server: str | None = None
    database: str = "base"

    def url(self, state: Path) -> sa.URL:
        if self.server is None:
            return sa.URL.create("sqlite", database=str(state / "operations.db"))
        return sa.make_url(re.search(r'url = "(.+)"', (state / "settings/settings.toml").read_text())[1])  # type: ignore[index]

    @contextmanager
    def copied(self, to: Path) -> Iterator[Path]:
        """A copy of its own, gone at the end."""
        shutil.copytree(self.state, to)
        name = f"copy_{to.name.replace('-', '_')}"
        if self.server is not None:
            self.administer(f'CREATE DATABASE "{name}" TEMPLATE "{self.database}"')
            self.administer("CHECKPOINT")  # a copied sequence has numbers logged ahead in its model only: a crash would give them twice
            path = to / "settings/settings.toml"
            path.write_text(re.sub(r'(url = ".+/)\w+"', rf'\1{name}"', path.read_text()))
            _take_settings(to, self.url(to))
        try:
            yield to
        finally:
            shutil.rmtree(to)
            if self.server is not None:
                self.administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def administer(self, statement: str) -> None:
        engine = sa.create_engine(f"{self.server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()


def _take_settings(state: Path, url: sa.URL) -> None:
    """The copy's settings name its own database: they are said to be taken, as its log would refuse them otherwise. An older state took none."""
    from harmcast.oversight.log import Event
    from harmcast.store import kept_settings, operations, upgrade

    opened = operations.Operations(operations.engine_of(url), (state / "secret").read_bytes())
    try:
        if upgrade.revision(opened) == upgrade.HEAD:
            with opened.writing(Event("system", "operator", "administration", "settings_changed", object="settings")) as tx:
                kept_settings.take(tx, state)
    finally:
        opened.close()


# -- what must be the same -----------------------------------------------------------------------


def tables(url: sa.URL, columns: dict[str, list[str]] | None = None, whole: bool = True) -> dict[str, Any]:
    """Each table's rows, and where `whole` the digest of their contents, of the columns named.

    The upgrade's own events and fact are left out: they carry the moment it happened, or a copy's own name.
    """
    engine = sa.create_engine(url)
    held = sa.MetaData()
    found: dict[str, Any] = {}
    with engine.connect() as connection:
        held.reflect(connection)
        for name, table in sorted(held.tables.items()):
            if name == "alembic_version" or (columns is not None and name not in columns):
                continue
            chosen = [table.c[c] for c in (columns[name] if columns is not None else sorted(table.c.keys()))]
            where = _not_of_the_upgrade(name, table)
            if not whole:
                found[name] = connection.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one()
                continue
            digest, count = hashlib.sha256(), 0
            query = sa.select(*chosen).where(where).order_by(*table.primary_key.columns)
            for row in connection.execution_options(yield_per=20_000).execute(query):
                digest.update(repr(tuple(row)).encode())
                count += 1
            found[name] = (count, digest.hexdigest())
    engine.dispose()
    return found


def _not_of_the_upgrade(name: str, table: sa.Table) -> sa.ColumnElement[bool]:
    """What the upgrade adds itself: its events, and the fact and its line, which name a copy's own database."""
    if name == "events":
        return table.c.action.not_in(NEW_EVENTS)
    if name == "versions":
        return sa.or_(table.c.tab != "facts", table.c.key != NEW_FACT)
    return table.c.name != NEW_FACT if name == "facts" else sa.true()


def columns_of(url: sa.URL) -> dict[str, list[str]]:
    engine = sa.create_engine(url)
    held = sa.MetaData()
    held.reflect(engine)
    engine.dispose()
    return {name: sorted(table.c.keys()) for name, table in held.tables.items()}


def revision(url: sa.URL) -> str:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())
    engine.dispose()
    return found


def reasons_of(url: sa.URL) -> dict[int, list[str]]:
    """Why each release was held, of version 0.1.0: sentences after their kind."""
    return {number: [reason.partition(": ")[2] for reason in reasons] for number, reasons in _releases(url, "reasons")}


def found_of(url: sa.URL) -> dict[int, list[str]]:
    """The same of an upgraded state, where they are findings."""
    return {number: [finding["says"] for finding in findings] for number, findings in _releases(url, "findings")}


def _releases(url: sa.URL, column: str) -> list[tuple[int, list[Any]]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [(number, json.loads(text)) for number, text in connection.execute(sa.text(f"SELECT id, {column} FROM releases"))]
    engine.dispose()
    return found


def files(state: Path) -> dict[str, str]:
    """Digest of every file of record."""
    kept = [p for folder in ("records", "releases", "models") for p in sorted((state / folder).rglob("*")) if p.is_file()]
    return {p.relative_to(state).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}


def whole(state: Path) -> list[str]:
    """What is wrong with a state that was upgraded: its log, its parts, the event that says so."""
    from harmcast.store.state import open_state
    from harmcast.store.verify import verify_state

    opened = open_state(state)
    try:
        entries = opened.operations.entries()
        wrong = [f"{fault.kind}: {fault.table} {fault.key}" for fault in verify_state(opened).faults][:3]
        said = sum(entry.action in NEW_EVENTS for entry in entries)
        return wrong if said == len(NEW_EVENTS) else [*wrong, f"{said} events say that it was upgraded"]
    finally:
        opened.close()


# -- the process that dies -----------------------------------------------------------------------


def child(state: Path, die_after: int | None) -> None:
    """Opens a state, which upgrades it; dies after the statement numbered. Prints how many statements the upgrade took."""
    from harmcast.store.state import open_state

    ran = [0]

    def after(*_: Any) -> None:
        ran[0] += 1
        if ran[0] == die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    import alembic.command  # noqa: F401 - imported before the clock starts

    sa.event.listen(sa.Engine, "after_cursor_execute", after)
    print("begun", flush=True)
    open_state(state).close()
    print(ran[0], flush=True)


def opened_by_child(state: Path, die_after: int | None = None, after_seconds: float | None = None) -> tuple[bool, int, float]:
    """Whether the child lived, how many statements it ran, and how long it took, seconds."""
    words = [sys.executable, "-m", "bench.upgrade", "--child", str(state), *(["--die-after", str(die_after)] if die_after else [])]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    began = time.perf_counter()
    try:
        out, error = process.communicate(timeout=after_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"the upgrade ended with {process.returncode}: {error[-2000:]}")
    return process.returncode == 0, int(out) if process.returncode == 0 else 0, time.perf_counter() - began


@dataclass
class Outcome:
    """What came of one database's upgrades."""

    kills: int
    tables: int
    rows: dict[str, int]
    seconds: float
    wrong: list[str]


def upgraded(held: Held, folder: Path, kills: int, seed: int = 1, after: Callable[[Path], dict[str, str]] | None = None) -> Outcome:
    """Upgrades copies of an old state, one undisturbed and others killed, and says where they differ."""
    stay = {name: [c for c in columns if c not in LEAVES.get(name, ())] for name, columns in columns_of(held.url(held.state)).items() if name not in GONE}
    before, old, old_files = tables(held.url(held.state), stay), revision(held.url(held.state)), files(held.state)
    reasons = reasons_of(held.url(held.state))
    counts = {name: count for name, (count, _) in before.items()}
    wrong: list[str] = []
    with held.copied(folder / "clean") as clean:
        _, statements, seconds = opened_by_child(clean)
        new = revision(held.url(clean))
        kept = tables(held.url(clean), stay)
        wrong += [f"undisturbed: {name} is not what it was" for name in before if kept.get(name) != before[name]]
        wrong += [] if found_of(held.url(clean)) == reasons else ["undisturbed: why a release was held is not what it was"]
        expected = tables(held.url(clean))
        wrong += [f"undisturbed: {fault}" for fault in whole(clean)]
        wrong += [] if files(clean) == old_files else ["undisturbed: a file of record changed"]
        week = after(clean) if after is not None else {}
        wrong += [f"the week made afterwards: {week['week']}"] if "week" in week else []
    r, done, number = random.Random(seed), 0, 0
    while done < kills or number == 0:
        number += 1
        with held.copied(folder / f"killed-{number}") as copy:
            while done < kills and revision(held.url(copy)) == old:
                done += 1
                if done % 2:
                    opened_by_child(copy, after_seconds=r.uniform(0.0, seconds))
                else:
                    opened_by_child(copy, die_after=r.randrange(1, statements + 1))
                now = revision(held.url(copy))
                wrong += [] if now in (old, new) else [f"kill {done}: schema {now}"]
                wrong += [] if {k: n for k, n in tables(held.url(copy), whole=False).items() if k in counts} == counts else [f"kill {done}: rows were lost or doubled"]
            opened_by_child(copy)
            wrong += [f"copy {number}: {name} differs" for name, found in tables(held.url(copy)).items() if expected.get(name) != found]
            wrong += [f"copy {number}: {fault}" for fault in whole(copy)]
            wrong += [] if files(copy) == old_files else [f"copy {number}: a file of record changed"]
            if number == 1 and after is not None and after(copy) != week:
                wrong.append("a week made afterwards is another")
    return Outcome(done, len(before), counts, seconds, wrong)


def next_week(delivery: Path) -> Callable[[Path], dict[str, str]]:
    """Makes the week after, by command; gives the digests of every file of record."""

    def make(state: Path) -> dict[str, str]:
        words = ["-m", "harmcast.cli", "week", str(state), "--as-of", MONDAY.isoformat(), "--from", str(delivery)]
        done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            return {"week": f"exit {done.returncode}: {done.stderr[-300:]}"}
        return files(state)

    return make


def main(kills: int, people: int, events: int, decisions: int) -> int:
    commit = commit_of_release()
    if commit is None:
        raise SystemExit("this checkout has no history to take the older version from: clone it whole and run again")
    rows = []
    with tempfile.TemporaryDirectory(prefix="harmcast-upgrade-") as name:
        folder = Path(name)
        source = old_source(commit, folder / "old")
        print(f"    the state is written by {commit[:12]}", flush=True)
        (folder / "sqlite").mkdir()
        build(source, folder / "sqlite", None, people, events, decisions)
        rows.append(_row("SQLite", upgraded(Held(folder / "sqlite/state"), folder / "sqlite", kills, after=next_week(folder / "sqlite/next")), kills))
        shutil.rmtree(folder / "sqlite")
        if programs() is None:
            rows.append(Row(34, "upgrade on PostgreSQL", "0 lost", "not tried: no PostgreSQL here", False))
        else:
            with postgres() as address:
                server = address.replace("postgresql://", "postgresql+psycopg://")
                held = Held(folder / "postgres/state", server)
                held.administer('CREATE DATABASE "base"')
                (folder / "postgres").mkdir()
                build(source, folder / "postgres", f"{server}/base", people, events, decisions)
                rows.append(_row("PostgreSQL", upgraded(held, folder / "postgres", kills), kills))
    return saved("upgrade", rows)


def _row(where: str, outcome: Outcome, kills: int) -> Row:
    held = f"{outcome.rows['events']:,} events, {outcome.rows['decisions']:,} decisions"
    lost = f"nothing lost in {outcome.tables} tables" if not outcome.wrong else "; ".join(outcome.wrong[:3])
    return Row(
        34, f"upgrade from 0.1.0, {held}, {where}", f"{kills} kills, 0 lost",
        f"{outcome.kills} kills, {lost} ({outcome.seconds:.1f} s undisturbed)", outcome.kills >= kills and not outcome.wrong,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", type=Path)
    parser.add_argument("--die-after", type=int)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--people", type=int, default=12_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    if given.child:
        child(given.child, given.die_after)
    elif given.small:
        sys.exit(main(6, 150, 2_000, 100))
    else:
        sys.exit(main(given.kills, given.people, given.events, given.decisions))
