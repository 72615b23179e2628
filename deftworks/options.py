"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The lake: where everything is kept.", envvar="DEFTWORKS_HOME", show_default=".deftworks"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, for scripts.")]
