"""Faults seeded one at a time; each must be said with its own code, exit code, cause and next step, and no traceback.

    python -m bench.faults.seeded
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.faults import kill
from harmcast.oversight.log import Event
from harmcast.store import kept_settings
from harmcast.store.state import open_state

Seed = Callable[[Path], list[str]]
CASES: dict[str, tuple[int, Seed]] = {}
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


def case(code: str, exit_code: int) -> Callable[[Seed], Seed]:
    """Names the code and exit code that a fault must give. The fault gets a folder with `state` and `next`, a good delivery."""

    def noted(seed: Seed) -> Seed:
        CASES[code] = (exit_code, seed)
        return seed

    return noted


# -- deliveries ----------------------------------------------------------------------------------


def load(folder: Path) -> list[str]:
    return ["load", str(folder / "state"), str(folder / "next")]


def note(folder: Path, **changes: object) -> None:
    path = folder / "next" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def content(folder: Path, name: str, data: bytes, rows: int | None = None) -> list[str]:
    """Other bytes in a file, with the manifest made to fit."""
    (folder / "next" / name).write_bytes(data)
    files = json.loads((folder / "next" / "manifest.json").read_text())["files"]
    held = files.get(name, {"rows": 1})["rows"] if rows is None else rows
    note(folder, files={**files, name: {"rows": held, "sha256": hashlib.sha256(data).hexdigest()}})
    return load(folder)


def changed(folder: Path, name: str, change: Callable[[bytes], bytes], rows: int | None = None) -> list[str]:
    return content(folder, name, change((folder / "next" / name).read_bytes()), rows)


def _manifest_gone(folder: Path) -> list[str]:
    (folder / "next" / "manifest.json").unlink()
    return load(folder)


def _manifest_text(folder: Path) -> list[str]:
    (folder / "next" / "manifest.json").write_text("{")
    return load(folder)


def _noted(**changes: object) -> Seed:
    def seed(folder: Path) -> list[str]:
        note(folder, **changes)
        return load(folder)

    return seed


def _gone(folder: Path) -> list[str]:
    (folder / "next" / "crimes.csv").unlink()
    return load(folder)


def _extra(folder: Path) -> list[str]:
    (folder / "next" / "more.csv").write_text("a\n1\n")
    return load(folder)


def _other_bytes(folder: Path) -> list[str]:
    path = folder / "next" / "crimes.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    return load(folder)


def _again(folder: Path) -> list[str]:
    note(folder, delivery_id="week-0")
    return load(folder)


def _in_row(data: bytes, old: bytes, new: bytes) -> bytes:
    head, rows = data.split(b"\n", 1)
    return head + b"\n" + rows.replace(old, new)


for _code, _seed in {
    "manifest_missing": _manifest_gone,
    "manifest_unreadable": _manifest_text,
    "manifest_made_at": _noted(made_at="last week"),
    "manifest_complete": _noted(complete="yes"),
    "manifest_delivery_id": _noted(delivery_id="../x"),
    "manifest_files": _noted(files={}),
    "file_missing": _gone,
    "file_not_in_manifest": _extra,
    "sha256_differs": _other_bytes,
    "delivery_id_reused": _again,
    "file_packed": lambda f: changed(f, "crimes.csv", lambda data: b"PK\x03\x04" + data),
    "row_count_differs": lambda f: changed(f, "crimes.csv", lambda data: data, rows=7),
    "file_empty": lambda f: content(f, "crimes.csv", b"", 0),
    "encoding_unreadable": lambda f: changed(f, "crimes.csv", lambda data: b"\xff\xfe" + data),
    "header_unreadable": lambda f: changed(f, "crimes.csv", lambda data: b",," + data),
    "column_repeated": lambda f: changed(f, "crimes.csv", lambda data: data.replace(b"injury", b"weapon", 1)),
    "column_new": lambda f: changed(f, "charges.csv", lambda d: b"\n".join(x + (b",officer" if i == 0 else b",x") for i, x in enumerate(d.replace(b"\r", b"").strip().split(b"\n"))) + b"\n"),
    "value_new": lambda f: changed(f, "crimes.csv", lambda data: _in_row(data, b"knife", b"sword")),
    "quarantine_share": lambda f: changed(f, "crimes.csv", lambda data: _in_row(data, b"T22:00:00", b" or so")),
    "parquet_unreadable": lambda f: content(f, "activity.parquet", b"PAR1 torn", 3),
    "file_unknown": lambda f: content(f, "vehicles.csv", b"a\n1\n", 1),
    "line_too_long": lambda f: content(f, "crimes.csv", b"x" * (2 << 20), 1),
}.items():
    case(_code, 20)(_seed)


# -- settings ------------------------------------------------------------------------------------


def setting(folder: Path, text: str) -> list[str]:
    path = folder / "state" / "settings" / "settings.toml"
    path.write_text(path.read_text() + text)
    return ["check", str(folder / "state")]


def _fed(folder: Path, text: str) -> list[str]:
    path = folder / "state" / "settings" / "settings.toml"
    path.write_text(path.read_text().replace("[feed]\n", f"[feed]\n{text}\n"))
    return ["check", str(folder / "state")]


def _sql(folder: Path, url: str) -> list[str]:
    _fed(folder, f'source = "sql"\n{url}')
    state = open_state(folder / "state")
    with state.operations.writing(Event("setup", "operator", "administration", "settings_taken")) as tx:
        kept_settings.take(tx, state.root)
    state.close()
    return ["load", str(folder / "state")]


def _by_hand(folder: Path) -> list[str]:
    setting(folder, "\n[web]\npeople_a_day = 100000\n")
    return ["week", str(folder / "state")]


def _named_file(folder: Path) -> list[str]:
    (folder / "settings.toml").write_text(kill.SETTINGS.replace('name = "Killed"', 'name = "Killed"\nboundary = "none.geojson"'))
    return ["init", str(folder / "new"), "--settings", str(folder / "settings.toml")]


def _with_file(folder: Path, setting_name: str, name: str, text: str) -> list[str]:
    (folder / name).write_text(text)
    section, key = setting_name.split(".")
    (folder / "settings.toml").write_text(kill.SETTINGS.replace(f"[{section}]\n", f'[{section}]\n{key} = "{name}"\n'))
    from harmcast.store.state import create

    create(folder / "new", folder / "settings.toml").close()
    return ["check", str(folder / "new")] if name.endswith("geojson") else ["load", str(folder / "new"), str(folder / "next")]


for _code, _exit, _seed in (
    ("settings_not_toml", 21, lambda f: setting(f, "\n[[[")),
    ("settings_invalid", 21, lambda f: setting(f, "\n[nonsense]\nx = 1\n")),
    ("inbox_missing", 21, lambda f: _fed(f, 'inbox = "/nowhere/at/all"')),
    ("checkpoint_dir_missing", 21, lambda f: setting(f, '\n[log]\ncheckpoint_dir = "/nowhere/at/all"\n')),
    ("store_url_missing", 25, lambda f: setting(f, '\n[store]\nurl = "env:NOT_SET_ANYWHERE"\n')),
    ("settings_file_missing", 21, _named_file),
    ("not_geojson", 21, lambda f: _with_file(f, "force.boundary", "b.geojson", "{}}")),
    ("mapping_not_toml", 21, lambda f: _with_file(f, "feed.mapping", "m.toml", "= =")),
    ("mapping_invalid", 21, lambda f: _with_file(f, "feed.mapping", "m.toml", "[tables.crimes]\n[tables.crimes.columns]\ncrime_ref='a'\n")),
    ("settings_by_hand", 24, _by_hand),
    ("feed_url_missing", 21, lambda f: _sql(f, "")),
    ("database_address", 21, lambda f: _sql(f, 'url = "nothing at all"')),
    ("source_unreachable", 25, lambda f: _sql(f, 'url = "postgresql://nobody@127.0.0.1:1/none"')),
    ("source_tables_missing", 21, lambda f: _sql(f, f'url = "sqlite:///{f}/empty.db"')),
    ("state_exists", 21, lambda f: ["init", str(f / "state"), "--settings", str(f / "state" / "settings" / "settings.toml")]),
    ("tool_unknown", 21, lambda f: ["backtest", str(f / "state"), "--tool", "no_such_tool"]),
):  # fmt: skip
    case(_code, _exit)(_seed)


# -- the state -----------------------------------------------------------------------------------


def _status(folder: Path) -> list[str]:
    return ["status", str(folder / "state")]


def _without(name: str) -> Seed:
    def seed(folder: Path) -> list[str]:
        (folder / "state" / name).unlink()
        return _status(folder)

    return seed


def _torn(folder: Path) -> list[str]:
    for path in (folder / "state").glob("operations.db-*"):
        path.unlink()
    (folder / "state" / "operations.db").write_bytes(b"not a database at all" * 400)
    return _status(folder)


def _secret(folder: Path) -> list[str]:
    (folder / "state" / "secret").write_bytes(b"short")
    return _status(folder)


def _part(folder: Path, data: Callable[[bytes], bytes]) -> list[str]:
    path = next((folder / "state" / "records").glob("*_crimes.parquet"))
    path.write_bytes(data(path.read_bytes()))
    return ["week", str(folder / "state"), "--as-of", "2026-03-02"]


def _backup(folder: Path, harm: Callable[[Path], object]) -> list[str]:
    quietly(["backup", str(folder / "state"), str(folder / "b")])
    harm(folder / "b")
    return ["restore", str(folder / "b"), str(folder / "restored")]


def _locked(folder: Path) -> list[str]:
    handle = (folder / "state" / "run.lock").open("a+")
    fcntl.flock(handle, fcntl.LOCK_EX)
    _HELD.append(handle)
    return load(folder)


_HELD: list[io.TextIOWrapper] = []

for _code, _exit, _seed in (
    ("state_missing", 25, lambda f: ["status", str(f / "none")]),
    ("secret_damaged", 24, _secret),
    ("operations_missing", 24, _without("operations.db")),
    ("operations_damaged", 24, _torn),
    ("part_damaged", 24, lambda f: _part(f, lambda data: data[:-100])),
    ("part_unreadable", 24, lambda f: _part(f, lambda data: b"x" * len(data))),
    ("backup_damaged", 24, lambda f: _backup(f, lambda path: path.write_bytes(path.read_bytes()[:-500]))),
    ("backup_missing", 25, lambda f: _backup(f, lambda path: path.unlink())),
    ("backup_exists", 21, lambda f: [*_backup(f, lambda path: None)[:0], "backup", str(f / "state"), str(f / "b")]),
    ("run_in_progress", 25, _locked),
    ("release_unknown", 25, lambda f: ["rebuild", str(f / "state"), "--week", "1999-W01", "--out", str(f / "out")]),
    ("delivery_not_named", 25, lambda f: ["load", str(f / "state")]),
):  # fmt: skip
    case(_code, _exit)(_seed)


# -- running them --------------------------------------------------------------------------------


def quietly(words: list[str]) -> tuple[int, str]:
    """A command in this process: its exit code and all it said."""
    from harmcast.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(words)
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
    return 0, said.getvalue()


@contextlib.contextmanager
def base() -> Iterator[Path]:
    """A folder with a state that holds one delivery, and the next delivery beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blank, deliveries = kill.prepare(folder, size=60, weeks=2)
        code, said = quietly(["load", str(blank), str(deliveries[0])])
        accepted, also = quietly(["accept", str(blank), "--load", "1", "--reason", "invented"])
        if code or accepted:
            raise AssertionError(said + also)
        (folder / "base").mkdir()
        shutil.move(blank, folder / "base" / "state")
        shutil.move(deliveries[1], folder / "base" / "next")
        yield folder / "base"


def wrong_with(code: str, given: Path) -> str | None:
    """What is wrong with how a fault is said; None if nothing is."""
    wanted, seed = CASES[code]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "case"
        shutil.copytree(given, folder)
        try:
            ended, said = quietly(seed(folder))
        except Exception as error:
            return f"{code}: {type(error).__name__} instead of a named error"
        finally:
            while _HELD:
                _HELD.pop().close()
    if ended != wanted:
        return f"{code}: exit {ended}, not {wanted}: {said[-300:]}"
    if code not in said:
        return f"{code}: not named: {said[-300:]}"
    if "Next:" not in said and "(" not in said:
        return f"{code}: no next step"
    if f"### `{code}`" not in RUNBOOK.read_text():
        return f"{code}: no entry in the runbook"
    return None


def main() -> tuple[int, list[str]]:
    """How many faults were seeded, and what was wrong."""
    from harmcast.feed import connection

    connection.patiently.__defaults__ = ((),)  # type: ignore[misc]  # no waiting for a server that is not there
    with base() as given:
        return len(CASES), [wrong for code in CASES if (wrong := wrong_with(code, given)) is not None]


if __name__ == "__main__":
    count, wrong = main()
    print(f"asked: 40 seeded faults named; got: {count - len(wrong)} of {count}")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
