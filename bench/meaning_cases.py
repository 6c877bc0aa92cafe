"""The inputs that lie in `cases` beside the measuring data, each on the whole way of a load; nothing where they are not here."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bench import meaning_files
from bench.accepted import load_accepted
from bench.deliveries import DATA
from bench.results import Row
from harmcast.runs.check import check_state
from harmcast.store.state import State, create
from harmcast.tables import PERSONS

CASES = DATA.parent / "cases"
WITHOUT_EFFECT = "[bands]\nreference_date = 2026-01-05\n"  # refused by name today, so the settings are taken without it
INDEX = 'harm_index = "index.csv"\n[bands]\ncuts = [1.0, 100.0, 500.0, 1000.0]\n'
END_OF_TIME = date(9999, 12, 31)


def _state(folder: Path, bands: str = "") -> State:
    folder.mkdir()
    (folder / "boundary.geojson").write_bytes((CASES / "boundary.geojson").read_bytes())
    if bands:
        (folder / "index.csv").write_bytes((CASES / "harm_index_codes_unpadded" / "index.csv").read_bytes())
    text = (CASES / "settings.toml").read_text(encoding="utf-8")
    (folder / "settings.toml").write_text(text.replace(WITHOUT_EFFECT, bands), encoding="utf-8")
    return create(folder / "state", folder / "settings.toml")


def rows(folder: Path) -> list[Row]:
    """What is said or held of each, against what is right."""
    return [_births(folder / "births"), _times(folder / "times"), _index(folder / "index")] if CASES.is_dir() else []


def _births(folder: Path) -> Row:
    state = _state(folder)
    found = meaning_files.outcome(state, CASES / "births_in_another_format")
    state.close()
    said = [(fault.rule, fault.where, fault.column, fault.count, fault.rows) for fault in found.faults if fault.rule == "date_unreadable"]
    right = said == [("date_unreadable", "persons.csv", "born_on", 5, (1, 2, 3, 4, 5))]
    return Row(37, "cases: births in another format", "refused with rule, column, 5 rows and the first of them", str(said), right)


def _times(folder: Path) -> Row:
    state = _state(folder)
    found = meaning_files.outcome(state, CASES / "int96_and_other_parquet_types")
    state.close()
    held = found.new[PERSONS.name]["review_due_on"].value_counts(sort=True).rows() if found.new else []
    right = {day for day, _ in held} == {END_OF_TIME, date(2035, 1, 1)} and not found.faults
    return Row(37, "cases: INT96 and other types of Parquet", "read, an open end in the year 9999", ", ".join(f"{day}: {n}" for day, n in held), right)


def _index(folder: Path) -> Row:
    state = _state(folder, INDEX)
    load_accepted(state, CASES / "int96_and_other_parquet_types")
    root = state.root
    state.close()
    said = [line for line in check_state(root).seen if line.startswith("harm index")]
    return Row(37, "cases: an index whose codes are written in another way", "all 107 charges held are weighed", "; ".join(said), "weighs 107 of 107" in "".join(said))
