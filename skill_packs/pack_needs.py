"""What a pack asks of a robot, as the fit check reads it: the manifest's requirements and the statistics that it normalises with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import PackError
from data_contracts.skill_pack import Requirements, SkillPack
from skill_packs.checkpoint import ACTION, STATE, num_action_steps, read_statistics
from skill_packs.layout import PACK


@dataclass(frozen=True)
class Distribution:
    """Mean and standard deviation of each value of a vector, in training."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class PackNeeds:
    """`state` and `action` are the statistics of the checkpoint, None where only the manifest is at hand."""

    requirements: Requirements
    state: Distribution | None = None
    action: Distribution | None = None
    num_action_steps: int | None = None

    @classmethod
    def of_manifest(cls, pack: SkillPack) -> PackNeeds:
        """Returns what the manifest alone says; without statistics no robot is said to run the pack."""
        return cls(pack.requirements, num_action_steps=pack.requirements.num_action_steps)


def read_pack_needs(folder: Path) -> PackNeeds:
    """Returns what the pack in `folder` asks for. The folder is believed: verify it first (`skill_packs.verify`).

    Raises:
        PackError: there are no statistics under exactly `observation.state` and `action`, or of another size than the joints.
        ContractError: pack.json is missing or broken.
    """
    pack = SkillPack.read(folder / PACK)
    statistics = read_statistics(folder)
    found = {}
    for feature, joints in ((STATE, pack.requirements.state), (ACTION, pack.requirements.action)):
        mean, std = (tuple(map(float, statistics[f"{feature}.{name}"])) for name in ("mean", "std"))
        if not len(mean) == len(std) == len(joints):
            raise PackError(
                f"{folder} has statistics of {len(mean)} values of {feature} and requires {len(joints)}.",
                hint="Get the pack again from where it was published.",
            )
        found[feature] = Distribution(mean, std)
    steps = pack.requirements.num_action_steps or num_action_steps(folder)
    return PackNeeds(pack.requirements, found[STATE], found[ACTION], steps)
