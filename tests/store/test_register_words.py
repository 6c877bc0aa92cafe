"""What the register says of a tool: words with their first day, none of them lost."""

from __future__ import annotations

import json
from datetime import date

import pytest
import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.state import State

EVENT = Event("dpo", "data_protection_officer", "administration", "tool_described")
MAY, JUNE = date(2026, 5, 4), date(2026, 6, 1)


def test_words_hold_from_their_day_and_earlier_ones_stay_held(any_state: State) -> None:
    any_state.register.describe("iom", {"purpose": "To help.", "website": "force.invalid/iom"}, EVENT, MAY)
    any_state.register.describe("iom", {"purpose": "To support."}, EVENT, JUNE)
    before, may, now = (any_state.register.tool("iom", day) for day in (date(2026, 5, 3), date(2026, 5, 31), None))
    assert before.purpose is None
    assert (may.purpose, may.website) == ("To help.", "force.invalid/iom")
    assert (now.purpose, now.website) == ("To support.", "force.invalid/iom")
    assert any_state.operations.entries()[-1].detail == '{"fields":["purpose"],"from_on":"2026-06-01","tool":"iom"}'


def test_words_written_late_for_an_earlier_day_do_not_stand_over_later_ones(state: State) -> None:
    state.register.describe("iom", {"owner": "B"}, EVENT, JUNE)
    state.register.describe("iom", {"owner": "A"}, EVENT, MAY)
    assert state.register.tool("iom").owner == "B"
    assert state.register.tool("iom", MAY).owner == "A"


def test_a_row_of_an_earlier_version_still_reads(state: State) -> None:
    with state.operations.writing(EVENT) as tx:
        tx.execute(
            sa.insert(schema.register_tools).values(
                tool="iom", title="iom", purpose="Old words", developer="The lab", cost="Two analysts",
                document=json.dumps({"users": "Units"}), changed_at=tx.at, by="dpo",
            )
        )  # fmt: skip
    tool = state.register.tool("iom", MAY)
    assert (tool.purpose, tool.made_by, tool.users, tool.owner) == ("Old words", "The lab", "Units", None)
    assert state.register.cost("iom", MAY) == "Two analysts"
    state.register.describe("iom", {"owner": "The head"}, EVENT, JUNE)
    assert state.register.tool("iom", JUNE).purpose == "Old words"


def test_a_field_that_the_register_lacks_is_a_bug(state: State) -> None:
    with pytest.raises(KeyError):
        state.register.describe("iom", {"colour": "red"}, EVENT)
