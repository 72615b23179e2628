from __future__ import annotations

from pathlib import Path

import pytest

from tests.curation.tiny_lake import TinyLake


@pytest.fixture
def tiny_lake(tmp_path: Path) -> TinyLake:
    return TinyLake(tmp_path / "lake")
