"""The kinds of things on a map: how near one must be to see them, and what they weigh in the name of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """A kind of shape, roads first, the largest road first: a smaller number is drawn on top."""

    MOTORWAY = 0
    PRIMARY = 1
    A_ROAD = 2
    B_ROAD = 3
    MINOR = 4
    LOCAL = 5
    RESTRICTED = 6
    RAIL = 7
    WATERLINE = 8
    WATER = 9
    GREEN = 10
    NEIGHBOURHOOD = 11


ROADS = tuple(Kind)[: Kind.RAIL]
STREETS = frozenset({Kind.MINOR, Kind.LOCAL, Kind.RESTRICTED})
AREAS = frozenset({Kind.WATER, Kind.GREEN})


@dataclass(frozen=True)
class Drawn:
    """How a kind is drawn: up to so many metres a pixel; line width at 8 m a pixel, px; weight in a cell's name."""

    up_to_m: float
    width_px: float = 0.0
    weight: float = 0.0


DRAWN: dict[Kind, Drawn] = {
    Kind.MOTORWAY: Drawn(300.0, 4.2, 0.8),
    Kind.PRIMARY: Drawn(300.0, 3.4, 3.0),
    Kind.A_ROAD: Drawn(70.0, 3.0, 3.0),
    Kind.B_ROAD: Drawn(26.0, 2.4, 2.6),
    Kind.MINOR: Drawn(14.0, 1.9, 1.8),
    Kind.LOCAL: Drawn(9.0, 1.6, 1.0),
    Kind.RESTRICTED: Drawn(9.0, 1.2, 0.6),
    Kind.RAIL: Drawn(70.0, 1.1),
    Kind.WATERLINE: Drawn(70.0, 1.3),
    Kind.WATER: Drawn(300.0),
    Kind.GREEN: Drawn(26.0),
    Kind.NEIGHBOURHOOD: Drawn(8.0, 0.8),
}

SETTLEMENTS = ("City", "Town", "Suburban Area", "Village", "Hamlet")
STATION = "Railway Station"
STREET = "Named Road"
POSTCODE = "Postcode"
# metres a pixel up to which a settlement's name stands on the map
NAMED_UP_TO_M = {"City": 300.0, "Town": 300.0, "Suburban Area": 20.0, "Village": 24.0, "Hamlet": 10.0}
STREET_NAMES_UP_TO_M = 4.0
STATIONS_UP_TO_M = 8.0
