"""JSON documents that cross a boundary: frozen, versioned, strict about unknown fields.

Tables of many rows are parquet (`data_contracts.catalogue`); what is one document is here. Nothing here holds a time of
day, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.errors import ContractError
from data_contracts.findings import Finding, Severity
from data_contracts.stages import digest_of, write_json

DatasetState = Literal["accepted", "rejected", "quarantined", "unreachable", "gone", "gated"]


class Manifest(BaseModel):
    """Base of every document: reads and writes itself, and has a digest (sha256 over its RFC 8785 form)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def write(self, path: Path) -> None:
        """Writes the document atomically."""
        write_json(path, self.to_json())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a document, or raises ContractError naming the file and the field."""
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ContractError(
                f"{cls.__name__} cannot be read from {path}: {error.strerror}.", hint="Run its stage again."
            ) from error
        except (ValueError, ValidationError) as error:
            first = str(error).splitlines()
            raise ContractError(
                f"{path} is not a valid {cls.__name__}: {'; '.join(first[:3])}.", hint="Run its stage again."
            ) from error

    def digest(self) -> str:
        return digest_of(self.to_json())


class RawDataset(Manifest):
    """Where a dataset lies and what exactly it is.

    `revision` is a digest over the content of every file, or `hub:<commit sha>` of files that were verified against that
    commit's tree. `fetched` says how much of it is here: fetching stops after the metadata or the rows where these show that
    the rest is not worth having; the gate among `findings` then says why.
    """

    schema_version: Literal[2] = 2
    dataset_id: str
    source: str
    path: str
    revision: str
    contributor: str
    size_bytes: int
    num_files: int
    fetched: Literal["all", "metadata", "rows"] = "all"
    findings: tuple[Finding, ...] = ()
    published_at: str | None = Field(
        default=None, description="When its data were published, ISO 8601 UTC; None where no source says."
    )


class CrawlRecord(Manifest):
    """`crawl/<dataset>.json`: what became of a dataset of a remote source when it was last tried. Operational, never hashed.

    `listed`: known, not yet tried. `fetched`: its RawDataset is current. The others say why there is none.
    """

    schema_version: Literal[1] = 1
    dataset_id: str
    repo_id: str
    source: str
    sha: str | None
    state: Literal["listed", "fetched", "unreachable", "gone", "gated", "quarantined"]
    reason: str | None = None
    retry_at: str | None = Field(default=None, description="ISO 8601 UTC: when trying again makes sense (unreachable).")
    num_attempts: int = 0


class DatasetVerdict(Manifest):
    """What `deftworks inspect --json` prints: one dataset, judged as it came."""

    dataset: str
    version: str | None
    robot: str | None
    num_episodes: int
    num_frames: int
    accepted: bool
    reason: str | None
    findings: tuple[Finding, ...]


class CameraFeature(Manifest):
    """A camera of a normalised dataset."""

    key: str
    height_px: int
    width_px: int
    codec: str


class NormalisedEpisode(Manifest):
    """A kept episode: its number in the source, its dense number here, and what it is."""

    episode_index: int
    normalised_index: int
    num_frames: int
    episode_hash: str = Field(description="Of the values as the source published them.")
    written_hash: str = Field(description="Of the values as they were written; the same where no unit was converted.")


JointUnit = Literal["degrees", "normalised", "radians", "counts", "metres", "unknown"]


class Conversion(Manifest):
    """One joint whose values were converted when normalising, with its range over all written episodes before and after."""

    column: str
    joint: str
    from_unit: str
    to_unit: str
    before: tuple[float, float]
    after: tuple[float, float]
    frames: dict[int, tuple[int, ...]] = Field(
        default={}, description="Source episode -> frames where a wrap at half a turn was undone."
    )


class NormalisedDataset(Manifest):
    """`meta/deftworks.json`: what was kept, and every change that normalising made. `episodes` is empty for a rejected dataset.

    The kept episodes of its verdict are exactly those of `episodes` and of `lost` together, and none is in both: `lost` holds
    those whose rows or frames turned out to be damaged when they were to be written, with the reason.
    """

    schema_version: Literal[1] = 1
    dataset_id: str
    revision: str
    source_version: str | None
    licence: str | None
    contributor: str
    robot_type: str | None
    fps: float | None
    is_simulated: bool
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    cameras: tuple[CameraFeature, ...]
    episodes: tuple[NormalisedEpisode, ...]
    changes: tuple[str, ...]
    reencoded: tuple[str, ...]
    has_exact_statistics: Literal[True] = True
    lost: dict[int, str] = Field(default={}, description="Source episode -> why it could not be written.")
    conversions: tuple[Conversion, ...] = ()
    joint_unit: JointUnit | None = Field(default=None, description="Of the joints as written; None without episodes.")
    joint_zero: Literal["middle", "stretched"] | None = Field(
        default=None,
        description="From where the joints count as written: the middle of each range, or the arm stretched out (before LeRobot's PR 777); None where it cannot be told.",
    )


class CorpusDataset(Manifest):
    """A candidate in its terminal state. `num_*_kept` count what may be trained on, after copies are taken out.

    `integrity` and `task_evidence` hold the codes of the findings that concern the dataset as a whole, each with its worst
    severity; those of single episodes stand with the episodes.
    """

    dataset: str
    state: DatasetState
    reason: str | None
    revision: str | None = Field(description="hub:<commit sha>, or a digest of the files; None where it was never had.")
    contributor: str
    licence: str | None
    robot_type: str | None
    num_episodes: int
    num_frames: int
    num_episodes_kept: int
    num_frames_kept: int
    integrity: dict[str, Severity]
    task_evidence: dict[str, Severity]


class CorpusEpisode(Manifest):
    """An episode of a readable dataset: kept where `reason` is None. Hashes, cluster and split are None where it was not normalised."""

    dataset: str
    episode_index: int
    reason: str | None
    num_frames: int
    integrity: dict[str, Severity] = Field(description="Codes of the findings that name it, with the worst severity.")
    task_evidence: dict[str, Severity] = Field(description="The same for the soft findings about the task.")
    episode_hash: str | None
    written_hash: str | None
    cluster_id: str | None
    split: Literal["train", "evaluation"] | None
    label: str | None

    @property
    def is_kept(self) -> bool:
        return self.reason is None


class CorpusManifest(Manifest):
    """Who is in, who is out, and why. Its digest is the corpus hash: no path, time, score or confidence, sorted, so that it can be rebuilt."""

    schema_version: Literal[2] = 2
    datasets: tuple[CorpusDataset, ...]
    episodes: tuple[CorpusEpisode, ...]


class RunReport(Manifest):
    """What `deftworks run --json` prints first of all: stable for scripts."""

    corpus_hash: str
    datasets: tuple[RunDataset, ...]


class RunDataset(Manifest):
    """One dataset of a RunReport."""

    dataset: str
    state: DatasetState
    reason: str | None
    num_episodes: int
    num_frames: int
    num_episodes_kept: int
    num_frames_kept: int


class TrainingRun(Manifest):
    """How a policy came to be: enough to train it again."""

    schema_version: Literal[1] = 1
    name: str
    kind: Literal["pretrain", "finetune"]
    recipe: dict[str, Any]
    corpus_hash: str
    base_digest: str | None
    episodes: tuple[str, ...] = Field(description="Episode hashes trained on, sorted.")
    num_frames: int
    num_steps: int
    first_loss: float
    final_loss: float
    held_out: tuple[str, ...] = Field(
        (), description="Episode hashes that it was validated on, sorted; none of them was trained on."
    )
    validation: tuple[tuple[int, float], ...] = Field(
        (), description="Steps, and the loss on the held-out episodes after them."
    )
    has_stalled: bool = Field(
        False, description="True when it ended before its last step, because validation got no better."
    )
    weights_sha256: str
    code_version: str


class RateWithInterval(Manifest):
    """Successes of n rollouts, with the 95% Wilson score interval."""

    num_successes: int
    num_rollouts: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        return self.num_successes / self.num_rollouts if self.num_rollouts else 0.0


class EvaluationReport(Manifest):
    """Rollouts of a policy beside a baseline on the same seeds, none of which a demonstration used."""

    schema_version: Literal[1] = 1
    skill_id: str
    world: str
    is_simulated: Literal[True] = True
    policy_digest: str
    seeds: tuple[int, ...]
    policy: RateWithInterval
    baselines: dict[str, RateWithInterval]
    videos: dict[str, bool] = Field(description="File name of each recording below videos/, and whether it succeeded.")


class Contribution(Manifest):
    """`contributions/<id>/contribution.json`, written last: an upload with its verdict. The `uploads:` source lists these."""

    schema_version: Literal[1] = 1
    contribution_id: str
    contributor: str
    dataset_id: str
    revision: str
    accepted_episodes: tuple[int, ...]
    rejected_episodes: dict[int, tuple[str, ...]] = Field(description="Episode and the codes that reject it.")


class ReleasePointer(Manifest):
    """`releases/CURRENT`: which release the shop shows. Moved atomically, after the release lies there whole."""

    schema_version: Literal[1] = 1
    release: int
    catalogue_sha256: str


RunReport.model_rebuild()
MANIFESTS = (
    RawDataset, DatasetVerdict, NormalisedDataset, CorpusManifest, RunReport, TrainingRun, EvaluationReport, Contribution,
    ReleasePointer,
)  # fmt: skip
