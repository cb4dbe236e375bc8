"""Open the audit database: connect, migrate, and say in one sentence what is wrong when that fails."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from sheets_catalog.database.tables import REVISION, VERSION_TABLE
from sheets_catalog.errors import BusyError, DamagedStateError, NewerStateError, SettingsError, StateError
from sheets_catalog.masking import mask_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy import Connection

BUSY_SECONDS = 10.0
"""How long a writer waits for another process before it gives up."""

_MIGRATION_LOCK = 0x53686361
"""Key of PostgreSQL's advisory lock while tables are made ("Shca"); any fixed number does."""


def url_of(where: str | Path) -> URL:
    """A database URL from a URL or a file path. Raises `SettingsError`."""
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(Path(where).expanduser()))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(
            f"{mask_message(where)!r} is not a database URL.",
            advice="Write it as sqlite:////folder/audit.sqlite3 or postgresql://user:password@host/database.",
        ) from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise SettingsError(
            f"The audit trail cannot be kept in {url.get_backend_name()!r}.",
            advice="Use a SQLite file, or PostgreSQL when several machines write it.",
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def place(url: URL) -> str:
    """How the database is called in messages: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return url.render_as_string(hide_password=True)


def engine_for(url: URL, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine that waits for others `busy_seconds`, keeps foreign keys, and for SQLite uses the write-ahead log."""
    try:
        return _sqlite(url, busy_seconds) if url.get_backend_name() == "sqlite" else _postgresql(url, busy_seconds)
    except (ImportError, NoSuchModuleError) as error:
        raise SettingsError(
            f"{place(url)} needs a database driver that is not installed: {error}.",
            advice="Install it in the clone: pip install '.[postgres]'",
        ) from error


def _sqlite(url: URL, busy_seconds: float) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    if not in_memory:
        _make_folder(url)
    shared: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": busy_seconds}, **shared)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(url: URL) -> None:
    """Make what is missing for its owner only: values of a shop are nobody else's. SQLite's log files follow suit."""
    file = Path(url.database or ".")
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"The folder of the audit database, {folder}, cannot be made: {error.strerror}.",
            advice="Choose a folder that you may write to.",
        ) from error
    with suppress(OSError):  # connecting says better what is wrong
        file.touch(mode=0o600, exist_ok=False)


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin_sqlite` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an audit line that was acknowledged survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns writer midway fails at once when somebody else wrote: take the lock up front.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL, busy_seconds: float) -> Engine:
    patience = int(busy_seconds * 1000)
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": max(2, round(busy_seconds)),
            "options": f"-c lock_timeout={patience} -c statement_timeout={patience * 6}",
        },
    )


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes; all of it or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def telling(url: URL) -> Iterator[None]:
    """Turn every database error inside into one of ours."""
    try:
        yield
    except SQLAlchemyError as error:
        raise explained(error, url) from error


def explained(error: SQLAlchemyError, url: URL) -> StateError | SettingsError | BusyError:
    """The error to show for a database error: where, what was found, what to do."""
    cause = str(error.orig if isinstance(error, DBAPIError) and error.orig else error).strip().splitlines()[0]
    found, where = mask_message(cause), place(url)
    for words, make in _EXPLANATIONS:
        if any(word in cause for word in words):
            return make(where, found)
    return StateError(
        f"The audit database {where} refused: {found}.",
        advice="Run `sheets-catalog doctor`; the jobs themselves are not affected, their state is kept in Drive.",
    )


def _locked(where: str, found: str) -> BusyError:
    return BusyError(
        f"The audit database {where} is locked by another program ({found}).",
        advice="Close the program that holds it (a database browser, a backup, another run), then try again.",
    )


def _damaged(where: str, found: str) -> DamagedStateError:
    return DamagedStateError(
        f"The audit database {where} is damaged or is not a database ({found}).",
        advice="Move the file away, or put a backup in its place; a new one is made at the next start. "
        "No job is lost with it: their state is kept in Drive.",
    )


def _not_writable(where: str, found: str) -> SettingsError:
    return SettingsError(
        f"The audit database {where} cannot be opened for writing ({found}).",
        advice="Give yourself write access to the file and its folder, "
        "or another place with `audit_url` in the connection's settings.",
    )


def _full(where: str, found: str) -> StateError:
    return StateError(
        f"There is no room left for the audit database {where} ({found}).",
        advice="Free some space, or archive old sessions, then resume the job: nothing is written twice.",
    )


def _unreachable(where: str, found: str) -> SettingsError:
    return SettingsError(
        f"The audit database {where} cannot be reached ({found}).",
        advice="Check host, port, database name, user and password, and that the server is running.",
    )


_EXPLANATIONS = (
    (("database is locked", "database table is locked", "lock timeout"), _locked),
    (("not a database", "malformed", "disk image", "unsupported file format"), _damaged),
    (("unable to open", "readonly database", "permission denied"), _not_writable),
    (("disk is full", "disk full", "No space left"), _full),
    (
        ("connection failed", "connection to server", "could not translate host", "password authentication"),
        _unreachable,
    ),
)


def migrate(engine: Engine, to: str = "head") -> None:
    """Bring the tables to the newest form, or with `to` to a given revision, ``base`` being none at all.

    Safe to call from several processes at once. Raises `NewerStateError` when the tables were made by a newer version.
    """
    with telling(engine.url):
        if to == "head" and _revision(engine) == REVISION:
            return  # the usual case, without the quarter of a second that loading Alembic takes
        with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            _run_migrations(connection, to)


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant


def _run_migrations(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.util import CommandError

    settings = alembic_config()
    settings.attributes["connection"] = connection
    try:
        (command.downgrade if to == "base" else command.upgrade)(settings, to)
    except CommandError as error:
        raise NewerStateError(
            f"The audit database {place(connection.engine.url)} was made by a newer version of this program ({error}).",
            advice="Install the newer version again, or choose another database.",
        ) from error


def alembic_config() -> Config:
    """Alembic's settings for the migrations inside this package."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(files("sheets_catalog.database") / "migrations"))
    return settings
