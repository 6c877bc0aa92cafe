"""Random streams: one a purpose, so that one part can change without moving the others."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator for one purpose of one invented force; the same seed and purpose give the same numbers."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])))


def pick(rng: np.random.Generator, shares: np.ndarray, size: int) -> np.ndarray:
    """`size` positions of `shares` (0 or more, any total), each drawn in proportion to its share."""
    edges = np.cumsum(shares, dtype=np.float64)
    return np.asarray(np.minimum(np.searchsorted(edges, rng.random(size) * edges[-1], side="right"), len(shares) - 1))


def pick_by_row(rng: np.random.Generator, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One position a row: row r draws from `shares[rows[r]]` (each row of `shares` sums to 1)."""
    edges = np.cumsum(shares, axis=1)
    edges[:, -1] = 1.0
    return np.asarray((rng.random(len(rows))[:, None] > edges[rows]).sum(axis=1))
