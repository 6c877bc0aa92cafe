"""What the peers reach on a panel, measured once for the same code and the same counts and then kept.

Peers do not change with our procedure, and take longer than it. Their figures lie in `.bench/places-peers/`, named by the SHA-256
of every file that makes them and of the counts; the bench says aloud when it reads them, and `--fresh` measures them again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from harmcast.evaluate import backtest
from harmcast.forecast import shipped
from harmcast.places.counts import Panel

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".bench" / "places-peers"
MADE_BY = (
    *(f"bench/peers/{name}.py" for name in ("__init__", "kernels", "regressions", "triggering")),
    *(f"src/harmcast/forecast/{name}.py" for name in ("bank", "baselines", "shipped", "smoothing")),
    *(f"src/harmcast/evaluate/{name}.py" for name in ("backtest", "scores")),
    "src/harmcast/places/counts.py",
    "src/harmcast/places/grid.py",
    "bench/places_peers.py",
)
PACKAGES = ("numpy", "scipy", "lightgbm", "glum", "scikit-learn")


def reached(name: str, at_origin: Sequence[Panel], came: np.ndarray, seed: int, fresh: bool) -> dict[str, Any]:
    """Figures and hits by origin of every peer on one panel; `from_kept` says whether they were measured earlier."""
    path = KEPT / f"{name}-{_digest(at_origin[-1], came, seed)[:16]}.json"
    if path.is_file() and not fresh:
        return {**json.loads(path.read_text(encoding="utf-8")), "from_kept": str(path.relative_to(ROOT))}
    found = _measured(name, at_origin, came, seed)
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.glob(f"{name}-*.json"):
        old.unlink()
    path.write_text(json.dumps(found), encoding="utf-8")
    return {**found, "from_kept": None}


def _measured(name: str, at_origin: Sequence[Panel], came: np.ndarray, seed: int) -> dict[str, Any]:
    from bench.peers import peers

    began, spent = time.perf_counter(), time.process_time()
    models = {**peers(at_origin[0], seed), backtest.FLOOR: shipped.models(at_origin[0])[backtest.FLOOR]}
    found = backtest.backtest_places(
        at_origin, came, models, tool=name, chosen=backtest.FLOOR, level=shipped.level, seed=seed
    )
    return {
        "models": {key: one for key, one in found["models"].items() if key != backtest.FLOOR},
        "hits_by_origin": {key: one for key, one in found["hits_by_origin"].items() if key != backtest.FLOOR},
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - spent,
    }


def _digest(last: Panel, came: np.ndarray, seed: int) -> str:
    digest = hashlib.sha256(f"{seed} {[version(one) for one in PACKAGES]}".encode())
    for file in MADE_BY:
        digest.update((ROOT / file).read_bytes())
    digest.update(np.ascontiguousarray(last.weekly).tobytes() + np.ascontiguousarray(came).tobytes())
    for kind in sorted(last.leading):
        digest.update(kind.encode() + np.ascontiguousarray(last.leading[kind]).tobytes())
    return digest.hexdigest()
