"""What buyers may download: the version that they bought and later ones of its major version, until they give it back.

Giving back ends downloads and updates; what runs on a robot goes on running. A recalled version is not handed out to anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from data_contracts.errors import NotFound, OrderError
from data_contracts.identifiers import split_semantic_version
from data_contracts.layout import Lake
from marketplace.ledger import moment
from marketplace.order_tables import entitlement, recall
from marketplace.orders import OrderLine
from skill_packs.layout import versions


@dataclass(frozen=True)
class Entitlement:
    """One person's right to one pack. `version` is what was bought."""

    id: str
    person_id: str
    line_id: str
    skill_id: str
    version: str
    pack_id: str
    num_robots: int
    granted_at: str
    suspended_at: str | None
    revoked_at: str | None

    @property
    def is_active(self) -> bool:
        return self.suspended_at is None and self.revoked_at is None

    @property
    def major(self) -> int:
        return split_semantic_version(self.version)[0]


@dataclass(frozen=True)
class Recall:
    """A version that is not handed out any more, and why."""

    pack_id: str
    skill_id: str
    version: str
    reason: str
    at: str


def grant(connection: Connection, person_id: str, lines: Sequence[OrderLine], num_robots: int, now: datetime) -> None:
    """Lets a person download what lines of an order bought."""
    rows = [
        {
            "id": f"ent_{secrets.token_hex(12)}", "person_id": person_id, "line_id": line.id, "skill_id": line.skill_id,
            "version": line.version, "pack_id": line.pack_id, "num_robots": num_robots, "granted_at": moment(now),
        }
        for line in lines
    ]  # fmt: skip
    connection.execute(insert(entitlement), rows)


def revoke(connection: Connection, line_id: str, at: datetime | None) -> None:
    """Ends what a line bought; None lets it go on."""
    _set(connection, line_id, revoked_at=at and moment(at))


def suspend(connection: Connection, line_id: str, at: datetime | None) -> None:
    """Holds what a line bought while it is disputed; None lets it go on."""
    _set(connection, line_id, suspended_at=at and moment(at))


def entitlements_of(connection: Connection, person_id: str) -> list[Entitlement]:
    """Returns everything that a person bought or was given, newest first, what was given back too."""
    wanted = select(entitlement).where(entitlement.c.person_id == person_id)
    return [_entitlement(row) for row in connection.execute(wanted.order_by(entitlement.c.granted_at.desc()))]


def entitlement_of(connection: Connection, entitlement_id: str, person_id: str | None = None) -> Entitlement:
    """Returns one; with `person_id` only where it is theirs. Raises NotFound."""
    row = connection.execute(select(entitlement).where(entitlement.c.id == entitlement_id)).one_or_none()
    if row is None or (person_id is not None and row.person_id != person_id):
        raise NotFound(f"There is no purchase {entitlement_id!r}.", hint="Look into your library.")
    return _entitlement(row)


def downloadable(connection: Connection, lake: Lake, owned: Entitlement, on_shelf: str | None) -> list[Path]:
    """Returns the folders of the versions that a purchase may download, oldest first: none where it was given back or is disputed.

    Args:
        on_shelf: the version that the shop shows now; what was built and not released yet is no update.
    """
    if not owned.is_active:
        return []
    recalled = {one.version for one in recalls_of(connection, owned.skill_id)}
    bought = split_semantic_version(owned.version)
    newest = max(split_semantic_version(on_shelf), bought) if on_shelf else bought
    found = []
    for folder in versions(lake.packs(owned.skill_id)):
        number = split_semantic_version(folder.name)
        if folder.name not in recalled and number[0] == bought[0] and bought <= number <= newest:
            found.append(folder)
    return found


def recall_pack(
    connection: Connection, skill_id: str, version: str, pack_id: str, reason: str, who: str, now: datetime
) -> None:
    """Stops handing a version out. Raises OrderError where no reason is given or it was recalled before."""
    if not reason.strip():
        raise OrderError("A recall needs a reason: owners of the pack read it.")
    if any(one.version == version for one in recalls_of(connection, skill_id)):
        raise OrderError(f"{skill_id} {version} was recalled before.")
    row = {"pack_id": pack_id, "skill_id": skill_id, "version": version, "reason": reason.strip(), "recalled_by": who}
    connection.execute(insert(recall).values(**row, at=moment(now)))


def recalls_of(connection: Connection, skill_id: str) -> Sequence[Recall]:
    """Returns the recalled versions of a skill, newest first."""
    rows = connection.execute(select(recall).where(recall.c.skill_id == skill_id).order_by(recall.c.at.desc()))
    return [Recall(row.pack_id, row.skill_id, row.version, row.reason, row.at) for row in rows]


def _set(connection: Connection, line_id: str, **values: str | None) -> None:
    connection.execute(update(entitlement).where(entitlement.c.line_id == line_id).values(**values))


def _entitlement(row: object) -> Entitlement:
    return Entitlement(**{name: getattr(row, name) for name in Entitlement.__dataclass_fields__})
