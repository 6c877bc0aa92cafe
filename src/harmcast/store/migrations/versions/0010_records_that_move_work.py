"""What moves open work on: a deferral's day, a condition on a lifted finding, a model refused"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ADDED: dict[str, dict[str, Any]] = {
    "tasking": {"deferred_to": sa.Date()},
    "finding_lifts": {"condition": sa.Text()},
    "models": {"refused_by": sa.String(length=200), "refused_at": sa.String(length=27), "refuse_reason": sa.Text()},
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind in columns.items():
                batch_op.add_column(sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, columns in ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in columns:
                batch_op.drop_column(name)
