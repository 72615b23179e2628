"""The shop as it runs: its process, the payment server beside it, and the command line of a buyer; all over HTTP, without a browser."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from data_contracts.layout import HOME_VARIABLE, Lake
from marketplace.payments.configured import FOLDER, RUNNING, open_provider
from marketplace.payments.reconciliation import reconcile
from marketplace.shop import open_shop
from tools.serving import wait_for

pytestmark = pytest.mark.journey
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
PATIENCE_S = 30.0


class RunningShop:
    """`deftworks shop` on a lake, in a process of its own."""

    def __init__(self, lake: Lake, port: int) -> None:
        self.lake, self.address = lake, f"http://localhost:{port}"
        command = [sys.executable, "-m", "marketplace_ui.server", "--port", str(port)]
        self.log = lake.home / "server.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=os.environ | {HOME_VARIABLE: str(lake.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(f"{self.address}/api/health")
        wait_for(f"{self.address}/_stcore/health")

    def payments_pid(self) -> int:
        return json.loads((self.lake.home / FOLDER / RUNNING).read_text())["pid"]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def shop(own_copy: Lake) -> Iterator[RunningShop]:
    running = RunningShop(own_copy, _free_port())
    yield running
    if running.process.poll() is None:
        running.end()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def until(ask: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Returns what `ask` answers once it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so(said := ask()):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def signed_up(shop: RunningShop) -> httpx.Client:
    """Returns a script's client: signed up by the form, with a token made by the session."""
    browser = httpx.Client(base_url=shop.address)
    fields = {name: unescape(value) for name, value in HIDDEN.findall(browser.get("/api/sign-up").text)}
    own = {"Origin": shop.address, "Sec-Fetch-Site": "same-origin"}
    typed = {"name": "Olive", "email": "olive@example.org", "password": "three quiet otters", "country": "DE"}
    assert browser.post("/api/sign-up", data=fields | typed, headers=own).status_code == 303
    wanted = {"name": "test", "scopes": ["read", "buy", "download"], "days": 1}
    token = browser.post("/api/tokens", json=wanted, headers=own).json()["token"]
    return httpx.Client(base_url=shop.address, headers={"Authorization": f"Bearer {token}"})


def deftworks(tmp_path: Path, *arguments: str, said: str = "") -> str:
    environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path / "config"), HOME_VARIABLE: str(tmp_path / "nowhere")}
    run = subprocess.run(
        [sys.executable, "-m", "deftworks", *arguments], input=said, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_signing_up_buying_paying_downloading_and_giving_back(shop: RunningShop, tmp_path: Path):
    client = signed_up(shop)
    placed = client.post(
        "/api/orders", json={"skills": ["press-button", "so100-touch-cube"], "request_key": "k" * 16}
    ).json()
    assert placed["state"] == "awaiting_payment"

    page = httpx.get(placed["checkout_url"])
    assert "TEST MONEY" in page.text
    assert "19.00 EUR" in page.text
    paid = httpx.post(placed["checkout_url"])
    assert paid.status_code == 303
    assert paid.headers["location"] == f"{shop.address}/order?order={placed['id']}&paid=1"
    assert httpx.get(paid.headers["location"]).status_code == 200

    # The list never asks the provider: only its message can have told the shop.
    until(lambda: client.get("/api/orders").json()[0]["state"], lambda state: state == "paid")
    library = {one["skill_id"]: one for one in client.get("/api/library").json()}
    assert {name: one["versions"] for name, one in library.items()} == {
        "press-button": ["1.1.0"], "so100-touch-cube": ["1.0.0"],
    }  # fmt: skip

    link_path = f"/api/library/{library['press-button']['entitlement']}/link"
    link = client.post(link_path).json()
    half = link["size_bytes"] // 2
    first = httpx.get(link["url"], headers={"Range": f"bytes=0-{half - 1}"})
    rest = httpx.get(link["url"], headers={"Range": f"bytes={half}-", "If-Range": first.headers["etag"]})
    whole = httpx.get(link["url"], headers={"Accept-Encoding": "gzip"})
    assert first.content + rest.content == whole.content
    assert "gzip" not in whole.headers.get("content-encoding", "")

    token = client.headers["authorization"].split()[1]
    deftworks(tmp_path, "account", "sign-in", "--address", shop.address, "--token-stdin", said=token)
    # What an earlier try left is gone on with.
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / f".{link['file_name']}.{link['sha256'][:16]}.part").write_bytes(first.content)
    got = json.loads(deftworks(tmp_path, "library", "get", "press-button", "--to", str(tmp_path / "packs"), "--json"))
    assert got["pack_id"] == link["pack_id"]
    checked = deftworks(tmp_path, "licence", "check", got["licence"], "--pack", got["folder"], "--json")
    assert json.loads(checked)["licence"]["skill_id"] == "press-button"
    assert sorted(path.name for path in (tmp_path / "packs").iterdir()) == [
        "press-button-1.1.0", "press-button-1.1.0.licence.json",
    ]  # fmt: skip

    line = next(line["id"] for line in placed["lines"] if line["skill_id"] == "press-button")
    client.post(f"/api/order-lines/{line}/give-back").raise_for_status()
    until(lambda: client.get("/api/orders").json()[0]["state"], lambda state: state == "refunded")
    assert client.post(link_path).status_code == 403
    assert httpx.get(link["url"]).status_code == 403

    own = open_shop(shop.lake)
    report = reconcile(own, open_provider(own))
    assert report.is_balanced, report.differences
    own.engine.dispose()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_the_shop_started_ends_with_it(shop: RunningShop, how: signal.Signals):
    payments = shop.payments_pid()
    assert is_alive(payments)
    code = shop.end(how)
    assert code in (0, 130), shop.log.read_text()
    assert not is_alive(payments)
    assert "Traceback" not in shop.log.read_text()


def test_a_shop_that_was_killed_opens_again_and_its_payment_page_still_counts(shop: RunningShop):
    client = signed_up(shop)
    placed = client.post("/api/orders", json={"skills": ["open-drawer"], "request_key": "k" * 16}).json()
    left_over = shop.payments_pid()
    shop.end(signal.SIGKILL)
    again = RunningShop(shop.lake, int(shop.address.rpartition(":")[2]))
    try:
        assert not is_alive(left_over)
        assert again.payments_pid() != left_over
        assert httpx.post(placed["checkout_url"]).status_code == 303
        until(lambda: client.get("/api/orders").json()[0]["state"], lambda state: state == "paid")
        assert "Open this link once" in shop.log.read_text()
    finally:
        again.end()
