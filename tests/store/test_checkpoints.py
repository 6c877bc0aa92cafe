"""Checkpoints kept elsewhere find what the chain alone cannot: a cut tail, a whole rewrite."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import SETTINGS

from harmcast.errors import AccessDenied, RunStopped
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.runs.answer import write_answer
from harmcast.store import checkpoints, schema
from harmcast.store.backup import back_up
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.store.verify import verify

OFFICER = Actor("dora", "Dora", (("data_protection_officer", None),))
LOOK = Event("ann", "analyst", "consultation", "page_viewed", object="cell:1")


@pytest.fixture
def watched(make_state: Callable[..., State], tmp_path: Path) -> State:
    state = make_state(SETTINGS + f'\n[log]\ncheckpoint_dir = "{tmp_path / "elsewhere"}"\n')
    for _ in range(3):
        state.operations.record(LOOK)
        checkpoints.write(state)
    return state


def test_an_honest_log_is_whole(watched: State) -> None:
    found = checkpoints.verify(watched)
    assert (found.faults, len(found.points)) == ((), 3)


def test_without_checkpoints_it_says_what_cannot_be_seen(make_state: Callable[..., State]) -> None:
    state = make_state()
    assert checkpoints.write(state) is None
    found = verify(state)
    assert (found.is_whole, found.exit_code) == (True, 25)
    assert any("cannot be seen" in line for line in found.lines())


def test_a_cut_tail_is_found(watched: State) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq >= 4))
    assert rules(watched) == {"witness_ahead"}
    assert "witness_ahead" in {fault.kind for fault in verify(watched).faults}


def test_an_edit_is_found_and_said_where(watched: State) -> None:
    with watched.operations.unlogged() as connection:
        connection.execute(sa.update(schema.events).where(schema.events.c.seq == 3).values(actor="bob"))
    assert ("content", 3) in {(fault.kind, fault.event) for fault in verify(watched).faults}


def rules(state: State) -> set[str]:
    return {fault.rule for fault in checkpoints.verify(state).faults}


def refused(state: State) -> str:
    """The code by which the next signing refuses, which is the weekly run's first step too."""
    codes = []
    for step in (checkpoints.must_agree, checkpoints.write):
        with pytest.raises(RunStopped) as raised:
            step(state)
        codes.append(raised.value.code)
    assert codes[0] == codes[1]
    return codes[0]


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / checkpoints.FILE


def test_a_run_killed_between_outside_and_log_goes_on(watched: State, tmp_path: Path) -> None:
    before = watched.operations.entries()[-1].seq
    checkpoints.write(watched)
    with watched.operations.unlogged() as connection:  # the line is out, its entry never came
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq > before))
    checkpoints.write(watched)
    assert checkpoints.verify(watched, file_of(tmp_path)).faults == ()
    assert [point.number for point in checkpoints.read(watched).points] == [1, 2, 3, 4, 5]


def test_a_torn_line_stays_and_is_passed_over(watched: State, tmp_path: Path) -> None:
    with file_of(tmp_path).open("a") as out:
        out.write('{"number":4,"sta')
    before = file_of(tmp_path).read_text()
    checkpoints.write(watched)
    assert file_of(tmp_path).read_text().startswith(before + "\n")
    found = checkpoints.verify(watched)
    assert (found.faults, len(found.points)) == ((), 4)
    assert any("1 torn line" in note for note in found.notes)


def test_a_log_older_than_what_was_seen_is_refused_and_nothing_outside_changes(watched: State, tmp_path: Path) -> None:
    before = file_of(tmp_path).read_bytes()
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq >= 4))
    assert refused(watched) == "witness_ahead"
    for _ in range(20):  # grown longer again: another log
        watched.operations.record(LOOK)
    assert refused(watched) == "witness_fork"
    assert file_of(tmp_path).read_bytes() == before


def test_an_outside_cut_short_or_gone_is_refused(watched: State, tmp_path: Path) -> None:
    lines = file_of(tmp_path).read_text().splitlines(keepends=True)
    file_of(tmp_path).write_text("".join(lines[:-1]))
    assert refused(watched) == "witness_short"
    assert rules(watched) == {"witness_short"}
    (tmp_path / "elsewhere").rename(tmp_path / "moved")
    assert refused(watched) == "witness_missing"
    assert rules(watched) == {"witness_missing"}


def test_another_key_or_another_state_is_refused(watched: State) -> None:
    key = (watched.root / "signing.key").read_bytes()
    (watched.root / "signing.key").write_bytes(b"x" * 32)
    assert refused(watched) == "witness_key"
    (watched.root / "signing.key").write_bytes(key)
    with watched.operations.unlogged() as connection:
        connection.execute(sa.text("UPDATE facts SET value = 'other' WHERE name = 'state_id'"))
    assert refused(watched) == "witness_foreign"


def test_a_restore_is_declared_by_an_officer_said_by_every_verification_and_lets_the_week_go_on(watched: State, tmp_path: Path) -> None:
    with pytest.raises(RunStopped) as raised:
        checkpoints.declare_restore(watched, OFFICER, "nothing happened")
    assert raised.value.code == "no_restore"
    seen = [point.seq for point in checkpoints.read(watched).points]
    with watched.operations.unlogged() as connection:
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq > seen[0]))
    with pytest.raises(AccessDenied):
        checkpoints.declare_restore(watched, Actor("eve", "Eve", (("operator", None),)), "quietly")
    point = checkpoints.declare_restore(watched, OFFICER, "the disk failed")
    assert point is not None
    assert point.lost == (seen[0] + 1, seen[2])
    checkpoints.must_agree(watched)
    checkpoints.write(watched)
    assert rules(watched) == set()
    assert any(f"entries {seen[0] + 1} to {seen[2]} were lost" in line for line in verify(watched).lines())


def test_checkpoints_that_cannot_be_read_are_named(watched: State, tmp_path: Path) -> None:
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched, tmp_path / "nowhere.jsonl")
    assert raised.value.code == "checkpoints_missing"
    (tmp_path / "elsewhere" / checkpoints.FILE).write_text("{}\n")
    with pytest.raises(RunStopped) as raised:
        checkpoints.verify(watched)
    assert raised.value.code == "checkpoints_unreadable"


def test_checkpoints_cut_at_the_front_are_found(watched: State, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / checkpoints.FILE
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    assert rules(watched) == {"witness_fork"}


# -- two places and a command --------------------------------------------------------------------


@pytest.fixture
def twice(make_state: Callable[..., State], tmp_path: Path) -> State:
    places = f'witnesses = ["{tmp_path / "east" / "lines"}", "{tmp_path / "west" / "lines"}"]'
    command = f"""witness_command = ["sh", "-c", "test ! -e {tmp_path / "down"} && cat >> {tmp_path / "mail"}"]"""
    state = make_state(SETTINGS + f"\n[log]\n{places}\n{command}\n")
    for _ in range(2):
        checkpoints.write(state)
    return state


def sent(tmp_path: Path) -> Iterator[dict[str, Any]]:
    text, at = (tmp_path / "mail").read_text(), 0
    while at < len(text):
        found, at = json.JSONDecoder().raw_decode(text, at)
        yield found


def test_each_line_goes_to_every_place_and_by_the_command_with_its_code(twice: State, tmp_path: Path) -> None:
    east, west = (tmp_path / name / "lines" for name in ("east", "west"))
    assert east.read_text() == west.read_text()
    assert len(east.read_text().splitlines()) == 2
    line = east.read_text().splitlines()[1]
    assert [(one["line"], one["code"]) for one in sent(tmp_path)][1] == (line, log.code_of(line.encode()))
    assert verify(twice).exit_code == 0


def test_two_places_that_disagree_are_refused(twice: State, tmp_path: Path) -> None:
    key = (twice.root / "signing.key").read_bytes()
    first, second = checkpoints.read(twice).points
    forged = log.signed(replace(second, at="2030-01-01T00:00:00.000000Z", signature=""), key)
    (tmp_path / "west" / "lines").write_text(f"{first.line()}\n{forged.line()}\n")
    assert refused(twice) == "witness_fork"
    assert any("disagree on line 2" in fault.says for fault in verify(twice).faults)
    with pytest.raises(RunStopped) as raised:
        checkpoints.declare_restore(twice, OFFICER, "no restore makes two places disagree")
    assert raised.value.code == "no_restore"


def test_a_place_that_was_away_gets_what_it_lacks_when_it_is_back(twice: State, tmp_path: Path) -> None:
    (tmp_path / "west").rename(tmp_path / "unplugged")
    checkpoints.write(twice)
    checkpoints.write(twice)
    assert not (tmp_path / "west").exists()  # nothing is written below a mount point whose disk is away
    found = verify(twice)
    assert (found.exit_code, any("west" in line and "is away" in line for line in found.lines())) == (0, True)
    (tmp_path / "unplugged").rename(tmp_path / "west")
    checkpoints.write(twice)
    assert (tmp_path / "west" / "lines").read_text() == (tmp_path / "east" / "lines").read_text()
    assert len(checkpoints.read(twice).points) == 5


def test_a_place_away_for_more_than_14_days_stops_the_run(twice: State, tmp_path: Path) -> None:
    (tmp_path / "west").rename(tmp_path / "unplugged")
    now = twice.operations._now
    twice.operations._now = lambda: now() + timedelta(days=13, hours=23)
    checkpoints.must_agree(twice)
    checkpoints.write(twice)
    twice.operations._now = lambda: now() + timedelta(days=14, minutes=1)
    assert refused(twice) == "witness_missing"


def test_a_place_cut_short_or_all_of_them_gone_is_refused(twice: State, tmp_path: Path) -> None:
    west = tmp_path / "west" / "lines"
    west.write_text(west.read_text().splitlines(keepends=True)[0])
    assert refused(twice) == "witness_short"
    for name in ("east", "west"):
        (tmp_path / name).rename(tmp_path / f"{name}-gone")
    assert refused(twice) == "witness_missing"


def test_a_command_that_fails_stops_nothing_at_first_and_the_run_after_14_days(twice: State, tmp_path: Path) -> None:
    (tmp_path / "down").touch()
    now = twice.operations._now
    checkpoints.write(twice)
    assert any("command failed" in line for line in verify(twice).lines())
    twice.operations._now = lambda: now() + timedelta(days=15)
    assert refused(twice) == "witness_missing"


def test_a_new_place_gets_every_line(watched: State, tmp_path: Path) -> None:
    other = watched.settings.log.model_copy(update={"witnesses": [tmp_path / "new" / "lines"]})
    watched.settings = watched.settings.model_copy(update={"log": other})
    checkpoints.write(watched)
    assert (tmp_path / "new" / "lines").read_text() == file_of(tmp_path).read_text()


def test_a_code_from_paper_says_whether_the_log_still_holds_what_it_covers(twice: State, tmp_path: Path) -> None:
    code = checkpoints.read(twice).points[0].code
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}", code)
    typed = code.replace("-", " ").replace("0", "o").replace("1", "l").lower()
    found = checkpoints.check_code(twice, typed)
    assert (found.number, found.held) == (1, True)
    for name in ("east", "west"):  # every place gone: the log's own entry names the line
        (tmp_path / name / "lines").unlink()
    assert checkpoints.check_code(twice, code).held
    with twice.operations.unlogged() as connection:
        connection.execute(sa.update(schema.events).where(schema.events.c.seq == found.seq).values(hash="0" * 64))
    assert not checkpoints.check_code(twice, code).held
    assert checkpoints.check_code(twice, "00000-00000-00000-00000-00000").number is None
    with pytest.raises(RunStopped):
        checkpoints.check_code(twice, "no code")


def test_125_bits_in_letters_that_are_not_misread() -> None:
    # SHA-256 of nothing is e3b0c442 98fc1c14 9afbf4c8 996fb924 ...; its first 125 bits, five at a time
    assert log.code_of(b"") == "WERC8-GMRZG-E196Q-VYK49-JVXS4"


def test_the_key_is_pinned_on_paper(twice: State, tmp_path: Path) -> None:
    pinned = checkpoints.key_code(twice)
    assert verify(twice, key=pinned).exit_code == 0
    (twice.root / "signing.key").write_bytes(b"x" * 32)  # another key, with lines and key files to fit it
    other = log.public_key(b"x" * 32)
    for name in ("east", "west"):
        points: list[log.Checkpoint] = []
        for point in checkpoints._points(tmp_path / name / "lines")[0]:
            previous = points[-1].digest() if points else log.GENESIS
            points.append(log.signed(replace(point, previous=previous, signature=""), b"x" * 32))
        (tmp_path / name / "lines").write_text("".join(f"{point.line()}\n" for point in points))
        (tmp_path / name / checkpoints.KEY_FILE).write_text(other.hex())
    assert verify(twice).exit_code == 0  # whoever holds the key and every place too is not found by them
    assert {fault.kind for fault in verify(twice, key=pinned).faults} == {"witness_key"}


def test_a_backup_is_named_outside(twice: State, tmp_path: Path) -> None:
    made = back_up(twice, tmp_path / "backup.tar", OFFICER)
    assert checkpoints.read(twice).points[-1].backup == made.sha256
    assert verify(twice).exit_code == 0


def test_an_answer_prints_the_code_of_the_last_line_before_its_day(twice: State, tmp_path: Path) -> None:
    def printed(day: date) -> str | None:
        write_answer(twice, "public", day, tmp_path / "out", OFFICER, today=day)
        return json.loads((tmp_path / "out" / "public.json").read_text()).get("witness")

    now = twice.operations._now
    today = now().date()
    assert printed(today) is None  # the lines of this day come after its beginning
    second = checkpoints.read(twice).points[1].code
    tomorrow = today + timedelta(days=1)
    twice.operations._now = lambda: now() + timedelta(days=1, hours=1)
    checkpoints.write(twice)
    assert printed(tomorrow) == second
    assert second in (tmp_path / "out" / "public.html").read_text()
    assert checkpoints.check_code(twice, second).held
