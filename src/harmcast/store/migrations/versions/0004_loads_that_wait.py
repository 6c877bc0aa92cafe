"""Loads that wait until they are accepted; those held are adopted as accepted"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "first_by": sa.String(200),
    "accepted_by": sa.String(200),
    "accepted_at": sa.String(27),
    "accept_reason": sa.Text(),
    "mapping_sha256": sa.String(64),
}


def upgrade() -> None:
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        for name, kind in COLUMNS.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
    op.execute(
        "UPDATE deliveries SET accepted_by = 'upgrade', accepted_at = loaded_at, accept_reason = 'held before loads were accepted'"
        " WHERE standing IN ('loaded', 'again')"
    )


def downgrade() -> None:
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
