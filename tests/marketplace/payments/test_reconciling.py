"""What a reconciliation calls a difference, and what it does not: sales that go on while it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from marketplace.accounts.people import add_person
from marketplace.database import write
from marketplace.local_payments.launch import start_local_payments
from marketplace.payments.reconciliation import reconcile
from tests.marketplace.payments.pocket_provider import AT
from tests.marketplace.payments.shop_processes import open_till
from tests.marketplace.payments.test_orders import balanced
from tests.marketplace.till import Till


@pytest.mark.parametrize("question", ["movements", "balances", "checkout"])
@pytest.mark.parametrize("is_heard", [True, False])
def test_a_sale_between_two_questions_is_no_difference(till: Till, monkeypatch, question: str, is_heard: bool):
    """Somebody pays just before or after the provider answered; the shop hears of it at once, or not yet."""
    till.bought("drawer")
    till.order("cube", key="waits")
    ask, asked = getattr(till.provider, question), []

    def answer(*args):
        if question == "movements":
            found = iter(list(ask(*args)))
        asked.append(args)
        if len(asked) < 4:
            order = till.order(f"skill-{len(asked)}", key=f"meanwhile {len(asked)}")
            till.provider.pay(order.checkout_id)
            if is_heard and question != "checkout":
                till.look(order)
        return found if question == "movements" else ask(*args)

    monkeypatch.setattr(till.provider, question, answer)
    assert reconcile(till.shop, till.provider).differences == ()
    assert asked


def test_what_one_of_both_does_not_know_is_a_difference(till: Till, monkeypatch):
    till.bought("drawer")
    sold = till.provider.all_movements[0]
    till.provider.move("reserve_transaction", -5)
    report = reconcile(till.shop, till.provider)
    assert [(one.ours, one.theirs) for one in report.differences] == [(None, -5), (1870, 1865)]
    till.provider.all_movements = [replace(sold, amount=1901)]
    report = reconcile(till.shop, till.provider)
    assert [(one.ours, one.theirs) for one in report.differences] == [(1870, 1871), (1870, 1871)]
    till.provider.all_movements = []
    report = reconcile(till.shop, till.provider)
    assert [(one.ours, one.theirs) for one in report.differences] == [(1870, None), (1870, 0)]
    till.provider.all_movements = [replace(sold, currency="USD")]
    assert len(reconcile(till.shop, till.provider).differences) == 4
    till.provider.all_movements = [sold]
    monkeypatch.setattr(till.provider, "balances", lambda: {"EUR": 1870, "USD": 1})
    assert [one.what for one in reconcile(till.shop, till.provider).differences] == ["balance in USD"]


def test_a_movement_that_is_listed_twice_counts_once(till: Till, monkeypatch):
    till.bought("drawer")
    till.provider.move("payout", -100)
    ask = till.provider.movements
    monkeypatch.setattr(till.provider, "movements", lambda since: iter([*ask(since), *ask(since)]))
    balanced(till)
    assert reconcile(till.shop, till.provider).num_movements == 2


def test_a_changed_ledger_is_a_difference(till: Till):
    till.bought("drawer")
    with write(till.shop.engine) as connection:
        connection.execute(text("UPDATE ledger_account SET posted = posted + 1 WHERE id = 'provider:clearing:EUR'"))
    assert ["cached balance" in one.what for one in reconcile(till.shop, till.provider).differences] == [True]


def test_a_shop_that_sells_meanwhile_is_balanced_at_every_moment(database: Engine, tmp_path: Path) -> None:
    """Another process buys and gives back without a pause, and the provider answers over the network."""
    with write(database) as connection:
        add_person(connection, "B", "b@example.org", "argon2", AT)
    with start_local_payments(tmp_path / "bank", webhook_url=None) as bank:
        case = {
            "home": str(tmp_path), "database": database.url.render_as_string(hide_password=False), "provider": bank.address,
            "api_key": bank.api_key, "webhook_secret": bank.webhook_secret, "port": 0, "orders": 25, "role": "buyer",
            "email": "b@example.org",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.marketplace.payments.shop_processes", json.dumps(case)]
        seller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        shop, provider = open_till(case)
        found, meanwhile = [], 0
        while seller.poll() is None:
            report = reconcile(shop, provider)
            found += report.differences
            meanwhile += report.num_movements > 0
        assert seller.returncode == 0
        assert found == []
        assert meanwhile > 2
        assert reconcile(shop, provider).num_movements >= 25


@pytest.mark.parametrize("is_won", [True, False])
def test_what_nobody_was_told_is_found_out(till: Till, is_won: bool):
    """A dispute ended, a page was paid, another one closed, and no message came."""
    disputed, paid, late = till.bought("drawer"), till.order("button", key="k2"), till.order("cube", key="k3")
    till.provider.dispute(disputed.payment_id)
    till.look(disputed)
    till.provider.close_dispute(disputed.payment_id, is_won)
    till.provider.pay(paid.checkout_id)
    till.provider.expire_checkout(late.checkout_id)
    balanced(till)
    assert [line.state for line in till.now(disputed).lines] == ["sold" if is_won else "charged_back"]
    assert [till.now(one).state for one in (paid, late)] == ["paid", "expired"]
