"""A tool leaves shadow once its approvals stand: what was published in shadow is seen by everyone trained from that day."""

from __future__ import annotations

from datetime import date

import pytest
from bench.out_of_shadow import OFFICER, approve, enter

from harmcast.errors import NotFit
from harmcast.store.state import State

DAY = date(2026, 3, 2)


@pytest.mark.parametrize("status", ["trial", "in use"])
def test_without_its_approvals_it_stays_in_shadow_and_nothing_is_logged(state: State, status: str) -> None:
    enter(state, "iom", "dpia", DAY)
    entries = len(state.operations.entries())
    with pytest.raises(NotFit) as refused:
        state.register.set_status("iom", status, DAY, None, OFFICER)  # type: ignore[arg-type]
    assert refused.value.code == "approvals_missing"
    assert "Legal advice: none is entered" in refused.value.message
    assert "Data protection impact assessment" not in refused.value.message
    assert state.register.tool("iom", DAY).status == "shadow"
    assert len(state.operations.entries()) == entries


def test_with_them_it_leaves_from_the_day_they_are_dated(state: State) -> None:
    approve(state, None, DAY)
    with pytest.raises(NotFit):
        state.register.set_status("iom", "trial", date(2026, 3, 1), None, OFFICER)
    state.register.set_status("iom", "trial", DAY, None, OFFICER)
    assert state.register.tool("iom", DAY).status == "trial"
    state.register.set_status("iom", "stopped", DAY, None, OFFICER)
    assert state.register.tool("iom", DAY).status == "stopped"
