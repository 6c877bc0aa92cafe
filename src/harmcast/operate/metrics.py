"""Health as numbers, in Prometheus' text format: for a node exporter's text file, or any other collector."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from typing import Any

from harmcast.operate.health import status_of
from harmcast.store import deliveries, week_runs
from harmcast.store.reads import health
from harmcast.store.state import State

HELD = ("draft", "held", "reviewed")


def text(state: State, today: date) -> str:
    """Every measure as `# HELP`, `# TYPE` and its samples."""
    said: list[str] = []

    def gauge(name: str, says: str, samples: list[tuple[dict[str, str], Any]]) -> None:
        samples = [(labels, value) for labels, value in samples if value is not None]
        if samples:
            said.extend([f"# HELP harmcast_{name} {says}", f"# TYPE harmcast_{name} gauge"])
            said.extend(f"harmcast_{name}{_labels(labels)} {float(value):g}" if abs(float(value)) < 1e6 else f"harmcast_{name}{_labels(labels)} {int(value)}" for labels, value in samples)

    made, last, run = deliveries.newest_made_at(state.operations), health.newest_delivery(state.operations), week_runs.last(state.operations)
    gauge("newest_delivery_timestamp_seconds", "When the newest delivery held was made.", [({}, made and made.timestamp())])
    gauge("newest_delivery_refused", "1 if the newest delivery was refused.", [({}, int(last.standing == "refused") if last else None)])
    if run:
        gauge("last_run_timestamp_seconds", "When the last weekly run ended.", [({}, _seconds(run.ended_at))])
        gauge("last_run_ok", "1 if the last weekly run made its week, held or not.", [({}, int(run.standing in {"done", "held"}))])
        gauge("last_run_seconds", "How long the last weekly run took.", [({}, _seconds(run.ended_at) - _seconds(run.started_at))])
    found = [(tool.name, state.releases.newest(tool.name), state.releases.published(tool.name)) for tool in state.settings.tools]
    gauge("newest_release_age_days", "Days since the origin of the newest release.", [({"tool": t}, (today - n.origin).days) for t, n, _ in found if n])
    gauge("published_release_age_days", "Days since the origin of the release people see.", [({"tool": t}, (today - p.origin).days) for t, _, p in found if p])
    gauge("release_waits", "1 if the newest release is held or waits for people.", [({"tool": t}, int(n.standing in HELD)) for t, n, _ in found if n])
    gauge("quarantined_rows", "Rows set aside in the newest delivery.", [({}, health.quarantined_rows(state.operations))])
    gauge("log_entries", "Entries of the log.", [({}, health.log_entries(state.operations))])
    gauge("disk_free_bytes", "Free space where the state lies.", [({}, shutil.disk_usage(state.root).free)])
    gauge("concerns", "What `harmcast status` names as needing a hand.", [({}, len(status_of(state, today).health.concerns))])
    return "\n".join(said) + "\n"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}" if labels else ""


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
