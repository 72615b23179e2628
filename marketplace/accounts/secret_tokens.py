"""Random secrets: made here, told once, kept as sha256. Sessions, links and API tokens are all of this kind.

256 random bits need no slow hash and no comparison in constant time: they are looked up by their digest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

NUM_BYTES = 32


def new_secret() -> str:
    """Returns 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(NUM_BYTES)


def digest_of(secret: str) -> str:
    """Returns what is stored of a secret: sha256, 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def derived(secret: str, purpose: str) -> str:
    """Returns another secret that follows from this one for a purpose and does not lead back (HMAC-SHA256)."""
    mac = hmac.new(secret.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def is_same(given: str, wanted: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))
