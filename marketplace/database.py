"""The shop's database: SQLite beside the lake by default, PostgreSQL by URL; the same tables, constraints and code on both.

Everything that is written goes through `write`, which lets one writer in at a time: in SQLite by BEGIN IMMEDIATE, in PostgreSQL by an
advisory lock. What a failed or killed writer did is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL

from data_contracts.layout import Lake

URL_VARIABLE = "DEFTWORKS_DATABASE"
FILE = "shop.db"
BUSY_S = 30.0
"""How long a writer waits for another one."""
WRITER_LOCK = 0x6465667477
"""Key of PostgreSQL's advisory lock."""


def database_url(lake: Lake, chosen: str | None = None) -> URL:
    """Returns where a lake's shop keeps its money: `chosen`, or what DEFTWORKS_DATABASE says, or a file in the lake."""
    chosen = chosen or os.environ.get(URL_VARIABLE)
    if not chosen:
        return URL.create("sqlite", database=str(lake.home / FILE))
    url = make_url(chosen)
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url


def open_database(url: URL) -> Engine:
    """Returns an engine for `url`. No table is created yet: see `migrate`.

    A file is its owner's alone, and errors do not repeat what was to be written: hashes of passwords would end in logs.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        if url.database != ":memory:":
            Path(url.database).touch(0o600)  # people's emails and hashes; SQLite gives its journals the same mode
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to a revision, by default the newest; to `base` it removes them all."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with write(engine) as connection:
        config.attributes["connection"] = connection
        go = command.downgrade if revision == "base" else command.upgrade
        go(config, revision)


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """Yields a connection inside one transaction that no other writer interleaves with. Committed at the end, or undone."""
    with engine.connect().execution_options(is_writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
        yield connection


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """Yields a connection that sees one state of the database, whoever writes meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and is not IMMEDIATE
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails when another wrote in between; one that says so at once waits.
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
