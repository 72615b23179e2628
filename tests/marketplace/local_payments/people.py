"""Who deals with the bank in these tests: a seller's client, a receiver of webhooks, and people at its pages."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Callable
from typing import Any

import stripe

from marketplace.local_payments.launch import LocalPayments

SUCCESS = "https://shop.example/paid?session={CHECKOUT_SESSION_ID}"
CANCEL = "https://shop.example/cart"


def client_of(bank: LocalPayments, **options: Any) -> stripe.StripeClient:
    """Returns Stripe's client, which does not try again unless told to."""
    options = {"max_network_retries": 0} | options
    return stripe.StripeClient(bank.api_key, base_addresses={"api": bank.address}, **options)


def sale_of(amount: int = 1999, *, name: str = "Pick a cube", currency: str = "eur", **more: Any) -> dict[str, Any]:
    """Returns what a checkout session for one thing is asked for with."""
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": name}}
    items = [{"quantity": 1, "price_data": price}]
    return {"mode": "payment", "line_items": items, "success_url": SUCCESS, "cancel_url": CANCEL} | more


def sell(bank: LocalPayments, client: stripe.StripeClient, amount: int = 1999, **more: Any) -> Any:
    """Returns a paid session, with its payment intent, charge and balance transaction."""
    session = client.v1.checkout.sessions.create(sale_of(amount, **more))
    bank.pay(session.id)
    expand = ["payment_intent.latest_charge.balance_transaction"]
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": expand})


def onboarded(bank: LocalPayments, client: stripe.StripeClient) -> str:
    """Returns the id of an account whose owner agreed to be paid."""
    account = client.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    link = client.v1.account_links.create(
        {"account": account.id, "type": "account_onboarding", "refresh_url": CANCEL, "return_url": CANCEL}
    )
    assert visit(bank, "POST", link.url)[0] == 303
    return account.id


def visit(
    bank: LocalPayments, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, Any, str]:
    """Returns (status, headers, text) of one request, following nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", bank.port, timeout=20)
    try:
        connection.request(method, address.removeprefix(bank.address), body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Returns the first true value. Fails where none comes in time."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return value


class Receiver:
    """A webhook endpoint: what came in, in order; answers with the next of `answers`, then with 200."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.received.append((body, self.headers["Stripe-Signature"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def events(self, secret: str) -> list[stripe.Event]:
        """Returns what came in, each verified by Stripe's client."""
        return [stripe.Webhook.construct_event(body, header, secret) for body, header in list(self.received)]

    def about(self, secret: str, identifier: str) -> list[str]:
        """Returns the types of the events about an object, in order of arrival."""
        return [event.type for event in self.events(secret) if event.data.object.id == identifier]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
