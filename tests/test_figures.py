"""A figure holds for the code it was measured on: what a bench reaches, and what changes when that changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import figures, rests_on
from bench.results import Row, saved

ROOT = Path(__file__).parents[1]


def reached(module: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in rests_on.files_of(module)}


def test_a_bench_rests_on_what_it_imports_and_on_what_that_imports() -> None:
    found = reached("bench.places_again")
    assert "bench/places_again.py" in found
    assert "src/harmcast/places/counts.py" in found
    assert "src/harmcast/web/app.py" not in found


def test_a_bench_that_starts_the_command_line_rests_on_all_of_it() -> None:
    found = reached("bench.week")
    assert {"src/harmcast/cli.py", "src/harmcast/weekly.py", "src/harmcast/store/operations.py"} <= found
    assert "src/harmcast/publish/answers/pieces.toml" in found, "tables beside the code count too"


def test_a_bench_of_pages_rests_on_each_module_of_their_folder() -> None:
    found = reached("bench.work")
    assert {"src/harmcast/web/pages/area.py", "src/harmcast/web/pages/users.py"} <= found
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "src" / "harmcast" / "web" / "pages").glob("*.py")} <= found


@pytest.fixture
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "src/harmcast/__init__.py": "",
        "src/harmcast/cli.py": "from harmcast.inner import f\n",
        "src/harmcast/inner.py": "def f(): return 1\n",
        "src/harmcast/other.py": "x = 1\n",
        "bench/__init__.py": "",
        "bench/small.py": 'def main():\n    from harmcast import cli\n    saved("small", [])\nif __name__ == "__main__": main()\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(rests_on, "ROOT", tmp_path)
    monkeypatch.setattr(rests_on, "FOLDERS", {"harmcast": tmp_path / "src" / "harmcast", "bench": tmp_path / "bench"})
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    for cached in (rests_on.files_of, rests_on._named_in):
        cached.cache_clear()
    yield tmp_path
    for cached in (rests_on.files_of, rests_on._named_in):
        cached.cache_clear()


def again() -> None:
    rests_on.files_of.cache_clear()
    rests_on._named_in.cache_clear()


@pytest.mark.parametrize(
    ("changed", "still_holds"),
    [("src/harmcast/inner.py", False), ("src/harmcast/other.py", True), ("bench/small.py", False)],
)
def test_a_figure_holds_until_a_file_it_rests_on_changes(small_tree: Path, monkeypatch: pytest.MonkeyPatch, changed: str, still_holds: bool) -> None:
    monkeypatch.setattr("bench.results.started", lambda: "bench.small")
    monkeypatch.setattr("sys.argv", ["small"])
    assert saved("small", [Row(11, "seconds", "at most 5", "4", True)], small_tree / "figures") == 0
    (before,) = figures.kept(small_tree / "figures")
    assert before.holds
    (small_tree / changed).write_text((small_tree / changed).read_text() + "# changed\n")
    again()
    (after,) = figures.kept(small_tree / "figures")
    assert after.holds is still_holds
    assert ("holds" if still_holds else "*stale*") in figures.page([after]).splitlines()[-1]


@pytest.mark.parametrize(
    ("part", "files", "changed", "still_holds"),
    [
        ("bench.part", (), "bench/small.py", True),
        ("bench.part", (), "src/harmcast/other.py", False),
        (None, ("tests/test_room.py",), "tests/test_room.py", False),
        (None, ("tests/test_room.py",), "src/harmcast/other.py", True),
    ],
)
def test_a_figure_of_a_part_rests_on_that_part_and_on_the_files_named(
    small_tree: Path, monkeypatch: pytest.MonkeyPatch, part: str | None, files: tuple[str, ...], changed: str, still_holds: bool
) -> None:
    (small_tree / "bench/part.py").write_text("from harmcast import other\n")
    (small_tree / "tests").mkdir()
    (small_tree / "tests/test_room.py").write_text("")
    monkeypatch.setattr("bench.results.started", lambda: "bench.small")
    monkeypatch.setattr("sys.argv", ["small"])
    saved("small", [Row(11, "seconds", "at most 5", "4", True)], small_tree / "figures", part, files)
    (small_tree / changed).write_text((small_tree / changed).read_text() + "# changed\n")
    again()
    (after,) = figures.kept(small_tree / "figures")
    assert after.holds is still_holds


def test_a_folder_of_the_source_is_not_the_command() -> None:
    assert "src/harmcast/cli.py" not in reached("bench.known_chances")
    assert "src/harmcast/cli.py" in reached("bench.people_philadelphia")


def test_a_bench_started_as_a_package_rests_on_what_its_main_reaches() -> None:
    assert {"bench/faults/__main__.py", "bench/faults/kill.py"} <= reached("bench.faults")


def test_a_figure_of_a_bench_that_is_no_more_is_not_shown(small_tree: Path) -> None:
    folder = small_tree / "figures"
    folder.mkdir()
    (folder / "gone.json").write_text(json.dumps({"bench": "gone", "module": "bench.gone", "commit": "abc", "source": None, "data": None, "rows": []}))
    assert figures.kept(folder) == []


def test_a_short_figure_makes_the_exit_code_one(small_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.results.started", lambda: "bench.small")
    assert saved("small", [Row(11, "seconds", "at most 5", "6", False)], small_tree / "figures") == 1


def test_every_bench_of_the_makefile_is_known() -> None:
    assert {"week", "places", "people", "faults", "upgrade", "answers"} <= set(figures.benches())


def test_the_page_is_in_the_order_of_promises_and_no_cell_breaks_it(small_tree: Path) -> None:
    def kept(bench: str, row: Row) -> figures.Kept:
        return figures.Kept(bench, "bench.small", (), "abc", (vars(row),), False)

    later = kept("b", Row(9, "reads | together", "0 mixed", "1\nmixed", False))
    lines = [line for line in figures.page([later, kept("a", Row(1, "kills", "0", "0", True))]).splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines] == ["| promise", "| 1", "| 9"]
    assert "**no**" in lines[2]
    assert "reads \\| together" in lines[2]
    assert "1 mixed" in lines[2]
