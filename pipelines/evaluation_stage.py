"""Rollouts of a skill's policy beside doing nothing: simulation and policy meet here, above both rooms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.catalogue import ROLLOUTS
from data_contracts.manifests import EvaluationReport, RateWithInterval
from data_contracts.skills import Skill
from data_contracts.stages import file_sha256
from pipelines.suite_stage import make_actor

if TYPE_CHECKING:
    from simulation.rollouts import Rollout

PROCESSES = 2
VIDEOS = "videos"


def evaluate_into(out: Path, skill: Skill, policy: Path, tell: Callable[[str], None]) -> None:
    """Writes evaluation.json, rollouts.parquet and videos/ for the policy in `policy` (a `pretrained_model` folder)."""
    from simulation.acting import DoNothing
    from simulation.evaluate import evaluate
    from simulation.rollouts import Conditions

    wanted = skill.evaluation
    cameras = {f"observation.images.{slot}": view for slot, view in wanted.views.items()}
    conditions = Conditions(wanted.world, cameras=cameras, size=picture_size(policy), units=wanted.units)
    seeds = list(range(wanted.first_seed, wanted.first_seed + wanted.num_rollouts))
    rollouts = evaluate(
        conditions, partial(make_actor, str(policy), None, "cpu", 1), seeds,
        num_videos=wanted.num_videos, video_folder=out / VIDEOS, processes=PROCESSES,
    )  # fmt: skip
    tell(f"{sum(r.is_success for r in rollouts)} of {len(rollouts)} rollouts succeeded")
    idle = evaluate(conditions, DoNothing, seeds, num_videos=0, processes=PROCESSES)
    rows = [*_rows("policy", wanted.world, rollouts), *_rows("do_nothing", wanted.world, idle)]
    ROLLOUTS.write(ROLLOUTS.frame(rows), out / "rollouts.parquet")
    EvaluationReport(
        skill_id=skill.id,
        world=wanted.world,
        policy_digest=file_sha256(policy / "model.safetensors"),
        seeds=tuple(seeds),
        policy=rate_of(rollouts),
        baselines={"do_nothing": rate_of(idle)},
        videos={rollout.video.name: rollout.is_success for rollout in rollouts if rollout.video},
    ).write(out / "evaluation.json")


def picture_size(policy: Path) -> tuple[int, int]:
    """Returns (height, width) of the pictures that the policy learnt from: other shapes are letterboxed otherwise."""
    from policy.checkpoint import read_config

    config = read_config(policy)
    _, height, width = config.input_features[config.camera_keys[0]].shape
    return height, width


def rate_of(rollouts: Sequence[Rollout]) -> RateWithInterval:
    """Returns successes of n with the 95% Wilson interval."""
    from simulation.success_rate import wilson_interval

    num_successes = sum(rollout.is_success for rollout in rollouts)
    low, high = wilson_interval(num_successes, len(rollouts))
    return RateWithInterval(num_successes=num_successes, num_rollouts=len(rollouts), low=low, high=high)


def _rows(policy: str, world: str, rollouts: Sequence[Rollout]) -> list[dict[str, object]]:
    return [
        {
            "policy": policy, "world": world, "seed": rollout.seed, "is_success": rollout.is_success,
            "num_steps": rollout.num_steps, "video": rollout.video.name if rollout.video else None,
        }
        for rollout in rollouts
    ]  # fmt: skip
