"""Many forces: the same weekly run, one task a force, on Spark. No table ever holds two forces' rows.

Spark only hands out paths and gathers one line a force; each task opens its own force's state and runs `weekly.run_week`, so a
force's release has the same bytes as its own run. A force that fails is reported, tried again, and stops nobody else.
"""

from __future__ import annotations

import os
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harmcast.errors import Fault, HarmcastError, RunStopped, SettingsRefused

if TYPE_CHECKING:
    import pyarrow as pa

TRIES = 2
RESULT = ("force", "week", "release", "standing", "manifest_sha256", "seconds", "tries", "error", "code", "message")


@dataclass(frozen=True)
class Member:
    """One force of the fleet: its name, its state, and a delivery to load first, if any (all on a path every worker sees)."""

    name: str
    state: str
    delivery: str


@dataclass
class FleetResult:
    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    exit_code: int = 0


def members(file: Path) -> list[Member]:
    """The forces of a TOML file (`[[forces]] name, state, delivery`), or every state in a folder.

    Raises: SettingsRefused with every fault: a force named twice, one state used twice, a key that is not known.
    """
    if file.is_dir():
        return [Member(p.name, str(p.resolve()), "") for p in sorted(file.iterdir()) if (p / "secret").is_file()]
    try:
        listed = tomllib.loads(file.read_text(encoding="utf-8")).get("forces", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsRefused(
            "The list of forces cannot be read.", code="fleet_unreadable", next_step="A TOML file of [[forces]] with name and state."
        ) from None
    faults, found = [], []
    for number, one in enumerate(listed, 1):
        where = f"forces[{number}]"
        faults += [Fault("key_unknown", where, column=key) for key in sorted(set(one) - {"name", "state", "delivery"})]
        if not one.get("name") or not one.get("state"):
            faults.append(Fault("name_and_state_needed", where))
            continue
        base = file.parent
        delivery = str((base / one["delivery"]).resolve()) if one.get("delivery") else ""
        found.append(Member(str(one["name"]), str((base / one["state"]).resolve()), delivery))
    for what in ("name", "state"):
        held = [getattr(m, what) for m in found]
        faults += [Fault(f"{what}_twice", "forces", row=k + 1) for k, value in enumerate(held) if value in held[:k]]
    if faults or not found:
        raise SettingsRefused("The list of forces has faults.", code="fleet_invalid", faults=tuple(faults), next_step="Mend it and run again.")
    return found


def run_one(name: str, state: str, delivery: str, as_of: date) -> dict[str, Any]:
    """One force's weekly run, tried again once if it stopped for a reason that may pass. Never raises what a person can act on."""
    from harmcast.store.state import open_state
    from harmcast.store.users import Actor
    from harmcast.weekly import run_week

    begun = time.perf_counter()
    row: dict[str, Any] = dict.fromkeys(RESULT)
    row |= {"force": name, "tries": 0}
    while True:
        row["tries"] += 1
        try:
            opened = open_state(Path(state))
            try:
                result = run_week(opened, as_of, Actor("fleet", "Fleet", (("operator", None),)), Path(delivery) if delivery else None)
                made = opened.releases.named(result.name)
                standing = ",".join(sorted(f"{r.tool}={r.standing}" for r in made))
                row |= {"week": result.week, "release": result.name, "standing": standing, "manifest_sha256": made[0].manifest_sha256}
                row |= {"error": None, "code": None, "message": None}
            finally:
                opened.close()
            break
        except HarmcastError as error:
            row |= {"error": type(error).__name__, "code": error.code, "message": error.message}
            if row["tries"] >= TRIES or not isinstance(error, RunStopped):
                break
        except Exception as error:
            row |= {"error": type(error).__name__, "code": "bug", "message": "A bug: run this force on its own to see the traceback."}
            break
    row["seconds"] = round(time.perf_counter() - begun, 3)
    return row


def schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {"seconds": pa.float64(), "tries": pa.int64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in RESULT])


def run_fleet(forces: Path, master: str, as_of: date, out: Path | None = None) -> FleetResult:
    """The weekly run of every force on Spark, one task each; one line a force as Parquet in `out` if given.

    Raises: SettingsRefused; RunStopped if Spark cannot be started.
    """
    found = members(forces)
    session = _session(master, len(found))
    try:
        rows = _on_spark(session, found, as_of)
    finally:
        session.stop()
    if out is not None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        out.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema()), out / "fleet.parquet")
    failed = [row for row in rows if row["error"]]
    lines = [
        f"{row['force']}: {row['standing'] or row['code']} ({row['seconds']:.1f} s, {row['tries']} tries)"
        + (f": {row['message']}" if row["error"] else "")
        for row in rows
    ]
    lines.append(f"{len(rows) - len(failed)} of {len(rows)} forces made their week.")
    return FleetResult({"as_of": as_of.isoformat(), "forces": rows, "failed": [row["force"] for row in failed]}, lines, 25 if failed else 0)


def _session(master: str, tasks: int) -> Any:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    try:
        from pyspark.sql import SparkSession

        return (
            SparkSession.builder.master(master)
            .appName("harmcast fleet")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.task.maxFailures", "4")
            .config("spark.sql.shuffle.partitions", str(tasks))
            .config("spark.python.worker.reuse", "false")
            .getOrCreate()
        )
    except ImportError:
        raise RunStopped(
            "Spark is not installed.", code="spark_missing", next_step="Install harmcast with the extra `fleet`, and Java 17."
        ) from None
    except Exception as error:  # the gateway raises its own kinds; all of them mean that Spark did not start
        raise RunStopped(
            f"Spark did not start ({type(error).__name__}).", code="spark_not_started", next_step="Check Java 17 and the master's address."
        ) from error


def _on_spark(session: Any, found: list[Member], as_of: date) -> list[dict[str, Any]]:
    """One partition, so one task, a force; ordered by name."""
    import pyarrow as pa

    names = [(m.name, m.state, m.delivery) for m in found]
    rdd = session.sparkContext.parallelize(names, len(names))
    frame = session.createDataFrame(rdd, "force string, state string, delivery string")
    day = as_of.isoformat()

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from datetime import date as day_of

        from harmcast.fleet import run_one, schema

        for batch in batches:
            for one in batch.to_pylist():
                row = run_one(one["force"], one["state"], one["delivery"], day_of.fromisoformat(day))
                yield pa.RecordBatch.from_pylist([row], schema=schema())

    kinds = {"seconds": "double", "tries": "long"}
    said = ", ".join(f"{name} {kinds.get(name, 'string')}" for name in RESULT)
    rows = [row.asDict() for row in frame.mapInArrow(task, said).collect()]
    return sorted(rows, key=lambda row: str(row["force"]))
