"""References of the National Grid: known points, both ways, and what is no reference."""

from __future__ import annotations

import pytest

from harmcast.ground import grid_reference


@pytest.mark.parametrize(
    ("easting", "northing", "reference"),
    [
        (651_409, 313_177, "TG 514 131"),  # the Ordnance Survey's own example
        (216_600, 771_200, "NN 166 712"),  # Ben Nevis
        (530_000, 180_000, "TQ 300 800"),
        (380_500, 245_500, "SO 805 455"),
        (99_999, 12_345, "SV 999 123"),
        (100_000, 12_345, "SW 000 123"),
    ],
)
def test_known_points(easting: float, northing: float, reference: str) -> None:
    assert grid_reference.of_point(easting, northing) == reference


def test_no_letters_off_the_grid() -> None:
    assert grid_reference.of_point(-1, 100) is None
    assert grid_reference.of_point(700_000, 100) is None
    assert grid_reference.of_point(100, 1_300_000) is None


def test_a_reference_is_a_square_of_its_own_size() -> None:
    assert grid_reference.square_of("SO 8045") == (380_000, 245_000, 381_000, 246_000)
    assert grid_reference.square_of("so805455") == (380_500, 245_500, 380_600, 245_600)
    assert grid_reference.square_of("SO 80512 45567") == (380_512, 245_567, 380_513, 245_568)
    assert grid_reference.square_of("SO84") == (380_000, 240_000, 390_000, 250_000)


@pytest.mark.parametrize("text", ["", "SO", "SO 804", "SI 8045", "S 8045", "SO 8045 A", "ZZ 8045", "8045"])
def test_other_text_is_no_reference(text: str) -> None:
    assert grid_reference.square_of(text) is None
