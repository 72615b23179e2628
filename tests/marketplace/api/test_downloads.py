"""What is handed out: to whom it is due, byte for byte, and with a row for every byte; to nobody else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from data_contracts.layout import Lake
from marketplace.database import read, write
from marketplace.downloads import downloads_of
from marketplace.entitlements import recall_pack
from marketplace.licence_files import read_licence
from marketplace.settings import read_settings
from marketplace.shop import Shop
from skill_packs.signing import read_trusted_keys
from tests.marketplace.accounts.conftest import Clock
from tests.marketplace.api.browser import served
from tests.marketplace.api.counter import Counter, counter_of
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_shop_lake(tmp_path_factory.mktemp("counter"), (SHELF[0], SHELF[3]))


@pytest.fixture
def counter(stocked: Lake, database: Engine, throttle) -> Counter:
    clock = Clock()
    shop = Shop(stocked, database, read_settings(stocked), clock)
    return counter_of(shop, clock, served(shop, throttle))


def spans(counter: Counter, entitlement_id: str) -> list[tuple[int, int]]:
    with read(counter.shop.engine) as connection:
        return sorted((one.first_byte, one.last_byte) for one in downloads_of(connection, entitlement_id))


def test_a_link_gives_the_whole_pack_with_its_digest_and_a_row(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    answer = counter.client.get(link["path"])
    assert answer.status_code == 200
    assert len(answer.content) == link["size_bytes"]
    assert hashlib.sha256(answer.content).hexdigest() == link["sha256"] == answer.headers["x-content-sha256"]
    assert answer.headers["etag"] == f'"{link["sha256"]}"'
    assert answer.headers["content-disposition"] == 'attachment; filename="press-button-1.1.0.tar"'
    assert answer.headers["cache-control"] == "no-store"
    assert spans(counter, owned["press-button"].id) == [(0, link["size_bytes"] - 1)]


def test_a_download_that_stopped_goes_on_to_the_same_bytes(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    size, etag = link["size_bytes"], f'"{link["sha256"]}"'
    whole = counter.client.get(link["path"]).content
    first = counter.client.get(link["path"], headers={"Range": "bytes=0-4095"})
    counter.clock.advance(seconds=301)  # a new link goes on where the old one stopped
    again = counter.link(owned["press-button"])["path"]
    rest = counter.client.get(again, headers={"Range": "bytes=4096-", "If-Range": etag})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert rest.headers["content-range"] == f"bytes 4096-{size - 1}/{size}"
    assert first.content + rest.content == whole
    tail = counter.client.get(again, headers={"Range": "bytes=-10"})
    assert tail.content == whole[-10:]
    expected = [(0, size - 1), (0, 4095), (4096, size - 1), (size - 10, size - 1)]
    assert spans(counter, owned["press-button"].id) == sorted(expected)


def test_another_file_than_the_one_that_was_begun_is_sent_whole(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    answer = counter.client.get(link["path"], headers={"Range": "bytes=100-", "If-Range": '"another"'})
    assert (answer.status_code, len(answer.content)) == (200, link["size_bytes"])


@pytest.mark.parametrize(
    ("asked", "status"), [("bytes=99999999-", 416), ("bytes=0-1,5-6", 200), ("bytes=5-1", 400), ("rows=1-2", 400)]
)
def test_ranges_that_are_not_one_range_are_answered(counter: Counter, asked, status):
    _, owned = counter.bought("press-button")
    answer = counter.client.get(counter.link(owned["press-button"])["path"], headers={"Range": asked})
    assert answer.status_code == status
    assert len(spans(counter, owned["press-button"].id)) == (status == 200)


def test_asking_for_the_head_hands_nothing_out(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    answer = counter.client.head(link["path"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == link["size_bytes"]
    assert spans(counter, owned["press-button"].id) == []


def test_nothing_on_the_way_compresses_it(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    client = TestClient(GZipMiddleware(counter.client.app), base_url=counter.shop.settings.address)
    assert client.get("/api/openapi.json").headers["content-encoding"] == "gzip"
    answer = client.get(link["path"], headers={"Accept-Encoding": "gzip"})
    assert int(answer.headers["content-length"]) == link["size_bytes"]
    assert hashlib.sha256(answer.content).hexdigest() == link["sha256"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("/1.1.0?", "/1.0.0?"), ("signature=", "signature=0"), ("expires=1", "expires=9"), ("/ent_", "/ent_0")],
)
def test_an_altered_link_leads_nowhere(counter: Counter, old, new):
    _, owned = counter.bought("press-button")
    path = counter.link(owned["press-button"])["path"]
    altered = counter.client.get(path.replace(old, new))
    assert (altered.status_code, altered.json()["error"]["message"]) == (404, "There is no such download.")
    assert spans(counter, owned["press-button"].id) == []


def test_a_link_is_good_for_minutes(counter: Counter):
    _, owned = counter.bought("press-button")
    link = counter.link(owned["press-button"])
    counter.clock.advance(seconds=link["expires_in_s"] + 1)
    answer = counter.client.get(link["path"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "link_expired")


def test_what_was_given_back_is_not_handed_out_any_more(counter: Counter):
    order, owned = counter.bought("press-button")
    path = counter.link(owned["press-button"])["path"]
    counter.gave_back(order, "press-button")
    assert counter.client.get(path).status_code == 403
    entitlement = owned["press-button"].id
    assert counter.client.post(f"/api/library/{entitlement}/link", headers=counter.token("download")).status_code == 403
    assert counter.client.get(f"/api/licence/{entitlement}", headers=counter.token("download")).status_code == 403
    assert counter.client.get("/api/library", headers=counter.token("read")).json()[0]["versions"] == []


def test_a_recalled_version_is_not_handed_out(counter: Counter):
    _, owned = counter.bought("press-button")
    path = counter.link(owned["press-button"])["path"]
    with write(counter.shop.engine) as connection:
        one = owned["press-button"]
        recall_pack(connection, one.skill_id, "1.1.0", one.pack_id, "It slips.", one.person_id, counter.clock())
    assert counter.client.get(path).status_code == 403


def test_another_s_purchase_is_not_found(counter: Counter):
    _, owned = counter.bought("press-button")
    mallory = counter.sign_up("Mallory")
    header = counter.token("read", "download", of=mallory)
    for method, path in [("POST", "/api/library/{}/link"), ("GET", "/api/licence/{}")]:
        answers = [
            counter.client.request(method, path.format(one), headers=header)
            for one in (owned["press-button"].id, "ent_none")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
    assert counter.client.get("/api/library", headers=header).json() == []
    assert counter.client.get("/api/orders", headers=header).json() == []


def test_a_token_does_what_its_scopes_say(counter: Counter):
    _, owned = counter.bought("press-button")
    path = f"/api/library/{owned['press-button'].id}/link"
    assert counter.client.post(path).status_code == 401
    assert counter.client.post(path, headers=counter.token("read")).status_code == 403
    assert counter.client.get("/api/library", headers=counter.token("download")).status_code == 403


def test_the_library_and_orders_say_what_is_so(counter: Counter):
    order, owned = counter.bought("press-button", "so100-touch-cube")
    library = {one["skill_id"]: one for one in counter.client.get("/api/library", headers=counter.token("read")).json()}
    assert library["press-button"]["versions"] == ["1.1.0"]
    assert library["so100-touch-cube"]["entitlement"] == owned["so100-touch-cube"].id
    said = counter.client.get("/api/orders", headers=counter.token("read")).json()
    assert [(one["id"], one["state"], one["total_minor"]) for one in said] == [(order.id, "paid", 1900)]
    assert [line["amount_minor"] for line in said[0]["lines"]] == [1900, 0]


def test_the_licence_file_is_signed_by_the_key_that_is_shown(counter: Counter, tmp_path: Path):
    _, owned = counter.bought("press-button")
    answer = counter.client.get(f"/api/licence/{owned['press-button'].id}", headers=counter.token("download"))
    assert answer.headers["content-disposition"] == 'attachment; filename="press-button-1.1.0.licence.json"'
    (tmp_path / "file").write_bytes(answer.content)
    licence = read_licence(tmp_path / "file", read_trusted_keys(counter.shop.lake.keys))
    assert (licence.skill_id, licence.buyer_id, licence.updates) == ("press-button", counter.buyer.person.id, "1.x")
    pem = counter.client.get("/api/public-key").content
    assert pem in [path.read_bytes() for path in (counter.shop.lake.keys / "trusted").iterdir()]
