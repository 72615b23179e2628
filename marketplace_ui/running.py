"""The shop that this process serves, and who takes its payments. `server` puts it here before the first page is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.payments.provider import PaymentProvider
from marketplace.shop import Shop


@dataclass(frozen=True)
class Running:
    shop: Shop
    provider: PaymentProvider


_now: Running | None = None


def put(running: Running | None) -> None:
    """Says what is served from now on."""
    global _now
    _now = running


def now() -> Running | None:
    """Returns what is served; None where pages are drawn without their server."""
    return _now
