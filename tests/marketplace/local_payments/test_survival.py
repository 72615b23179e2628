"""Killed at any moment, the bank comes back with all that it had answered, nothing half done, and nothing done twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import stripe

from data_contracts.errors import PaymentUnavailable
from marketplace.local_payments.launch import DATABASE, LocalPayments, start_local_payments
from marketplace.local_payments.settings import KEY_VARIABLE, WEBHOOK_VARIABLE
from tests.marketplace.local_payments.people import client_of, sale_of, sell

KILLS = 4
REFUNDS = 60


def test_killed_in_the_middle_of_refunds(tmp_path: Path) -> None:
    with start_local_payments(tmp_path, faults=True) as bank:
        charge = sell(bank, client_of(bank), 10_000).payment_intent.latest_charge
        answered: dict[int, str] = {}
        buyers = [
            threading.Thread(target=_refund, args=(bank, charge.id, range(n, REFUNDS, 2), answered)) for n in range(2)
        ]
        for buyer in buyers:
            buyer.start()
        dice = random.Random(5)
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.02, 0.25))
            bank.kill()
            bank.restart()
        for buyer in buyers:
            buyer.join(60)
        client = client_of(bank)
        done = list(client.v1.refunds.list({"charge": charge.id, "limit": 100}).auto_paging_iter())
        assert {one.id for one in done} == set(answered.values())
        assert len(done) == REFUNDS
        assert client.v1.charges.retrieve(charge.id).amount_refunded == REFUNDS * 10
        assert client.v1.balance.retrieve().available[0].amount == 10_000 - 175 - REFUNDS * 10
        _whole(bank)


def _refund(bank: LocalPayments, charge: str, numbers: range, answered: dict[int, str]) -> None:
    """Asks until it is answered, always under the same key, as an outbox does."""
    client = client_of(bank)
    for number in numbers:
        while number not in answered:
            try:
                key = {"idempotency_key": f"refund-{number}"}
                answered[number] = client.v1.refunds.create({"charge": charge, "amount": 10}, key).id
            except stripe.APIConnectionError:
                time.sleep(0.02)


def _whole(bank: LocalPayments) -> None:
    with sqlite3.connect(f"file:{bank.folder / DATABASE}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        refunds = database.execute("SELECT count(*) FROM objects WHERE kind = 'refund'").fetchone()[0]
        events = "SELECT count(*) FROM objects WHERE json_extract(body, '$.type') = 'refund.created'"
        assert database.execute(events).fetchone()[0] == refunds
    database.close()


def test_the_clock_and_the_keys_survive(tmp_path: Path) -> None:
    with start_local_payments(tmp_path, faults=True) as bank:
        then = bank.advance_clock(1_000_000)
        bank.kill()
        bank.restart()
        assert 0 <= bank.advance_clock(0) - then < 60
        address, key = bank.address, bank.api_key
    with start_local_payments(tmp_path) as again:
        assert again.api_key == key
        assert client_of(again).v1.balance.retrieve()
        assert address.startswith("http://127.0.0.1:")


def test_one_server_per_database_and_open_sessions_move_with_it(tmp_path: Path) -> None:
    with start_local_payments(tmp_path) as bank:
        session = client_of(bank).v1.checkout.sessions.create(sale_of())
        with pytest.raises(PaymentUnavailable, match="another server has it"):
            start_local_payments(tmp_path)
        with pytest.raises(OSError, match="in use"):
            start_local_payments(tmp_path, bank.port)
    with start_local_payments(tmp_path) as elsewhere:
        moved = client_of(elsewhere).v1.checkout.sessions.retrieve(session.id)
        assert moved.url == f"{elsewhere.address}/pay/{session.id}"


def test_ids_can_be_foretold_where_a_test_wants_that(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two", "other"):
        seed = "other" if name == "other" else "same"
        with start_local_payments(tmp_path / name, options=("--id-seed", seed)) as bank:
            made.append(client_of(bank).v1.checkout.sessions.create(sale_of()).id)
    assert made[0] == made[1] != made[2]


def test_the_command_wants_its_secrets_from_the_environment_or_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "marketplace.local_payments", "--database", str(tmp_path / "bank.sqlite")]
    without = {name: value for name, value in os.environ.items() if name not in (KEY_VARIABLE, WEBHOOK_VARIABLE)}
    refused = subprocess.run(command, env=without, capture_output=True, text=True, timeout=30)
    assert refused.returncode == 1
    assert KEY_VARIABLE in refused.stderr
    live = without | {KEY_VARIABLE: "sk_live_1", WEBHOOK_VARIABLE: "whsec_1"}
    assert subprocess.run(command, env=live, capture_output=True, text=True, timeout=30).returncode == 1
    test = without | {KEY_VARIABLE: "sk_test_1", WEBHOOK_VARIABLE: "whsec_1"}
    # Handed down, as by a Dagster run that was started in the background: there SIGTERM becomes what SIGINT is.
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with subprocess.Popen(command, env=test, stdout=subprocess.PIPE, text=True) as running:
        signal.signal(signal.SIGTERM, before)
        try:
            said = running.stdout.readline() if running.stdout else ""
            running.terminate()
            assert running.wait(20) == -signal.SIGTERM
        finally:
            running.kill()
    assert said.startswith("TEST MONEY: local payments on http://127.0.0.1:")


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_text("not a database, but long enough to be taken for one " * 50)
    with pytest.raises(PaymentUnavailable, match="not a database"):
        start_local_payments(tmp_path)


def test_secrets_are_in_a_file_of_their_own_and_nowhere_else(tmp_path: Path) -> None:
    with start_local_payments(tmp_path) as bank:
        client_of(bank).v1.balance.retrieve()
        command = Path(f"/proc/{bank.process.pid}/cmdline")
        if command.exists():
            assert bank.api_key.encode() not in command.read_bytes()
        secrets = tmp_path / "local_payments.secrets.json"
        assert secrets.stat().st_mode & 0o777 == 0o600
    log = (tmp_path / "local_payments.log").read_text()
    assert bank.api_key not in log
    assert bank.webhook_secret not in log
