"""Processes of one shop, to be killed at any moment: `python -m tests.marketplace.payments.shop_processes '{"role": "buyer", …}'`.

buyer   orders, pays on the provider's page, and now and then comes back, cancels or gives back; begins again where it began
desk    takes the provider's messages and works through them
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
import threading
import time
import urllib.request
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from data_contracts.errors import OrderError, PaymentError, PaymentUnavailable, SignatureRefused
from data_contracts.layout import Lake
from marketplace.accounts.people import person_of_email
from marketplace.buying import buy, come_back, give_back
from marketplace.database import database_url, open_database, read
from marketplace.payments.inbox import receive, work
from marketplace.payments.outbox import send_due
from marketplace.payments.stripe_provider import StripeProvider
from marketplace.settings import read_settings
from marketplace.shop import Shop, utc_now
from tests.marketplace.till import a_pack


def open_till(case: dict[str, Any]) -> tuple[Shop, StripeProvider]:
    """Returns the shop and the provider of a case; `later_s` sets the shop's clock ahead."""
    lake = Lake(Path(case["home"]))
    engine = open_database(database_url(lake, case["database"]))
    later = timedelta(seconds=case.get("later_s", 0))
    shop = Shop(lake, engine, read_settings(lake), lambda: utc_now() + later)
    return shop, StripeProvider(case["api_key"], case["webhook_secret"], case["provider"], timeout_s=5)


def buyer(case: dict[str, Any]) -> None:
    shop, provider = open_till(case)
    dice = random.Random()
    with read(shop.engine) as connection:
        person = person_of_email(connection, case["email"])
    assert person
    for number in range(case["orders"]):
        try:
            packs = [a_pack(f"skill-{number}-{part}", 500 + number) for part in range(1 + number % 2)]
            order = buy(shop, provider, person.id, packs, f"{case['email']}:{number}")
            if order.state == "awaiting_payment":
                _pay(case["provider"], str(order.checkout_id))
            if dice.random() < 0.5:
                order = come_back(shop, provider, person.id, order.id)
            if order.state == "paid" and number % 3 == 0:
                give_back(shop, provider, order.lines[0].id, buyer_id=person.id)
        except (PaymentError, OrderError):
            pass  # what was not done now is done by somebody else, or when the day is reconciled
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def desk(case: dict[str, Any]) -> None:
    shop, provider = open_till(case)

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                receive(shop, provider, body, self.headers["Stripe-Signature"])
                self.send_response(200)
            except SignatureRefused:
                self.send_response(400)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", case["port"]), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("open\n")
    sys.stdout.flush()
    while True:
        try:
            num_done = work(shop, provider) + send_due(shop, provider)
        except (PaymentUnavailable, OperationalError):
            num_done = 0
        time.sleep(0 if num_done else 0.05)


def _pay(provider: str, checkout_id: str) -> None:
    """Presses the button on the provider's page. A page that was paid before, or an answer that was cut off, is no matter."""
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{provider}/pay/{checkout_id}", b"", timeout=10).read()


if __name__ == "__main__":
    chosen = json.loads(sys.argv[1])
    {"buyer": buyer, "desk": desk}[chosen["role"]](chosen)
