"""Passwords: which are taken, how they are hashed, and that a wrong one costs as much as an unknown person.

argon2id with argon2-cffi's defaults (RFC 9106, low memory). Length is what counts, not composition (NIST SP 800-63B section 5.1.1).
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from data_contracts.errors import AccountError, TooManyAttempts

SHORTEST, LONGEST = 10, 200
_AT_ONCE = threading.BoundedSemaphore(2)  # each hash takes 64 MiB and a processor
_IN_LINE = threading.BoundedSemaphore(12)
"""Of the web server's 40 threads: were more of them to wait for a hash, nobody would be served anything."""
_HASHER = PasswordHasher()
COMMON = frozenset(
    """
    0000000000 0123456789 0987654321 1111111111 11111111111 111111111111 1122334455 12345678900 1234567890 12345678901
    123456789012 12345678910 1234567891011 123123123123 1234512345 123456123456 1234554321 123456789a 123456789q
    123456qwerty 1a2b3c4d5e 1password1 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 2222222222 5555555555
    7777777777 8888888888 9876543210 9999999999 a123456789 aaaaaaaaaa abc1234567 abcd123456 abcdefghij administrator
    adminadmin admin12345 admin123456 asdfasdfasdf asdfghjkl1 asdfghjkl; asdfghjkl123 basketball changeme123 changemeplease
    charlie123 chocolate1 computer123 correcthorsebatterystaple deftworks1 deftworks123 dragon12345 football123 hello12345
    helloworld iloveyou12 iloveyou123 iloveyou1234 letmein123 letmein1234 liverpool1 manchester master12345 michael123
    mypassword mypassword1 pass123456 passpass12 password01 password10 password11 password12 password123 password1234
    password12345 password2025 password2026 passwordpassword p@ssw0rd123 passw0rd123 princess123 q1w2e3r4t5 q1w2e3r4t5y6
    qazwsxedcrfv qqqqqqqqqq qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] qwertzuiop
    secret1234 starwars123 sunshine12 sunshine123 superman123 test123456 testing123 trustno1trustno1 unknown123 welcome123
    welcome1234 whatever123 zaq12wsxcde3 zxcvbnm123 zxcvbnm1234 zxcvbnm,./
    """.split()  # noqa: SIM905 (a table to be read)
)
"""The most common ones that are long enough to pass otherwise."""


def check_new(password: str, email: str) -> None:
    """Raises AccountError where a password may not be chosen. No mixture of characters is asked for."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(
            f"A password has {SHORTEST} to {LONGEST} characters.", hint="Several words are easy to remember."
        )
    if _plain(password) in COMMON or _plain(password) in (_plain(email), _plain(email.partition("@")[0])):
        raise AccountError(
            "That password is among the first that are guessed.", hint="Choose several words that are yours alone."
        )


def hash_password(password: str) -> str:
    """Returns what is stored of a password. Takes a tenth of a second: never call it inside `database.write`.

    Raises:
        TooManyAttempts: very many are being hashed.
    """
    with _turn():
        return _HASHER.hash(_bytes(password))


def is_password(stored: str | None, password: str) -> bool:
    """Returns whether this is the password. Exactly one hash is computed, also where nothing is stored.

    Raises:
        TooManyAttempts: very many are being hashed.
    """
    if len(password) > LONGEST:
        stored, password = None, ""
    with _turn():
        try:
            _HASHER.verify(stored or _NOBODYS, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Returns whether a hash was made with other parameters than are used now."""
    return _HASHER.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    """Waits until a hash may be computed. Raises TooManyAttempts where too many wait already."""
    if not _IN_LINE.acquire(blocking=False):
        raise TooManyAttempts("Very many are signing in now.", hint="Try again in a few seconds.", retry_after_s=5)
    try:
        with _AT_ONCE:
            yield
    finally:
        _IN_LINE.release()


def _bytes(password: str) -> bytes:
    # The same password comes composed from one keyboard and decomposed from another.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A hash that no password has, with the parameters that are used: what an unknown person is checked against."""
