"""Who did what: rows that can be added and never changed or removed, which the database itself enforces.

Never write a password, a token, a link or what somebody typed into a field that asks for one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from marketplace.accounts.tables import audit_event
from marketplace.ledger import moment

SHOP = "shop"
STRANGER = "stranger"


@dataclass(frozen=True)
class AuditEvent:
    """One row. `who` is a person's id, SHOP (its own commands) or STRANGER (nobody signed in)."""

    number: int
    who: str
    what: str
    about: dict[str, Any]
    at: str


def record(connection: Connection, who: str, what: str, about: Mapping[str, Any], now: datetime) -> None:
    """Adds an event, inside `database.write`: it is kept exactly where what it tells of is kept."""
    number = connection.execute(select(func.coalesce(func.max(audit_event.c.number), 0) + 1)).scalar_one()
    kept = json.dumps(about, ensure_ascii=True, sort_keys=True)
    connection.execute(insert(audit_event).values(number=number, who=who, what=what, about=kept, at=moment(now)))


def recorded(connection: Connection, *, who: str | None = None, limit: int = 200) -> list[AuditEvent]:
    """Returns the newest events first, all or one person's."""
    wanted = select(audit_event).order_by(audit_event.c.number.desc()).limit(limit)
    if who is not None:
        wanted = wanted.where(audit_event.c.who == who)
    return [
        AuditEvent(row.number, row.who, row.what, json.loads(row.about), row.at) for row in connection.execute(wanted)
    ]
