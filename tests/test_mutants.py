"""A small sample of the faults that `make mutants` draws: put in, tried, and judged, on the rules of the release."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import mutants
from bench.mutants import Fault, Room
from bench.nearest_first import nearness

SAMPLE = Room(("oversight/release_rules.py",), ("tests/oversight/test_release_rules.py",))


@pytest.mark.slow
def test_small_faults_in_the_rules_of_a_release_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "WORK", tmp_path)
    folder = mutants.begun("sample", SAMPLE, drawn=3, seed=11, afresh=False)
    changed = folder / "tree" / "src/harmcast/oversight/release_rules.py"
    changed.write_text("a fault that was in when the run was stopped")
    assert mutants.begun("sample", SAMPLE, drawn=3, seed=99, afresh=False) == folder, "an interrupted draw goes on"
    assert changed.read_bytes() == (mutants.ROOT / "src/harmcast/oversight/release_rules.py").read_bytes(), "and leaves no fault behind"
    mutants._cosmic_ray(folder / "tree", "exec", "mutants.toml", "session.sqlite")
    assert mutants.judged(folder) == (3, [])


ALIVE = Fault("src/harmcast/people/bands.py", 12, "core/NumberReplacer", "x = 1")


@pytest.mark.parametrize(
    ("tried", "alive", "listed", "met", "says"),
    [
        (60, 6, 0, True, "54 of 60 = 0.90; 0 equivalent"),
        (60, 7, 0, False, "53 of 60 = 0.88; 0 equivalent"),
        (60, 3, 3, True, "57 of 57 = 1.00; 3 equivalent"),
        (60, 4, 4, False, "56 of 56 = 1.00; 4 equivalent"),
    ],
)
def test_nine_in_ten_must_be_found_and_few_may_be_called_equivalent(tried: int, alive: int, listed: int, met: bool, says: str) -> None:
    faults = [Fault(ALIVE.module, n, ALIVE.operator, f"x = {n}") for n in range(alive)]
    reasons = {(f.module, f.operator, f.text): "no caller sees it" for f in faults[:listed]}
    row = mutants.row_of("people", tried, faults, 5, reasons)
    assert (row.met, row.got) == (met, f"{says}; seed 5")


def test_a_union_in_an_annotation_is_no_fault() -> None:
    quiet = mutants.where_a_fault_says_nothing("def f(\n    a: int | None,\n    b=1 | 2,\n) -> int | None:\n    return a\n")
    assert quiet == {2, 4}
    assert mutants.bare_annotations("class A:\n    way: Literal[-1, 1]\n    most: int = 3\n") == {2}


def test_every_room_has_modules_and_tests_that_are_there() -> None:
    for name, room in mutants.ROOMS.items():
        assert mutants.modules_of(room), name
        for test in room.tests:
            assert (mutants.ROOT / test).exists(), test


@pytest.mark.parametrize(("file", "text", "near"), [("test_bands.py", "", 0), ("test_harm.py", "from x import bands", 1), ("test_harm.py", "broadbands", 2), ("test_harm.py", "", 2)])
def test_tests_that_name_the_changed_module_come_first(tmp_path: Path, file: str, text: str, near: int) -> None:
    (tmp_path / file).write_text(text)
    assert nearness(tmp_path / file, "bands") == near
