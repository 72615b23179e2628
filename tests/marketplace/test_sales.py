"""Sales and refunds in the ledger, to the last minor unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from data_contracts.errors import LedgerError, MoneyError
from data_contracts.skills import Split
from marketplace.audit import audit
from marketplace.database import read, write
from marketplace.ledger import Entry, Request, balance, find, post
from marketplace.sales import (
    Sale,
    available,
    clawback,
    clearing,
    fees,
    held,
    platform,
    refund_request,
    reversal_request,
    sale_request,
    shares_left,
    tax_collected,
    unclaimed,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALE = Sale("o1", "USD", 1999, 0, 88, Split(platform_bp=3000, contributors_bp=7000), {"ada": 2, "bo": 1, "cy": 1})


def _sold(database: Engine, sale: Sale = SALE) -> None:
    with write(database) as connection:
        post(connection, sale_request(sale, f"sale:{sale.order_id}", NOW), NOW)


def _refunded(database: Engine, amount: int, key: str) -> None:
    with write(database) as connection:
        post(connection, refund_request(connection, "o1", amount, key, NOW), NOW)


def _posted(database: Engine, *accounts: object) -> list[int]:
    with read(database) as connection:
        assert audit(connection) == []
        return [balance(connection, account).posted for account in accounts]


def test_a_sale_of_19_99_less_0_88_is_573_for_us_and_1338_for_three(database: Engine) -> None:
    _sold(database)
    ours, fee = _posted(database, platform("USD"), fees("USD"))
    assert ours - fee == 573
    assert _posted(database, *(held(name, "USD") for name in ("ada", "bo", "cy"))) == [669, 335, 334]
    assert _posted(database, clearing("USD")) == [1911]


def test_tax_is_nobody_s_share(database: Engine) -> None:
    _sold(database, replace(SALE, tax=319))
    assert _posted(database, tax_collected("USD")) == [319]
    ours, fee, *shares = _posted(database, platform("USD"), fees("USD"), *(held(n, "USD") for n in SALE.weights))
    assert ours - fee + sum(shares) == 1999 - 319 - 88


def test_the_share_of_someone_without_an_account_waits(database: Engine) -> None:
    _sold(database, replace(SALE, unclaimed=frozenset({"bo"})))
    assert _posted(database, unclaimed("bo", "USD"), held("bo", "USD")) == [335, 0]
    _refunded(database, 1999, "r")
    assert _posted(database, unclaimed("bo", "USD")) == [0]


def test_refunds_in_parts_take_everything_back_but_the_provider_s_fee(database: Engine) -> None:
    _sold(database)
    for number, amount in enumerate((1, 700, 2, 996, 300)):
        _refunded(database, amount, f"r{number}")
    assert _posted(database, clearing("USD"), platform("USD"), fees("USD")) == [-88, 0, 88]
    assert _posted(database, *(held(name, "USD") for name in SALE.weights)) == [0, 0, 0]
    with read(database) as connection:
        assert shares_left(connection, "o1") == {}
    with pytest.raises(LedgerError, match="left"):
        _refunded(database, 1, "one-more")


def test_what_was_passed_on_is_taken_where_it_is_and_then_owed_to_us(database: Engine) -> None:
    _sold(database)
    with write(database) as connection:
        moved = [Entry(held("ada", "USD"), 600), Entry(available("ada", "USD"), -600)]
        post(connection, Request("release", "release", moved, NOW), NOW)
        paid = [Entry(available("ada", "USD"), 400), Entry(clearing("USD"), -400)]
        post(connection, Request("payout", "payout", paid, NOW), NOW)
    _refunded(database, 1999, "all")
    assert _posted(database, held("ada", "USD"), available("ada", "USD"), clawback("ada", "USD")) == [0, 0, 400]


@pytest.mark.parametrize("amount", [0, -1, 2000])
def test_a_refund_is_of_what_was_paid(database: Engine, amount: int) -> None:
    _sold(database)
    with pytest.raises(LedgerError):
        _refunded(database, amount, "r")


def test_what_was_never_sold_is_not_refunded(database: Engine) -> None:
    with pytest.raises(LedgerError, match="never sold"):
        _refunded(database, 1, "r")


@pytest.mark.parametrize("changes", [{"gross": 0, "fee": 0}, {"fee": -1}, {"tax": 2000}, {"tax": -1}, {"weights": {}}])
def test_an_impossible_sale_is_refused(changes: dict) -> None:
    with pytest.raises(MoneyError):
        sale_request(replace(SALE, **changes), "k", NOW)


@given(
    st.integers(1, 10**7), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10_000),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(1, 10**5), min_size=1, max_size=9),
)  # fmt: skip
def test_every_sale_balances(gross: int, tax: int, fee: int, ours_bp: int, weights: dict[str, int]) -> None:
    tax, fee = tax % (gross + 1), fee % (gross - tax % (gross + 1) + 1)
    split = Split(platform_bp=ours_bp, contributors_bp=10_000 - ours_bp)
    request = sale_request(Sale("o", "EUR", gross, tax, fee, split, weights), "k", NOW)
    assert sum(entry.amount for entry in request.entries) == 0
    owed = -sum(entry.amount for entry in request.entries if entry.account.id.startswith("contributor:"))
    assert abs(owed - (gross - tax - fee) * (10_000 - ours_bp) / 10_000) < 1


def test_what_was_taken_comes_back_in_parts_to_whom_it_was_taken_from_and_never_twice(database: Engine) -> None:
    _sold(database)
    accounts = [clearing("USD"), platform("USD"), *(held(name, "USD") for name in SALE.weights)]
    before = _posted(database, *accounts)
    _refunded(database, 1999, "taken")
    for number, amount in enumerate((1, 998, 1000)):
        with write(database) as connection:
            taken = find(connection, "taken")
            post(connection, reversal_request(connection, taken, amount, f"back {number}", NOW), NOW)
    assert _posted(database, *accounts) == before
    with write(database) as connection, pytest.raises(LedgerError, match="USD to come back"):
        reversal_request(connection, find(connection, "taken"), 1, "one more", NOW)
