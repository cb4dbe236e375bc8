"""A database that cannot be used gives one clear message: where, what was found, what to do."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime

import pytest

from sheets_catalog.database import Audit, FieldChange, RecordLog, SessionStart
from sheets_catalog.database.opening import engine_for, url_of, writing
from sheets_catalog.database.tables import VERSION_TABLE
from sheets_catalog.errors import (
    BusyError,
    DamagedStateError,
    NewerStateError,
    SettingsError,
    SheetsCatalogError,
    StateError,
)

START = SessionStart("job-1", "export", datetime(2026, 11, 22, tzinfo=UTC))


def clear(caught: pytest.ExceptionInfo[SheetsCatalogError], *words: str) -> None:
    """The message is one line that holds `words`, and there is advice."""
    message, advice = str(caught.value), caught.value.advice
    assert "\n" not in message
    assert advice.endswith((".", "]'"))
    for word in words:
        assert word in message + advice, (word, message, advice)


def test_a_file_that_is_not_a_database(tmp_path):
    """A text file in its place is named, and not touched."""
    path = tmp_path / "audit.sqlite3"
    path.write_text("Dear diary, today I bought shoes. " * 100)
    with pytest.raises(DamagedStateError) as caught:
        Audit(path)
    clear(caught, str(path), "damaged or is not a database", "Move the file away")
    assert path.read_text().startswith("Dear diary")


def test_a_damaged_database(tmp_path, migrated):
    """Overwritten pages are found when they are read, not answered with nonsense."""
    path = tmp_path / "audit.sqlite3"
    content = bytearray(migrated.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DamagedStateError) as caught:
        Audit(path).session_started(START)
    clear(caught, str(path), "Move the file away")


def test_a_truncated_database(tmp_path, migrated):
    """Half a file is no database."""
    path = tmp_path / "audit.sqlite3"
    content = migrated.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedStateError) as caught:
        Audit(path).session_started(START)
    clear(caught, str(path))


def test_a_locked_database_is_waited_for_and_then_named(tmp_path):
    """Somebody else's transaction: wait as long as told, then say so; afterwards all works."""
    path = tmp_path / "audit.sqlite3"
    with Audit(path, busy_seconds=0.2) as audit:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError) as caught:
            audit.session_started(START)
        clear(caught, str(path), "locked", "Close the program")
        other.execute("ROLLBACK")
        other.close()
        audit.session_started(START)
        assert audit.session("job-1") is not None


def test_a_lock_that_is_let_go_in_time_is_not_noticed(tmp_path):
    """Waiting is silent."""
    import threading

    path = tmp_path / "audit.sqlite3"
    with Audit(path, busy_seconds=5) as audit:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        timer.start()
        audit.session_started(START)
        timer.join()
        other.close()


def test_a_folder_in_the_place_of_the_file(tmp_path):
    """A folder cannot be opened as a database."""
    with pytest.raises(SettingsError) as caught:
        Audit(tmp_path)
    clear(caught, str(tmp_path), "cannot be opened", "audit_url")


def test_a_folder_that_cannot_be_made(tmp_path):
    """A file stands where a folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as caught:
        Audit(tmp_path / "file" / "audit.sqlite3")
    clear(caught, str(tmp_path / "file"), "cannot be made")


def test_a_folder_is_made_when_it_is_missing(tmp_path):
    """A first start on a fresh machine just works."""
    with Audit(tmp_path / "a" / "b" / "audit.sqlite3") as audit:
        audit.session_started(START)


def test_a_database_of_a_newer_version(where):
    """Tables that this version does not know are left alone."""
    Audit(where).close()
    engine = engine_for(url_of(where))
    with writing(engine) as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(NewerStateError) as caught:
        Audit(where)
    clear(caught, "newer version", "Install the newer version")
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() == "9999"
    engine.dispose()


def test_a_server_that_is_not_there_is_named_without_its_password():
    """The password stays out of the message."""
    with pytest.raises(SettingsError) as caught:
        Audit("postgresql://audit:hunter2@127.0.0.1:1/books", busy_seconds=1)
    clear(caught, "127.0.0.1:1/books", "cannot be reached", "password")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "word"), [("mysql://host/audit", "'mysql'"), ("postgresql://:::/", "not a database URL")]
)
def test_a_place_that_is_no_audit_store(where, word):
    """Unknown databases and misspelt URLs are refused before anything is opened."""
    with pytest.raises(SettingsError) as caught:
        Audit(where)
    clear(caught, word)


def test_the_first_error_is_the_one_that_is_told(tmp_path):
    """A job dies while its audit is locked: the job's error comes out, not the lock's."""
    path = tmp_path / "audit.sqlite3"
    Audit(path).close()

    def die_while_locked():
        with (
            contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
            Audit(path, busy_seconds=0.1) as audit,
        ):
            audit.session_started(START)
            audit.records([RecordLog("job-1", "products", "1", "update", "done")])
            other.execute("BEGIN IMMEDIATE")
            raise ValueError("the real trouble")

    with pytest.raises(ValueError, match="the real trouble"):
        die_while_locked()


def test_a_full_disk_loses_nothing(tmp_path):
    """When the file may not grow the batch is refused whole; with room again the same records go in."""
    with Audit(tmp_path / "audit.sqlite3") as audit:
        audit.session_started(START)
        with audit._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        big = (FieldChange("body", "b" * 50_000, None),)
        audit.records(RecordLog("job-1", "products", str(number), "update", "done", changes=big) for number in range(4))
        with pytest.raises(StateError) as caught:
            audit.flush()
        clear(caught, "no room left", "archive old sessions")
        assert audit.logged("job-1") == {}
        with audit._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        audit.flush()
        assert len(audit.logged("job-1")) == 4
