"""`deftworks shop` and `deftworks dagster`: the two pages that people look at."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated, NoReturn

import typer

from deftworks.options import Home

Port = Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)]


def shop(
    home: Home = None,
    port: Port = 8501,
    host: Annotated[
        str, typer.Option(help="Where to listen. Others reach the shop through a proxy that speaks https.")
    ] = "localhost",
) -> None:
    """Open the shop on the newest catalogue release: pages, HTTP API, and payments with test money.

    Payments go to Stripe where STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET are set; otherwise to a payment server of test money
    that runs beside the shop. A first start prints a link with which its operator makes their account.

    [bold]Example[/bold]

      deftworks shop --port 8600
    """
    from data_contracts.layout import HOME_VARIABLE, Lake
    from deftworks.printing import err
    from marketplace_ui.launch import shop_command

    lake = Lake.at(home)
    check_free(port)
    err.print(f"Shop of {lake.home} on http://localhost:{port}. Stop it with Ctrl-C.")
    _serve(shop_command(port, host), {HOME_VARIABLE: str(lake.home)})


def dagster(home: Home = None, port: Port = 3000) -> None:
    """Open the Dagster UI on the lake: materialise one dataset, a skill, or a release from the browser.

    [bold]Example[/bold]

      deftworks dagster --port 3001
    """
    from data_contracts.layout import HOME_VARIABLE, Lake
    from deftworks.printing import err
    from pipelines.instance import prepare_instance

    lake = Lake.at(home)
    check_free(port)
    folder = prepare_instance(lake)
    err.print(f"Dagster of {lake.home} on http://localhost:{port}. Stop it with Ctrl-C.")
    command = [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "-p", str(port)]
    _serve(command, {HOME_VARIABLE: str(lake.home), "DAGSTER_HOME": str(folder)})


def check_free(port: int) -> None:
    """Raises LakeError where another program listens on the port already: that page would be mistaken for this one."""
    from data_contracts.errors import LakeError

    with socket.socket() as probe:
        if probe.connect_ex(("localhost", port)) == 0:
            raise LakeError(f"Something listens on port {port} already.", hint=f"Choose another: --port {port + 1}.")


def _serve(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Becomes the server, so that signals reach it and nothing is left behind."""
    os.execve(command[0], command, {**os.environ, **environment})
