"""State that makes the next forecast quick: named by what it was made from, so that it can never be wrong, only absent.

Stored as an npz of plain arrays and one JSON text. Every piece carries the hash of all counts it rests on; a piece whose
hash no longer fits the history (a late correction, a new boundary) is left out, and the windows since are replayed.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from harmcast.forecast.cox import Field, Vector, mirrored
from harmcast.forecast.level import Level, Memory

FORMAT = 3
SERIES = ("shares", "weights", "trials")
_READING = Lock()  # numpy reads an array's header by `ast`, which Python 3.11 does not do safely in two threads at once


@dataclass(frozen=True, eq=False)
class FieldCheckpoint:
    """A field as it is kept: the covariance's lower half only, packed by columns."""

    mean: Vector
    lower: Vector

    @classmethod
    def of(cls, field: Field) -> FieldCheckpoint:
        from scipy.linalg import lapack

        packed, _ = lapack.strttp(field.covariance, uplo="L")
        return cls(field.mean, packed)

    def field(self) -> Field:
        """The whole field, with a covariance of its own."""
        from scipy.linalg import lapack

        lower, _ = lapack.stpttr(len(self.mean), self.lower, uplo="L")
        return Field(self.mean, mirrored(lower))


@dataclass(eq=False)
class ForecastMemory:
    """What one tool remembers between forecasts.

    Attributes:
        anchor: day from which windows are counted forward and back (ISO).
        fields: checkpoints of the filter by the hash of the windows seen.
        shares: the filter's shares of a window, by the hash of the windows before it.
        weights: the pool's weights for a window and the correction's coefficients after them, likewise.
        trials: log scores of a past window that no late record changes any more, by the hash of the windows up to its end.
        level: the level bank's memory.
    """

    anchor: str
    fields: dict[str, FieldCheckpoint] = field(default_factory=dict)
    shares: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    weights: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    trials: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    level: Memory | None = None

    def dump(self) -> bytes:
        """The same state always gives the same bytes."""
        arrays: dict[str, NDArray[np.generic]] = {}
        said: dict[str, object] = {"format": FORMAT, "anchor": self.anchor, "fields": list(self.fields)}
        for k, one in enumerate(self.fields.values()):
            arrays[f"mean_{k}"] = one.mean
            arrays[f"lower_{k}"] = one.lower
        for name in SERIES:
            held = getattr(self, name)
            said[name] = list(held)
            arrays |= {name: np.stack(list(held.values()))} if held else {}
        if self.level is not None:
            memory = self.level
            said["level"] = {"at": memory.at, "digest": memory.digest, "found": list(memory.found)}
            arrays |= {"level_mean": memory.mean, "level_covariance": memory.covariance,
                       "level_merit": memory.merit, "level_waiting": memory.waiting}  # fmt: skip
            if memory.found:
                arrays["level_found"] = np.stack(
                    [np.stack([one.means, one.dispersions, one.weights]) for one in memory.found.values()]
                )
        arrays["said"] = np.frombuffer(json.dumps(said).encode(), dtype=np.uint8)
        out = io.BytesIO()
        np.savez(out, **arrays)  # type: ignore[arg-type]
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> ForecastMemory:
        """The state again. Raises: ValueError for bytes that are not such a state, or of another format."""
        with _READING, np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            said = json.loads(bytes(arrays["said"]))
            if said["format"] != FORMAT:
                raise ValueError("kept state of another format")
            fields = {
                digest: FieldCheckpoint(arrays[f"mean_{k}"], arrays[f"lower_{k}"])
                for k, digest in enumerate(said["fields"])
            }
            shares, weights, trials = (dict(zip(said[name], arrays[name] if said[name] else (), strict=True)) for name in SERIES)
            level = None
            if "level" in said:
                at = said["level"]["found"]
                found = {int(t): Level(*three) for t, three in zip(at, arrays["level_found"] if at else (), strict=True)}
                level = Memory(said["level"]["at"], said["level"]["digest"], arrays["level_mean"],
                               arrays["level_covariance"], arrays["level_merit"], arrays["level_waiting"], found)  # fmt: skip
        return cls(said["anchor"], fields, shares, weights, trials, level)
