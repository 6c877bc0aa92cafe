"""The export for the Commissioner: checked here by somebody who has nothing but the two files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import SETTINGS

from harmcast.errors import SettingsRefused
from harmcast.oversight import log
from harmcast.oversight.log import Event
from harmcast.store import checkpoints
from harmcast.store.log_export import KINDS, export
from harmcast.store.state import State
from harmcast.store.users import Actor

ACTOR = Actor("dora", "Dora", (("data_protection_officer", None),))
SIX = ("collection", "alteration", "consultation", "disclosure", "combination", "erasure")  # section 62


@pytest.fixture
def watched(make_state: Callable[..., State], tmp_path: Path) -> State:
    state = make_state(SETTINGS + f'\n[log]\ncheckpoint_dir = "{tmp_path / "elsewhere"}"\n')
    state.users.add("ann", "Ann Other", Event("setup", "operator", "administration", "user_added"))
    for kind in SIX:
        state.operations.record(Event("ann", "supervisor", kind, "something_done", purpose="review", subject="k1"))  # type: ignore[arg-type]
    checkpoints.write(state)
    return state


def recomputed(lines: list[dict[str, object]]) -> bool:
    """The chain by the words of `how_to_check` alone."""
    for before, entry in zip([None, *lines], lines, strict=False):
        fields = {name: value for name, value in entry.items() if name != "hash"}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if hashlib.sha256(text.encode()).hexdigest() != entry["hash"] or (before and entry["prev_hash"] != before["hash"]):
            return False
    return True


def test_the_two_files_are_enough_to_read_and_check_it(watched: State, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    out = tmp_path / "log.jsonl"
    found = export(watched, out, ACTOR)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    about = json.loads(Path(found["about"]).read_text())
    assert recomputed(lines)
    assert not recomputed([lines[0], {**lines[1], "actor": "bob"}, *lines[2:]])
    assert (about["entries"], about["first_entry"], about["last_entry"]) == (len(lines), 1, lines[-1]["seq"])
    assert about["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert {kind: about["kinds"][kind]["entries"] for kind in SIX} == dict.fromkeys(SIX, 1)
    assert about["people_who_acted"] == {"ann": "Ann Other"}
    assert about["roles"]["supervisor"] == "Supervisor"
    (point,) = about["checkpoints"]
    assert next(line["hash"] for line in lines if line["seq"] == point["seq"]) == point["hash"]
    signature = bytes.fromhex(point.pop("signature"))
    body = json.dumps(point, sort_keys=True, separators=(",", ":")).encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(about["checkpoint_key"])).verify(signature, body)


def test_every_kind_of_the_log_is_explained() -> None:
    assert set(KINDS) == set(log.KINDS)


def test_the_export_holds_the_days_asked_for_and_is_logged(watched: State, tmp_path: Path) -> None:
    before = len(watched.operations.entries())
    assert export(watched, tmp_path / "log.jsonl", ACTOR)["entries"] == before
    last = watched.operations.entries()[-1]
    assert (last.kind, last.action, last.actor) == ("disclosure", "log_exported", "dora")
    assert export(watched, tmp_path / "none.jsonl", ACTOR, last=date(2001, 1, 1))["entries"] == 0
    with pytest.raises(SettingsRefused):
        export(watched, tmp_path / "log.jsonl", ACTOR)
