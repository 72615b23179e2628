"""What a browser does, for tests: keeps cookies, sends forms with the hidden fields that they came with, says where it is."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from marketplace.accounts.throttling import Throttle
from marketplace.api.app import create_api
from marketplace.shop import Shop

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def served(shop: Shop, throttle: Throttle) -> Starlette:
    """Returns the API as it is mounted beside the pages."""
    return Starlette(routes=[Mount("/api", create_api(shop, throttle))])


class Browser(TestClient):
    """Does not follow redirects, so that a test can look at them."""

    def __init__(self, app: Starlette, address: str) -> None:
        super().__init__(app, base_url=address, follow_redirects=False, raise_server_exceptions=False)
        self.same_origin = {"sec-fetch-site": "same-origin", "origin": address}

    def hidden(self, path: str) -> dict[str, str]:
        """Opens a form and returns what it carries beside what is typed."""
        return {name: unescape(value) for name, value in HIDDEN.findall(self.get(path).text)}

    def submit(self, path: str, headers: dict[str, str] | None = None, **typed: str) -> Any:
        """Opens a form, fills it in and sends it."""
        body = self.hidden(path) | typed
        return self.post(path.partition("?")[0], data=body, headers=self.same_origin if headers is None else headers)
