"""Backups: what comes back is what was there; what is not whole is refused."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import SETTINGS

from harmcast.errors import HarmcastError, SettingsRefused, StoreDamaged
from harmcast.loading import load_delivery
from harmcast.oversight import log
from harmcast.store import backup, keys
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor

ACTOR = Actor("olu", "Olu", (("administrator", None),))
Good = dict[str, dict[str, str]]


@pytest.fixture
def full(any_state: State, deliver: Callable[..., Path], rows: Good) -> State:
    load_delivery(any_state, deliver({name: [row] for name, row in rows.items()}, "2026-03-02T05:00:00"))
    return any_state


def test_what_comes_back_is_what_was_there(full: State, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    before = (full.records.data_hash(), keys.held(full.operations).rows(), full.operations.entries())
    made = backup.back_up(full, file, ACTOR)
    assert file.stat().st_mode & 0o077 == 0
    assert made.files > 3
    if not full.operations.is_sqlite:
        with pytest.raises(HarmcastError) as raised:
            backup.restore(file, tmp_path / "again")
        assert raised.value.code == "store_in_use"
        with full.operations.unlogged() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        full.operations.close()
    result = backup.restore(file, tmp_path / "again")
    assert result.rows == made.rows
    again = open_state(tmp_path / "again")
    entries = again.operations.entries()
    assert (again.records.data_hash(), keys.held(again.operations).rows(), entries[: len(before[2])]) == before
    assert entries[-1].action == "state_restored"
    assert log.verify(entries) == []
    assert again.records.crimes(date(2026, 12, 31)).height == 1
    assert again.records.verify() == []
    with again.operations.writing(log.Event("ann", "administrator", "administration", "x")) as tx:
        from harmcast.store import schema

        tx.insert(schema.alerts, at=tx.at, kind="test", words="numbers go on")
    again.close()


@pytest.fixture
def whole(make_state: Callable[..., State], deliver: Callable[..., Path], rows: Good, tmp_path: Path) -> bytes:
    state = make_state(SETTINGS)
    load_delivery(state, deliver({name: [row] for name, row in rows.items()}, "2026-03-02T05:00:00"))
    backup.back_up(state, tmp_path / "whole.tar", ACTOR)
    return (tmp_path / "whole.tar").read_bytes()


def resealed(change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Callable[[bytes, random.Random], bytes]:
    """A corruption of the contents under a last line that agrees."""

    def corrupt(content: bytes, _: random.Random) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(content[: -backup.LAST_LENGTH])) as archive:
            members = [(m, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
        change(members)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for info, raw in members:
                info.size = len(raw)
                archive.addfile(info, io.BytesIO(raw))
        body = out.getvalue()
        return body + backup.LAST_LINE + hashlib.sha256(body).hexdigest().encode() + b"\n"

    return corrupt


def find(members: list[tuple[tarfile.TarInfo, bytes]], word: str) -> int:
    return next(i for i, (info, _) in enumerate(members) if word in info.name)


def rewritten(word: str, old: bytes, new: bytes) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        i = find(members, word)
        info, raw = members[i]
        assert old in raw
        members[i] = (info, raw.replace(old, new, 1))

    return change


def renamed(to: str) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[find(members, "crimes")][0].name = to

    return change


def linked(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info = tarfile.TarInfo("records/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members.append((info, b""))


def flip(content: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << r.randrange(8))]) + content[at + 1 :]


def zeroed(content: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(content) - 600)
    return content[:at] + b"\x00" * 512 + content[at + 512 :] if any(content[at : at + 512]) else b"\x00" + content[1:]


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "empty": lambda c, r: b"",
    "cut": lambda c, r: c[: r.randrange(1, len(c))],
    "last_line_gone": lambda c, r: c[: -backup.LAST_LENGTH],
    "head_gone": lambda c, r: c[512:],
    "bit_flipped": flip,
    "block_zeroed": zeroed,
    "grown": lambda c, r: c + b"\x00" * 512,
    "grown_in_front": lambda c, r: b"\x00" * 512 + c,
    "block_moved": lambda c, r: c[512:1024] + c[:512] + c[1024:],
    "twice": lambda c, r: c + c,
    "noise": lambda c, r: r.randbytes(len(c)),
    "text": lambda c, r: b"not a backup",
    "list_gone": resealed(lambda members: members.pop(find(members, backup.MANIFEST)) and None),
    "list_garbled": resealed(rewritten(backup.MANIFEST, b'"format"', b'"farmot"')),
    "other_format": resealed(rewritten(backup.MANIFEST, b'"format": 1', b'"format": 9')),
    "later_version": resealed(rewritten(backup.MANIFEST, b'"revision": "', b'"revision": "9')),
    "member_gone": resealed(lambda members: members.pop(find(members, "crimes")) and None),
    "member_twice": resealed(lambda members: members.append(members[find(members, "crimes")])),
    "member_changed": resealed(rewritten("crimes.parquet", b"PAR1", b"PAR2")),
    "row_changed": resealed(rewritten("events.jsonl", b"state_made", b"state_Made")),
    "member_renamed": resealed(renamed("records/other.parquet")),
    "member_outside": resealed(renamed("../outside")),
    "member_absolute": resealed(renamed("/tmp/outside")),
    "link": resealed(linked),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_that_is_not_whole_is_refused(kind: str, whole: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.tar"
    file.write_bytes(KINDS[kind](whole, random.Random(kind)))
    with pytest.raises(HarmcastError) as raised:
        backup.restore(file, tmp_path / "restored")
    assert raised.value.code in {"backup_damaged", "schema_newer"}
    assert not (tmp_path / "restored").exists()
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".restored")] == []


def test_nothing_is_written_over(full: State, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    file.write_text("mine")
    with pytest.raises(SettingsRefused):
        backup.back_up(full, file, ACTOR)
    with pytest.raises((SettingsRefused, StoreDamaged)):
        backup.restore(file, full.root)
    assert file.read_text() == "mine"
