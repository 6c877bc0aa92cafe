"""A state of the version before: the sentences its releases were held by become typed findings."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from harmcast.errors import StoreDamaged
from harmcast.oversight.findings import from_text
from harmcast.oversight.log import Event
from harmcast.oversight.release_rules import open_findings
from harmcast.store import operations, upgrade
from harmcast.store.operations import Operations

REASONS = {
    "volume: 3 crimes were recorded.": ("volume", "3 crimes were recorded."),
    "audit_concern: men: a gap.": ("concern", "men: a gap."),
    "audit_stop: two lines.": ("stop", "two lines."),
    "audit_stop: the monitor asks for suspension: it broke.": ("suspension", "the monitor asks for suspension: it broke."),
    "register: Legal advice: none is entered in the register.": ("missing", "Legal advice: none is entered in the register."),
    "register: Legal advice: it was refused (entered in the register, 1 May 2026).": (
        "refused", "Legal advice: it was refused (entered in the register, 1 May 2026).",
    ),
    "register: Legal advice: its review was due on 1 May 2026.": ("lapsed", "Legal advice: its review was due on 1 May 2026."),
    "register: The tool is stopped in the register.": ("stopped", "The tool is stopped in the register."),
    "somebody wrote this by hand": ("unknown", "somebody wrote this by hand"),
}  # fmt: skip


@pytest.fixture
def old(tmp_path: Path, store_url: str | None) -> Operations:
    """A database of revision 0003 with one release held by every kind of reason, and one that was not held."""
    database = Operations(operations.engine_of(operations.database_url(store_url, tmp_path)), b"0" * 32)
    with database.engine.begin() as connection:
        upgrade.to_revision(connection, "0004")
        connection.execute(
            sa.text(
                "INSERT INTO deliveries (delivery_id, content_sha256, standing, sequence, loaded_at, document) VALUES "
                "('d1', 'aa', 'loaded', 1, '2026-11-01', '{}'), ('d2', 'bb', 'loaded', 2, '2026-11-08', '{}')"
            )
        )
        for tool, reasons in (("iom", list(REASONS)), ("knife_injury", [])):
            connection.execute(
                sa.text(
                    "INSERT INTO releases (week, tool, revision, standing, origin, sequence, reasons, made_at) "
                    "VALUES ('2026-W46', :tool, 1, 'held', '2026-11-09', 1, :reasons, '2026-11-09')"
                ),
                {"tool": tool, "reasons": json.dumps(reasons)},
            )
        connection.execute(
            sa.text("INSERT INTO release_moves (release, to_standing, by, role, at) SELECT id, 'held', 'operator', 'operator', '2026-11-09' FROM releases")
        )
    return database


def test_old_reasons_become_findings_and_stop_what_they_stopped(old: Operations) -> None:
    upgrade.upgrade(old, Event("system", "operator", "administration", "schema_upgraded"))
    rows = {row["tool"]: from_text(row["findings"]) for row in old.rows(sa.text("SELECT tool, findings FROM releases"))}
    assert rows["knife_injury"] == ()
    assert [(f.kind, f.says) for f in rows["iom"]] == list(REASONS.values())
    assert {f.tool for f in rows["iom"]} == {"iom"}
    assert len({f.id for f in rows["iom"]}) == len(REASONS)
    assert rows["iom"][0].name.startswith("aa/")
    assert len(open_findings(rows["iom"], (), date(2026, 11, 9), ())) == len(REASONS)
    old.close()


def test_moves_stay_with_their_releases_and_references_are_heeded_again(old: Operations) -> None:
    of_moves = sa.text("SELECT r.tool FROM release_moves m JOIN releases r ON r.id = m.release ORDER BY m.id")
    upgrade.upgrade(old, Event("system", "operator", "administration", "schema_upgraded"))
    assert [row["tool"] for row in old.rows(of_moves)] == ["iom", "knife_injury"]
    with pytest.raises(sa.exc.IntegrityError), old.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM releases"))
    old.close()


def test_an_upgrade_stops_at_a_row_that_refers_to_nothing(old: Operations) -> None:
    if not old.is_sqlite:
        pytest.skip("SKIPPED: PostgreSQL takes no such row")
    with old.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("INSERT INTO release_moves (release, to_standing, by, role, at) VALUES (99, 'held', 'operator', 'operator', '2026-11-09')")
        raw.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(StoreDamaged, match=r"1 rows.*release_moves") as stopped:
        upgrade.upgrade(old, Event("system", "operator", "administration", "schema_upgraded"))
    assert (stopped.value.code, upgrade.revision(old)) == ("operations_damaged", "0004")
    old.close()
