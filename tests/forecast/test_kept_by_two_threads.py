"""State kept between forecasts, read by several tools at once."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from harmcast.forecast.kept import ForecastMemory


@pytest.fixture
def threads_that_take_turns_anywhere() -> Iterator[None]:
    """Garbage is collected at every few objects, and each collection lets another thread run."""

    def yields(phase: str, info: object) -> None:
        time.sleep(0)

    before, interval = gc.get_threshold(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    gc.callbacks.append(yields)
    yield
    gc.callbacks.remove(yields)
    gc.set_threshold(*before)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("threads_that_take_turns_anywhere")
def test_two_tools_read_what_they_kept_at_once() -> None:
    fields = {str(k): np.full(9, float(k), dtype=np.float32) for k in range(20)}
    kept = ForecastMemory("2026-01-05", fields).dump()

    def read(_: int) -> list[float]:
        return [ForecastMemory.load(kept).fields["7"][0] for _ in range(60)]

    with ThreadPoolExecutor(4) as pool:
        assert [set(found) for found in pool.map(read, range(8))] == [{7.0}] * 8
