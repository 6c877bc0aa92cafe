"""Many forces on Spark: `make bench-fleet`.

    python -m bench.fleet [--forces 43] [--people 12000] [--years 2] [--engines local,cluster]

Invented forces spread in size as real ones are, six of them large, are made once in .bench/ with their history loaded. Each makes
its week alone; then all of them as a fleet on local[2] and on a standalone cluster of two workers, with a state that is broken and a
delivery that is cut short among them. Asked: the same bytes as alone, both failures reported and nobody else stopped, nothing made
twice, no key of a person in two forces' tables, both workers at work, and the CPU a force costs the same among 4 as among all.
A lean run: `python -m bench.fleet --forces 8 --people 1000 --years 1`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from bench.cluster import cluster
from bench.results import Row, saved
from harmcast.publish.release_files import code_version

ROOT = Path(__file__).resolve().parent.parent
HARMCAST = Path(sys.executable).parent / "harmcast"
LAST_SUNDAY = date(2026, 11, 15)
AS_OF = date(2026, 11, 16)
WEEK = "2026-W47"
FEW = 4
FLAT = 1.25
PLANTED = {"broken-state": "operations_missing", "refused-delivery": "sha256_differs"}


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HARMCAST), *map(str, words)], capture_output=True, text=True)


def in_pairs(work: Callable[[Path], None], folders: list[Path]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, folders))


def prepare(folder: Path, forces: int, people: int, years: float) -> None:
    """The invented forces, and each one's state with its history loaded; kept from one run to the next."""
    from harmcast.invented.making import invent_fleet

    if not (folder / "loaded" / ".done").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        invent_fleet(folder / "invented", forces, people=people, years=years, to=LAST_SUNDAY, weeks=1)

        def load(force: Path) -> None:
            state = folder / "loaded" / force.name
            command("init", state, "--settings", force / "settings.toml").check_returncode()
            command("load", state, sorted((force / "deliveries").iterdir())[0]).check_returncode()
            command("accept", state, "--load", "1", "--reason", "bench").check_returncode()

        in_pairs(load, sorted((folder / "invented").iterdir()))
        (folder / "loaded" / ".done").touch()


def delivery(folder: Path, name: str) -> Path:
    return sorted((folder / "invented" / name / "deliveries").iterdir())[1]


def alone(folder: Path) -> float:
    """Every force's own weekly run; gives the seconds it took, two at a time."""
    begun = time.perf_counter()
    fresh(folder, "alone")

    def run(state: Path) -> None:
        said = command("week", state, "--as-of", str(AS_OF), "--from", delivery(folder, state.name))
        if said.returncode:
            sys.exit(f"{state.name} alone failed:\n{said.stderr}")

    in_pairs(run, sorted((folder / "alone").iterdir()))
    return time.perf_counter() - begun


def fresh(folder: Path, into: str) -> None:
    shutil.rmtree(folder / into, ignore_errors=True)
    shutil.copytree(folder / "loaded", folder / into, ignore=shutil.ignore_patterns(".done"))


def plant(folder: Path, into: str) -> list[tuple[str, str, Path | None]]:
    """A state without its database, and a delivery with a file that was cut short."""
    smallest = sorted((folder / "invented").iterdir())[-1].name
    broken, whole = folder / into / "broken-state", folder / into / "refused-delivery"
    shutil.copytree(folder / "loaded" / smallest, broken)
    (broken / "operations.db").unlink()
    shutil.copytree(folder / "loaded" / smallest, whole)
    cut = folder / into / "cut-delivery"
    shutil.copytree(delivery(folder, smallest), cut)
    file = max(cut.glob("*.csv"), key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[:-100])
    return [("broken-state", str(broken), None), ("refused-delivery", str(whole), cut)]


def fleet(folder: Path, into: str, master: str, names: list[str], planted: bool) -> tuple[pl.DataFrame, float]:
    """The command `harmcast fleet` over these forces; gives its table and its seconds."""
    held = folder / into
    listed: list[tuple[str, str, Path | None]] = [(name, str(held / name), delivery(folder, name)) for name in names]
    if planted:
        listed += plant(folder, into) if not (held / "broken-state").is_dir() else []
    if not (held / "forces.toml").is_file():
        lines = [f'[[forces]]\nname = "{n}"\nstate = "{s}"\n' + (f'delivery = "{d}"\n' if d else "") for n, s, d in listed]
        (held / "forces.toml").write_text("\n".join(lines))
    begun = time.perf_counter()
    said = command("fleet", held / "forces.toml", "--master", master, "--as-of", str(AS_OF), "--out", held / "out", "--json")
    seconds = time.perf_counter() - begun
    if said.returncode not in (0, 25) or not (held / "out" / "fleet.parquet").is_file():
        sys.exit(f"harmcast fleet ended with {said.returncode}:\n{said.stderr[-2000:]}")
    table = pl.read_parquet(held / "out" / "fleet.parquet")
    assert json.loads(said.stdout)["failed"] == table.filter(pl.col("error").is_not_null())["force"].to_list()
    return table, seconds


def digest(state: Path) -> str:
    """One digest of every file of the week's release."""
    files = sorted(path for path in (state / "releases" / WEEK).rglob("*") if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(state)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest() if files else ""


def keys_in_two(states: list[Path]) -> int:
    """Keys of people that stand in the released tables of more than one force."""
    held = [pl.read_parquet(state / "releases" / WEEK / "iom.parquet", columns=["person_key"]) for state in states]
    counts = pl.concat([frame.unique() for frame in held]).group_by("person_key").len()
    return counts.filter(pl.col("len") > 1).height


@contextmanager
def master_of(engine: str) -> Iterator[str]:
    if engine == "local":
        yield "local[2]"
        return
    with cluster(workers=2) as master:
        yield master


def cost_line(engine: str, table: pl.DataFrame, seconds: float) -> str:
    made = table.filter(pl.col("error").is_null())
    total = made["cpu_seconds"].sum()
    return (
        f"{engine}: {made.height} forces in {seconds:.0f} s; CPU a force median {statistics.median(made['cpu_seconds']):.1f} s, "
        f"largest {made['cpu_seconds'].max():.1f} s, together {total:.0f} s; peak of one {made['peak_gb'].max():.2f} GB"
    )


def measure(folder: Path, engine: str) -> list[tuple[str, Any, Any, bool]]:
    """What was asked and got on one engine."""
    names = sorted(path.name for path in (folder / "invented").iterdir())
    few = sorted({names[k * (len(names) - 1) // (FEW - 1)] for k in range(FEW)})
    with master_of(engine) as master:
        fresh(folder, f"{engine}-few")
        small, seconds = fleet(folder, f"{engine}-few", master, few, planted=False)
        print(cost_line(f"{engine}, {len(few)}", small, seconds))
        fresh(folder, engine)
        table, seconds = fleet(folder, engine, master, names, planted=True)
        print(cost_line(f"{engine}, all", table, seconds))
        before = {name: digest(folder / engine / name) for name in names}
        again, seconds = fleet(folder, engine, master, names, planted=True)
        print(f"{engine}, again: {seconds:.0f} s")
    states = [folder / engine / name for name in names]
    same = sum(before[name] == digest(folder / "alone" / name) != "" for name in names)
    failed = {row["force"]: row["code"] for row in table.iter_rows(named=True) if row["error"]}
    already = again.filter(pl.col("already")).height
    unchanged = sum(before[name] == digest(folder / engine / name) for name in names)
    joined = small.select("force", alone="cpu_seconds").join(table.select("force", among="cpu_seconds"), on="force")
    ratio = joined["among"].sum() / joined["alone"].sum()
    workers = table["worker"].n_unique()
    shared_keys = keys_in_two(states)
    return [
        (f"{engine}: forces with the bytes of their own run", len(names), same, same == len(names)),
        (f"{engine}: failures reported, nobody else stopped", PLANTED, failed, failed == PLANTED),
        (f"{engine}: run again, found made and unchanged", (len(names), len(names)), (already, unchanged), already == unchanged == len(names)),
        (f"{engine}: keys of people in two forces' tables", 0, shared_keys, shared_keys == 0),
        (f"{engine}: lines in the outcome", len(names) + 2, table.height, table.height == len(names) + 2),
        (f"{engine}: CPU of the same {len(few)} forces among {len(names)}, against among {len(few)}", f"at most {FLAT}", round(ratio, 3), ratio <= FLAT),
        (f"{engine}: Spark workers at work", 2 if engine == "cluster" else 1, workers, workers >= (2 if engine == "cluster" else 1)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forces", type=int, default=43)
    parser.add_argument("--people", type=int, default=12_000, help="people of the largest force")
    parser.add_argument("--years", type=float, default=2.0)
    parser.add_argument("--engines", default="local,cluster")
    asked = parser.parse_args()
    folder = ROOT / ".bench" / f"fleet-{asked.forces}-{asked.people}-{asked.years:g}"
    begun, code = time.perf_counter(), code_version()
    prepare(folder, asked.forces, asked.people, asked.years)
    print(f"{asked.forces} invented forces, the largest of {asked.people:,} people, {asked.years:g} years: ready after {time.perf_counter() - begun:.0f} s")
    print(f"each alone, two at a time: {alone(folder):.0f} s", flush=True)
    rows = [row for engine in asked.engines.split(",") for row in measure(folder, engine)]
    rows.append(("the code was the same from first to last, so bytes can be compared", True, code == code_version(), code == code_version()))
    return saved("fleet", [Row("fleet", what, str(wanted), str(got), is_held) for what, wanted, got, is_held in rows])


if __name__ == "__main__":
    sys.exit(main())
