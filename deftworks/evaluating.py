"""`deftworks evaluate`: rollouts of a policy in simulation, beside its baselines."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deftworks.options import AsJson

if TYPE_CHECKING:
    from pipelines.suite_stage import Request


class Starts(StrEnum):
    """From where rollouts begin."""

    standard = "standard"
    displaced = "displaced"
    both = "both"


def evaluate(
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A pretrained_model folder; or `expert` or `do-nothing`.")
    ],
    suite: Annotated[
        str, typer.Option(help="five-tasks, metaworld, so100, or your own TOML file; a part of it after a colon.")
    ] = "five-tasks",
    starts: Annotated[Starts, typer.Option(help="The worlds' own starts, with the arm displaced first, or both.")] = (
        Starts.standard
    ),
    rollouts: Annotated[int, typer.Option(min=1, help="Rollouts per task, start and entrant.")] = 20,
    seed: Annotated[int, typer.Option(help="First seed, from 1000000 on; demonstrations use those below.")] = 1_000_000,
    processes: Annotated[int, typer.Option(min=1, help="Rollouts side by side.")] = 2,
    baselines: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated: do-nothing, fixed-replay, nearest-image, expert, wrong-instruction; or none.",
            show_default="all that can be had",
        ),
    ] = None,
    demonstrations: Annotated[
        list[Path] | None,
        typer.Option(
            help="Datasets to replay, and to hold the starts against: a dataset, a folder of them, a lake. Repeat."
        ),
    ] = None,
    demonstration_seeds: Annotated[
        str | None,
        typer.Option(metavar="FIRST-LAST", help="Seeds that they were recorded from, where they do not say."),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Datasets that no training used: shows the error of predicted actions there. Not success. Repeat."
        ),
    ] = None,
    camera: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VIEW", help="Which view a camera of the policy gets: front, top, side, wrist. Repeat."
        ),
    ] = None,
    action_steps: Annotated[int | None, typer.Option(min=1, help="Actions of a chunk to execute.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    videos: Annotated[int, typer.Option(min=0, help="Videos per task and start, successes and failures in turn.")] = 2,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results.", show_default="evaluations/<suite>-<policy digest>")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count a policy's successes in simulation, with intervals, beside doing nothing and replaying demonstrations.

    OUT gets eval_info.json (LeRobot's shape, ours under "deftworks"), rollouts.parquet, report.html and videos/. Stop it at
    any time: the same command goes on where it was.

    Replaying the nearest demonstration solves most easy tasks from their own starts, so look at displaced ones too.

    [bold]Examples[/bold]

      deftworks evaluate runs/last/pretrained_model --starts both --rollouts 100 --demonstrations lake

      deftworks evaluate runs/last/pretrained_model --suite metaworld:easy --camera observation.image=front

      deftworks evaluate expert --suite five-tasks:drawer-open-v3 --rollouts 10 --json | jq .overall.pc_success
    """
    from deftworks.evaluation_printing import show_evaluation
    from deftworks.printing import print_json
    from pipelines.suite_stage import Request
    from simulation.demonstrations import read_demonstrations
    from simulation.seeds import seeds_from
    from simulation.suites import load_suite

    chosen = load_suite(suite)
    request = Request(
        policy=policy, suite=chosen, starts=_starts(starts), seeds=tuple(seeds_from(seed, rollouts)),
        beside=_words(baselines), demonstrations=read_demonstrations(demonstrations) if demonstrations else None,
        demonstration_seeds=_seed_range(demonstration_seeds), cameras=_cameras(camera or []), action_steps=action_steps,
        device=_device(device, policy), processes=processes, num_videos=videos, held_out=tuple(held_out or ()),
    )  # fmt: skip
    folder = out or Path("evaluations") / default_name(suite, policy)
    info = evaluate_with_progress(request, folder)
    if as_json:
        print_json(info)
    else:
        show_evaluation(info, folder)


def evaluate_with_progress(request: Request, folder: Path) -> dict[str, Any]:
    """Evaluates, and shows on standard error how far it is and how long it still takes."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from deftworks.printing import err
    from pipelines.suite_stage import evaluate_policy

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("simulated rollouts", total=None)

        def show(done: int, total: int, last: str) -> None:
            bar.update(task, completed=done, total=total, description=last or "simulated rollouts")

        try:
            return evaluate_policy(request, folder, show)
        except KeyboardInterrupt:
            err.print(f"Stopped. Finished rollouts are kept in {folder}: the same command goes on.")
            raise


def default_name(suite: str, policy: str) -> str:
    """Returns the name of the folder for a suite and a policy; another policy gets another folder."""
    from pathlib import PurePath

    from pipelines.suite_stage import WORDS, policy_digest

    part = "-".join(
        PurePath(suite.partition(":")[0]).stem.split() + suite.partition(":")[2].replace("/", "-").split(",")
    )
    who = policy if policy in WORDS else policy_digest(Path(policy)).removeprefix("sha256:")[:8]
    return f"{part.strip('-')}-{who}"


def _starts(starts: Starts) -> tuple[str, ...]:
    return ("standard", "displaced") if starts is Starts.both else (starts.value,)


def _words(baselines: str | None) -> tuple[str, ...] | None:
    if baselines is None:
        return None
    words = tuple(word.strip() for word in baselines.split(",") if word.strip())
    return () if words == ("none",) else words


def _cameras(given: list[str]) -> dict[str, str]:
    from data_contracts.errors import SimulationError

    for one in given:
        if "=" not in one:
            raise SimulationError(f"--camera {one!r} is not KEY=VIEW.", hint="E.g. observation.images.camera1=front.")
    return dict(one.split("=", 1) for one in given)  # type: ignore[misc]


def _seed_range(given: str | None) -> range:
    from data_contracts.errors import SimulationError

    if given is None:
        return range(0)
    first, _, last = given.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise SimulationError(f"--demonstration-seeds {given!r} is not FIRST-LAST.", hint="E.g. 0-399.")
    return range(int(first), int(last or first) + 1)


def _device(name: str, policy: str) -> str:
    from data_contracts.errors import PolicyError
    from pipelines.suite_stage import WORDS

    if name == "cpu" or policy in WORDS:
        return "cpu"
    import torch

    if name not in ("auto", "cuda"):
        raise PolicyError(f"Unknown device {name!r}.", hint="Use cpu, cuda or auto.")
    if name == "cuda" and not torch.cuda.is_available():
        raise PolicyError("There is no CUDA device here.", hint="Use --device cpu.")
    return "cuda" if torch.cuda.is_available() else "cpu"
