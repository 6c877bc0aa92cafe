"""Forgetting, attacked: people made due in every way there is, then looked for in every byte that is left.

Of each person the reference, the charges' references, a name, words of decisions and of representations, and the key those
words were sealed with are looked for: in every file of the state as it lies and decoded (Parquet, Qlik's QVD), in the
database's file with its free pages and its write-ahead log, in a dump of PostgreSQL, in what a model would be fitted on.
The same search before forgetting shows that it finds what there is.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from bench.accepted import load_accepted
from bench.servers import programs
from harmcast.errors import NotFit
from harmcast.oversight.log import Event
from harmcast.publish.qlik.qvd import qvd
from harmcast.runs import people
from harmcast.store import desk, keys, representations, schema
from harmcast.store.retention import Forgotten, forget_due, list_hash
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.verify import verify

OFFICER = Actor("officer", "Data protection officer", (("data_protection_officer", None),))
REVIEWER = Actor("reviewer", "Ethics reviewer", (("ethics_reviewer", None),))
TIMER = Actor("os:harmcast", "harmcast", (("operator", None),))
WRITTEN = Event("manager", "offender_manager", "alteration", "decision_saved")
WAYS = ("review_overdue", "deleted_at_source", "no_charge_left")
# references of the invented force, whole: one who was split off bears an S or D behind another's, an unknown one a PX before
TOKEN = re.compile(rb"(?<!PX)P\d{8}(?![A-Z])|CH\d\d-\d{7}|zq[0-9a-f]{24}")
KEY = re.compile(rb"(?<![a-z2-7])[a-z2-7]{24}(?![a-z2-7])")


@dataclass(frozen=True)
class Due:
    """People made due, and everything of theirs that must not be found again."""

    ways: dict[str, str]  # reference -> why
    words: frozenset[bytes]  # references, charges' references, marks in names and in what was written
    person_keys: frozenset[bytes]
    content_keys: tuple[bytes, ...]
    deleted_on: date


@dataclass
class Found:
    """Where a search found something: place -> how many different needles."""

    places: dict[str, int] = field(default_factory=dict)

    def add(self, place: str, count: int) -> None:
        if count:
            self.places[place] = self.places.get(place, 0) + count

    @property
    def count(self) -> int:
        return sum(self.places.values())


def mark(kind: str, ref: str) -> str:
    """A word that stands nowhere else, for a name or for what somebody wrote."""
    return "zq" + sha256(f"{kind} {ref}".encode()).hexdigest()[:24]


def make_due(state: State, folder: Path, history: Path, many: int, deleted_at: datetime, seed: int = 31) -> Due:
    """Makes people due through a delivery of its own, after decisions, objections and an export about each were kept.

    Args:
        folder: new, for the delivery; history: the first delivery, whose rows are sent again, changed.
    """
    rng = random.Random(seed)
    charges = state.records.known("charges", columns=["charge_ref", "person_ref"])
    alone = state.records.known("persons", columns=["person_ref", "merged_into"])
    merged = set(alone["merged_into"].drop_nulls()) | set(alone.drop_nulls("merged_into")["person_ref"])
    sent = set(pl.read_parquet(history / "persons.parquet", columns=["person_ref"])["person_ref"])
    charged = sorted(set(charges["person_ref"]) & set(alone["person_ref"]) & sent - merged)
    ways = {ref: WAYS[0 if k < many * 6 // 10 else 1 if k < many * 9 // 10 else 2] for k, ref in enumerate(rng.sample(charged, many))}
    theirs = charges.filter(pl.col("person_ref").is_in(list(ways)))
    by_ref = dict(keys.held(state.operations).iter_rows())
    for ref in ways:
        _written_about(state, by_ref[ref], ref)
    _exported(state, {ref: by_ref[ref] for ref in ways})
    load_accepted(state, _delivery(folder, history, ways, theirs, deleted_at))
    table = schema.person_keys
    held = state.operations.rows(sa.select(table.c.content_key).where(table.c.person_ref.in_(list(ways))))
    needles = [*ways, *theirs["charge_ref"], *(mark(kind, ref) for ref in ways for kind in ("name", "decision", "objection"))]
    return Due(
        ways,
        frozenset(needle.encode() for needle in needles),
        frozenset(by_ref[ref].encode() for ref in ways),
        tuple(bytes(row["content_key"]) for row in held),
        deleted_at.date(),
    )


def _written_about(state: State, key: str, ref: str) -> None:
    new = desk.NewDecision(
        person_key=key, week="2026-W40", release=1, unit="North", model=None, band="high", decision="refer", reason_code="support_agreed", checks=["CONNECT"],
        own_judgement="same", review_on=date(2026, 12, 1), time_band="1 to 5 minutes", judged_first=False, words=mark("decision", ref), shown={"reference": ref}, after=0,
    )  # fmt: skip
    with state.operations.writing(WRITTEN) as tx:
        desk.decide(tx, new, "manager", "offender_manager")
        number = representations.receive(tx, key, "iom", "objection", date(2026, 10, 1), "person", mark("objection", ref), "officer", "data_protection_officer")
        representations.add_step(tx, number, key, "looked_at", None, None, mark("objection", ref), "officer", "data_protection_officer")


def _exported(state: State, by_ref: dict[str, str]) -> None:
    """A copy of an export that was kept, with references and names, as a file of the state."""
    folder = state.root / "exports"
    folder.mkdir(exist_ok=True)
    content = "".join(f"{ref},{key},{mark('name', ref)}\n" for ref, key in by_ref.items())
    (folder / "list.csv").write_text(content, encoding="utf-8")
    with state.operations.writing(Event("manager", "offender_manager", "disclosure", "people_downloaded")) as tx:
        tx.insert(
            schema.exports, what="people", rows=len(by_ref), with_names=True, subjects=json.dumps(sorted(by_ref.values())), sha256=sha256(content.encode()).hexdigest(),
            path="exports/list.csv", by="manager", role="offender_manager", at=tx.at,
        )  # fmt: skip


def _delivery(folder: Path, history: Path, ways: dict[str, str], theirs: pl.DataFrame, at: datetime) -> Path:
    """People's rows again with a marked name, those overdue with a review date long past; deletions of the others."""
    folder.mkdir(parents=True)
    rows = pl.read_parquet(history / "persons.parquet").filter(pl.col("person_ref").is_in(list(ways)))
    overdue = pl.col("person_ref").replace_strict(ways) == "review_overdue"
    past = pl.lit(at.date() - timedelta(days=30))
    rows = rows.with_columns(
        name=pl.col("person_ref").map_elements(lambda ref: mark("name", ref), return_dtype=pl.String),
        review_due_on=pl.when(overdue).then(past).otherwise("review_due_on"),
        changed_at=pl.lit(at - timedelta(hours=2)).cast(rows.schema["changed_at"]),
    )
    rows.write_parquet(folder / "persons.parquet")
    gone = [("persons", ref) for ref, way in ways.items() if way == "deleted_at_source"]
    no_charge = [ref for ref, way in ways.items() if way == "no_charge_left"]
    gone += [("charges", ref) for ref in theirs.filter(pl.col("person_ref").is_in(no_charge))["charge_ref"]]
    deletions = pl.DataFrame([(table, ref, at, "") for table, ref in gone], schema=["table", "ref", "deleted_at", "reason"], orient="row")
    deletions.write_parquet(folder / "deletions.parquet")
    files = {
        path.name: {"rows": pl.read_parquet(path).height, "sha256": sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.glob("*.parquet"))
    }
    manifest = {"delivery_id": folder.name, "made_at": at.isoformat(), "complete": False, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def forgotten(state: State, as_of: date) -> tuple[Forgotten, Forgotten]:
    """As in a force: the timer forgets who left the source, two people where they are above the cap; the data protection officer who is overdue."""
    try:
        left = forget_due(state, as_of, TIMER, left_source=True, qvd=qvd)
    except NotFit as refused:
        if refused.code != "erasure_above_cap":
            raise
        listed = list_hash(forget_due(state, as_of, TIMER, left_source=True, dry_run=True).keys)
        left = forget_due(state, as_of, OFFICER, left_source=True, approve=listed, second=REVIEWER.account, qvd=qvd)
    return left, forget_due(state, as_of, OFFICER, qvd=qvd)


# -- the search ------------------------------------------------------------------------------------


def decoded(path: Path) -> Iterator[bytes]:
    """A file as it lies, and as it reads: Parquet and QVD as text."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        for column in pl.read_parquet(path).iter_columns():
            if column.dtype == pl.String:
                yield "\n".join(column.drop_nulls()).encode()
            elif isinstance(column.dtype, pl.List | pl.Struct):
                yield json.dumps(column.to_list(), default=str).encode()
    if path.suffix == ".qvd":
        from pyqvd import QvdTable

        yield QvdTable.from_qvd(str(path)).to_pandas().to_csv().encode()


def residue(state: State, due: Due) -> Found:
    """Everything of theirs in the files of the state; their random keys in releases and copies alone, for the log keeps those."""
    state.operations.close()
    found = Found()
    for path in sorted(p for p in state.root.rglob("*") if p.is_file()):
        place = path.relative_to(state.root).parts[0] if path.parent != state.root else path.name
        wanted = due.words | (due.person_keys if place in ("releases", "exports", "records", "kept", "models") else frozenset())
        found.add(place, _needles(decoded(path), wanted))
        if path.parent == state.root:  # the database: its file, its log, with the free pages
            content = path.read_bytes()
            found.add(place, sum(key in content for key in due.content_keys))
    return found


def _needles(contents: Iterable[bytes], wanted: frozenset[bytes]) -> int:
    seen: set[bytes] = set()
    for content in contents:
        for pattern in (TOKEN, KEY):
            seen |= wanted.intersection(pattern.findall(content))
    return len(seen)


def pg_dump() -> Path:
    """PostgreSQL's own program: on the path, or beside the server's."""
    beside, on_path = programs(), shutil.which("pg_dump")
    tried = [Path(on_path)] if on_path else []
    tried += [(beside / "initdb").resolve().parent / "pg_dump"] if beside else []
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        raise SystemExit("no pg_dump here: install PostgreSQL (apt-get install postgresql) and run again")
    return found


def in_dump(url: str, due: Due) -> int:
    """How many needles a dump of the PostgreSQL database holds, sealing keys included."""
    dump = subprocess.run([str(pg_dump()), "--inserts", url], capture_output=True, check=True).stdout
    return _needles([dump], due.words) + sum(key.hex().encode() in dump for key in due.content_keys)


def in_training(state: State, due: Due) -> int:
    """How many of them are among the people and charges that a model would be fitted on."""
    known = people.known_people(state, state.records.latest())
    refs = set(known.persons["person_ref"]) | set(known.charge_versions["person_ref"])
    return len(refs & set(due.ways))


def chain_findings(state: State) -> int:
    """Signs of tampering in log, rows and files, against the lines kept outside."""
    found = verify(state)
    if not found.outside:
        raise AssertionError("no line kept outside was looked at")
    return len(found.faults)
