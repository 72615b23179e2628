"""Real datasets with what a look by hand found in them. Set DEFTWORKS_REAL_DATASETS to a folder of them with expected.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from curation.quality import judge

FOLDER = os.environ.get("DEFTWORKS_REAL_DATASETS")
EXPECTED = json.loads((Path(FOLDER) / "expected.json").read_text()) if FOLDER else {}
DATASETS = sorted(name for name in EXPECTED if name != "about")

pytestmark = pytest.mark.skipif(not FOLDER, reason="DEFTWORKS_REAL_DATASETS is not set")


@pytest.mark.parametrize("name", DATASETS or ["none"])
def test_what_a_look_by_hand_found_is_reported_and_nothing_that_is_not_there(name: str) -> None:
    verdict = judge(Path(FOLDER or "") / name, name).verdict
    reported = {(f.code, None if f.episodes is None else tuple(f.episodes)) for f in verdict.findings}
    wanted = {
        (row["code"], None if row["episodes"] is None else tuple(row["episodes"])) for row in EXPECTED[name]["found"]
    }
    assert wanted <= reported
    assert not {code for code, _ in reported} & set(EXPECTED[name]["never"])
