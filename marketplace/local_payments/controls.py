"""Routes under /_faults, which no bank has: what goes wrong next, disputes, and the clock. Only where faults are switched on."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from marketplace.local_payments import refunds
from marketplace.local_payments.bank import Call
from marketplace.local_payments.errors import Refused
from marketplace.local_payments.faults import Fault

LATEST = 4_000_000_000
"""The bank's clock goes no further (the year 2096)."""


def waiting(call: Call) -> dict[str, Any]:
    return {"object": "faults", "data": [asdict(fault) for fault in call.bank.faults.waiting()]}


def add(call: Call) -> dict[str, Any]:
    call.bank.faults.add(Fault(**{name: value for name, value in call.params.items() if name != "expand"}))
    return waiting(call)


def clear(call: Call) -> dict[str, Any]:
    call.bank.faults.clear()
    return waiting(call)


def roll(call: Call) -> dict[str, Any]:
    """Returns the dice that are rolled from now on, and prints their seed."""
    seed, chances = call.params["seed"], call.params["chances"]
    call.bank.faults.roll(seed, chances, call.params.get("seconds", 0.0))
    sys.stdout.write(f"Random faults: seed {seed}, {chances}\n")
    sys.stdout.flush()
    return {"object": "faults", "seed": seed, "chances": chances}


def advance_clock(call: Call) -> dict[str, Any]:
    if call.store.now() + call.params["advance_s"] > LATEST:
        raise Refused("The clock goes no further.", param="advance_s")
    call.store.advance_clock(call.params["advance_s"])
    return {"object": "clock", "now": call.store.now()}


def open_dispute(call: Call) -> dict[str, Any]:
    params = call.params
    return refunds.open_dispute(call.bank, params["charge"], params.get("amount"), params.get("reason", "fraudulent"))


def end_dispute(call: Call) -> dict[str, Any]:
    return refunds.end_dispute(call.bank, call.path["id"], won=call.params["outcome"] == "won")


def fail_refund(call: Call) -> dict[str, Any]:
    refund = call.get("refund", call.params["refund"], param="refund")
    return refunds.fail_refund(call.bank, call.owner, refund)
