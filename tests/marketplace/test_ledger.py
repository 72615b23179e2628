"""Double entry that holds on both databases, also against whoever goes past the code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

import marketplace.accounts.tables
import marketplace.order_tables  # noqa: F401 (all tables belong to `metadata`)
from data_contracts.errors import KeyConflict, LedgerError, Overdrawn
from marketplace.audit import audit
from marketplace.database import migrate, read, write
from marketplace.ledger import Account, Balance, Entry, Request, balance, find, post, settle, void
from marketplace.tables import metadata

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CASH = Account("cash:EUR", "EUR", 1)
OWED = Account("owed:EUR", "EUR", -1)
CAPITAL = Account("capital:EUR", "EUR", -1, may_overdraw=True)
DOLLARS = Account("cash:USD", "USD", 1)


def _request(key: str, *entries: tuple[Account, int], **more: object) -> Request:
    return Request(key, "test", [Entry(*entry) for entry in entries], NOW, **more)


def _funded(database: Engine, amount: int = 100) -> None:
    with write(database) as connection:
        post(connection, _request("fund", (CASH, amount), (CAPITAL, -amount)), NOW)


def test_money_moves_and_both_sides_say_so(database: Engine) -> None:
    _funded(database)
    with write(database) as connection:
        post(connection, _request("lend", (CASH, 50), (OWED, -50), order_id="o1"), NOW)
    with read(database) as connection:
        assert balance(connection, CASH) == Balance(150, 0)
        assert balance(connection, OWED) == Balance(50, 0)
        assert audit(connection) == []


def test_the_same_request_is_written_once_and_another_under_its_key_is_a_conflict(database: Engine) -> None:
    _funded(database)
    again = _request("fund", (CASH, 60), (CAPITAL, -100), (CASH, 40))
    with write(database) as connection:
        first = find(connection, "fund")
        assert post(connection, replace(again, event_at=NOW + timedelta(days=1)), NOW) == first
        with pytest.raises(KeyConflict):
            post(connection, _request("fund", (CASH, 101), (CAPITAL, -101)), NOW)
        assert balance(connection, CASH).posted == 100


@pytest.mark.parametrize(
    "entries",
    [((CASH, 1),), ((CASH, 1), (OWED, -2)), ((CASH, 1), (CASH, -1)), (), ((CASH, 5), (DOLLARS, -5)),
     ((CASH, 2**53), (OWED, -(2**53)))],
)  # fmt: skip
def test_what_does_not_balance_in_one_currency_is_refused(database: Engine, entries: tuple) -> None:
    with write(database) as connection, pytest.raises(LedgerError):
        post(connection, _request("bad", *entries), NOW)


def test_an_account_stays_what_it_is(database: Engine) -> None:
    _funded(database)
    other = Account("cash:EUR", "EUR", -1)
    with write(database) as connection, pytest.raises(LedgerError, match="known as"):
        post(connection, _request("other", (other, 1), (CAPITAL, -1)), NOW)


def test_nothing_is_taken_that_is_not_there_or_spoken_for(database: Engine) -> None:
    _funded(database)
    with write(database) as connection:
        post(connection, _request("hold", (CAPITAL, 70), (CASH, -70)), NOW, is_pending=True)
        assert balance(connection, CASH) == Balance(100, 70)
    with pytest.raises(Overdrawn, match=r"30\.00 EUR|0\.30 EUR"), write(database) as connection:
        post(connection, _request("too-much", (CAPITAL, 31), (CASH, -31)), NOW)
    with write(database) as connection:
        post(connection, _request("the-rest", (CAPITAL, 30), (CASH, -30)), NOW)
        assert balance(connection, CASH) == Balance(70, 70)
        assert audit(connection) == []


def test_what_is_pending_ends_once_one_way_or_the_other(database: Engine) -> None:
    _funded(database)
    with write(database) as connection:
        for key in ("a", "b"):
            post(connection, _request(key, (CAPITAL, 20), (CASH, -20)), NOW, is_pending=True)
        settled = settle(connection, "a", "a:done", NOW, NOW)
        assert settle(connection, "a", "a:done", NOW, NOW) == settled
        void(connection, "b", "b:off", NOW, NOW)
        assert balance(connection, CASH) == Balance(80, 0)
        for pending in ("a", "b", "fund", "nothing"):
            with pytest.raises(LedgerError):
                void(connection, pending, f"{pending}:again", NOW, NOW)
        assert audit(connection) == []


def test_a_failed_writer_leaves_nothing(database: Engine) -> None:
    def failing() -> None:
        with write(database) as connection:
            post(connection, _request("fund", (CASH, 100), (CAPITAL, -100)), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    with read(database) as connection:
        assert find(connection, "fund") is None
        assert balance(connection, CASH) == Balance(0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_transaction SET kind = 'gift'",
        "DELETE FROM ledger_transaction",
        "UPDATE ledger_entry SET amount = amount * 2",
        "DELETE FROM ledger_entry",
        "INSERT INTO ledger_entry VALUES (1, 7, 'cash:EUR', 5)",
        "UPDATE ledger_account SET sign = -sign",
        "UPDATE ledger_account SET posted = -1 WHERE id = 'cash:EUR'",
        "DELETE FROM ledger_account",
    ],
)
def test_the_database_itself_keeps_what_was_written(database: Engine, statement: str) -> None:
    _funded(database)
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("number", "state", "amounts"),
    [(2, "posted", (5, -4)), (2, "posted", (5,)), (2, "voids", (5, -5)), (3, "posted", (5, -5)), (2, "gone", (5, -5))],
)
def test_the_database_itself_takes_no_transaction_that_breaks_a_rule(
    database: Engine, number: int, state: str, amounts: tuple[int, ...]
) -> None:
    _funded(database)
    with pytest.raises(DBAPIError):
        _write_past_the_code(database, number, state, amounts)


def _write_past_the_code(database: Engine, number: int, state: str, amounts: tuple[int, ...]) -> None:
    insert = "INSERT INTO ledger_transaction VALUES (:n, 'k', 'h', 'test', :state, NULL, NULL, '{}', '', '', '', 'x')"
    with database.begin() as connection:
        for position, (account, amount) in enumerate(zip(("cash:EUR", "capital:EUR"), amounts, strict=False)):
            values = {"n": number, "position": position, "account": account, "amount": amount}
            connection.execute(text("INSERT INTO ledger_entry VALUES (:n, :position, :account, :amount)"), values)
        connection.execute(text(insert), {"n": number, "state": state})


def test_the_audit_sees_what_somebody_with_the_file_changed(database: Engine) -> None:
    _funded(database)
    with write(database) as connection:
        post(connection, _request("lend", (CASH, 50), (OWED, -50)), NOW)
    with database.begin() as connection:
        connection.execute(text("UPDATE ledger_account SET posted = 151 WHERE id = 'cash:EUR'"))
    with read(database) as connection:
        assert [found.rule for found in audit(connection)] == ["cached balance"]
    with database.begin() as connection:
        trigger = "transaction_is_kept"
        on = " ON ledger_transaction" if database.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER {trigger}{on}"))
        connection.execute(text('UPDATE ledger_transaction SET about = \'{"note": "gift"}\' WHERE number = 1'))
    with read(database) as connection:
        assert ("chain", "1") in [(found.rule, found.where) for found in audit(connection)]


def test_the_tables_are_those_that_queries_name_and_go_away_again(empty_database: Engine) -> None:
    migrate(empty_database)
    migrate(empty_database)
    with empty_database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrate(empty_database, "base")
    assert set(inspect(empty_database).get_table_names()) <= {"alembic_version"}
    migrate(empty_database)
    _funded(empty_database)
