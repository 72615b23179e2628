"""What another site may not do: post here with this browser's cookies, or send people elsewhere through this shop.

Two checks for forms, either of which would do: a token that follows from a cookie, and where the browser says that a request began
(Fetch Metadata and Origin, as Go's net/http.CrossOriginProtection and OWASP's cheat sheet have it).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.requests import HTTPConnection, Request

from marketplace.settings import ShopSettings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HOME = "/"
LONGEST_PATH = 1000
_PLAIN = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)")


def is_same_origin(request: Request, settings: ShopSettings) -> bool:
    """Returns whether a browser says that a request began on this shop's own pages. Saying nothing is not enough."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return False
    if site is not None and site != "same-origin":
        return False
    return origin is None or is_own_origin(request, origin, settings)


def is_own_origin(connection: HTTPConnection, origin: str, settings: ShopSettings) -> bool:
    """Returns whether an origin is this shop's, of a request or of a websocket's handshake."""
    if settings.is_secure:
        return origin == settings.address
    scheme = connection.url.scheme.replace("ws", "http", 1)
    return origin in (settings.address, f"{scheme}://{connection.headers.get('host', '')}")


def local_path(wanted: str | None) -> str:
    """Returns a path of this shop to go on to; the shop's first page where `wanted` is none or could lead elsewhere.

    Judged as it is written and as it is after decoding again and again, since somebody on the way may decode once more.
    """
    if not wanted or len(wanted) > LONGEST_PATH:
        return HOME
    decoded = wanted
    while True:
        if not _PLAIN.fullmatch(wanted) or not _stays_here(decoded):
            return HOME
        if (again := unquote(decoded)) == decoded:
            return wanted
        decoded = again


def _stays_here(path: str) -> bool:
    if not path.isprintable() or "\\" in path or not path.startswith("/"):
        return False
    # A browser takes any number of slashes for the two before a host, so none may follow another.
    return "//" not in path.partition("?")[0]
