"""The tables of orders, what the payment provider said and was asked, and what buyers may download. See `tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from marketplace.tables import metadata

cart_item = Table(
    "cart_item",
    metadata,
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("skill_id", Text, primary_key=True),
    Column("added_at", Text, nullable=False),
)

shop_order = Table(
    "shop_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("buyer_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("request_key", Text, nullable=False, unique=True),  # Of the form that asked: asked twice, ordered once.
    Column("state", Text, nullable=False),  # orders.STATES.
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),  # With tax.
    Column("tax_minor", BigInteger, nullable=False),
    Column("country", Text),
    Column("checkout_id", Text, unique=True),  # The provider's names: checkout session, payment intent, charge.
    Column("checkout_url", Text),
    Column("payment_id", Text, unique=True),
    Column("fee_minor", BigInteger),
    Column("created_at", Text, nullable=False),
    Column("paid_at", Text),
)

order_line = Table(
    "order_line",
    metadata,
    Column("id", Text, primary_key=True),  # The ledger's order.
    Column("order_id", Text, ForeignKey("shop_order.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("state", Text, nullable=False),  # orders.LINE_STATES.
    Column("skill_id", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("pack_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("platform_bp", Integer, nullable=False),
    Column("weights", Text, nullable=False),  # JSON: contributor -> weight, as the pack version froze it.
    UniqueConstraint("order_id", "position", name="line_has_its_place"),
)

order_event = Table(
    "order_event",
    metadata,
    Column("order_id", Text, ForeignKey("shop_order.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line_id", Text, ForeignKey("order_line.id")),  # Of the line that moved, or none: the order did.
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
)

provider_event = Table(
    "provider_event",  # The inbox.
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("order_id", Text),  # What it names: an order of ours, or
    Column("payment_id", Text),  # a payment of theirs.
    Column("body", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("due_at", Text, index=True),  # None: done.
    Column("num_attempts", Integer, nullable=False),
    Column("error", Text),
)

provider_call = Table(
    "provider_call",  # The outbox.
    metadata,
    Column("key", Text, primary_key=True),  # The provider's idempotency key.
    Column("kind", Text, nullable=False),
    Column("order_id", Text, ForeignKey("shop_order.id"), nullable=False, index=True),
    Column("line_id", Text, ForeignKey("order_line.id")),
    Column("created_at", Text, nullable=False),
    Column("due_at", Text, index=True),  # None: done, or given up.
    Column("num_attempts", Integer, nullable=False),
    Column("error", Text),
    Column("is_given_up", Boolean, nullable=False),
)

entitlement = Table(
    "entitlement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("line_id", Text, ForeignKey("order_line.id"), nullable=False, unique=True),
    Column("skill_id", Text, nullable=False),
    Column("version", Text, nullable=False),  # Bought; updates are those of its major version.
    Column("pack_id", Text, nullable=False),
    Column("num_robots", Integer, nullable=False),
    Column("granted_at", Text, nullable=False),
    Column("suspended_at", Text),  # While a dispute is open.
    Column("revoked_at", Text),  # Given back.
)

download = Table(
    "download",
    metadata,
    Column("id", Text, primary_key=True),
    Column("entitlement_id", Text, ForeignKey("entitlement.id"), nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("pack_id", Text, nullable=False),
    Column("first_byte", BigInteger, nullable=False),
    Column("last_byte", BigInteger, nullable=False),
    Column("remote", Text, nullable=False),
    Column("at", Text, nullable=False),
)

review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("skill_id", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("robot", Text, nullable=False),
    Column("stars", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("written_at", Text, nullable=False),
    Column("hidden_at", Text),
    UniqueConstraint("person_id", "skill_id", name="review_is_one_per_buyer"),
)

recall = Table(
    "recall",
    metadata,
    Column("pack_id", Text, primary_key=True),
    Column("skill_id", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recalled_by", Text, ForeignKey("person.id"), nullable=False),
    Column("at", Text, nullable=False),
)

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("is_balanced", Boolean, nullable=False),
    Column("report", Text, nullable=False),  # JSON.
)
