"""A recommendation says where, when, why and what is asked, each as long as the briefing has room for"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
NAMES = ("place_words", "time_words", "asked")


def upgrade() -> None:
    with op.batch_alter_table("tasking", schema=None) as batch_op:
        for name in NAMES:
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("tasking", schema=None) as batch_op:
        for name in NAMES:
            batch_op.drop_column(name)
