"""The shop's tables as queries name them. How they came to be, with their constraints and triggers, is in `migrations`.

Money is BIGINT in minor units, moments are UTC text of one length, so that they sort. Rows of `ledger_transaction` and `ledger_entry`
can be added and never changed or removed: the database itself refuses.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, MetaData, Table, Text

metadata = MetaData()

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("sign", Integer, nullable=False),  # 1 where debits increase it, -1 where credits do.
    Column("may_overdraw", Boolean, nullable=False),
    Column("posted", BigInteger, nullable=False),  # Sum of its settled entries. Cached.
    Column("held", BigInteger, nullable=False),  # What pending entries would take from it, >= 0. Cached.
)

ledger_transaction = Table(
    "ledger_transaction",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3, ... without a gap.
    Column("key", Text, nullable=False, unique=True),  # The same key means the same transaction.
    Column("request_hash", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),  # posted, pending; or settles, voids: the end of a pending one.
    Column("resolves", BigInteger, ForeignKey("ledger_transaction.number"), unique=True),
    Column("order_id", Text, index=True),
    Column("about", Text, nullable=False),  # JSON.
    Column("event_at", Text, nullable=False),  # When it happened outside.
    Column("created_at", Text, nullable=False),  # When it was written here.
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column(
        "transaction_number",
        BigInteger,
        ForeignKey("ledger_transaction.number", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account_id", Text, ForeignKey("ledger_account.id"), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),  # Debits above zero, credits below.
)
