"""Double entry: every movement of money is a transaction of entries that add up to nothing, kept for ever in a chain of hashes.

Belongs here: accounts, writing a transaction once however often it is asked for, pending ones and their end, balances. Not here:
which entries a sale or a refund has (`sales`), and whether everything that was ever written is still true (`audit`).

A transaction is asked for under a key. The same key with the same content is answered with what was written; with other content it is
a conflict. Follows TigerBeetle's model of transfers (pending, then settled or voided, once) on SQL.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Update, bindparam, case, func, insert, select, update

from data_contracts.errors import KeyConflict, LedgerError, Overdrawn
from marketplace.money import decimals_of, format_money
from marketplace.tables import ledger_account, ledger_entry, ledger_transaction

State = Literal["posted", "pending", "settles", "voids"]
GENESIS = "0" * 64
LARGEST = 2**53 - 1
"""Of an amount: what JSON readers hold exactly."""


_AMOUNT, _TAKEN = bindparam("moved"), ledger_account.c.sign * bindparam("moved") < 0
_HELD = ledger_account.c.held + bindparam("direction") * func.abs(_AMOUNT) * case((_TAKEN, 1), else_=0)


def _unless_overdrawn(**values: ColumnElement[int]) -> Update:
    after = {name: values.get(name, ledger_account.c[name]) for name in ("posted", "held")}
    is_fine = ledger_account.c.may_overdraw | (ledger_account.c.sign * after["posted"] - after["held"] >= 0)
    return update(ledger_account).where(ledger_account.c.id == bindparam("account"), is_fine).values(**values)


# Statements that every sale needs are built once: building one costs more than running it.
MOVE = _unless_overdrawn(posted=ledger_account.c.posted + _AMOUNT)
HOLD = _unless_overdrawn(held=_HELD)
NEWEST = (
    select(ledger_transaction.c.number, ledger_transaction.c.hash).order_by(ledger_transaction.c.number.desc()).limit(1)
)
OF_KEY = select(ledger_transaction).where(ledger_transaction.c.key == bindparam("asked_key"))
OF_IDS = select(ledger_account).where(ledger_account.c.id.in_(bindparam("ids", expanding=True)))
ADD_ENTRIES, ADD_TRANSACTION = insert(ledger_entry), insert(ledger_transaction)


@dataclass(frozen=True)
class Account:
    """Where money is or whom it is owed to. `sign` is 1 where debits increase it (assets, expenses), -1 where credits do."""

    id: str
    currency: str
    sign: Literal[1, -1]
    may_overdraw: bool = False


@dataclass(frozen=True)
class Entry:
    """`amount` in minor units: a debit above zero, a credit below."""

    account: Account
    amount: int


@dataclass(frozen=True)
class Request:
    """A transaction to be written. `about` is plain JSON; `event_at` when it happened outside."""

    key: str
    kind: str
    entries: Sequence[Entry]
    event_at: datetime
    order_id: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transaction:
    """A transaction as it was written. `entries` are (account id, amount)."""

    number: int
    key: str
    kind: str
    state: State
    resolves: int | None
    order_id: str | None
    about: dict[str, Any]
    event_at: str
    created_at: str
    previous_hash: str
    hash: str
    entries: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Balance:
    """`posted` in the account's own direction: what is there, or owed. `held` of it is spoken for by what is pending."""

    posted: int
    held: int

    @property
    def available(self) -> int:
        return self.posted - self.held


def post(connection: Connection, request: Request, now: datetime, *, is_pending: bool = False) -> Transaction:
    """Writes a transaction, or returns it where its key was written before.

    Args:
        connection: inside `database.write`.
        now: the shop's clock.
        is_pending: the money is only spoken for, until `settle` or `void`.

    Raises:
        LedgerError: the entries do not balance, are in two currencies, or an account is known as another kind.
        KeyConflict: the key was used for something else.
        Overdrawn: an account that may not would owe more than it has.
    """
    entries = _merged(request)
    state: State = "pending" if is_pending else "posted"
    asked = _request_hash(request, entries, state)
    if known := _known(connection, request.key, asked):
        return known
    accounts = {entry.account.id: entry.account for entry in request.entries}
    _open(connection, [accounts[name] for name in sorted(entries)])
    return _write(connection, request, state, None, entries, asked, now)


def settle(connection: Connection, pending_key: str, key: str, event_at: datetime, now: datetime) -> Transaction:
    """Makes a pending transaction final. Raises LedgerError where it is none or was voided; see `post` for the rest."""
    return _resolve(connection, pending_key, key, "settles", event_at, now)


def void(connection: Connection, pending_key: str, key: str, event_at: datetime, now: datetime) -> Transaction:
    """Makes a pending transaction as if it had not been. Raises LedgerError where it is none or was settled."""
    return _resolve(connection, pending_key, key, "voids", event_at, now)


def find(connection: Connection, key: str) -> Transaction | None:
    """Returns the transaction of a key."""
    row = _row_of(connection, key)
    return _transaction(row, _entries(connection, row.number)) if row else None


def transactions_of(connection: Connection, order_id: str) -> list[Transaction]:
    """Returns what was written for an order, in order."""
    wanted = select(ledger_transaction).where(ledger_transaction.c.order_id == order_id)
    rows = connection.execute(wanted.order_by(ledger_transaction.c.number)).all()
    return [_transaction(row, _entries(connection, row.number)) for row in rows]


def stored_transactions(connection: Connection) -> Iterator[Transaction]:
    """Yields everything that was ever written, in order; entries are read beside it, not one transaction at a time."""
    order = (ledger_entry.c.transaction_number, ledger_entry.c.position)
    entries = iter(connection.execute(select(ledger_entry).order_by(*order)))
    entry = next(entries, None)
    for row in connection.execute(select(ledger_transaction).order_by(ledger_transaction.c.number)):
        own = []
        while entry is not None and entry.transaction_number <= row.number:
            own.append((entry.account_id, entry.amount))
            entry = next(entries, None)
        yield _transaction(row, own)


def balance(connection: Connection, account: Account) -> Balance:
    """Returns an account's balance; nothing where it was never used."""
    columns = (ledger_account.c.sign * ledger_account.c.posted, ledger_account.c.held)
    row = connection.execute(select(*columns).where(ledger_account.c.id == account.id)).one_or_none()
    return Balance(*row) if row else Balance(0, 0)


def account_of(connection: Connection, account_id: str) -> Account:
    """Returns an account that was used. Raises LedgerError where it never was."""
    row = connection.execute(select(ledger_account).where(ledger_account.c.id == account_id)).one_or_none()
    if row is None:
        raise LedgerError(f"There is no account {account_id!r}.")
    return Account(row.id, row.currency, row.sign, row.may_overdraw)


def content_hash(previous_hash: str, content: Mapping[str, Any]) -> str:
    """Returns the hash that chains a transaction to the one before: sha256 over both, canonical JSON (RFC 8785)."""
    import rfc8785

    return hashlib.sha256(rfc8785.dumps({"previous": previous_hash, **content})).hexdigest()


def content_of(transaction: Transaction) -> dict[str, Any]:
    """Returns what is hashed of a transaction."""
    return {
        "number": transaction.number, "key": transaction.key, "kind": transaction.kind, "state": transaction.state,
        "resolves": transaction.resolves, "order_id": transaction.order_id, "about": transaction.about,
        "event_at": transaction.event_at, "created_at": transaction.created_at,
        "entries": [list(entry) for entry in transaction.entries],
    }  # fmt: skip


def moment(at: datetime) -> str:
    """Returns a moment as the tables hold it: UTC to the microsecond, so that text sorts as time."""
    if at.tzinfo is None:
        raise LedgerError(f"{at} has no time zone.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """Returns the moment that a table holds, in UTC: what `moment` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _merged(request: Request) -> dict[str, int]:
    """Returns account id -> amount, after checking that this is a transaction. Entries of one account count together."""
    currencies = {entry.account.currency for entry in request.entries}
    amounts: Counter[str] = Counter()
    for entry in request.entries:
        amounts[entry.account.id] += entry.amount
    found = {name: amount for name, amount in sorted(amounts.items()) if amount}
    what = f"Transaction {request.key!r} ({request.kind})"
    if len(currencies) != 1:
        raise LedgerError(f"{what} is in {len(currencies)} currencies: {', '.join(sorted(currencies)) or 'none'}.")
    decimals_of(*currencies)
    if sum(found.values()) or len(found) < 2:
        raise LedgerError(f"{what} does not balance: {found}.", hint="Debits and credits must add up to nothing.")
    if max(map(abs, found.values())) > LARGEST:
        raise LedgerError(f"{what} moves more than {LARGEST}.")
    return found


def _request_hash(request: Request, entries: Mapping[str, int], state: State) -> str:
    """`event_at` is not part of it: a message that comes again may say when it was sent again."""
    asked = [request.kind, state, request.order_id, dict(request.about), dict(entries)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _known(connection: Connection, key: str, asked: str) -> Transaction | None:
    row = _row_of(connection, key)
    if row and row.request_hash != asked:
        raise KeyConflict(
            f"The key {key!r} was used for another transaction, number {row.number}.",
            hint="A new event needs a new key; the same event must say the same.",
        )
    return _transaction(row, _entries(connection, row.number)) if row else None


def _open(connection: Connection, accounts: Sequence[Account]) -> None:
    """Makes sure that the accounts are there as what they are."""
    ids = [account.id for account in accounts]
    rows = connection.execute(OF_IDS, {"ids": ids}).all()
    known = {row.id: Account(row.id, row.currency, row.sign, row.may_overdraw) for row in rows}
    for account in accounts:
        if known.get(account.id, account) != account:
            raise LedgerError(f"Account {account.id} is known as {known[account.id]}, not as {account}.")
    new = [
        {"id": one.id, "currency": one.currency, "sign": one.sign, "may_overdraw": one.may_overdraw, "posted": 0, "held": 0}
        for one in accounts if one.id not in known
    ]  # fmt: skip
    if new:
        connection.execute(insert(ledger_account), new)


def _write(
    connection: Connection, request: Request, state: State, resolves: int | None, entries: Mapping[str, int], asked: str,
    now: datetime,
) -> Transaction:  # fmt: skip
    number, previous = connection.execute(NEWEST).one_or_none() or (0, GENESIS)
    written = Transaction(
        number + 1, request.key, request.kind, state, resolves, request.order_id, dict(request.about),
        moment(request.event_at), moment(now), previous, "", tuple(entries.items()),
    )  # fmt: skip
    digest = content_hash(previous, content_of(written))
    if entries:
        rows = [
            {"transaction_number": number + 1, "position": position, "account_id": name, "amount": amount}
            for position, (name, amount) in enumerate(entries.items())
        ]
        connection.execute(ADD_ENTRIES, rows)
    row = {
        "number": number + 1, "key": request.key, "request_hash": asked, "kind": request.kind, "state": state,
        "resolves": resolves, "order_id": request.order_id, "about": json.dumps(written.about, sort_keys=True),
        "event_at": written.event_at, "created_at": written.created_at, "previous_hash": previous, "hash": digest,
    }  # fmt: skip
    connection.execute(ADD_TRANSACTION, row)
    if state in ("posted", "settles"):
        _move(connection, entries, request.key)
    if state == "pending":
        _hold(connection, entries, 1, request.key)
    return replace(written, hash=digest)


def _resolve(
    connection: Connection, pending_key: str, key: str, state: Literal["settles", "voids"], event_at: datetime, now: datetime
) -> Transaction:  # fmt: skip
    pending = find(connection, pending_key)
    if pending is None or pending.state != "pending":
        raise LedgerError(f"There is no pending transaction {pending_key!r}.")
    request = Request(key, pending.kind, (), event_at, pending.order_id, {"resolves": pending_key})
    asked = _request_hash(request, {}, state)
    if known := _known(connection, key, asked):
        return known
    resolved = select(ledger_transaction.c.key, ledger_transaction.c.state)
    if done := connection.execute(resolved.where(ledger_transaction.c.resolves == pending.number)).one_or_none():
        raise LedgerError(f"The pending transaction {pending_key!r} was resolved before: {done.key!r} {done.state} it.")
    entries = dict(pending.entries)
    _hold(connection, entries, -1, key)
    return _write(connection, request, state, pending.number, entries if state == "settles" else {}, asked, now)


def _move(connection: Connection, entries: Mapping[str, int], key: str) -> None:
    _change(connection, MOVE, entries, 1, key)


def _hold(connection: Connection, entries: Mapping[str, int], direction: Literal[1, -1], key: str) -> None:
    """Speaks for what the entries would take from their accounts, or lets go of it."""
    _change(connection, HOLD, entries, direction, key)


def _change(connection: Connection, change: Update, entries: Mapping[str, int], direction: int, key: str) -> None:
    """Changes cached balances, unless an account would be overdrawn."""
    if not entries:
        return
    changes = [{"account": name, "moved": amount, "direction": direction} for name, amount in entries.items()]
    if connection.execute(change, changes).rowcount != len(changes):
        short = next(one for one in changes if connection.execute(change, one).rowcount != 1)
        row = connection.execute(select(ledger_account).where(ledger_account.c.id == short["account"])).one()
        there = format_money(row.sign * row.posted - row.held, row.currency)
        raise Overdrawn(f"{row.id} has {there} available, which is not enough for {key!r}.")


def _row_of(connection: Connection, key: str) -> Row[Any] | None:
    return connection.execute(OF_KEY, {"asked_key": key}).one_or_none()


def _entries(connection: Connection, number: int) -> list[tuple[str, int]]:
    wanted = select(ledger_entry.c.account_id, ledger_entry.c.amount)
    of_row = wanted.where(ledger_entry.c.transaction_number == number).order_by(ledger_entry.c.position)
    return [(name, amount) for name, amount in connection.execute(of_row)]


def _transaction(row: Row[Any], entries: Sequence[tuple[str, int]]) -> Transaction:
    return Transaction(
        row.number, row.key, row.kind, row.state, row.resolves, row.order_id, json.loads(row.about), row.event_at,
        row.created_at, row.previous_hash, row.hash, tuple(entries),
    )  # fmt: skip
