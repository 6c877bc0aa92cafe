"""Malformed deliveries, made by class and seed, and what must come of each: a named error or quarantine rows.

    python bench/faults/malformed.py [HOW_MANY]

loads that many deliveries (default 1,000) into a throw-away state and prints the figure asked and the figure got. Every
bad cell holds a canary; it must turn up in no message, no record of quarantine and no log.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CANARY = "ZQXCANARY"
COLUMNS = [
    "crime_ref", "offence_code", "happened_from", "happened_to", "recorded_at", "changed_at", "status",
    "easting_m", "northing_m", "weapon", "injury", "area",
]  # fmt: skip
SETTINGS = """
[force]
name = "Malformed"

[feed]
quarantine_max_share = 0.5
max_file_mb = 64

[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"] }
"""


@dataclass
class Case:
    """One delivery: its files, and the manifest's claims where they differ from the truth."""

    files: dict[str, bytes]
    rows: int | None = None
    manifest: bytes | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    symlink: bool = False


def table(seed: random.Random, count: int = 24) -> list[list[str]]:
    return [
        [
            f"C{seed.randrange(10**9)}", "008/01", f"2026-01-{seed.randrange(1, 28):02d}T10:00:00", "",
            f"2026-02-{seed.randrange(1, 28):02d}T10:00:00", "2026-02-28T10:00:00", "recorded",
            str(400000 + seed.randrange(9000)), str(290000 + seed.randrange(9000)), "knife", "minor", "North",
        ]
        for _ in range(count)
    ]  # fmt: skip


def text(rows: list[list[str]], header: list[str] | None = None, delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in [header or COLUMNS, *rows]) + end


def one(content: str | bytes, rows: int | None = None, name: str = "crimes.csv", **more: Any) -> Case:
    return Case({name: content if isinstance(content, bytes) else content.encode()}, rows, **more)


def with_cells(seed: random.Random, column: str, values: list[str]) -> Case:
    rows = table(seed)
    at = COLUMNS.index(column)
    for row in seed.sample(rows, seed.randrange(1, 8)):
        row[at] = seed.choice(values)
    return one(text(rows), len(rows))


def spliced(seed: random.Random, what: bytes) -> Case:
    rows = table(seed)
    content = bytearray(text(rows).encode())
    lines = [i for i, byte in enumerate(content) if byte == 10]
    at = seed.choice(lines[1:-1]) + 1
    content[at:at] = what
    return one(bytes(content), len(rows))


def header(seed: random.Random, change: Callable[[list[str]], list[str]]) -> Case:
    rows = table(seed)
    return one(text(rows, change(list(COLUMNS))), len(rows))


def manifest(seed: random.Random, document: Any) -> Case:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return one(text(table(seed)), 24, manifest=content)


def utf16(r: random.Random) -> Case:
    return one(text(table(r)).encode(r.choice(["utf-16", "utf-16-be", "utf-32"])), 24)


def bad_bytes(r: random.Random) -> Case:
    return spliced(r, r.choice([b"\xff\xfe", b"caf\xe9 " + CANARY.encode(), b"\xc3\x28", b"\xed\xa0\x80"]))


def bom(r: random.Random) -> Case:
    return one(b"\xef\xbb\xbf" + text(table(r)).encode(), 24)


def nul(r: random.Random) -> Case:
    return spliced(r, b"\x00" * r.randrange(1, 9))


def open_quote(r: random.Random) -> Case:
    return spliced(r, b'"' + CANARY.encode())


def stray_quotes(r: random.Random) -> Case:
    return with_cells(r, "area", [f'{CANARY}"x', f'"{CANARY}"x"', '""', '"a,b"', '"a\nb"'])


def header_gone(r: random.Random) -> Case:
    return header(r, lambda names: table(r, 1)[0])


def header_twice(r: random.Random) -> Case:
    return header(r, lambda names: [*names[:-1], r.choice(names[:-1])])


def header_blank(r: random.Random) -> Case:
    return header(r, lambda names: ["" if i == r.randrange(12) else name for i, name in enumerate(names)] + [""])


def column_renamed(r: random.Random) -> Case:
    at = r.randrange(11)
    return header(r, lambda names: [*names[:at], CANARY, *names[at + 1 :]])


def column_lost(r: random.Random) -> Case:
    at = r.randrange(11)
    rows = [row[:at] + row[at + 1 :] for row in table(r)]
    return one(text(rows, COLUMNS[:at] + COLUMNS[at + 1 :]), len(rows))


def column_new(r: random.Random) -> Case:
    rows = [[*row, CANARY] for row in table(r)]
    return one(text(rows, [*COLUMNS, f"c{r.randrange(99)}"]), len(rows))


def truncated(r: random.Random) -> Case:
    content = text(table(r)).encode()
    return one(content[: r.randrange(1, len(content) - 1)], 24)


def wrong_hash(r: random.Random) -> Case:
    return one(text(table(r)), 24, notes={"sha256": hashlib.sha256(str(r.random()).encode()).hexdigest()})


def wrong_count(r: random.Random) -> Case:
    return one(text(table(r)), r.choice([0, 23, 25, 10**9]))


def packed(r: random.Random) -> Case:
    bomb = b"0" * 2_000_000
    if r.random() < 0.5:
        return one(gzip.compress(bomb), 24)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("crimes.csv", bomb)
    return one(held.getvalue(), 24)


def huge_line(r: random.Random) -> Case:
    return spliced(r, CANARY.encode() * r.choice([5_000, 300_000, 1_200_000]))


def huge_header(r: random.Random) -> Case:
    return one(b"a" * r.choice([5_000, 1_500_000]) + b"\n1\n", 1)


def many_columns(r: random.Random) -> Case:
    return one(",".join(f"c{i}" for i in range(r.choice([501, 20_000]))) + "\n", 0)


def row_long(r: random.Random) -> Case:
    return spliced(r, (",".join([CANARY] * r.randrange(13, 40)) + "\n").encode())


def row_short(r: random.Random) -> Case:
    return spliced(r, (",".join([CANARY] * r.randrange(2, 11)) + "\n").encode())


def dates(r: random.Random) -> Case:
    bad = ["2026-02-30", "31/12/2025", CANARY, "1767225600", "0001-01-01", "9999-12-31T00:00:00", "2026-13-01", "2026-01-01T25:00:00", "٢٠٢٦-٠١-٠١", "-1"]  # fmt: skip
    return with_cells(r, r.choice(["happened_from", "recorded_at", "changed_at", "happened_to"]), bad)


def coordinates(r: random.Random) -> Case:
    bad = ["nan", "inf", "-inf", "1e400", CANARY, "4OOOOO", "400,100", "0x1F", "--1", "1_000", "４００"]
    return with_cells(r, r.choice(["easting_m", "northing_m"]), [b for b in bad if "," not in b])


def formulas(r: random.Random) -> Case:
    return with_cells(r, "area", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "=HYPERLINK(1)"])


def control(r: random.Random) -> Case:
    return with_cells(
        r, r.choice(["area", "crime_ref", "offence_code"]), [f"{CANARY}\x1b[31m", "a\x07b", "a\u202eb", "\u2066x"]
    )


def long_reference(r: random.Random) -> Case:
    return with_cells(r, r.choice(["crime_ref", "offence_code"]), [CANARY * 40])


def empty_required(r: random.Random) -> Case:
    return with_cells(r, r.choice(["crime_ref", "offence_code", "recorded_at", "status"]), ["", "   "])


def delimiter(r: random.Random) -> Case:
    return one(text(table(r), delimiter=r.choice([";", "\t", "|"])), 24)


def line_ends(r: random.Random) -> Case:
    return one(text(table(r), end=r.choice(["\r", "\r\n", "\n\n", "\n\r"])), 24)


def nothing(r: random.Random) -> Case:
    return one(r.choice([b"", b"\n", b"   ", b"\xef\xbb\xbf", b"\r\n\r\n"]), 0)


def garbage(r: random.Random) -> Case:
    return one(r.randbytes(r.randrange(1, 5_000)), 24)


def flipped(r: random.Random) -> Case:
    content = bytearray(text(table(r)).encode())
    for _ in range(r.randrange(1, 30)):
        content[r.randrange(len(content))] = r.randrange(256)
    return one(bytes(content), 24)


def repeated_keys(r: random.Random) -> Case:
    rows = table(r)
    return one(text(rows + r.sample(rows, 5)), 29)


def closed_list(r: random.Random) -> Case:
    """Codes of an open list may be said, so no canary stands for them."""
    return with_cells(r, r.choice(["status", "weapon", "injury"]), ["KNIFE", "sword", "08-Jan"])


def backwards(r: random.Random) -> Case:
    return with_cells(r, "happened_to", ["2020-01-01T00:00:00"])


def manifest_text(r: random.Random) -> Case:
    return manifest(
        r, r.choice([b"", b"{", b"[" * 100_000, b"\xff\xfe{}", b"null", b'"' + CANARY.encode() + b'"', b"[]", b"1e999"])
    )


def manifest_types(r: random.Random) -> Case:
    good: dict[str, Any] = {"delivery_id": "x", "made_at": "2026-03-01T00:00:00", "complete": True, "files": {}}
    name = r.choice(list(good))
    good[name] = r.choice(
        [None, 5, [CANARY], {"a": CANARY}, CANARY + "/../x", "", True if name != "complete" else "yes"]
    )
    return manifest(r, good)


def manifest_paths(r: random.Random) -> Case:
    name = r.choice(
        ["../crimes.csv", "/etc/passwd", "a/b.csv", "crimes.csv\x00", "..csv", "crimes.exe", "con.csv\n", CANARY]
    )
    note = {"rows": 1, "sha256": "0" * 64}
    return manifest(r, {"delivery_id": "x", "made_at": "2026-03-01", "complete": False, "files": {name: note}})


def manifest_notes(r: random.Random) -> Case:
    note = r.choice(
        [
            None,
            [],
            {"rows": -1, "sha256": "0" * 64},
            {"rows": "24", "sha256": CANARY},
            {"rows": True},
            {"rows": 1.5, "sha256": "0" * 64},
        ]
    )
    return manifest(r, {"delivery_id": "x", "made_at": "2026-03-01", "complete": False, "files": {"crimes.csv": note}})


def link(r: random.Random) -> Case:
    return one(text(table(r)), 24, symlink=True)


def unknown_file(r: random.Random) -> Case:
    return one(text(table(r)), 24, name=f"{CANARY}.csv")


def parquet_cut(r: random.Random) -> Case:
    content = parquet(table(r))
    return one(content[: r.randrange(0, len(content))], 24, name="crimes.parquet")


def parquet_flipped(r: random.Random) -> Case:
    content = bytearray(parquet(table(r)))
    for _ in range(r.randrange(1, 20)):
        content[r.randrange(len(content))] = r.randrange(256)
    return one(bytes(content), 24, name="crimes.parquet")


def parquet_types(r: random.Random) -> Case:
    import polars as pl

    frame = pl.DataFrame(table(r), schema=COLUMNS, orient="row")
    odd: dict[str, Any] = {
        "list": pl.lit([1, 2]), "bytes": pl.lit(b"\x00\xff"), "struct": pl.struct("area"), "number": pl.lit(1.5),
        "time": pl.lit(0).cast(pl.Time), "null": pl.lit(None),
    }  # fmt: skip
    column = r.choice(["crime_ref", "happened_from", "easting_m", "status"])
    held = io.BytesIO()
    frame.with_columns(odd[r.choice(list(odd))].alias(column)).write_parquet(held)
    return one(held.getvalue(), 24, name="crimes.parquet")


def csv_called_parquet(r: random.Random) -> Case:
    return one(text(table(r)), 24, name="crimes.parquet")


def parquet(rows: list[list[str]]) -> bytes:
    import polars as pl

    held = io.BytesIO()
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(held)
    return held.getvalue()


CLASSES: list[Callable[[random.Random], Case]] = [
    utf16, bad_bytes, bom, nul, open_quote, stray_quotes, header_gone, header_twice, header_blank, column_renamed,
    column_lost, column_new, truncated, wrong_hash, wrong_count, packed, huge_line, huge_header, many_columns, row_long,
    row_short, dates, coordinates, formulas, control, long_reference, empty_required, delimiter, line_ends, nothing,
    garbage, flipped, repeated_keys, closed_list, backwards, manifest_text, manifest_types, manifest_paths,
    manifest_notes, link, unknown_file, parquet_cut, parquet_flipped, parquet_types, csv_called_parquet,
]  # fmt: skip


def put(case: Case, folder: Path, number: int) -> Path:
    """Writes a case as a delivery folder."""
    folder.mkdir(parents=True)
    notes = {}
    for name, content in case.files.items():
        path = folder / name
        path.write_bytes(content)
        if case.symlink:
            path.rename(folder.parent / f"{folder.name}-elsewhere")
            path.symlink_to(folder.parent / f"{folder.name}-elsewhere")
        notes[name] = {"rows": case.rows, "sha256": hashlib.sha256(content).hexdigest(), **case.notes}
    document = {"delivery_id": f"case-{number}", "made_at": "2026-03-01T05:00:00", "complete": False, "files": notes}
    (folder / "manifest.json").write_bytes(
        case.manifest if case.manifest is not None else json.dumps(document).encode()
    )
    return folder


def outcome(state: Any, delivery: Path) -> tuple[str, str]:
    """How one delivery ended: (`refused`, code), (`quarantined`, rules), (`loaded`, ``). Raises whatever is a bug."""
    from bench.accepted import load_accepted
    from harmcast.errors import FeedRefused

    try:
        result = load_accepted(state, delivery)
    except FeedRefused as error:
        said = str(error) + json.dumps(error.document())
        if not error.faults or not all(fault.rule and fault.where for fault in error.faults):
            raise AssertionError("a refusal without rule and place") from error
        words = ("refused", ",".join(sorted({fault.rule for fault in error.faults})))
    else:
        said = json.dumps(result.document(), default=str)
        if not all(count.adds_up for count in result.files):
            raise AssertionError("rows do not add up")
        if any(fault.row is None for fault in result.quarantine):
            raise AssertionError("a quarantine without its row")
        rules = ",".join(sorted({fault.rule for fault in result.quarantine}))
        words = ("quarantined", rules) if rules else ("loaded", "")
    if CANARY in said.replace(f"{CANARY}.csv", ""):
        raise AssertionError("a value in a message")
    return words


def holds_canary(state: Any) -> bool:
    """Whether a value of a bad cell stands anywhere in the operational database but as a file's own name."""
    import sqlalchemy as sa

    from harmcast.store import schema

    for held in (schema.events, schema.quarantine, schema.deliveries, schema.delivery_files):
        for row in state.operations.rows(sa.select(held)):
            if CANARY in json.dumps(row, default=str).replace(f"{CANARY}.csv", ""):
                return True
    return False


def run(count: int) -> tuple[list[str], bool]:
    """Loads so many malformed deliveries: what crashed, and whether a value was told anywhere."""
    from harmcast.store import state as states

    ends: Counter[str] = Counter()
    crashed: list[str] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "settings.toml").write_text(SETTINGS)
        state = states.create(root / "state", root / "settings.toml")
        for i in range(count):
            kind = CLASSES[i % len(CLASSES)]
            delivery = put(kind(random.Random(i)), root / f"d{i}", i)
            try:
                ends[outcome(state, delivery)[0]] += 1
            except Exception as error:
                crashed.append(f"{kind.__name__} seed {i}: {type(error).__name__}: {error}")
        leaked = holds_canary(state)
        state.close()
    print(f"    malformed deliveries: {count} in {len(CLASSES)} classes, {time.perf_counter() - began:.0f} s: {dict(ends)}")
    return crashed, leaked


def main(count: int) -> int:
    crashed, leaked = run(count)
    print(
        f"asked: 0 crashes, 0 values told; got: {len(crashed)} crashes, {'a value told' if leaked else '0 values told'}"
    )
    for line in crashed[:40]:
        print("  ", line[:200])
    return 1 if crashed or leaked else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
