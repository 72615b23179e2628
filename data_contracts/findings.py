"""What can be wrong with a dataset or an episode: one vocabulary for the reader, the detectors and every report.

A finding has a code (`family.name`), a severity, the episodes that it concerns, a sentence for a person, and evidence.
Codes are added where something new is found and never renamed. Detection lives in `curation.quality`; the reader in
`data_contracts.lerobot` reports what it met on the way.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from data_contracts.errors import ContractError, did_you_mean

Severity = Literal["gate", "warn", "note"]
Axis = Literal["integrity", "task_evidence"]

CODES: dict[str, dict[str, str]] = {
    "structure": {
        "not_lerobot": "The folder holds no LeRobot dataset.",
        "unreadable_metadata": "A metadata file cannot be read.",
        "unknown_version": "The format version is none that is known.",
        "missing_data": "Rows of an episode are not there.",
        "missing_video": "Pictures of an episode are not there.",
        "undecodable_parquet": "A data file cannot be read.",
        "declared_camera_without_files": "A declared camera has no files anywhere.",
        "files_without_declared_camera": "Video files belong to no declared camera.",
        "path_template": "The path template does not lead to the files.",
        "stray_files": "Files that no dataset of this format needs.",
        "lfs_pointer": "A pointer of Git LFS stands in place of a file.",
        "count_mismatch": "Declared totals are not those of the tables.",
        "length_mismatch": "An episode has another number of rows than the episode table says.",
        "split_out_of_range": "A split names episodes that do not exist.",
        "missing_column": "A declared or necessary column is not there.",
        "undeclared_column": "A column is there that is not declared.",
        "shape_mismatch": "Values have another shape or type than declared.",
        "names_nested": "Names of dimensions are nested one list or dict too deep.",
        "names_missing": "Dimensions have no names.",
        "image_shape_order": "The declared picture shape is not (height, width, channels).",
        "missing_stats": "No statistics are published.",
        "wrong_stats_key": "Statistics are published under a key that no feature has.",
        "index_as_float": "Whole numbers are stored as floats.",
        "index_not_dense": "Rows or episodes are not numbered 0, 1, 2, ...",
        "task_out_of_range": "Rows carry a task number that no task has.",
        "two_episode_tables": "There are two episode tables.",
        "task_conflict": "Rows and episode table name different tasks.",
        "nonstandard_feature_name": "State, action or a camera is called otherwise than the format says.",
        "stale_tag": "The version tag is behind the main branch.",
        "missing_tag": "No version tag is there.",
        "fractional_fps": "The declared rate is no whole number of frames per second.",
        "long_shard": "Episodes lie so far inside a video file that times are too coarse.",
        "repeated_column": "Two columns of a data file have one name.",
    },
    "time": {
        "irregular_step": "Steps between frames differ.",
        "non_monotonic": "Time stands still or runs backwards.",
        "first_not_zero": "The first frame is not at 0 s.",
        "wrong_fps": "Frames come steadily at another rate than declared.",
        "video_shorter": "A video has fewer frames than the episode has rows.",
        "video_longer": "A video has more frames than the episode has rows.",
    },
    "motion": {
        "static": "No joint moves.",
        "stub": "Too short to be a demonstration.",
        "long_idle": "Nothing moves for much of the time.",
        "jump": "A joint teleports between two frames.",
        "wrap": "An angle leaves its range at one end and comes back at the other.",
        "raw_counts": "Joints are stored as counts of the encoder.",
        "unit_convention": "The unit of the joints, where it is not what the robot's family uses today.",
        "zero_convention": "The zero of the joints is the one of an earlier calibration.",
        "calibration_offset": "Joints lie far from where those of the same robots do.",
        "dead_dimension": "A value never changes.",
        "saturation": "A joint or command is pinned at its limit.",
        "not_finite": "NaN or infinity.",
        "state_equals_action": "State and action are the same numbers.",
        "action_lag": "The delay between action and state is unusual.",
        "tremor": "Joints shake faster than an arm moves.",
    },
    "video": {
        "undecodable": "A video cannot be decoded.",
        "black": "Pictures are black.",
        "frozen": "The picture stands still while the robot moves.",
        "repeated_frames": "Frames are repeated.",
        "blurred": "Pictures are out of focus.",
        "over_exposed": "Pictures are too bright.",
        "under_exposed": "Pictures are too dark.",
        "codec_mismatch": "The codec is not the declared one.",
        "size_mismatch": "The picture size is not the declared one.",
        "upside_down": "Pictures stand on their head.",
        "mirrored": "Pictures are mirrored.",
        "has_audio": "The video carries sound.",
        "uneven_clock": "Frames of a video file are not shown at the declared rate.",
    },
    "agreement": {
        "video_without_motion": "Joints move and the pictures do not.",
        "motion_without_video": "Pictures move and the joints do not.",
        "video_joint_mismatch": "Pictures and joints move at different times, or show different things.",
        "state_action_mismatch": "State and action do not follow each other.",
    },
    "text": {
        "empty_task": "There is no task text.",
        "placeholder_task": "The task text is a placeholder.",
        "tutorial_default": "The task text is the one of the tutorial.",
        "not_an_instruction": "The task text tells a robot nothing.",
    },
    "provenance": {
        "simulation": "Recorded in a simulator.",
        "policy_rollout": "A policy was driving.",
        "test_repository": "Somebody was trying something out.",
        "licence_absent": "No licence is stated.",
        "licence_restricts": "The licence restricts what may be done.",
        "people_visible": "People can be seen.",
    },
    "duplicate": {
        "exact_copy": "State and action are those of another episode.",
        "near_copy": "It is another episode, changed.",
        "cross_contributor": "It is somebody else's episode.",
    },
    "scope": {
        "outside_recipe": "The crawl's recipe does not ask for such datasets.",
    },
}
"""Family -> name -> what it claims. A code is written `family.name`."""
TASK_EVIDENCE = frozenset({"text", "agreement"})
"""Families that say how far the task is shown. Soft by nature: they never gate."""
ALL_CODES = frozenset(f"{family}.{name}" for family, names in CODES.items() for name in names)


def meaning_of(code: str) -> str:
    """Returns what a code claims, in one sentence."""
    family, _, name = code.partition(".")
    return CODES[family][name]


def axis_of(code: str) -> Axis:
    """Returns which of the questions a code answers. They are kept apart and never blended into one score.

    integrity: are the recordings what they claim to be (deterministic; only these gate). task_evidence: is the task shown
    and told. Training value, the third, is measured on policies and has no codes yet.
    """
    return "task_evidence" if code.partition(".")[0] in TASK_EVIDENCE else "integrity"


class Finding(BaseModel):
    """One thing found. `gate` makes the named episodes (or the dataset) unusable; `warn` and `note` travel with them.

    `episodes` lists indices as the source numbers them, or is None where the whole dataset is meant. A finding that names
    every episode does so because every one is affected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    episodes: tuple[int, ...] | None
    message: str
    evidence: dict[str, Any] = {}

    @field_validator("code")
    @classmethod
    def _known_code(cls, code: str) -> str:
        if code not in ALL_CODES:
            raise ContractError(f"Unknown finding code {code!r}.", hint=did_you_mean(code, ALL_CODES))
        return code

    @model_validator(mode="after")
    def _only_integrity_gates(self) -> Finding:
        if self.severity == "gate" and axis_of(self.code) != "integrity":
            raise ContractError(f"{self.code} is soft evidence and cannot gate.", hint="Report it as a warn.")
        return self


def gated_episodes(findings: list[Finding], episodes: list[int]) -> set[int]:
    """Returns those of `episodes` that a gate finding makes unusable."""
    gated: set[int] = set()
    for finding in findings:
        if finding.severity == "gate":
            gated |= set(episodes) if finding.episodes is None else set(finding.episodes)
    return gated & set(episodes)
