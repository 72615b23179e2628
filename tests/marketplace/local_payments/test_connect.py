"""Paying contributors: accounts, transfers, reversals, payouts; and that every balance is the sum of its transactions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import stripe

from marketplace.local_payments.launch import DATABASE, LocalPayments, start_local_payments
from tests.marketplace.local_payments.people import CANCEL, client_of, onboarded, sell, visit, wait_for


def test_an_account_agrees_on_a_page_before_it_is_paid(bank: LocalPayments, client: stripe.StripeClient) -> None:
    account = client.v1.accounts.create(
        {
            "type": "express",
            "country": "DE",
            "email": "ada@example.org",
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert (account.details_submitted, account.capabilities.transfers) == (False, "inactive")
    sell(bank, client)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 100, "currency": "eur", "destination": account.id})
    assert refused.value.code == "insufficient_capabilities_for_transfer"

    wanted = {
        "account": account.id,
        "type": "account_onboarding",
        "refresh_url": CANCEL + "/again",
        "return_url": CANCEL,
    }
    stale = client.v1.account_links.create(wanted)
    bank.advance_clock(301)
    assert visit(bank, "POST", stale.url)[1]["Location"] == CANCEL + "/again"
    assert not client.v1.accounts.retrieve(account.id).details_submitted
    link = client.v1.account_links.create(wanted)
    status, _, text = visit(bank, "GET", link.url)
    assert status == 200
    assert "TEST MONEY" in text
    assert visit(bank, "POST", link.url)[1]["Location"] == CANCEL
    account = client.v1.accounts.retrieve(account.id)
    assert (account.details_submitted, account.payouts_enabled, account.capabilities.transfers) == (
        True,
        True,
        "active",
    )
    assert account.id in [found.id for found in client.v1.accounts.list()]


def test_a_transfer_moves_money_and_its_reversal_brings_it_back(
    bank: LocalPayments, client: stripe.StripeClient, payee: str
) -> None:
    charge = sell(bank, client, 5000, payment_intent_data={"transfer_group": "order-1"}).payment_intent.latest_charge
    before = _available(client)
    transfer = client.v1.transfers.create(
        {"amount": 700, "currency": "eur", "destination": payee, "transfer_group": "order-1", "metadata": {"sale": "1"}}
    )
    assert _available(client) == before - 700
    assert _available(client, payee) == 700
    transaction = client.v1.balance_transactions.retrieve(transfer.balance_transaction, {"expand": ["source"]})
    assert (transaction.type, transaction.net, transaction.source.id) == ("transfer", -700, transfer.id)
    assert [found.id for found in client.v1.transfers.list({"destination": payee})] == [transfer.id]
    assert client.v1.transfers.list({"transfer_group": "order-1"}).data[0].id == transfer.id

    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 300})
    with pytest.raises(stripe.InvalidRequestError, match="greater than what is left"):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 401})
    transfer = client.v1.transfers.retrieve(transfer.id)
    assert (transfer.amount_reversed, transfer.reversed, transfer.reversals.data[0].id) == (300, False, reversal.id)
    assert [found.id for found in client.v1.transfers.reversals.list(transfer.id)] == [reversal.id]
    assert _available(client) == before - 400
    assert _available(client, payee) == 400
    client.v1.refunds.create({"charge": charge.id})
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 300, "a refund reverses no transfer"


def test_nothing_is_spent_that_is_not_there(bank: LocalPayments, client: stripe.StripeClient, payee: str) -> None:
    sell(bank, client)
    too_much = _available(client) + 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": too_much, "currency": "eur", "destination": payee})
    assert refused.value.code == "balance_insufficient"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": too_much, "currency": "eur"})
    assert refused.value.code == "balance_insufficient"
    with pytest.raises(stripe.InvalidRequestError, match="No such account"):
        client.v1.transfers.create({"amount": 1, "currency": "eur", "destination": "acct_none"})

    transfer = client.v1.transfers.create({"amount": 100, "currency": "eur", "destination": payee})
    client.v1.payouts.create({"amount": 60, "currency": "eur"}, {"stripe_account": payee})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.reversals.create(transfer.id)
    assert refused.value.code == "balance_insufficient"


def test_transfers_from_a_charge_never_exceed_it(bank: LocalPayments, client: stripe.StripeClient, payee: str) -> None:
    charge = sell(bank, client, 1000).payment_intent.latest_charge
    wanted = {"currency": "eur", "destination": payee, "source_transaction": charge.id}
    client.v1.transfers.create(wanted | {"amount": 600})
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount"):
        client.v1.transfers.create(wanted | {"amount": 401})
    assert client.v1.transfers.create(wanted | {"amount": 400}).source_transaction == charge.id


def test_payouts_arrive_or_come_back(bank: LocalPayments, client: stripe.StripeClient, payee: str) -> None:
    sell(bank, client)
    paid = client.v1.payouts.create({"amount": 500, "currency": "eur", "metadata": {"batch": "1"}})
    assert paid.status == "pending"
    assert wait_for(lambda: client.v1.payouts.retrieve(paid.id).status == "paid")
    client.v1.transfers.create({"amount": 300, "currency": "eur", "destination": payee})
    bank.fault("payout_fails")
    failed = client.v1.payouts.create({"amount": 300, "currency": "eur"}, {"stripe_account": payee})
    as_payee = {"stripe_account": payee}
    assert wait_for(lambda: client.v1.payouts.retrieve(failed.id, options=as_payee).status == "failed")
    assert _available(client, payee) == 300
    kinds = [one.type for one in client.v1.balance_transactions.list(options=as_payee)]
    assert kinds == ["payout_failure", "payout", "payment"]
    assert [one.id for one in client.v1.payouts.list({"status": "paid"})] == [paid.id]
    with pytest.raises(stripe.InvalidRequestError, match="No such payout"):
        client.v1.payouts.retrieve(failed.id)
    with pytest.raises(stripe.PermissionError):
        client.v1.balance.retrieve(options={"stripe_account": "acct_none"})


def test_money_is_pending_until_it_settles(tmp_path: Path) -> None:
    with start_local_payments(tmp_path, faults=True, options=("--settlement-s", "600")) as bank:
        client = client_of(bank)
        charge = sell(bank, client, 1000).payment_intent.latest_charge
        assert charge.balance_transaction.status == "pending"
        assert (_available(client), client.v1.balance.retrieve().pending[0].amount) == (0, 960)
        payee = onboarded(bank, client)
        wanted = {"amount": 500, "currency": "eur", "destination": payee}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.transfers.create(wanted)
        assert refused.value.code == "balance_insufficient"
        client.v1.transfers.create(wanted | {"source_transaction": charge.id})
        assert _available(client, payee) == 0
        bank.advance_clock(601)
        assert (_available(client), _available(client, payee)) == (460, 500)
        assert client.v1.balance_transactions.retrieve(charge.balance_transaction.id).status == "available"


def test_balance_transactions_are_found_and_add_up(bank: LocalPayments, client: stripe.StripeClient) -> None:
    charge = sell(bank, client).payment_intent.latest_charge
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 100})
    bank.dispute(charge.id, 50)
    assert [one.net for one in client.v1.balance_transactions.list({"source": refund.id})] == [-100]
    kinds = {one.type for one in client.v1.balance_transactions.list({"type": "charge"}).auto_paging_iter()}
    assert kinds == {"charge"}
    everything = list(client.v1.balance_transactions.list({"limit": 3, "currency": "eur"}).auto_paging_iter())
    assert all(one.net == one.amount - one.fee for one in everything)
    assert sum(one.net for one in everything) == _available(client)
    assert_adds_up(bank)


def assert_adds_up(bank: LocalPayments) -> None:
    """Every balance is the sum of its transactions, read from the file itself."""
    with sqlite3.connect(f"file:{bank.folder / DATABASE}?mode=ro", uri=True) as database:
        kept = database.execute("SELECT owner, currency, amount FROM balances ORDER BY 1, 2").fetchall()
        query = """SELECT owner, json_extract(body, '$.currency'), sum(json_extract(body, '$.net')) FROM objects
                   WHERE kind = 'balance_transaction' GROUP BY 1, 2 ORDER BY 1, 2"""
        assert kept == database.execute(query).fetchall()
        query = "SELECT owner, currency, sum(net) FROM money GROUP BY 1, 2 ORDER BY 1, 2"
        assert kept == database.execute(query).fetchall()
    database.close()


def _available(client: stripe.StripeClient, account: str | None = None) -> int:
    balance = client.v1.balance.retrieve(options={"stripe_account": account} if account else {})
    return next(money.amount for money in balance.available if money.currency == "eur")
