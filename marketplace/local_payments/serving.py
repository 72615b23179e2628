"""Puts the server together and runs it: in this process, until it is told to stop."""

from __future__ import annotations

import fcntl
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from data_contracts.errors import PaymentError
from marketplace.local_payments.app import create_app
from marketplace.local_payments.bank import Bank
from marketplace.local_payments.checkout import move_open_sessions
from marketplace.local_payments.connection import CuttableProtocol
from marketplace.local_payments.events import keep_default_endpoint
from marketplace.local_payments.faults import Faults
from marketplace.local_payments.settings import Secrets, Tariff
from marketplace.local_payments.store import Store
from marketplace.local_payments.webhooks import Deliverer

HOST = "127.0.0.1"
"""Nobody but this machine; test money is not for a network."""
PATIENCE_S = 2.0
"""How long a server waits for the one before it to let go of the database."""


def listen(port: int) -> socket.socket:
    """Returns a bound socket; port 0 takes any that is free."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    return listening


def serve(
    database: Path,
    listening: socket.socket,
    secrets: Secrets,
    *,
    webhook_url: str | None,
    faults: bool,
    tariff: Tariff,
    id_seed: str | None = None,
) -> None:
    """Answers until SIGTERM or SIGINT.

    Raises:
        PaymentError: another server has this database.
    """
    address = f"http://{HOST}:{listening.getsockname()[1]}"
    with _alone(database):
        database.touch(0o600)  # who bought what; SQLite gives its journals the same mode
        bank = Bank(Store(database, seed=id_seed), address, tariff, Faults(enabled=faults))
        move_open_sessions(bank)
        if webhook_url:
            keep_default_endpoint(bank, webhook_url, secrets.webhook_secret)
        _answer(bank, listening, secrets.api_key)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """The clock, the keys in progress and the order of webhooks are one process's. The lock ends with the process, however it ends."""
    with database.with_name(f"{database.name}.lock").open("w") as file:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise PaymentError(f"{database}: another server has it.", hint="End that one first.") from error
                time.sleep(0.05)
        yield


def _answer(bank: Bank, listening: socket.socket, api_key: str) -> None:
    deliverer = Deliverer(bank)
    deliverer.start()
    config = uvicorn.Config(
        create_app(bank, api_key), http=CuttableProtocol, ws="none", lifespan="off", access_log=False,
        log_level="warning", server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        deliverer.stop()
        bank.store.close()
