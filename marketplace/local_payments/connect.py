"""Connected accounts: made, onboarded on a page, paid by transfers, and paid out to a bank."""

from __future__ import annotations

from typing import Any

from marketplace.local_payments.balance import book, take_from, total
from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.errors import Refused, insufficient
from marketplace.local_payments.events import emit
from marketplace.local_payments.objects import account_object, payout_object, reversal_object, transfer_object
from marketplace.local_payments.store import PLATFORM

LINK_S = 300
ARRIVE = "payout_arrives"
"""The task that is due when a payout reaches the bank, or does not."""


def create_account(call: Call) -> dict[str, Any]:
    account = account_object(call.store.new_id("acct"), call.params, call.store.now())
    return call.store.add(PLATFORM, account)


def create_account_link(call: Call) -> dict[str, Any]:
    """Returns an address where the account's owner says yes; it can be used for five minutes."""
    store, params = call.store, call.params
    call.get("account", params["account"], param="account", status=400)
    now = store.now()
    link = {"id": store.new_id("link"), "object": "account_link", "created": now, "expires_at": now + LINK_S}
    store.add(PLATFORM, link | {name: params.get(name) for name in ("account", "refresh_url", "return_url")})
    shown = {name: link[name] for name in ("object", "created", "expires_at")}
    return shown | {"url": f"{call.bank.address}/onboard/{link['id']}"}


def onboard(bank: Bank, link_id: str) -> str:
    """Returns where to go on: the account may now be paid.

    Raises:
        Refused: there is no such link; one that has run out leads to its `refresh_url` and changes nothing.
    """
    link = bank.get(PLATFORM, "account_link", link_id)
    if link["expires_at"] < bank.store.now():
        return link["refresh_url"]
    account = bank.get(PLATFORM, "account", link["account"])
    if not account["details_submitted"]:
        account |= {"charges_enabled": True, "details_submitted": True, "payouts_enabled": True}
        account["capabilities"] = dict.fromkeys(account["capabilities"] | {"transfers": ""}, "active")
        account["requirements"] |= {"currently_due": [], "disabled_reason": None, "eventually_due": []}
        bank.store.save(account)
        emit(bank, account["id"], "account.updated", account)
    return link["return_url"]


def create_transfer(call: Call) -> dict[str, Any]:
    """Returns a transfer from the platform to an account.

    Raises:
        Refused: the account cannot be paid yet, the charge it is said to come from does not cover it, or too little is available.
    """
    bank, store, params = call.bank, call.store, call.params
    account = call.get("account", params["destination"], param="destination", status=400)
    if account["capabilities"].get("transfers") != "active":
        raise Refused(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers.",
            code="insufficient_capabilities_for_transfer",
        )
    amount, currency = params["amount"], params["currency"]
    available_on = _check_funds(call, amount, currency)
    transfer = transfer_object(store.new_id("tr"), params, store.now())
    payment = _destination_payment(bank, transfer, available_on)
    transfer["destination_payment"] = payment["id"]
    transfer["balance_transaction"] = book(
        bank, PLATFORM, "transfer", amount=-amount, currency=currency, source=transfer["id"], available_on=available_on
    )
    store.add(PLATFORM, transfer)
    emit(bank, PLATFORM, "transfer.created", transfer)
    return transfer


def _check_funds(call: Call, amount: int, currency: str) -> int:
    """Returns from when on the transferred money may be spent; Stripe lets a charge's own money go before it has settled."""
    source = call.params.get("source_transaction")
    if source is None:
        take_from(call.bank, PLATFORM, currency, amount)
        return call.store.now()
    charge = call.get("charge", source, param="source_transaction", status=400)
    query = """SELECT coalesce(sum(json_extract(body, '$.amount')), 0) FROM objects
               WHERE owner = ? AND kind = 'transfer' AND source_transaction = ?"""
    used = call.store.rows(query, PLATFORM, source)[0][0]
    if charge["currency"] != currency or used + amount > charge["amount"]:
        raise Refused(
            "Transfers using this transaction as a source must not exceed the source amount, and have its currency.",
            param="amount",
        )
    return call.get("balance_transaction", charge["balance_transaction"])["available_on"]


def _destination_payment(bank: Bank, transfer: dict[str, Any], available_on: int) -> dict[str, Any]:
    """Returns what the account sees of a transfer: a payment to it."""
    store, owner = bank.store, transfer["destination"]
    payment = {name: transfer[name] for name in ("amount", "created", "currency", "transfer_group")} | {
        "id": store.new_id("py"), "object": "charge", "amount_captured": transfer["amount"], "amount_refunded": 0,
        "captured": True, "disputed": False, "livemode": False, "metadata": {}, "paid": True, "payment_intent": None,
        "refunded": False, "source_transfer": transfer["id"], "status": "succeeded",
    }  # fmt: skip
    payment["balance_transaction"] = book(
        bank, owner, "payment", amount=transfer["amount"], currency=transfer["currency"], source=payment["id"],
        available_on=available_on, category="transfer",
    )  # fmt: skip
    return store.add(owner, payment)


def create_reversal(call: Call) -> dict[str, Any]:
    """Returns a reversal of all that is left of a transfer, or of part of it.

    Raises:
        Refused: nothing or too little of it is left, or the account no longer has the money.
    """
    bank, store, params = call.bank, call.store, call.params
    transfer = call.get("transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = params.get("amount", left)
    if amount > left or not left:
        raise Refused(f"The amount {amount} is greater than what is left of the transfer ({left}).", param="amount")
    account, currency = transfer["destination"], transfer["currency"]
    if total(bank, account, currency) < amount:
        raise insufficient(currency)
    reversal = reversal_object(store.new_id("trr"), transfer, params, amount=amount, created=store.now())
    reversal["destination_payment_refund"] = store.new_id("pyr")
    reversal["balance_transaction"] = book(
        bank,
        PLATFORM,
        "transfer_refund",
        amount=amount,
        currency=currency,
        source=reversal["id"],
        category="transfer_reversal",
    )
    book(
        bank, account, "payment_refund", amount=-amount, currency=currency, source=reversal["destination_payment_refund"],
        category="transfer_reversal",
    )  # fmt: skip
    store.add(PLATFORM, reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"] = [reversal, *transfer["reversals"]["data"]][:10]
    store.save(transfer)
    emit(bank, PLATFORM, "transfer.reversed", transfer)
    return reversal


def create_payout(call: Call) -> dict[str, Any]:
    """Returns a payout from the caller's balance to its bank, which arrives later.

    Raises:
        Refused: too little is available, or the account may not be paid out yet.
    """
    bank, store, params = call.bank, call.store, call.params
    if call.owner != PLATFORM and not bank.get(PLATFORM, "account", call.owner)["payouts_enabled"]:
        raise Refused("Cannot create payouts: this account has payouts disabled.", code="payouts_not_allowed")
    amount, currency = params["amount"], params["currency"]
    take_from(bank, call.owner, currency, amount)
    arrival = store.now() + bank.tariff.payout_s
    payout = payout_object(store.new_id("po"), params, created=store.now(), arrival=arrival)
    payout["balance_transaction"] = book(
        bank, call.owner, "payout", amount=-amount, currency=currency, source=payout["id"]
    )
    store.later(arrival, ARRIVE, call.owner, payout["id"])
    store.add(call.owner, payout)
    emit(bank, call.owner, "payout.created", payout)
    return payout


def payout_arrives(bank: Bank, owner: str, payout: dict[str, Any]) -> None:
    if payout["status"] != "pending":
        return
    if not bank.faults.take(("payout_fails",), f"payout {payout['id']}"):
        payout["status"] = "paid"
        bank.store.save(payout)
        emit(bank, owner, "payout.paid", payout)
        return
    payout |= {
        "status": "failed",
        "failure_code": "account_closed",
        "failure_message": "Test money: asked for by a fault.",
    }
    payout["failure_balance_transaction"] = book(
        bank, owner, "payout_failure", amount=payout["amount"], currency=payout["currency"], source=payout["id"]
    )
    bank.store.save(payout)
    emit(bank, owner, "payout.failed", payout)
