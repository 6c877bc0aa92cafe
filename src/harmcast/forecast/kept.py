"""State that makes the next forecast quick: named by what it was made from, so that it can never be wrong, only absent.

Stored as the length of a JSON text (8 bytes, the lowest first), that text, and the plain arrays it names. Every piece carries the hash of all counts it rests on; a piece whose
hash no longer fits the history (a late correction, a new boundary) is left out, and the windows since are replayed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from harmcast.forecast.cox import Field, Vector, mirrored
from harmcast.forecast.level import Level, Memory

FORMAT = 4
SERIES = ("fields", "shares", "weights", "trials")
EDGE = 64  # every array begins at a multiple of so many bytes

Arrays = dict[str, dict[str, NDArray[Any]]]


def packed(one: Field) -> Vector:
    """A field as it is kept: its mean, then the covariance's lower half by columns."""
    return np.concatenate([one.mean, lapack.strttp(one.covariance, uplo="L")[0]])


def unpacked(kept: Vector) -> Field:
    """The whole field again, with a covariance of its own."""
    size = math.isqrt(2 * len(kept) + 2) - 1  # kept are n (n + 3) / 2 numbers
    lower, _ = lapack.stpttr(size, kept[size:], uplo="L")
    return Field(kept[:size], mirrored(lower))


@dataclass(eq=False)
class ForecastMemory:
    """What one tool remembers between forecasts.

    Attributes:
        anchor: day from which windows are counted forward and back (ISO).
        fields: checkpoints of the filter (`packed`) by the hash of the windows seen.
        shares: the filter's and the bank's shares of a window, by the hash of the windows before it.
        weights: the pool's weights for a window and the correction's coefficients after them, likewise.
        trials: log scores of a past window that no late record changes any more, by the hash of the windows up to its end.
        level: the level bank's memory.
    """

    anchor: str
    fields: dict[str, Vector] = field(default_factory=dict)
    shares: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    weights: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    trials: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    level: Memory | None = None

    def dump(self) -> memoryview:
        """The same state always gives the same bytes."""
        series: Arrays = {name: getattr(self, name) for name in SERIES}
        said: dict[str, object] = {"format": FORMAT, "anchor": self.anchor}
        if memory := self.level:
            said["level"] = [memory.at, memory.digest]
            series["level"] = {name: getattr(memory, name) for name in ("mean", "covariance", "merit", "waiting")}
            series["found"] = {str(t): np.stack([one.means, one.dispersions, one.weights]) for t, one in memory.found.items()}
        arrays = [(kind, name, np.ascontiguousarray(one)) for kind, held in series.items() for name, one in held.items()]
        said["arrays"] = [(kind, name, one.dtype.str, one.shape) for kind, name, one in arrays]
        head = json.dumps(said).encode()
        parts = [np.frombuffer(len(head).to_bytes(8, "little") + head, np.uint8), *(one.reshape(-1).view(np.uint8) for _, _, one in arrays)]
        whole, at = np.zeros(sum(len(one) + -len(one) % EDGE for one in parts), dtype=np.uint8), 0
        for part in parts:
            whole[at : at + len(part)] = part
            at += len(part) + -len(part) % EDGE
        return whole.data

    @classmethod
    def load(cls, data: bytes | memoryview) -> ForecastMemory:
        """The state again, its arrays parts of `data`. Raises: ValueError for bytes that are not such a state, or of another format."""
        at = 8 + int.from_bytes(data[:8], "little")
        said = json.loads(bytes(data[8:at]))
        if said["format"] != FORMAT:
            raise ValueError("kept state of another format")
        series: Arrays = {kind: {} for kind in (*SERIES, "level", "found")}
        for kind, name, numbers, shape in said["arrays"]:
            at += -at % EDGE
            series[kind][name] = np.frombuffer(data, numbers, math.prod(shape), at).reshape(shape)
            at += series[kind][name].nbytes
        level, held = None, series["level"]
        if "level" in said:
            found = {int(t): Level(*three) for t, three in series["found"].items()}
            at, digest = said["level"]
            level = Memory(at, digest, held["mean"], held["covariance"], held["merit"], held["waiting"], found)
        fields, shares, weights, trials = (series[name] for name in SERIES)
        return cls(said["anchor"], fields, shares, weights, trials, level)
