"""Which payment provider a shop has: Stripe where its keys are in the environment, else the local payment server with test money.

Either way it is StripeProvider. The local server runs beside the shop, in a process of its own, and keeps everything in <lake>/payments/:
its database, secrets and log, and `running.json`, which says where it listens now.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_contracts.errors import PaymentError, PaymentUnavailable
from data_contracts.layout import Lake
from data_contracts.stages import write_json
from marketplace.local_payments.launch import DATABASE, SECRETS, LocalPayments, start_local_payments
from marketplace.local_payments.settings import read_secrets
from marketplace.payments.provider import PaymentProvider
from marketplace.payments.stripe_provider import StripeProvider
from marketplace.shop import Shop

KEY_VARIABLE = "STRIPE_API_KEY"
WEBHOOK_VARIABLE = "STRIPE_WEBHOOK_SECRET"
FOLDER = "payments"
RUNNING = "running.json"
WEBHOOK_PATH = "/api/webhooks/payments"
PATIENCE_S = 5.0


@contextmanager
def running_provider(shop: Shop, origin: str) -> Iterator[PaymentProvider]:
    """Yields the provider of a shop that is served at `origin`; the local server, where it is that, runs as long.

    Raises:
        PaymentError: only one of Stripe's two variables is set.
        PaymentUnavailable: the local server did not start.
    """
    if stripe := _stripe():
        yield stripe
        return
    folder = _folder(shop.lake)
    _end_left_over(folder)
    with _started(folder, _last_port(folder), f"{origin}{WEBHOOK_PATH}") as local:
        write_json(folder / RUNNING, {"address": local.address, "port": local.port, "pid": local.process.pid})
        yield StripeProvider(local.api_key, local.webhook_secret, local.address)


@contextmanager
def provider_for(shop: Shop) -> Iterator[PaymentProvider]:
    """Yields the provider of a shop for a command: where the shop is not open, the local server runs as long as the command does."""
    folder = _folder(shop.lake)
    running = _running(folder)
    if _stripe() or (running and _is_ours(running["pid"], folder)):
        yield open_provider(shop)
        return
    with running_provider(shop, shop.settings.address) as provider:
        yield provider


def open_provider(shop: Shop) -> PaymentProvider:
    """Returns the provider of a shop, for a process beside the one that serves it.

    Raises:
        PaymentError: only one of Stripe's two variables is set.
        PaymentUnavailable: there is no local server yet: it runs as long as the shop does.
    """
    if stripe := _stripe():
        return stripe
    folder = _folder(shop.lake)
    running = _running(folder)
    if not running:
        raise PaymentUnavailable("The local payment server is not running.", hint="Open the shop: deftworks shop.")
    secrets = read_secrets(folder / SECRETS)
    return StripeProvider(secrets.api_key, secrets.webhook_secret, running["address"])


def _stripe() -> PaymentProvider | None:
    key, secret = os.environ.get(KEY_VARIABLE), os.environ.get(WEBHOOK_VARIABLE)
    if bool(key) != bool(secret):
        missing = WEBHOOK_VARIABLE if key else KEY_VARIABLE
        raise PaymentError(
            f"{missing} is not set.", hint=f"Set both {KEY_VARIABLE} and {WEBHOOK_VARIABLE}, or neither."
        )
    return StripeProvider(key, secret) if key and secret else None


def _folder(lake: Lake) -> Path:
    return lake.home / FOLDER


def _started(folder: Path, port: int, webhook_url: str) -> LocalPayments:
    # The port of last time, where it is free: pages on which an order can still be paid have it in their address.
    try:
        return start_local_payments(folder, port, webhook_url)
    except OSError:
        return start_local_payments(folder, 0, webhook_url)


def _running(folder: Path) -> dict | None:
    try:
        return json.loads((folder / RUNNING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _last_port(folder: Path) -> int:
    running = _running(folder)
    return int(running["port"]) if running else 0


def _end_left_over(folder: Path) -> None:
    """Ends the server of a shop that was killed: two of them must not share one database."""
    running = _running(folder)
    if running and _is_ours(running["pid"], folder):
        os.kill(running["pid"], signal.SIGTERM)
        until = time.monotonic() + PATIENCE_S
        while _is_ours(running["pid"], folder) and time.monotonic() < until:
            time.sleep(0.05)


def _is_ours(pid: int, folder: Path) -> bool:
    """True where a process is a local payment server with the database of this folder (Linux only: elsewhere never)."""
    with suppress(OSError):
        return os.fsencode(folder / DATABASE) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False
