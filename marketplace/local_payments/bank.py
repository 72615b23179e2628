"""What every operation works with: the bank itself, and one request to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marketplace.local_payments.errors import missing
from marketplace.local_payments.faults import Faults
from marketplace.local_payments.settings import Tariff
from marketplace.local_payments.store import PLATFORM, Store


@dataclass(frozen=True)
class Bank:
    store: Store
    address: str
    tariff: Tariff = field(default_factory=Tariff)
    faults: Faults = field(default_factory=Faults)

    def get(self, owner: str, kind: str, identifier: str, *, param: str = "id", status: int = 404) -> dict[str, Any]:
        """Returns an object. Raises Refused where that owner has none of that kind with that id."""
        found = self.store.find(owner, kind, identifier)
        if found is None:
            raise missing(kind, identifier, param, status)
        return found


@dataclass(frozen=True)
class Call:
    """One request: whose it is, what the path names, and its checked parameters."""

    bank: Bank
    owner: str = PLATFORM
    path: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.bank.store

    def get(self, kind: str, identifier: str | None = None, **where: Any) -> dict[str, Any]:
        """Returns an object of the caller's: by default the one that the path names."""
        return self.bank.get(self.owner, kind, identifier or self.path["id"], **where)
