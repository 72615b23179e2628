"""What happens because time passes: sessions end, payouts arrive, pending refunds are decided."""

from __future__ import annotations

from marketplace.local_payments.bank import Bank
from marketplace.local_payments.checkout import EXPIRE, expire
from marketplace.local_payments.connect import ARRIVE, payout_arrives
from marketplace.local_payments.refunds import FAIL, SUCCEED, fail_refund, succeed_refund


def _fail_pending(bank: Bank, owner: str, refund: dict) -> None:
    if refund["status"] == "pending":
        fail_refund(bank, owner, refund)


TASKS = {EXPIRE: expire, ARRIVE: payout_arrives, FAIL: _fail_pending, SUCCEED: succeed_refund}
AT_ONCE = 100


def pass_time(bank: Bank) -> None:
    """Does everything that is due, in the order in which it was due. Opens its own transactions."""
    while bank.store.rows("SELECT 1 FROM due WHERE at <= ? LIMIT 1", bank.store.now()):
        with bank.store.transaction():
            query = "SELECT serial, task, owner, id FROM due WHERE at <= ? ORDER BY at, serial LIMIT ?"
            for serial, task, owner, identifier in bank.store.rows(query, bank.store.now(), AT_ONCE):
                bank.store.rows("DELETE FROM due WHERE serial = ?", serial)
                subject = bank.store.find(owner, None, identifier)
                if subject is not None:
                    TASKS[task](bank, owner, subject)
