"""docs/evidence/training.md and its picture from what was measured. Everything said in words here is computed or always true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from simulation.success_rate import wilson_interval
from tests.bench.learning.arms import ARMS

T = {2: 12.706, 3: 4.303}
"""Number of seeds -> two-sided 95% of Student's t with one degree of freedom fewer."""
Cell = Mapping[str, Any]

HEAD = """# What a policy learns here, and what curation is worth

`make bench-learning`, in simulation throughout (MuJoCo, Meta-World's Sawyer): no real arm was moved. {num_datasets} datasets with
{num_episodes} episodes of three tasks are recorded as a community would publish them, curated by the pipeline, and learnt by a
SmolVLA of 1.5 M parameters from fresh weights: {steps:,} steps of {batch_size} observations ([the recipe](../../tests/bench/learning/recipe.toml)),
which is the demo's base recipe, not tuned for this page. No evaluation start was demonstrated: seeds and layouts are checked.
"""
ARMS_HEAD = """
## What curation is worth

The same recordings, selected in five ways, the same steps and recipe, {seeds} training seeds each, {num} rollouts a task, seed and
selection from displaced starts. `random` draws anew for every seed. All but `curated` read cameras in the order of their dataset
and the text that was published.

Defects are as frequent as others counted them in the wild, and not more: 12.6% of the episodes are copies of another dataset's,
one episode jumps, 7% of the datasets carry the text of a tutorial, 38% are tiny (half of these useless), and 33% of the others
list their wrist camera first ([the table](../../tests/bench/learning/community.py)).
"""
LIMITS = """
## What this does not say

- One robot, three easy tasks, one size of data and one small policy. A defect that matters with 20 episodes may not with 400.
- Defects that simulation does not have (blur, wrong calibration, failed demonstrations by tired people) are not in it; neither
  is what a vision-language model's labels would add.
- So few training seeds bound a difference only loosely: the interval of each difference is over seeds, and is wide.
"""


def report(results: Mapping[str, Any]) -> str:
    """Returns the document."""
    recipe = results["recipe"]
    head = HEAD.format(**results["recorded"], steps=recipe["steps"], batch_size=recipe["batch_size"])
    parts = [head, *_shown(results), *_curve(results), *_arms(results), LIMITS]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _shown(results: Mapping[str, Any]) -> Iterable[str]:
    ours = results["full"]["deftworks"]
    num, about = ours["seeds"]["num"], next(run for run in results["arms"]["curated"] if run["seed"] == 0)
    minutes = about["step_ms"] * results["recipe"]["steps"] / 60_000
    yield (
        f"## The policy beside its baselines\n\nTrained on {about['num_episodes']} curated episodes ({about['num_frames']:,} frames) in "
        f"{minutes:.1f} minutes of steps on two cores ({about['step_ms']:.0f} ms each), beside encoding every frame once. {num} rollouts a cell, seeds {ours['seeds']['first']:,} to "
        f"{ours['seeds']['last']:,}; 95% Wilson intervals. A displaced start moves the arm 20 steps in a random direction first, "
        "which no demonstration shows. Told wrong: the policy hears another task's instruction.\n"
    )
    entrants = list(dict.fromkeys(cell["entrant"] for cell in ours["cells"]))
    for start in ("standard", "displaced"):
        lines = [f"### From {start} starts\n", f"| task | {' | '.join(entrants)} | above every baseline |", f"|---|{'---:|' * len(entrants)}---|"]  # fmt: skip
        for world in dict.fromkeys(cell["world"] for cell in ours["cells"]):
            here = {cell["entrant"]: cell for cell in ours["cells"] if (cell["world"], cell["start"]) == (world, start)}
            verdict = next(v for v in ours["verdicts"] if (v["world"], v["start"]) == (world, start))
            said = "yes" if verdict["is_above"] else f"no ({verdict['best_baseline']})"
            cells = " | ".join(_rate(here[name]) for name in entrants)
            lines.append(f"| {_task(world)} | {cells} | {said} |")
        yield "\n".join(lines)
    nearest = ", ".join(
        f"{_task(world)} {1000 * away:.3g} mm" for world, away in ours["checked_starts"]["nearest_layout"].items()
    )
    yield f"Nearest demonstrated layout to any evaluated one: {nearest}."


def _curve(results: Mapping[str, Any]) -> Iterable[str]:
    yield "## Learning curve\n\n![Loss and successes by step](learning_curve.png)\n"
    lines = ["| steps | successes from displaced starts |", "|---:|---|"]
    for point in results["curve"]:
        successes, num = _sums(point["cells"])
        low, high = wilson_interval(successes, num)
        lines.append(f"| {point['step']:,} | {successes} of {num} ({low:.0%} to {high:.0%}) |")
    yield "\n".join(lines)


def _arms(results: Mapping[str, Any]) -> Iterable[str]:
    arms = results["arms"]
    yield ARMS_HEAD.format(seeds=len(arms["raw"]), num=arms["raw"][0]["cells"][0]["num_rollouts"])
    worlds = list(dict.fromkeys(cell["world"] for cell in arms["raw"][0]["cells"]))
    tasks = " | ".join(map(_task, worlds))
    lines = [f"| selection | episodes | {tasks} | all, by seed | all | against raw |", f"|---|---:|{'---:|' * len(worlds)}---|---|---|"]  # fmt: skip
    for name, runs in arms.items():
        by_task = (
            _pooled([cell for run in runs for cell in run["cells"] if cell["world"] == world]) for world in worlds
        )
        seeds = ", ".join(f"{_share(run):.0%}" for run in runs)
        episodes = f"{runs[0]['num_episodes']}"
        lines.append(
            f"| {name}: {ARMS[name]} | {episodes} | {' | '.join(by_task)} | {seeds} | "
            f"{_pooled([cell for run in runs for cell in run['cells']])} | {_difference(runs, arms['raw'])} |"
        )
    yield "\n".join(lines)
    if len(arms["raw"]) > 1:
        yield _conclusion(arms)


def _difference(runs: Sequence[Mapping[str, Any]], raw: Sequence[Mapping[str, Any]]) -> str:
    """Returns the mean over seeds of the difference to raw, with its 95% interval by Student's t over seeds."""
    if runs is raw or len(raw) < 2:
        return "-"
    mean, margin = _interval(runs, raw)
    return f"{100 * mean:+.0f} ± {100 * margin:.0f} points"


def _interval(runs: Sequence[Mapping[str, Any]], raw: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    away = [_share(one) - _share(other) for one, other in zip(runs, raw, strict=True)]
    return fmean(away), T[len(away)] * stdev(away) / sqrt(len(away))


def _conclusion(arms: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    told_apart = []
    for name in arms:
        if name != "raw":
            mean, margin = _interval(arms[name], arms["raw"])
            if abs(mean) > margin:
                told_apart.append(f"{name} ({'better' if mean > 0 else 'worse'})")
    if not told_apart:
        return "**No selection can be told from raw data over the training seeds.**"
    return f"**Told from raw data over the training seeds: {', '.join(told_apart)}; no other.**"


def _share(run: Mapping[str, Any]) -> float:
    successes, num = _sums(run["cells"])
    return successes / num


def _sums(cells: Iterable[Cell]) -> tuple[int, int]:
    found = list(cells)
    return sum(cell["num_successes"] for cell in found), sum(cell["num_rollouts"] for cell in found)


def _pooled(cells: Iterable[Cell]) -> str:
    successes, num = _sums(cells)
    low, high = wilson_interval(successes, num)
    return f"{successes / num:.0%} ({low:.0%} to {high:.0%})"


def _rate(cell: Cell) -> str:
    return f"{cell['num_successes']} ({cell['low']:.0%} to {cell['high']:.0%})"


def _task(world: str) -> str:
    return world.rpartition("/")[2].removesuffix("-v3")


def draw_curve(results: Mapping[str, Any], path: Path) -> None:
    """Draws loss and successes of the shown policy by step."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    steps, losses = zip(*results["losses"], strict=True)
    left.plot(steps, losses, linewidth=1)
    left.set(xlabel="step", ylabel="training loss", yscale="log")
    left.set_yticks([0.2, 0.5, 1, 2], labels=["0.2", "0.5", "1", "2"])
    left.minorticks_off()
    counted = [_sums(point["cells"]) for point in results["curve"]]
    shares = [successes / num for successes, num in counted]
    ends = [wilson_interval(*one) for one in counted]
    away = [[share - low for share, (low, _) in zip(shares, ends, strict=True)],
            [high - share for share, (_, high) in zip(shares, ends, strict=True)]]  # fmt: skip
    right.errorbar(
        [point["step"] for point in results["curve"]], shares, yerr=away, marker="o", capsize=3, color="tab:green"
    )
    right.set(xlabel="step", ylabel="successes, displaced starts", ylim=(0, 1))
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
