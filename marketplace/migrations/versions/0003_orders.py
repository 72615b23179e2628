"""Orders, the provider's inbox and outbox, what buyers may download, reviews, recalls and reconciliations.

What happened to an order, downloads and reconciliations are added and never changed; nor is what an order's lines cost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.migrations.triggers import forget, kept, refuse

revision = "0003"
down_revision = "0002"

REPRICED = """
    NEW.id <> OLD.id OR NEW.order_id <> OLD.order_id OR NEW.skill_id <> OLD.skill_id OR NEW.version <> OLD.version
    OR NEW.pack_id <> OLD.pack_id OR NEW.amount_minor <> OLD.amount_minor OR NEW.tax_minor <> OLD.tax_minor
    OR NEW.platform_bp <> OLD.platform_bp OR NEW.weights <> OLD.weights
"""
RULES = (
    *kept("order_event", "what happened to an order"),
    *kept("download", "the record of downloads"),
    *kept("reconciliation", "the record of reconciliations"),
    ("line_keeps_its_price", "UPDATE", "order_line", REPRICED, "an order line keeps its price and its shares"),
    ("line_is_never_removed", "DELETE", "order_line", None, "orders are never removed"),
    ("order_is_never_removed", "DELETE", "shop_order", None, "orders are never removed"),
)

TABLES = (
    "reconciliation", "recall", "review", "download", "entitlement", "provider_call", "provider_event", "order_event",
    "order_line", "shop_order", "cart_item",
)  # fmt: skip
INDEXES = (
    ("shop_order", "buyer_id"),
    ("order_line", "order_id"),
    ("order_line", "skill_id"),
    ("provider_event", "due_at"),
    ("provider_call", "order_id"),
    ("provider_call", "due_at"),
    ("entitlement", "person_id"),
    ("download", "entitlement_id"),
    ("review", "skill_id"),
    ("recall", "skill_id"),
)


def upgrade() -> None:
    op.create_table(
        "cart_item",
        sa.Column("person_id", sa.Text, sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("skill_id", sa.Text, primary_key=True),
        sa.Column("added_at", sa.Text, nullable=False),
    )
    op.create_table(
        "shop_order",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("buyer_id", sa.Text, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("request_key", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("country", sa.Text),
        sa.Column("checkout_id", sa.Text, unique=True),
        sa.Column("checkout_url", sa.Text),
        sa.Column("payment_id", sa.Text, unique=True),
        sa.Column("fee_minor", sa.BigInteger),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("paid_at", sa.Text),
        sa.CheckConstraint("length(currency) = 3", name="order_has_a_currency"),
        sa.CheckConstraint("total_minor >= tax_minor AND tax_minor >= 0", name="order_holds_its_tax"),
    )
    op.create_table(
        "order_line",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, sa.ForeignKey("shop_order.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("skill_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("platform_bp", sa.Integer, nullable=False),
        sa.Column("weights", sa.Text, nullable=False),
        sa.UniqueConstraint("order_id", "position", name="line_has_its_place"),
        sa.CheckConstraint("amount_minor >= tax_minor AND tax_minor >= 0", name="line_holds_its_tax"),
        sa.CheckConstraint("platform_bp BETWEEN 0 AND 10000", name="line_is_split"),
    )
    op.create_table(
        "order_event",
        sa.Column("order_id", sa.Text, sa.ForeignKey("shop_order.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line_id", sa.Text, sa.ForeignKey("order_line.id")),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "provider_event",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("payment_id", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("due_at", sa.Text),
        sa.Column("num_attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "provider_call",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, sa.ForeignKey("shop_order.id"), nullable=False),
        sa.Column("line_id", sa.Text, sa.ForeignKey("order_line.id")),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("due_at", sa.Text),
        sa.Column("num_attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("is_given_up", sa.Boolean, nullable=False),
    )
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("line_id", sa.Text, sa.ForeignKey("order_line.id"), nullable=False, unique=True),
        sa.Column("skill_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("num_robots", sa.Integer, nullable=False),
        sa.Column("granted_at", sa.Text, nullable=False),
        sa.Column("suspended_at", sa.Text),
        sa.Column("revoked_at", sa.Text),
        sa.CheckConstraint("num_robots >= 1", name="entitlement_is_for_a_robot"),
    )
    op.create_table(
        "download",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("entitlement_id", sa.Text, sa.ForeignKey("entitlement.id"), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("pack_id", sa.Text, nullable=False),
        sa.Column("first_byte", sa.BigInteger, nullable=False),
        sa.Column("last_byte", sa.BigInteger, nullable=False),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.CheckConstraint("first_byte >= 0 AND last_byte >= first_byte", name="download_is_something"),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("skill_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("robot", sa.Text, nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_at", sa.Text, nullable=False),
        sa.Column("hidden_at", sa.Text),
        sa.UniqueConstraint("person_id", "skill_id", name="review_is_one_per_buyer"),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="review_has_stars"),
        sa.CheckConstraint("length(text) <= 4000", name="review_is_short"),
    )
    op.create_table(
        "recall",
        sa.Column("pack_id", sa.Text, primary_key=True),
        sa.Column("skill_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recalled_by", sa.Text, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "reconciliation",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("is_balanced", sa.Boolean, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    refuse(RULES)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    forget(RULES)
