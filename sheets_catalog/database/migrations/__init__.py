"""Alembic migrations of the audit tables."""
