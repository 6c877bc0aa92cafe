"""Published answers: their bytes, both clocks, what they supersede, and who signed"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "published_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("html", sa.LargeBinary(), nullable=False),
        sa.Column("json", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("supersedes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first", sa.String(200), nullable=False),
        sa.Column("first_role", sa.String(200), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("second", sa.String(200), nullable=True),
        sa.Column("second_role", sa.String(200), nullable=True),
        sa.Column("second_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["supersedes"], ["published_answers.id"], name=op.f("fk_published_answers_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_answers")),
    )


def downgrade() -> None:
    op.drop_table("published_answers")
