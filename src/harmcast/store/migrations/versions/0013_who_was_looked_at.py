"""Whom each account looked at by day, and further days that somebody else opened"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seen",
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("person_key", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", "way", "person_key", name=op.f("pk_seen")),
    )
    op.create_table(
        "look_grants",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["users.account"], name=op.f("fk_look_grants_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_grants")),
    )


def downgrade() -> None:
    op.drop_table("look_grants")
    op.drop_table("seen")
