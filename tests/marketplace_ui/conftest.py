from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data_contracts.layout import HOME_VARIABLE, Lake
from marketplace.catalogue import build_release
from marketplace_ui.launch import APP
from tests.marketplace_ui.shop_lake import SHELF, make_shop_lake


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three packs: press-button 1.1.0 (13 of 20), open-drawer (9 of 20), so100-touch-cube (4 of 20, free). Do not change it."""
    return make_shop_lake(tmp_path_factory.mktemp("stocked"), (*SHELF[:2], SHELF[3]))


@pytest.fixture
def own_copy(stocked: Lake, tmp_path: Path) -> Lake:
    """A copy of the stocked lake that a test may spoil."""
    return Lake(shutil.copytree(stocked.home, tmp_path / "lake"))


@pytest.fixture
def bare(tmp_path: Path) -> Lake:
    """A lake before its first release."""
    return Lake(tmp_path / "bare")


@pytest.fixture
def empty(tmp_path: Path) -> Lake:
    """A lake whose release holds nothing."""
    lake = Lake(tmp_path / "empty")
    build_release(lake, [])
    return lake


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch):
    """Opens the shop of a lake: `visit(lake)`, `visit(lake, skill="press-button")`, `visit(lake, page="app_pages/about.py")`."""

    def run(lake: Lake, page: str | None = None, **query: str) -> AppTest:
        monkeypatch.setenv(HOME_VARIABLE, str(lake.home))
        app = AppTest.from_file(str(APP), default_timeout=60)
        page = page or ("app_pages/pack.py" if "skill" in query else None)
        if page:
            app.run().switch_page(page)
        # Before the first run, as a browser does that opens an address: widgets take their values from it only then.
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return run
