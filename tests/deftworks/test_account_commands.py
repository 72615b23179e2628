"""Signing this machine in to a shop, and what whoever runs the shop does with people: against a shop that really listens."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner, Result

from data_contracts.errors import AccountError
from data_contracts.layout import HOME_VARIABLE, Lake
from deftworks import accounts
from deftworks.cli import app
from marketplace.accounts.audit_trail import recorded
from marketplace.accounts.people import person_of_email
from marketplace.accounts.signing_in import Visitor, sign_up
from marketplace.accounts.throttling import open_throttle
from marketplace.api.app import create_api
from marketplace.database import read
from marketplace.shop import Shop, open_shop

PASSWORD = "three quiet otters"


@dataclass(frozen=True)
class Running:
    shop: Shop
    address: str


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A shop that listens, in which Ada has an account; and a machine of its own to sign in from."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "lake"))
    shop = open_shop(Lake(tmp_path / "lake"))
    sign_up(shop, open_throttle(), Visitor(""), name="Ada", email="ada@example.org", password=PASSWORD)
    routes = Starlette(routes=[Mount("/api", create_api(shop))])
    server = uvicorn.Server(uvicorn.Config(routes, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield Running(shop, f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}")
    server.should_exit = True
    thread.join(10)
    shop.engine.dispose()


def _run(*arguments: str, typed: str | None = None, fails: bool = False) -> Result:
    done = CliRunner().invoke(app, arguments, input=typed)
    assert (done.exit_code != 0) == fails, done.output
    return done


def _sign_in(running: Running, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD, **how) -> Result:
    monkeypatch.setattr("getpass.getpass", lambda _prompt: password)
    return _run("account", "sign-in", "--address", running.address, "--email", "ada@example.org", **how)


def test_a_machine_signs_in_says_so_and_signs_out(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    _sign_in(running, monkeypatch)
    path = accounts.credentials_path()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text()
    shown = json.loads(_run("account", "show", "--json").stdout)
    assert (shown["email"], shown["scopes"]) == ("ada@example.org", ["buy", "download", "read"])
    token = accounts.kept()
    _run("account", "sign-out")
    assert not path.exists()
    with pytest.raises(AccountError, match="not valid any more"):
        accounts.ask(token, "GET", "/api/me")
    assert isinstance(_run("account", "show", fails=True).exception, AccountError)


def test_a_token_comes_in_by_standard_input(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    _sign_in(running, monkeypatch)
    token = accounts.kept().token
    accounts.credentials_path().unlink()
    _run("account", "sign-in", "--address", running.address, "--token-stdin", typed=f"{token}\n")
    assert accounts.kept().token == token
    accounts.credentials_path().unlink()
    refused = _run("account", "sign-in", "--address", running.address, "--token-stdin", typed="my secret\n", fails=True)
    assert "no API token" in str(refused.exception)
    assert "my secret" not in str(refused.exception)
    assert not accounts.credentials_path().exists()


def test_a_wrong_password_leaves_nothing_behind(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = _sign_in(running, monkeypatch, "not the password", fails=True)
    assert "Email or password is wrong" in str(refused.exception)
    assert not accounts.credentials_path().exists()


@pytest.mark.parametrize(
    "address", ["http://shop.example", "ftp://localhost", "shop.example", "https://shop.example/x"]
)
def test_secrets_go_to_a_shop_and_not_in_the_clear(address: str) -> None:
    with pytest.raises(AccountError):
        accounts.checked_address(address)


def test_whoever_runs_the_shop_makes_and_unmakes(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{running.shop.settings.address}/api/one-time/" in _run("shop-admin", "first-link").stdout
    _run("shop-admin", "grant", "ADA@example.org", "operator")
    assert "has an operator" in str(_run("shop-admin", "first-link", fails=True).exception)
    assert "/api/one-time/" in _run("shop-admin", "password-link", "ada@example.org").stdout
    _run("shop-admin", "claim", "ada@example.org", "lab-of-ada")
    _run("shop-admin", "disable", "ada@example.org")
    assert "Email or password is wrong" in str(_sign_in(running, monkeypatch, fails=True).exception)
    _run("shop-admin", "enable", "ada@example.org")
    _run("shop-admin", "withdraw", "ada@example.org", "operator")
    (ada,) = json.loads(_run("shop-admin", "people", "--json").stdout)["people"]
    assert (ada["roles"], ada["contributor"], ada["disabled_at"]) == (["owner"], "lab-of-ada", None)
    assert "no role" in str(_run("shop-admin", "grant", "ada@example.org", "root", fails=True).exception)
    assert "Nobody here" in str(_run("shop-admin", "disable", "eve@example.org", fails=True).exception)
    with read(running.shop.engine) as connection:
        assert person_of_email(connection, "ada@example.org")
        told = {event.what for event in recorded(connection, who="shop")}
    assert told >= {"granted a role", "withdrew a role", "assigned a contributor", "disabled a person"}
