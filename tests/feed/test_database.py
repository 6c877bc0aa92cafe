"""A database read as a delivery: a first load, weeks, deletions, drift, a connection that dies, an emptied source."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from bench.accepted import read_accepted
from tests.conftest import SETTINGS

from harmcast.errors import FeedRefused, RunStopped, SettingsRefused
from harmcast.feed import connection
from harmcast.invented import database as records_system
from harmcast.invented import making, slices
from harmcast.runs import inbox, source
from harmcast.runs.check import check_state
from harmcast.store import schema
from harmcast.store import state as states
from harmcast.store.state import State
from harmcast.store.users import Actor

PLAN = making.Plan(250, 1.0, 3, date(2026, 11, 22), 2, crimes_a_year=6_000.0, county_share=0.3)
OPERATOR = Actor("operator", "Operator", (("operator", None),))
MakeState = Callable[..., State]


@pytest.fixture(scope="module")
def weeks() -> list[dict[str, pl.DataFrame]]:
    """The history, then two weeks, as tables."""
    force = making.make(PLAN)
    return [slices.tables_of(force, sent, everything=i == 0) for i, sent in enumerate(making.sends(PLAN)[:3])]


@pytest.fixture
def url(store_url: str | None, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'source.db'}" if store_url is None else store_url.replace("postgresql://", "postgresql+psycopg://")


def state_of(make_state: MakeState, url: str, more: str = "", files: dict[str, str] | None = None) -> State:
    state = make_state(f'{SETTINGS}\n[feed]\nsource = "sql"\nurl = "{url}"\n{more}', files)
    at(state, "2026-11-09T05:00:00")
    return state


def at(state: State, moment: str) -> None:
    state.operations._now = lambda: datetime.fromisoformat(moment).replace(tzinfo=UTC)


def source_rows(url: str, name: str) -> pl.DataFrame:
    engine = sa.create_engine(url)
    _, tables = records_system.schema()
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(tables[name]))]
    engine.dispose()
    return pl.DataFrame(rows, schema=[c.name for c in tables[name].columns], orient="row", infer_schema_length=None)


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_what_is_held_follows_the_source_week_by_week(make_state: MakeState, url: str, weeks: list[dict[str, pl.DataFrame]]) -> None:
    records_system.fill(url, weeks[0])
    state = state_of(make_state, url)
    first = read_accepted(state, OPERATOR)[-1]
    assert sum(count.received for count in first.files) == sum(source_rows(url, t).height for t in ("crimes", "persons", "charges", "circumstances", "activity"))
    for week, moment in zip(weeks[1:], ("2026-11-16T05:00:00", "2026-11-23T05:00:00"), strict=True):
        records_system.advance(url, week)
        at(state, moment)
        again = read_accepted(state, OPERATOR)[-1]
        crimes = next(count for count in again.files if count.table == "crimes")
        assert crimes.received < first.files[0].received / 4
        assert all(count.adds_up for count in again.files)
    for name in ("crimes", "charges"):
        theirs = source_rows(url, name)
        key, columns = theirs.columns[0], [c for c in theirs.columns if c in state.records.known(name).columns]
        ours = state.records.known(name).select(columns).sort(key)
        assert ours.rows() == theirs.select(columns).sort(key).rows()
    charged = set(source_rows(url, "charges")["person_ref"])
    people = source_rows(url, "persons")
    assert charged & set(people["person_ref"]) <= set(state.records.known("persons")["person_ref"]) <= set(people["person_ref"])
    assert not list((state.root / "incoming").iterdir())
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
    nothing = read_accepted(state, OPERATOR)[-1]
    assert nothing.sequence is None
    assert nothing.changed_rows == 0


@pytest.fixture(scope="module")
def first_read(weeks: list[dict[str, pl.DataFrame]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source and a state that read it once; copied, never written to."""
    folder = tmp_path_factory.mktemp("first-read")
    records_system.fill(f"sqlite:///{folder / 'source.db'}", weeks[0])
    (folder / "settings.toml").write_text(f'{SETTINGS}\n[feed]\nsource = "sql"\nurl = "env:SOURCE_OF_TEST"\n')
    os.environ["SOURCE_OF_TEST"] = f"sqlite:///{folder / 'source.db'}"
    state = states.create(folder / "state", folder / "settings.toml")
    at(state, "2026-11-09T05:00:00")
    read_accepted(state, OPERATOR)
    state.close()
    return folder


@pytest.fixture
def loaded(first_read: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[State, str]]:
    shutil.copytree(first_read, tmp_path / "own")
    url = f"sqlite:///{tmp_path / 'own' / 'source.db'}"
    monkeypatch.setenv("SOURCE_OF_TEST", url)
    state = states.open_state(tmp_path / "own" / "state")
    at(state, "2026-11-16T05:00:00")
    yield state, url
    state.close()


def test_late_edits_deletions_and_people_charged_late(loaded: tuple[State, str]) -> None:
    state, url = loaded
    held = set(state.records.known("persons")["person_ref"])
    other = next(ref for ref in source_rows(url, "persons")["person_ref"].sort() if ref not in held)
    crime, gone = source_rows(url, "crimes").sort("changed_at")["crime_ref"].tail(2)
    run(
        url,
        f"UPDATE crimes SET injury = 'fatal', changed_at = '2026-11-03 10:00:00.000000' WHERE crime_ref = '{crime}'",
        f"DELETE FROM crimes WHERE crime_ref = '{gone}'",
        "INSERT INTO charges (charge_ref, person_ref, offence_code, happened_on, charged_on, outcome, changed_at)"
        f" VALUES ('LATE', '{other}', '008/01', '2026-11-10', '2026-11-11', 'charged', '2026-11-11 10:00:00.000000')",
    )
    result = read_accepted(state, OPERATOR)[-1]
    crimes = state.records.known("crimes")
    assert gone not in set(crimes["crime_ref"])
    assert next(count.deleted for count in result.files if count.table == "deletions") == 1
    assert other in set(state.records.known("persons")["person_ref"])
    assert result.made_at == datetime(2026, 11, 16, 5)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE crimes ADD COLUMN officer TEXT", "column_new"),
        ("ALTER TABLE crimes DROP COLUMN weapon", "column_lost"),
        ("ALTER TABLE charges RENAME COLUMN outcome TO result", "column_lost"),
    ],
)
def test_a_source_that_drifts_is_refused_and_on_record(loaded: tuple[State, str], statement: str, rule: str) -> None:
    state, url = loaded
    before = state.records.data_hash()
    run(url, statement)
    with pytest.raises(FeedRefused) as refused:
        read_accepted(state, OPERATOR)
    assert rule in {fault.rule for fault in refused.value.faults}
    assert state.records.data_hash() == before
    rows = state.operations.rows(sa.select(schema.deliveries).order_by(schema.deliveries.c.id.desc()).limit(1))
    assert rows[0]["standing"] == "refused"


def test_a_column_of_another_type_is_refused(loaded: tuple[State, str]) -> None:
    state, url = loaded
    run(url, "ALTER TABLE crimes RENAME TO old", "CREATE TABLE crimes AS SELECT * FROM old", "DROP TABLE old")
    with pytest.raises(FeedRefused) as refused:
        read_accepted(state, OPERATOR)
    assert {fault.rule for fault in refused.value.faults} & {"column_retyped", "contract_broken"}


def test_an_emptied_source_is_refused(loaded: tuple[State, str]) -> None:
    state, url = loaded
    run(url, "DELETE FROM charges")
    with pytest.raises(FeedRefused) as refused:
        read_accepted(state, OPERATOR)
    assert refused.value.code == "deletions_odd"
    assert state.records.known("charges").height


def test_a_read_that_waits_is_loaded_before_the_next(loaded: tuple[State, str]) -> None:
    state, url = loaded
    at(state, "2026-11-09T06:00:00")  # a week later without a record would be held
    crime = source_rows(url, "crimes")["crime_ref"][0]
    run(url, f"DELETE FROM crimes WHERE crime_ref = '{crime}'")
    waiting = source.read(state)
    half = state.root / "incoming" / ".sql-half.making"
    half.mkdir()
    (half / "crimes.parquet").write_bytes(b"half")
    loads = read_accepted(state, OPERATOR)
    assert loads[0].delivery_id == waiting.name
    assert len(loads) == 2
    assert loads[1].sequence is None
    assert not list((state.root / "incoming").iterdir())


def test_a_key_that_comes_back_while_it_is_read_is_not_taken_as_deleted(
    loaded: tuple[State, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are asked beside the rows: what was not there then, and is among the rows now, is there."""
    state, url = loaded
    crime = source_rows(url, "crimes").sort("changed_at")["crime_ref"][-1]  # inside the lag window: its row is read
    asked = connection.keys_there
    monkeypatch.setattr(connection, "keys_there", lambda *given: (keys := asked(*given)).filter(keys != crime))
    result = read_accepted(state, OPERATOR)[-1]
    assert sum(count.deleted for count in result.files) == 0
    assert crime in set(state.records.known("crimes")["crime_ref"])


def test_a_clock_set_back_stops_the_read(loaded: tuple[State, str]) -> None:
    state, _ = loaded
    at(state, "2026-11-01T05:00:00")
    with pytest.raises(RunStopped) as stopped:
        read_accepted(state, OPERATOR)
    assert stopped.value.code == "clock_set_back"


def test_other_names_by_mapping(make_state: MakeState, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    run(
        url,
        "CREATE TABLE OFFENCES (Ref INTEGER PRIMARY KEY, Class TEXT, Began DATETIME, Entered DATETIME, Edited DATETIME, X REAL, Y REAL, Officer TEXT)",
        "INSERT INTO OFFENCES VALUES (7, '008/01', '2026-01-05 22:10:00.000000', '2026-01-06 09:00:00.000000', '2026-01-06 09:00:00.000000', 400100, 290200, 'x')",
    )
    mapping = """
[tables.crimes]
file = "OFFENCES.parquet"
ignore = ["Officer"]
[tables.crimes.columns]
crime_ref = "Ref"
offence_code = "Class"
happened_from = "Began"
recorded_at = "Entered"
changed_at = "Edited"
easting_m = "X"
northing_m = "Y"
status = { constant = "recorded" }
weapon = { constant = "knife" }
injury = { constant = "minor" }
"""
    places_only = SETTINGS.split("[[tools]]\nname = \"iom\"")[0]
    state = make_state(f'{places_only}\n[feed]\nsource = "sql"\nurl = "{url}"\nmapping = "mapping.toml"\n', {"mapping.toml": mapping})
    at(state, "2026-11-09T05:00:00")
    read_accepted(state, OPERATOR)
    assert state.records.known("crimes")["crime_ref"].to_list() == ["7"]
    run(url, "DELETE FROM OFFENCES", "INSERT INTO OFFENCES VALUES (8, '008/01', '2026-01-05 22:10:00', '2026-11-10 09:00:00', '2026-11-10 09:00:00', 1, 1, '')")
    at(state, "2026-11-16T05:00:00")
    inbox.load_what_is_due(state, date(2026, 11, 16), OPERATOR)
    assert state.records.known("crimes")["crime_ref"].to_list() == ["8"]


# -- a connection that dies ----------------------------------------------------------------------


class Cutting:
    """A line to the database that is cut once so many bytes came back, for its first connections."""

    def __init__(self, port: int, after: int, cuts: int) -> None:
        self.port, self.after, self.cuts, self.cut = port, after, cuts, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._pass, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, self.after), daemon=True).start()

    def _pass(self, given: socket.socket, taken: socket.socket, after: int | None) -> None:
        came = 0
        try:
            while data := given.recv(65536):
                came += len(data)
                if after is not None and came > after and self.cut < self.cuts:
                    self.cut += 1
                    break
                taken.sendall(data)
        except OSError:
            pass
        for side in (given, taken):
            side.close() if side.fileno() < 0 else (side.shutdown(socket.SHUT_RDWR) if after else None)
        taken.close()
        given.close()


@pytest.fixture
def cut_line(postgres_server: str) -> Iterator[Cutting]:
    line = Cutting(int(postgres_server.rsplit(":", 1)[1]), after=200_000, cuts=1)
    yield line
    line.listener.close()


@pytest.mark.postgres
def test_a_connection_that_dies_half_way_is_tried_again(
    make_state: MakeState, postgres_server: str, cut_line: Cutting, weeks: list[dict[str, pl.DataFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = postgres_server.replace("postgresql://", "postgresql+psycopg://") + "/postgres"
    records_system.fill(direct, weeks[0], name="records")
    state = state_of(make_state, f"postgresql+psycopg://harmcast@127.0.0.1:{cut_line.address}/postgres", 'sql_schema = "records"\n')
    monkeypatch.setattr(connection.patiently, "__defaults__", ((0.0,),))
    read_accepted(state, OPERATOR)
    assert cut_line.cut == 1
    assert state.records.known("crimes").height == weeks[0]["crimes"]["crime_ref"].n_unique()


def test_a_database_that_is_not_there_is_said(make_state: MakeState, monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_of(make_state, "postgresql+psycopg://harmcast@127.0.0.1:1/none")
    monkeypatch.setattr(connection.patiently, "__defaults__", ((0.0,),))
    with pytest.raises(RunStopped) as stopped:
        read_accepted(state, OPERATOR)
    assert stopped.value.code == "source_unreachable"
    assert json.dumps(stopped.value.document()).count("127.0.0.1") == 0
    with pytest.raises(SettingsRefused):
        connection.engine_of(state.settings.feed.model_copy(update={"url": "nothing at all"}))


def test_references_that_the_source_keeps_as_doubles_are_the_same_references_in_the_next_read(
    make_state: MakeState, url: str, weeks: list[dict[str, pl.DataFrame]]
) -> None:
    """A number column with gaps: 411.0 beside a held 411 is no deletion."""
    run(
        url,
        "CREATE TABLE crimes (crime_ref DOUBLE PRECISION, offence_code TEXT, happened_from TEXT, happened_to TEXT, recorded_at TEXT, changed_at TEXT, status TEXT, "
        "easting_m DOUBLE PRECISION, northing_m DOUBLE PRECISION, weapon TEXT, injury TEXT)",
        *(
            f"INSERT INTO crimes VALUES ({400 + k}.0, '008/01', '2026-11-0{1 + k % 5}T10:00:00', NULL, '2026-11-0{2 + k % 5}T09:00:00', "
            f"'2026-11-0{2 + k % 5}T09:00:00', 'recorded', {400000 + k}, 290000, 'knife', 'minor')"
            for k in range(30)
        ),
    )  # fmt: skip
    settings = SETTINGS.split("[[tools]]")[0] + '[[tools]]\nname = "knife_injury"\nkind = "places"\ncell_area_km2 = 1.0\nwhere = { weapon = ["knife"] }\n'
    state = make_state(f'{settings}\n[feed]\nsource = "sql"\nurl = "{url}"\n')
    at(state, "2026-11-09T05:00:00")
    read_accepted(state, OPERATOR)
    assert sorted(state.records.known("crimes")["crime_ref"])[:2] == ["400", "401"]
    at(state, "2026-11-16T05:00:00")
    again = read_accepted(state, OPERATOR)[-1]
    assert sum(count.deleted for count in again.files) == 0
    assert state.records.known("crimes").height == 30


def test_a_state_named_by_a_relative_path_reads_its_database(
    make_state: MakeState, url: str, weeks: list[dict[str, pl.DataFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    records_system.fill(url, weeks[0])
    root = state_of(make_state, url).root
    monkeypatch.chdir(root.parent)
    state = states.open_state(Path(root.name))
    at(state, "2026-11-09T05:00:00")
    assert read_accepted(state, OPERATOR)[-1].changed_rows > 0
    state.close()


def test_check_names_the_column_that_a_view_lacks(make_state: MakeState, url: str, weeks: list[dict[str, pl.DataFrame]]) -> None:
    records_system.fill(url, weeks[0])
    root = state_of(make_state, url).root
    said = next(line for line in check_state(root).seen if line.startswith("source"))
    assert said.startswith("source: the database answers; can be read: crimes, persons, charges")
    run(url, "ALTER TABLE crimes RENAME TO crimes_held", "CREATE VIEW crimes AS SELECT crime_ref, offence_code FROM crimes_held")
    assert ("column_lost", "recorded_at") in {(fault.rule, fault.column) for fault in check_state(root).faults}


def test_check_names_the_tables_that_the_account_may_not_read(make_state: MakeState, url: str, weeks: list[dict[str, pl.DataFrame]]) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("SQLite knows no rights")
    records_system.fill(url, weeks[0])
    run(url, "CREATE ROLE reader LOGIN", "GRANT SELECT ON crimes, persons TO reader")
    reader = sa.make_url(url).set(username="reader").render_as_string(hide_password=False)
    try:
        found = check_state(state_of(make_state, reader).root)
        refused = {fault.where for fault in found.faults if fault.rule == "source_refuses"}
        assert refused == {"charges", "circumstances", "activity", "deletions"}
    finally:
        run(url, "DROP OWNED BY reader", "DROP ROLE reader")
