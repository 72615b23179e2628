"""Four processes sell at once and are killed at random: nothing said to be sold is missing, and nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from sqlalchemy import Engine

from marketplace.audit import audit
from marketplace.database import read
from marketplace.ledger import balance, find
from marketplace.sales import clearing, fees

PROCESSES, SALES, KILLS = 4, 100, 12


def test_killed_sellers_lose_and_repeat_nothing(database: Engine) -> None:
    dice = random.Random(0)
    url = database.url.render_as_string(hide_password=False)
    running = [_seller(url, number) for number in range(PROCESSES)]
    said: set[int] = set()
    for _ in range(KILLS):
        victim = dice.randrange(PROCESSES)
        said.add(int(running[victim].stdout.readline()))  # so that it is at work
        time.sleep(dice.uniform(0, 0.1))
        running[victim].send_signal(signal.SIGKILL)
        said |= _said(running[victim])
        running[victim] = _seller(url, victim)  # begins again from its first sale
    for process in running:
        said |= _said(process)
        assert process.returncode == 0
    everything = range(PROCESSES * SALES)
    assert said == set(everything)
    with read(database) as connection:
        assert audit(connection) == []
        assert all(find(connection, f"sale:{number}") for number in everything)
        assert balance(connection, clearing("EUR")).posted == sum(1000 + number - 30 for number in everything)
        assert balance(connection, fees("EUR")).posted == 30 * len(everything)


def _seller(url: str, number: int) -> subprocess.Popen[str]:
    first = number * SALES
    command = [sys.executable, "-m", "tests.marketplace.seller", url, str(first), str(first + SALES)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> set[int]:
    out, _ = process.communicate(timeout=120)
    return {int(line) for line in out.splitlines() if line.isdigit()}
