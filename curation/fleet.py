"""One dataset's joints against all others of its robot: an arm that was calibrated to another zero shows only here.

Datasets are compared that have the robot, the joint's name and the unit in common. Joint means differ by 18 to 56 degrees (one
standard deviation, per joint) over 250 published SO-100 datasets that are all well: tasks differ. So only gross offsets are
real, none of them gates, and a fleet of a few datasets says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from data_contracts.catalogue import FINDINGS

MIN_DATASETS = 10
FAR = 4.0
"""Standard deviations of the fleet, as the median absolute deviation tells them: one honest dataset in 15,000."""
PUBLISHED_DEVIATION_DEG = {
    "shoulder_pan": 18.0, "shoulder_lift": 33.0, "elbow_flex": 23.0, "wrist_flex": 25.0, "wrist_roll": 56.0,
}  # fmt: skip
"""Of joint means over 250 SO-100 and SO-101 datasets: no fleet is taken to be closer together than half of this."""
LEAST_SHARE = 0.1
"""For other joints: a tenth of what the fleet covers."""
SWITCHES = r"(?i)grip|finger|jaw|hand"
"""Not compared: what a gripper's centre tells is how long it held something."""
RADIANS_REACH = 2 * np.pi * 1.05
SHARE_REACH = 100.5
COUNTS_REACH = 720.0
_KEY = ["robot_type", "name", "unit"]


def compare_with_fleet(joint_ranges: pl.DataFrame) -> pl.DataFrame:
    """Returns a note for every dataset with a joint whose centre lies far from the fleet's (table FINDINGS).

    Args:
        joint_ranges: table JOINT_RANGES of all datasets together. Nothing is said of a robot with fewer than 10 datasets.
    """
    states = joint_ranges.filter(
        (pl.col("column") == "observation.state")
        & pl.col("robot_type").is_not_null()
        & ~pl.col("name").str.contains(SWITCHES)
    )
    if not states.height:
        return FINDINGS.frame([])
    reach = pl.max_horizontal(pl.col("low").abs(), pl.col("high").abs()).max().over("dataset_id")
    unit = (
        pl.when(reach <= RADIANS_REACH).then(pl.lit("radians"))
        .when(reach <= SHARE_REACH).then(pl.lit("shares of the range"))
        .when(reach <= COUNTS_REACH).then(pl.lit("degrees"))
        .otherwise(pl.lit("counts"))
    )  # fmt: skip
    states = states.with_columns(unit.alias("unit"), pl.col("robot_type").str.to_lowercase()).sort("dataset_id")
    offsets: dict[str, list[dict[str, Any]]] = {}
    for (robot, name, unit_name), fleet in states.group_by(_KEY, maintain_order=True):
        if fleet["dataset_id"].n_unique() >= MIN_DATASETS:
            for dataset_id, offset in _far_from(fleet, str(robot), str(name), str(unit_name)):
                offsets.setdefault(dataset_id, []).append(offset)
    return FINDINGS.frame(_row(dataset_id, offsets[dataset_id]) for dataset_id in sorted(offsets))


def _far_from(fleet: pl.DataFrame, robot: str, name: str, unit: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each dataset that lies far from the others in one joint, with how far."""
    centres = fleet["centre"].to_numpy()
    middle = float(np.median(centres))
    deviation = max(1.4826 * float(np.median(np.abs(centres - middle))), _least_deviation(fleet, name, unit))
    for dataset_id, centre in zip(fleet["dataset_id"], centres.tolist(), strict=True):
        far = abs(centre - middle) / deviation
        if far >= FAR:
            yield (
                dataset_id,
                {"robot_type": robot, "name": name, "unit": unit, "centre": round(centre, 4), "fleet_centre": round(middle, 4),
                 "fleet_deviation": round(deviation, 4), "num_datasets": fleet.height, "score": round(far, 3)},
            )  # fmt: skip


def _least_deviation(fleet: pl.DataFrame, name: str, unit: str) -> float:
    covered = float(np.median((fleet["high"] - fleet["low"]).to_numpy()))
    least = max(LEAST_SHARE * covered, np.finfo(np.float32).tiny)
    joint = name.removesuffix(".pos").removeprefix("main_")
    published_deg = PUBLISHED_DEVIATION_DEG.get(joint)
    if published_deg is None or unit == "counts":
        return least
    return max(least, published_deg / 2 * (np.pi / 180 if unit == "radians" else 1.0))


def _row(dataset_id: str, offsets: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max(offsets, key=lambda offset: offset["score"])
    others = f", and {len(offsets) - 1} more" if len(offsets) > 1 else ""
    message = (
        f"{worst['name']} is centred at {worst['centre']:.4g}, {worst['score']:.1f} deviations from the {worst['fleet_centre']:.4g} "
        f"of {worst['num_datasets']} datasets of {worst['robot_type']}{others}: calibrated to another zero?"
    )
    evidence = {"joints": offsets, "score": worst["score"]}
    return {
        "dataset_id": dataset_id,
        "code": "motion.calibration_offset",
        "severity": "note",
        "episodes": None,
        "message": message,
        "evidence_json": json.dumps(evidence, ensure_ascii=False),
    }
