"""One process that sells: `python -m tests.bench.shop.sales '{"url": …, "number": 0, "seconds": 5, "what": "sales"}'` prints a JSON line.

A complete sale is an order placed (with its lines, its call to the provider written down) and the payment settled: the ledger's
entries, what the buyer may download, every transition; two transactions of the database, each synced. What the provider takes to
answer is not in it. `commits` writes one row instead: what the disk gives.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from data_contracts.layout import Lake
from marketplace.accounts.people import add_person
from marketplace.database import database_url, open_database, write
from marketplace.order_tables import provider_event
from marketplace.orders import PackOnSale, place_order
from marketplace.payments.outbox import want_checkout
from marketplace.payments.provider import Movement, Payment
from marketplace.payments.settling import settle
from marketplace.settings import ShopSettings, read_settings

AT = datetime(2026, 3, 1, tzinfo=UTC)
PACK = PackOnSale("skill", "1.0.0", "sha256:0", "Skill", 1900, "EUR", 3000, {"ada": 5, "bo": 3, "cy": 2, "di": 1})


def sell(engine: Engine, buyer_id: str, name: str, settings: ShopSettings) -> None:
    """Sells one pack to a new person's name: all that the database does for a sale."""
    with write(engine) as connection:
        order = place_order(connection, buyer_id, [PACK], name, settings, AT)
        want_checkout(connection, order, AT)
    movement = Movement(f"txn_{name}", "charge", 1900, 54, "EUR", AT, f"ch_{name}")
    payment = Payment(f"pi_{name}", order.id, 1900, "EUR", movement, (), ())
    with write(engine) as connection:
        settle(connection, order, payment, settings, AT)


def main() -> None:
    case: dict[str, Any] = json.loads(sys.argv[1])
    engine = open_database(database_url(Lake(Path()), case["url"]))
    settings = read_settings(Lake(Path("/nonexistent")))
    people = []
    with write(engine) as connection:
        for number in range(case["buyers"]):
            email = f"b{case['number']}-{number}@example.org"
            people.append(add_person(connection, "Buyer", email, "argon2", AT).id)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begun, number = time.perf_counter(), 0
    while time.perf_counter() - begun < case["seconds"] and number < len(people):
        name = f"{case['number']}-{number}"
        if case["what"] == "sales":
            sell(engine, people[number], name, settings)
        else:
            with write(engine) as connection:
                row = {"id": name, "type": "bench", "body": "", "received_at": "", "num_attempts": 0}
                connection.execute(insert(provider_event).values(**row))
        number += 1
    sys.stdout.write(json.dumps({"done": number, "seconds": time.perf_counter() - begun}) + "\n")


if __name__ == "__main__":
    main()
