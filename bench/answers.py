"""Answers, forgetting and the log, measured: `make bench-answers`.

    python -m bench.answers [facts] [erasure] [tampering] [reports] [counts] [eda] [--people 300000] [--years 10] [--due 500] [--times 1000]

facts      answers held to the facts (`bench/answers_facts.py`): dead facts, sentences without one, the same bytes in any order of days and after entries
           dated back, both requests question by question, reading ages, pages of a summary
erasure    500 people made due (overdue, deleted at source, left without a charge), forgotten, and looked for in every byte left,
           once on SQLite and once on PostgreSQL with its dump
tampering  ten kinds x 1,000 on the log with checkpoints kept elsewhere: found, and said where
reports    every answer of a full-size force: CPU and wall seconds, the same bytes again, rates worked out again
counts     closed tables: feasible, seconds, small counts and small changes attacked, one person who joined, counted again by SQL; pages without names
eda        the exploratory analysis: seconds at full size; planted over-policing and a planted proxy
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from bench import erasure, tampering, week
from bench.accepted import approver_with_code
from bench.answers_facts import facts_measured
from bench.results import Row, saved
from bench.servers import postgres

ROOT = Path(__file__).resolve().parent.parent
HARMCAST = Path(sys.executable).parent / "harmcast"
KINDS = ("foi", "atrs", "dpia", "eia", "algocare", "modelcard", "public")
MOST_SECONDS = 60.0
WEEKS_ALLOWED = 4
DEMO_PEOPLE, DEMO_YEARS = 12_000, 4.0


# -- forgetting --------------------------------------------------------------------------------------


def erased(people: int, due: int) -> list[Row]:
    """Promise 31 on both databases."""
    with postgres() as server:
        import psycopg

        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE erasure")
        rows = []
        for name, url in (("SQLite", None), ("PostgreSQL", f"{server}/erasure")):
            with tempfile.TemporaryDirectory(prefix="harmcast-erasure-") as folder:
                rows += _erased(Path(folder), name, url, people, due)
        return rows


def _erased(folder: Path, name: str, url: str | None, people: int, due: int) -> list[Row]:
    from bench.accepted import load_accepted
    from harmcast.invented.making import invent
    from harmcast.runs.refit import refit_people
    from harmcast.runs.release_moves import publish_release
    from harmcast.store.state import create
    from harmcast.store.users import Actor
    from harmcast.weekly import run_week
    from harmcast.weeks import Week

    force = folder / "force"
    invent(force, people=people, years=3.0, seed=31, to=week.LAST_SUNDAY, weeks=3, crimes_a_year=15_000)
    settings = (force / "settings.toml").read_text() + f'\n[log]\ncheckpoint_dir = "{folder / "elsewhere"}"\n'
    settings = settings.replace("[feed]\n", "[feed]\ndeleted_max_share = 1.0\n")  # one delivery deletes so many here that a force's would be refused
    settings += f'\n[store]\nurl = "{url}"\n' if url else ""
    (force / "settings.toml").write_text(settings)
    state = create(folder / "state", force / "settings.toml")
    history, first, second, _third = sorted((force / "deliveries").iterdir())
    load_accepted(state, history)
    mondays = [Week.of(week.LAST_SUNDAY).plus(k).monday for k in (-1, 0, 1)]
    operator = Actor("operator", "Operator", (("operator", None),))
    scientist, supervisor = Actor("s", "S", (("data_scientist", None),)), Actor("v", "V", (("supervisor", None),))
    model = refit_people(state, "iom", mondays[0] - timedelta(days=7), scientist).document["model"]
    publish_release(state, model, supervisor, "bench", mondays[0])
    run_week(state, mondays[0], operator, delivery=first)
    run_week(state, mondays[1], operator, delivery=second)
    made = erasure.make_due(state, folder / "due", history, due, datetime.combine(mondays[1], datetime.min.time()).replace(hour=20))
    before = erasure.residue(state, made)
    dumped_before = erasure.in_dump(url, made) if url else 0
    print(f"{name}: before forgetting {before.count:,} found in {', '.join(sorted(before.places))}" + (f"; {dumped_before:,} in the dump" if url else ""))
    sunday = mondays[1] + timedelta(days=20)  # the timer's first Sunday on which whoever left has been hidden for 14 days
    told, overdue = erasure.forgotten(state, sunday)
    after = erasure.residue(state, made)
    trained = erasure.in_training(state, made)
    again = refit_people(state, "iom", sunday, scientist).document["model"]
    refitted = erasure.residue(state, made)
    run_week(state, mondays[2], operator)
    weekly = erasure.residue(state, made)
    print(f"{name}: {told.count} left the source, {overdue.count} were overdue; a model fitted and a week made since ({again})")
    days = (sunday - made.deleted_on).days
    rows = [
        Row(31, f"{name}: due people forgotten", f"{due}", f"{told.count + overdue.count}", told.count + overdue.count == due and before.count > 5 * due),
        Row(31, f"{name}: residue in files as they lie and decoded, free pages, write-ahead log, exports, caches", "0", f"{after.count} {after.places or ''}".strip(), after.count == 0),
        Row(31, f"{name}: the same after a refit and a weekly run", "0", f"{refitted.count + weekly.count}", refitted.count + weekly.count == 0),
        Row(31, f"{name}: of them among what a model is fitted on", "0", f"{trained}", trained == 0),
        Row(31, f"{name}: faults of the log's chain against checkpoints kept elsewhere", "0", f"{erasure.chain_findings(state)}", erasure.chain_findings(state) == 0),
        Row(31, f"{name}: records that are not what the ledger names", "0", f"{len(state.records.verify())}", not state.records.verify()),
        Row(31, f"{name}: deleted at source to forgotten by the weekly timer, days", f"at most {7 * WEEKS_ALLOWED}", f"{days}", days <= 7 * WEEKS_ALLOWED),
    ]
    if url:
        dumped = erasure.in_dump(url, made)
        rows.append(Row(31, "PostgreSQL: residue in a dump", "0", f"{dumped} (before: {dumped_before:,})", dumped == 0 and dumped_before > 0))
    state.close()
    return rows


# -- tampering ---------------------------------------------------------------------------------------


def tampered(times: int) -> list[Row]:
    """Promise 29, a row a kind."""
    rows = []
    for kind in tampering.KINDS:
        tally = tampering.tried(kind, times)
        got = f"{tally.found} of {tally.tried} found, {tally.placed} said where"
        whole = tally.tried >= 0.97 * times and tally.found == tally.tried == tally.placed
        rows.append(Row(29, f"tampering: {kind.__name__.replace('_', ' ')}", f"all of {times}", got, whole))
    return rows


# -- reports -----------------------------------------------------------------------------------------


def timed(*words: str) -> tuple[float, float, float, str]:
    """CPU seconds, wall seconds, peak memory in GB and output of one harmcast command."""
    begun, was = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([str(HARMCAST), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate()
    wall, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"harmcast {words[0]} failed:\n{err}")
    return now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime, wall, now.ru_maxrss / 1e6, out


def full_state(people: int, years: float) -> tuple[Path, date]:
    """A full-size force's state with a model in use and two weeks made; made once, kept in .bench."""
    from harmcast.weeks import Week

    folder = week.force(people, years)
    deliveries = sorted((folder / "deliveries").iterdir())
    state, made = ROOT / ".bench" / f"answers-{people}-{years:g}", Week.of(week.LAST_SUNDAY).plus(2 - week.WEEKS)
    mondays = [made.plus(k).monday for k in range(week.WEEKS)][:2]
    stamp = state / ".bench-made"
    if not stamp.is_file():
        shutil.rmtree(state, ignore_errors=True)
        timed("init", str(state), "--settings", str(folder / "settings.toml"))
        timed("load", str(state), str(deliveries[0]))
        timed("accept", str(state), "--load", "1", "--reason", "bench")
        refit = timed("refit", str(state), "--as-of", str(made.plus(-1).monday), "--json")[3]
        timed("publish", str(state), json.loads(refit)["model"], "--reason", "bench", "--code", approver_with_code(state, "publish"))
        for monday, delivery in zip(mondays, deliveries[1:], strict=False):
            timed("week", str(state), "--as-of", str(monday), "--from", str(delivery))
        stamp.touch()
    return state, mondays[-1]


def reported(people: int, years: float) -> list[Row]:
    """Promises 33 and 17 on a full-size force."""
    from tests.publish import rates_again

    state, as_of = full_state(people, years)
    rows, rates, faults = [], 0, 0
    folder = Path(tempfile.mkdtemp(prefix="harmcast-answers-"))
    for kind in KINDS:
        cpu, wall, memory, _ = timed("report", kind, str(state), "--as-of", str(as_of), "--out", str(folder / "first"))
        timed("report", kind, str(state), "--as-of", str(as_of), "--out", str(folder / "second"))
        same = all((folder / "first" / name).read_bytes() == (folder / "second" / name).read_bytes() for name in (f"{kind}.html", f"{kind}.json"))
        document = json.loads((folder / "first" / f"{kind}.json").read_text())
        rates += len(list(rates_again.rates(document)))
        faults += len(rates_again.faults(document))
        rows.append(Row(33, f"report {kind} at {people:,} people, s", f"at most {MOST_SECONDS:g}", f"{wall:.1f} ({cpu:.1f} of CPU, {memory:.1f} GB)", wall <= MOST_SECONDS))
        rows.append(Row(33, f"report {kind} again, byte for byte", "the same", "the same" if same else "another", same))
    rows.append(Row(17, "published rates that do not follow from their counts to 1e-9", "0", f"{faults} of {rates}", faults == 0 and rates > 0))
    shutil.rmtree(folder)
    return rows


# -- closed tables, pages without names, the exploratory analysis ------------------------------------


def counted(people: int, years: float) -> list[Row]:
    """Tables of a demo-sized force attacked, counted again and rounded; the largest force's rounded too; pages without names."""
    from bench import closings

    rows = []
    for many, long, is_demo in ((DEMO_PEOPLE, DEMO_YEARS, True), (people, years, False)):
        folder, as_of = full_state(many, long)
        name = f"{many:,} people"
        first, later, again, people_held = closings.tables_of(folder, as_of)
        rows += closings.attacked(name, first, later if is_demo else None, attack=is_demo)
        rows += again
        rows += closings.pages(folder, as_of, name)
        if is_demo:
            rows += closings.membership(people_held, ["age_band", "sex", "ethnicity_self"])
    return rows


def explored(people: int, years: float) -> list[Row]:
    """`report eda`: seconds at full size; planted over-policing and a planted proxy are named, on clean forces neither."""
    from bench import closings

    folder, as_of = full_state(people, years)
    cpu, wall, memory, _ = timed("report", "eda", str(folder), "--as-of", str(as_of), "--out", tempfile.mkdtemp(prefix="harmcast-eda-"))
    row = Row("20", f"report eda at {people:,} people, s", f"at most {MOST_SECONDS:g}", f"{wall:.1f} ({cpu:.1f} of CPU, {memory:.1f} GB)", wall <= MOST_SECONDS)
    return [row, *closings.planted()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["facts", "erasure", "tampering", "reports", "counts", "eda", []], help="which; default all")
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--years", type=float, default=10.0)
    parser.add_argument("--due", type=int, default=500)
    parser.add_argument("--times", type=int, default=1000)
    asked = parser.parse_args()
    parts = asked.parts or ["facts", "erasure", "tampering", "reports", "counts", "eda"]
    rows: list[Row] = []
    if "facts" in parts:
        rows += facts_measured(min(asked.people, 3_000))
    if "erasure" in parts:
        rows += erased(3_000, asked.due)
    if "tampering" in parts:
        rows += tampered(asked.times)
    if "reports" in parts:
        rows += reported(asked.people, asked.years)
    if "counts" in parts:
        rows += counted(asked.people, asked.years)
    if "eda" in parts:
        rows += explored(asked.people, asked.years)
    if not asked.parts:
        return saved("answers", rows)
    return saved(f"answers-{'-'.join(parts)}", rows)


if __name__ == "__main__":
    sys.exit(main())
