"""LeRobot 0.4.4 takes the rename_map as it is printed, and its own calibration files are read."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from skill_packs.fit import check_fit
from tests.skill_packs.fit_pairs import MAPPED, PAIRS
from tests.skill_packs.make_robots import HONEST, PACKS, calibration

pytestmark = pytest.mark.peer

ROOT = Path(__file__).parents[2]


def test_lerobot_sees_every_camera_in_its_slot(tmp_path):
    python = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or ROOT / ".peer" / "bin" / "python")
    if not python.is_file():
        pytest.skip(f"LeRobot 0.4.4 is not at {python}: build it, or set DEFTWORKS_PEER_PYTHON")
    pairs = [pair for pair in PAIRS if pair.answer == MAPPED]
    cases = [
        {
            "rename_map": check_fit(PACKS[pair.pack], pair.files.profile()).mapping.rename_map_json,
            "observation": {f"observation.images.{name}": name for name in pair.files.cameras},
        }
        for pair in pairs
    ]
    question, answer, written = (tmp_path / name for name in ("question.json", "answer.json", "calibration.json"))
    question.write_text(json.dumps({"cases": cases, "calibration": calibration()}))
    script = Path(__file__).with_name("lerobot_says.py")
    subprocess.run([python, script, question, answer, written], check=True, capture_output=True, text=True)
    for pair, seen_in_both_orders in zip(pairs, json.loads(answer.read_text()), strict=True):
        for seen in seen_in_both_orders:
            assert len(seen) == len(pair.files.cameras), pair.name
            found = [seen[f"observation.images.camera{n}"] for n in (1, 2)]
            assert found == [pair.files.roles["front"], pair.files.roles["wrist"]], pair.name
    assert HONEST.with_(calibration=json.loads(written.read_text())).profile().calibration["gripper"].range_max == 3200
