"""What a run would do, said before it starts: nothing is decoded and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.stages import folder_digest
from training import checkpoints
from training.metrics import FILE
from training.mixture import Mixture, describe
from training.recipes import Recipe
from training.start import base_folder
from training.train import RUN_FILE, choose_device, digest_of_run

if TYPE_CHECKING:
    from rich.table import Table

LONGEST_TABLE = 30
"""Datasets that are shown one by one; `plan_run` has all."""


def plan_run(
    recipe: Recipe, mixture: Mixture, out: Path, base: Path | None, *, max_steps: int | None, device: str | None
) -> dict[str, Any]:
    """Returns what `training.train.train` would do with these, as plain JSON.

    Raises:
        TrainingError: the base is not there, or the device is not.
    """
    digest = digest_of_run(recipe, mixture, base)
    folder = base_folder(recipe, base)
    num_steps = min(recipe.steps, max_steps or recipe.steps)
    num_samples = num_steps * recipe.batch_size
    return {
        "recipe": recipe.name,
        "kind": recipe.kind,
        "start": str(folder) if folder else f"fresh weights ({recipe.policy})",
        "out": str(out),
        "device": choose_device(device),
        "num_steps": num_steps,
        "batch_size": recipe.batch_size,
        "num_samples": num_samples,
        "passes": round(num_samples / mixture.num_frames, 2),
        "goes_on_at_step": checkpoints.resumable_step(out, digest),
        "is_finished": folder_digest(out) == digest and (out / RUN_FILE).exists(),
        "trains_on": describe(mixture),
    }


def plan_sentences(plan: dict[str, Any]) -> list[str]:
    """Returns the plan's run in words."""
    said = [
        f"{plan['recipe']}: {plan['num_steps']} steps of {plan['batch_size']} observations, {plan['passes']:g} times every frame.",
        f"From {plan['start']} on {plan['device']} into {plan['out']}.",
    ]
    said.append(f"{plan['out']}/{FILE} grows while it runs: losses to plot, a JSON line each time.")
    if plan["is_finished"]:
        said.append("This very run was finished here before.")
    elif plan["goes_on_at_step"]:
        said.append(f"Goes on at step {plan['goes_on_at_step']}, where it was stopped.")
    return said


def mixture_table(described: dict[str, Any]) -> Table:
    """Returns what `training.mixture.describe` says as a table for people: a row per dataset, then one per robot."""
    from rich.table import Table

    title = f"{described['num_episodes']} episodes, {described['num_frames']} frames, {described['hours']:.2f} h"
    table = Table(title=title, caption=_caption(described))
    for name in ("dataset", "robot"):
        table.add_column(name, overflow="fold")
    for name in ("episodes", "frames", "hours", "camera slots", "share of samples"):
        table.add_column(name, justify="right")
    rows = sorted(described["datasets"], key=lambda row: -row["num_frames"])
    for row in rows[:LONGEST_TABLE]:
        slots, share = ", ".join(map(str, row["camera_slots"])), f"{row['weight']:.1%}"
        table.add_row(row["dataset"], row["robot_type"], *_amounts(row), slots, share)
    if len(rows) > LONGEST_TABLE:
        table.add_row(f"... and {len(rows) - LONGEST_TABLE} more")
    table.add_section()
    for robot, totals in described["robots"].items():
        share = sum(row["weight"] for row in rows if row["robot_type"] == robot)
        table.add_row("all", robot, *_amounts(totals), "", f"{share:.1%}")
    return table


def _amounts(totals: dict[str, Any]) -> tuple[str, str, str]:
    return str(totals["num_episodes"]), str(totals["num_frames"]), f"{totals['hours']:.2f}"


def _caption(described: dict[str, Any]) -> str | None:
    said = []
    if number := described["held_out"]["num_episodes"]:
        said.append(f"held out to validate on: {number} episodes, {described['held_out']['num_frames']} frames")
    if counts := described["left_out"]:
        said.append("left out: " + ", ".join(f"{count} ({why})" for why, count in sorted(counts.items())))
    return "; ".join(said) or None
