"""Codes of people for commands, roles proposed by one and confirmed by another, terms of roles"""

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "one_time_codes",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("what", sa.String(200), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("ends_at", sa.String(27), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["users.account"], name=op.f("fk_one_time_codes_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    op.create_index(op.f("ix_one_time_codes_account"), "one_time_codes", ["account"])
    op.create_table(
        "role_proposals",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("role", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(200), nullable=True),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("answer", sa.String(20), nullable=True),
        sa.Column("answered_by", sa.String(200), nullable=True),
        sa.Column("answered_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["users.account"], name=op.f("fk_role_proposals_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_proposals")),
    )
    op.create_index(op.f("ix_role_proposals_account"), "role_proposals", ["account"])
    op.add_column("user_roles", sa.Column("until", sa.Date(), nullable=True))
    _terms_start_today(op.get_bind())


def _terms_start_today(connection: sa.Connection) -> None:
    """Roles held get their term from this day; where two people could give roles already, set-up is over."""
    roles = sa.table("user_roles", sa.column("role"), sa.column("account"), sa.column("ended_at"), sa.column("until", sa.Date()))
    connection.execute(sa.update(roles).where(roles.c.ended_at.is_(None)).values(until=date.today() + timedelta(days=365)))
    held = connection.execute(sa.select(roles.c.account, roles.c.role)).all()
    administrators = {row.account for row in held if row.role == "administrator"}
    sponsors = administrators | {row.account for row in held if row.role == "supervisor"}
    facts = sa.table("facts", sa.column("name"), sa.column("value"))
    if administrators and len(sponsors) > 1:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        connection.execute(sa.insert(facts).values(name="setup_ended", value=now))


def downgrade() -> None:
    op.drop_column("user_roles", "until")
    op.drop_table("role_proposals")
    op.drop_table("one_time_codes")
