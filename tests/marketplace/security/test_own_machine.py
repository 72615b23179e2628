"""What others on the shop's machine cannot read, and what no log repeats."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from data_contracts.layout import Lake
from marketplace.accounts.tables import identity
from marketplace.database import database_url, open_database, write
from marketplace.local_payments.launch import start_local_payments
from marketplace.shop import Shop, open_shop

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_others(folder: Path) -> list[str]:
    """Returns the files below a folder that somebody else may read."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & OTHERS)


def test_nobody_else_reads_the_shop_s_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEFTWORKS_DATABASE", raising=False)
    shop = open_shop(Lake(tmp_path))
    with write(shop.engine):  # so that its journals are there
        assert open_to_others(tmp_path) == []
    shop.engine.dispose()


def test_nobody_else_looks_into_the_payments_of_test_money(tmp_path: Path) -> None:
    folder = tmp_path / "payments"
    with start_local_payments(folder):
        assert (folder / "local_payments.sqlite-wal").exists()
        assert not folder.stat().st_mode & OTHERS
        assert not [name for name in open_to_others(folder) if "sqlite" in name and not name.endswith(".lock")]


def test_an_error_of_the_database_does_not_repeat_what_was_to_be_written(shop: Shop) -> None:
    row = {"issuer": "local", "subject": "s", "person_id": "nobody", "secret_hash": "$argon2id$very-secret"}
    with pytest.raises(SQLAlchemyError) as refused, write(shop.engine) as connection:
        connection.execute(insert(identity).values(row))
    assert "very-secret" not in str(refused.value)
    assert "very-secret" not in logging.Formatter().formatException((type(refused.value), refused.value, None))


def test_a_file_that_was_there_keeps_what_its_owner_chose(tmp_path: Path) -> None:
    path = tmp_path / "chosen.db"
    path.touch(0o640)
    mode = path.stat().st_mode
    with write(open_database(database_url(Lake(tmp_path), f"sqlite:///{path}"))):
        assert path.stat().st_mode == mode
