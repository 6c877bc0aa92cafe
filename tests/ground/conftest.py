"""One ground compiled from the land drawn by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.ground import by_hand

from harmcast.ground import compiled, geopackage, open_names
from harmcast.ground.compiled import Ground


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return by_hand.written(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="session")
def ground(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Ground:
    path = tmp_path_factory.mktemp("ground") / "ground-0123456789ab.sqlite"
    near = by_hand.near()
    compiled.write(path, geopackage.read(files[0], near, "EPSG:27700"), open_names.read(files[1], near, "EPSG:27700"), near, "EPSG:27700")
    return Ground(path)
