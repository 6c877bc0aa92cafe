"""The readers fed with mutated files, guided by coverage: an input that reaches new lines of them is kept and mutated further.

    python -m bench.faults.fuzz [RUNS]

What may come of a file: rows accepted and set aside that add up, or a FeedRefused with its rules. Anything else is a crash.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from bench.faults import malformed

TOKENS = (b"", b",", b"\n", b"\r", b"\r\n", b'"', b'""', b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b";", b"\t", b"nan", b"1e999", b"-0", b"2026-02-30",
          b"9999-12-31T23:59:59.999999", b"0001-01-01", b"\xe2\x80\xae", b"crime_ref", b"knife", b"null", b"{", b"[", b"PAR1", b"=1+1")  # fmt: skip


@contextmanager
def traced(seen: set[tuple[str, int]], folder: str) -> Iterator[None]:
    """Notes every line of the modules in `folder` that runs."""

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(folder) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)


def mutated(content: bytes, r: random.Random) -> bytes:
    """A few small changes: bytes flipped, cut, doubled, or words put in."""
    out = bytearray(content)
    for _ in range(r.randrange(1, 6)):
        at = r.randrange(len(out) + 1)
        way = r.randrange(5)
        if way == 0 and out:
            out[at % len(out)] ^= 1 << r.randrange(8)
        elif way == 1:
            del out[at : at + r.randrange(1, 40)]
        elif way == 2:
            out[at:at] = out[at : at + r.randrange(1, 200)]
        elif way == 3:
            out[at:at] = r.choice(TOKENS)
        else:
            out[at : at + r.randrange(1, 12)] = r.choice(TOKENS)
    return bytes(out[:200_000])


def seeds() -> list[tuple[str, bytes]]:
    """Files to begin with: one of each malformed class, a good CSV, a good Parquet, a good manifest."""
    found = [(name, content) for i, kind in enumerate(malformed.CLASSES) for name, content in kind(random.Random(i)).files.items()]
    rows = malformed.table(random.Random(0))
    note = {"delivery_id": "x", "made_at": "2026-03-01T05:00:00", "complete": True, "files": {"crimes.csv": {"rows": 24, "sha256": "0" * 64}}}
    good = [("crimes.csv", malformed.text(rows).encode()), ("crimes.parquet", malformed.parquet(rows)), ("manifest.json", json.dumps(note).encode())]
    return good + [("crimes.parquet" if name.endswith("parquet") else "crimes.csv", content[:200_000]) for name, content in found]


def tried(folder: Path, name: str, content: bytes) -> None:
    """Reads and checks one file as a load does. Raises whatever is a bug."""
    from harmcast.errors import FeedRefused
    from harmcast.feed import checks, extract
    from harmcast.feed.mapping import TABLES

    (folder / name).write_bytes(content)
    try:
        if name == extract.MANIFEST:
            manifest = extract.read_manifest(folder)
            extract.file_faults(folder, manifest, 64)
            return
        raw = extract.read_file(folder, name)
        ground = checks.CheckContext("Europe/London", "EPSG:27700", datetime(2026, 3, 1, 5))
        found = checks.check(raw, TABLES["crimes"], None, ground)
        if found.rows.height + found.quarantined != raw.received and not any(f.rule == "column_lost" for f in found.faults):
            raise AssertionError("rows do not add up")
        if malformed.CANARY in repr(found.faults) + repr(found.quarantine):
            raise AssertionError("a value is told")
    except FeedRefused as error:
        if not error.faults or malformed.CANARY in str(error) + json.dumps(error.document()):
            raise AssertionError("a refusal without rules, or with a value") from error
    finally:
        (folder / name).unlink()


def fuzz(runs: int, seed: int = 1) -> tuple[int, int, int, list[str]]:
    """Runs, lines of the readers reached, inputs kept for the lines they reached, crashes."""
    from harmcast.feed import extract

    r, seen, crashed = random.Random(seed), set[tuple[str, int]](), []
    feed = str(Path(extract.__file__).parent)
    corpus: list[tuple[str, bytes]] = []
    waiting = seeds()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(runs):
            file, content = waiting.pop() if waiting else (lambda c: (c[0], mutated(c[1], r)))(r.choice(corpus))
            before = len(seen)
            try:
                with traced(seen, feed):
                    tried(folder, file, content)
            except Exception as error:
                crashed.append(f"run {number}, {file}: {type(error).__name__}: {str(error)[:80]}")
            if len(seen) > before or not corpus:
                corpus.append((file, content))
    return runs, len(seen), len(corpus), crashed


if __name__ == "__main__":
    ran, lines, kept, crashes = fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    print(f"asked: 0 crashes; got: {len(crashes)} in {ran:,} runs, {lines} lines of the readers reached, {kept} inputs kept")
    print("\n".join(crashes[:20]))
    sys.exit(1 if crashes else 0)
