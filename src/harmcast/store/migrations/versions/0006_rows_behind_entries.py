"""Lines of what each entry wrote, and on entries the digest of their lines and a seal; rows held are adopted by `upgrade`"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tab", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", "n", name="pk_versions"),
    )
    op.create_index("ix_versions_tab_key", "versions", ["tab", "key"])
    op.add_column("events", sa.Column("writes", sa.String(length=64), nullable=True))
    op.add_column("events", sa.Column("seal", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("events", "seal")
    op.drop_column("events", "writes")
    op.drop_table("versions")
