"""The history of the operational database's schema, one for SQLite and PostgreSQL."""
