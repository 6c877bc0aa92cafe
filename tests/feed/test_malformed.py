"""Malformed deliveries of every class: each a named error or a quarantine row, never a crash, never a value."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harmcast.store import state as states
from harmcast.store.state import State


def load_module(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "faults" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


malformed = load_module("malformed")
LOADS = {"bom", "formulas"}
MAY_LOAD = {"stray_quotes", "line_ends", "flipped", "repeated_keys", "parquet_flipped", "parquet_types"}


@pytest.fixture(scope="module")
def broken_state(tmp_path_factory: pytest.TempPathFactory) -> State:
    root = tmp_path_factory.mktemp("malformed")
    (root / "settings.toml").write_text(malformed.SETTINGS)
    return states.create(root / "state", root / "settings.toml")


@pytest.mark.parametrize("kind", malformed.CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_ends_in_a_named_error_or_a_quarantine(kind, broken_state: State, tmp_path: Path) -> None:
    ends = set()
    for seed in range(3):
        number = malformed.CLASSES.index(kind) * 10 + seed
        delivery = malformed.put(kind(random.Random(seed)), tmp_path / f"d{seed}", number)
        ends.add(malformed.outcome(broken_state, delivery)[0])
    if kind.__name__ in LOADS:
        assert ends == {"loaded"}
    elif kind.__name__ not in MAY_LOAD:
        assert "loaded" not in ends
    assert not malformed.holds_canary(broken_state)
