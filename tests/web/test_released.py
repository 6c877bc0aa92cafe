"""What is kept is made once; a release is shown once it is read, and one that was withdrawn is gone at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import Clock

from harmcast.oversight.log import Event
from harmcast.publish import released
from harmcast.publish.released import ReadCache
from harmcast.store.state import State
from harmcast.web import ready, templating

TOOL = "knife_injury"
BY = Event("scientist", "data_scientist", "disclosure", "release_published")


def test_many_who_ask_at_once_wait_for_one() -> None:
    kept, made = ReadCache(), []
    begin = threading.Barrier(8)

    def ask() -> None:
        begin.wait()
        kept.get("key", lambda: made.append(1) or "thing")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_another_mark_takes_the_old_ones_place() -> None:
    kept = ReadCache(most=2)
    assert [kept.get("list", lambda n=n: n, mark=n) for n in (1, 1, 2, 2)] == [1, 1, 2, 2]
    assert kept.get("other", lambda: "other") == "other"
    assert kept.get("list", lambda: "not asked", mark=2) == 2


@pytest.fixture
def waiting(state: State) -> Iterator[State]:
    """A state whose newest release but one has been read ahead, the newest one just published."""
    newest = state.releases.history(TOOL)[-1]
    state.releases.move(newest, "held", BY)
    ready.prepare(state)
    state.releases.move(newest, "published", BY)
    yield state
    released._read_ahead.clear()


def test_a_release_is_shown_once_it_is_read(waiting: State) -> None:
    every = waiting.releases.history(TOOL)
    assert released.history(waiting, TOOL) == every[:-1]
    ready.prepare(waiting)
    assert released.history(waiting, TOOL) == every


def test_what_cannot_be_read_ahead_is_shown_all_the_same(waiting: State, clock: Clock) -> None:
    clock.on(seconds=released.AT_LAST_SECONDS + 1)
    assert released.history(waiting, TOOL) == waiting.releases.history(TOOL)


def test_what_was_withdrawn_is_gone_at_once(waiting: State) -> None:
    ready.prepare(waiting)
    newest = released.history(waiting, TOOL)[-1]
    waiting.releases.move(newest, "withdrawn", BY)
    assert newest.id not in {r.id for r in released.history(waiting, TOOL)}


def test_every_template_compiles_ahead() -> None:
    assert templating.compile_all() > len(list((templating.FOLDER / "templates" / "pages").glob("*.html")))


def test_a_page_shows_the_release_that_was_read(waiting: State, manager: TestClient) -> None:
    assert manager.get("/people").status_code == 200
