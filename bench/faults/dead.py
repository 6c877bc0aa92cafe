"""An operational database that dies under the weekly run: a PostgreSQL stopped dead, at random moments, and started again.

Each time: the run stops with a named error (or was done), nothing half written stands, and the same command, once the
server is back, ends as one never disturbed. A server that is only away for a moment is waited for.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench.faults import kill
from bench.faults.disk import ROOT
from bench.servers import Server
from bench.upgrade import Held

CHILD = """
import sys
from pathlib import Path
from harmcast.operate import service
pauses = tuple(float(s) for s in sys.argv[4:])
service.run_due.__kwdefaults__["pauses_s"] = pauses
service.opened.__defaults__ = (pauses,)
import harmcast.weekly, harmcast.runs.people, harmcast.runs.places
from bench.faults.by_command import week_by_command
print("begun", flush=True)
sys.exit(week_by_command(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""


def week(state: Path, delivery: Path, day: str, *pauses_s: float) -> subprocess.Popen[str]:
    """The weekly run as a command; given back once it has begun."""
    words = [sys.executable, "-c", CHILD, str(state), str(delivery), day, *map(str, pauses_s)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    process.stdout.readline()
    return process


def prepared(folder: Path, server: Server, size: int) -> tuple[Held, Path, dict[str, object]]:
    """A state on the server with a first week, the next delivery, and what an undisturbed second week comes to."""
    from harmcast.store import state as states

    held = Held(folder / "dead" / "state", server.url)
    held.administer(f'CREATE DATABASE "{held.database}"')
    (folder / "dead").mkdir()
    (folder / "dead" / "settings.toml").write_text(f'{kill.SETTINGS}\n[store]\nurl = "{server.url}/{held.database}"\n')
    states.create(held.state, folder / "dead" / "settings.toml").close()
    deliveries = [kill.write_delivery(folder / "dead" / "deliveries", number, size) for number in range(2)]
    kill.run(held.state, deliveries[:1])
    with held.copied(folder / "dead" / "clean") as clean:
        kill.run(clean, deliveries[1:])
        return held, deliveries[1], kill.summary(clean)


def died(folder: Path, server: Server, times: int, day: str, size: int = 60, seed: int = 1) -> tuple[int, list[str]]:
    """The server stopped dead so many times: (times it hit the run before its end, what went wrong)."""
    held, delivery, expected = prepared(folder, server, size)
    r, wrong, hit = random.Random(seed), [], 0
    with held.copied(folder / "dead" / "timed") as copy:
        process = week(copy, delivery, day)
        began = time.perf_counter()
        process.communicate()
        longest = time.perf_counter() - began
    for number in range(times):
        with held.copied(folder / "dead" / f"copy-{number}") as copy:
            process = week(copy, delivery, day)
            time.sleep(r.uniform(0.0, longest))
            server.stop()
            _, said = process.communicate()
            server.start()
            hit += process.returncode != 0
            if process.returncode not in (0, 25) or (process.returncode == 25 and "[log_unavailable]" not in said):
                wrong.append(f"stop {number}: exit {process.returncode}, {said[-300:]}")
            week(copy, delivery, day).communicate()
            wrong += [] if kill.summary(copy) == expected else [f"stop {number}: another outcome once it was run again"]
    with held.copied(folder / "dead" / "waited") as copy:
        server.stop()
        process = week(copy, delivery, day, 1.0, 4.0, 20.0, 60.0)
        starting = threading.Timer(2.0, server.start)
        starting.start()
        _, said = process.communicate()
        starting.join()
        wrong += [] if process.returncode == 0 else [f"a server away for a moment was not waited for: {said[-300:]}"]
        wrong += [] if kill.summary(copy) == expected else ["waited for: another outcome"]
    shutil.rmtree(folder / "dead")
    return hit, wrong
