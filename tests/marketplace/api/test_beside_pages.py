"""The API and Streamlit in one process: who signed in by a form is known to the page, though no script can read the cookie."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.serving import CHROMIUM, chromium, wait_for

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.journey
ROOT = Path(__file__).parents[3]
PAGE = """
import streamlit as st
from serving import shop
from marketplace.accounts.sessions import person_of_cookie
person = person_of_cookie(shop, st.context.cookies)
st.write("This is " + (person.display_name if person else "nobody"))
"""
SERVING = """
import streamlit as st
from pathlib import Path
from starlette.routing import Mount
from data_contracts.layout import Lake
from marketplace.api.app import create_api
from marketplace.shop import open_shop
shop = open_shop(Lake(Path("lake").absolute()))
app = st.App("page.py", routes=[Mount("/api", create_api(shop))])
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "shop.toml").write_text(f'address = "http://localhost:{port}"\n')
    (tmp_path / "page.py").write_text(PAGE)
    (tmp_path / "serving.py").write_text(SERVING)
    command = [sys.executable, "-m", "uvicorn", "serving:app", "--port", str(port), "--log-level", "error"]
    server = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"})
    try:
        wait_for(f"http://localhost:{port}/api/health")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium")
def test_the_page_knows_who_signed_in_by_a_form_and_scripts_cannot_read_how(address: str) -> None:
    with chromium() as browser:
        page = browser.new_context().new_page()
        page.goto(address)
        page.get_by_text("This is nobody").wait_for(timeout=60_000)
        page.goto(f"{address}/api/sign-up?next=%2F")
        for field, typed in [("name", "Ada"), ("email", "ada@example.org"), ("password", "three quiet otters")]:
            page.fill(f"#{field}", typed)
        page.click("button")
        page.get_by_text("This is Ada").wait_for(timeout=60_000)
        assert "dw_session" in {cookie["name"] for cookie in page.context.cookies()}
        assert "dw_" not in page.evaluate("document.cookie")
        page.goto(f"{address}/api/sign-out")
        page.click("button")
        page.get_by_text("This is nobody").wait_for(timeout=60_000)
