"""What a request reads once, and when it reads anew."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.once import once, reading_once
from harmcast.store.operations import set_fact
from harmcast.store.state import State

LOOK = Event("ann", "administrator", "consultation", "page_viewed")


def test_within_a_request_a_thing_is_read_once_and_outside_it_each_time() -> None:
    reads = iter(range(10))
    assert [once("a", lambda: next(reads)) for _ in range(2)] == [0, 1]
    with reading_once():
        assert [once("a", lambda: next(reads)), once("a", lambda: next(reads)), once("b", lambda: next(reads))] == [2, 2, 3]
    with reading_once():
        assert once("a", lambda: next(reads)) == 4


def test_a_request_reads_anew_after_it_wrote_a_row_and_not_after_a_look(make_state: Callable[..., State]) -> None:
    state = make_state()
    asked: list[str] = []
    sa.event.listen(state.operations.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))

    def questions() -> int:
        asked.clear()
        assert state.releases.newest("knife_injury") is None
        return sum("FROM releases" in one for one in asked)

    with reading_once():
        assert (questions(), questions()) == (1, 0)
        state.operations.record(LOOK)
        assert questions() == 0
        with state.operations.writing(LOOK) as tx:
            set_fact(tx, "anything", "1")
        assert (questions(), questions()) == (1, 0)
    assert (questions(), questions()) == (1, 1)
    assert schema.is_kept(schema.releases.name)
