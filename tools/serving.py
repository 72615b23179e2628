"""Starts the shop or the Dagster UI of a lake and opens it in Debian's Chromium: for pictures, journeys and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from data_contracts.layout import Lake

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
HEALTH = {"shop": "/_stcore/health", "dagster": "/server_info"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yields Debian's Chromium, without a screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@contextmanager
def served(command: str, lake: Lake) -> Iterator[str]:
    """Runs `deftworks shop` or `deftworks dagster` and yields its address once it answers."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "-m", "deftworks", command, "--home", str(lake.home), "--port", str(port)]
    server = subprocess.Popen(
        arguments, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        address = f"http://localhost:{port}"
        wait_for(f"{address}{HEALTH[command]}")
        yield address
    finally:
        _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Asks the server to stop, and stops it with all its children where it does not within half a minute."""
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def wait_for(url: str, patience_s: float = 120.0) -> None:
    """Returns when `url` answers; raises the last error when it does not in time."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            urlopen(url, timeout=5).close()
            return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
