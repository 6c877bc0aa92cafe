"""Data quality: the load that waits with the very command, and what was refused or put aside by rule, column and count."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace

from fastapi.testclient import TestClient

from harmcast.documents.effects import Effect
from harmcast.errors import Fault
from harmcast.oversight.log import Event
from harmcast.store import deliveries, loads
from harmcast.store.state import State

SignIn = Callable[[str], TestClient]
EVENT = Event("system", "operator", "collection", "delivery_loaded")
HELD = Effect("deletions", "persons", 40, 0, 20, "hold", "Two people look.", "40 of 1,000 go.", people=2)


def waits(state: State, effects: list[Effect], why: list[str], set_aside: list[tuple[str, Fault]] | None = None) -> int:
    document = {"effects": [e.document() for e in effects], "why_waits": why, "needs": max((e.people for e in effects), default=1), "comparison": []}
    row = {
        "delivery_id": "2026-W47", "content_sha256": "0" * 64, "made_at": "2026-11-16T05:00:00", "complete": False, "standing": "waiting",
        "sequence": None, "document": json.dumps(document), "accepted_by": None, "accepted_at": None, "accept_reason": None, "mapping_sha256": None,
    }  # fmt: skip
    with state.operations.writing(EVENT) as tx:
        return deliveries.note(tx, row, [], set_aside or [])


def refused(state: State, faults: list[Fault]) -> None:
    with state.operations.writing(EVENT) as tx:
        deliveries.note_refused(tx, "2026-W48", "quarantine_share", faults)


def text_of(client: TestClient, path: str = "/data-quality") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_a_load_that_waits_stands_first_with_why_and_the_very_commands(state: State, sign_in: SignIn) -> None:
    number = waits(state, [], ["first_load", "new_mapping"])
    refused(state, [])  # a delivery refused since then does not hide it
    said = text_of(sign_in("data_scientist"))
    assert f"Load {number}, 2026-W47 , waits" in said
    assert "it is the first of this state and the mapping is another than before" in said
    assert "before a data scientist accepts it" in said
    assert f"harmcast accept STATE --load {number} --reason TEXT --code CODE" in said
    assert f"harmcast reject STATE --load {number} --reason TEXT --code CODE" in said
    assert "Delivery 2026-W47" in said


def test_where_two_are_needed_the_first_is_named_and_the_second_gets_their_command(state: State, sign_in: SignIn) -> None:
    number = waits(state, [HELD], ["effects"])
    assert "before two people accept it" in text_of(sign_in("data_scientist"))
    with state.operations.writing(EVENT) as tx:
        loads.look_first(tx, loads.numbered(state.operations, number), "dan", "as the source says")
    said = text_of(sign_in("supervisor"))
    assert "dan accepted first: as the source says" in said
    assert f"harmcast accept STATE --load {number} --second --reason TEXT --code CODE" in said


def test_a_refusal_is_told_by_rule_column_count_first_rows_and_next_step(state: State, sign_in: SignIn) -> None:
    refused(
        state,
        [
            Fault("date_unreadable", "persons.csv", column="born_on", count=1204, rows=(3, 9, 11), next_step="map the format"),
            Fault("value_new", "crimes.csv", column="weapon", count=7, rows=(2,), values=(("AXE", 7),)),
            Fault("file_missing", "charges.csv"),
        ],
    )
    said = text_of(sign_in("data_scientist"))
    assert "Why it was refused" in said
    assert "persons.csv born_on date unreadable map the format 1,204 3, 9, 11" in said
    assert "crimes.csv weapon value new AXE (7) 7 2" in said
    assert "charges.csv whole file file missing" in said


def test_rows_put_aside_are_told_the_same_way(state: State, sign_in: SignIn) -> None:
    fault = Fault("number_unreadable", "crimes.csv", row=1, column="easting_m")
    waits(state, [], ["first_load"], [("crimes", replace(fault, row=row)) for row in (9, 4, 7, 21, 5, 30)])
    said = text_of(sign_in("data_scientist"))
    assert "crimes.csv easting_m number unreadable 6 4, 5, 7, 9, 21" in said


def test_while_no_load_waits_nothing_is_said_of_one(sign_in: SignIn) -> None:
    assert "harmcast accept" not in text_of(sign_in("intelligence_analyst"))
