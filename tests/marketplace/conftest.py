from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from data_contracts.layout import Lake
from marketplace.accounts.people import add_person
from marketplace.database import database_url, migrate, open_database, write
from marketplace.settings import read_settings
from marketplace.shop import Shop
from skill_packs.build import build_pack
from skill_packs.signing import open_signing_key
from tests.marketplace.payments.pocket_provider import AT, PocketProvider
from tests.marketplace.postgres import binaries, postgres_server
from tests.marketplace.till import Clock, Till
from tests.marketplace_ui.make_scene import write_scene
from tests.skill_packs.make_pack import make_inputs, make_skill


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("scene") / "scene.mp4"
    write_scene(path, num_frames=4)
    return path.read_bytes()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def add_pack(lake: Lake, tmp_path: Path, scene: bytes):
    """Builds a pack in the lake: `add_pack("press-button", num_successes=13)` returns its folder."""

    def add(skill_id: str, price_minor: int = 900, **changes) -> Path:
        work = tmp_path / "work" / f"{skill_id}-{len(list(tmp_path.rglob('pack.json')))}"
        videos = {"success-1.mp4": scene, "failure-2.mp4": scene}
        inputs = make_inputs(work, make_skill(skill_id, price_minor), videos=videos, **changes)
        return build_pack(lake.packs(skill_id), inputs, open_signing_key(lake.keys)).folder

    return add


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables."""
    if request.param == "sqlite":
        engine = open_database(database_url(Lake(tmp_path)))
    else:
        engine = open_database(database_url(Lake(tmp_path), request.getfixturevalue("postgres_url")))
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    yield engine
    engine.dispose()


@pytest.fixture
def database(empty_database: Engine) -> Engine:
    """A database with the newest tables."""
    migrate(empty_database)
    return empty_database


@pytest.fixture
def till(database: Engine, tmp_path: Path) -> Till:
    clock = Clock()
    lake = Lake(tmp_path / "lake")
    shop = Shop(lake, database, read_settings(lake), clock)
    with write(database) as connection:
        buyer = add_person(connection, "Olive Owner", "olive@example.org", "argon2", AT)
    return Till(shop, PocketProvider(), clock, buyer.id)
