"""What the bank takes and how long it takes, its secrets, and where they come from."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import PaymentError

KEY_VARIABLE = "DEFTWORKS_LOCAL_PAYMENTS_KEY"
WEBHOOK_VARIABLE = "DEFTWORKS_LOCAL_PAYMENTS_WEBHOOK_SECRET"
API_VERSION = "2026-10-28.endive"
"""What stripe 16.1.0 asks for."""
BASIS_POINTS = 10_000


@dataclass(frozen=True)
class Secrets:
    api_key: str
    webhook_secret: str

    def __repr__(self) -> str:
        return "Secrets(…)"


@dataclass(frozen=True)
class Tariff:
    """What is charged, in minor units of any currency, and delays in seconds."""

    fee_basis_points: int = 150
    fee_fixed: int = 25
    dispute_fee: int = 1500
    settlement_s: int = 0
    payout_s: int = 0
    smallest_payment: int = 50

    def fee(self, amount: int) -> int:
        """Returns the fee of a payment, rounded half up."""
        return (amount * self.fee_basis_points + BASIS_POINTS // 2) // BASIS_POINTS + self.fee_fixed


def new_secrets() -> Secrets:
    return Secrets(f"sk_test_{secrets.token_hex(16)}", f"whsec_{secrets.token_hex(24)}")


def write_secrets(path: Path, kept: Secrets) -> None:
    """Writes a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"api_key": kept.api_key, "webhook_secret": kept.webhook_secret}, file)


def read_secrets(path: Path | None) -> Secrets:
    """Returns the secrets of a file, or of the environment where no file is named.

    Raises:
        PaymentError: neither has them, or the key is not one for test money.
    """
    if path is not None:
        found = _from_file(path)
    else:
        found = Secrets(os.environ.get(KEY_VARIABLE, ""), os.environ.get(WEBHOOK_VARIABLE, ""))
    if not found.api_key.startswith("sk_test_") or not found.webhook_secret:
        where = str(path) if path else f"{KEY_VARIABLE} and {WEBHOOK_VARIABLE}"
        raise PaymentError(
            f"{where}: no secrets for a server of test money.",
            hint="It wants a key sk_test_… and a webhook secret whsec_….",
        )
    return found


def _from_file(path: Path) -> Secrets:
    try:
        kept = json.loads(path.read_text())
        return Secrets(str(kept["api_key"]), str(kept["webhook_secret"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PaymentError(
            f"{path}: cannot be read as secrets.",
            hint='It holds {"api_key": "sk_test_…", "webhook_secret": "whsec_…"}.',
        ) from error
