"""Random sales, refunds, releases, payouts, repetitions and failures against a naive model that keeps its books in a dictionary.

pytest tests/marketplace/test_ledger_machine.py -m manual     100,000 operations on each database; about half an hour
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text

from data_contracts.errors import KeyConflict, LedgerError, Overdrawn
from data_contracts.skills import Split
from marketplace.audit import audit
from marketplace.database import migrate, read, write
from marketplace.ledger import Balance, Entry, Request, balance, post, settle, void
from marketplace.sales import Sale, available, clawback, clearing, held, refund_request, sale_request

NAMES = ("ada", "bo", "cy")
START = datetime(2026, 1, 1, tzinfo=UTC)
OF_NAME = {"held": held, "available": available, "clawback": clawback}


class Machine(RuleBasedStateMachine):
    """`books` is the model: contributor and place -> amount; `provider` what the provider must hold."""

    database: Engine
    operations = 0

    sales = Bundle("sales")
    payouts = Bundle("payouts")

    @initialize()
    def start(self) -> None:
        migrate(self.database, "base")
        migrate(self.database)
        self.books: Counter[tuple[str, str]] = Counter()
        self.provider = self.held_for_payouts = 0
        self.written: list[Request] = []
        self.refunded: Counter[str] = Counter()
        self.gross: dict[str, int] = {}
        self.left_of: dict[str, Counter[str]] = {}
        self.now = START
        self.number = 0

    def _next(self, what: str) -> str:
        type(self).operations += 1
        self.number += 1
        self.now += timedelta(seconds=1)
        return f"{what}-{self.number}"

    def _write(self, request: Request, *, is_pending: bool = False) -> None:
        with write(self.database) as connection:
            post(connection, request, self.now, is_pending=is_pending)
        if not is_pending:
            self.written.append(request)

    @rule(
        target=sales, gross=st.integers(1, 5000), fee=st.integers(0, 60), platform_bp=st.integers(0, 10_000),
        weights=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 40), min_size=1),
    )  # fmt: skip
    def sell(self, gross: int, fee: int, platform_bp: int, weights: dict[str, int]) -> str:
        order, fee = self._next("order"), min(fee, gross)
        split = Split(platform_bp=platform_bp, contributors_bp=10_000 - platform_bp)
        request = sale_request(Sale(order, "EUR", gross, 0, fee, split, weights), f"sale:{order}", self.now)
        self._write(request)
        self.gross[order] = gross
        self.left_of[order] = Counter()
        self.provider += gross - fee
        earned = {
            name: -entry.amount for entry in request.entries for name in NAMES if entry.account == held(name, "EUR")
        }
        for name, amount in earned.items():
            self.books[name, "held"] += amount
            self.left_of[order][name] += amount
        ideal = Fraction((gross - fee) * (10_000 - platform_bp), 10_000)
        assert abs(sum(earned.values()) - ideal) < 1
        return order

    @rule(order=sales, percent=st.integers(1, 100))
    def refund(self, order: str, percent: int) -> None:
        left = self.gross[order] - self.refunded[order]
        amount = max(1, left * percent // 100)
        key = self._next("refund")
        if not left:
            with pytest.raises(LedgerError), read(self.database) as connection:
                refund_request(connection, order, amount, key, self.now)
            return
        with write(self.database) as connection:
            request = refund_request(connection, order, amount, key, self.now)
            post(connection, request, self.now)
        self.written.append(request)
        self.refunded[order] += amount
        self.provider -= amount
        for entry in request.entries:
            for name in NAMES:
                for place, account in OF_NAME.items():
                    if entry.account == account(name, "EUR"):
                        self.books[name, place] += entry.amount if place == "clawback" else -entry.amount
                        self.left_of[order][name] -= entry.amount
        assert min(self.left_of[order].values(), default=0) >= 0, "more was taken back than the sale gave"
        assert self.refunded[order] < self.gross[order] or not any(self.left_of[order].values())

    @rule(name=st.sampled_from(NAMES), percent=st.integers(1, 100))
    def release(self, name: str, percent: int) -> None:
        amount = self.books[name, "held"] * percent // 100
        if amount:
            entries = [Entry(held(name, "EUR"), amount), Entry(available(name, "EUR"), -amount)]
            self._write(Request(self._next("release"), "release", entries, self.now))
            self.books[name, "held"] -= amount
            self.books[name, "available"] += amount

    @rule(target=payouts, name=st.sampled_from(NAMES), amount=st.integers(1, 3000))
    def start_payout(self, name: str, amount: int) -> tuple[str, str, int] | None:
        free = self.books[name, "available"] - self.books[name, "pending"]
        key = self._next("payout")
        request = Request(
            key, "payout", [Entry(available(name, "EUR"), amount), Entry(clearing("EUR"), -amount)], self.now
        )
        if amount > free:
            with pytest.raises(Overdrawn):
                self._write(request, is_pending=True)
            return None
        self._write(request, is_pending=True)
        self.books[name, "pending"] += amount
        return key, name, amount

    @rule(payout=consumes(payouts), is_paid=st.booleans())
    def end_payout(self, payout: tuple[str, str, int] | None, is_paid: bool) -> None:
        if payout is None:
            return
        key, name, amount = payout
        end = settle if is_paid else void
        for _ in range(2):
            with write(self.database) as connection:
                end(connection, key, f"{key}:end", self.now, self.now)
        self.books[name, "pending"] -= amount
        if is_paid:
            self.books[name, "available"] -= amount
            self.provider -= amount

    @rule(which=st.integers(0, 10**6))
    def repeat(self, which: int) -> None:
        if self.written:
            self._next("repeat")
            with write(self.database) as connection:
                post(connection, self.written[which % len(self.written)], self.now)

    @rule(which=st.integers(0, 10**6))
    def reuse_a_key(self, which: int) -> None:
        if self.written:
            self._next("reuse")
            known = self.written[which % len(self.written)]
            changed = Request(known.key, "other", known.entries, known.event_at, known.order_id, known.about)
            with pytest.raises(KeyConflict), write(self.database) as connection:
                post(connection, changed, self.now)

    @rule(gross=st.integers(1, 5000))
    def fail_halfway(self, gross: int) -> None:
        order = self._next("lost")
        split = Split(platform_bp=3000, contributors_bp=7000)
        connection = self.database.connect().execution_options(is_writing=True)
        post(connection, sale_request(Sale(order, "EUR", gross, 0, 0, split, {"ada": 1}), order, self.now), self.now)
        connection.close()

    @invariant()
    def books_agree(self) -> None:
        with read(self.database) as connection:
            for name in NAMES:
                kept = self.books[name, "held"], self.books[name, "available"], self.books[name, "pending"]
                assert balance(connection, held(name, "EUR")) == Balance(kept[0], 0)
                assert balance(connection, available(name, "EUR")) == Balance(kept[1], kept[2])
                assert balance(connection, clawback(name, "EUR")).posted == self.books[name, "clawback"]
            assert balance(connection, clearing("EUR")).posted == self.provider
            assert all(self.refunded[order] <= gross for order, gross in self.gross.items())

    def teardown(self) -> None:
        with read(self.database) as connection:
            assert audit(connection) == []
            assert connection.execute(text("SELECT sum(posted) FROM ledger_account")).scalar() in (0, None)


def _run(database: Engine, examples: int, steps: int, *, is_repeatable: bool = True) -> int:
    machine = type("OfDatabase", (Machine,), {"database": database, "operations": 0})
    # a failure is shown as it was met: making it smaller runs the database for many minutes
    few = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck),
        derandomize=is_repeatable, phases=[Phase.generate],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=few)
    return machine.operations


def test_the_books_agree_with_a_naive_model(database: Engine) -> None:
    assert _run(database, 12, 60) > 300


@pytest.mark.manual
def test_the_books_agree_over_100_000_operations(database: Engine) -> None:
    done = 0
    while done < 100_000:
        done += _run(database, 200, 200, is_repeatable=False)
