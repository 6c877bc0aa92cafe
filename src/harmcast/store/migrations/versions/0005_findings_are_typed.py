"""What was found about a release is typed, and lifted by name: reasons become findings, finding_lifts begins"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# How the version before began its sentences. Only this upgrade reads them.
OF_REGISTER = (("The tool is stopped", "stopped"), (": it was refused", "refused"), (": its review was due", "lapsed"), ("", "missing"))
SUSPENDS = "the monitor asks for suspension"


def typed(reason: str, tool: str, delivery: str | None) -> dict[str, object]:
    """A reason of the version before as a finding. Its figure was in words alone, so a lift of it is a lift of that sentence."""
    begins, _, says = reason.partition(": ")
    name = f"as_written/{hashlib.sha256(reason.encode()).hexdigest()[:16]}"
    if begins == "register":
        kind = next(kind for words, kind in OF_REGISTER if words in says)
    elif begins == "audit_stop":
        kind = "suspension" if says.startswith(SUSPENDS) else "stop"
    elif begins == "audit_concern":
        kind = "concern"
    elif begins == "volume":
        kind, name = "volume", f"{delivery}/{name}" if delivery else name
    else:
        kind, says = "unknown", reason
    return {"kind": kind, "tool": tool, "name": name, "says": says, "measured": None, "limit": None, "severity": None}


def upgrade() -> None:
    bind = op.get_bind()
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("findings", sa.Text(), nullable=False, server_default="[]"))
    found = sa.text(
        "SELECT r.id, r.tool, r.reasons, (SELECT d.content_sha256 FROM deliveries d WHERE d.sequence <= r.sequence "
        "AND d.content_sha256 IS NOT NULL ORDER BY d.sequence DESC LIMIT 1) AS delivery FROM releases r WHERE r.reasons <> '[]'"
    )
    for row in bind.execute(found).all():
        findings = [typed(reason, row.tool, row.delivery) for reason in json.loads(row.reasons)]
        text = json.dumps(findings, ensure_ascii=False, sort_keys=True)
        bind.execute(sa.text("UPDATE releases SET findings = :text WHERE id = :id"), {"text": text, "id": row.id})
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("reasons")
        batch_op.alter_column("findings", server_default=None)
    op.create_table(
        "finding_lifts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("finding", sa.String(length=60), nullable=False),
        sa.Column("tool", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.Float(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("first", sa.String(length=200), nullable=False),
        sa.Column("first_role", sa.String(length=200), nullable=False),
        sa.Column("first_reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("second", sa.String(length=200), nullable=True),
        sa.Column("second_role", sa.String(length=200), nullable=True),
        sa.Column("second_reason", sa.Text(), nullable=True),
        sa.Column("second_at", sa.String(length=27), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_finding_lifts"),
    )
    op.create_index("ix_finding_lifts_finding", "finding_lifts", ["finding"])


def downgrade() -> None:
    bind = op.get_bind()
    op.drop_index("ix_finding_lifts_finding", table_name="finding_lifts")
    op.drop_table("finding_lifts")
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reasons", sa.Text(), nullable=False, server_default="[]"))
    for row in bind.execute(sa.text("SELECT id, findings FROM releases WHERE findings <> '[]'")).all():
        text = json.dumps([f"{finding['kind']}: {finding['says']}" for finding in json.loads(row.findings)], ensure_ascii=False)
        bind.execute(sa.text("UPDATE releases SET reasons = :text WHERE id = :id"), {"text": text, "id": row.id})
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("findings")
        batch_op.alter_column("reasons", server_default=None)
