"""Forgetting at its boundaries: what is printed, the cap, each day that something is past its time, and what stays beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from bench.accepted import load_accepted

from harmcast.errors import NotFit
from harmcast.oversight.log import Event
from harmcast.publish.release_files import parquet
from harmcast.store import keys, retention, schema
from harmcast.store.releases import NewTool
from harmcast.store.retention import (
    Forgotten,
    _old_backups,
    _old_copies,
    _old_releases,
    _refuse_above_cap,
    finish,
    forget_due,
    left_on,
    list_hash,
    ripe,
)
from harmcast.store.state import State
from harmcast.store.users import Actor

Row = dict[str, str]
Good = dict[str, Row]
FIRST, SECOND = "2026-03-02T05:00:00", "2026-03-09T05:00:00"
OFFICER = Actor("dora", "Dora", (("data_protection_officer", None),))
DAY = date(2026, 4, 1)
REFS = ("A-KEPT", "M-GONE", "Z-KEPT")  # one before and one after the one who goes


@pytest.fixture
def held(state: State, deliver: Callable[..., Path], rows: Good) -> State:
    people = [{**rows["persons"], "person_ref": ref, "review_due_on": "2026-03-15" if ref == "M-GONE" else "2031-01-01"} for ref in REFS]
    charges = [{**rows["charges"], "charge_ref": f"H{ref}", "person_ref": ref} for ref in REFS]
    load_accepted(state, deliver({"crimes": [rows["crimes"]], "persons": people, "charges": charges}, FIRST))
    return state


def key(state: State, ref: str) -> str:
    return str(keys.key_of(state.operations, ref))


def actions(state: State) -> list[str]:
    return [entry.action for entry in state.operations.entries()]


# -- what is printed -----------------------------------------------------------------------------

DONE = Forgotten(DAY, {"deleted_at_source": 1, "review_overdue": 2}, (("k1", "deleted_at_source"), ("k2", "review_overdue"), ("k3", "review_overdue")), 2, 1, False)


def test_what_was_done_is_said_in_numbers() -> None:
    assert (DONE.count, DONE.keys) == (3, ("k1", "k2", "k3"))
    assert DONE.lines() == ["3 people were forgotten on 2026-04-01.", "  deleted at source: 1", "  review overdue: 2", "2 parts and 1 release were written again."]
    one = replace(DONE, people={"review_overdue": 1}, parts_rewritten=1, releases_rewritten=0, old_releases=("a", "b"), old_copies=1, old_backups=("/x",))
    assert one.lines() == [
        "1 person was forgotten on 2026-04-01.", "  review overdue: 1", "2 releases past their time lost the files about people.", "1 copy of an export past their time went.",
        "1 part and 0 releases were written again.", "Remove the backup /x: it is older than the retention rule allows.",
    ]  # fmt: skip
    assert replace(DONE, parts_rewritten=0, releases_rewritten=0).lines() == DONE.lines()[:3]
    assert replace(DONE, parts_rewritten=0, releases_rewritten=2).lines()[-1] == "0 parts and 2 releases were written again."


def test_a_dry_run_says_what_would_be_done_and_names_the_first_50() -> None:
    many = tuple((f"k{n:02d}", "review_overdue") for n in range(51))
    told = Forgotten(DAY, {"review_overdue": 51}, many, 0, 0, True, ("a",), 2)
    assert told.lines() == [
        "51 people are due on 2026-04-01.", "  review overdue: 51", *[f"    k{n:02d}  review overdue" for n in range(50)], "    and 1 more (--json names all)",
        "1 release past their time would lose the files about people.", "2 copies of exports past their time would go.",
    ]  # fmt: skip
    fifty = replace(told, due=many[:50]).lines()
    assert not any("more (" in line for line in fifty)
    assert told.document()["due"][50] == {"person_key": "k50", "reason": "review_overdue"}
    assert (told.document()["as_of"], told.document()["count"], told.document()["dry_run"]) == ("2026-04-01", 51, True)


def test_two_people_name_a_list_by_its_hash_in_any_order() -> None:
    assert list_hash(["b", "a"]) == list_hash(["a", "b"]) == "7e18f737311b2dc3"  # of "a\nb"
    assert list_hash(["a"]) != list_hash(["a", "b"])


# -- the cap -------------------------------------------------------------------------------------


def above(left: int, people: int, **asked: Any) -> bool:
    """Whether so many who left the source, of so many held, are refused."""
    state: Any = SimpleNamespace(person_keys=lambda: SimpleNamespace(height=people), users=SimpleNamespace(before_first=lambda: False))
    named = [(f"k{n}", "deleted_at_source" if n % 2 else "no_charge_left") for n in range(left)] + [("other", "review_overdue")] * 40
    try:
        _refuse_above_cap(state, named, OFFICER, asked.get("approve"), asked.get("second"))
    except NotFit:
        return True
    return False


@pytest.mark.parametrize(("left", "people", "refused"), [(10, 11, False), (11, 11, True), (10, 1099, False), (11, 1099, True), (11, 1100, False), (12, 1100, True), (300, 30000, False), (301, 30000, True)])
def test_ten_or_a_hundredth_of_everybody_go_in_one_run(left: int, people: int, refused: bool) -> None:
    assert above(left, people) is refused


def test_more_go_by_two_people_who_name_the_list() -> None:
    listed = list_hash(f"k{n}" for n in range(11))
    assert not above(11, 11, approve=listed, second="bob")
    for approve, second in ((listed, None), (listed, "dora"), ("0" * 16, "bob"), (None, "bob")):
        assert above(11, 11, approve=approve, second=second)


# -- who left, and since when --------------------------------------------------------------------


def gone(ref: str, at: str, table: str = "persons") -> Row:
    return {"table": table, "ref": ref, "deleted_at": at, "reason": ""}


def test_who_left_left_on_the_last_day_that_was_known(held: State, deliver: Callable[..., Path]) -> None:
    load_accepted(held, deliver({"deletions": [gone("HZ-KEPT", "2026-03-08T00:00:00", "charges")]}, SECOND))
    load_accepted(held, deliver({"deletions": [gone("Z-KEPT", "2026-03-20T00:00:00")]}, "2026-03-23T05:00:00"))
    found = retention.due(held, DAY)
    assert dict(left_on(held, found).iter_rows()) == {"Z-KEPT": date(2026, 3, 23)}
    assert dict(found.iter_rows()) == {"Z-KEPT": "deleted_at_source", "M-GONE": "review_overdue"}
    assert sorted(ripe(held, found, date(2026, 4, 5))["person_ref"]) == ["M-GONE"]  # 13 days
    assert sorted(ripe(held, found, date(2026, 4, 6))["person_ref"]) == ["M-GONE", "Z-KEPT"]  # 14


def test_where_nobody_left_no_day_is_known(held: State) -> None:
    found = left_on(held, retention.due(held, DAY))
    assert (found.height, found.schema["left_on"]) == (0, pl.Date)
    assert retention.left_source_since(held, DAY) == (0, None)


# -- one goes, the others stay -------------------------------------------------------------------


def release(state: State, week: str = "2026-W10", origin: date = date(2026, 3, 2), refs: tuple[str, ...] = REFS) -> str:
    frame = pl.DataFrame({"person_key": sorted(key(state, ref) for ref in refs), "note": ["é"] * len(refs)})
    files = {"iom.parquet": parquet(frame), "iom.csv": frame.write_csv().encode(), "qlik/people.parquet": parquet(frame), "qlik/people.qvd": b"old", "other.json": "{\"ä\": 1}".encode()}
    listed = {name: {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw), "says": name} for name, raw in files.items()}
    files["manifest.json"] = json.dumps({"week": week, "force": "Ärm", "files": listed}).encode()
    return state.releases.keep(week, files, [NewTool("iom", "published")], origin=origin, as_of=origin, sequence=1, event=Event("system", "operator", "run", "week_made"))


def qvd(frame: pl.DataFrame, name: str) -> bytes:
    return f"{name}:{frame.height}".encode()


def test_one_goes_and_nothing_else_of_a_release_moves(held: State) -> None:
    name, theirs = release(held), key(held, "M-GONE")
    others = {ref: key(held, ref) for ref in ("A-KEPT", "Z-KEPT")}
    assert forget_due(held, DAY, OFFICER, qvd=qvd).releases_rewritten == 1
    assert dict(keys.held(held.operations).iter_rows()) == others
    made = held.releases.named(name)[0]
    left = pl.DataFrame({"person_key": sorted(others.values()), "note": ["é"] * 2})
    files = {"iom.parquet": parquet(left), "iom.csv": left.write_csv().encode(), "qlik/people.parquet": parquet(left), "qlik/people.qvd": b"people:2", "other.json": "{\"ä\": 1}".encode()}
    assert {file: made.read(file) for file in files} == files
    listed = {file: {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw), "says": file} for file, raw in files.items()}
    manifest = (json.dumps({"week": "2026-W10", "force": "Ärm", "files": listed}, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    assert (made.path / "manifest.json").read_bytes() == manifest
    (row,) = held.operations.rows(sa.select(schema.ledger).where(schema.ledger.c.name == f"releases/{name}"))
    assert (row["sha256"], row["bytes"]) == (hashlib.sha256(manifest).hexdigest(), sum(map(len, files.values())) + len(manifest))
    told = [entry for entry in held.operations.entries() if entry.action == "person_forgotten"]
    assert [(entry.subject, json.loads(entry.detail)["reason"]) for entry in told] == [(theirs, "review_overdue")]


def test_a_release_they_are_not_in_is_not_written_again(held: State) -> None:
    name = release(held)
    forget_due(held, DAY, OFFICER, qvd=qvd)
    before = (held.root / "releases" / name / "manifest.json").read_bytes()
    load = held.operations.rows(sa.select(schema.person_keys.c.person_ref))
    assert {row["person_ref"] for row in load} == {"A-KEPT", "Z-KEPT"}
    assert forget_due(held, date(2031, 2, 1), OFFICER, dry_run=True).people == {"review_overdue": 2}
    assert forget_due(held, DAY + timedelta(days=1), OFFICER, qvd=qvd).releases_rewritten == 0
    assert (held.root / "releases" / name / "manifest.json").read_bytes() == before


def test_a_release_after_one_they_are_not_in_is_written_again(held: State) -> None:
    first = release(held, "2026-W09", date(2026, 2, 23), ("A-KEPT",))
    untouched = (held.root / "releases" / first / "manifest.json").read_bytes()
    last = release(held)
    assert forget_due(held, DAY, OFFICER, qvd=qvd).releases_rewritten == 1
    assert (held.root / "releases" / first / "manifest.json").read_bytes() == untouched
    assert held.releases.named(last)[0].frame("iom").height == 2


def test_a_part_may_be_written_again_twice(held: State, deliver: Callable[..., Path], rows: Good) -> None:
    forget_due(held, DAY, OFFICER)
    first = sorted(path.name for path in (held.root / "records").iterdir() if "persons." in path.name or "_charges" in path.name)
    assert first == ["000001_charges.1.parquet", "000001_persons.1.parquet"]
    changed = {**rows["persons"], "person_ref": "Z-KEPT", "review_due_on": "2026-03-20", "changed_at": "2026-03-08T00:00:00"}
    load_accepted(held, deliver({"persons": [changed]}, SECOND))
    assert forget_due(held, DAY, OFFICER).people == {"review_overdue": 1}
    second = {path.name for path in (held.root / "records").iterdir()}
    assert {"000001_charges.2.parquet", "000001_persons.2.parquet"} <= second
    assert not {"000001_charges.1.parquet", "000002_persons.parquet", "000002_persons.1.parquet"} & second  # nothing is left of the last
    assert held.records.verify() == []
    assert held.records.known("charges")["person_ref"].to_list() == ["A-KEPT"]


def test_progress_goes_forward_through_parts_then_releases(held: State) -> None:
    release(held)
    release(held, "2026-W11", date(2026, 3, 9))
    seen: list[tuple[str, float]] = []
    forget_due(held, DAY, OFFICER, qvd=qvd, progress=lambda stage, share: seen.append((stage, round(share, 3))))
    parts = [share for stage, share in seen if stage == "Writing records again"]
    assert parts == [round(0.5 * i / len(parts), 3) for i in range(len(parts))]
    assert len(parts) == 3  # persons, what is protected of them, charges
    assert [one for one in seen if one[0] != "Writing records again"] == [("Writing releases again", 0.5), ("Writing releases again", 0.65), ("Clearing what is left", 0.9)]


def test_an_export_that_holds_them_goes_and_another_stays(held: State) -> None:
    (held.root / "exports").mkdir()
    whose = {"1.csv": [key(held, "M-GONE"), key(held, "A-KEPT")], "2.csv": [key(held, "A-KEPT")], "3.csv": []}
    with held.operations.writing(Event("ann", "offender_manager", "disclosure", "exported")) as tx:
        for name, subjects in whose.items():
            (held.root / "exports" / name).write_text(name)
            tx.insert(schema.exports, what="list", rows=1, with_names=False, subjects=json.dumps(subjects), sha256="0" * 64, path=f"exports/{name}", by="ann", role="offender_manager", at=tx.at)
    forget_due(held, date.fromisoformat(held.operations.now()[:10]), OFFICER)
    assert sorted(path.name for path in (held.root / "exports").iterdir()) == ["2.csv", "3.csv"]
    assert [row["path"] for row in held.operations.rows(sa.select(schema.exports.c.path).order_by(schema.exports.c.id))] == [None, "exports/2.csv", "exports/3.csv"]


# -- past its time -------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "is_old"), [(date(2029, 2, 26), False), (date(2029, 2, 27), True)])
def test_a_release_is_past_its_time_after_156_weeks(held: State, day: date, is_old: bool) -> None:
    assert held.settings.retention.release_weeks == 156
    name = release(held, origin=date(2026, 3, 2) + timedelta(days=0))
    assert date(2026, 3, 2) + timedelta(weeks=156) == date(2029, 2, 26)
    assert _old_releases(held, day) == ((name,) if is_old else ())


def test_copies_go_after_their_days_or_on_their_own_day(held: State) -> None:
    assert held.settings.retention.export_days == 28
    given = [("a", "2026-03-04T23:59:59.000000Z", None), ("b", "2026-03-03T23:59:59.000000Z", None), ("c", "2026-03-30T10:00:00.000000Z", DAY), ("d", "2026-03-30T10:00:00.000000Z", DAY + timedelta(days=1))]
    with held.operations.writing(Event("ann", "offender_manager", "disclosure", "exported")) as tx:
        for name, at, remove_on in given:
            tx.insert(schema.exports, what="list", rows=1, with_names=False, sha256="0" * 64, path=f"exports/{name}", by="ann", role="offender_manager", at=at, remove_on=remove_on)
        tx.insert(schema.exports, what="list", rows=1, with_names=False, sha256="0" * 64, path=None, by="ann", role="offender_manager", at="2020-01-01T00:00:00.000000Z")
    assert _old_copies(held, DAY) == (2, 3)


def test_backups_are_named_once_older_than_the_rule_and_where_they_still_lie(held: State, tmp_path: Path) -> None:
    for name in ("b.backup", "a.backup"):
        (tmp_path / name).write_bytes(b"x")
    for file in (str(tmp_path / "b.backup"), str(tmp_path / "a.backup"), str(tmp_path / "gone.backup"), "a.backup", ""):
        held.operations.record(Event("ann", "operator", "disclosure", "backup_made", detail={"file": file}))
    today = date.fromisoformat(held.operations.now()[:10])
    days = held.settings.retention.backup_days
    assert _old_backups(held, today + timedelta(days=days)) == []
    assert _old_backups(held, today + timedelta(days=days + 1)) == [str(tmp_path / "a.backup"), str(tmp_path / "b.backup")]


def test_only_what_is_past_its_time_goes_where_nobody_is_due(held: State) -> None:
    name = release(held)
    late = date(2029, 2, 27)
    forget_due(held, date(2026, 3, 16), OFFICER, qvd=qvd)  # the one who is due
    told = forget_due(held, late, OFFICER, qvd=qvd)
    assert (told.count, told.parts_rewritten, told.releases_rewritten, told.old_releases) == (0, 0, 1, (name,))
    made = held.releases.named(name)[0]
    assert set(made.manifest()["files"]) == {"other.json"}
    assert made.manifest()["removed_past_their_time"] == ["iom.csv", "iom.parquet", "qlik/people.parquet", "qlik/people.qvd"]


# -- finishing -----------------------------------------------------------------------------------


def test_finishing_is_done_once_and_is_free_where_nothing_is_unfinished(held: State) -> None:
    kept = held.root / "kept"
    kept.mkdir(exist_ok=True)
    (kept / "speed").write_bytes(b"x")
    finish(held)
    assert kept.exists()
    assert "erasure_finished" not in actions(held)
    forget_due(held, DAY, OFFICER)
    assert not kept.exists()
    assert actions(held).count("erasure_finished") == 1
    assert held.operations.fact("erasure_unfinished") == "no"
    finish(held)
    assert actions(held).count("erasure_finished") == 1


def test_nobody_due_writes_nothing(held: State) -> None:
    before = len(held.operations.entries())
    told = forget_due(held, date(2026, 3, 15), OFFICER)
    assert (told.count, told.people, told.due) == (0, {}, ())
    assert len(held.operations.entries()) == before


def test_the_event_of_a_run_says_how_many_and_why(held: State) -> None:
    release(held)
    forget_due(held, DAY, OFFICER, qvd=qvd)
    (entry,) = [entry for entry in held.operations.entries() if entry.action == "people_forgotten"]
    assert (entry.actor, entry.role) == ("dora", "operator")
    assert json.loads(entry.detail) == {"people": 1, "as_of": "2026-04-01", "old_releases": [], "old_copies": 0}
    hashed = held.operations.rows(sa.select(schema.erased))
    assert [(row["table_name"], row["reason"]) for row in hashed] == [("persons", "review_overdue")]
