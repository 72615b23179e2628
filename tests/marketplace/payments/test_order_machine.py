"""Random buyers, payments, refunds, disputes, lost answers, repeated and late messages: whatever happened, the provider's account, the
ledger and what buyers may download tell one story once everything has been looked at.

pytest tests/marketplace/payments/test_order_machine.py -m manual     many more of them
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine

from data_contracts.errors import OrderError
from data_contracts.layout import Lake
from marketplace.accounts.people import add_person
from marketplace.buying import buy, cancel, come_back, give_back
from marketplace.database import migrate, read, write
from marketplace.entitlements import entitlements_of
from marketplace.ledger import balance
from marketplace.orders import order_of, orders_of
from marketplace.payments.inbox import receive, work
from marketplace.payments.outbox import send_due
from marketplace.payments.reconciliation import reconcile
from marketplace.sales import clearing
from marketplace.settings import read_settings
from marketplace.shop import Shop
from tests.marketplace.payments.pocket_provider import AT, PocketProvider
from tests.marketplace.till import Clock, a_pack

BUYERS, SKILLS = 2, 4
PICK = st.integers(0, 10**6)


class Machine(RuleBasedStateMachine):
    """The oracle is the provider's own list of what was paid, and who should own what follows from it."""

    database: Engine
    operations = 0

    @initialize()
    def start(self) -> None:
        migrate(self.database, "base")
        migrate(self.database)
        self.clock, self.provider = Clock(), PocketProvider()
        lake = Lake(Path("/nonexistent"))
        self.shop = Shop(lake, self.database, read_settings(lake), self.clock)
        with write(self.database) as connection:
            self.buyers = [
                add_person(connection, f"Buyer {number}", f"b{number}@example.org", "argon2", AT).id
                for number in range(BUYERS)
            ]
        self.number = 0

    def _step(self) -> None:
        type(self).operations += 1
        self.clock.advance(seconds=40)

    def _orders(self, *wanted: str) -> list:
        with read(self.database) as connection:
            found = [order for buyer in self.buyers for order in orders_of(connection, buyer)]
        return sorted((order for order in found if order.state in wanted), key=lambda order: order.created_at)

    @rule(
        buyer=st.integers(0, BUYERS - 1),
        skills=st.sets(st.integers(0, SKILLS - 1), min_size=1, max_size=2),
        repeats=st.booleans(),
    )
    def order(self, buyer: int, skills: set[int], repeats: bool) -> None:
        self._step()
        self.number += not repeats
        packs = [a_pack(f"skill-{one}", (0, 500, 1900, 2900)[one]) for one in sorted(skills)]
        try:
            buy(self.shop, self.provider, self.buyers[buyer], packs, f"k{buyer}-{self.number}")
        except OrderError as error:
            if "already" not in str(error):
                raise

    @precondition(lambda self: any(one.status == "open" for one in self.provider.checkouts.values()))
    @rule(pick=PICK, hears=st.integers(0, 2))
    def pay(self, pick: int, hears: int) -> None:
        self._step()
        open_pages = [one.id for one in self.provider.checkouts.values() if one.status == "open"]
        checkout_id = open_pages[pick % len(open_pages)]
        self.provider.pay(checkout_id)
        for _ in range(hears):
            receive(self.shop, self.provider, self.provider.requests[checkout_id].order_id.encode(), checkout_id)

    @rule()
    def work_through(self) -> None:
        self._step()
        work(self.shop, self.provider)
        send_due(self.shop, self.provider)

    @rule(pick=PICK)
    def come_back(self, pick: int) -> None:
        self._step()
        if orders := self._orders("awaiting_payment", "expired", "cancelled"):
            order = orders[pick % len(orders)]
            if not self.provider.is_down:
                come_back(self.shop, self.provider, order.buyer_id, order.id)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self._step()
        if orders := self._orders("awaiting_payment"):
            order = orders[pick % len(orders)]
            cancel(self.shop, self.provider, order.buyer_id, order.id)

    @rule(pick=PICK)
    def give_back(self, pick: int) -> None:
        self._step()
        lines = [(order, line) for order in self._orders("paid") for line in order.lines if line.state == "sold"]
        lines = [(order, line) for order, line in lines if line.amount_minor]
        if lines and not self.provider.is_down:
            order, line = lines[pick % len(lines)]
            give_back(self.shop, self.provider, line.id, buyer_id=order.buyer_id)

    @rule(pick=PICK, what=st.sampled_from(["fail_refund", "dispute", "win", "lose"]))
    def bad_day(self, pick: int, what: str) -> None:
        self._step()
        ids = sorted(self.provider.payments)
        if not ids:
            return
        payment = self.provider.payments[ids[pick % len(ids)]]
        is_disputed = bool(payment.disputes) and payment.disputes[-1].is_open
        left = payment.amount + sum(one.movement.amount for one in payment.refunds if not one.failure)
        if what == "fail_refund" and payment.refunds and not payment.refunds[-1].failure and not payment.disputes:
            self.provider.fail_refund(payment.id)
        elif what == "dispute" and left and not payment.disputes:
            self.provider.dispute(payment.id)
        elif what in ("win", "lose") and is_disputed:
            self.provider.close_dispute(payment.id, what == "win")

    @rule(is_down=st.booleans(), cut_off=st.integers(0, 2))
    def weather(self, is_down: bool, cut_off: int) -> None:
        self._step()
        self.provider.is_down, self.provider.cut_off = is_down, cut_off

    @rule()
    def day_ends(self) -> None:
        """Everything is looked at again: then nothing may differ."""
        self._step()
        self.provider.is_down, self.provider.cut_off = False, 0
        self.clock.advance(hours=2)
        with read(self.database) as connection:
            everything = [order.id for buyer in self.buyers for order in orders_of(connection, buyer)]
        from marketplace.payments.inbox import look_at

        for order_id in everything:
            look_at(self.shop, self.provider, order_id)
        report = reconcile(self.shop, self.provider)
        assert report.differences == ()
        with read(self.database) as connection:
            assert balance(connection, clearing("EUR")).posted == self.provider.balances().get("EUR", 0)
            for order_id in everything:
                self._check(connection, order_id)

    def _check(self, connection, order_id: str) -> None:
        """Whoever paid and was not paid back owns it, and nobody else does."""
        order = order_of(connection, order_id)
        owned = {one.line_id for one in entitlements_of(connection, order.buyer_id) if one.is_active}
        payment = next((one for one in self.provider.payments.values() if one.order_id == order_id), None)
        for line in order.lines:
            if payment is None:
                expected = order.total_minor == 0
            else:
                given_back = any(one.line_id == line.id and not one.failure for one in payment.refunds)
                disputed = any(sum(move.amount for move in one.movements) < 0 for one in payment.disputes)
                expected = not line.amount_minor or not (given_back or disputed)
            assert (line.id in owned) == expected, (line, payment)

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.day_ends()


def run(database: Engine, examples: int, steps: int) -> int:
    machine = type("OnThisDatabase", (Machine,), {"database": database, "operations": 0})
    few = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, phases=(Phase.generate,), derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=few)
    return machine.operations


def test_whatever_happens_provider_ledger_and_library_agree(database: Engine) -> None:
    assert run(database, examples=6, steps=40) > 100


@pytest.mark.manual
def test_it_agrees_over_20_000_operations(database: Engine) -> None:
    assert run(database, examples=400, steps=50) > 10_000
