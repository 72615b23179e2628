"""The shop's process: Streamlit's pages, the HTTP API beside them at /api, and the payments' worker. `python -m marketplace_ui.server`.

The local payment server, where there are no Stripe keys, is a process of its own that begins and ends with this one.

altair and pandas are imported before there are sessions: altair looks whether pandas is loaded, and in two sessions that draw their first
chart at once it would find half of it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import altair  # noqa: F401
import pandas  # noqa: F401
import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake
from marketplace.accounts.one_time_links import first_operator_link
from marketplace.api.app import create_api
from marketplace.payments.configured import running_provider
from marketplace.shop import Shop, open_shop
from marketplace_ui import running
from marketplace_ui.guards import PageGuards
from marketplace_ui.launch import APP, HOST, STREAMLIT
from marketplace_ui.worker import at_work

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m marketplace_ui.server", description=__doc__)
    parser.add_argument("--home", type=Path, help="the lake; otherwise DEFTWORKS_HOME")
    parser.add_argument("--host", default=HOST, help="where to listen; behind a proxy that speaks https, leave it")
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)  # so that what was started is stopped: by default nothing is cleaned up
    try:
        serve(at_port(open_shop(Lake.at(asked.home)), asked.port), asked.host, asked.port)
    except DeftworksError as error:
        sys.stderr.write(f"deftworks: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def at_port(shop: Shop, port: int) -> Shop:
    """Returns the shop with the address that it has on this machine, unless its settings name another one."""
    if urlsplit(shop.settings.address).hostname not in THIS_MACHINE:
        return shop
    return replace(shop, settings=shop.settings.model_copy(update={"address": f"http://localhost:{port}"}))


def serve(shop: Shop, host: str, port: int) -> None:
    """Answers until SIGINT or SIGTERM."""
    wake = threading.Event()
    with running_provider(shop, f"http://{_reached(host)}:{port}") as provider:
        running.put(running.Running(shop, provider))
        api = create_api(shop)
        api.state.provider, api.state.wake = provider, wake.set
        if link := first_operator_link(shop):
            sys.stderr.write(f"This shop has no operator yet. Open this link once, today:\n  {link}\n")
        sys.stderr.flush()
        with at_work(shop, provider, wake):
            guards = Middleware(PageGuards, settings=shop.settings)
            app = st.App(APP, routes=[Mount("/api", api)], middleware=[guards])
            app.run(config=STREAMLIT | {"server.address": host, "server.port": port})


def _reached(host: str) -> str:
    return "localhost" if host in ("0.0.0.0", "::") else host


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
