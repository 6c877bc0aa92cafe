"""The log for the Information Commissioner: its entries as JSON lines, and beside them what is needed to read and check them.

The second file says what the kinds are, who stands behind each account, which days and entries are in it, and how
anybody recomputes the chain without this software; with it go the signed checkpoints and the key they are checked with.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, SettingsRefused
from harmcast.oversight import log
from harmcast.oversight.access import BASES, PURPOSES, ROLES, Role
from harmcast.oversight.log import Entry, Event
from harmcast.store import checkpoints, files, schema
from harmcast.store.state import State
from harmcast.store.users import Actor

KINDS = {
    "collection": "Records came in: a delivery was loaded or refused.",
    "alteration": "Something was added about a person or a place: a decision, a step, an objection, a note. Nothing is edited.",
    "consultation": "Somebody looked. `subject` is the person; where a list was shown, `detail` names everybody on it.",
    "disclosure": "Something left: a list, an export, a report. `actor` took it; `detail` says how much.",
    "combination": "Records were put together into something new: a model was fitted.",
    "erasure": "Somebody was forgotten, or what was past its time went. `detail` says why.",
    "administration": "Ours: users, roles, training, the register, settings.",
    "run": "Ours: the weekly run's own steps.",
}
CHECK = (
    "Each line is one entry. Take its fields but `hash`, as JSON with sorted keys, no spaces, UTF-8: their SHA-256 is `hash`. `prev_hash` is the `hash` of the entry "
    "before; that of the first entry of all is 64 zeros. A checkpoint says that entry `seq` had `hash`; its signature (Ed25519, hexadecimal) is over its fields but "
    "`signature`, as JSON with sorted keys and no spaces. Persons stand in it by a random key alone; the key of somebody forgotten leads nowhere."
)


def export(
    state: State, out: Path, actor: Actor, first: date | None = None, last: date | None = None
) -> PlainRecord:
    """Writes the log's entries of some days as JSON lines, and `OUT.about.json` beside them; the export is logged.

    Raises: SettingsRefused (`out_exists`); AccessDenied unless the data protection officer exports it; RunStopped if it cannot be written.
    """
    about_file = out.with_name(out.name + ".about.json")
    if out.exists() or about_file.exists():
        raise SettingsRefused(
            "The file named for the export is there already.",
            code="out_exists",
            faults=(Fault("file_exists", "--out", next_step="name a new file"),),
        )
    everything = state.operations.entries()
    wanted = [
        entry
        for entry in everything
        if (first is None or entry.at[:10] >= first.isoformat()) and (last is None or entry.at[:10] <= last.isoformat())
    ]
    days = {"first": first and first.isoformat(), "last": last and last.isoformat()}
    role = "operator" if state.users.before_first() else actor.acting("data_protection_officer")
    event = Event(actor.account, role, "disclosure", "log_exported", object="log", detail={"entries": len(wanted), **days})
    state.operations.record(event)
    lines = "".join(json.dumps(log.fields_of(entry), sort_keys=True, ensure_ascii=False) + "\n" for entry in wanted)
    files.write_bytes(out, lines.encode())
    sha256 = files.sha256(out)
    about = {"file": out.name, "sha256": sha256, "days": days, **_about(state, wanted), "whole": not log.broken_links(everything)}
    text = json.dumps(about, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    files.write_bytes(about_file, text.encode())
    return {"entries": len(wanted), "file": str(out), "about": str(about_file), "sha256": sha256}


def _about(state: State, entries: Sequence[Entry]) -> PlainRecord:
    accounts = {entry.actor for entry in entries}
    roles = {entry.role for entry in entries}
    users = state.operations.rows(sa.select(schema.users.c.account, schema.users.c.name).order_by(schema.users.c.account))
    count = Counter(entry.kind for entry in entries)
    return {
        "force": state.settings.force.name,
        "state_id": state.operations.fact("state_id"),
        "entries": len(entries),
        "first_entry": entries[0].seq if entries else None,
        "last_entry": entries[-1].seq if entries else None,
        "kinds": {kind: {"entries": count[kind], "says": says} for kind, says in KINDS.items()},
        "people_who_acted": {u["account"]: u["name"] for u in users if u["account"] in accounts},
        "roles": {role: ROLES[Role(role)][0] for role in sorted(roles & set(Role))},
        "purposes": {**PURPOSES, **BASES},
        "how_to_check": CHECK,
        "checkpoints": [json.loads(point.line()) for point in checkpoints.read(state).points],
        "checkpoint_key": log.public_key((state.root / "signing.key").read_bytes()).hex(),
        "checkpoints_kept_elsewhere": ", ".join(str(place.path) for place in checkpoints.places_of(state)) or None,
    }
