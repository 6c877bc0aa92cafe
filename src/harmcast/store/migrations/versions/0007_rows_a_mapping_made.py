"""Rows that an SQL mapping made of those received"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("delivery_files", sa.Column("made", NUMBER))
    op.add_column("delivery_files", sa.Column("unread", NUMBER))


def downgrade() -> None:
    op.drop_column("delivery_files", "unread")
    op.drop_column("delivery_files", "made")
