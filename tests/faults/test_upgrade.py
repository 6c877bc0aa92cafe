"""A small version of the upgrade bench: a state written by version 0.1.0, killed on its way up."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import upgrade


@pytest.mark.slow
def test_a_state_of_0_1_0_comes_up_whole_however_often_it_is_killed(tmp_path: Path) -> None:
    commit = upgrade.commit_of_release()
    if commit is None:
        pytest.skip("SKIPPED: this checkout has no history to take the older version from")
    source = upgrade.old_source(commit, tmp_path / "old")
    upgrade.build(source, tmp_path / "made", None, people=120, events=300, decisions=60)
    held = upgrade.Held(tmp_path / "made" / "state")
    assert upgrade.revision(held.url(held.state)) == "0003"
    outcome = upgrade.upgraded(held, tmp_path, kills=4)
    assert outcome.wrong == []
    assert outcome.kills == 4
    assert outcome.rows["decisions"] == 60
