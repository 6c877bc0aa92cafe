"""Indexes the web asks for: one account's looks within the hour, decisions since a day"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_actor_at", "events", ["actor", "at"])
    op.drop_index("ix_events_actor", table_name="events")
    op.create_index("ix_decisions_at", "decisions", ["at"])


def downgrade() -> None:
    op.drop_index("ix_decisions_at", table_name="decisions")
    op.create_index("ix_events_actor", "events", ["actor"])
    op.drop_index("ix_events_actor_at", table_name="events")
