"""One owner's whole way, in a real browser and on the command line: browses, signs up, checks the fit, buys, downloads, verifies, gets an
update, gives it back; and an operator sees that every cent is where it belongs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from data_contracts.layout import Lake
from marketplace.catalogue import build_release
from skill_packs.layout import newest_packs
from tests.marketplace_ui.shop_lake import SHELF, add_version
from tools.serving import CHROMIUM, chromium, served

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.journey, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium")]

SKILL, EMAIL, PASSWORD = "press-button", "olive@example.org", "three quiet otters"
PATIENCE_MS = 60_000


@pytest.fixture
def lake(stocked: Lake, tmp_path: Path) -> Lake:
    return Lake(shutil.copytree(stocked.home, tmp_path / "lake"))


def test_from_stranger_to_balanced_books(lake: Lake, tmp_path: Path):
    with served("shop", lake) as address, chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)

        # A stranger looks around and asks whether it fits.
        page.goto(address)
        page.get_by_role("link", name="Press the button").click()
        page.get_by_role("heading", name="Does it run on my robot?").wait_for()
        page.locator("[class*='st-key-fit-info'] input[type=file]").set_input_files(_info(tmp_path))
        page.locator(".dw-fit b", has_text="Does not run").wait_for()  # info.json alone proves too little
        page.locator(".dw-fit-items li").nth(7).wait_for()

        # Signs up on the way to buying, pays with test money.
        page.get_by_role("link", name=re.compile("Sign in to buy")).click()
        page.get_by_role("link", name="Make an account").click()
        for field, text in {"name": "Olive Owner", "email": EMAIL, "password": PASSWORD}.items():
            page.fill(f"#{field}", text)
        page.get_by_role("button", name="Make account").click()
        page.get_by_role("button", name="Buy now").click()
        page.wait_for_url("**/pay/**")
        page.get_by_role("button", name=re.compile("^Pay ")).click()
        page.get_by_role("heading", name="Thank you. It is yours.").wait_for()

        # Downloads and verifies on the command line.
        home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
        _deftworks(home, "account", "sign-in", "--address", address, "--token-stdin", typed=_token(address))
        got = json.loads(_deftworks(home, "library", "get", SKILL, "--to", str(tmp_path / "packs"), "--json"))
        assert got["folder"].endswith("press-button-1.1.0")
        keys = [f"--key={path}" for path in (lake.keys / "trusted").glob("*.pem")]
        folder = Path(got["folder"])
        verified = json.loads(_deftworks(home, "pack", "verify", str(folder), *keys, "--json"))
        checked = json.loads(
            _deftworks(home, "licence", "check", got["licence"], "--pack", got["folder"], *keys, "--json")
        )
        assert (verified["version"], checked["licence"]["skill_id"]) == ("1.1.0", SKILL)

        # The shop releases 1.2.0: it is hers.
        add_version(lake, SHELF[0], num_episodes=SHELF[0].num_episodes + 5)
        build_release(lake, newest_packs(lake, [one.skill_id for one in (*SHELF[:2], SHELF[3])]))
        got = json.loads(_deftworks(home, "library", "get", SKILL, "--to", str(tmp_path / "packs"), "--json"))
        assert got["folder"].endswith("press-button-1.2.0")

        # She gives it back: the money returns, downloads end, what she has still verifies.
        page.goto(f"{address}/library")
        page.get_by_role("button", name=re.compile("Give it back")).click()
        page.get_by_role("button", name=re.compile("Give it back for")).click()
        page.get_by_text("was given back; the money is on its way").wait_for()
        assert _fails(home, "library", "get", SKILL, "--to", str(tmp_path / "more"))
        assert json.loads(_deftworks(home, "pack", "verify", str(folder), *keys, "--json"))["verified"]

        # An operator finds the books balanced.
        link = _deftworks(home, "shop-admin", "first-link", "--home", str(lake.home)).split()[-1]
        desk = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        desk.set_default_timeout(PATIENCE_MS)
        desk.goto(address + "/api/one-time/" + link.rpartition("/")[2])
        for field, text in {"name": "Otto", "email": "otto@example.org", "password": "four loud badgers"}.items():
            if desk.locator(f"#{field}").count():
                desk.fill(f"#{field}", text)
        desk.locator("form button").first.click()
        desk.wait_for_url(re.compile("^(?!.*one-time)"))
        desk.goto(f"{address}/operator?view=Money")
        desk.get_by_role("button", name="Reconcile now").click()
        desk.get_by_text("balanced; 2 movements").wait_for()
        desk.goto(f"{address}/operator")
        desk.get_by_text("refunded").first.wait_for()
        for one in (page, desk):
            assert one.locator("[data-testid=stException]").count() == 0


def _info(folder: Path) -> Path:
    """Returns an info.json as LeRobot writes it, of another arm's recording."""
    joints = {"dtype": "float32", "shape": [3], "names": ["shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos"]}
    camera = {"dtype": "video", "shape": [48, 64, 3], "names": ["height", "width", "channels"]}
    info = {
        "codebase_version": "v3.0", "robot_type": "sawyer", "fps": 30, "total_episodes": 1, "total_frames": 30,
        "features": {"action": joints, "observation.state": joints, "observation.images.front": camera},
    }  # fmt: skip
    (folder / "info.json").write_text(json.dumps(info))
    return folder / "info.json"


def _token(address: str) -> str:
    asked = {"email": EMAIL, "password": PASSWORD, "name": "journey", "scopes": ["read", "buy", "download"], "days": 1}
    request = Request(
        f"{address}/api/tokens/by-password", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    return json.load(urlopen(request, timeout=30))["token"]


def _deftworks(home: dict[str, str], *arguments: str, typed: str = "") -> str:
    run = subprocess.run(
        [sys.executable, "-m", "deftworks", *arguments], input=typed, capture_output=True, text=True, timeout=120,
        env=os.environ | home,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def _fails(home: dict[str, str], *arguments: str) -> bool:
    command = [sys.executable, "-m", "deftworks", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, env=os.environ | home).returncode != 0
