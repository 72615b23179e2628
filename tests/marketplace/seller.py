"""A process that sells: `python -m tests.marketplace.seller URL FIRST LAST` posts one sale per number and says so once it is committed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from data_contracts.layout import Lake
from data_contracts.skills import Split
from marketplace.database import database_url, open_database, write
from marketplace.ledger import post
from marketplace.sales import Sale, sale_request

AT = datetime(2026, 3, 1, tzinfo=UTC)
SPLIT = Split(platform_bp=3000, contributors_bp=7000)


def main() -> None:
    url, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    engine = open_database(database_url(Lake(Path()), url))
    for number in range(first, last):
        sale = Sale(f"order-{number}", "EUR", 1000 + number, 0, 30, SPLIT, {"ada": 2, "bo": 1 + number % 3})
        with write(engine) as connection:
            post(connection, sale_request(sale, f"sale:{number}", AT), AT)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
