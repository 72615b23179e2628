"""What a small policy learns from curated demonstrations, and what curating them is worth: docs/evidence/training.md.

    python -m tests.bench.learning             about two hours on two cores; stopped at any time, it goes on
    python -m tests.bench.learning --rehearse  a few steps and rollouts of everything in minutes; prints the page

Recorded, curated, trained and evaluated by the project's own rooms, in simulation. The recipe is that of the demo's base policy,
settled before; nothing was chosen on the seeds that are evaluated here.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.layout import Lake
from data_contracts.stages import write_json
from pipelines.suite_stage import Request, evaluate_policy
from simulation.community import record_community
from simulation.demonstrations import read_demonstrations
from simulation.seeds import seeds_from
from simulation.suites import load_suite
from tests.bench.learning.arms import ARMS, make_raw_lake, tables
from tests.bench.learning.community import learning_community
from tests.bench.learning.report import draw_curve, report
from training.metrics import read_metrics
from training.mixture import Mixture, open_mixture
from training.recipes import Recipe, load_recipe
from training.start import PRETRAINED_MODEL
from training.train import train

HERE = Path(__file__).parent
EVIDENCE = HERE.parents[2] / "docs" / "evidence"
FOLDER = Path(".bench") / "learning"
TRAINING_SEEDS = (0, 1, 2)
SHOWN = ("curated", 0)
"""The policy that is held against its baselines."""
FULL, ARM, CURVE = (1_200_000, 100), (1_300_000, 50), (1_400_000, 20)
"""First evaluation seed, and rollouts per task and start: of the policy that is shown, of every arm's, of its checkpoints."""


def main() -> None:
    """Does what is not done yet, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    folder = (chosen.folder / "rehearsal" if chosen.rehearse else chosen.folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    recipe = load_recipe(HERE / "recipe.toml")
    if chosen.rehearse:
        recipe = recipe.model_copy(update={"steps": 60, "save_every": 20, "warmup_steps": 5})
    curated, raw = _lakes(chosen.folder.absolute(), folder)
    bench = Bench(curated, raw, folder, recipe, chosen.rehearse)
    results = bench.shown() | {"arms": {name: [] for name in ARMS}, "recorded": _recorded()}
    for seed in TRAINING_SEEDS:
        for name, of_arm in results["arms"].items():
            of_arm.append(bench.arm(name, seed))
        write_json(folder / "results.json", results)
        if chosen.rehearse:
            sys.stdout.write(report(results))
        else:
            draw_curve(results, EVIDENCE / "learning_curve.png")
            (EVIDENCE / "training.md").write_text(report(results), encoding="utf-8")
            _say(f"written: {EVIDENCE / 'training.md'}, {seed + 1} of {len(TRAINING_SEEDS)} training seeds")


def _lakes(shared: Path, folder: Path) -> tuple[Lake, Lake]:
    """Returns the curated lake and the raw one; recordings and lakes are the same for a rehearsal."""
    recordings = shared / "recordings"
    _say("recording")
    record_community(
        recordings,
        community=learning_community(),
        on_progress=lambda name, done, total: _say(f"{done} of {total} episodes: {name}"),
    )
    curated, raw = Lake.at(shared / "curated"), Lake.at(shared / "raw")
    if not (curated.corpus / "manifest.json").is_file():
        _say("curating")
        command = ["run", "--source", f"folder:{recordings}", "--until", "corpus", "--home", str(curated.home)]
        subprocess.run([sys.executable, "-m", "deftworks", *command], check=True, stdout=sys.stderr)
    make_raw_lake(curated, raw)
    return curated, raw


@dataclass(frozen=True)
class Bench:
    """What is trained and evaluated, each thing once: a second call finds the result of the first."""

    curated: Lake
    raw: Lake
    folder: Path
    recipe: Recipe
    is_rehearsal: bool

    def shown(self) -> dict[str, Any]:
        """Returns the shown policy's rollouts beside its baselines, its curve and its losses."""
        run, _ = self._trained(*SHOWN)
        _say("the policy that is shown, against its baselines")
        full = self._evaluated(run, "full", FULL, ("standard", "displaced"), beside=None)
        curve = []
        for checkpoint in sorted(path for path in (run / "checkpoints").iterdir() if path.name.isdigit()):
            _say(f"the policy that is shown, after {int(checkpoint.name)} steps")
            info = self._evaluated(checkpoint, f"curve-{checkpoint.name}", CURVE, ("displaced",))
            curve.append({"step": int(checkpoint.name), "cells": info["deftworks"]["cells"]})
        losses = [[line["step"], line["loss"]] for line in read_metrics(run / "metrics.jsonl")]
        return {"full": full, "curve": curve, "losses": losses, "recipe": self.recipe.model_dump(mode="json")}

    def arm(self, name: str, seed: int) -> dict[str, Any]:
        """Returns what one arm's policy learnt from, what it cost, and its successes from displaced starts."""
        run, mixture = self._trained(name, seed)
        _say(f"{name}, seed {seed}: rollouts")
        info = self._evaluated(run, f"arm-{name}-{seed}", ARM, ("displaced",))
        return {
            "seed": seed, "num_episodes": len(mixture.episodes), "num_frames": mixture.num_frames,
            "step_ms": read_metrics(run / "metrics.jsonl")[-1]["step_ms"], "cells": info["deftworks"]["cells"],
        }  # fmt: skip

    def _trained(self, name: str, seed: int) -> tuple[Path, Mixture]:
        """Returns the folder of the arm's run, and what it learnt from."""
        out = self.folder / f"run-{name}-{seed}"
        lake, episodes = tables(self.curated, self.raw, seed)[name]
        recipe = self.recipe.model_copy(update={"seed": seed})
        mixture = open_mixture(episodes, lake, recipe, f"arm:{name}")
        _say(f"{name}, seed {seed}: training on {len(mixture.episodes)} episodes")
        train(recipe, mixture, out)
        return out, mixture

    def _evaluated(
        self, run: Path, name: str, size: tuple[int, int], starts: Sequence[str], beside: tuple[str, ...] | None = ()
    ) -> dict[str, Any]:
        """Returns eval_info; with `beside` None next to every baseline and told the wrong instruction."""
        request = Request(
            policy=str(run / PRETRAINED_MODEL), suite=load_suite(str(HERE / "three-tasks.toml")), starts=tuple(starts),
            seeds=tuple(seeds_from(size[0], 2 if self.is_rehearsal else size[1])), beside=beside, processes=2,
            demonstrations=None if beside == () else read_demonstrations([self.curated.home]),
        )  # fmt: skip
        return evaluate_policy(request, self.folder / name)


def _recorded() -> dict[str, Any]:
    rows = learning_community().dataset
    return {"num_datasets": len(rows), "num_episodes": sum(row.num_episodes for row in rows)}


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
