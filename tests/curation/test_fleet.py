"""The fleet tells a dataset that was calibrated to another zero, and keeps silent where it is small."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from curation.fleet import compare_with_fleet
from data_contracts.catalogue import FINDINGS, JOINT_RANGES


def fleet(num_datasets: int, *, offset: float = 0.0, robot: str = "so100", spread: float = 10.0) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for number in range(num_datasets):
        for dimension, name in enumerate(("elbow_flex.pos", "wrist_flex.pos")):
            centre = 100 + spread * rng.standard_normal() + (offset if number == 0 and dimension == 0 else 0.0)
            rows.append({
                "dataset_id": f"org__d{number:03d}", "column": "observation.state", "dimension": dimension, "name": name,
                "robot_type": robot, "num_episodes": 10, "low": centre - 40, "high": centre + 40, "centre": centre,
            })  # fmt: skip
    return JOINT_RANGES.frame(rows)


def test_a_gross_offset_is_a_note_with_its_joint() -> None:
    found = FINDINGS.check(compare_with_fleet(fleet(40, offset=90.0)))
    (row,) = found.to_dicts()
    assert (row["dataset_id"], row["code"], row["severity"]) == ("org__d000", "motion.calibration_offset", "note")
    (joint,) = json.loads(row["evidence_json"])["joints"]
    assert joint["name"] == "elbow_flex.pos"
    assert joint["num_datasets"] == 40


def test_what_tasks_differ_by_is_no_offset() -> None:
    assert compare_with_fleet(fleet(250, spread=23.0)).is_empty()
    assert compare_with_fleet(fleet(40, offset=20.0)).is_empty()


def test_a_small_fleet_says_nothing() -> None:
    assert compare_with_fleet(fleet(9, offset=300.0)).is_empty()
    assert compare_with_fleet(JOINT_RANGES.frame([])).is_empty()


def test_units_and_robots_are_not_mixed() -> None:
    degrees, radians = fleet(12), fleet(12)
    scaled = [pl.col(name) * np.pi / 180 for name in ("low", "high", "centre")]
    other = radians.with_columns(*scaled, dataset_id=pl.col("dataset_id") + "r")
    assert compare_with_fleet(pl.concat([degrees, other])).is_empty()
    single = fleet(1, offset=300.0, robot="koch").with_columns(dataset_id=pl.col("dataset_id") + "k")
    assert compare_with_fleet(pl.concat([degrees, single])).is_empty()


def test_the_order_of_rows_changes_nothing() -> None:
    table = fleet(40, offset=90.0)
    assert compare_with_fleet(table.reverse()).equals(compare_with_fleet(table))


def test_a_gripper_is_not_compared():
    """Some tasks hold things and some do not: that is no calibration."""
    low, high = [0.0] * 11 + [80.0], [20.0] * 11 + [100.0]
    frame = JOINT_RANGES.frame(
        {"dataset_id": f"lab-{n}__task", "column": "observation.state", "dimension": 0, "name": name, "robot_type": "so100",
         "num_episodes": 5, "low": low[n], "high": high[n], "centre": (low[n] + high[n]) / 2}
        for n in range(12) for name in ("gripper.pos",)
    )  # fmt: skip
    assert compare_with_fleet(frame).is_empty()
    assert compare_with_fleet(frame.with_columns(name=pl.lit("wrist_flex.pos"))).height == 1
