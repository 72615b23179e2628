"""Four buyers' processes and a desk that takes messages, all killed at random, against a provider that loses answers and repeats itself:
afterwards nothing differs, and who paid owns what they paid for.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import Engine

from marketplace.accounts.people import add_person
from marketplace.audit import audit
from marketplace.database import read, write
from marketplace.entitlements import entitlements_of
from marketplace.local_payments.launch import start_local_payments
from marketplace.orders import orders_of
from marketplace.payments.inbox import look_at
from marketplace.payments.reconciliation import reconcile
from tests.marketplace.payments.pocket_provider import AT
from tests.marketplace.payments.shop_processes import open_till

BUYERS, ORDERS, KILLS = 4, 12, 16


def test_killed_shops_lose_nothing_and_hand_out_nothing_twice(database: Engine, tmp_path: Path) -> None:
    dice = random.Random(0)
    with write(database) as connection:
        people = [add_person(connection, f"B {n}", f"b{n}@example.org", "argon2", AT).id for n in range(BUYERS)]
    port = _free_port()
    webhook = f"http://127.0.0.1:{port}/"
    with start_local_payments(tmp_path / "bank", webhook_url=webhook, faults=True) as bank:
        bank.random_faults(
            7, seconds=0.2, timeout_after_commit=0.05, error_500_after_commit=0.05, error_500_before=0.05,
            webhook_duplicate=0.3, webhook_reorder=0.3,
        )  # fmt: skip
        case = {
            "home": str(tmp_path), "database": database.url.render_as_string(hide_password=False), "provider": bank.address,
            "api_key": bank.api_key, "webhook_secret": bank.webhook_secret, "port": port, "orders": ORDERS,
        }  # fmt: skip
        cases = [
            case | {"role": "desk"},
            *(case | {"role": "buyer", "email": f"b{n}@example.org"} for n in range(BUYERS)),
        ]
        running = [_started(one) for one in cases]
        for _ in range(KILLS):
            victim = dice.randrange(len(running))
            running[victim].stdout.readline()  # so that it is at work
            time.sleep(dice.uniform(0, 0.3))
            running[victim].send_signal(signal.SIGKILL)
            running[victim].wait()
            running[victim] = _started(cases[victim])
        for process in running[1:]:
            assert process.communicate(timeout=120) is not None
            assert process.returncode == 0
        bank.clear_faults()
        running[0].kill()
        running[0].wait()
        shop, provider = open_till(case | {"later_s": 600})
        report = reconcile(shop, provider)
        assert report.differences == ()
        for person in people:
            with read(database) as connection:
                orders = orders_of(connection, person)
            assert len(orders) == ORDERS
            for order in orders:
                _owns_what_was_paid(shop, provider, look_at(shop, provider, order.id))
        assert reconcile(shop, provider).differences == ()
        with read(database) as connection:
            assert audit(connection) == []


def _owns_what_was_paid(shop, provider, order) -> None:
    payment = provider.payment(order.payment_id) if order.payment_id else None
    with read(shop.engine) as connection:
        owned = {one.line_id for one in entitlements_of(connection, order.buyer_id) if one.is_active}
    for line in order.lines:
        is_back = payment is not None and any(refund.line_id == line.id for refund in payment.refunds)
        assert (line.id in owned) == (payment is not None and not is_back), (order.state, line)
    assert (order.state in ("paid", "refunded")) == (payment is not None)


def _started(case: dict) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.marketplace.payments.shop_processes", json.dumps(case)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
