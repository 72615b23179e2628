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

CODES: dict[str, tuple[str, ...]] = {
    "structure": (
        "not_lerobot", "unreadable_metadata", "unknown_version", "missing_data", "missing_video", "undecodable_parquet",
        "declared_camera_without_files", "files_without_declared_camera", "path_template", "stray_files", "lfs_pointer",
        "count_mismatch", "length_mismatch", "split_out_of_range", "missing_column", "undeclared_column",
        "shape_mismatch", "names_nested", "names_missing", "image_shape_order", "missing_stats", "wrong_stats_key",
        "index_as_float", "index_not_dense", "task_out_of_range", "two_episode_tables", "task_conflict",
        "nonstandard_feature_name", "stale_tag", "missing_tag",
    ),
    "time": ("irregular_step", "non_monotonic", "first_not_zero", "wrong_fps", "video_shorter", "video_longer"),
    "motion": (
        "static", "stub", "long_idle", "jump", "wrap", "raw_counts", "unit_convention", "zero_convention",
        "calibration_offset", "dead_dimension", "saturation", "not_finite", "state_equals_action", "action_lag", "tremor",
    ),
    "video": (
        "undecodable", "black", "frozen", "repeated_frames", "blurred", "over_exposed", "under_exposed",
        "codec_mismatch", "size_mismatch", "upside_down", "mirrored", "has_audio",
    ),
    "agreement": ("video_without_motion", "motion_without_video", "video_joint_mismatch", "state_action_mismatch"),
    "text": ("empty_task", "placeholder_task", "tutorial_default", "not_an_instruction"),
    "provenance": (
        "simulation", "policy_rollout", "test_repository", "licence_absent", "licence_restricts", "people_visible",
    ),
    "duplicate": ("exact_copy", "near_copy", "cross_contributor"),
    "scope": ("outside_recipe",),
}  # fmt: skip
TASK_EVIDENCE = frozenset({"text", "agreement"})
"""Families that say how far the task is shown. Soft by nature: they never gate."""
ALL_CODES = frozenset(f"{family}.{name}" for family, names in CODES.items() for name in names)


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
