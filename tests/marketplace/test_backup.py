"""A shop that was lost comes back from its backup, on either database, and agrees with its provider."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select

from data_contracts.errors import MarketplaceError
from data_contracts.layout import Lake
from marketplace.audit import audit
from marketplace.backup import back_up, restore
from marketplace.buying import give_back
from marketplace.database import database_url, open_database, read
from marketplace.payments.reconciliation import reconcile, reports
from marketplace.shop import Shop
from marketplace.tables import metadata
from tests.marketplace.payments.pocket_provider import AT
from tests.marketplace.till import Till


@pytest.fixture
def traded(till: Till, add_pack) -> Till:
    """Two paid orders, one of them given back, one that nobody paid; keys and a pack."""
    add_pack("press-button")
    first = till.bought("drawer", "button")
    give_back(till.shop, till.provider, first.lines[0].id, buyer_id=till.buyer)
    till.bought("handle", key="k2")
    till.order("cube", key="k3")
    assert reconcile(till.shop, till.provider).is_balanced
    return till


def rows(engine: Engine) -> dict:
    with read(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request, tmp_path: Path, till: Till) -> Engine:
    """An empty database of either kind, beside the shop's."""
    if request.param == "sqlite":
        return open_database(database_url(Lake(tmp_path / "elsewhere"), f"sqlite:///{tmp_path}/elsewhere.db"))
    if till.shop.engine.dialect.name == "postgresql":
        pytest.skip("there is one PostgreSQL database here")
    engine = open_database(database_url(Lake(tmp_path), request.getfixturevalue("postgres_url")))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    return engine


def test_a_restored_shop_is_the_same_and_passes_reconciliation(traded: Till, elsewhere: Engine, tmp_path: Path):
    file = tmp_path / "shop.backup"
    written = back_up(traded.shop, file)
    assert file.stat().st_mode & 0o077 == 0
    lake = Lake(tmp_path / "restored")
    described, missing = restore(file, lake, elsewhere, AT)
    assert described == written
    assert missing == list(written.packs) != []
    assert rows(elsewhere) == rows(traded.shop.engine)
    for name in written.files:
        assert (lake.home / name).read_bytes() == (traded.shop.lake.home / name).read_bytes()
        assert (lake.home / name).stat().st_mode & 0o077 == 0
    shop = Shop(lake, elsewhere, traded.shop.settings, traded.clock)
    assert reconcile(shop, traded.provider).is_balanced
    with read(elsewhere) as connection:
        assert audit(connection) == []
        assert len(reports(connection)) == 2
    elsewhere.dispose()


def test_a_backup_replaces_nothing_and_is_not_restored_over_anything(traded: Till, tmp_path: Path):
    file = tmp_path / "shop.backup"
    back_up(traded.shop, file)
    with pytest.raises(FileExistsError):
        back_up(traded.shop, file)
    with pytest.raises(MarketplaceError, match="there already"):
        restore(file, traded.shop.lake, traded.shop.engine, AT)
    with pytest.raises(MarketplaceError, match="shop in the database"):
        restore(file, Lake(tmp_path / "new"), traded.shop.engine, AT)


def changed(file: Path, target: Path, name: str, change) -> Path:
    with tarfile.open(file) as source, tarfile.open(target, "w") as copy:
        for member in source.getmembers():
            content = source.extractfile(member).read()
            if member.name == name:
                content = change(content)
                if content is None:
                    continue
            info = tarfile.TarInfo(member.name)
            info.size = len(content)
            copy.addfile(info, io.BytesIO(content))
    return target


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("tables/ledger_entry.jsonl", lambda content: content.replace(b"1900", b"1901"), "was changed"),
        ("tables/ledger_entry.jsonl", lambda content: content[:-40], "was changed"),
        ("tables/shop_order.jsonl", lambda content: None, "lacks"),
        ("keys/signing_key.pem", lambda content: None, "lacks keys"),
        ("backup.json", lambda content: None, "lacks"),
        ("backup.json", lambda content: content.replace(b'"revision": "0', b'"revision": "9'), "newer Deftworks"),
        ("backup.json", lambda content: content.replace(b'"keys/', b'"../keys/'), "outside the lake"),
        ("backup.json", lambda content: b"{}", "no backup"),
    ],
)
def test_a_damaged_backup_restores_nothing(traded: Till, tmp_path: Path, name, change, said):
    file = tmp_path / "shop.backup"
    back_up(traded.shop, file)
    bad = changed(file, tmp_path / "bad.backup", name, change)
    engine = open_database(database_url(Lake(tmp_path / "x"), f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(MarketplaceError, match=said):
        restore(bad, Lake(tmp_path / "x"), engine, AT)
    assert not inspect(engine).has_table("person")
    assert not (tmp_path / "x" / "keys").exists()
    (tmp_path / "text").write_text("no tar")
    with pytest.raises(MarketplaceError, match="no backup"):
        restore(tmp_path / "text", Lake(tmp_path / "x"), engine, AT)


def test_a_ledger_that_breaks_its_rules_is_not_restored(traded: Till, tmp_path: Path):
    """Somebody edits an amount and the digests along with it."""
    import hashlib

    file = tmp_path / "shop.backup"
    back_up(traded.shop, file)
    told: dict[str, str] = {}

    def richer(content: bytes) -> bytes:
        lines = [json.loads(line) for line in content.splitlines()]
        lines[0]["posted"] += 1
        new = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        told["sha256"] = "sha256:" + hashlib.sha256(new).hexdigest()
        return new

    def says(content: bytes) -> bytes:
        values = json.loads(content)
        values["tables"]["ledger_account"]["sha256"] = told["sha256"]
        return json.dumps(values).encode()

    halfway = changed(file, tmp_path / "a.backup", "tables/ledger_account.jsonl", richer)
    bad = changed(halfway, tmp_path / "b.backup", "backup.json", says)
    engine = open_database(database_url(Lake(tmp_path / "x"), f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(MarketplaceError, match="cached balance"):
        restore(bad, Lake(tmp_path / "x"), engine, AT)
    assert not inspect(engine).has_table("person")


def test_a_restore_that_ends_in_the_middle_leaves_nothing(traded: Till, tmp_path: Path, monkeypatch):
    """The disk is full after the first file: the database is empty again, and the next try succeeds."""
    file = tmp_path / "shop.backup"
    back_up(traded.shop, file)
    engine, lake = open_database(database_url(Lake(tmp_path / "x"), f"sqlite:///{tmp_path}/x.db")), Lake(tmp_path / "x")
    written = []

    def full(target: Path, content: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(target)
        target.parent.mkdir(parents=True)
        target.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr("marketplace.backup._write_file", full)
        with pytest.raises(OSError, match="No space"):
            restore(file, lake, engine, AT)
    assert not written[0].exists()
    assert not inspect(engine).has_table("person")
    restore(file, lake, engine, AT)
    assert rows(engine) == rows(traded.shop.engine)


def test_a_backup_of_a_shop_that_sells_is_one_moment_of_it(traded: Till, tmp_path: Path, monkeypatch):
    """Sales go on while tables are written: what was sold after the first table is in none of them."""
    from marketplace import backup

    write_table, sold = backup._write_table, []

    def selling(connection, archive, table):
        if len(sold) < 3:
            sold.append(traded.bought(f"skill-{len(sold)}", key=f"meanwhile {len(sold)}"))
        return write_table(connection, archive, table)

    before = rows(traded.shop.engine)
    monkeypatch.setattr(backup, "_write_table", selling)
    file = tmp_path / "shop.backup"
    back_up(traded.shop, file)
    engine, lake = open_database(database_url(Lake(tmp_path / "x"), f"sqlite:///{tmp_path}/x.db")), Lake(tmp_path / "x")
    restore(file, lake, engine, AT)
    assert rows(engine) == before
    assert len(sold) == 3
    reconcile(Shop(lake, engine, traded.shop.settings, traded.clock), traded.provider)
    with read(engine) as connection:
        assert audit(connection) == []
