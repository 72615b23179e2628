"""The shapes of Stripe's objects, as far as they mean something for test money. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]


def line_item_object(identifier: str, price_id: str, item: Mapping[str, Any]) -> Body:
    data, quantity = item["price_data"], item.get("quantity", 1)
    amount = data["unit_amount"] * quantity
    product = data["product_data"]
    price = {
        "id": price_id, "object": "price", "active": False, "currency": data["currency"], "livemode": False,
        "metadata": {}, "product": price_id.replace("price_", "prod_"), "type": "one_time", "unit_amount": data["unit_amount"],
    }  # fmt: skip
    return {
        "id": identifier, "object": "item", "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0,
        "amount_total": amount, "currency": data["currency"], "description": product["name"], "price": price,
        "quantity": quantity, "metadata": product.get("metadata", {}),
    }  # fmt: skip


def session_object(
    identifier: str,
    params: Mapping[str, Any],
    items: list[Body],
    *,
    total: int,
    currency: str,
    created: int,
    expires_at: int,
) -> Body:
    """Returns an open session without its `url`; what `payment_intent_data` asked for is kept under a hidden name."""
    email = params.get("customer_email")
    return {
        "id": identifier, "object": "checkout.session", "amount_subtotal": total, "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.get("cancel_url"), "client_reference_id": params.get("client_reference_id"),
        "created": created, "currency": currency, "custom_fields": [], "customer": None, "customer_creation": "if_required",
        "customer_details": {"email": email} if email else None, "customer_email": email, "expires_at": expires_at,
        "invoice": None, "line_items": {
            "object": "list", "data": items, "has_more": False, "url": f"/v1/checkout/sessions/{identifier}/line_items",
        },
        "livemode": False, "locale": params.get("locale"), "metadata": params.get("metadata", {}), "mode": "payment",
        "payment_intent": None, "payment_intent_data": params.get("payment_intent_data", {}), "payment_link": None,
        "payment_method_collection": "if_required", "payment_method_types": ["card"], "payment_status": "unpaid",
        "setup_intent": None, "status": "open", "submit_type": params.get("submit_type"), "subscription": None,
        "success_url": params["success_url"], "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page", "url": None,
    }  # fmt: skip


def payment_intent_object(identifier: str, session: Body, created: int) -> Body:
    """Returns a succeeded payment of a session, without its charge."""
    data = session["payment_intent_data"]
    return {
        "id": identifier, "object": "payment_intent", "amount": session["amount_total"], "amount_capturable": 0,
        "amount_received": session["amount_total"], "application": None, "application_fee_amount": None,
        "canceled_at": None, "cancellation_reason": None, "capture_method": "automatic", "client_secret": None,
        "confirmation_method": "automatic", "created": created, "currency": session["currency"], "customer": None,
        "description": data.get("description"), "last_payment_error": None, "latest_charge": None, "livemode": False,
        "metadata": data.get("metadata", {}), "next_action": None, "on_behalf_of": None, "payment_method": None,
        "payment_method_types": ["card"], "processing": None, "receipt_email": data.get("receipt_email"), "review": None,
        "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None, "status": "succeeded",
        "transfer_data": None, "transfer_group": data.get("transfer_group"),
    }  # fmt: skip


def charge_object(identifier: str, intent: Body) -> Body:
    """Returns the charge of a payment intent, without its balance transaction."""
    billing = {"address": None, "email": intent["receipt_email"], "name": None, "phone": None}
    outcome = {"network_status": "approved_by_network", "seller_message": "Test money.", "type": "authorized"}
    shared = ("amount", "created", "currency", "description", "metadata", "receipt_email")
    return {name: intent[name] for name in shared} | {
        "id": identifier, "object": "charge", "amount_captured": intent["amount"], "amount_refunded": 0, "application": None,
        "application_fee": None, "application_fee_amount": None, "balance_transaction": None, "billing_details": billing,
        "captured": True, "customer": None, "disputed": False, "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "fraud_details": {}, "livemode": False, "on_behalf_of": None, "outcome": outcome,
        "paid": True, "payment_intent": intent["id"], "payment_method": None, "payment_method_details": None,
        "receipt_url": None, "refunded": False, "review": None, "shipping": None, "source": None, "source_transfer": None,
        "statement_descriptor": None, "status": "succeeded", "transfer_data": None,
        "transfer_group": intent["transfer_group"] or f"group_{intent['id']}",
    }  # fmt: skip


def refund_object(
    identifier: str, charge: Body, params: Mapping[str, Any], *, amount: int, created: int, status: str
) -> Body:
    return {
        "id": identifier, "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
        "created": created, "currency": charge["currency"], "destination_details": None,
        "failure_balance_transaction": None, "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"], "pending_reason": "processing" if status == "pending" else None,
        "reason": params.get("reason"), "receipt_number": None, "source_transfer_reversal": None, "status": status,
        "transfer_reversal": None,
    }  # fmt: skip


def dispute_object(identifier: str, charge: Body, *, amount: int, reason: str, created: int) -> Body:
    return {
        "id": identifier, "object": "dispute", "amount": amount, "balance_transaction": None, "balance_transactions": [],
        "charge": charge["id"], "created": created, "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": {}, "evidence_details": {
            "due_by": created + 7 * 24 * 3600, "has_evidence": False, "past_due": False, "submission_count": 0,
        },
        "is_charge_refundable": False, "livemode": False, "metadata": {}, "payment_intent": charge["payment_intent"],
        "payment_method_details": None, "reason": reason, "status": "needs_response",
    }  # fmt: skip


def account_object(identifier: str, params: Mapping[str, Any], created: int) -> Body:
    """Returns an account that has still to go through its account link."""
    wanted = params.get("capabilities", {})
    return {
        "id": identifier, "object": "account", "business_profile": None, "business_type": params.get("business_type"),
        "capabilities": {name: "inactive" for name, asked in wanted.items() if asked.get("requested")},
        "charges_enabled": False, "controller": params.get("controller", {}), "country": params.get("country", "DE"),
        "created": created, "default_currency": "eur", "details_submitted": False, "email": params.get("email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": f"/v1/accounts/{identifier}/external_accounts"},
        "metadata": params.get("metadata", {}), "payouts_enabled": False,
        "requirements": {
            "currently_due": ["external_account"], "disabled_reason": "requirements.past_due", "errors": [],
            "eventually_due": ["external_account"], "past_due": [], "pending_verification": [],
        },
        "settings": {}, "tos_acceptance": {"date": None}, "type": params.get("type", "none"),
    }  # fmt: skip


def transfer_object(identifier: str, params: Mapping[str, Any], created: int) -> Body:
    """Returns a transfer without its money: `balance_transaction` and `destination_payment` are still empty."""
    return {
        "id": identifier, "object": "transfer", "amount": params["amount"], "amount_reversed": 0,
        "balance_transaction": None, "created": created, "currency": params["currency"],
        "description": params.get("description"), "destination": params["destination"], "destination_payment": None,
        "livemode": False, "metadata": params.get("metadata", {}), "reversals": {
            "object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{identifier}/reversals",
        },
        "reversed": False, "source_transaction": params.get("source_transaction"), "source_type": "card",
        "transfer_group": params.get("transfer_group"),
    }  # fmt: skip


def reversal_object(identifier: str, transfer: Body, params: Mapping[str, Any], *, amount: int, created: int) -> Body:
    return {
        "id": identifier, "object": "transfer_reversal", "amount": amount, "balance_transaction": None, "created": created,
        "currency": transfer["currency"], "description": params.get("description"), "destination_payment_refund": None,
        "metadata": params.get("metadata", {}), "source_refund": None, "transfer": transfer["id"],
    }  # fmt: skip


def payout_object(identifier: str, params: Mapping[str, Any], *, created: int, arrival: int) -> Body:
    return {
        "id": identifier, "object": "payout", "amount": params["amount"], "application_fee": None,
        "application_fee_amount": None, "arrival_date": arrival, "automatic": False, "balance_transaction": None,
        "created": created, "currency": params["currency"], "description": params.get("description"), "destination": None,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "livemode": False,
        "metadata": params.get("metadata", {}), "method": "standard", "original_payout": None, "payout_method": None,
        "reconciliation_status": "not_applicable", "reversed_by": None, "source_type": "card",
        "statement_descriptor": params.get("statement_descriptor"), "status": "pending", "trace_id": None,
        "type": "bank_account",
    }  # fmt: skip
