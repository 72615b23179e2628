"""Whatever is asked, the bank answers with what was asked for or with a refusal in Stripe's shape, and its books add up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.local_payments.app import create_app
from marketplace.local_payments.bank import Bank
from marketplace.local_payments.errors import Refused
from marketplace.local_payments.faults import Faults
from marketplace.local_payments.parameters import decode
from marketplace.local_payments.routes import ROUTES, Route
from marketplace.local_payments.store import Store

KEY = "sk_test_any"
NAMES = (
    "account", "amount", "capabilities[transfers][requested]", "charge", "created[gt]", "currency", "destination",
    "enabled_events[]", "expand[]", "expand[0]", "expires_at", "limit", "line_items", "line_items[0][quantity]",
    "line_items[0][price_data][currency]", "line_items[0][price_data][unit_amount]", "metadata", "metadata[a]", "mode",
    "line_items[0][price_data][product_data][name]", "payment_intent", "refund", "refresh_url", "return_url", "seed",
    "source_transaction", "starting_after", "success_url", "type", "types[]", "url", "advance_s", "chances[delay]", "kind",
)  # fmt: skip
SENSIBLE = (
    "", "1", "0", "-1", "100", "99999999", "999999999999999999999", "1e3", "eur", "jpy", "payment", "true", "false", "express",
    "account_onboarding", "https://shop.example/", "http://[", "latest_charge", "data.source", "data", "refunds.data.charge",
    "\x00", "é", "١", "*", "won", "rate_limited", "cs_test_x",
)  # fmt: skip

WHOLE = {
    "/v1/checkout/sessions": {
        "mode": "payment", "success_url": "https://shop.example/", "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "100", "line_items[0][price_data][product_data][name]": "Pick",
    },
    "/v1/accounts": {"type": "express"},
    "/v1/account_links": {
        "account": "acct", "type": "account_onboarding", "refresh_url": "https://a.example", "return_url": "https://a.example",
    },
    "/v1/transfers": {"amount": "1", "currency": "eur", "destination": "acct"},
    "/v1/payouts": {"amount": "1", "currency": "eur"},
    "/v1/refunds": {"charge": "ch"},
    "/v1/webhook_endpoints": {"url": "http://127.0.0.1:1/", "enabled_events[]": "*"},
    "/_faults": {"kind": "delay"},
    "/_faults/random": {"seed": "1", "chances[delay]": "0.5"},
    "/_faults/clock": {"advance_s": "1"},
    "/_faults/disputes": {"charge": "ch"},
    "/_faults/disputes/{id}": {"outcome": "won"},
    "/_faults/refund_fails": {"refund": "re"},
}  # fmt: skip
"""Requests that are answered, once a prefix is completed to an id; what is drawn is put over them."""
NAME = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.text(max_size=10))


class Machine:
    """A bank in this process, and what it has handed out so far."""

    def __init__(self) -> None:
        store = Store(Path(":memory:"), seed="any")
        self.bank = Bank(store, "http://127.0.0.1:1", faults=Faults(enabled=True))
        self.client = TestClient(create_app(self.bank, KEY), "http://127.0.0.1", follow_redirects=False)
        self.ids: list[str] = ["none"]
        self.known: tuple[str, ...] = ()

    def ask(self, method: str, path: str, pairs: list[tuple[str, str]], headers: dict[str, str]) -> int:
        self.bank.faults.clear()
        headers = headers | {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        encoded = urlencode(pairs)
        if method == "POST":
            answer = self.client.request(method, path, content=encoded, headers=headers)
        else:
            answer = self.client.request(method, f"{path}?{encoded}", headers=headers)
        if answer.headers.get("content-type") == "application/json":
            self._look_at(answer.status_code, answer.json())
        return answer.status_code

    def _look_at(self, status: int, body: dict) -> None:
        assert ("error" in body) == (status >= 400)
        if status >= 400:
            assert body["error"]["type"] in ("invalid_request_error", "idempotency_error")
            assert body["error"]["message"]
        elif isinstance(body.get("id"), str):
            self.ids.append(body["id"])


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """One that has one of everything."""
    machine = Machine()
    for kind, amount in enumerate((3000, 1, 100, 1, 500, 100, 100, 1)):
        assert _step(machine, kind, amount, 0) < 400
    charges = machine.bank.store.rows("SELECT id FROM objects WHERE kind = 'charge' AND owner = ''")
    machine.known = (*machine.ids, *(one for (one,) in charges))
    yield machine
    machine.bank.store.close()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES),
    place=st.integers(0, 30),
    pairs=st.lists(
        st.tuples(NAME, st.one_of(st.sampled_from(SENSIBLE), st.integers(0, 30), st.text(max_size=20))), max_size=3
    ),
    header=st.sampled_from(["", "", "", "Idempotency-Key", "Stripe-Account"]),
)
def test_no_request_is_an_error_of_the_server(
    machine: Machine, route: Route, place: int, pairs: list[tuple[str, str | int]], header: str
) -> None:
    """Numbers stand for ids of what there is."""
    known = machine.known
    path = route.path.replace("{id}", known[place % len(known)])
    whole = WHOLE.get(route.path, {}) if route.method == "POST" else {}
    asked = [
        (name, next((one for one in known if one.startswith(f"{value}_")), value)) for name, value in whole.items()
    ]
    asked += [(name, known[value % len(known)] if isinstance(value, int) else value) for name, value in pairs]
    headers = {header: known[place % len(known)]} if header else {}
    assert machine.ask(route.method, path, asked, headers) < 500


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3000), st.integers(0, 50)), min_size=5, max_size=25))
def test_balances_add_up_after_any_history(steps: list[tuple[int, int, int]]) -> None:
    machine = Machine()
    for kind, amount, which in [(0, 3000, 0), (1, 3000, 0), (3, 1, 0), *steps]:
        assert _step(machine, kind, amount, which) < 500
    store = machine.bank.store
    kept = store.rows("SELECT owner, currency, amount FROM balances ORDER BY 1, 2")
    query = """SELECT owner, json_extract(body, '$.currency'), sum(json_extract(body, '$.net')) FROM objects
               WHERE kind = 'balance_transaction' GROUP BY 1, 2 ORDER BY 1, 2"""
    assert kept == store.rows(query)
    assert kept == store.rows("SELECT owner, currency, sum(net) FROM money GROUP BY 1, 2 ORDER BY 1, 2")
    assert all(amount >= 0 for owner, _, amount in kept if owner), "no account is overdrawn"
    over = "SELECT count(*) FROM objects WHERE kind = ? AND json_extract(body, ?) > json_extract(body, '$.amount')"
    assert store.rows(over, "charge", "$.amount_refunded") == [(0,)]
    assert store.rows(over, "transfer", "$.amount_reversed") == [(0,)]


def _step(machine: Machine, kind: int, amount: int, which: int) -> int:
    """Does one thing that moves money, or is refused."""

    def pick(prefix: str) -> str:
        known = [one for one in machine.ids if one.startswith(prefix)] or ["none"]
        return known[which % len(known)]

    def newest(table: str) -> list[tuple[str]]:
        return machine.bank.store.rows("SELECT id FROM objects WHERE kind = ? AND owner = '' ORDER BY serial", table)

    charges = [one for (one,) in newest("charge")] or ["none"]
    charge = charges[which % len(charges)]
    money = [("amount", str(amount)), ("currency", "eur")]
    session = [
        ("mode", "payment"), ("success_url", "https://shop.example/"), ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", str(amount)), ("line_items[0][price_data][product_data][name]", "Pick"),
    ]  # fmt: skip
    asked = [
        ("/v1/checkout/sessions", session, {}),
        (f"/pay/{pick('cs_')}", [], {}),
        ("/v1/refunds", [("charge", charge), ("amount", str(amount))], {}),
        ("/v1/accounts", [("capabilities[transfers][requested]", "true")], {}),
        ("/v1/transfers", [*money, ("destination", pick("acct_"))], {}),
        (f"/v1/transfers/{pick('tr_')}/reversals", [("amount", str(amount))], {}),
        ("/v1/payouts", money, {"Stripe-Account": pick("acct_")} if which % 2 else {}),
        ("/_faults/disputes", [("charge", charge)], {}),
        (f"/_faults/disputes/{pick('dp_')}", [("outcome", ("won", "lost")[which % 2])], {}),
        ("/_faults/refund_fails", [("refund", pick("re_"))], {}),
    ]
    path, pairs, headers = asked[kind]
    status = machine.ask("POST", path, pairs, headers)
    if path == "/v1/accounts":
        _onboard(machine)
    return status


def _onboard(machine: Machine) -> None:
    pairs = [("account", machine.ids[-1]), ("type", "account_onboarding")]
    pairs += [("refresh_url", "https://shop.example/"), ("return_url", "https://shop.example/")]
    machine.ask("POST", "/v1/account_links", pairs, {})
    link = machine.bank.store.rows("SELECT id FROM objects WHERE kind = 'account_link' ORDER BY serial DESC LIMIT 1")
    assert machine.client.post(f"/onboard/{link[0][0]}").status_code == 303


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_form_is_decoded_or_refused(encoded: bytes) -> None:
    try:
        json.dumps(decode(encoded))
    except Refused:
        return


def test_forms_are_nested_as_stripe_nests_them() -> None:
    assert decode(b"a[b][0][c]=1&a[b][1][c]=2&d=&e[]=x&e[]=y") == {
        "a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}}, "d": "", "e": {"0": "x", "1": "y"},
    }  # fmt: skip
    for wrong in (b"a[b=1", b"a[b]c=1", b"[b]=1", b"a=1&a[b]=1", b"a[b]=1&a=1", b"a" + b"[b]" * 9 + b"=1"):
        with pytest.raises(Refused):
            decode(wrong)
