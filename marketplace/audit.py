"""Whether everything that the ledger holds is still true: read again from its entries, trusting nothing that is cached.

Run every night, and by a restored shop before it opens. It changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, select

from marketplace.ledger import GENESIS, Transaction, content_hash, content_of, stored_transactions
from marketplace.tables import ledger_account


@dataclass(frozen=True)
class Discrepancy:
    """Something that is not as it must be: `where` is a transaction's number or an account."""

    rule: str
    where: str
    said: str


def audit(connection: Connection) -> list[Discrepancy]:
    """Returns what is wrong with the ledger; nothing where every rule holds.

    Each transaction balances in one currency; numbers have no gap; hashes chain; cached balances equal those that follow from the
    entries; nothing is overdrawn that may not be; what is pending is resolved once at most.
    """
    accounts = {row.id: row for row in connection.execute(select(ledger_account))}
    currencies = {name: row.currency for name, row in accounts.items()}
    posted, found = Counter[str](), list[Discrepancy]()
    pending: dict[int, Transaction] = {}
    previous, expected = GENESIS, 1
    for transaction in stored_transactions(connection):
        found += _own_rules(transaction, currencies)
        if transaction.number != expected:
            found.append(Discrepancy("numbering", f"{transaction.number}", f"comes where {expected} should"))
        if transaction.previous_hash != previous or transaction.hash != content_hash(previous, content_of(transaction)):
            found.append(
                Discrepancy(
                    "chain", f"{transaction.number}", "its hash is not that of its content after the one before"
                )
            )
        previous, expected = transaction.hash, transaction.number + 1
        if transaction.state == "pending":
            pending[transaction.number] = transaction
        if transaction.resolves is not None:
            ended = pending.pop(transaction.resolves, None)
            if ended is None or (transaction.state == "settles" and ended.entries != transaction.entries):
                found.append(
                    Discrepancy(
                        "resolving",
                        f"{transaction.number}",
                        f"resolves {transaction.resolves}, which is not so pending",
                    )
                )
        if transaction.state in ("posted", "settles"):
            posted.update(dict(transaction.entries))
    held = Counter[str]()
    for transaction in pending.values():
        held.update({name: abs(amount) for name, amount in transaction.entries if accounts[name].sign * amount < 0})
    for name, row in accounts.items():
        if (row.posted, row.held) != (posted[name], held[name]):
            found.append(
                Discrepancy(
                    "cached balance",
                    name,
                    f"({row.posted}, {row.held}) is cached, entries say ({posted[name]}, {held[name]})",
                )
            )
        if not row.may_overdraw and row.sign * posted[name] - held[name] < 0:
            found.append(
                Discrepancy("overdrawn", name, f"has {row.sign * posted[name]}, of which {held[name]} are held")
            )
    return found


def _own_rules(transaction: Transaction, currencies: dict[str, str]) -> list[Discrepancy]:
    amounts = [amount for _, amount in transaction.entries]
    used = {currencies.get(name) for name, _ in transaction.entries}
    where = f"{transaction.number}"
    if transaction.state == "voids":
        return [Discrepancy("balance", where, "a voiding transaction moves something")] if amounts else []
    if len(amounts) < 2 or sum(amounts) or 0 in amounts:
        return [Discrepancy("balance", where, f"its entries add up to {sum(amounts)}")]
    return (
        []
        if len(used) == 1 and None not in used
        else [Discrepancy("currency", where, f"is in {sorted(map(str, used))}")]
    )
