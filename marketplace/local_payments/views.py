"""How a stored object is shown: what depends on the time, what is hidden, and what `expand[]` puts in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.local_payments.errors import Refused
from marketplace.local_payments.store import Page, Store, Wanted

REFERENCES = {
    "balance_transaction", "charge", "destination", "destination_payment", "failure_balance_transaction", "latest_charge",
    "payment_intent", "source", "source_transaction", "transfer",
}  # fmt: skip
"""Fields that hold an id and may be expanded to what it names."""
DEEPEST = 4
HIDDEN = {"checkout.session": ("line_items", "payment_intent_data"), "webhook_endpoint": ("secret",)}
"""Kept with the object and shown only on request, or once."""


def present(body: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Returns an object as it is shown now."""
    kind = body["object"]
    shown = dict(body)
    if shown.pop("secret_shown", False):
        return shown
    for name in HIDDEN.get(kind, ()):
        shown.pop(name, None)
    if kind == "balance_transaction":
        shown["status"] = "available" if body["available_on"] <= now else "pending"
    if kind == "list":
        shown["data"] = [present(item, now) for item in body["data"]]
    return shown


def expand(store: Store, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """Returns the shown object with each path (`latest_charge.balance_transaction`, `data.source`) replaced by what it names.

    Raises:
        Refused: something on a path cannot be expanded.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise Refused("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(store, body, steps, path)
    return body


def _expand(store: Store, body: dict[str, Any], steps: list[str], path: str) -> None:
    if not steps:
        return
    name, rest = steps[0], steps[1:]
    if name == "data" and body.get("object") == "list" and rest:
        for item in body["data"]:
            _expand(store, item, rest, path)
        return
    if (body.get("object"), name) in _LISTS:
        body[name] = _LISTS[body["object"], name](store, body)
    elif name not in REFERENCES or name not in body:
        raise Refused(f"This property cannot be expanded ({path[:100]}).", param="expand")
    if isinstance(body[name], str):
        found = store.find(None, None, body[name])
        body[name] = present(found, store.now()) if found else body[name]
    if isinstance(body[name], dict):
        _expand(store, body[name], rest, path)


def listed(data: list[dict[str, Any]], url: str, *, more: bool = False) -> dict[str, Any]:
    """Returns Stripe's list object."""
    return {"object": "list", "data": data, "has_more": more, "url": url}


def _line_items(store: Store, session: dict[str, Any]) -> dict[str, Any]:
    return store.find(None, None, session["id"])["line_items"]


def _refunds(store: Store, charge: dict[str, Any]) -> dict[str, Any]:
    wanted = Wanted(equal={"charge": charge["id"]})
    found, more = store.select(store.owner_of(charge["id"]), "refund", wanted, Page())
    return listed(found, f"/v1/charges/{charge['id']}/refunds", more=more)


_LISTS = {("checkout.session", "line_items"): _line_items, ("charge", "refunds"): _refunds}
