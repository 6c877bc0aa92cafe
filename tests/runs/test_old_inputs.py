"""Inputs that once went wrong on the whole way of a load: what is held, or what is said, is right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bench.accepted import load_accepted

from harmcast.errors import FeedRefused
from harmcast.runs.check import check_state
from harmcast.runs.load import load_delivery, try_delivery
from harmcast.runs.moves import cohort_of
from harmcast.store.state import State

MakeState = Callable[..., State]
Deliver = Callable[..., Path]
Good = Mapping[str, Mapping[str, str]]
SETTINGS = '[force]\nname = "Test force"\narea_from = "first_days"\n[[tools]]\nname = "iom"\nkind = "people"\n'
INDEX = 'offence_code;weight;unit;edition;source\n8/1;"1460";days;2026;test\n5/1;"20";days;2026;test\n'


def people(rows: Good, number: int, **changed: str) -> list[dict[str, str]]:
    return [{**rows["persons"], "person_ref": f"P{n}", "born_on": f"{1970 + n % 30}-03-{1 + n % 28:02d}", **changed} for n in range(number)]


def charges(rows: Good, number: int) -> list[dict[str, str]]:
    return [{**rows["charges"], "charge_ref": f"H{n}", "person_ref": f"P{n}", "crime_ref": ""} for n in range(number)]


def test_births_in_another_format_are_refused_with_rule_column_count_and_first_rows(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    persons = people(rows, 100)
    for row in persons[:5]:
        row["born_on"] = "12/11/1988"
    with pytest.raises(FeedRefused) as refused:
        load_delivery(make_state(SETTINGS), deliver({"persons": persons, "charges": charges(rows, 100)}))
    said = {f.rule: (f.column, f.count, f.rows) for f in refused.value.faults}
    assert said["quarantine_share"][1] == 5
    assert said["date_unreadable"] == ("born_on", 5, (1, 2, 3, 4, 5))
    assert "12/11/1988" not in str(refused.value)


def parquet(folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """A delivery as a tool of the Hadoop world writes it: every time in INT96."""
    files = {}
    for name, held in tables.items():
        pq.write_table(pa.Table.from_pylist([dict(row) for row in held]), folder / f"{name}.parquet", use_deprecated_int96_timestamps=True)
        files[f"{name}.parquet"] = {"rows": len(held), "sha256": hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"delivery_id": "int96", "made_at": "2026-03-02T05:00:00", "complete": False, "files": files}))
    return folder


def test_open_ended_dates_in_int96_load_and_an_end_of_time_is_no_birth(make_state: MakeState, rows: Good, tmp_path: Path) -> None:
    end = datetime(9999, 12, 31)
    stamped = {"changed_at": datetime(2026, 1, 7, 10)}
    persons = [{**row, **stamped, "born_on": datetime(1990, 5, 1) if n else end, "review_due_on": end} for n, row in enumerate(people(rows, 3))]
    charged = [{**row, **stamped, "happened_on": datetime(2026, 1, 5), "charged_on": datetime(2026, 1, 7)} for row in charges(rows, 3)]
    (tmp_path / "in").mkdir()
    state = make_state(SETTINGS)
    load_accepted(state, parquet(tmp_path / "in", {"persons": persons, "charges": charged}))
    assert set(state.records.known("persons")["review_due_on"]) == {date(9999, 12, 31)}
    born = dict(state.records.known("persons_protected", columns=["person_ref", "born_on"]).iter_rows())
    assert born == {"P0": None, "P1": date(1990, 5, 1), "P2": date(1990, 5, 1)}


def test_somebody_merged_into_nobody_stays_and_it_is_said(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    state = make_state(SETTINGS)
    load_accepted(state, deliver({"persons": people(rows, 30), "charges": charges(rows, 30)}))
    gone = people(rows, 1, merged_into="Q9", changed_at="2026-03-08T09:00:00")
    delivery = deliver({"persons": gone}, "2026-03-09T05:00:00")
    found = {f"{e.check} {e.scope}": e for e in try_delivery(state, delivery).effects}
    assert found["links persons merged_into"].verdict == "note"
    assert found["people iom merged_away"].value == 0
    load_accepted(state, delivery)
    inside = cohort_of(lambda table: state.records.known(table), date(2026, 3, 9), state.settings.retention.group_years)
    assert inside.filter(inside["person_ref"] == "P0")["reason"].to_list() == [None]


@pytest.mark.parametrize(("code", "weighed"), [("008/01", 12), ("028/01", 0)])
def test_check_says_how_many_held_charges_an_index_with_unpadded_codes_weighs(
    make_state: MakeState, deliver: Deliver, rows: Good, code: str, weighed: int
) -> None:
    state = make_state(SETTINGS + 'harm_index = "index.csv"\n[bands]\ncuts = [1.0, 100.0, 500.0, 1000.0]\n', {"index.csv": INDEX})
    load_accepted(state, deliver({"persons": people(rows, 12), "charges": [{**row, "offence_code": code} for row in charges(rows, 12)]}))
    found = check_state(state.root)
    if weighed:
        assert any("weighs 12 of 12 charges held" in line for line in found.seen)
    else:
        assert [fault.rule for fault in found.faults] == ["harm_index_weighs_nothing"]


def test_2020_typed_for_2000_is_no_birth(make_state: MakeState, deliver: Deliver, rows: Good) -> None:
    """An age of six at the charge is no age, and it is said."""
    state = make_state(SETTINGS)
    persons = people(rows, 30)
    persons[0]["born_on"] = (date(2026, 1, 7) - timedelta(days=6 * 365)).isoformat()
    said = {e.scope: e.value for e in try_delivery(state, deliver({"persons": persons, "charges": charges(rows, 30)})).effects if e.check == "placeholders"}
    assert said["persons age at a charge"] == 1
