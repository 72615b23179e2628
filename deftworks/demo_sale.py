"""The demo's last act: somebody buys the skill with the best evidence for test money, and every cent of it is accounted for.

What runs is what a shop runs: an order, the provider's page, settling, the ledger, a download, a licence file, reconciliation.
"""

from __future__ import annotations

import http.client
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from data_contracts.errors import PaymentError

if TYPE_CHECKING:
    from data_contracts.layout import Lake
    from marketplace.orders import Order
    from marketplace.payments.provider import PaymentProvider
    from marketplace.shop import Shop

BUYER = "demo-buyer@example.org"
NO_PASSWORD = "!"
"""No hash of anything."""


def show_demo_sale(lake: Lake) -> None:
    """Buys, downloads and checks a pack of the current release, once per release, and prints where the money went."""
    from deftworks.bookkeeping import show_report
    from deftworks.printing import out
    from marketplace.money import format_money
    from marketplace.payments.configured import provider_for
    from marketplace.payments.reconciliation import reconcile
    from marketplace.shop import open_shop

    shop = open_shop(lake)
    with provider_for(shop) as provider:
        order = buy_best(shop, provider) if provider.is_test else None
        if order is None:
            return
        line = order.lines[0]
        out.print(
            f"\nBought with test money: {line.title} {line.version} for {format_money(order.total_minor, order.currency)}."
        )
        for party, amount in parts_of(shop, line.id):
            out.print(f"  {format_money(amount, order.currency):>12}  {party}", highlight=False)
        out.print(f"  downloaded, verified offline as {check_download(shop, order)[:23]}…", highlight=False)
        show_report(reconcile(shop, provider))


def buy_best(shop: Shop, provider: PaymentProvider) -> Order | None:
    """Returns the paid order of the pack with the best evidence that costs something; None where there is none."""
    from marketplace.buying import buy, come_back, pack_on_sale
    from marketplace.catalogue import open_catalogue

    catalogue = open_catalogue(shop.lake)
    priced = [row["skill_id"] for row in catalogue.packs() if row["price_minor"]]
    if not priced:
        return None
    buyer_id = _buyer(shop)
    pack = pack_on_sale(catalogue, priced[0])
    order = buy(shop, provider, buyer_id, [pack], f"demo:{pack.pack_id}")
    if order.state == "awaiting_payment" and order.checkout_url:
        _press_pay(order.checkout_url)
    return come_back(shop, provider, buyer_id, order.id)


def parts_of(shop: Shop, line_id: str) -> list[tuple[str, int]]:
    """Returns who got how much of a sold line, in minor units, as the ledger has it."""
    from marketplace.database import read
    from marketplace.ledger import transactions_of
    from marketplace.sales import SALE

    with read(shop.engine) as connection:
        sale = next(one for one in transactions_of(connection, line_id) if one.kind == SALE)
    names = {
        "provider:clearing": "at the payment provider, of which are owed:",
        "provider:fees": "fee of the provider (ours to pay)",
    }
    shown = []
    for account, amount in sorted(sale.entries, key=lambda entry: (not entry[0].startswith("provider"), entry[0])):
        kind = account.rpartition(":")[0]
        who = (
            kind.removesuffix(":revenue").removeprefix("contributor:").removesuffix(":unclaimed").removesuffix(":held")
        )
        waits = " (waits for them to claim it)" if kind.endswith(":unclaimed") else ""
        shown.append((names.get(kind, f"{who}{waits}"), abs(amount)))
    return shown


def check_download(shop: Shop, order: Order) -> str:
    """Downloads what was bought as its buyer would, and returns its id after verifying it without a network."""
    from marketplace.database import read
    from marketplace.downloads import bundle_of
    from marketplace.entitlements import entitlements_of
    from skill_packs.signing import read_trusted_keys
    from skill_packs.verify import verify_pack

    line = order.lines[0]
    with read(shop.engine) as connection:
        owned = next(one for one in entitlements_of(connection, order.buyer_id) if one.line_id == line.id)
        bundle = bundle_of(connection, shop.lake, owned, line.version, line.version)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(bundle.path) as archive:
        archive.extractall(folder, filter="data")
        return verify_pack(Path(folder) / bundle.name.removesuffix(".tar"), read_trusted_keys(shop.lake.keys)).pack_id


def _buyer(shop: Shop) -> str:
    """Returns the demo's buyer, who has no password and so cannot sign in."""
    from marketplace.accounts.people import add_person, person_of_email
    from marketplace.database import write

    with write(shop.engine) as connection:
        known = person_of_email(connection, BUYER)
        return (known or add_person(connection, "Demo buyer", BUYER, NO_PASSWORD, shop.now())).id


def _press_pay(url: str) -> None:
    """Does what the button on the local payment server's page does."""
    page = urlsplit(url)
    connection = http.client.HTTPConnection(str(page.hostname), page.port, timeout=30)
    try:
        connection.request("POST", page.path, headers={"Content-Length": "0"})
        if (status := connection.getresponse().status) >= 400:
            raise PaymentError(f"{url} was not paid: status {status}.")
    finally:
        connection.close()
