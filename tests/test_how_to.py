"""The how-to pages, followed: what a page tells to write is written, and does what the page says."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.force import OPERATOR, InventedForce

from harmcast.documents.effects import ORDER
from harmcast.runs import change_settings
from harmcast.runs.accept import retake_cuts
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weekly import run_week
from harmcast.weeks import Week

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
SCIENTIST = Actor("scientist", "Scientist", (("data_scientist", None),))


def block(page: str, kind: str) -> str:
    """The first block of a kind on a page."""
    found = re.search(rf"```{kind}\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), re.S)
    assert found
    return found[1]


def new_settings(state: State, folder: Path, change: Callable[[str], str], **files: str) -> Path:
    """A copy of a state's settings beside the files they name, changed."""
    import shutil

    shutil.copytree(state.root / "settings", folder / "new")
    path = folder / "new" / "settings.toml"
    path.write_text(change(path.read_text()))
    for name, content in files.items():
        (folder / "new" / name.replace("_csv", ".csv")).write_text(content)
    return path


def test_a_tool_is_added_by_settings_alone(own_weeks: State, invented_force: InventedForce, tmp_path: Path) -> None:
    file = new_settings(own_weeks, tmp_path, lambda text: f"{text}\n{block('tool.md', 'toml')}")
    change_settings.change(own_weeks, file, SCIENTIST)
    from harmcast.store.state import open_state

    with_tool = open_state(own_weeks.root)
    run_week(with_tool, invented_force.mondays[2], OPERATOR, delivery=invented_force.deliveries[3])
    (release,) = [r for r in with_tool.releases.of_week(str(Week.of(invented_force.mondays[2]))) if r.tool == "robbery"]
    cells = release.frame("robbery")
    assert cells["expected"].sum() > 0
    assert with_tool.register.tool("robbery").status == "shadow"
    with_tool.close()


def test_a_harm_index_is_named_and_the_cuts_taken_again(own_weeks: State, tmp_path: Path) -> None:
    index = block("harm-index.md", "csv")
    named = block("harm-index.md", "toml").strip()
    file = new_settings(own_weeks, tmp_path, lambda text: re.sub(r'^harm_index = .*$', named, text, flags=re.M), index_csv=index)
    assert named in file.read_text()
    said = change_settings.change(own_weeks, file, SCIENTIST)
    assert any("harm_index" in line for line in said.lines)
    from harmcast.store.state import open_state

    changed = open_state(own_weeks.root)
    retake_cuts(changed, SCIENTIST, date(2026, 11, 16), "New index")
    changed.close()


def test_a_check_gives_an_effect_on_both_sides_of_its_boundary() -> None:
    written: dict[str, object] = {}
    exec(block("check.md", "python"), written)
    night = written["night"]
    assert isinstance(night, types.FunctionType)
    assert [night(n, 10).verdict for n in (0, 5, 6)] == ["ok", "ok", "hold"]
    assert night(6, 10).next_step
    assert night(0, 0).verdict in ORDER


def test_every_check_has_its_row_in_the_manual() -> None:
    """A new check that nobody is told what to do at fails here."""
    sources = (Path(sys.modules["harmcast"].__file__ or "").parent / "feed" / "effects").glob("*.py")
    runs = (Path(sys.modules["harmcast"].__file__ or "").parent / "runs").glob("effects*.py")
    checks = {name for path in [*sources, *runs] for name in re.findall(r'(?:Effect|against_before)\(\s*"([a-z_]+)"', path.read_text())}
    manual = (HOW_TO.parent / "accepting-a-load.md").read_text(encoding="utf-8")
    assert len(checks) >= 8
    assert sorted(check for check in checks if f"| {check} |" not in manual) == []


def test_a_page_is_added_and_answers_only_whom_its_action_lets_in(own_weeks: State, monkeypatch: pytest.MonkeyPatch) -> None:
    from harmcast.web import app as apps
    from harmcast.web import pages as parts

    written = types.ModuleType("loads_today")
    monkeypatch.setitem(sys.modules, "loads_today", written)
    exec(block("page.md", "python"), written.__dict__)
    before = parts.all_pages()
    monkeypatch.setattr(parts, "all_pages", lambda: [*before, written.pages])
    client = TestClient(apps.create_app(own_weeks))
    answer = client.get("/loads-today", follow_redirects=False)
    assert answer.status_code in (302, 303)
    assert "/sign-in" in answer.headers["location"]


def test_a_question_is_one_entry_of_its_form(own_weeks: State, invented_force: InventedForce) -> None:
    from harmcast.publish.answers import compose, pieces
    from harmcast.publish.answers.collect import collect

    text = pieces.text_of("documents/foi.toml")
    entry = block("question.md", "toml").strip()
    assert text.rstrip().endswith("]")
    form = compose.read_form("foi", "documents/foi.toml", f"{text.rstrip()[:-1]}  {entry},\n]\n")
    (asked,) = [question for _, _, questions in form.parts for question in questions if question.number == "C5"]
    day = invented_force.mondays[1]
    facts = collect(own_weeks, day, day)
    blocks = compose._blocks(facts, "knife_injury", "places", asked)
    assert blocks
