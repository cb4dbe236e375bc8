"""The tables are made, taken away and made again by the migrations inside the package."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect

from sheets_catalog.database import Audit, SessionStart
from sheets_catalog.database.opening import alembic_config, engine_for, migrate, url_of
from sheets_catalog.database.tables import REVISION, VERSION_TABLE, metadata

SY_1 = {
    "sync_audit_logs",
    "sync_record_logs",
    "sync_error_logs",
    "sync_alerts",
    "sync_metrics",
    "sync_config",
    "sync_batch_logs",
}


@pytest.fixture
def engine(where):
    engine = engine_for(url_of(where))
    yield engine
    engine.dispose()


def tables(engine):
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_sy_1_up_and_down_and_up_again(engine):
    """Up makes every table that SY-1 names, down leaves none behind, and up works again."""
    migrate(engine)
    assert tables(engine) >= SY_1
    migrate(engine, "base")
    assert tables(engine) == {VERSION_TABLE}
    migrate(engine)
    assert tables(engine) >= SY_1


def test_migrations_make_exactly_the_tables_that_the_code_uses(engine):
    """Alembic finds no difference in tables, columns, types, indexes and constraints."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    migrate(engine)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": False}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_the_newest_revision_is_the_one_the_code_expects():
    """A new migration that forgets to move REVISION would never be run."""
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [REVISION]


def test_queries_have_their_indexes(engine):
    """The questions of SY-2 (date, status, record key) do not read whole tables."""
    migrate(engine)
    with engine.connect() as connection:
        found = inspect(connection)
        by_table = {
            name: {tuple(each["column_names"]) for each in found.get_indexes(name)}
            | {tuple(each["column_names"]) for each in found.get_unique_constraints(name)}
            for name in SY_1
        }
    assert ("started_at",) in by_table["sync_audit_logs"]
    assert ("status", "started_at") in by_table["sync_audit_logs"]
    assert ("record_key", "logged_at") in by_table["sync_record_logs"]
    assert ("session_id", "operation_key", "action") in by_table["sync_record_logs"]


def test_opening_twice_keeps_what_is_there(where):
    """Migrations run at open and touch nothing when there is nothing to do."""
    with Audit(where) as audit:
        audit.session_started(SessionStart("job-1", "export", datetime.now(UTC)))
    with Audit(where) as audit:
        assert audit.session("job-1") is not None


def test_many_open_an_empty_database_at_once(where):
    """Only one makes the tables, nobody fails."""
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Audit(where), range(4)))
    for number, audit in enumerate(opened):
        audit.session_started(SessionStart(f"job-{number}", "export", datetime.now(UTC)))
    assert len(opened[0].sessions()) == 4
    for audit in opened:
        audit.close()


def test_opening_a_migrated_database_does_not_load_alembic(migrated):
    """The usual start of a command does not pay for the migration tool."""
    code = (
        "import sys; from sheets_catalog.database import Audit; Audit(sys.argv[1]).close();"
        "raise SystemExit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(migrated)], check=False).returncode == 0
