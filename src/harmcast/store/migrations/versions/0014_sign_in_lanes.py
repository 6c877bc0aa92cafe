"""Misses of passwords by lane, in place of a row a try"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("login_attempts")
    op.create_table(
        "sign_in_lanes",
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        sa.Column("untold", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_sign_in_lanes")),
    )


def downgrade() -> None:
    op.drop_table("sign_in_lanes")
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_hash", sa.String(64), nullable=False),
        sa.Column("address", sa.String(200), nullable=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_account_hash"), "login_attempts", ["account_hash"])
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"])
