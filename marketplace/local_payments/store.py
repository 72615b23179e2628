"""Everything the bank knows, in one SQLite file: objects as JSON, and what has to be counted or found in order.

One writer at a time, every request one transaction, synced before it is answered. Decides nothing about payments.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PLATFORM = ""
"""Owner of what is not a connected account's."""
FOUND_BY = ("payment_intent", "charge", "transfer_group", "source", "destination", "transfer", "source_transaction")
"""Fields of objects with an index; others are read one after the other."""

_COLUMNS = "".join(f", {name} TEXT AS (json_extract(body, '$.{name}')) VIRTUAL" for name in FOUND_BY)
_INDEXES = "".join(
    f"CREATE INDEX IF NOT EXISTS objects_by_{name} ON objects (owner, kind, {name}, serial) WHERE {name} IS NOT NULL;\n"
    for name in FOUND_BY
)
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS objects (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL{_COLUMNS}) STRICT;
CREATE INDEX IF NOT EXISTS objects_of_kind ON objects (owner, kind, serial);
CREATE INDEX IF NOT EXISTS objects_by_time ON objects (owner, kind, created);
{_INDEXES}
CREATE TABLE IF NOT EXISTS money (
    id TEXT PRIMARY KEY REFERENCES objects (id), owner TEXT NOT NULL, currency TEXT NOT NULL, net INTEGER NOT NULL,
    available_on INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS money_by_time ON money (owner, currency, available_on, net);
CREATE TABLE IF NOT EXISTS balances (
    owner TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (owner, currency)) STRICT;
CREATE TABLE IF NOT EXISTS due (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, task TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL
    ) STRICT;
CREATE INDEX IF NOT EXISTS due_by_time ON due (at, serial);
CREATE TABLE IF NOT EXISTS deliveries (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_of_endpoint ON deliveries (endpoint, serial);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, created INTEGER NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS keys_by_time ON keys (created);
"""


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted; ids are of objects of the same kind and owner."""

    limit: int = 10
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed down to: exact fields, any of several values of one, and a range of `created`."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    among: tuple[str, tuple[str, ...]] | None = None
    created: Mapping[str, int] = field(default_factory=dict)


class Store:
    """The open file. Use it from any thread; only one is inside `transaction` at a time."""

    def __init__(self, path: Path, *, seed: str | None = None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;" + SCHEMA
        )
        self.changed: Callable[[], None] = lambda: None
        with self.transaction():
            self._seed = self._fact("seed", seed or secrets.token_hex(32))
            self._clock_offset_s = int(self._fact("clock_offset_s", "0"))
            self._drawn = int(self._fact("drawn", "0"))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done inside happens, or nothing. Calls `changed` after a commit."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        self.changed()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is read inside is of one moment."""
        with self._lock:
            yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Inside a transaction: what fails here is taken back, and the transaction goes on."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._connection.execute("RELEASE attempt")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    # time

    def now(self) -> int:
        """Returns the bank's own time: seconds since 1970, this machine's plus what the clock was advanced by."""
        return int(time.time()) + self._clock_offset_s

    def advance_clock(self, seconds: int) -> None:
        offset = self._clock_offset_s + seconds
        self.rows("UPDATE facts SET value = ? WHERE name = 'clock_offset_s'", str(offset))
        self._clock_offset_s = offset

    def later(self, at: int, task: str, owner: str, identifier: str) -> None:
        """Notes what has to happen to an object when the time comes."""
        self.rows("INSERT INTO due (at, task, owner, id) VALUES (?, ?, ?, ?)", at, task, owner, identifier)

    # objects

    def new_id(self, prefix: str) -> str:
        """Returns an id that nobody can guess without the seed, and the same one at the same point of the same history."""
        self._drawn += 1  # what a rollback takes back is skipped, never drawn again
        self.rows("UPDATE facts SET value = ? WHERE name = 'drawn'", str(self._drawn))
        number = int.from_bytes(hashlib.sha256(f"{self._seed}:{self._drawn}".encode()).digest(), "big")
        digits = []
        for _ in range(24):
            number, digit = divmod(number, len(ALPHABET))
            digits.append(ALPHABET[digit])
        return f"{prefix}_{''.join(digits)}"

    def add(self, owner: str, body: dict[str, Any]) -> dict[str, Any]:
        self.rows(
            "INSERT INTO objects (id, kind, owner, created, body) VALUES (?, ?, ?, ?, ?)",
            body["id"], body["object"], owner, body["created"], _dump(body),
        )  # fmt: skip
        return body

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        self.rows("UPDATE objects SET body = ? WHERE id = ?", _dump(body), body["id"])
        return body

    def remove(self, identifier: str) -> None:
        self.rows("DELETE FROM objects WHERE id = ?", identifier)

    def find(self, owner: str | None, kind: str | None, identifier: str) -> dict[str, Any] | None:
        """Returns an object; None where that owner has none of that kind with that id. None for either: whichever."""
        found = self.rows("SELECT owner, kind, body FROM objects WHERE id = ?", identifier)
        if not found or owner not in (None, found[0][0]) or kind not in (None, found[0][1]):
            return None
        return json.loads(found[0][2])

    def owner_of(self, identifier: str) -> str:
        return self.rows("SELECT owner FROM objects WHERE id = ?", identifier)[0][0]

    def select(self, owner: str, kind: str, wanted: Wanted, page: Page) -> tuple[list[dict[str, Any]], bool]:
        """Returns (objects, newest first; whether there are more in the direction of the page)."""
        terms, values = ["owner = ?", "kind = ?"], [owner, kind]
        for name, value in wanted.equal.items():
            terms.append(f"{_column(name)} = ?")
            values.append(value)
        if wanted.among:
            name, allowed = wanted.among
            terms.append(f"{_column(name)} IN ({', '.join('?' * len(allowed))})")
            values += allowed
        for bound, moment in wanted.created.items():
            terms.append(f"created {_BOUNDS[bound]} ?")
            values.append(moment)
        forward = page.before is None
        if page.after or page.before:
            terms.append(f"serial {'<' if forward else '>'} (SELECT serial FROM objects WHERE id = ?)")
            values.append(page.after or page.before)
        order = "DESC" if forward else "ASC"
        query = f"SELECT body FROM objects WHERE {' AND '.join(terms)} ORDER BY serial {order} LIMIT {page.limit + 1}"
        found = [json.loads(body) for (body,) in self.rows(query, *values)]
        shown = found[: page.limit]
        return (shown if forward else shown[::-1]), len(found) > page.limit

    def _fact(self, name: str, initially: str) -> str:
        self.rows("INSERT OR IGNORE INTO facts VALUES (?, ?)", name, initially)
        return self.rows("SELECT value FROM facts WHERE name = ?", name)[0][0]


_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "equals": "="}


def _column(name: str) -> str:
    """Names come from our own table of routes, never from a request."""
    return name if name in FOUND_BY else f"json_extract(body, '$.{name}')"


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))
