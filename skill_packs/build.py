"""Builds a pack folder: copies what belongs in it, says what it is, decides its version, signs it. All or nothing.

The same inputs and the same packs before it give the same bytes; where nothing changed since the newest version, that
version is returned and nothing is written.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import PackError
from data_contracts.manifests import EvaluationReport, TrainingRun
from data_contracts.skill_pack import (
    BaseCredit,
    ChangelogEntry,
    EvaluationSummary,
    FileEntry,
    Learning,
    LicenceStatement,
    Provenance,
    Requirements,
    RolloutVideo,
    SkillPack,
    TrainingEpisode,
)
from data_contracts.skills import Skill
from data_contracts.stages import bytes_sha256, file_sha256, remove_folder
from skill_packs import documents
from skill_packs.checkpoint import Checkpoint, read_checkpoint
from skill_packs.layout import (
    CHANGELOG,
    EVALUATION,
    MEDIA,
    NOTICE,
    PACK,
    README,
    ROLLOUTS,
    WEIGHTS,
    is_safe_path,
    versions,
)
from skill_packs.licences import check_licences, spdx_spelling
from skill_packs.signing import sign_pack
from skill_packs.version import FIRST, Change, decide_version

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class BuiltPack:
    """Where the pack lies and what it is. `is_new` is False when the newest version already holds exactly this."""

    folder: Path
    pack: SkillPack
    pack_id: str
    is_new: bool


@dataclass(frozen=True)
class PackInputs:
    """Everything that a pack is made of.

    `checkpoint` is a `pretrained_model/` folder; `evaluation` holds evaluation.json, videos/ and, if rollouts were written
    down, rollouts.parquet. `episodes` are SKILL_INDEX rows of this skill, `base_episodes` of the mixture that the base policy
    was pretrained on, or None for a base from elsewhere: what the base learnt is in these weights too, so the licences of
    both are checked.
    """

    skill: Skill
    checkpoint: Path
    evaluation: Path
    run: TrainingRun
    episodes: pl.DataFrame
    requirements: Requirements
    publisher: str
    base_episodes: pl.DataFrame | None = None


def build_pack(packs: Path, inputs: PackInputs, signer: CryptoSigner) -> BuiltPack:
    """Returns a signed pack below `packs`, the folder of this skill's versions (`lake.packs(skill_id)`).

    Raises:
        PackError: the checkpoint is unfit, or checkpoint, evaluation, training run and episodes do not belong together.
        LicenceRefused: the licence of a training episode forbids it; `blocking` lists all of them.
    """
    policy = read_checkpoint(inputs.checkpoint)
    report = EvaluationReport.read(inputs.evaluation / EVALUATION)
    _check_belonging(policy, report, inputs)
    rows = _training_rows(inputs)
    base_rows = _base_rows(inputs)
    licence = check_licences([*rows, *base_rows], is_priced=inputs.skill.price.amount_minor > 0)
    earlier = versions(packs)
    previous = SkillPack.read(earlier[-1] / PACK) if earlier else None
    scratch = packs / ".partial"
    remove_folder(scratch)
    scratch.mkdir(parents=True)
    try:
        files = _copy_files(policy, report, inputs.evaluation, scratch)
        draft = _describe(inputs, report, rows, base_rows, licence, files)
        change = decide_version(previous, draft)
        if not change.is_new:
            return _built(packs / change.version, is_new=False)
        _finish(scratch, _with_version(draft, change, previous), signer)
        scratch.rename(packs / change.version)
    finally:
        remove_folder(scratch)
    return _built(packs / change.version, is_new=True)


def _built(folder: Path, *, is_new: bool) -> BuiltPack:
    return BuiltPack(folder, SkillPack.read(folder / PACK), file_sha256(folder / PACK), is_new)


def _check_belonging(policy: Checkpoint, report: EvaluationReport, inputs: PackInputs) -> None:
    """Evidence of another policy, or another skill's, must never travel with these weights."""
    weights, needs, skill_id = file_sha256(policy.folder / WEIGHTS), inputs.requirements, inputs.skill.id
    claims = {
        "training run": inputs.run.weights_sha256 == weights,
        "evaluation": report.policy_digest == weights,
        "requirements": (needs.num_parameters, needs.weights_bytes) == (policy.num_parameters, policy.weights_bytes),
    }
    if wrong := [name for name, is_right in claims.items() if not is_right]:
        raise PackError(
            f"The {' and the '.join(wrong)} of {skill_id} are not of the policy in {policy.folder} ({weights}).",
            hint="Run training and evaluation of this skill again.",
        )
    if report.skill_id != skill_id:
        raise PackError(f"The evaluation is of {report.skill_id}, the pack of {skill_id}.", hint="Evaluate this skill.")


def _training_rows(inputs: PackInputs) -> list[dict[str, Any]]:
    """Returns the rows of exactly the episodes that the run was trained on, sorted by dataset and episode."""
    frame = SKILL_INDEX.check(inputs.episodes).filter(pl.col("skill_id") == inputs.skill.id)
    trained = set(inputs.run.episodes)
    if unknown := sorted(trained - set(frame["episode_hash"])):
        raise PackError(
            f"{inputs.skill.id} was trained on {len(unknown)} episodes that the skill index does not list ({unknown[0]}).",
            hint="Train it again on the episodes of the present index.",
        )
    rows = frame.filter(pl.col("episode_hash").is_in(sorted(trained))).sort("dataset_id", "episode_index").to_dicts()
    if not rows:
        raise PackError(f"{inputs.skill.id} was trained on no episode.", hint="Widen its `episodes` in skills.toml.")
    return rows


def _base_rows(inputs: PackInputs) -> list[dict[str, Any]]:
    if inputs.base_episodes is None:
        return []
    return SKILL_INDEX.check(inputs.base_episodes).sort("dataset_id", "episode_index").to_dicts()


def _copy_files(policy: Checkpoint, report: EvaluationReport, evaluation: Path, target: Path) -> dict[str, FileEntry]:
    sources = {path: policy.folder / path for path in policy.files} | {EVALUATION: evaluation / EVALUATION}
    if (evaluation / ROLLOUTS).is_file():
        sources[ROLLOUTS] = evaluation / ROLLOUTS
    for name in report.videos:
        if not is_safe_path(name) or "/" in name:
            raise PackError(f"{name!r} is no file name of a recording.", hint="Evaluate the skill again.")
        sources[f"{MEDIA}/{name}"] = evaluation / "videos" / name
    return {path: _copy(source, target / path) for path, source in sorted(sources.items())}


def _copy(source: Path, target: Path) -> FileEntry:
    """Copies a file and returns what was copied: the digest is that of the bytes written, whatever happens to the source."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with source.open("rb") as reader, target.open("xb") as writer:
            while block := reader.read(_BLOCK_BYTES):
                digest.update(block)
                size_bytes += writer.write(block)
    except OSError as error:
        raise PackError(
            f"{source} cannot be packed: {error.strerror}.", hint="Run the stage that wrote it again."
        ) from error
    return FileEntry(sha256=f"sha256:{digest.hexdigest()}", size_bytes=size_bytes)


def _describe(
    inputs: PackInputs,
    report: EvaluationReport,
    rows: list[dict[str, Any]],
    base_rows: list[dict[str, Any]],
    licence: LicenceStatement,
    files: dict[str, FileEntry],
) -> SkillPack:
    """Returns the manifest as far as it does not depend on the version."""
    skill, run = inputs.skill, inputs.run
    return SkillPack(
        skill_id=skill.id,
        version=FIRST,
        title=skill.title,
        description=skill.description,
        publisher=inputs.publisher,
        requirements=inputs.requirements,
        evaluation=EvaluationSummary(
            world=report.world, is_simulated=report.is_simulated, policy=report.policy, baselines=report.baselines,
            seeds=report.seeds,
        ),
        learning=Learning(
            num_steps=run.num_steps, first_loss=run.first_loss, final_loss=run.final_loss, validation=run.validation
        ),
        provenance=Provenance(
            corpus_hash=run.corpus_hash, training_run_digest=run.digest(), base_digest=run.base_digest, recipe=skill.recipe,
            code_version=run.code_version, episodes=tuple(_episode(row) for row in rows), contributors=_frames_by_contributor(rows),
            base_credits=_base_credits(base_rows),
        ),
        licence=licence,
        changelog=(),
        price=skill.price,
        split=skill.split,
        videos=tuple(
            RolloutVideo(path=f"{MEDIA}/{name}", is_success=is_success) for name, is_success in sorted(report.videos.items())
        ),
        files=files,
    )  # fmt: skip


def _episode(row: dict[str, Any]) -> TrainingEpisode:
    return TrainingEpisode(
        episode_hash=row["episode_hash"], dataset=row["dataset_id"], episode_index=row["episode_index"],
        contributor=row["contributor"], licence=spdx_spelling(row["licence"]), num_frames=row["num_frames"],
    )  # fmt: skip


def _frames_by_contributor(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    frames: Counter[str] = Counter()
    for row in rows:
        frames[row["contributor"]] += row["num_frames"]
    return dict(sorted(frames.items(), key=lambda item: (-item[1], item[0])))


def _base_credits(rows: Iterable[dict[str, Any]]) -> tuple[BaseCredit, ...]:
    counts = Counter((row["dataset_id"], row["contributor"], spdx_spelling(row["licence"])) for row in rows)
    return tuple(
        BaseCredit(dataset=dataset, contributor=contributor, licence=licence, num_episodes=number)
        for (dataset, contributor, licence), number in sorted(counts.items())
    )


def _with_version(draft: SkillPack, change: Change, previous: SkillPack | None) -> SkillPack:
    history = previous.changelog if previous else ()
    entry = ChangelogEntry(version=change.version, sentence=change.sentence)
    return draft.model_copy(update={"version": change.version, "changelog": (entry, *history)})


def _finish(folder: Path, manifest: SkillPack, signer: CryptoSigner) -> None:
    """Writes the documents, then pack.json that lists them, then the signature."""
    files = dict(manifest.files)
    texts = {README: documents.readme, NOTICE: documents.notice, CHANGELOG: documents.changelog}
    for name, text_of in texts.items():
        content = text_of(manifest).encode()
        (folder / name).write_bytes(content)
        files[name] = FileEntry(sha256=bytes_sha256(content), size_bytes=len(content))
    manifest.model_copy(update={"files": dict(sorted(files.items()))}).write(folder / PACK)
    sign_pack(folder, signer)
