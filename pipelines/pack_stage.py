"""From a skill's policy, evidence and episodes to a signed pack: packs, simulation's units and the lake meet here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.catalogue import CAMERA_ROLE_TABLE, SKILL_INDEX
from data_contracts.layout import Lake
from data_contracts.manifests import TrainingRun
from data_contracts.skills import Skill
from pipelines.training_stage import skill_episodes

if TYPE_CHECKING:
    from skill_packs.verify import VerifiedPack

PUBLISHER = "Deftworks"


def pack_skill(lake: Lake, skill: Skill) -> Path:
    """Returns the folder of the skill's newest pack; a new version is built and signed when something changed."""
    from skill_packs.build import PackInputs, build_pack
    from skill_packs.requirements import read_requirements
    from skill_packs.signing import open_signing_key

    checkpoint = lake.skill_policy(skill.id) / "pretrained_model"
    episodes = skill_episodes(lake, skill.id)
    datasets = episodes["dataset_id"].unique().sort()
    roles = [CAMERA_ROLE_TABLE.read(lake.camera_roles(name) / "camera_roles.parquet") for name in datasets]
    requirements = read_requirements(
        checkpoint, episodes, lake.normalised, skill.robot_type, units=joint_units(skill), roles=pl.concat(roles)
    )
    inputs = PackInputs(
        skill=skill,
        checkpoint=checkpoint,
        evaluation=lake.evaluation(skill.id),
        run=TrainingRun.read(lake.skill_policy(skill.id) / "training_run.json"),
        episodes=episodes,
        base_episodes=SKILL_INDEX.read(lake.mixture / "mixture.parquet"),
        requirements=requirements,
        publisher=PUBLISHER,
    )
    return build_pack(lake.packs(skill.id), inputs, open_signing_key(lake.keys)).folder


def verify_newest(lake: Lake, folder: Path) -> VerifiedPack:
    """Returns the pack, verified with this shop's pinned keys."""
    from skill_packs.signing import read_trusted_keys
    from skill_packs.verify import verify_pack

    return verify_pack(folder, read_trusted_keys(lake.keys))


def joint_units(skill: Skill) -> dict[str, str]:
    """Returns the unit of each joint by name, as the world in which the skill was judged defines it."""
    from simulation.worlds import joint_units as units_of_world

    return dict(units_of_world(skill.evaluation.world, skill.evaluation.units))
