"""Forgetting: who is due, and that nothing of them is left anywhere, while the log still verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from bench.accepted import load_accepted

from harmcast.errors import AccessDenied, NotFit
from harmcast.operate.health import status_of
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import keys, ledger, schema
from harmcast.store.releases import NewTool
from harmcast.store.retention import due, finish, forget_due, left_source_since, list_hash
from harmcast.store.state import State
from harmcast.store.users import Actor

Row = dict[str, str]
Good = dict[str, Row]
FIRST, SECOND, THIRD = "2026-03-02T05:00:00", "2026-03-09T05:00:00", "2026-03-16T05:00:00"
ACTOR = Actor("dora", "Dora", (("data_protection_officer", None),))
DAY = date(2026, 4, 1)
GONE, MERGED, KEPT = "PGONE7731", "PMERGED552", "PKEPT1"


def people(rows: Good) -> dict[str, list[Row]]:
    """Three people: one past review, one merged into that one, one who stays; a charge each."""
    person, charge = rows["persons"], rows["charges"]
    return {
        "crimes": [rows["crimes"]],
        "persons": [
            {**person, "person_ref": GONE, "review_due_on": "2026-03-15"},
            {**person, "person_ref": MERGED, "merged_into": GONE},
            {**person, "person_ref": KEPT},
        ],
        "charges": [{**charge, "charge_ref": f"H{ref}", "person_ref": ref} for ref in (GONE, MERGED, KEPT)],
    }


@pytest.fixture
def held(any_state: State, deliver: Callable[..., Path], rows: Good) -> State:
    load_accepted(any_state, deliver(people(rows), FIRST))
    return any_state


def residue(state: State, words: list[str]) -> list[str]:
    """Files of the state and tables of its database that hold one of the words, Parquet decoded."""
    state.operations.close()
    found = []
    for path in sorted(p for p in state.root.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += pl.read_parquet(path).write_csv().encode()
        if any(word.encode() in content for word in words):
            found.append(path.name)
    if not state.operations.is_sqlite:
        for table in schema.metadata.sorted_tables:
            held = json.dumps(state.operations.rows(sa.select(table)), default=str)
            found += [table.name] if any(word in held for word in words) else []
    return found


def test_who_is_due_and_why(held: State, deliver: Callable[..., Path], rows: Good) -> None:
    assert dict(due(held, date(2026, 3, 15)).iter_rows()) == {}
    assert dict(due(held, DAY).iter_rows()) == {GONE: "review_overdue", MERGED: "review_overdue"}
    gone = [{"table": "persons", "ref": KEPT, "deleted_at": "2026-03-08T00:00:00", "reason": ""}]
    load_accepted(held, deliver({"deletions": gone}, SECOND))
    assert dict(due(held, date(2026, 3, 10)).iter_rows()) == {KEPT: "deleted_at_source"}


def test_nobody_without_a_charge_is_held(held: State, deliver: Callable[..., Path]) -> None:
    gone = [{"table": "charges", "ref": f"H{KEPT}", "deleted_at": "2026-03-08T00:00:00", "reason": ""}]
    load_accepted(held, deliver({"deletions": gone}, SECOND))
    assert dict(due(held, date(2026, 3, 10)).iter_rows()) == {KEPT: "no_charge_left"}


def test_without_a_date_the_group_s_period_counts(any_state: State, deliver: Callable[..., Path], rows: Good) -> None:
    tables = people(rows)
    for row in tables["persons"]:
        row.update(review_due_on="", review_group="3", merged_into="")
    load_accepted(any_state, deliver(tables, FIRST))
    assert due(any_state, date(2032, 1, 5)).is_empty()
    assert due(any_state, date(2032, 1, 8)).height == 3


def test_a_dry_run_changes_nothing(held: State) -> None:
    before = held.records.data_hash()
    result = forget_due(held, DAY, ACTOR, dry_run=True)
    assert (result.count, result.dry_run) == (2, True)
    assert held.records.data_hash() == before


def test_nothing_of_the_forgotten_is_left(held: State) -> None:
    key = str(keys.key_of(held.operations, GONE))
    kept = str(keys.key_of(held.operations, KEPT))
    with held.operations.reading() as connection:
        sealed = keys.sealed(connection, key, "words about somebody")
    result = forget_due(held, DAY, ACTOR)
    assert (result.count, result.people) == (2, {"review_overdue": 2})
    assert residue(held, [GONE, MERGED]) == []
    assert held.records.charge_versions()["person_ref"].to_list() == [KEPT]
    assert keys.held(held.operations).rows() == [(KEPT, kept)]
    with held.operations.reading() as connection:
        assert keys.opened(connection, key, sealed) is None
    entries = held.operations.entries()
    assert log.verify(entries) == []
    assert {e.subject for e in entries if e.action == "person_forgotten"} >= {key}
    assert held.records.verify() == []


def test_the_forgotten_do_not_come_back_until_they_left_the_source(
    held: State, deliver: Callable[..., Path], rows: Good
) -> None:
    forget_due(held, DAY, ACTOR)
    again = load_accepted(held, deliver(people(rows), SECOND, complete=True))
    assert {c.table: c.left_out for c in again.files} == {"crimes": 0, "persons": 2, "charges": 2}
    assert residue(held, [GONE, MERGED]) == []
    without = {
        name: [row for row in given if GONE not in str(row) and MERGED not in str(row)]
        for name, given in people(rows).items()
    }
    load_accepted(held, deliver(without, THIRD, complete=True))
    assert {row["left_at"] for row in held.operations.rows(sa.select(schema.erased))} == {THIRD}
    older = load_accepted(held, deliver(people(rows), SECOND, complete=False))
    assert {c.table: c.left_out for c in older.files} == {"crimes": 0, "persons": 2, "charges": 2}
    assert residue(held, [GONE, MERGED]) == []
    load_accepted(held, deliver(people(rows), "2026-05-04T05:00:00", complete=False))
    assert GONE in set(held.records.known("persons")["person_ref"])


def test_a_rebuild_afterwards_is_the_original_less_those_rows(held: State) -> None:
    before = held.records.persons(DAY, upto_part=1).filter(pl.col("person_ref") == KEPT)
    forget_due(held, DAY, ACTOR)
    assert held.records.persons(DAY, upto_part=1).equals(before)


def a_release(state: State) -> str:
    frame = pl.DataFrame(
        {"person_key": sorted(keys.held(state.operations)["person_key"]), "band": ["low", "low", "high"]}
    )
    path = state.root / "x.parquet"
    frame.write_parquet(path, compression="zstd", statistics=True)
    files = {"iom.parquet": path.read_bytes(), "iom.csv": frame.write_csv().encode(), "other.json": b"{}"}
    path.unlink()
    listed = {name: {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)} for name, raw in files.items()}
    files["manifest.json"] = json.dumps({"week": "2026-W10", "files": listed}).encode()
    event = Event("system", "operator", "run", "week_made")
    return state.releases.keep(
        "2026-W10",
        files,
        [NewTool("iom", "published")],
        origin=date(2026, 3, 2),
        as_of=date(2026, 3, 2),
        sequence=1,
        event=event,
    )


def test_releases_are_written_again_without_them(held: State) -> None:
    name = a_release(held)
    gone = [str(keys.key_of(held.operations, ref)) for ref in (GONE, MERGED)]
    kept = str(keys.key_of(held.operations, KEPT))
    assert forget_due(held, DAY, ACTOR).releases_rewritten == 1
    release = held.releases.named(name)[0]
    assert release.frame("iom")["person_key"].to_list() == [kept]
    assert all(key not in release.read("iom.csv").decode() for key in gone)
    assert release.read("other.json") == b"{}"
    assert held.releases.names() == ["2026-W10"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_on_the_way_it_is_not_begun_or_is_finished(
    held: State, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    from harmcast.store import retention

    a_release(held)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    finished = 0

    def killed_second(state: State) -> None:
        nonlocal finished
        finished += 1
        if finished == 2:
            raise KeyboardInterrupt
        finish(state)

    with monkeypatch.context() as patch:
        if when == "before":
            patch.setattr(ledger, "replace", killed)
        else:
            patch.setattr(retention, "finish", killed_second)
        with pytest.raises(KeyboardInterrupt):
            forget_due(held, DAY, ACTOR)
    if when == "before":
        held.releases.sweep()
        assert held.records.persons()["person_ref"].to_list() == sorted([GONE, MERGED, KEPT])
        assert held.releases.named("2026-W10")[0].frame("iom").height == 3
        assert forget_due(held, DAY, ACTOR).count == 2
    else:
        assert held.records.persons()["person_ref"].to_list() == [KEPT]
        assert forget_due(held, DAY, ACTOR).count == 0
    assert held.releases.named("2026-W10")[0].frame("iom").height == 1
    assert residue(held, [GONE, MERGED]) == []


def test_a_copy_of_an_export_that_holds_them_goes(held: State) -> None:
    key = str(keys.key_of(held.operations, GONE))
    folder = held.root / "exports"
    folder.mkdir()
    (folder / "1.csv").write_text(key)
    with held.operations.writing(Event("ann", "offender_manager", "disclosure", "exported")) as tx:
        tx.insert(
            schema.exports, what="list", rows=1, with_names=False, subjects=json.dumps([key]), sha256="0" * 64,
            path="exports/1.csv", by="ann", role="offender_manager", at=tx.at,
        )  # fmt: skip
    forget_due(held, DAY, ACTOR)
    assert not (folder / "1.csv").exists()


def gone_at_source(ref: str, at: str) -> Row:
    return {"table": "persons", "ref": ref, "deleted_at": at, "reason": ""}


def with_people_who_use_it(state: State) -> Actor:
    """Once the state has users, the timer's account is nobody's: it acts as operator."""
    state.users.add("dora", "Dora", Event("setup", "operator", "administration", "user_added"))
    return Actor("os:harmcast", "harmcast", (("operator", None),))


def test_a_timer_forgets_who_left_the_source_and_leaves_reviews_to_a_person(
    held: State, deliver: Callable[..., Path]
) -> None:
    timer = with_people_who_use_it(held)
    load_accepted(held, deliver({"deletions": [gone_at_source(KEPT, "2026-03-08T00:00:00")]}, SECOND))
    assert left_source_since(held, DAY) == (1, date(2026, 3, 9))
    with pytest.raises(AccessDenied):
        forget_due(held, DAY, timer)
    result = forget_due(held, DAY, timer, left_source=True)
    assert result.people == {"deleted_at_source": 1}
    assert residue(held, [KEPT]) == []
    assert set(held.records.known("persons")["person_ref"]) == {GONE, MERGED}
    assert left_source_since(held, DAY) == (0, None)
    assert forget_due(held, DAY, ACTOR).people == {"review_overdue": 2}


def test_since_when_somebody_is_left_without_a_charge(held: State, deliver: Callable[..., Path]) -> None:
    gone = [{"table": "charges", "ref": f"H{KEPT}", "deleted_at": "2026-03-08T00:00:00", "reason": ""}]
    load_accepted(held, deliver({"deletions": gone}, SECOND))
    assert left_source_since(held, DAY) == (1, date(2026, 3, 9))


def test_a_charge_moved_to_somebody_who_stays_stays(held: State, deliver: Callable[..., Path], rows: Good) -> None:
    moved = {**rows["charges"], "charge_ref": f"H{GONE}", "person_ref": KEPT, "changed_at": "2026-03-08T10:00:00"}
    load_accepted(held, deliver({"charges": [moved]}, SECOND))
    forget_due(held, DAY, ACTOR)
    assert set(held.records.known("charges")["charge_ref"]) == {f"H{KEPT}", f"H{GONE}"}
    assert residue(held, [f'"{GONE}"', f",{GONE},"]) == []


def test_a_charge_moved_to_somebody_who_goes_does_not_go_back(held: State, deliver: Callable[..., Path], rows: Good) -> None:
    moved = {**rows["charges"], "charge_ref": f"H{KEPT}", "person_ref": GONE, "changed_at": "2026-03-08T10:00:00"}
    other = {**rows["charges"], "charge_ref": "HOTHER", "person_ref": KEPT, "changed_at": "2026-03-08T10:00:00"}
    load_accepted(held, deliver({"charges": [moved, other]}, SECOND))
    forget_due(held, DAY, ACTOR)
    assert held.records.known("charges").select("charge_ref", "person_ref").rows() == [("HOTHER", KEPT)]
    assert f"H{KEPT}" not in set(held.records.versions("charges")["charge_ref"])


def test_people_s_files_of_a_release_past_its_time_go_and_the_rest_stays(held: State) -> None:
    name = a_release(held)
    assert forget_due(held, date(2026, 3, 10), ACTOR).old_releases == ()
    late = date(2029, 3, 6)  # 156 weeks and a day after the origin
    told = forget_due(held, late, ACTOR, dry_run=True)
    assert told.old_releases == (name,)
    assert any("would lose the files about people" in line for line in told.lines())
    assert forget_due(held, late, ACTOR).old_releases == (name,)
    release = held.releases.named(name)[0]
    assert set(release.manifest()["files"]) == {"other.json"}
    assert release.manifest()["removed_past_their_time"] == ["iom.csv", "iom.parquet"]
    assert sorted(p.name for p in release.path.iterdir()) == ["manifest.json", "other.json"]
    assert forget_due(held, late, ACTOR).releases_rewritten == 0


def test_a_kept_copy_of_an_export_goes_after_its_time(held: State) -> None:
    folder = held.root / "exports"
    folder.mkdir()
    (folder / "1.csv").write_text("kept")
    with held.operations.writing(Event("ann", "offender_manager", "disclosure", "exported")) as tx:
        tx.insert(
            schema.exports, what="list", rows=1, with_names=False, sha256="0" * 64, path="exports/1.csv", by="ann",
            role="offender_manager", at="2026-01-02T10:00:00.000000Z",
        )  # fmt: skip
    assert forget_due(held, date(2026, 1, 30), ACTOR).old_copies == 0
    assert (folder / "1.csv").exists()
    assert forget_due(held, date(2026, 1, 31), ACTOR).old_copies == 1
    assert not (folder / "1.csv").exists()


def test_an_old_backup_is_named_for_whoever_keeps_it(held: State, tmp_path: Path) -> None:
    file = tmp_path / "old.backup"
    file.write_bytes(b"x")
    held.operations.record(Event("ann", "operator", "disclosure", "backup_made", detail={"file": str(file)}))
    today = date.fromisoformat(held.operations.now()[:10])
    assert forget_due(held, today, ACTOR, dry_run=True).old_backups == ()
    told = forget_due(held, today + timedelta(days=29), ACTOR, dry_run=True)
    assert told.old_backups == (str(file),)
    assert f"Remove the backup {file}: it is older than the retention rule allows." in told.lines()


def test_a_dry_run_lists_each_by_random_key_and_why(held: State) -> None:
    told = forget_due(held, DAY, ACTOR, dry_run=True)
    keys_of = {str(keys.key_of(held.operations, ref)) for ref in (GONE, MERGED)}
    assert {one["person_key"] for one in told.document()["due"]} == keys_of
    assert all(any(key in line for line in told.lines()) for key in keys_of)
    assert told.lines()[0] == f"2 people are due on {DAY}."


def test_status_says_when_who_left_the_source_is_still_held(held: State, deliver: Callable[..., Path]) -> None:
    load_accepted(held, deliver({"deletions": [gone_at_source(KEPT, "2026-03-08T00:00:00")]}, SECOND))

    def told(day: date) -> list[str]:
        return [concern for concern in status_of(held, day).health.concerns if "left-source" in concern]

    assert told(date(2026, 3, 30)) == []
    assert len(told(date(2026, 3, 31))) == 1
    forget_due(held, DAY, ACTOR, left_source=True)
    assert told(DAY) == []


# -- who left the source: 14 days, and a cap a run ------------------------------------------------


def test_who_left_the_source_is_hidden_at_once_and_erased_on_the_fourteenth_day(held: State, deliver: Callable[..., Path]) -> None:
    load_accepted(held, deliver({"deletions": [gone_at_source(KEPT, "2026-03-08T00:00:00")]}, SECOND))
    assert KEPT not in held.records.persons()["person_ref"].to_list()
    assert forget_due(held, date(2026, 3, 22), ACTOR, left_source=True).count == 0
    assert forget_due(held, date(2026, 3, 23), ACTOR, left_source=True).people == {"deleted_at_source": 1}


def test_who_comes_back_within_fourteen_days_stays(held: State, deliver: Callable[..., Path], rows: Good) -> None:
    load_accepted(held, deliver({"deletions": [gone_at_source(KEPT, "2026-03-08T00:00:00")]}, SECOND))
    back = [row for row in people(rows)["persons"] if row["person_ref"] == KEPT]
    load_accepted(held, deliver({"persons": [{**back[0], "changed_at": "2026-03-12T00:00:00"}]}, "2026-03-16T05:00:00"))
    assert forget_due(held, date(2026, 3, 23), ACTOR, left_source=True).count == 0
    assert KEPT in held.records.persons()["person_ref"].to_list()


def many_gone(state: State, deliver: Callable[..., Path], rows: Good, gone: int) -> None:
    """Thirty people, so many of them deleted at source and that long enough ago."""
    crowd = [{**rows["persons"], "person_ref": f"M{n}", "review_due_on": "2031-01-01", "merged_into": ""} for n in range(30)]
    charges = [{**rows["charges"], "charge_ref": f"HM{n}", "person_ref": f"M{n}"} for n in range(30)]
    load_accepted(state, deliver({"crimes": [rows["crimes"]], "persons": crowd, "charges": charges}, FIRST))
    load_accepted(state, deliver({"deletions": [gone_at_source(f"M{n}", "2026-03-08T00:00:00") for n in range(gone)]}, SECOND))


def test_ten_are_erased_unasked(any_state: State, deliver: Callable[..., Path], rows: Good) -> None:
    many_gone(any_state, deliver, rows, 10)
    assert forget_due(any_state, DAY, ACTOR, left_source=True).count == 10


def test_eleven_are_erased_by_two_people_who_name_the_list_and_by_nobody_else(any_state: State, deliver: Callable[..., Path], rows: Good) -> None:
    many_gone(any_state, deliver, rows, 11)
    any_state.users.add("ann", "Ann", Event("setup", "operator", "administration", "user_added"))
    ann = Actor("ann", "Ann", (("data_protection_officer", None),))
    named = forget_due(any_state, DAY, ann, dry_run=True).keys
    with pytest.raises(NotFit) as refused:
        forget_due(any_state, DAY, ann)
    assert (refused.value.code, refused.value.exit_code) == ("erasure_above_cap", 23)
    with pytest.raises(NotFit):
        forget_due(any_state, DAY, ann, approve="0" * 16)
    listed = list_hash(named)
    for second in (None, ann.account):
        with pytest.raises(NotFit):
            forget_due(any_state, DAY, ann, approve=listed, second=second)
    assert any_state.person_keys().height == 30
    assert forget_due(any_state, DAY, ann, approve=listed, second="bob").count == 11
    assert any_state.person_keys().height == 19


def test_two_people_may_name_the_whole_list_where_others_on_it_are_overdue(any_state: State, deliver: Callable[..., Path], rows: Good) -> None:
    many_gone(any_state, deliver, rows, 11)
    overdue = [{**rows["persons"], "person_ref": "M29", "review_due_on": "2026-03-01", "merged_into": "", "changed_at": "2026-03-10T00:00:00"}]
    load_accepted(any_state, deliver({"persons": overdue}, THIRD))
    any_state.users.add("ann", "Ann", Event("setup", "operator", "administration", "user_added"))
    ann = Actor("ann", "Ann", (("data_protection_officer", None),))
    due_now = forget_due(any_state, DAY, ann, dry_run=True)
    assert due_now.people == {"deleted_at_source": 11, "review_overdue": 1}
    some = list_hash(due_now.keys[2:])
    for approve, second in ((some, "bob"), (list_hash(due_now.keys), None), (list_hash(due_now.keys), "ann")):
        with pytest.raises(NotFit):
            forget_due(any_state, DAY, ann, approve=approve, second=second)
    assert forget_due(any_state, DAY, ann, approve=list_hash(due_now.keys), second="bob").count == 12
    assert any_state.person_keys().height == 18
