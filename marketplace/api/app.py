"""The shop's HTTP API, to be mounted at /api beside the pages, in one process with them."""

from __future__ import annotations

from fastapi import FastAPI

from marketplace.accounts.throttling import Throttle, open_throttle
from marketplace.api import account_routes, downloads, form_routes, library, one_time_routes, orders, webhooks
from marketplace.api.failures import answer_failures
from marketplace.api.guards import Guards, hide_secrets_in_access_log
from marketplace.shop import Shop


def create_api(shop: Shop, throttle: Throttle | None = None) -> FastAPI:
    """Returns the API of a shop: `Mount("/api", create_api(shop))`. A mounted application gets no lifespan events.

    Args:
        throttle: counts attempts; by default in this process's memory.
    """
    api = FastAPI(
        title="Deftworks shop",
        version="1",
        docs_url=None,  # those pages load scripts from elsewhere; /openapi.json is here
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.shop = shop
    api.state.throttle = throttle or open_throttle()
    answer_failures(api)
    api.add_middleware(Guards, is_secure=shop.settings.is_secure)
    hide_secrets_in_access_log()
    for room in (account_routes, form_routes, one_time_routes, downloads, library, orders, webhooks):
        api.include_router(room.router)
    return api
