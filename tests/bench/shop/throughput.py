"""How many complete sales a second four processes make on one database, beside what the disk gives."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from data_contracts.layout import Lake
from marketplace.audit import audit
from marketplace.database import database_url, migrate, open_database, read
from marketplace.ledger import stored_transactions

PROCESSES, SECONDS, BUYERS = 4, 10, 5000


def rate(what: str, num_processes: int = PROCESSES) -> float:
    """Returns how many a second, on a new SQLite database on this disk. What was sold is audited afterwards."""
    with tempfile.TemporaryDirectory(prefix="shop-bench-", dir=Path.cwd() / ".bench") as folder:
        url = f"sqlite:///{folder}/shop.db"
        engine = open_database(database_url(Lake(Path(folder)), url))
        migrate(engine)
        cases = [
            {"url": url, "number": number, "seconds": SECONDS, "what": what, "buyers": BUYERS}
            for number in range(num_processes)
        ]
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.shop.sales", json.dumps(case)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for case in cases
        ]
        for process in running:
            process.stdout.readline()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [json.loads(process.communicate()[0]) for process in running]
        num_done = sum(one["done"] for one in found)
        if what == "sales":
            with read(engine) as connection:
                if (wrong := audit(connection)) or sum(1 for _ in stored_transactions(connection)) != num_done:
                    raise SystemExit(f"What was sold does not hold: {wrong[:3]}")
        engine.dispose()
    return num_done / max(one["seconds"] for one in found)
