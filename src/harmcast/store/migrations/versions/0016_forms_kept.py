"""What was typed into a form whose session had ended is kept, sealed, for a day"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_forms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("person_key", sa.String(40), nullable=True),
        sa.Column("fields_enc", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["users.account"], name=op.f("fk_kept_forms_account_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_forms")),
    )
    op.create_index(op.f("ix_kept_forms_account"), "kept_forms", ["account"])
    op.create_index(op.f("ix_kept_forms_person_key"), "kept_forms", ["person_key"])


def downgrade() -> None:
    op.drop_table("kept_forms")
