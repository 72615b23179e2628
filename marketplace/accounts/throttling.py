"""How often something may be tried: by moving windows over an account and over where it comes from.

Kept in memory: one process serves the shop. Several would share a store, which `limits` takes as a URL such as redis://.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Sequence

from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from data_contracts.errors import TooManyAttempts
from marketplace.accounts.people import LONGEST_EMAIL

Throttle = MovingWindowRateLimiter
SIGN_IN_OF_ACCOUNT_FROM_PLACE = parse("5 per minute")
SIGN_IN_OF_ACCOUNT_FROM_PLACE_LONGER = parse("10 per hour")
SIGN_IN_FROM_PLACE = parse("100 per hour")
SIGN_IN_OF_ACCOUNT = parse("30 per hour")
SIGN_UP_FROM_PLACE = parse("10 per hour")
LINK_FROM_PLACE = parse("30 per hour")
WRONG_TOKEN_FROM_PLACE = parse("30 per minute")
TOKEN_USE = parse("600 per minute")

Limit = tuple[RateLimitItem, tuple[str, ...]]


def open_throttle(store: str = "memory://") -> Throttle:
    """Returns a throttle that counts in `store`."""
    return MovingWindowRateLimiter(storage_from_string(store))


def count_sign_in(throttle: Throttle, email: str, address: str) -> None:
    """Counts an attempt to sign in, right or wrong. Raises TooManyAttempts.

    The narrowest limits come first, and one place has a third of what an account has in an hour: it cannot shut somebody out.
    """
    account, place = email.strip().lower()[:LONGEST_EMAIL], place_of(address)
    limits = [
        (SIGN_IN_OF_ACCOUNT_FROM_PLACE, ("sign-in", account, place)),
        (SIGN_IN_OF_ACCOUNT_FROM_PLACE_LONGER, ("sign-in-longer", account, place)),
        (SIGN_IN_FROM_PLACE, ("sign-in-place", place)),
        (SIGN_IN_OF_ACCOUNT, ("sign-in-account", account)),
    ]
    _count(throttle, limits, "That was tried too often.")


def count_sign_up(throttle: Throttle, address: str) -> None:
    """Counts a new account. Raises TooManyAttempts."""
    limits = [(SIGN_UP_FROM_PLACE, ("sign-up", place_of(address)))]
    _count(throttle, limits, "Too many accounts were asked for from here.")


def count_link(throttle: Throttle, address: str) -> None:
    """Counts the use of a one-time link. Raises TooManyAttempts."""
    _count(throttle, [(LINK_FROM_PLACE, ("link", place_of(address)))], "Too many links were tried from here.")


def count_token_use(throttle: Throttle, token_id: str) -> None:
    """Counts a request that came with a token. Raises TooManyAttempts."""
    _count(throttle, [(TOKEN_USE, ("token", token_id))], "This token asks too often.")


def count_wrong_token(throttle: Throttle, address: str) -> None:
    """Counts a token that is none. Raises TooManyAttempts."""
    limits = [(WRONG_TOKEN_FROM_PLACE, ("wrong-token", place_of(address)))]
    _count(throttle, limits, "Too many tokens that are none came from here.")


def place_of(address: str) -> str:
    """Returns what counts as one place: an IPv4 address, or the /64 of an IPv6 one, which is what one household has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(ip), 64), strict=False).network_address)
    return str(ip)


def _count(throttle: Throttle, limits: Sequence[Limit], said: str) -> None:
    for item, names in limits:
        if not throttle.hit(item, *names):
            wait_s = max(1, math.ceil(throttle.get_window_stats(item, *names).reset_time - time.time()))
            raise TooManyAttempts(said, hint=f"Try again in {_spoken(wait_s)}.", retry_after_s=wait_s)


def _spoken(wait_s: int) -> str:
    return f"{wait_s} seconds" if wait_s < 120 else f"{math.ceil(wait_s / 60)} minutes"
