"""Every route: its handler and the parameters it takes. What Stripe takes beyond that is refused, not ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marketplace.local_payments import checkout, connect, controls, events, refunds
from marketplace.local_payments.balance import retrieve_balance
from marketplace.local_payments.bank import Call
from marketplace.local_payments.errors import missing
from marketplace.local_payments.faults import KINDS
from marketplace.local_payments.parameters import (
    Check,
    address,
    boolean,
    choice,
    currency,
    fields,
    integer,
    items,
    metadata,
    number,
    text,
)
from marketplace.local_payments.store import Page, Wanted
from marketplace.local_payments.views import listed

LAST_MOMENT = 253402300799
EXPAND = {"expand": items(text(200), longest=20)}
MOMENT = integer(0, LAST_MOMENT)
NAME = text(500)


@dataclass(frozen=True)
class Route:
    """`connected`: also for a connected account, named by the header Stripe-Account. `control`: only with faults."""

    method: str
    path: str
    handle: Callable[[Call], dict[str, Any]]
    check: Check
    connected: bool = False
    control: bool = False


def _shape(**checks: Check) -> Check:
    """`_` at the end of a name: required."""
    return fields({(name[:-1] + "!" if name.endswith("_") else name): check for name, check in checks.items()} | EXPAND)


def _get(kind: str, path: str, *, connected: bool = False) -> Route:
    return Route("GET", f"/v1/{path}/{{id}}", lambda call: call.get(kind), _shape(), connected)


def _list(
    kind: str, path: str, *equal: str, within: str | None = None, connected: bool = False, **more: Check
) -> Route:
    """Newest first, narrowed down by exact fields, by `created`, for events by `types`, and to the object that the path names."""

    def handle(call: Call) -> dict[str, Any]:
        params = call.params
        created = params.get("created", {})
        inside = {within: call.get(within)["id"]} if within else {}
        for bound in ("starting_after", "ending_before"):
            if bound in params and call.store.find(call.owner, kind, params[bound]) is None:
                raise missing(kind, params[bound], bound, 400)
        wanted = Wanted(
            equal={name: params[name] for name in equal if name in params} | inside,
            among=("type", tuple(params["types"])) if params.get("types") else None,
            created=created if isinstance(created, dict) else {"equals": created},
        )
        page = Page(params.get("limit", 10), params.get("starting_after"), params.get("ending_before"))
        data, has_more = call.store.select(call.owner, kind, wanted, page)
        return listed(data, f"/v1/{path.format(**call.path)}", more=has_more)

    checks = dict.fromkeys(equal, NAME) | {
        "created": _created, "limit": integer(1, 100), "starting_after": NAME, "ending_before": NAME,
    }  # fmt: skip
    return Route("GET", f"/v1/{path}", handle, _shape(**checks, **more), connected)


def _created(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return MOMENT(value, name)
    return fields(dict.fromkeys(("gt", "gte", "lt", "lte"), MOMENT))(value, name)


def _post(path: str, handle: Callable[[Call], dict[str, Any]], *, connected: bool = False, **checks: Check) -> Route:
    return Route("POST", f"/v1/{path}", handle, _shape(**checks), connected)


def _control(method: str, path: str, handle: Callable[[Call], dict[str, Any]], **checks: Check) -> Route:
    return Route(method, f"/_faults{path}", handle, _shape(**checks), control=True)


PRODUCT = fields({
    "name!": text(250, empty=False), "description": text(), "images": items(address, 8), "metadata": metadata, "tax_code": NAME,
})  # fmt: skip
PRICE = fields({
    "currency!": currency, "product_data!": PRODUCT, "unit_amount!": integer(0),
    "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
})  # fmt: skip
LINE_ITEM = fields({"price_data!": PRICE, "quantity": integer(1, 999_999), "metadata": metadata})
PAYMENT_DATA = fields({
    "metadata": metadata, "transfer_group": NAME, "description": text(1000), "receipt_email": NAME,
    "capture_method": choice("automatic", "automatic_async"),
})  # fmt: skip
CAPABILITIES = fields(dict.fromkeys(("transfers", "card_payments"), fields({"requested": boolean})))
CONTROLLER = fields({
    "fees": fields({"payer": NAME}), "losses": fields({"payments": NAME}), "requirement_collection": NAME,
    "stripe_dashboard": fields({"type": NAME}),
})  # fmt: skip

SESSIONS = [
    _post(
        "checkout/sessions", checkout.create_session, mode_=choice("payment"), line_items_=items(LINE_ITEM), success_url_=address,
        cancel_url=address, client_reference_id=text(200), customer_email=NAME, expires_at=MOMENT, metadata=metadata,
        payment_intent_data=PAYMENT_DATA, payment_method_types=items(choice("card"), 1), ui_mode=choice("hosted_page", "hosted"),
        locale=NAME, submit_type=choice("auto", "pay"), customer_creation=choice("if_required"),
        billing_address_collection=choice("auto"), allow_promotion_codes=choice("false"),
        automatic_tax=fields({"enabled!": choice("false")}),
    ),
    _list("checkout.session", "checkout/sessions", "payment_intent", "status"),
    _get("checkout.session", "checkout/sessions"),
    _post("checkout/sessions/{id}/expire", checkout.expire_session),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", checkout.session_line_items, _shape(limit=integer(1, 100))),
]  # fmt: skip
PAYMENTS = [
    _list("payment_intent", "payment_intents"),
    _get("payment_intent", "payment_intents"),
    _list("charge", "charges", "payment_intent", "transfer_group", connected=True),
    _get("charge", "charges", connected=True),
    _post(
        "refunds", refunds.create_refund, charge=NAME, payment_intent=NAME, amount=integer(1), metadata=metadata,
        reason=choice("duplicate", "fraudulent", "requested_by_customer"),
    ),
    _list("refund", "refunds", "charge", "payment_intent"),
    _get("refund", "refunds"),
    _list("dispute", "disputes", "charge", "payment_intent"),
    _get("dispute", "disputes"),
    _post("disputes/{id}/close", refunds.close_dispute),
]  # fmt: skip
CONNECT = [
    _post(
        "accounts", connect.create_account, type=choice("custom", "express", "none", "standard"), country=text(2), email=NAME,
        business_type=choice("company", "government_entity", "individual", "non_profit"), capabilities=CAPABILITIES,
        controller=CONTROLLER, metadata=metadata,
    ),
    _list("account", "accounts"),
    _get("account", "accounts"),
    _post(
        "account_links", connect.create_account_link, account_=NAME, refresh_url_=address, return_url_=address,
        type_=choice("account_onboarding", "account_update"),
    ),
    _post(
        "transfers", connect.create_transfer, amount_=integer(1), currency_=currency, destination_=NAME, description=text(1000),
        metadata=metadata, source_transaction=NAME, source_type=choice("card"), transfer_group=NAME,
    ),
    _list("transfer", "transfers", "destination", "transfer_group"),
    _get("transfer", "transfers"),
    _post(
        "transfers/{id}/reversals", connect.create_reversal, amount=integer(1), description=text(1000), metadata=metadata,
    ),
    _list("transfer_reversal", "transfers/{id}/reversals", within="transfer"),
    _post(
        "payouts", connect.create_payout, connected=True, amount_=integer(1), currency_=currency, description=text(1000),
        metadata=metadata, method=choice("standard"), source_type=choice("card"), statement_descriptor=text(22),
    ),
    _list("payout", "payouts", "status", connected=True),
    _get("payout", "payouts", connected=True),
]  # fmt: skip
MONEY = [
    Route("GET", "/v1/balance", retrieve_balance, _shape(), connected=True),
    _list("balance_transaction", "balance_transactions", "type", "source", "currency", connected=True),
    _get("balance_transaction", "balance_transactions", connected=True),
]  # fmt: skip
EVENTS = [
    _list("event", "events", "type", types=items(NAME, 20)),
    _get("event", "events"),
    _post(
        "webhook_endpoints", events.create_endpoint, url_=address, enabled_events_=items(choice("*", *events.KINDS)),
        description=text(), metadata=metadata,
    ),
    _list("webhook_endpoint", "webhook_endpoints"),
    _get("webhook_endpoint", "webhook_endpoints"),
    Route("DELETE", "/v1/webhook_endpoints/{id}", events.delete_endpoint, _shape()),
]  # fmt: skip
SECONDS = number(0, 3600)
CONTROLS = [
    _control("GET", "", controls.waiting),
    _control("POST", "", controls.add, kind_=choice(*KINDS), on=text(200), count=integer(1, 1_000_000), seconds=SECONDS),
    _control("DELETE", "", controls.clear),
    _control(
        "POST", "/random", controls.roll, seed_=integer(0), seconds=SECONDS,
        chances_=fields(dict.fromkeys(KINDS, number(0, 1))),
    ),
    _control("POST", "/clock", controls.advance_clock, advance_s_=integer(0, 10 * 366 * 24 * 3600)),
    _control("POST", "/disputes", controls.open_dispute, charge_=NAME, amount=integer(1), reason=NAME),
    _control("POST", "/disputes/{id}", controls.end_dispute, outcome_=choice("won", "lost")),
    _control("POST", "/refund_fails", controls.fail_refund, refund_=NAME),
]  # fmt: skip
ROUTES = [*SESSIONS, *PAYMENTS, *CONNECT, *MONEY, *EVENTS, *CONTROLS]
