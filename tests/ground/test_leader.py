"""The line from a small cell to its key: from the edge of the cell's frame, so that it never reads as part of a letter."""

from __future__ import annotations

import pytest

from harmcast.ground.maps import _edge


@pytest.mark.parametrize(
    ("to", "leaves"),
    [((30.0, 5.0), (10.0, 5.0)), ((5.0, -20.0), (5.0, 0.0)), ((25.0, 25.0), (10.0, 10.0)), ((5.0, 5.0), (5.0, 5.0)), ((7.0, 5.0), (7.0, 5.0))],
)
def test_a_line_leaves_a_frame_at_its_edge(to: tuple[float, float], leaves: tuple[float, float]) -> None:
    assert _edge((0.0, 0.0, 10.0, 10.0), *to) == leaves
