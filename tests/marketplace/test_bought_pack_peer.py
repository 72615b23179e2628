"""A bought pack, unpacked from its download, loads in LeRobot 0.4.4 without a network by the very lines that the shop prints, and acts
in the units of its robot.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_contracts.layout import Lake
from data_contracts.stages import file_sha256
from marketplace.downloads import bundle
from marketplace_ui.services.commands import act_lines, folder_of
from policy.checkpoint import save_checkpoint
from policy.small import new_small_policy
from policy.statistics import statistics_of
from skill_packs.build import build_pack
from skill_packs.checkpoint import read_checkpoint
from skill_packs.signing import open_signing_key
from tests.skill_packs.make_pack import CAMERAS, JOINTS, make_evaluation, make_inputs, make_requirements, make_run

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[2]
SKILL, TASK = "press-button", "press the button"


def test_the_printed_lines_make_a_bought_pack_act(tmp_path: Path):
    python = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or ROOT / ".peer" / "bin" / "python")
    if not python.is_file():
        pytest.skip(f"LeRobot 0.4.4 is not at {python}: build it, or set DEFTWORKS_PEER_PYTHON")
    lake = Lake(tmp_path / "lake")
    download = bundle(lake, _built(lake, tmp_path))
    with tarfile.open(download.path) as archive:
        archive.extractall(tmp_path / "owner", filter="data")
    lines = act_lines(folder_of(download), TASK)
    run = subprocess.run(
        ["bash", "-euc", lines], cwd=tmp_path / "owner", capture_output=True, text=True, timeout=300,
        env=os.environ | {
            "PATH": f"{python.parent}:{os.environ['PATH']}", "PYTHONPATH": "", "HF_HOME": str(tmp_path / "hub"),
            "HTTPS_PROXY": "http://127.0.0.1:1", "CUDA_VISIBLE_DEVICES": "",
        },
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    (printed,) = re.findall(r"tensor\(\[\[(.*?)\]\]", run.stdout.replace("\n", " "))
    acted = np.array([float(number) for number in printed.split(",")])
    assert acted.shape == (len(JOINTS),)
    assert np.isfinite(acted).all()
    # The noise differs; what does not is the scale that the statistics set, far from the normalised one.
    assert (np.abs(acted - 40.0) < 10.0).all()


def _built(lake: Lake, folder: Path) -> Path:
    """Returns a pack of a small policy that acts around 40."""
    vector = {"mean": [40.0] * len(JOINTS), "std": [1.0] * len(JOINTS)}
    statistics = statistics_of({"observation.state": vector, "action": vector})
    shapes = dict.fromkeys(CAMERAS, (3, 48, 64))
    policy, processors = new_small_policy(shapes, len(JOINTS), len(JOINTS), [TASK], statistics)
    checkpoint = folder / "checkpoint" / "pretrained_model"
    checkpoint.parent.mkdir()
    save_checkpoint(checkpoint, policy, processors)
    inputs = make_inputs(folder / "inputs")
    digest = file_sha256(checkpoint / "model.safetensors")
    needs = make_requirements(checkpoint)
    needs = needs.model_copy(update={"num_parameters": read_checkpoint(checkpoint).num_parameters})
    inputs = replace(
        inputs, checkpoint=checkpoint, run=make_run(checkpoint, inputs.episodes),
        evaluation=make_evaluation(folder / "evaluation", digest, SKILL), requirements=needs,
    )  # fmt: skip
    return build_pack(lake.packs(SKILL), inputs, open_signing_key(lake.keys)).folder
