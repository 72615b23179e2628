"""The checkout page: what people see, that it needs no script, and that nothing in it can be injected."""

from __future__ import annotations

import pytest
import stripe

from marketplace.local_payments.launch import LocalPayments
from tests.marketplace.local_payments.people import CANCEL, sale_of, visit

HOSTILE = "<script>alert('1')</script>\"&"


def test_it_shows_what_is_bought_and_that_it_is_test_money(bank: LocalPayments, client: stripe.StripeClient) -> None:
    price = {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Stack two cubes"}}
    session = client.v1.checkout.sessions.create(sale_of(1999) | {"line_items": [{"quantity": 2, "price_data": price}]})
    status, headers, text = visit(bank, "GET", session.url)
    assert status == 200
    for shown in ("TEST MONEY", "Stack two cubes", "× 2", "25.00 EUR", "Cancel"):
        assert shown in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in text
    assert "prefers" in text or "light-dark(" in text


def test_names_are_text_and_nothing_else(bank: LocalPayments, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(sale_of(name=HOSTILE, success_url="https://shop.example/?a='\"><b>"))
    assert "<script" not in visit(bank, "GET", session.url)[2]
    assert "&lt;script&gt;" in visit(bank, "GET", session.url)[2]
    status, headers, _ = visit(bank, "POST", session.url)
    assert (status, headers["Location"]) == (303, "https://shop.example/?a='%22%3E%3Cb%3E")
    assert "'\"><b>" not in visit(bank, "GET", session.url)[2]


def test_cancel_leads_back_and_pays_nothing(bank: LocalPayments, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(sale_of())
    status, headers, _ = visit(bank, "POST", f"{session.url}?do=cancel")
    assert (status, headers["Location"]) == (303, CANCEL)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    bank.pay(session.id)
    text = visit(bank, "GET", f"/pay/{session.id}")[2]
    assert "Paid" in text
    assert f"session={session.id}" in text
    assert visit(bank, "POST", f"{session.url}?do=cancel")[1]["Location"].startswith("https://shop.example/paid")


@pytest.mark.parametrize("path", ["/pay/cs_test_none", "/onboard/none", "/pay/%00", "/pay/ch_1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found(bank: LocalPayments, method: str, path: str) -> None:
    status, _, text = visit(bank, method, path)
    assert status == 404
    assert "TEST MONEY" in text
