"""Events: what changed, written with the change, and one delivery for each webhook endpoint that wants it."""

from __future__ import annotations

from typing import Any

from marketplace.local_payments.bank import Bank, Call
from marketplace.local_payments.settings import API_VERSION
from marketplace.local_payments.store import PLATFORM, Page, Wanted
from marketplace.local_payments.views import present

DEFAULT_ENDPOINT = "we_default"
"""The one that the server was started with; its address may differ at the next start."""
KINDS = (
    "account.updated", "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn", "charge.refunded", "charge.succeeded", "checkout.session.completed",
    "checkout.session.expired", "payment_intent.succeeded", "payout.created", "payout.failed", "payout.paid",
    "refund.created", "refund.failed", "refund.updated", "transfer.created", "transfer.reversed",
)  # fmt: skip


def emit(bank: Bank, owner: str, kind: str, subject: dict[str, Any]) -> None:
    """Writes an event about an object as it is now. Belongs into the transaction that changed it."""
    store = bank.store
    endpoints, _ = store.select(PLATFORM, "webhook_endpoint", Wanted(), Page(limit=100))
    wanting = [
        one["id"] for one in reversed(endpoints) if one["enabled_events"] == ["*"] or kind in one["enabled_events"]
    ]
    event = {
        "id": store.new_id("evt"), "object": "event", "api_version": API_VERSION, "created": store.now(),
        "data": {"object": present(subject, store.now())}, "livemode": False, "pending_webhooks": len(wanting),
        "request": {"id": None, "idempotency_key": None}, "type": kind,
    }  # fmt: skip
    if owner != PLATFORM:
        event["account"] = owner
    store.add(PLATFORM, event)
    for endpoint in wanting:
        store.rows("INSERT INTO deliveries (event, endpoint) VALUES (?, ?)", event["id"], endpoint)


def create_endpoint(call: Call) -> dict[str, Any]:
    """Returns a webhook endpoint, with its secret, which is shown this once."""
    kinds = call.params["enabled_events"]
    endpoint = endpoint_object(call.bank, call.store.new_id("we"), call.params["url"], call.store.new_id("whsec"))
    endpoint |= {
        "description": call.params.get("description"),
        "enabled_events": ["*"] if "*" in kinds else kinds,
        "metadata": call.params.get("metadata", {}),
    }
    return call.store.add(PLATFORM, endpoint) | {"secret_shown": True}


def delete_endpoint(call: Call) -> dict[str, Any]:
    endpoint = call.get("webhook_endpoint")
    call.store.rows("DELETE FROM deliveries WHERE endpoint = ?", endpoint["id"])
    call.store.remove(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def keep_default_endpoint(bank: Bank, url: str, secret: str) -> None:
    """Points the default endpoint to this address; deliveries that were not taken before go there now."""
    with bank.store.transaction():
        endpoint = endpoint_object(bank, DEFAULT_ENDPOINT, url, secret)
        if bank.store.find(PLATFORM, "webhook_endpoint", DEFAULT_ENDPOINT):
            bank.store.save(endpoint)
        else:
            bank.store.add(PLATFORM, endpoint)


def endpoint_object(bank: Bank, identifier: str, url: str, secret: str) -> dict[str, Any]:
    return {
        "id": identifier, "object": "webhook_endpoint", "api_version": None, "application": None,
        "created": bank.store.now(), "description": None, "enabled_events": ["*"], "livemode": False, "metadata": {},
        "secret": secret, "status": "enabled", "url": url,
    }  # fmt: skip
