"""Makes tiny inputs of a pack: a checkpoint in LeRobot's layout, an evaluation with recordings, a run, an episode table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from data_contracts.catalogue import ROLLOUTS, SKILL_INDEX
from data_contracts.manifests import EvaluationReport, RateWithInterval, TrainingRun
from data_contracts.skill_pack import CameraSlot, Joint, Requirements
from data_contracts.skills import Evaluation, Price, Skill, Split
from data_contracts.stages import digest_of, file_sha256, write_json
from skill_packs.build import PackInputs

JOINTS = ("shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos")
CAMERAS = ("observation.images.camera1", "observation.images.camera2")


def make_checkpoint(folder: Path, seed: int = 0, action_key: str = "action") -> Path:
    """A policy of 26 numbers that nobody should drive with; every file that LeRobot expects."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    save_file({"proj.weight": rng.normal(size=(4, 5)), "proj.bias": rng.normal(size=6)}, folder / "model.safetensors")
    features = {key: {"type": "VISUAL", "shape": [3, 48, 64]} for key in CAMERAS}
    features["observation.state"] = {"type": "STATE", "shape": [len(JOINTS)]}
    outputs = {"action": {"type": "ACTION", "shape": [len(JOINTS)]}}
    config = {"type": "smolvla", "n_action_steps": 8, "input_features": features, "output_features": outputs}
    write_json(folder / "config.json", config)
    statistics = {
        f"{feature}.{name}": np.full(len(JOINTS), value, dtype=np.float32)
        for feature in ("observation.state", action_key)
        for name, value in (("mean", 1.0), ("std", 2.0))
    }
    for pipeline, step in (
        ("policy_preprocessor", "normalizer_processor"),
        ("policy_postprocessor", "unnormalizer_processor"),
    ):
        state_file = f"{pipeline}_step_0_{step}.safetensors"
        save_file(statistics, folder / state_file)
        steps = [{"registry_name": step, "config": {}, "state_file": state_file}]
        write_json(folder / f"{pipeline}.json", {"name": pipeline, "steps": steps})
    return folder


def wilson(num_successes: int, num_rollouts: int) -> RateWithInterval:
    """The 95% Wilson score interval."""
    z, n, p = 1.959963984540054, num_rollouts, num_successes / num_rollouts
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return RateWithInterval(num_successes=num_successes, num_rollouts=n, low=max(0.0, low), high=min(1.0, high))


def make_evaluation(
    folder: Path, policy_digest: str, skill_id: str, num_successes: int = 13, videos: dict[str, bytes] | None = None
) -> Path:
    """An evaluation of 20 rollouts with one recording of each outcome."""
    videos = {"success-1001.mp4": b"success", "failure-1002.mp4": b"failure"} if videos is None else videos
    (folder / "videos").mkdir(parents=True)
    for name, content in videos.items():
        (folder / "videos" / name).write_bytes(content)
    seeds = tuple(range(1001, 1021))
    report = EvaluationReport(
        skill_id=skill_id, world="so100/press-button", policy_digest=policy_digest, seeds=seeds,
        policy=wilson(num_successes, 20), baselines={"do_nothing": wilson(1, 20)},
        videos={name: name.startswith("success") for name in videos},
    )  # fmt: skip
    report.write(folder / "evaluation.json")
    rows = [
        {
            "policy": policy,
            "world": report.world,
            "seed": seed,
            "is_success": i < count,
            "num_steps": 40 + i,
            "video": None,
        }
        for policy, count in (("policy", num_successes), ("do_nothing", 1))
        for i, seed in enumerate(seeds)
    ]
    ROLLOUTS.write(ROLLOUTS.frame(rows), folder / "rollouts.parquet")
    return folder


def make_skill(skill_id: str = "press-button", price_minor: int = 900, **changes: Any) -> Skill:
    skill = Skill(
        id=skill_id, title="Press the button", description="Presses the red button from above.", robot_type="so100",
        episodes="label = 'Press the button'", evaluation=Evaluation(world="so100/press-button"),
        price=Price(amount_minor=price_minor), split=Split(platform_bp=3000, contributors_bp=7000),
    )  # fmt: skip
    return skill.model_copy(update=changes)


def make_rows(
    skill_id: str = "press-button", num_episodes: int = 4, licences: tuple[str | None, ...] = ("cc-by-4.0",)
) -> pl.DataFrame:
    """Episodes of two contributors in turn, with the licences in turn."""
    return SKILL_INDEX.frame(
        {
            "skill_id": skill_id, "dataset_id": f"{('anna', 'bo')[i % 2]}__buttons", "episode_index": i, "normalised_index": i,
            "episode_hash": digest_of([skill_id, i]), "contributor": ("anna", "bo")[i % 2], "licence": licences[i % len(licences)],
            "fps": 30.0, "num_frames": 100 + i, "label": "Press the button", "camera_top": "observation.images.top",
            "camera_wrist": "observation.images.wrist", "camera_side": None,
        }
        for i in range(num_episodes)
    )  # fmt: skip


def make_requirements(
    checkpoint: Path,
    joints: tuple[str, ...] = JOINTS,
    roles: tuple[str, ...] = ("top", "wrist"),
    robot_type: str = "so100",
) -> Requirements:
    vector = tuple(Joint(name=name, unit="deg", min=-90.0, max=90.0) for name in joints)
    cameras = tuple(
        CameraSlot(key=key, role=role, height_px=48, width_px=64, is_required=True)
        for key, role in zip(CAMERAS, roles, strict=False)
    )
    return Requirements(
        robot_type=robot_type, state=vector, action=vector, cameras=cameras, fps=30.0, num_parameters=26,
        weights_bytes=(checkpoint / "model.safetensors").stat().st_size,
    )  # fmt: skip


def make_run(checkpoint: Path, rows: pl.DataFrame) -> TrainingRun:
    return TrainingRun(
        name="press-button", kind="finetune", recipe={"name": "finetune-small"}, corpus_hash=digest_of("corpus"),
        base_digest=digest_of("base"), episodes=tuple(sorted(set(rows["episode_hash"]))), num_frames=int(rows["num_frames"].sum()),
        num_steps=100, first_loss=1.0, final_loss=0.1, weights_sha256=file_sha256(checkpoint / "model.safetensors"),
        code_version="0.1.0",
    )  # fmt: skip


def make_inputs(
    folder: Path,
    skill: Skill | None = None,
    *,
    seed: int = 0,
    num_successes: int = 13,
    rows: pl.DataFrame | None = None,
    videos: dict[str, bytes] | None = None,
    **requirements: Any,
) -> PackInputs:
    """Everything that a pack is made of, below `folder`."""
    skill = skill or make_skill()
    rows = make_rows(skill.id) if rows is None else rows
    checkpoint = make_checkpoint(folder / "pretrained_model", seed)
    digest = file_sha256(checkpoint / "model.safetensors")
    return PackInputs(
        skill=skill, checkpoint=checkpoint, run=make_run(checkpoint, rows), episodes=rows, publisher="deftworks",
        evaluation=make_evaluation(folder / "evaluation", digest, skill.id, num_successes, videos),
        requirements=make_requirements(checkpoint, **requirements),
    )  # fmt: skip


def edit_json(path: Path, **changes: Any) -> None:
    write_json(path, json.loads(path.read_text()) | changes)
