"""`deftworks train`: a base policy over the corpus, or one skill on top of it, from a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.layout import Lake
    from training.recipes import Recipe
    from training.run import Progress

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe that comes along, or a TOML file.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Parquet table of episodes (as skill_index) in place of the lake's own. Needs --out."),
]
Out = Annotated[Path | None, typer.Option(help="Where the run goes; default is where the lake keeps this policy.")]
Base = Annotated[Path | None, typer.Option(help="Policy to start from: a training's folder, or a pretrained_model.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Stop after so many of the recipe's steps. Needs --out.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default is a GPU where there is one.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Set a field of the recipe. Repeat for more. Needs --out."),
]
CacheGib = Annotated[
    float, typer.Option("--cache-gib", min=0.001, help="How much of the lake's disk decoded frames may take, in GiB.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be trained on which episodes, and stop.")]


def pretrain(
    recipe: RecipeName,
    home: Home = None,
    data: Data = None,
    out: Out = None,
    base: Base = None,
    steps: Steps = None,
    device: Device = None,
    changes: Changes = None,
    cache_gib: CacheGib = 50.0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train a base policy over the whole corpus.

    It says first what it will train on. Stop it at any time; the same command goes on where it left off, also in another number
    of processes. With --steps, --set, --base or --data it is another policy than the lake's, and --out says where it goes.

    [bold]Examples[/bold]

      deftworks train pretrain pretrain-small --dry-run

      accelerate launch --num_processes 4 -m deftworks train pretrain smolvla-450m-pretrain --home lake

      deftworks train pretrain pretrain-small --out tries/slow --set learning_rate=5e-4 --set seed=1
    """
    from pipelines.training_stage import base_episodes

    lake = _lake(home)
    chosen = _recipe(recipe, "pretrain", changes)
    where = _out(out, lake.base_policy, data, steps, changes, base)
    _train(
        lake,
        chosen,
        lambda: _episodes(data, lambda: base_episodes(lake)),
        where,
        base,
        steps,
        device,
        cache_gib,
        dry_run,
        as_json,
    )


def finetune(
    recipe: RecipeName,
    skill: Annotated[str | None, typer.Option(help="Id of the skill in skills.toml whose episodes teach it.")] = None,
    home: Home = None,
    data: Data = None,
    out: Out = None,
    base: Base = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start as the recipe says, not from the lake's base.")] = False,
    steps: Steps = None,
    device: Device = None,
    changes: Changes = None,
    cache_gib: CacheGib = 50.0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Teach one skill, on top of the lake's base policy or another one.

    It says first what it will train on. Stop it at any time; the same command goes on where it left off. With --steps, --set,
    --base, --fresh or --data it is another policy than the lake's, and --out says where it goes.

    [bold]Examples[/bold]

      deftworks train finetune finetune-small --skill open-drawer

      deftworks train finetune smolvla-450m-finetune --skill open-drawer --base smolvla_base --out tries/drawer

      deftworks train finetune finetune-small --data half.parquet --fresh --out tries/half --json
    """
    from pipelines.training_stage import skill_episodes

    lake = _lake(home)
    chosen = _recipe(recipe, "finetune", changes)
    if (skill is None) == (data is None):
        raise typer.BadParameter("Name the episodes: either --skill or --data.")
    where = _out(out, lake.skill_policy(skill or ""), data, steps, changes, base, fresh)
    start = base or (None if fresh else lake.base_policy)
    episodes = lambda: _episodes(data, lambda: skill_episodes(lake, str(skill)))  # noqa: E731
    _train(lake, chosen, episodes, where, start, steps, device, cache_gib, dry_run, as_json)


def recipes(as_json: AsJson = False) -> None:
    """List the recipes that come along. A file of your own in their form does as well.

    [bold]Examples[/bold]

      deftworks train recipes

      deftworks train recipes --json | jq '.[] | select(.name == "finetune-small")'
    """
    from rich.table import Table

    from deftworks.printing import out, print_json
    from training.recipes import load_recipe, recipe_names, recipe_purpose

    if as_json:
        print_json([load_recipe(name).model_dump(mode="json") for name in recipe_names()])
        return
    table = Table("recipe", "for", "steps", "batch", "what it does", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for name in recipe_names():
        recipe = load_recipe(name)
        table.add_row(name, recipe.kind, str(recipe.steps), str(recipe.batch_size), recipe_purpose(name))
    out.print(table)


def _lake(home: Path | None) -> Lake:
    from data_contracts.layout import Lake

    return Lake.at(home)


def _recipe(name: str, kind: str, changes: list[str] | None) -> Recipe:
    from data_contracts.errors import TrainingError
    from training.recipes import load_recipe, parse_changes

    recipe = load_recipe(name, **parse_changes(changes or []))
    if recipe.kind != kind:
        raise TrainingError(
            f"{name} is a recipe to {recipe.kind}.", hint=f"Use `deftworks train {recipe.kind} {name}`."
        )
    return recipe


def _out(out: Path | None, in_lake: Path, *others: object) -> Path:
    """Returns where the run goes. What is not the lake's own policy never takes its place."""
    if out is None and any(others):
        raise typer.BadParameter(
            "--data, --steps, --set, --base and --fresh make another policy: say where with --out."
        )
    return in_lake if out is None else out.absolute()


def _episodes(data: Path | None, of_lake: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    from data_contracts.catalogue import SKILL_INDEX

    return of_lake() if data is None else SKILL_INDEX.read(data)


def _train(
    lake: Lake, recipe: Recipe, episodes: Callable[[], pl.DataFrame], out: Path, base: Path | None, steps: int | None,
    device: str | None, cache_gib: float, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Says what will be trained on, trains, and says what came out."""
    from deftworks.printing import err, print_json
    from deftworks.printing import out as console
    from pipelines.training_stage import corpus_hash
    from training.mixture import open_mixture
    from training.plan import mixture_table, plan_run, plan_sentences
    from training.processes import join_processes
    from training.train import choose_device, train

    budget = int(cache_gib * 2**30)
    processes, device = join_processes(choose_device(device))
    with processes.first_before_others():
        mixture = open_mixture(episodes(), lake, recipe, corpus_hash(lake))
    if not processes.is_first:
        train(recipe, mixture, out, base, max_steps=steps, device=device, cache_budget_bytes=budget)
        return
    plan = plan_run(recipe, mixture, out, base, max_steps=steps, device=device)
    if not (dry_run and as_json):
        err.print(mixture_table(plan["trains_on"]))
        for sentence in plan_sentences(plan):
            err.print(sentence, markup=False)
    if dry_run:
        if as_json:
            print_json(plan)
        return
    try:
        with progress_shown() as report:
            run = train(
                recipe, mixture, out, base,
                on_progress=report, max_steps=steps, device=device, cache_budget_bytes=budget,
            )  # fmt: skip
    except KeyboardInterrupt:
        err.print("Stopped. The same command goes on where the last checkpoint is.")
        raise typer.Exit(130) from None
    if as_json:
        print_json({"out": str(out), **run.to_json()})
        return
    console.print(f"{out}: loss {run.first_loss:.4f} at first, {run.final_loss:.4f} at last, {run.num_steps} steps.")
    console.print(f"policy {out / 'pretrained_model'}, curve {out / 'metrics.jsonl'}", markup=False)


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], None]]:
    """Yields an `on_progress` that shows a bar with loss and time to go in a terminal, or else prints a few lines."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from deftworks.printing import err
    from pipelines.training_stage import line_reporter

    if not err.is_terminal:
        yield line_reporter(lambda line: err.print(line, markup=False))
        return
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=err) as bar:
        tasks: dict[str, Any] = {}

        def report(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bar.add_task(progress.stage, total=progress.total, loss="")
                bar.update(tasks[progress.stage], completed=progress.resumed_at)
            loss = "" if progress.loss is None else f"loss {progress.loss:.4f}"
            bar.update(tasks[progress.stage], completed=progress.done, loss=loss)

        yield report
