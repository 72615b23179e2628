"""Puts the server together and runs it: in this process, until it is told to stop."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn

from marketplace.local_payments.app import create_app
from marketplace.local_payments.bank import Bank
from marketplace.local_payments.connection import CuttableProtocol
from marketplace.local_payments.events import keep_default_endpoint
from marketplace.local_payments.faults import Faults
from marketplace.local_payments.settings import Secrets, Tariff
from marketplace.local_payments.store import Store
from marketplace.local_payments.webhooks import Deliverer

HOST = "127.0.0.1"
"""Nobody but this machine; test money is not for a network."""


def listen(port: int) -> socket.socket:
    """Returns a bound socket; port 0 takes any that is free."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    return listening


def serve(
    database: Path, listening: socket.socket, secrets: Secrets, *, webhook_url: str | None, faults: bool, tariff: Tariff
) -> None:
    """Answers until SIGTERM or SIGINT."""
    store = Store(database)
    bank = Bank(store, f"http://{HOST}:{listening.getsockname()[1]}", tariff, Faults(enabled=faults))
    if webhook_url:
        keep_default_endpoint(bank, webhook_url, secrets.webhook_secret)
    deliverer = Deliverer(bank)
    deliverer.start()
    config = uvicorn.Config(
        create_app(bank, secrets.api_key), http=CuttableProtocol, ws="none", lifespan="off", access_log=False,
        log_level="warning", server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        deliverer.stop()
        store.close()
