"""`deftworks account`: sign this machine in to a shop, with an API token that is kept where only its owner can read it."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from deftworks.options import AsJson

account = typer.Typer(help="Your account at a shop.", no_args_is_help=True)
FILE = "credentials.json"
SCOPES = ("read", "buy", "download")
DAYS = 90
TIMEOUT_S = 30
TOKEN = re.compile(r"dw_(?P<id>[0-9a-f]{10})_[A-Za-z0-9_-]{43}")
LARGEST_ANSWER = 2**20
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Credentials:
    """A shop and the token with which this machine asks it."""

    address: str
    token: str

    @property
    def token_id(self) -> str:
        return self.token.split("_")[1]


@account.command("sign-in")
def sign_in(
    address: Annotated[str, typer.Option("--address", help="The shop, such as https://shop.example.")],
    has_token: Annotated[bool, typer.Option("--token-stdin", help="Read an API token from standard input.")] = False,
    email: Annotated[str | None, typer.Option(help="Asked for where it is missing.")] = None,
) -> None:
    """Sign in: with email and password, or with a token made in the shop.

    The password is asked for, sent to the shop once and not kept. What is kept is a token of 90 days.

    [bold]Examples[/bold]

      deftworks account sign-in --address https://shop.example

      deftworks account sign-in --address https://shop.example --token-stdin < token.txt
    """
    import getpass

    from deftworks.printing import err

    address = checked_address(address)
    if has_token:
        token = checked_token(sys.stdin.readline().strip())
    else:
        email = email or typer.prompt("Email", err=True)
        wanted = {
            "email": email, "password": getpass.getpass("Password: "), "name": f"deftworks on {socket.gethostname()}"[:80],
            "scopes": SCOPES, "days": DAYS,
        }  # fmt: skip
        token = ask(Credentials(address, ""), "POST", "/api/tokens/by-password", wanted)["token"]
    credentials = Credentials(address, token)
    me = ask(credentials, "GET", "/api/me")
    path = keep(credentials)
    err.print(f"Signed in to {address} as {me['display_name']} ({me['email']}). The token is in {path}.", markup=False)


@account.command("show")
def show(as_json: AsJson = False) -> None:
    """Show at which shop this machine is signed in, as whom, and what its token may do."""
    from deftworks.printing import out, print_json

    credentials = kept()
    me = ask(credentials, "GET", "/api/me")
    if as_json:
        print_json({"address": credentials.address, **me})
        return
    out.print(f"{me['display_name']} ({me['email']}) at {credentials.address}", markup=False)
    out.print(f"roles {', '.join(me['roles']) or 'none'}; this token may {', '.join(me['scopes'])}", markup=False)


@account.command("sign-out")
def sign_out() -> None:
    """Revoke this machine's token and forget it."""
    from data_contracts.errors import DeftworksError
    from deftworks.printing import err

    credentials = kept()
    try:
        ask(credentials, "DELETE", f"/api/tokens/{credentials.token_id}")
    except DeftworksError as error:
        # The token is forgotten here in any case: who signs out does not want to stay signed in.
        err.print(f"The shop did not revoke it: {error}", markup=False)
    credentials_path().unlink()
    err.print(f"Signed out of {credentials.address}.", markup=False)


def credentials_path() -> Path:
    """Returns where tokens are kept: below XDG_CONFIG_HOME, by default ~/.config."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "deftworks" / FILE


def keep(credentials: Credentials) -> Path:
    """Writes credentials, readable by nobody else, in place of earlier ones. Returns where."""
    path = credentials_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{FILE}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
        json.dump(asdict(credentials), writer)
    fresh.replace(path)
    return path


def kept() -> Credentials:
    """Returns the credentials of this machine. Raises AccountError where it is not signed in."""
    from data_contracts.errors import AccountError

    path = credentials_path()
    try:
        found = Credentials(**json.loads(path.read_text(encoding="utf-8")))
        return Credentials(checked_address(found.address), checked_token(found.token))
    except FileNotFoundError as error:
        hint = "Sign in: deftworks account sign-in --address URL"
        raise AccountError("This machine is not signed in to a shop.", hint=hint) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise AccountError(f"{path} holds no credentials.", hint="Remove it and sign in again.") from error


def checked_address(address: str) -> str:
    """Returns a shop's origin. Raises AccountError; a password goes in the clear to nobody but this machine."""
    from urllib.parse import urlsplit

    from data_contracts.errors import AccountError

    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise AccountError(f"{address} is no shop's address.", hint="It looks like https://shop.example.")
    if parts.scheme == "http" and parts.hostname not in THIS_MACHINE:
        raise AccountError(f"{address} would send secrets in the clear.", hint="Use https.")
    return f"{parts.scheme}://{parts.netloc}"


def checked_token(token: str) -> str:
    """Returns an API token. Raises AccountError where it cannot be one; it is not repeated."""
    from data_contracts.errors import AccountError

    if not TOKEN.fullmatch(token):
        raise AccountError("That is no API token.", hint="It begins with dw_ and was shown once, when it was made.")
    return token


def ask(credentials: Credentials, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Returns a shop's answer to a request with its token, None where it is empty. Raises AccountError with what the shop said."""
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, build_opener

    from data_contracts.errors import AccountError

    headers = {"Accept": "application/json"}
    if credentials.token:
        headers["Authorization"] = f"Bearer {credentials.token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    request = Request(credentials.address + path, data, headers, method=method)
    try:
        with build_opener(_no_redirects()).open(request, timeout=TIMEOUT_S) as answer:
            said = answer.read(LARGEST_ANSWER)
            return json.loads(said) if said else None
    except HTTPError as error:
        raise _said(error, credentials.address) from error
    except (URLError, TimeoutError) as error:
        raise AccountError(f"{credentials.address} does not answer: {error}.", hint="Is the shop running?") from error
    except ValueError as error:
        raise AccountError(f"{credentials.address} answered something else.", hint="Is that a shop?") from error


def _said(error: Any, address: str) -> Exception:
    from data_contracts.errors import AccountError

    try:
        said = json.loads(error.read(LARGEST_ANSWER))["error"]
        return AccountError(said["message"], hint=said["hint"])
    except (ValueError, KeyError, TypeError):
        return AccountError(f"{address} answered with status {error.code}.", hint="Is that a shop?")


def _no_redirects() -> Any:
    from urllib.request import HTTPRedirectHandler

    class Stay(HTTPRedirectHandler):
        """A token is for one shop: it is not carried on to where that sends."""

        def redirect_request(self, *_: Any) -> None:
            return None

    return Stay()
