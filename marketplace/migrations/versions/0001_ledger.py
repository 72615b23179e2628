"""The ledger: accounts, transactions, entries; balanced, sealed and append-only by constraint and trigger.

A transaction is written entries first. Its own row seals it: from then on the database takes no further entry, and none of it changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.migrations.triggers import forget, refuse

revision = "0001"
down_revision = None

STATES = "('posted', 'pending', 'settles', 'voids')"
OF_NEW = "FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE e.transaction_number = NEW.number"
UNBALANCED = f"""
    (NEW.state = 'voids' AND EXISTS (SELECT 1 {OF_NEW}))
    OR (NEW.state <> 'voids' AND (SELECT count(*) < 2 OR sum(e.amount) <> 0 OR count(DISTINCT a.currency) <> 1 {OF_NEW}))
"""
OUT_OF_ORDER = "NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM ledger_transaction)"
WRONGLY_RESOLVED = """
    NEW.resolves IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ledger_transaction t WHERE t.number = NEW.resolves AND t.state = 'pending')
"""
SEALED = "EXISTS (SELECT 1 FROM ledger_transaction t WHERE t.number = NEW.transaction_number)"
REDEFINED = """
    NEW.id <> OLD.id OR NEW.currency <> OLD.currency OR NEW.sign <> OLD.sign OR NEW.may_overdraw <> OLD.may_overdraw
"""
RULES = (
    ("transaction_is_balanced", "INSERT", "ledger_transaction", UNBALANCED, "entries do not balance in one currency"),
    ("transaction_is_next", "INSERT", "ledger_transaction", OUT_OF_ORDER, "transactions are numbered without gaps"),
    ("transaction_resolves_pending", "INSERT", "ledger_transaction", WRONGLY_RESOLVED, "only what is pending can be resolved"),
    ("transaction_is_kept", "UPDATE", "ledger_transaction", None, "the ledger is append-only"),
    ("transaction_is_never_removed", "DELETE", "ledger_transaction", None, "the ledger is append-only"),
    ("entry_comes_before_its_seal", "INSERT", "ledger_entry", SEALED, "the transaction is sealed"),
    ("entry_is_kept", "UPDATE", "ledger_entry", None, "the ledger is append-only"),
    ("entry_is_never_removed", "DELETE", "ledger_entry", None, "the ledger is append-only"),
    ("account_keeps_its_kind", "UPDATE", "ledger_account", REDEFINED, "an account keeps its currency and side"),
    ("account_is_never_removed", "DELETE", "ledger_account", None, "accounts are never removed"),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("sign", sa.Integer, nullable=False),
        sa.Column("may_overdraw", sa.Boolean, nullable=False),
        sa.Column("posted", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.CheckConstraint("length(currency) = 3", name="account_has_a_currency"),
        sa.CheckConstraint("sign IN (-1, 1)", name="account_has_a_side"),
        sa.CheckConstraint("held >= 0", name="account_holds_something_or_nothing"),
        sa.CheckConstraint("may_overdraw OR sign * posted - held >= 0", name="account_is_not_overdrawn"),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("resolves", sa.BigInteger, sa.ForeignKey("ledger_transaction.number"), unique=True),
        sa.Column("order_id", sa.Text),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("event_at", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.CheckConstraint(f"state IN {STATES}", name="transaction_has_a_state"),
        sa.CheckConstraint("(resolves IS NULL) = (state IN ('posted', 'pending'))", name="transaction_resolves_or_not"),
    )
    op.create_index("ix_ledger_transaction_order_id", "ledger_transaction", ["order_id"])
    op.create_table(
        "ledger_entry",
        sa.Column(
            "transaction_number",
            sa.BigInteger,
            sa.ForeignKey("ledger_transaction.number", deferrable=True, initially="DEFERRED"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("account_id", sa.Text, sa.ForeignKey("ledger_account.id"), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount <> 0", name="entry_is_something"),
    )
    op.create_index("ix_ledger_entry_account_id", "ledger_entry", ["account_id"])
    refuse(RULES)


def downgrade() -> None:
    for table in ("ledger_entry", "ledger_transaction", "ledger_account"):
        op.drop_table(table)
    forget(RULES)
