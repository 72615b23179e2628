"""Backup and restore of a shop: its database, keys and settings, and which packs and release of the lake it refers to.

A tar file, readable by its owner alone:

    backup.json            what is in it: tables, their rows and digests, the packs and the release that must be in the lake
    tables/<name>.jsonl    every row, as one state of the database saw it
    keys/…, shop.toml      as they lie in the lake
    payments/…             the test money of the local payment server, where there is one

Rows and not a copy of the file, so that what was SQLite can be restored into PostgreSQL and the other way round. What is restored
is audited before it counts. Packs themselves are not in it: they are large, and the lake has its own backups.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from sqlalchemy import Connection, Engine, Table, func, insert, inspect, select, text

from data_contracts.errors import MarketplaceError
from data_contracts.layout import Lake
from data_contracts.manifests import Manifest
from data_contracts.stages import bytes_sha256, file_sha256
from marketplace import order_tables  # noqa: F401 (its tables belong to `metadata`)
from marketplace.accounts import tables as account_tables  # noqa: F401
from marketplace.audit import audit
from marketplace.catalogue import POINTER
from marketplace.database import migrate, read, write
from marketplace.ledger import moment
from marketplace.settings import FILE as SETTINGS
from marketplace.shop import Shop
from marketplace.tables import ledger_entry, ledger_transaction, metadata
from skill_packs.layout import PACK

FORMAT = 1
DESCRIPTION = "backup.json"
PAYMENTS, TEST_MONEY = "payments", (".sqlite", ".secrets.json")
MOST_ROWS_AT_ONCE = 1000


class StoredTable(Manifest):
    """A table as it is in the file."""

    num_rows: int = Field(ge=0)
    sha256: str


class Backup(Manifest):
    """What a backup file says of itself. `packs` are (folder in the lake, digest of pack.json)."""

    format: int = FORMAT
    made_at: str
    revision: str
    tables: dict[str, StoredTable]
    files: tuple[str, ...]
    packs: dict[str, str]
    release: str | None


def back_up(shop: Shop, target: Path) -> Backup:
    """Writes a backup file and returns what is in it. An existing file is never replaced.

    Raises:
        FileExistsError: there is something at `target`.
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}.partial")
    opened = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(opened, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            with read(shop.engine) as connection:
                revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
                tables = {table.name: _write_table(connection, archive, table) for table in _tables()}
            files = _write_files(shop.lake, archive)
            described = Backup(
                made_at=moment(shop.now()), revision=revision, tables=tables, files=files, packs=_packs(shop.lake),
                release=_text(shop.lake.releases / POINTER),
            )  # fmt: skip
            _add(archive, DESCRIPTION, described.model_dump_json(indent=2).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)
    return described


def restore(source: Path, lake: Lake, engine: Engine, now: datetime) -> tuple[Backup, list[str]]:
    """Restores a backup into an empty database and a lake. Returns what was in it, and which packs of it the lake lacks.

    Nothing is restored unless all of it can be: the database is written in one transaction, files only where there are none.

    Raises:
        MarketplaceError: the file is damaged or of another version, the database is not empty, keys are there already, or what was
            restored does not hold.
    """
    from alembic.util import CommandError

    with _opened(source) as archive:
        described = _description(archive, source)
        taken = [name for name in described.files if (lake.home / name).exists()]
        if taken:
            raise MarketplaceError(
                f"{lake.home / taken[0]} is there already.", hint="Restore into a lake without a shop."
            )
        if inspect(engine).has_table("person"):
            raise MarketplaceError("There is a shop in the database already.", hint="Restore into an empty database.")
        files = {_inside(lake, name): _content(archive, name, source) for name in described.files}
        written: list[Path] = []
        try:
            migrate(engine, described.revision)
            with write(engine) as connection:
                for table in _tables():
                    _read_table(connection, archive, table, described.tables.get(table.name), source)
                if wrong := audit(connection):
                    raise MarketplaceError(
                        f"What {source} holds breaks the ledger's rules: {wrong[0].rule} {wrong[0].where}: {wrong[0].said}."
                    )
            for target, content in files.items():
                written.append(target)
                _write_file(target, content)
            migrate(engine)
        except CommandError as error:
            raise MarketplaceError(
                f"{source} was made by a newer Deftworks ({described.revision}).",
                hint="Install that one and restore again.",
            ) from error
        except BaseException:
            for target in written:
                target.unlink(missing_ok=True)
            migrate(engine, "base")
            raise
    missing = [name for name, digest in described.packs.items() if not _is_pack(lake.home / name, digest)]
    return described, missing


def _tables() -> list[Table]:
    """Returns all tables, each after those that it refers to; entries before the transaction that seals them."""
    tables = [table for table in metadata.sorted_tables if table is not ledger_entry]
    tables.insert(tables.index(ledger_transaction), ledger_entry)
    return tables


def _write_table(connection: Connection, archive: tarfile.TarFile, table: Table) -> StoredTable:
    rows = connection.execute(select(table).order_by(*table.primary_key.columns))
    lines = [json.dumps(dict(row._mapping), ensure_ascii=False) for row in rows]
    content = "".join(f"{line}\n" for line in lines).encode()
    _add(archive, f"tables/{table.name}.jsonl", content)
    return StoredTable(num_rows=len(lines), sha256=bytes_sha256(content))


def _read_table(
    connection: Connection, archive: tarfile.TarFile, table: Table, stored: StoredTable | None, source: Path
) -> None:
    if stored is None:
        return
    content = _content(archive, f"tables/{table.name}.jsonl", source)
    if bytes_sha256(content) != stored.sha256:
        raise MarketplaceError(f"Table {table.name} in {source} was changed.", hint="Use another backup.")
    rows: list[dict[str, Any]] = [json.loads(line) for line in content.decode().splitlines()]
    for start in range(0, len(rows), MOST_ROWS_AT_ONCE):
        connection.execute(insert(table), rows[start : start + MOST_ROWS_AT_ONCE])
    found = connection.scalar(select(func.count()).select_from(table))
    if found != stored.num_rows:
        raise MarketplaceError(f"Table {table.name} has {found} rows, {source} says {stored.num_rows}.")


def _write_files(lake: Lake, archive: tarfile.TarFile) -> tuple[str, ...]:
    kept = [path for path in (lake.home / SETTINGS, *sorted(lake.keys.rglob("*"))) if path.is_file()]
    for path in kept:
        _add(archive, str(path.relative_to(lake.home)), path.read_bytes())
    own = sorted(path for path in (lake.home / PAYMENTS).glob("*") if path.name.endswith(TEST_MONEY))
    for path in own:
        content = _sqlite(path) if path.suffix == ".sqlite" else path.read_bytes()
        _add(archive, str(path.relative_to(lake.home)), content)
    return tuple(str(path.relative_to(lake.home)) for path in (*kept, *own))


def _sqlite(path: Path) -> bytes:
    """Returns one state of an SQLite file, whoever writes to it meanwhile."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        return copy.serialize()


def _inside(lake: Lake, name: str) -> Path:
    target = lake.home / name
    if not target.resolve().is_relative_to(lake.home.resolve()):
        raise MarketplaceError(f"The backup names {name}, which lies outside the lake.", hint="Use another backup.")
    return target


def _write_file(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _packs(lake: Lake) -> dict[str, str]:
    folders = sorted(path.parent for path in (lake.home / "packs").glob(f"*/*/{PACK}"))
    return {str(folder.relative_to(lake.home)): file_sha256(folder / PACK) for folder in folders}


def _is_pack(folder: Path, digest: str) -> bool:
    return (folder / PACK).is_file() and file_sha256(folder / PACK) == digest


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, "r:")
    except (OSError, tarfile.TarError) as error:
        raise MarketplaceError(
            f"{source} is no backup: {error}.", hint="Give a file that `deftworks backup` wrote."
        ) from error


def _description(archive: tarfile.TarFile, source: Path) -> Backup:
    try:
        described = Backup.model_validate_json(_content(archive, DESCRIPTION, source))
    except ValidationError as error:
        raise MarketplaceError(f"{source} is no backup: {error.errors()[0]['msg']}.") from error
    if described.format != FORMAT:
        raise MarketplaceError(f"{source} has format {described.format}, this Deftworks reads {FORMAT}.")
    return described


def _content(archive: tarfile.TarFile, name: str, source: Path) -> bytes:
    try:
        file = archive.extractfile(name)
    except (KeyError, tarfile.TarError, OSError) as error:
        raise MarketplaceError(f"{source} is damaged: it lacks {name}.", hint="Use another backup.") from error
    if file is None:
        raise MarketplaceError(f"{source} is damaged: {name} is no file.", hint="Use another backup.")
    return file.read()


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
