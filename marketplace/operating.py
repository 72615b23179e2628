"""What operators see and do: orders, refunds, reconciliation, balances of contributors, recalls, reviews, people, the audit trail.

Every function takes who asks and raises NotAllowed where they are no operator; nothing is decided by a page. What somebody did is
in the audit trail. Figures of sales are `sales_figures`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from data_contracts.errors import AccountError, NotAllowed, NotFound, OrderError
from data_contracts.stages import file_sha256
from marketplace import reviews
from marketplace.accounts import people
from marketplace.accounts.audit_trail import AuditEvent, record, recorded
from marketplace.accounts.one_time_links import new_password_link
from marketplace.accounts.people import Person, Role, get_person
from marketplace.accounts.tables import person
from marketplace.buying import give_back
from marketplace.database import write
from marketplace.entitlements import Recall, recall_pack
from marketplace.order_tables import provider_call, provider_event, recall, review
from marketplace.orders import Order, OrderEvent, history_of, newest_orders, order_of
from marketplace.payments import reconciliation
from marketplace.payments.provider import PaymentProvider
from marketplace.payments.reconciliation import Report
from marketplace.shop import Shop
from marketplace.tables import ledger_account
from skill_packs.layout import PACK, versions

MOST_REASON = 1000


@dataclass(frozen=True)
class Waiting:
    """A call to the provider, or a message of theirs, that is not done. `due_at` is None where it was given up."""

    what: str
    name: str
    order_id: str | None
    num_attempts: int
    due_at: str | None
    error: str | None


@dataclass(frozen=True)
class Hold:
    """What a contributor earned and does not have, in minor units. `person` is who claimed the name, None where nobody did."""

    contributor: str
    currency: str
    held: int
    available: int
    unclaimed: int
    clawback: int
    person: str | None


@dataclass(frozen=True)
class WrittenReview:
    """A review as operators see it, hidden ones too."""

    id: str
    name: str
    skill_id: str
    version: str
    stars: int
    text: str
    written_at: str
    is_hidden: bool


def check_operator(who: Person) -> None:
    """Raises NotAllowed where somebody is no operator."""
    if "operator" not in who.roles or who.is_disabled:
        raise NotAllowed("This is for operators of the shop.", hint="Ask one of them for the role.")


def orders(connection: Connection, who: Person, state: str | None = None, limit: int = 200) -> list[Order]:
    """Returns the newest orders of everybody, in one state or in any."""
    check_operator(who)
    return newest_orders(connection, limit, state)


def order_and_history(connection: Connection, who: Person, order_id: str) -> tuple[Order, list[OrderEvent], Person]:
    """Returns an order, every transition of it, and its buyer. Raises NotFound."""
    check_operator(who)
    order = order_of(connection, order_id)
    return order, history_of(connection, order_id), get_person(connection, order.buyer_id)


def refund(shop: Shop, provider: PaymentProvider, who: Person, line_id: str, reason: str) -> Order:
    """Gives a line of an order back, whenever it was bought. Raises NotFound, OrderError."""
    check_operator(who)
    about = {"line": line_id, "reason": _checked_reason(reason)}
    with write(shop.engine) as connection:
        record(connection, who.id, "asked for a refund", about, shop.now())
    return give_back(shop, provider, line_id)


def reconcile(shop: Shop, provider: PaymentProvider, who: Person) -> Report:
    """Compares provider and ledger now. Raises PaymentUnavailable."""
    check_operator(who)
    report = reconciliation.reconcile(shop, provider)
    with write(shop.engine) as connection:
        record(connection, who.id, "reconciled", {"is_balanced": report.is_balanced}, shop.now())
    return report


def reports(connection: Connection, who: Person, limit: int = 30) -> list[Report]:
    """Returns the newest reconciliations, newest first."""
    check_operator(who)
    return reconciliation.reports(connection, limit)


def waiting(connection: Connection, who: Person) -> list[Waiting]:
    """Returns what the provider was not asked yet, or told us and was not worked through, and what was given up; oldest first."""
    check_operator(who)
    call, message = provider_call.c, provider_event.c
    calls = select(provider_call).where(call.due_at.is_not(None) | call.is_given_up).order_by(call.created_at)
    events = select(provider_event).where(message.due_at.is_not(None)).order_by(message.received_at)
    return [
        *(Waiting(f"call: {row.kind}", row.key, row.order_id, row.num_attempts, row.due_at, row.error) for row in connection.execute(calls)),
        *(Waiting(f"message: {row.type}", row.id, row.order_id, row.num_attempts, row.due_at, row.error) for row in connection.execute(events)),
    ]  # fmt: skip


def holds(connection: Connection, who: Person) -> list[Hold]:
    """Returns every contributor's balances, largest first."""
    check_operator(who)
    return sorted(
        balances_of(connection),
        key=lambda one: (one.currency, -one.held - one.available - one.unclaimed, one.contributor),
    )


def balances_of(connection: Connection, contributor: str | None = None) -> list[Hold]:
    """Returns the balances of a contributor, or of all of them, one per currency. Who may see them is for those who call."""
    prefix = "contributor:" if contributor is None else f"contributor:{contributor}:"
    rows = connection.execute(select(ledger_account).where(ledger_account.c.id.startswith(prefix, autoescape=True)))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        _, name, kind, currency = row.id.split(":")
        found.setdefault((name, currency), {})[kind] = row.sign * row.posted
    named = connection.execute(
        select(person.c.contributor, person.c.display_name).where(person.c.contributor.is_not(None))
    )
    claimed = {row.contributor: row.display_name for row in named}
    kinds = ("held", "available", "unclaimed", "clawback")
    return [
        Hold(name, currency, *(amounts.get(kind, 0) for kind in kinds), claimed.get(name))
        for (name, currency), amounts in sorted(found.items())
    ]


def recall_version(shop: Shop, who: Person, skill_id: str, version: str, reason: str) -> None:
    """Stops handing a version out, for a reason that its owners read. Raises NotFound, OrderError."""
    check_operator(who)
    folder = next((one for one in versions(shop.lake.packs(skill_id)) if one.name == version), None)
    if folder is None:
        raise NotFound(f"There is no {skill_id} {version} in this lake.", hint="Look at its versions.")
    reason = _checked_reason(reason)
    with write(shop.engine) as connection:
        recall_pack(connection, skill_id, version, file_sha256(folder / PACK), reason, who.id, shop.now())
        about = {"skill": skill_id, "version": version, "reason": reason}
        record(connection, who.id, "recalled a version", about, shop.now())


def recalls(connection: Connection, who: Person) -> list[Recall]:
    """Returns every recalled version, newest first."""
    check_operator(who)
    rows = connection.execute(select(recall).order_by(recall.c.at.desc()))
    return [Recall(row.pack_id, row.skill_id, row.version, row.reason, row.at) for row in rows]


def written_reviews(connection: Connection, who: Person, limit: int = 100) -> list[WrittenReview]:
    """Returns the newest reviews of all skills."""
    check_operator(who)
    wanted = select(review, person.c.display_name).join(person, person.c.id == review.c.person_id)
    rows = connection.execute(wanted.order_by(review.c.written_at.desc()).limit(limit))
    return [
        WrittenReview(row.id, row.display_name, row.skill_id, row.version, row.stars, row.text, row.written_at, row.hidden_at is not None)
        for row in rows
    ]  # fmt: skip


def hide_review(shop: Shop, who: Person, review_id: str) -> None:
    """Takes a review off its page. Raises NotFound."""
    check_operator(who)
    with write(shop.engine) as connection:
        reviews.hide_review(connection, review_id, shop.now())
        record(connection, who.id, "hid a review", {"review": review_id}, shop.now())


def everybody(connection: Connection, who: Person) -> list[Person]:
    """Returns all people, oldest first."""
    check_operator(who)
    return people.people(connection)


def set_roles(shop: Shop, who: Person, person_id: str, roles: Iterable[Role]) -> Person:
    """Gives a person exactly these roles; they are signed out where that changes something. Returns them.

    Raises:
        AccountError: an unknown role, or an operator's own role: another operator can take it.
    """
    check_operator(who)
    wanted = frozenset(roles)
    if person_id == who.id and "operator" not in wanted:
        raise AccountError("Nobody takes the operator's role from themselves.", hint="Another operator can.")
    with write(shop.engine) as connection:
        before = get_person(connection, person_id).roles
        for role in sorted(wanted - before):
            people.grant_role(connection, person_id, role, shop.now())
            record(connection, who.id, "gave a role", {"person": person_id, "role": role}, shop.now())
        for role in sorted(before - wanted):
            people.withdraw_role(connection, person_id, role, shop.now())
            record(connection, who.id, "withdrew a role", {"person": person_id, "role": role}, shop.now())
        return get_person(connection, person_id)


def set_contributor(shop: Shop, who: Person, person_id: str, contributor: str | None) -> None:
    """Says which contributor's name is a person's, after they showed it; None takes it back. Raises AccountError."""
    check_operator(who)
    with write(shop.engine) as connection:
        people.assign_contributor(connection, person_id, contributor)
        about = {"person": person_id, "contributor": contributor}
        record(connection, who.id, "assigned a contributor's name", about, shop.now())


def password_link(shop: Shop, who: Person, person_id: str) -> str:
    """Returns a link, to be handed on, with which a person chooses a new password. Raises AccountError."""
    check_operator(who)
    with write(shop.engine) as connection:
        get_person(connection, person_id)
    return new_password_link(shop, person_id, who.id)


def trail(connection: Connection, who: Person, *, of: str | None = None, limit: int = 200) -> list[AuditEvent]:
    """Returns the newest events of the audit trail, of everybody or of one person."""
    check_operator(who)
    return recorded(connection, who=of, limit=limit)


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > MOST_REASON:
        raise OrderError(f"Give a reason of 1 to {MOST_REASON} characters.")
    return reason
