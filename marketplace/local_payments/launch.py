"""Starts the server in its own process, waits until it answers, and stops or kills it. Imports nothing heavy."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from data_contracts.errors import PaymentRefused, PaymentUnavailable
from marketplace.local_payments.settings import Secrets, new_secrets, read_secrets, write_secrets

DATABASE = "local_payments.sqlite"
SECRETS = "local_payments.secrets.json"
LOG = "local_payments.log"
HOST = "127.0.0.1"
PATIENCE_S = 30.0
ROOT = str(Path(__file__).parents[2])
"""Where `marketplace` is, for a child that starts elsewhere."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start_local_payments(
    folder: Path, port: int = 0, webhook_url: str | None = None, *, faults: bool = False, options: tuple[str, ...] = ()
) -> LocalPayments:
    """Returns a server that answers, as a context manager that stops it. Its database, secrets and log are in the folder, so that a
    later start goes on with them. `options` are further ones of `python -m marketplace.local_payments`.

    Raises:
        PaymentUnavailable: it ended or did not answer in time; with what it wrote last.
        OSError: the port is taken.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / SECRETS
    if not path.exists():
        write_secrets(path, new_secrets())
    command = ["--database", str(folder / DATABASE), "--secrets", str(path), *options]
    command += ["--webhook", webhook_url] if webhook_url else []
    command += ["--faults"] if faults else []
    return LocalPayments(folder, read_secrets(path), command, port)


class LocalPayments:
    """A running server: `address`, `port`, `api_key`, `webhook_secret`."""

    def __init__(self, folder: Path, secrets: Secrets, command: list[str], port: int) -> None:
        self.folder = folder
        self.api_key, self.webhook_secret = secrets.api_key, secrets.webhook_secret
        self._command = command
        self._start(port)

    def _start(self, port: int) -> None:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with listening, (self.folder / LOG).open("ab") as log:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((HOST, port))
            self.port = listening.getsockname()[1]
            self.address = f"http://{HOST}:{self.port}"
            passed = listening.fileno()
            command = [sys.executable, "-m", "marketplace.local_payments", "--fd", str(passed), *self._command]
            environment = os.environ | {
                "PYTHONPATH": os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
            }
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(passed,), env=environment
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with _OPENER.open(f"{self.address}/health", timeout=5) as response:
                    response.read()
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        self.kill()
        said = (self.folder / LOG).read_text(errors="replace").strip().splitlines()[-5:]
        raise PaymentUnavailable("The local payment server did not start.", hint=" ".join(said))

    def stop(self) -> None:
        """Ends it in order. Does nothing where it has ended."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Starts it again at the same address, with all that it had committed."""
        self.stop()
        self._start(self.port)

    def __enter__(self) -> LocalPayments:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what only a bank with --faults does

    def fault(self, kind: str, on: str = "*", *, count: int = 1, seconds: float = 0.0) -> None:
        """Queues a fault; `on` is a pattern for requests (`POST /v1/refunds*`) or, with webhook_*, for event types."""
        self.control("POST", "", kind=kind, on=on, count=count, seconds=f"{seconds:.3f}")

    def clear_faults(self) -> None:
        self.control("DELETE", "")

    def random_faults(self, seed: int, seconds: float = 0.0, **chances: float) -> None:
        """From now on each kind happens with its probability, by dice of this seed. `clear_faults` ends it."""
        dice = {f"chances[{kind}]": f"{chance:.6f}" for kind, chance in chances.items()}
        self.control("POST", "/random", seed=seed, seconds=f"{seconds:.3f}", **dice)

    def dispute(self, charge: str, amount: int | None = None) -> dict[str, Any]:
        """Returns a new dispute (Stripe's object) of the buyer's bank."""
        return self.control("POST", "/disputes", charge=charge, **({} if amount is None else {"amount": amount}))

    def end_dispute(self, dispute: str, outcome: str) -> dict[str, Any]:
        """`won` or `lost`, from the seller's view."""
        return self.control("POST", f"/disputes/{dispute}", outcome=outcome)

    def fail_refund(self, refund: str) -> dict[str, Any]:
        """The buyer's bank sends the money back."""
        return self.control("POST", "/refund_fails", refund=refund)

    def advance_clock(self, seconds: int) -> int:
        """Returns the bank's new time."""
        return self.control("POST", "/clock", advance_s=seconds)["now"]

    def pay(self, session: str) -> str:
        """Does what the button on the checkout page does. Returns where it leads to.

        Raises:
            PaymentRefused: the session cannot be paid.
        """
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", f"/pay/{session}", headers={"Content-Length": "0"})
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        if response.status != 303:
            raise PaymentRefused(f"{session} was not paid: status {response.status}.")
        return response.headers["Location"]

    def control(self, method: str, path: str, **parameters: Any) -> dict[str, Any]:
        """Returns the answer of a route under /_faults. Raises PaymentRefused where there is none or it refuses."""
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        request = urllib.request.Request(f"{self.address}/_faults{path}", body, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{self.api_key}:".encode()).decode())
        try:
            with _OPENER.open(request, timeout=PATIENCE_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise PaymentRefused(f"{method} /_faults{path}: {error.read().decode(errors='replace')}") from error
