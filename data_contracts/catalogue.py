"""Every table of the lake, declared. Reading top to bottom follows the data; see `data_contracts.tables` for the mechanism.

`episode_index` is always the number that the source gave an episode, so that it can be found again there;
`normalised_index` is its dense number in the normalised dataset.
"""

from __future__ import annotations

import polars as pl

from data_contracts.tables import Column, Rule, TableContract

CAMERA_ROLES = ("top", "wrist", "wrist_left", "wrist_right", "side", "front", "other", "unknown")

_DATASET = Column("dataset_id", pl.String, "Dataset: `org__name`.")
_EPISODE = Column("episode_index", pl.Int64, "Episode, as the source numbers it.")
_NORMALISED = Column("normalised_index", pl.Int64, "Episode, as the normalised dataset numbers it (dense).")
_HASH = Column("episode_hash", pl.String, "Canonical hash of state and action values.")
_CONTRIBUTOR = Column("contributor", pl.String, "Who recorded it.")
_LICENCE = Column(
    "licence", pl.String, "SPDX identifier as the source states it; null when it states none.", is_nullable=True
)
_NUM_FRAMES = Column("num_frames", pl.Int64, "Frames.")
_FPS = Column("fps", pl.Float64, "Frames per second, as declared.", "1/s")
_LABEL = Column(
    "label", pl.String, "Task as one imperative sentence; null when nothing could be said.", is_nullable=True
)
_SKILL = Column("skill_id", pl.String, "Row of skills.toml.")

_HAS_FRAMES = Rule("has_frames", "An episode has at least one frame.", lambda: pl.col("num_frames") > 0)
_IS_HASH = Rule("hash_is_sha256", "The hash is written sha256:<64 hex digits>.",
                lambda: pl.col("episode_hash").str.contains(r"^sha256:[0-9a-f]{64}$"))  # fmt: skip
_IS_CONFIDENCE = Rule("confidence_in_0_1", "Confidence lies in 0..1.", lambda: pl.col("confidence").is_between(0, 1))

SOURCE_LISTING = TableContract(
    "source_listing", 1, "Every candidate dataset of the configured sources.", ("dataset_id",),
    (
        _DATASET,
        Column("source", pl.String, "Source that lists it, as configured: `folder:PATH`, `uploads:`."),
        Column("path", pl.String, "Folder of the dataset."),
        Column("stamp", pl.String, "Digest of file names, sizes and times: cheap to take, changes when a file does."),
        _CONTRIBUTOR,
        Column("repo_id", pl.String, "Its repository on the Hub; null for every other source.", is_nullable=True),
    ),
)  # fmt: skip

FINDINGS = TableContract(
    "findings", 1, "What the reader and the detectors found, judged as the data came.", (),
    (
        _DATASET,
        Column("code", pl.String, "family.name; see docs/contracts/finding-codes.md."),
        Column("severity", pl.String, "gate, warn or note."),
        Column("episodes", pl.List(pl.Int64), "Affected episodes; null for the whole dataset.", is_nullable=True),
        Column("message", pl.String, "One sentence for a person."),
        Column("evidence_json", pl.String, "Numbers behind it."),
    ),
    (Rule("severity_is_known", "Severity is gate, warn or note.", lambda: pl.col("severity").is_in(["gate", "warn", "note"])),),
)  # fmt: skip

EPISODES = TableContract(
    "episodes", 1, "One row per episode of a dataset: its size and whether it is kept.", ("dataset_id", "episode_index"),
    (
        _DATASET, _EPISODE, _NUM_FRAMES,
        Column("duration_s", pl.Float64, "Frames over declared fps.", "s"),
        Column("task", pl.String, "Task text as published; null when there is none.", is_nullable=True),
        Column("is_kept", pl.Boolean, "True when no gate finding names it."),
        Column("reasons", pl.List(pl.String), "Codes of the gate findings that reject it."),
    ),
    (Rule("rejection_has_reason", "A rejected episode names a reason, a kept one none.",
          lambda: pl.col("is_kept") == (pl.col("reasons").list.len() == 0)),),
)  # fmt: skip

JOINT_RANGES = TableContract(
    "joint_ranges", 1, "How far each dimension of state and action reaches in a dataset, over its readable episodes.",
    ("dataset_id", "column", "dimension"),
    (
        _DATASET,
        Column("column", pl.String, "observation.state or action."),
        Column("dimension", pl.Int64, "Place in the vector, from 0."),
        Column("name", pl.String, "As declared, or the number of the dimension."),
        Column("robot_type", pl.String, "As declared; null when not.", is_nullable=True),
        Column("num_episodes", pl.Int64, "Episodes that were read."),
        Column("low", pl.Float64, "Lowest value, in the unit of the source."),
        Column("high", pl.Float64, "Highest value, in the unit of the source."),
        Column("centre", pl.Float64, "Median over episodes of the median of each, in the unit of the source."),
    ),
    (Rule("low_is_not_above_high", "The range is one.", lambda: pl.col("low") <= pl.col("high")),),
)  # fmt: skip

CAMERA_ROLE_TABLE = TableContract(
    "camera_roles", 1, "Which camera of a dataset shows what.", ("dataset_id", "camera_key"),
    (
        _DATASET,
        Column("camera_key", pl.String, "Feature key: observation.images.<name>."),
        Column("role", pl.String, "top, wrist, wrist_left, wrist_right, side, front, other or unknown."),
        Column("confidence", pl.Float64, "How sure, 0..1."),
        Column("moving_fraction", pl.Float64, "Fraction of the picture that changes while the arm moves.", is_nullable=True),
        Column("height_px", pl.Int64, "Picture height.", "px"),
        Column("width_px", pl.Int64, "Picture width.", "px"),
        Column("evidence", pl.String, "Why, for a person."),
    ),
    (_IS_CONFIDENCE, Rule("role_is_known", "The role is one of the vocabulary.", lambda: pl.col("role").is_in(CAMERA_ROLES))),
)  # fmt: skip

TASK_LABELS = TableContract(
    "task_labels", 1, "One instruction per kept episode, with the original text beside it.", ("dataset_id", "episode_index"),
    (
        _DATASET, _EPISODE,
        Column("original", pl.String, "Task text as published; null when there is none.", is_nullable=True),
        _LABEL,
        Column("annotator", pl.String, "Who said it: `rules@1`, or model and revision."),
        Column("prompt_hash", pl.String, "Hash of the prompt; null for rules.", is_nullable=True),
        Column("confidence", pl.Float64, "How sure, 0..1."),
        Column("note", pl.String, "What was changed, or why there is no label.", is_nullable=True),
    ),
    (_IS_CONFIDENCE,),
)  # fmt: skip

FINGERPRINTS = TableContract(
    "fingerprints", 2, "What each kept episode is, wherever it was copied to, in tiers from its bytes to its likeness.",
    ("dataset_id", "episode_index"),
    (
        _DATASET, _EPISODE, _NORMALISED, _NUM_FRAMES, _HASH,
        Column("written_hash", pl.String, "The same of the values as they were written.", is_nullable=True),
        Column("picture_digests", pl.List(pl.String), "sha256 over the encoded frames of each camera, sorted.", is_nullable=True),
        Column("joint_digests", pl.List(pl.Int64), "Digest of each moving joint, the same under another offset, unit, sign and order; ascending.", is_nullable=True),
        Column("state_size", pl.Int64, "Leading columns of joint_path that are state; the others are action.", is_nullable=True),
        Column("joint_path", pl.Binary, "State and action over the episode, packed (curation.duplicates.signal); null where nothing moves.", is_nullable=True),
        Column("picture_signals", pl.List(pl.Binary), "Small grey pictures over the episode, packed, per camera.", is_nullable=True),
    ),
    (_HAS_FRAMES, _IS_HASH),
)  # fmt: skip

DUPLICATES = TableContract(
    "duplicates", 2, "Clusters of copies over all datasets; a cluster of one is an original. A cluster is never divided between splits.", ("dataset_id", "episode_index"),
    (
        _DATASET, _EPISODE, _HASH,
        Column("cluster_id", pl.String, "Shared by all that are copies of each other, directly or through others."),
        Column("cluster_size", pl.Int64, "Episodes of the cluster, this one included."),
        Column("is_original", pl.Boolean, "True where it is no copy of an episode that is credited before it."),
        Column("original_dataset_id", pl.String, "Dataset of the episode that it copies; its own for an original."),
        Column("original_episode_index", pl.Int64, "Episode that it copies; its own for an original."),
        Column("copy_kind", pl.String, "exact or near; null for an original.", is_nullable=True),
        Column("evidence", pl.String, "Which fingerprints agree and how far; null for an original.", is_nullable=True),
        Column("split", pl.String, "train or evaluation: a function of the cluster alone."),
    ),
    (_IS_HASH,
     Rule("copy_has_kind", "A copy says of which kind it is, an original does not.",
          lambda: pl.col("is_original") == pl.col("copy_kind").is_null()),
     Rule("split_is_known", "The split is train or evaluation.", lambda: pl.col("split").is_in(["train", "evaluation"]))),
)  # fmt: skip

CORPUS_EPISODES = TableContract(
    "corpus_episodes", 2, "Every episode of every readable dataset with what is known of it; skills query this table.",
    ("dataset_id", "episode_index"),
    (
        _DATASET, _EPISODE,
        Column("is_kept", pl.Boolean, "True when it may be trained on."),
        Column("reason", pl.String, "Why it is not kept; null when it is.", is_nullable=True),
        Column("normalised_index", pl.Int64, "Number in the normalised dataset; null when it was not normalised.", is_nullable=True),
        Column("episode_hash", pl.String, "Canonical hash as published; null when it was not normalised.", is_nullable=True),
        Column("written_hash", pl.String, "Canonical hash as written; null when it was not normalised.", is_nullable=True),
        Column("cluster_id", pl.String, "Cluster of copies; null when it was not normalised.", is_nullable=True),
        Column("cluster_size", pl.Int64, "Episodes of that cluster over all datasets; null when it was not normalised.", is_nullable=True),
        Column("copy_of", pl.String, "Kept episode in whose favour this copy is left out; null for all others.", is_nullable=True),
        Column("copy_kind", pl.String, "exact or near; null where it is not left out as a copy.", is_nullable=True),
        Column("split", pl.String, "train or evaluation, the same for a whole cluster; null when it was not normalised.", is_nullable=True),
        _CONTRIBUTOR, _LICENCE,
        Column("robot_type", pl.String, "As declared; null when not.", is_nullable=True),
        _FPS, _NUM_FRAMES,
        Column("state_size", pl.Int64, "Length of observation.state; null when it was not normalised.", is_nullable=True),
        Column("action_size", pl.Int64, "Length of action; null when it was not normalised.", is_nullable=True),
        _LABEL,
        Column("camera_top", pl.String, "Camera key in the role of slot camera1; null when there is none.", is_nullable=True),
        Column("camera_wrist", pl.String, "Camera key in the role of slot camera2; null when there is none.", is_nullable=True),
        Column("camera_side", pl.String, "Camera key in the role of slot camera3; null when there is none.", is_nullable=True),
        Column("warnings", pl.List(pl.String), "Codes of warn findings that name it or its whole dataset."),
        Column("notes", pl.List(pl.String), "Codes of notes that name it or its whole dataset."),
        Column("joint_unit", pl.String, "Unit of the joints as written, `unknown` where it could not be told; null when nothing was normalised.", is_nullable=True),
        Column("is_simulated", pl.Boolean, "True when the data are known to come from a simulator."),
    ),
    (Rule("kept_is_complete", "A kept episode has a hash, a number and a cluster.",
          lambda: ~pl.col("is_kept") | pl.all_horizontal(pl.col("normalised_index", "episode_hash", "cluster_id").is_not_null())),
     Rule("rejection_has_reason", "A rejected episode names a reason, a kept one none.",
          lambda: pl.col("is_kept") == pl.col("reason").is_null()),
     Rule("copy_is_not_kept", "What is left out as a copy names the episode kept in its place, and is not kept.",
          lambda: (pl.col("copy_of").is_null() == pl.col("copy_kind").is_null()) & (pl.col("copy_of").is_null() | ~pl.col("is_kept")))),
)  # fmt: skip

SKILL_INDEX = TableContract(
    "skill_index", 1, "Which episodes teach which skill: the answer of each skill's query, frozen.",
    ("skill_id", "dataset_id", "episode_index"),
    (
        _SKILL, _DATASET, _EPISODE, _NORMALISED, _HASH, _CONTRIBUTOR, _LICENCE, _FPS, _NUM_FRAMES,
        Column("label", pl.String, "Task as one imperative sentence."),
        Column("camera_top", pl.String, "Camera key of slot camera1; null when there is none.", is_nullable=True),
        Column("camera_wrist", pl.String, "Camera key of slot camera2; null when there is none.", is_nullable=True),
        Column("camera_side", pl.String, "Camera key of slot camera3; null when there is none.", is_nullable=True),
    ),
    (_HAS_FRAMES, _IS_HASH),
)  # fmt: skip

ROLLOUTS = TableContract(
    "rollouts", 1, "Every rollout of an evaluation, in simulation.", ("policy", "world", "seed"),
    (
        Column("policy", pl.String, "`policy` or the name of a baseline."),
        Column("world", pl.String, "Simulated world and task."),
        Column("seed", pl.Int64, "Seed of the start; no demonstration used it."),
        Column("is_success", pl.Boolean, "The world's own rule."),
        Column("num_steps", pl.Int64, "Steps until success or the horizon."),
        Column("video", pl.String, "File name of the recording; null when none was kept.", is_nullable=True),
    ),
)  # fmt: skip

SUITE_ROLLOUTS = TableContract(
    "suite_rollouts", 1, "Every rollout of a suite, in simulation: the policy's and those it is compared with.",
    ("entrant", "world", "start", "seed"),
    (
        Column("entrant", pl.String, "`policy`, or the name of a baseline or control."),
        Column("suite", pl.String, "Suite of worlds."),
        Column("task_group", pl.String, "Group of the suite, e.g. its difficulty."),
        Column("world", pl.String, "Simulated world and task."),
        Column("start", pl.String, "`standard`, or `displaced`: the arm is driven away first."),
        Column("seed", pl.Int64, "Seed of the start; no demonstration used it."),
        Column("instruction", pl.String, "What the policy was told to do."),
        Column("is_success", pl.Boolean, "The world's own rule."),
        Column("num_steps", pl.Int64, "Steps until success or the horizon."),
        Column("sum_reward", pl.Float64, "Sum of the world's rewards until then."),
        Column("max_reward", pl.Float64, "Largest of them."),
        Column("duration_s", pl.Float64, "Wall time of the rollout.", "s"),
        Column("video", pl.String, "Recording, relative to the table's folder; null when none was kept.", is_nullable=True),
    ),
)  # fmt: skip

CATALOGUE = TableContract(
    "catalogue", 2, "Skill packs on sale in one release.", ("skill_id", "version"),
    (
        _SKILL,
        Column("version", pl.String, "Semantic version of the pack."),
        Column("pack_id", pl.String, "sha256 of the pack's manifest."),
        Column("title", pl.String, "For people."),
        Column("description", pl.String, "For people."),
        Column("task_words", pl.List(pl.String), "Words of the title that say what it does, in lower case."),
        Column("robot_type", pl.String, "Robot that it drives."),
        Column("camera_roles", pl.List(pl.String), "Views of its required cameras, sorted; see CAMERA_ROLES."),
        Column("licences", pl.List(pl.String), "Licences of the recordings that it and its base learnt from, sorted."),
        Column("world", pl.String, "Where it was evaluated."),
        Column("is_simulated", pl.Boolean, "True when the evidence comes from simulation."),
        Column("num_successes", pl.Int64, "Successful rollouts."),
        Column("num_rollouts", pl.Int64, "Rollouts."),
        Column("success_low", pl.Float64, "Lower end of the 95% Wilson interval."),
        Column("success_high", pl.Float64, "Upper end of the 95% Wilson interval."),
        Column("baseline_successes", pl.Int64, "Successful rollouts of the do-nothing baseline."),
        Column("num_episodes", pl.Int64, "Episodes that taught it."),
        Column("num_contributors", pl.Int64, "People and groups who recorded them."),
        Column("price_minor", pl.Int64, "Price in the currency's minor unit; 0 is free.", "minor"),
        Column("currency", pl.String, "ISO 4217."),
        Column("path", pl.String, "Pack folder, relative to the lake."),
        Column("size_bytes", pl.Int64, "All files of the pack.", "bytes"),
        Column("first_release", pl.Int64, "Number of the first release of this lake that held this version."),
    ),
    (Rule("price_not_negative", "A price is zero or more.", lambda: pl.col("price_minor") >= 0),
     Rule("successes_within_rollouts", "No more successes than rollouts.", lambda: pl.col("num_successes") <= pl.col("num_rollouts"))),
)  # fmt: skip

TABLES = (
    SOURCE_LISTING, FINDINGS, EPISODES, JOINT_RANGES, CAMERA_ROLE_TABLE, TASK_LABELS, FINGERPRINTS, DUPLICATES, CORPUS_EPISODES, SKILL_INDEX,
    ROLLOUTS, SUITE_ROLLOUTS, CATALOGUE,
)  # fmt: skip
