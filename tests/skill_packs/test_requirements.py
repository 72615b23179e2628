"""What a robot must have is read from the policy and from the very episodes that taught it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_contracts.catalogue import CAMERA_ROLE_TABLE, SKILL_INDEX
from data_contracts.errors import PackError
from data_contracts.lerobot import DatasetWriter
from data_contracts.manifests import CameraFeature, NormalisedDataset
from data_contracts.stages import digest_of
from skill_packs.requirements import read_requirements
from tests.skill_packs.make_pack import JOINTS, make_checkpoint


def vectors(scale: float, num_frames: int, size: int = 3) -> np.ndarray:
    return (np.linspace(-scale, scale, num_frames)[:, None] * np.arange(1, size + 1)).astype(np.float32)


def make_dataset(folder: Path, name: str, scales: tuple[float, ...], size: int = 3, **cameras: tuple[int, int]) -> Path:
    """A normalised dataset without pictures, whose n-th episode moves joint j between -scale*j and scale*j."""
    names = [*JOINTS, "extra"][:size]
    feature = {"dtype": "float32", "shape": [size], "names": names}
    with DatasetWriter(
        folder / name, fps=30, robot_type="so100", features={"action": feature, "observation.state": feature}
    ) as writer:
        for scale in scales:
            values = vectors(scale, 5, size)
            writer.add_episode(
                columns={"observation.state": values, "action": values / 2}, task="Press", videos={}, images={}
            )
    NormalisedDataset(
        dataset_id=name, revision="r", source_version="v3.0", licence="mit", contributor="anna", robot_type="so100", fps=30.0,
        is_simulated=True, state_names=tuple(names), action_names=tuple(names), episodes=(), changes=(), reencoded=(),
        cameras=tuple(
            CameraFeature(key=f"observation.images.{key}", height_px=h, width_px=w, codec="av1") for key, (h, w) in cameras.items()
        ),
    ).write(folder / name / "meta" / "deftworks.json")  # fmt: skip
    return folder / name


def row(dataset: str, index: int, top: str | None = "front", wrist: str | None = "hand", num_frames: int = 5) -> dict:
    keys = {name: key and f"observation.images.{key}" for name, key in (("camera_top", top), ("camera_wrist", wrist))}
    return {
        "skill_id": "press", "dataset_id": dataset, "episode_index": index, "normalised_index": index, "contributor": "anna",
        "episode_hash": digest_of([dataset, index]), "licence": "mit", "fps": 30.0, "num_frames": num_frames, "label": "Press",
        "camera_side": None, **keys,
    }  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "checkpoint")


def test_ranges_are_those_of_the_training_episodes_alone(tmp_path, checkpoint):
    make_dataset(tmp_path, "a__x", (10, 99, 20), front=(48, 64), hand=(30, 40))
    rows = SKILL_INDEX.frame([row("a__x", 0), row("a__x", 2)])
    needs = read_requirements(checkpoint, rows, lambda name: tmp_path / name, "so100", {"gripper.pos": "percent"})
    assert [(joint.name, joint.unit, joint.min, joint.max) for joint in needs.state] == [
        (JOINTS[0], None, -20, 20), (JOINTS[1], None, -40, 40), (JOINTS[2], "percent", -60, 60),
    ]  # fmt: skip
    assert [(joint.min, joint.max) for joint in needs.action] == [(-10, 10), (-20, 20), (-30, 30)]
    assert (needs.robot_type, needs.fps, needs.num_parameters) == ("so100", 30.0, 26)
    assert (needs.num_action_steps, needs.lerobot_versions) == (8, ">=0.4.0")
    assert needs.weights_bytes == (checkpoint / "model.safetensors").stat().st_size


def test_a_camera_is_asked_for_by_what_it_shows(tmp_path, checkpoint):
    make_dataset(tmp_path, "a__x", (1, 1), front=(48, 64), hand=(30, 40))
    make_dataset(tmp_path, "b__y", (1,), front=(96, 128))
    rows = SKILL_INDEX.frame([row("a__x", 0), row("a__x", 1), row("b__y", 0, wrist=None)])
    roles = CAMERA_ROLE_TABLE.frame(
        {"dataset_id": name, "camera_key": "observation.images.front", "role": "front", "confidence": 1.0,
         "height_px": 1, "width_px": 1, "evidence": ""}
        for name in ("a__x", "b__y")
    )  # fmt: skip
    top, wrist = read_requirements(checkpoint, rows, lambda name: tmp_path / name, "so100", roles=roles).cameras
    assert (top.key, top.role, top.height_px, top.width_px) == ("observation.images.camera1", "front", 48, 64)
    assert (wrist.role, wrist.height_px, wrist.width_px) == ("wrist", 30, 40)
    assert (top.is_required, wrist.is_required) == (True, False), "one training episode had no wrist camera"
    plain = read_requirements(checkpoint, rows, lambda name: tmp_path / name, "so100").cameras
    assert [slot.role for slot in plain] == ["top or front", "wrist"]


def test_a_slot_that_no_episode_fills_is_not_asked_for(tmp_path, checkpoint):
    make_dataset(tmp_path, "a__x", (1,), front=(48, 64))
    rows = SKILL_INDEX.frame([row("a__x", 0, wrist=None)])
    assert [
        slot.role for slot in read_requirements(checkpoint, rows, lambda name: tmp_path / name, "so100").cameras
    ] == ["top or front"]


def test_episodes_of_another_size_are_refused(tmp_path, checkpoint):
    make_dataset(tmp_path, "a__x", (1,), size=4, front=(48, 64), hand=(30, 40))
    with pytest.raises(PackError, match=r"has 4 values of observation\.state, the policy 3"):
        read_requirements(checkpoint, SKILL_INDEX.frame([row("a__x", 0)]), lambda name: tmp_path / name, "so100")


def test_without_episodes_there_is_nothing_to_read(tmp_path, checkpoint):
    rows = pl.DataFrame(schema=SKILL_INDEX.schema)
    with pytest.raises(PackError, match="No episode taught this skill"):
        read_requirements(checkpoint, rows, lambda name: tmp_path / name, "so100")
