"""Many at once: double starts of one run, and readers while releases are published."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from bench.faults.disk import ROOT

START = """
import sys, time
from pathlib import Path
from harmcast.errors import RunStopped
from harmcast.store.state import open_state
state = open_state(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    with state.run_lock("the weekly run", "operator"):
        print("runs", flush=True)
        sys.stdin.readline()
except RunStopped as stopped:
    print(stopped.code, flush=True)
"""


def double_starts(state: Path, starts: int, at_once: int = 5) -> tuple[int, list[str]]:
    """Starts that happen at the same moment, a few at a time: (rounds in which exactly one ran, what went wrong)."""
    wrong, good, done = [], 0, 0
    while done < starts:
        many = min(at_once, starts - done)
        processes = [
            subprocess.Popen([sys.executable, "-c", START, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            for _ in range(many)
        ]
        for process in processes:
            assert process.stdout
            process.stdout.readline()
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.stdout.readline().strip() for process in processes if process.stdout]
        for process in processes:
            process.communicate("done\n" if process.poll() is None else None)
        done += many
        if said.count("runs") == 1 and said.count("run_in_progress") == many - 1:
            good += many
        else:
            wrong.append(f"{said}")
    return good, wrong


def mixed_reads(state: Path, reads: int, publications: int) -> tuple[int, int, list[str]]:
    """Readers of the newest published release while weeks are published: (reads, publications, mixed ones)."""
    import hashlib
    import json
    from datetime import date

    from harmcast.oversight.log import Event
    from harmcast.store.releases import NewTool
    from harmcast.store.state import open_state
    from harmcast.weeks import Week

    opened = open_state(state)
    tools = [tool.name for tool in opened.settings.tools]
    first, wrong, done = Week.named("2030-W01"), [], threading.Event()
    counted = [0]

    def publish(number: int) -> None:
        week = first.plus(number)
        files = {f"{tool}.csv": f"{week}".encode() for tool in tools}
        listed = {name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()}
        files["manifest.json"] = json.dumps({"week": str(week), "files": listed}).encode()
        opened.releases.keep(
            str(week), files, [NewTool(tool, "published") for tool in tools], origin=week.origin, as_of=date(2030, 1, 1), sequence=1,
            event=Event("operator", "operator", "run", "week_made"),
        )  # fmt: skip

    def read_on(share: int) -> None:
        reader = open_state(state)
        while counted[0] < share or not done.is_set():
            week = [r for r in reader.releases.of_week(max(r.week for r in reader.releases.history(tools[0])))]
            seen = {(r.week, r.name, r.read(f"{r.tool}.csv").decode()) for r in week}
            if len(seen) != 1 or len(week) != len(tools) or any(w != text for w, _, text in seen):
                wrong.append(f"{seen}")
            counted[0] += 1
        reader.close()

    publish(0)
    readers = [threading.Thread(target=read_on, args=(reads,)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, publications):
        publish(number)
    done.set()
    for reader in readers:
        reader.join()
    opened.close()
    return counted[0], publications, wrong
