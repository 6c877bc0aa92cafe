"""Many forces: the same weekly run, one task a force, on Spark. No table ever holds two forces' rows.

    the list            forces and the folders of their states, one Parquet file      members
    one task a force    a process of its own opens that state and makes its week      spark, attempt
    the outcome         one line a force, no record of anybody                        run_fleet

Spark hands out paths and gathers one line a force. Each task starts one process, which opens its own force's state and
runs `service.run_due`, as a timer on its own would: a force's release has the same bytes as its own run, and its copies for Qlik and maps follow. A force that is refused, breaks or is killed
is reported and stops nobody else; running the fleet again makes what is missing and nothing twice.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, HarmcastError, RunStopped, SettingsRefused
from harmcast.progress import Progress, quiet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

TRIES = 2
PAUSE_S = 3.0
LONGEST_S = 6 * 3600
MAY_PASS = frozenset({"RunStopped"})
"""What is tried again: a full disk, a lock held, a process killed. What a force sent or set does not change by asking twice."""

OUTCOME = {
    "force": "string",
    "week": "string",
    "release": "string",
    "already": "boolean",
    "standing": "string",
    "manifest_sha256": "string",
    "error": "string",
    "code": "string",
    "message": "string",
    "next_step": "string",
    "tries": "bigint",
    "seconds": "double",
    "cpu_seconds": "double",
    "peak_gb": "double",
    "worker": "string",
}
"""Columns of the outcome and their types in Spark: one line a force."""


@dataclass(frozen=True)
class Member:
    """One force of the fleet: its name, its state, and a delivery to load first if any, on paths every worker sees."""

    name: str
    state: str
    delivery: str = ""


@dataclass
class FleetResult:
    """One line a force, in the order of their names (columns of OUTCOME)."""

    as_of: date
    forces: list[PlainRecord] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        return [str(row["force"]) for row in self.forces if row["error"]]

    @property
    def exit_code(self) -> int:
        """0, or that of RunStopped when any force is without its week: an operator looks at each."""
        return RunStopped.exit_code if self.failed else 0

    def document(self) -> PlainRecord:
        return {"as_of": self.as_of.isoformat(), "forces": self.forces, "failed": self.failed}

    def lines(self) -> list[str]:
        said = []
        for row in self.forces:
            if row["error"]:
                said.append(f"{row['force']}: FAILED, {row['error']} [{row['code']}] {row['message']} {row['next_step']}".rstrip())
            else:
                was = "was made before" if row["already"] else "made"
                said.append(f"{row['force']}: {row['release']} {was} ({row['standing']}; {row['seconds']:.1f} s, {row['peak_gb']:.1f} GB)")
        made = len(self.forces) - len(self.failed)
        said.append(f"{made} of {len(self.forces)} forces have their week.")
        if self.failed:
            said.append("Next: mend what each failed force names, then run the same command again; the others are not made twice.")
        return said


# --- the list --------------------------------------------------------------------------------------------------


def members(file: Path) -> list[Member]:
    """The forces of a TOML file (`[[forces]] name, state, delivery`; paths relative to it), or every state in a folder.

    Raises: SettingsRefused with every fault: a force, a state or an operational database named twice, an unknown key.
    """
    if file.is_dir():
        found = [Member(p.name, str(p.resolve())) for p in sorted(file.iterdir()) if (p / "secret").is_file()]
        faults: list[Fault] = []
    else:
        found, faults = _listed(file)
    for what, held in (
        ("name", [m.name for m in found]),
        ("state", [m.state for m in found]),
        ("store", [_store(m) for m in found]),
    ):
        faults += [Fault(f"{what}_twice", "forces", row=k + 1) for k, value in enumerate(held) if value and value in held[:k]]
    if faults or not found:
        raise SettingsRefused(
            "The list of forces is empty." if not faults else f"The list of forces has {len(faults)} fault(s).",
            code="fleet_invalid",
            faults=tuple(faults),
            next_step="Give each force its own name, state and operational database, then run again.",
        )
    return found


def _listed(file: Path) -> tuple[list[Member], list[Fault]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        listed = [dict(one) for one in document.get("forces", [])]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, ValueError):
        raise SettingsRefused(
            "The list of forces cannot be read.", code="fleet_unreadable", next_step="Write a TOML file of [[forces]] with name and state."
        ) from None
    found, faults = [], []
    for number, one in enumerate(listed, 1):
        faults += [Fault("key_unknown", "forces", row=number, column=key) for key in sorted(set(one) - {"name", "state", "delivery"})]
        if not all(isinstance(one.get(key), str) and one[key] for key in ("name", "state")) or not isinstance(one.get("delivery", ""), str):
            faults.append(Fault("name_and_state_needed", "forces", row=number))
            continue
        paths = {key: str((file.parent / one[key]).resolve()) for key in ("state", "delivery") if one.get(key)}
        found.append(Member(one["name"], **paths))
    return found, faults


def _store(member: Member) -> str | None:
    """Address of a force's own operational database; None if it lies in the state, or the settings cannot be read (its task says so)."""
    from harmcast.store import kept_settings

    try:
        return kept_settings.read(Path(member.state) / kept_settings.SETTINGS)[0].store.url
    except (HarmcastError, OSError):
        return None


# --- one force -------------------------------------------------------------------------------------------------


def week_of(member: Member, as_of: date) -> PlainRecord:
    """One force's weekly run with what follows it (alerts, copies outside the pages), here and now; what a person can act on is in the outcome, a bug keeps its traceback."""
    from harmcast.operate import service

    try:
        opened = service.opened(Path(member.state), pauses_s=())
        try:
            actor = opened.actor("fleet")
            made = service.run_due(opened, as_of, actor, Path(member.delivery) if member.delivery else None, catch_up=False, pauses_s=()).weeks[-1]
            standing = ", ".join(f"{tool} {standing}" for tool, (standing, _) in sorted(made.standings.items()))
            manifest = opened.releases.named(made.name)[0].manifest_sha256
            return {"week": made.week, "release": made.name, "already": made.already, "standing": standing, "manifest_sha256": manifest}
        finally:
            opened.close()
    except HarmcastError as error:
        return {"error": type(error).__name__, "code": error.code, "message": error.message, "next_step": error.next_step}


COMMAND = (sys.executable, "-m", "harmcast.fleet.run")


def attempt(member: Member, as_of: date, command: Sequence[str] = COMMAND) -> PlainRecord:
    """One process for one force; a process that dies, hangs or hits a bug is an outcome as well."""
    words = json.dumps(asdict(member) | {"as_of": as_of.isoformat()})
    try:
        run = subprocess.run([*command], input=words, capture_output=True, text=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return _stopped(code="fleet_too_long", message="The run was ended after six hours.", next_step="Run this force on its own and watch it.")
    if run.returncode < 0:
        return _stopped(code="fleet_killed", message=f"The run was killed (signal {-run.returncode}).", next_step="Look for memory running out on the worker.")
    try:
        return dict(json.loads(run.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError):
        step = "Run this force on its own to see the traceback."
        return {"error": "bug", "code": "bug", "message": f"The run ended with exit code {run.returncode}.", "next_step": step}


def _stopped(*, code: str, message: str, next_step: str) -> PlainRecord:
    return {"error": RunStopped.__name__, "code": code, "message": message, "next_step": next_step}


def outcome(member: Member, as_of: date, command: Sequence[str] = COMMAND, pause_s: float = PAUSE_S) -> PlainRecord:
    """One force's line: its week made, or why not; tried again once where the reason may pass. Keys of OUTCOME."""
    begun = time.perf_counter()
    for tries in range(1, TRIES + 1):
        row = attempt(member, as_of, command)
        if row.get("error") not in MAY_PASS or tries == TRIES:
            break
        time.sleep(pause_s)
    row |= {"force": member.name, "tries": tries, "seconds": round(time.perf_counter() - begun, 3)}
    return {name: row.get(name) for name in OUTCOME}


# --- all of them -----------------------------------------------------------------------------------------------


def schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {"string": pa.string(), "boolean": pa.bool_(), "bigint": pa.int64(), "double": pa.float64()}
    return pa.schema([(name, kinds[kind]) for name, kind in OUTCOME.items()])


def run_fleet(forces: Path, master: str, as_of: date, out: Path | None = None, progress: Progress = quiet) -> FleetResult:
    """The weekly run of every force on Spark, one task each.

    Args:
        forces: the list, or a folder of states, on a path every worker sees; the list as Parquet and what each task says
            pass through a folder beside it.
        out: folder for `fleet.parquet`, one line a force.
    Raises: SettingsRefused; RunStopped if Spark cannot be started or loses its workers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harmcast.fleet import spark

    found = members(forces)
    with tempfile.TemporaryDirectory(prefix=".fleet-", dir=forces.resolve().parent) as name:
        shared = Path(name)
        shared.chmod(0o770)  # the account that runs the workers may be another one of the same group
        pq.write_table(pa.Table.from_pylist([asdict(member) for member in found]), shared / "forces.parquet")
        with spark.session(master) as session:
            _on_spark(session, shared, len(found), as_of, progress)
        table = pq.read_table(shared / "outcome", schema=schema()).sort_by("force")
    shutil.rmtree(shared, ignore_errors=True)  # a task that ends late may have made its folder again
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, out / ".fleet.parquet")
        (out / ".fleet.parquet").replace(out / "fleet.parquet")
    return FleetResult(as_of, table.to_pylist())


def _on_spark(session: SparkSession, shared: Path, forces: int, as_of: date, progress: Progress) -> None:
    """One row, so one task, a force; each says its line into `shared`/outcome as Parquet."""
    day, said = as_of.isoformat(), ", ".join(f"{name} {kind}" for name, kind in OUTCOME.items())

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import os
        import socket
        from datetime import date

        import pyarrow as pa

        from harmcast.fleet.run import Member, outcome, schema

        for batch in batches:
            for one in batch.to_pylist():
                line = outcome(Member(**one), date.fromisoformat(day)) | {"worker": f"{socket.gethostname()}:{os.getppid()}"}
                yield pa.RecordBatch.from_pylist([line], schema=schema())

    listed = session.read.schema("name string, state string, delivery string").parquet((shared / "forces.parquet").as_uri()).repartition(forces)
    job = listed.mapInArrow(task, said).write
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(job.parquet, (shared / "outcome").as_uri())
        while not writing.done():
            time.sleep(0.2)
            progress(*_how_far(session, forces))
    error = writing.exception()
    if error is not None:
        raise RunStopped(
            f"Spark gave the work up ({type(error).__name__}).",
            code="spark_lost",
            next_step="Look at the workers' logs, then run the same command again: forces already made are not made twice.",
        ) from error


def _how_far(session: SparkSession, forces: int) -> tuple[str, float]:
    tracker = session.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    done = max((stage.numCompletedTasks for stage in stages if stage and stage.numTasks == forces), default=0)
    return f"{done} of {forces} forces", done / forces


def main() -> None:
    """`week_of` as a process's only work, which a task starts: a member as JSON on standard input, its outcome as JSON on standard output."""
    import resource

    os.umask(0o077)
    asked = json.loads(sys.stdin.read())
    as_of = date.fromisoformat(asked.pop("as_of"))
    row = week_of(Member(**asked), as_of)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(row | {"cpu_seconds": round(used.ru_utime + used.ru_stime, 3), "peak_gb": round(used.ru_maxrss / 1e6, 3)}))


if __name__ == "__main__":
    main()
