"""One banner for old data, with the first true cause."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.web.conftest import Clock, SignIn

from harmcast.errors import Fault
from harmcast.oversight.log import Event
from harmcast.store import deliveries
from harmcast.store.state import State
from harmcast.web.old_data import OldData, RefusedFor, WithdrawnBy, first_cause

TODAY = date(2026, 11, 28)
WITHDRAWN = WithdrawnBy("2026-W48", "Dara Winck", date(2026, 11, 24), "The weapon column was empty.")
HELD = ("2026-W48", "held", "The map moved.")
REFUSED = RefusedFor("delivery-48", [("quarantine_share", None, 310, "3.1% of the rows are broken"), ("date_unreadable", "happened_from", 300, "")])


def cause(days: int, withdrawn: WithdrawnBy | None = None, waits: tuple[str, str, str] | None = None, refused: RefusedFor | None = None) -> OldData | None:
    return first_cause("Knife crime", "2026-W47", TODAY - timedelta(days=days), TODAY, withdrawn, waits, refused)


def test_withdrawn_comes_first_with_who_and_why() -> None:
    found = cause(30, WITHDRAWN, HELD, REFUSED)
    assert found == OldData(
        "Knife crime: week 2026-W48 was withdrawn.",
        "By Dara Winck on 24 November: The weapon column was empty. The figures shown are of release 2026-W47.",
    )


def test_held_comes_before_a_refused_delivery() -> None:
    found = cause(30, None, HELD, REFUSED)
    assert found == OldData("Knife crime: week 2026-W48 is held.", "The map moved. The figures shown are of release 2026-W47.")
    waits = cause(1, None, ("2026-W48", "draft", ""))
    assert waits is not None
    assert waits.reason.startswith("A person has to release it.")


def test_refused_names_rule_column_rows_and_share_of_the_limit() -> None:
    found = cause(9, None, None, REFUSED)
    assert found is not None
    assert found.title == "Knife crime: this data is 9 days old."
    assert "quarantine share, 310 rows (3.1% of the rows are broken); date unreadable, column happened_from, 300 rows." in found.reason


@pytest.mark.parametrize(("days", "is_old"), [(8, False), (9, True)])
def test_data_is_old_from_the_ninth_day(days: int, is_old: bool) -> None:
    assert (cause(days) is not None) is is_old
    assert (cause(days, refused=REFUSED) is not None) is is_old


def test_with_nothing_else_none_came() -> None:
    found = cause(9)
    assert found is not None
    assert found.reason.startswith("No newer delivery has come.")


def test_nothing_shown_says_so() -> None:
    found = first_cause("Knife crime", None, None, TODAY, None, HELD, None)
    assert found is not None
    assert found.reason.endswith("No figures are shown.")
    assert first_cause("Knife crime", None, None, TODAY, None, None, REFUSED) is None


def test_the_page_says_each_cause_as_the_records_have_it(state: State, sign_in: SignIn, clock: Clock) -> None:
    client = sign_in("intelligence_analyst")
    assert "days old" not in client.get("/areas/knife_injury").text
    clock.on(days=10)
    client = sign_in("intelligence_analyst")
    assert "No newer delivery has come." in client.get("/areas/knife_injury").text
    with state.operations.writing(Event("system", "operator", "collection", "delivery_refused")) as tx:
        deliveries.note_refused(tx, "delivery-48", "delivery_refused", [Fault("quarantine_share", "crimes.csv", count=310, next_step="3.1% of the rows are broken")])
    text = client.get("/areas/knife_injury").text
    assert "The delivery delivery-48 was refused: quarantine share, 310 rows (3.1% of the rows are broken)." in text
    assert "No newer delivery has come." not in text
    newest = state.releases.newest("knife_injury")
    assert newest
    state.releases.move(newest, "withdrawn", Event("supervisor", "supervisor", "alteration", "release_withdrawn"), "The weapon column was empty.")
    text = client.get("/areas/knife_injury").text
    assert "Knife crime causing injury: week 2026-W47 was withdrawn." in text
    assert "The weapon column was empty. The figures shown are of release 2026-W46." in text
    assert text.count("<strong>Knife crime causing injury:") == 1
