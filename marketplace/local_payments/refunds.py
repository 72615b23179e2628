"""Money back to buyers: refunds, which the seller gives, and disputes, which the buyer's bank takes."""

from __future__ import annotations

from typing import Any

from marketplace.local_payments.balance import book
from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.errors import Refused, missing
from marketplace.local_payments.events import emit
from marketplace.local_payments.objects import dispute_object, refund_object
from marketplace.local_payments.store import PLATFORM
from marketplace.money import format_money

FAIL, SUCCEED = "fail_refund", "succeed_refund"
"""The tasks that are due for a pending refund."""


def create_refund(call: Call) -> dict[str, Any]:
    """Returns a refund of all that is left of a charge, or of part of it. The fee of the charge is kept.

    Raises:
        Refused: no such charge, nothing or too little left, or the buyer's bank has taken it already.
    """
    bank, store, params = call.bank, call.store, call.params
    charge = _charge_to_refund(call)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise Refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if not left:
        raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = params.get("amount", left)
    if amount > left:
        asked, unrefunded = (format_money(value, charge["currency"].upper()) for value in (amount, left))
        raise Refused(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({unrefunded})", param="amount"
        )
    fault = bank.faults.take(("refund_fails", "refund_pends"), f"refund {charge['id']}")
    status = "pending" if fault else "succeeded"
    refund = refund_object(store.new_id("re"), charge, params, amount=amount, created=store.now(), status=status)
    refund["balance_transaction"] = book(
        bank, call.owner, "refund", amount=-amount, currency=charge["currency"], source=refund["id"]
    )
    if fault:
        task = FAIL if fault.kind == "refund_fails" else SUCCEED
        store.later(store.now() + int(fault.seconds), task, call.owner, refund["id"])
    store.add(call.owner, refund)
    _set_refunded(bank, charge, charge["amount_refunded"] + amount)
    emit(bank, call.owner, "refund.created", refund)
    emit(bank, call.owner, "charge.refunded", charge)
    return refund


def _charge_to_refund(call: Call) -> dict[str, Any]:
    params = call.params
    if ("charge" in params) == ("payment_intent" in params):
        raise Refused("One of the following params should be provided for this request: payment_intent or charge.")
    if "charge" in params:
        return call.get("charge", params["charge"], param="charge")
    intent = call.get("payment_intent", params["payment_intent"], param="payment_intent")
    return call.get("charge", intent["latest_charge"])


def _set_refunded(bank: Bank, charge: dict[str, Any], amount: int) -> None:
    charge |= {"amount_refunded": amount, "refunded": amount == charge["amount"]}
    bank.store.save(charge)


def fail_refund(bank: Bank, owner: str, refund: dict[str, Any]) -> dict[str, Any]:
    """Returns the refund, failed: its money is back with the seller, and the charge may be refunded again."""
    if refund["status"] not in ("pending", "succeeded"):
        raise Refused(f"Refund {refund['id']} is {refund['status']}.", param="refund")
    charge = bank.get(owner, "charge", refund["charge"])
    refund |= {"status": "failed", "failure_reason": "unknown", "pending_reason": None}
    refund["failure_balance_transaction"] = book(
        bank, owner, "refund_failure", amount=refund["amount"], currency=refund["currency"], source=refund["id"]
    )
    bank.store.save(refund)
    _set_refunded(bank, charge, charge["amount_refunded"] - refund["amount"])
    emit(bank, owner, "refund.updated", refund)
    emit(bank, owner, "refund.failed", refund)
    return refund


def succeed_refund(bank: Bank, owner: str, refund: dict[str, Any]) -> None:
    if refund["status"] == "pending":
        refund |= {"status": "succeeded", "pending_reason": None}
        bank.store.save(refund)
        emit(bank, owner, "refund.updated", refund)


def open_dispute(bank: Bank, charge_id: str, amount: int | None = None, reason: str = "fraudulent") -> dict[str, Any]:
    """Returns a dispute by the buyer: it takes the amount (by default all that is not refunded) and a fee at once.

    Raises:
        Refused: no such charge, nothing left of it, or disputed before.
    """
    store = bank.store
    charge = store.find(PLATFORM, "charge", charge_id)
    if charge is None:
        raise missing("charge", charge_id, "charge", 400)
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if charge["disputed"] or not 0 < amount <= left:
        raise Refused(f"Charge {charge_id} cannot be disputed over {amount}: {left} are left of it.", param="charge")
    dispute = dispute_object(store.new_id("dp"), charge, amount=amount, reason=reason, created=store.now())
    store.add(PLATFORM, dispute)
    _move(bank, dispute, amount=-amount, fee=bank.tariff.dispute_fee, category="dispute")
    store.save(charge | {"disputed": True})
    emit(bank, PLATFORM, "charge.dispute.created", dispute)
    emit(bank, PLATFORM, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(call: Call) -> dict[str, Any]:
    """Returns the dispute, given up by the seller: lost."""
    return end_dispute(call.bank, call.path["id"], won=False)


def end_dispute(bank: Bank, identifier: str, *, won: bool) -> dict[str, Any]:
    """Returns the dispute, decided. Won: the amount and the fee come back. Raises Refused where it was decided before."""
    dispute = bank.get(PLATFORM, "dispute", identifier)
    if dispute["status"] in ("won", "lost"):
        raise Refused(f"This dispute is already closed: {dispute['status']}.", param="dispute")
    dispute["status"] = "won" if won else "lost"
    if won:
        _move(bank, dispute, amount=dispute["amount"], fee=-bank.tariff.dispute_fee, category="dispute_reversal")
    bank.store.save(dispute)
    emit(bank, PLATFORM, "charge.dispute.closed", dispute)
    if won:
        emit(bank, PLATFORM, "charge.dispute.funds_reinstated", dispute)
    return dispute


def _move(bank: Bank, dispute: dict[str, Any], *, amount: int, fee: int, category: str) -> None:
    transaction = book(
        bank, PLATFORM, "adjustment", amount=amount, fee=fee, currency=dispute["currency"], source=dispute["id"],
        category=category,
    )  # fmt: skip
    dispute["balance_transactions"].append(bank.get(PLATFORM, "balance_transaction", transaction))
    dispute["balance_transaction"] = dispute["balance_transaction"] or transaction
    bank.store.save(dispute)
