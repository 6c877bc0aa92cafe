"""Person models as kept: settings, coefficients and data hash as JSON, each with who made it and who approved it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from harmcast.documents.person_model import BesideModel, KeptModel
from harmcast.errors import StoreDamaged
from harmcast.oversight.log import Event
from harmcast.store import files, schema
from harmcast.store.operations import Operations

FOLDER = "models"


@dataclass(frozen=True)
class Model:
    """One model: `standing` is candidate, approved or withdrawn."""

    id: int
    tool: str
    name: str
    week: str | None
    path: Path
    sha256: str
    data_hash: str | None
    standing: str
    document: BesideModel
    made_at: str
    approved_by: str | None
    approved_at: str | None
    refused_by: str | None
    refused_at: str | None
    refuse_reason: str | None

    @property
    def made_by(self) -> str:
        return str(self.document["made_by"])

    def content(self) -> KeptModel:
        """The model itself. Raises StoreDamaged if the file is not what was kept."""
        try:
            raw = self.path.read_bytes()
        except OSError:
            raw = b""
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise StoreDamaged(
                f"The model {self.name} is not the file that was kept.",
                code="model_damaged",
                next_step="Restore the newest backup (`harmcast restore`) and tell the data owner.",
            )
        found: KeptModel = json.loads(raw)
        return found


class Models:
    """The models of one state."""

    def __init__(self, root: Path, operations: Operations) -> None:
        self.root = root
        self.operations = operations

    def keep(self, tool: str, name: str, week: str, content: KeptModel, beside: BesideModel, event: Event) -> Model:
        """Keeps a candidate. `beside` is what people look at before approving: old and new, band changes, who made it."""
        raw = (json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
        path = f"{FOLDER}/{name}.json"
        files.write_bytes(self.root / path, raw)
        digest = hashlib.sha256(raw).hexdigest()
        with self.operations.writing(event) as tx:
            tx.says(model=name, sha256=digest)
            tx.insert(
                schema.ledger, kind="model", name=path, sequence=0, bytes=len(raw), sha256=digest, standing="current", added_at=tx.at
            )
            tx.insert(
                schema.models,
                tool=tool,
                name=name,
                week=week,
                path=path,
                sha256=digest,
                data_hash=content.get("data_hash"),
                standing="candidate",
                document=json.dumps({**beside, "made_by": event.actor}, sort_keys=True, default=str, ensure_ascii=False),
                made_at=tx.at,
            )
        (kept,) = self._rows(schema.models.c.name == name)
        return kept

    def approve(self, model: Model, event: Event) -> None:
        table = schema.models
        with self.operations.writing(event) as tx:
            tx.execute(
                sa.update(table)
                .where(table.c.id == model.id)
                .values(standing="approved", approved_by=event.actor, approved_at=tx.at)
            )

    def refuse(self, model: Model, reason: str, event: Event) -> None:
        """Takes a candidate back before it scored anybody; the model in use stays."""
        table = schema.models
        with self.operations.writing(event) as tx:
            values = {"standing": "withdrawn", "refused_by": event.actor, "refused_at": tx.at, "refuse_reason": reason}
            tx.execute(sa.update(table).where(table.c.id == model.id).values(**values))

    def approved(self, tool: str) -> Model | None:
        """The newest approved model of a tool; None before the first."""
        found = [m for m in self.all(tool) if m.standing == "approved"]
        return found[-1] if found else None

    def named(self, name: str) -> Model | None:
        return next((m for m in self._rows(schema.models.c.name == name)), None)

    def all(self, tool: str) -> list[Model]:
        """Models of a tool, oldest first."""
        return self._rows(schema.models.c.tool == tool)

    def fresh_name(self, tool: str, week: str) -> str:
        """A name not taken yet, such as `iom-model-2026-W47` or `iom-model-2026-W47-2`."""
        taken = {m.name for m in self.all(tool)}
        base = f"{tool}-model-{week}"
        number = 1
        while (name := base if number == 1 else f"{base}-{number}") in taken:
            number += 1
        return name

    def _rows(self, *conditions: sa.ColumnElement[bool]) -> list[Model]:
        return [
            Model(**{**row, "path": self.root / row["path"], "document": json.loads(row["document"])})
            for row in self.operations.checked(schema.models, *conditions, order_by=(schema.models.c.id,))
        ]
