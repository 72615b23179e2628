"""What another website cannot do with a visitor's browser: frame a page, open its websocket, pay a test order."""

from __future__ import annotations

import pytest
import stripe
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from marketplace.local_payments.launch import LocalPayments
from marketplace.shop import Shop
from marketplace_ui.guards import PageGuards
from tests.marketplace.local_payments.people import sale_of, visit

HTTPS = "https://shop.example"


def pages(shop: Shop, address: str) -> TestClient:
    """Returns a visitor in front of pages as they are guarded, with a websocket that says hello."""

    async def hello(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    routes = [Route("/", lambda _request: PlainTextResponse("page")), WebSocketRoute("/stream", hello)]
    guarded = PageGuards(Starlette(routes=routes), shop.settings.model_copy(update={"address": address}))
    return TestClient(guarded, "http://localhost:8501")


def greeting(visitor: TestClient, origin: str | None) -> str:
    headers = {} if origin is None else {"origin": origin}
    with visitor.websocket_connect("ws://localhost:8501/stream", headers=headers) as stream:
        return stream.receive_text()


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:5000", "http://localhost", "http://127.0.0.1:8501", "null", ""]
)
def test_no_other_site_opens_the_websocket_of_a_page(shop: Shop, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect):
        greeting(pages(shop, "http://localhost:8501"), origin)


@pytest.mark.parametrize("origin", ["http://localhost:8501", None])
def test_the_shop_s_own_page_does_and_a_program_without_a_browser(shop: Shop, origin: str | None) -> None:
    assert greeting(pages(shop, "http://localhost:8501"), origin) == "hello"


def test_behind_https_only_its_address_counts(shop: Shop) -> None:
    visitor = pages(shop, HTTPS)
    assert greeting(visitor, HTTPS) == "hello"
    for origin in ("http://localhost:8501", "http://shop.example", "https://shop.example.evil.example"):
        with pytest.raises(WebSocketDisconnect):
            greeting(visitor, origin)


def test_no_other_site_frames_a_page(shop: Shop) -> None:
    headers = pages(shop, HTTPS).get("/").headers
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.example"},
    ],
)  # fmt: skip
def test_no_other_site_makes_a_browser_pay(
    bank: LocalPayments, client: stripe.StripeClient, sent: dict[str, str]
) -> None:
    session = client.v1.checkout.sessions.create(sale_of())
    assert visit(bank, "POST", session.url, headers=sent)[0] in (400, 403)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_the_payment_page_s_own_form_pays(bank: LocalPayments, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(sale_of())
    own = {"Origin": bank.address, "Sec-Fetch-Site": "same-origin"}
    assert visit(bank, "POST", session.url, headers=own)[0] == 303
    assert client.v1.checkout.sessions.retrieve(session.id).status == "complete"
