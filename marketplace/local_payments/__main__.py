"""`python -m marketplace.local_payments --database FILE --port N`: the server on its own, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from pathlib import Path

from data_contracts.errors import DeftworksError
from marketplace.local_payments.serving import HOST, listen, serve
from marketplace.local_payments.settings import KEY_VARIABLE, WEBHOOK_VARIABLE, Tariff, read_secrets


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m marketplace.local_payments",
        description="A payment server for TEST MONEY that speaks Stripe's routes.",
        epilog=f"Secrets come from {KEY_VARIABLE} and {WEBHOOK_VARIABLE}, or from the file of --secrets.",
    )
    parser.add_argument("--database", type=Path, required=True, help="SQLite file; made where it is missing")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--port", type=int, default=0, help=f"on {HOST}; 0: any that is free")
    place.add_argument("--fd", type=int, help="a bound socket that was passed on")
    parser.add_argument("--webhook", metavar="URL", help="where events are sent")
    parser.add_argument("--secrets", type=Path, metavar="FILE", help='JSON: {"api_key": …, "webhook_secret": …}')
    parser.add_argument("--faults", action="store_true", help="routes under /_faults that make it fail")
    parser.add_argument("--fee-basis-points", type=int, default=Tariff.fee_basis_points)
    parser.add_argument("--fee-fixed", type=int, default=Tariff.fee_fixed, help="minor units")
    parser.add_argument("--settlement-s", type=int, default=Tariff.settlement_s, help="until a payment may be spent")
    parser.add_argument("--id-seed", help="for tests: ids of a new database that can be foretold, by anybody")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started this may ignore it, and that is handed down
    tariff = Tariff(asked.fee_basis_points, asked.fee_fixed, settlement_s=asked.settlement_s)
    try:
        secrets = read_secrets(asked.secrets)
        listening = listen(asked.port) if asked.fd is None else socket.socket(fileno=asked.fd)
        sys.stdout.write(f"TEST MONEY: local payments on http://{HOST}:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        serve(
            asked.database, listening, secrets,
            webhook_url=asked.webhook, faults=asked.faults, tariff=tariff, id_seed=asked.id_seed,
        )  # fmt: skip
    except (DeftworksError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
