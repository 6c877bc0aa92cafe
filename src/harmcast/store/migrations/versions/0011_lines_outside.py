"""Signed lines stand outside alone; a file of record names the witness code of its day"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("checkpoints")  # what it held stands in the folder of `[log] checkpoint_dir`: those are the first lines outside
    op.add_column("ledger", sa.Column("witness", sa.String(40), nullable=True))


def downgrade() -> None:
    op.drop_column("ledger", "witness")
    op.create_table(
        "checkpoints",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoints")),
    )
