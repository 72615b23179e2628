"""What a skill pack says of itself: `pack.json`, the one document that its signature stands on.

Every claim that the shop shows and every check beside a robot starts here. The bytes of the pack are listed with their
digests, so whoever trusts this document can trust the folder. How packs are built, signed and verified is
`skill_packs`; nothing here touches a file. No time of day anywhere: the same inputs give the same document.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from data_contracts.identifiers import check_skill_id, split_semantic_version
from data_contracts.manifests import Manifest, RateWithInterval
from data_contracts.robot_profile import MotorCalibration
from data_contracts.skills import Price, Split


def _checked_version(version: str) -> str:
    split_semantic_version(version)
    return version


SkillId = Annotated[str, AfterValidator(check_skill_id)]
Version = Annotated[str, AfterValidator(_checked_version)]
Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Joint(Manifest):
    """One value of the state or action vector, at its place. `min` and `max` are what the training data show, in `unit`."""

    name: str
    unit: str | None = Field(description="Unit as the data state it; null when they state none.")
    min: float
    max: float


class CameraSlot(Manifest):
    """A picture that the policy expects. It must come from a camera that sees what `role` says, whatever its name."""

    key: str = Field(pattern=r"^observation\.images\.camera[1-9]$", description="Slot of the policy.")
    role: str = Field(description="The view, in words of CAMERA_ROLES (data_contracts.catalogue): wrist, top or front.")
    height_px: int = Field(ge=1, description="Of the recordings; the policy scales what it gets.")
    width_px: int = Field(ge=1)
    is_required: bool = Field(description="False when some training episodes lacked this camera.")


class Requirements(Manifest):
    """What a robot must have to run the pack."""

    robot_type: str
    state: tuple[Joint, ...] = Field(min_length=1, description="observation.state, in order.")
    action: tuple[Joint, ...] = Field(min_length=1, description="action, in order.")
    cameras: tuple[CameraSlot, ...] = Field(description="By slot.")
    fps: float = Field(gt=0, description="Rate at which actions follow each other, 1/s.")
    num_parameters: int = Field(ge=1)
    weights_bytes: int = Field(ge=1)
    num_action_steps: int | None = Field(
        default=None,
        ge=1,
        description="Actions of a chunk that are executed before the next; null in packs that did not say.",
    )
    lerobot_versions: str | None = Field(
        default=None,
        description="Releases of LeRobot that read it, a PEP 440 specifier; null in packs that did not say.",
    )
    calibration: dict[str, MotorCalibration] = Field(
        default={}, description="By motor, of the robot that recorded most frames; empty where nobody published it."
    )


class EvaluationSummary(Manifest):
    """The evidence: rollouts of the policy beside baselines on the same seeds, none of which a demonstration used."""

    world: str
    is_simulated: bool
    policy: RateWithInterval
    baselines: dict[str, RateWithInterval]
    seeds: tuple[int, ...]


class Learning(Manifest):
    """How its loss went. A low loss is no evidence that it works: rollouts are."""

    num_steps: int = Field(ge=1)
    first_loss: float
    final_loss: float
    validation: tuple[tuple[int, float], ...] = Field(
        description="Steps, and the loss on held-out episodes after them; empty where none were held out."
    )


class TrainingEpisode(Manifest):
    """An episode that taught the pack: what it is, where it lies, whose it is and under which licence."""

    episode_hash: Sha256
    dataset: str
    episode_index: int
    contributor: str
    licence: str
    num_frames: int = Field(ge=1)


class BaseCredit(Manifest):
    """A dataset that the base policy was pretrained on."""

    dataset: str
    contributor: str
    licence: str
    num_episodes: int = Field(ge=1)


class Provenance(Manifest):
    """From which data, by which training, with which code."""

    corpus_hash: str
    training_run_digest: Sha256
    base_digest: str | None
    recipe: str
    code_version: str
    episodes: tuple[TrainingEpisode, ...] = Field(min_length=1, description="Sorted by dataset and episode.")
    contributors: dict[str, int] = Field(description="Frames of `episodes` by contributor, most frames first.")
    base_credits: tuple[BaseCredit, ...] = Field(
        description="What the base learnt from; empty when it is not from here."
    )


class LicenceStatement(Manifest):
    """What the licences of the recordings, taken together, allow. See `skill_packs.licences`."""

    permits_commercial_use: bool
    requires_attribution: bool
    episodes_by_licence: dict[str, int]
    statement: str


class ChangelogEntry(Manifest):
    """One version and, in a sentence, why there is one."""

    version: Version
    sentence: str


class RolloutVideo(Manifest):
    """A recording of one rollout, success or failure."""

    path: str = Field(pattern=r"^media/[^/]+$")
    is_success: bool


class FileEntry(Manifest):
    """What a file of the pack must be."""

    sha256: Sha256
    size_bytes: int = Field(ge=0)


class SkillPack(Manifest):
    """`pack.json`. The pack's id is the sha256 of this file's bytes; `files` lists every other file but the signature."""

    schema_version: Literal[1] = 1
    skill_id: SkillId
    version: Version
    title: str
    description: str
    publisher: str
    requirements: Requirements
    evaluation: EvaluationSummary
    learning: Learning | None = Field(default=None, description="Null in packs that did not say.")
    provenance: Provenance
    licence: LicenceStatement
    changelog: tuple[ChangelogEntry, ...] = Field(description="Newest first.")
    price: Price
    split: Split
    videos: tuple[RolloutVideo, ...]
    files: dict[str, FileEntry]

    @property
    def size_bytes(self) -> int:
        """Bytes of every listed file."""
        return sum(entry.size_bytes for entry in self.files.values())
