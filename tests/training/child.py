"""A training in a process of its own, to be killed: prints a line per step. `python child.py FOLDER LAKE [LIMIT_AT_STEP]`.

FOLDER holds recipe.json and skill_index.parquet; the run goes into FOLDER/run. From step LIMIT_AT_STEP on no file may grow past
a few kilobytes, as on a full disk.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

from data_contracts.catalogue import SKILL_INDEX
from data_contracts.errors import TrainingError
from data_contracts.layout import Lake
from training.mixture import open_mixture
from training.recipes import Recipe
from training.run import Progress
from training.train import train


def main(place: Path, lake: Lake, limit_at: int) -> None:
    recipe = Recipe.model_validate_json((place / "recipe.json").read_text())
    mixture = open_mixture(SKILL_INDEX.read(place / "skill_index.parquet"), lake, recipe, "sha256:corpus")

    def report(progress: Progress) -> None:
        if progress.stage == "training":
            print(progress.done, flush=True)  # noqa: T201
            if progress.done == limit_at:
                resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))

    try:
        train(recipe, mixture, place / "run", on_progress=report)
    except TrainingError as error:
        sys.exit(str(error))
    if torch.distributed.is_initialized():
        print(f"one of {torch.distributed.get_world_size()}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Lake(Path(sys.argv[2])), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
