"""References of the British National Grid (EPSG:27700): letters of a 100 km square, then eastings and northings.

Source: Ordnance Survey, "A guide to coordinate systems in Great Britain", section on National Grid references.
"""

from __future__ import annotations

import re

NATIONAL_GRID = "EPSG:27700"
_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # without I
_HUNDRED_KM = 100_000
_REFERENCE = re.compile(r"^([A-HJ-Z]{2})((?:\d\d){1,5})$")


def _letters(easting_m: float, northing_m: float) -> str | None:
    e, n = int(easting_m // _HUNDRED_KM), int(northing_m // _HUNDRED_KM)
    if not (0 <= e < 7 and 0 <= n < 13):
        return None
    # 500 km squares are lettered from (-1,000 km, -500 km), row by row from the north
    column, row = (e + 10) // 5, 4 - (n + 5) // 5
    return _LETTERS[row * 5 + column] + _LETTERS[(4 - (n + 5) % 5) * 5 + (e + 10) % 5]


def of_point(easting_m: float, northing_m: float, figures: int = 6) -> str | None:
    """The reference of the square that a point lies in, e.g. "SO 805 455"; None off the lettered grid."""
    letters = _letters(easting_m, northing_m)
    if letters is None:
        return None
    half = figures // 2
    size = 10 ** (5 - half)
    e, n = int(easting_m % _HUNDRED_KM) // size, int(northing_m % _HUNDRED_KM) // size
    return f"{letters} {e:0{half}d} {n:0{half}d}"


def square_of(text: str) -> tuple[float, float, float, float] | None:
    """The square (easting, northing of its south-west and north-east corners, m) of a reference of 2 to 10 figures.

    None if the text is no such reference.
    """
    match = _REFERENCE.match(text.upper().replace(" ", ""))
    if match is None:
        return None
    first, second = (_LETTERS.index(letter) for letter in match[1])
    e = ((first % 5) * 5 + second % 5 - 10) * _HUNDRED_KM
    n = ((4 - first // 5) * 5 + 4 - second // 5 - 5) * _HUNDRED_KM
    if not (0 <= e < 700_000 and 0 <= n < 1_300_000):
        return None
    half = len(match[2]) // 2
    size = 10 ** (5 - half)
    e, n = e + int(match[2][:half]) * size, n + int(match[2][half:]) * size
    return float(e), float(n), float(e + size), float(n + size)
