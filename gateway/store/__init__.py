"""State that survives: one transaction per batch, the same on SQLite and PostgreSQL."""
