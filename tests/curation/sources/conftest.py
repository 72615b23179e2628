"""A Hub on this machine for the tests of `hub:` sources, with little patience so that they are quick."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from data_contracts.layout import Lake
from tests.hub.repositories import Repositories
from tests.hub.server import served_to_this_process


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    """An empty Hub; add repositories to it."""
    with served_to_this_process(monkeypatch, patience_s=8) as repositories:
        yield repositories


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")
