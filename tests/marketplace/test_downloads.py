"""What a purchase may download, by which links, and what its licence file says without a network."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from data_contracts.errors import NotFound, OrderError, PackTampered, UntrustedKey
from data_contracts.layout import Lake
from data_contracts.stages import file_sha256
from marketplace.accounts.people import add_person
from marketplace.buying import buy
from marketplace.database import read, write
from marketplace.downloads import bundle, bundle_of, downloads_of, opened_link, record_download, signed_path
from marketplace.entitlements import (
    Entitlement,
    downloadable,
    entitlements_of,
    recall_pack,
    recalls_of,
    revoke,
    suspend,
)
from marketplace.licence_files import licence_of, read_licence, sign_licence
from marketplace.reviews import hide_review, reviews_of, write_review
from marketplace.settings import read_settings
from marketplace.shop import Shop
from skill_packs.layout import PACK
from skill_packs.signing import open_signing_key, read_public_keys, read_trusted_keys
from skill_packs.verify import verify_pack
from tests.marketplace.payments.pocket_provider import AT, PocketProvider
from tests.marketplace.till import a_pack

SKILL = "press-button"


@pytest.fixture
def shop(database: Engine, lake: Lake) -> Shop:
    return Shop(lake, database, read_settings(lake), lambda: AT)


@pytest.fixture
def buyer(shop: Shop) -> str:
    with write(shop.engine) as connection:
        return add_person(connection, "Olive Owner", "olive@example.org", "argon2", AT).id


@pytest.fixture
def owned(shop: Shop, buyer: str, add_pack) -> Entitlement:
    folder = add_pack(SKILL, 0)
    pack = replace(a_pack(SKILL, 0, folder.name), pack_id=file_sha256(folder / PACK))
    buy(shop, PocketProvider(), buyer, [pack], "k")
    with read(shop.engine) as connection:
        return entitlements_of(connection, buyer)[0]


def again(shop: Shop, owned: Entitlement) -> Entitlement:
    with read(shop.engine) as connection:
        return next(one for one in entitlements_of(connection, owned.person_id) if one.id == owned.id)


def parts_of(link: str) -> dict:
    path, _, query = link.partition("?")
    *_, entitlement_id, version = path.split("/")
    values = dict(part.split("=") for part in query.split("&"))
    return {
        "entitlement_id": entitlement_id,
        "version": version,
        "expires": int(values["expires"]),
        "signature": values["signature"],
    }


def test_a_bundle_is_the_same_bytes_whenever_it_is_made_and_verifies(shop, owned, tmp_path: Path):
    folder = shop.lake.packs(SKILL) / owned.version
    first = bundle(shop.lake, folder)
    first.path.unlink()
    second = bundle(shop.lake, folder)
    assert first == second
    assert file_sha256(second.path) == second.sha256
    assert second.pack_id == owned.pack_id
    with tarfile.open(second.path) as archive:
        archive.extractall(tmp_path, filter="data")
    verified = verify_pack(tmp_path / f"{SKILL}-{owned.version}", read_trusted_keys(shop.lake.keys))
    assert verified.pack_id == owned.pack_id


def test_a_link_leads_to_the_pack_until_it_expires(shop, owned):
    link = parts_of(signed_path(shop.lake, owned, owned.version, shop.settings, AT))
    with read(shop.engine) as connection:
        found = opened_link(connection, shop.lake, None, **link, now=AT + timedelta(seconds=300))
        assert found.pack_id == owned.pack_id
        with pytest.raises(OrderError, match="expired"):
            opened_link(connection, shop.lake, None, **link, now=AT + timedelta(seconds=301))


@pytest.mark.parametrize(
    "change",
    [
        {"version": "9.9.9"},
        {"expires": 2**40},
        {"entitlement_id": "ent_other"},
        {"signature": "0" * 64},
        {"signature": "é"},
    ],
)
def test_an_altered_link_leads_nowhere(shop, owned, change):
    link = parts_of(signed_path(shop.lake, owned, owned.version, shop.settings, AT)) | change
    with read(shop.engine) as connection, pytest.raises(NotFound):
        opened_link(connection, shop.lake, None, **link, now=AT)


def test_a_link_of_one_purchase_is_not_one_of_another(shop, owned):
    with write(shop.engine) as connection:
        other = add_person(connection, "Mallory", "m@example.org", "argon2", AT).id
    pack = replace(a_pack(SKILL, 0, owned.version), pack_id=owned.pack_id)
    buy(shop, PocketProvider(), other, [pack], "k2")
    with read(shop.engine) as connection:
        (theirs,) = entitlements_of(connection, other)
        link = parts_of(signed_path(shop.lake, theirs, owned.version, shop.settings, AT)) | {"entitlement_id": owned.id}
        with pytest.raises(NotFound):
            opened_link(connection, shop.lake, None, **link, now=AT)


def test_another_shop_s_links_lead_nowhere_here(shop, owned, tmp_path: Path):
    link = parts_of(signed_path(Lake(tmp_path / "other"), owned, owned.version, shop.settings, AT))
    with read(shop.engine) as connection, pytest.raises(NotFound):
        opened_link(connection, shop.lake, None, **link, now=AT)


def test_the_key_of_links_is_nobody_else_s_to_read(shop, owned):
    signed_path(shop.lake, owned, owned.version, shop.settings, AT)
    assert (shop.lake.keys / "link_key").stat().st_mode & 0o077 == 0


def test_what_was_given_back_disputed_or_recalled_is_not_handed_out(shop, owned, buyer):
    link = parts_of(signed_path(shop.lake, owned, owned.version, shop.settings, AT))
    for end, resume in ((revoke, AT), (suspend, AT)):
        with write(shop.engine) as connection:
            end(connection, owned.line_id, resume)
            with pytest.raises(OrderError):
                opened_link(connection, shop.lake, None, **link, now=AT)
            end(connection, owned.line_id, None)
            assert opened_link(connection, shop.lake, None, **link, now=AT)
    with write(shop.engine) as connection:
        recall_pack(connection, SKILL, owned.version, owned.pack_id, "drops things", buyer, AT)
        with pytest.raises(OrderError):
            opened_link(connection, shop.lake, None, **link, now=AT)
        assert [one.reason for one in recalls_of(connection, SKILL)] == ["drops things"]
        with pytest.raises(OrderError, match="before"):
            recall_pack(connection, SKILL, owned.version, owned.pack_id, "again", buyer, AT)


def test_updates_are_later_released_versions_of_the_same_major(shop, owned, add_pack):
    minor = add_pack(SKILL, 0, seed=3)
    assert minor.name != owned.version
    with read(shop.engine) as connection:

        def names(on_shelf):
            return [folder.name for folder in downloadable(connection, shop.lake, owned, on_shelf)]

        assert names(None) == names(owned.version) == [owned.version]
        assert names(minor.name) == [owned.version, minor.name]
        assert names("0.9.0") == [owned.version]  # the shelf went back: what was bought stays
        (shop.lake.packs(SKILL) / "2.0.0").mkdir()
        assert names("2.0.0") == [owned.version, minor.name]
        with pytest.raises(OrderError):
            bundle_of(connection, shop.lake, owned, "2.0.0", "2.0.0")


def test_every_download_is_written_down_for_good(shop, owned):
    with write(shop.engine) as connection:
        record_download(connection, owned.id, owned.version, owned.pack_id, (0, 99), "127.0.0.1", AT)
    with read(shop.engine) as connection:
        assert [(one.first_byte, one.last_byte) for one in downloads_of(connection, owned.id)] == [(0, 99)]
    with pytest.raises(DatabaseError), write(shop.engine) as connection:
        connection.execute(text("DELETE FROM download"))


def test_a_licence_file_holds_offline_and_every_change_of_it_is_found(shop, owned, tmp_path: Path):
    signer = open_signing_key(shop.lake.keys)
    licence = licence_of(owned, shop.settings)
    raw = sign_licence(licence, signer)
    assert raw == sign_licence(licence_of(again(shop, owned), shop.settings), signer)
    path, trusted = tmp_path / "l.licence.json", read_trusted_keys(shop.lake.keys)
    path.write_bytes(raw)
    assert read_licence(path, trusted) == licence
    assert licence.updates == "1.x"
    for position in range(0, len(raw) - 1, 7):
        changed = bytearray(raw)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises((OrderError, PackTampered, UntrustedKey)):
            read_licence(path, trusted)
    path.write_bytes(raw)
    open_signing_key(tmp_path / "others")
    with pytest.raises(UntrustedKey):
        read_licence(path, read_public_keys((tmp_path / "others" / "trusted").glob("*.pem")))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"payload": 3}',
        json.dumps({"payload": "", "payloadType": "x", "signatures": []}),
    ],
)
def test_what_is_no_licence_file_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "l.json"
    path.write_text(content)
    with pytest.raises(OrderError, match="no licence file"):
        read_licence(path, {})


def test_only_buyers_review_once_and_what_is_hidden_is_kept(shop, owned, buyer):
    with write(shop.engine) as connection:
        stranger = add_person(connection, "Sid", "sid@example.org", "argon2", AT).id
        with pytest.raises(OrderError, match="bought"):
            write_review(connection, stranger, SKILL, "1.0.0", "SO-101", 5, "Great", AT)
        write_review(connection, buyer, SKILL, "1.0.0", "SO-101", 2, "Slow", AT)
        write_review(connection, buyer, SKILL, "1.0.0", "SO-101", 4, "<script>alert(1)</script>", AT)
        (shown,) = reviews_of(connection, SKILL)
        assert (shown.stars, shown.name, shown.text) == (4, "Olive Owner", "<script>alert(1)</script>")
        hide_review(connection, shown.id, AT)
        assert reviews_of(connection, SKILL) == []
        assert connection.scalar(text("SELECT count(*) FROM review")) == 1


@pytest.mark.parametrize(
    ("stars", "robot", "words"),
    [(0, "SO-101", "x"), (6, "SO-101", "x"), (3, " ", "x"), (3, "r" * 81, "x"), (3, "r", " "), (3, "r", "x" * 4001)],
)
def test_a_review_out_of_bounds_is_refused(shop, owned, buyer, stars, robot, words):
    with write(shop.engine) as connection, pytest.raises(OrderError):
        write_review(connection, buyer, SKILL, "1.0.0", robot, stars, words, AT)
