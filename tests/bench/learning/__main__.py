"""What a small policy learns from curated demonstrations, and what curating them is worth: docs/evidence/training.md.

    python -m tests.bench.learning             about three hours on two cores; stopped at any time, it goes on
    python -m tests.bench.learning --rehearse  a few steps and rollouts of everything in minutes; prints the page

Recorded, curated, trained and evaluated by the project's own rooms, in simulation. The recipe is that of the demo's base policy,
settled before; nothing was chosen on the seeds that are evaluated here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
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
from training.mixture import open_mixture
from training.recipes import Recipe, load_recipe
from training.run import Progress
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
    runs = _trained(curated, raw, folder, recipe)
    _say("the policy that is shown, against its baselines")
    shown = runs[SHOWN]
    full = _evaluated(shown, folder / "full", _size(FULL, chosen.rehearse), ("standard", "displaced"), curated)
    curve = _curve(shown, folder, _size(CURVE, chosen.rehearse))
    arms: dict[str, list[dict[str, Any]]] = {name: [] for name in ARMS}
    for seed in TRAINING_SEEDS:
        for name in ARMS:
            _say(f"{name}, seed {seed}: rollouts")
            info = _evaluated(
                runs[name, seed], folder / f"arm-{name}-{seed}", _size(ARM, chosen.rehearse), ("displaced",)
            )
            about = json.loads((runs[name, seed] / "about.json").read_text())
            arms[name].append(about | {"seed": seed, "cells": info["deftworks"]["cells"]})
    results = {"full": full, "curve": curve, "arms": arms, "recipe": recipe.model_dump(mode="json"),
               "recorded": _recorded(), "losses": _losses(runs)}  # fmt: skip
    write_json(folder / "results.json", results)
    if chosen.rehearse:
        sys.stdout.write(report(results))
        return
    draw_curve(results, EVIDENCE / "learning_curve.png")
    (EVIDENCE / "training.md").write_text(report(results), encoding="utf-8")
    _say(f"written: {EVIDENCE / 'training.md'}")


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


def _trained(curated: Lake, raw: Lake, folder: Path, recipe: Recipe) -> dict[tuple[str, int], Path]:
    """Returns the folder of each arm's run by arm and training seed; `about.json` in it says what it learnt from and how long."""
    runs: dict[tuple[str, int], Path] = {}
    for seed in TRAINING_SEEDS:
        for name, (lake, episodes) in tables(curated, raw, seed).items():
            out = runs[name, seed] = folder / f"run-{name}-{seed}"
            own = recipe.model_copy(update={"seed": seed})
            mixture = open_mixture(episodes, lake, own, f"arm:{name}")
            begun, resumed_at = time.perf_counter(), 0

            def watch(progress: Progress) -> None:
                nonlocal resumed_at
                resumed_at = max(resumed_at, progress.resumed_at)

            if (out / "about.json").is_file():
                continue
            _say(f"{name}, seed {seed}: training on {len(mixture.episodes)} episodes")
            train(own, mixture, out, on_progress=watch)
            about = {"num_episodes": len(mixture.episodes), "num_frames": mixture.num_frames,
                     "seconds": None if resumed_at else time.perf_counter() - begun}  # fmt: skip
            write_json(out / "about.json", about)
    return runs


def _evaluated(
    run: Path, out: Path, size: tuple[int, int], starts: Sequence[str], demonstrated: Lake | None = None
) -> dict[str, Any]:
    """Returns eval_info; with demonstrations beside every baseline and the wrong instruction, without them alone."""
    first, num = size
    request = Request(
        policy=str(run / PRETRAINED_MODEL), suite=load_suite(str(HERE / "three-tasks.toml")), starts=tuple(starts),
        seeds=tuple(seeds_from(first, num)), beside=None if demonstrated else (), processes=2,
        demonstrations=read_demonstrations([demonstrated.home]) if demonstrated else None,
    )  # fmt: skip
    return evaluate_policy(request, out)


def _curve(run: Path, folder: Path, size: tuple[int, int]) -> list[dict[str, Any]]:
    """Returns the successes of the policy that is shown at each checkpoint, from displaced starts, over all tasks."""
    points = []
    for checkpoint in sorted(path for path in (run / "checkpoints").iterdir() if path.name.isdigit()):
        _say(f"the policy that is shown, after {int(checkpoint.name)} steps")
        info = _evaluated(checkpoint, folder / f"curve-{checkpoint.name}", size, ("displaced",))
        points.append({"step": int(checkpoint.name), "cells": info["deftworks"]["cells"]})
    return points


def _losses(runs: dict[tuple[str, int], Path]) -> dict[str, list[Any]]:
    """Returns (steps, loss) of the shown arm by training seed."""
    found = {seed: read_metrics(runs[SHOWN[0], seed] / "metrics.jsonl") for seed in TRAINING_SEEDS}
    return {str(seed): [[line["step"], line["loss"]] for line in lines] for seed, lines in found.items()}


def _recorded() -> dict[str, Any]:
    rows = learning_community().dataset
    return {"num_datasets": len(rows), "num_episodes": sum(row.num_episodes for row in rows)}


def _size(wanted: tuple[int, int], is_rehearsal: bool) -> tuple[int, int]:
    return (wanted[0], 2) if is_rehearsal else wanted


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
