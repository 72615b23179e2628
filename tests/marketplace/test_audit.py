"""Rules that the database itself upholds: the audit sees it where somebody got round it."""

from __future__ import annotations

from dataclasses import replace

from marketplace import audit as audit_module
from marketplace.audit import audit
from marketplace.database import read
from marketplace.ledger import content_hash, content_of, stored_transactions
from tests.marketplace.till import Till


def rules(till: Till) -> list[str]:
    with read(till.shop.engine) as connection:
        return [one.rule for one in audit(connection)]


def test_an_account_that_owes_more_than_it_may_is_found(till: Till, monkeypatch):
    till.bought("drawer")
    with read(till.shop.engine) as connection:
        (sale,) = stored_transactions(connection)
    twice_back = tuple((name, -2 * amount) for name, amount in sale.entries)
    taken = replace(sale, number=2, key="taken", previous_hash=sale.hash, entries=twice_back)
    taken = replace(taken, hash=content_hash(sale.hash, content_of(taken)))
    monkeypatch.setattr(audit_module, "stored_transactions", lambda _: iter([sale, taken]))
    assert set(rules(till)) == {"cached balance", "overdrawn"}


def test_a_transaction_that_is_missing_is_found_even_where_the_hashes_were_made_to_fit(till: Till, monkeypatch):
    till.bought("drawer", "button")
    with read(till.shop.engine) as connection:
        first, second = stored_transactions(connection)
    later = replace(second, number=3)
    later = replace(later, hash=content_hash(first.hash, content_of(later)))
    monkeypatch.setattr(audit_module, "stored_transactions", lambda _: iter([first, later]))
    assert rules(till) == ["numbering"]
    changed = replace(second, event_at="2020-01-01T00:00:00.000000Z")
    monkeypatch.setattr(audit_module, "stored_transactions", lambda _: iter([first, changed]))
    assert rules(till) == ["chain"]
