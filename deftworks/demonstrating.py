"""`deftworks demo`: the main job on a sample community that it records in simulation, summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from deftworks.options import Home

if TYPE_CHECKING:
    from data_contracts.layout import Lake
    from pipelines.run import PipelineRun


def demo(home: Home = None) -> None:
    """Record a sample community in simulation and take it all the way to a shop with signed skill packs.

    About 12 minutes on two cores the first time; a second run does nothing again. Stop it at any time; it goes on.

    [bold]Example[/bold]

      deftworks demo --home lake
    """
    from data_contracts.layout import Lake
    from deftworks.running import configure, exit_code, run_with_progress

    lake = Lake.at(home)
    record_community(lake)
    configure(lake, [f"folder:{lake.community}"], None, None)
    result = run_with_progress(lake, "pack")
    show_demo(lake, result)
    raise typer.Exit(exit_code(result))


def record_community(lake: Lake) -> None:
    """Makes sure that the sample community lies in the lake, with a line per dataset. Kept between runs."""
    from deftworks.printing import err
    from simulation.community import record_community as record

    err.print("Recording the sample community in simulation (MuJoCo; kept between runs) ...")

    def show(dataset: str, done: int, total: int) -> None:
        err.print(f"[green]✓[/green] recorded {dataset} [dim]({done} of {total} episodes)[/dim]")

    record(lake.community, on_progress=show)


def show_demo(lake: Lake, result: PipelineRun) -> None:
    """Prints what happened: datasets in and out with reasons, skills with their success rates, packs, and what to open."""
    from rich.table import Table

    from data_contracts.manifests import EvaluationReport
    from deftworks.demo_sale import show_demo_sale
    from deftworks.printing import out
    from deftworks.running import show_corpus
    from pipelines.settings import read_settings
    from skill_packs.layout import newest_packs

    show_corpus(result)
    accepted = sum(row.state == "accepted" for row in result.report.datasets)
    kept = sum(row.num_episodes_kept for row in result.report.datasets)
    out.print(
        f"\n{len(result.report.datasets)} datasets in, {accepted} accepted, "
        f"{len(result.report.datasets) - accepted} rejected, {kept} episodes kept.\n"
    )
    skills = read_settings(lake).skills()
    packs = {folder.parent.name: folder for folder in newest_packs(lake, skills.ids)}
    table = Table("skill", "successes", "95% interval", "doing nothing", "pack", box=None, pad_edge=False)
    for skill in skills.skill:
        path = lake.evaluation(skill.id) / "evaluation.json"
        pack = packs.get(skill.id)
        shown = f"{pack.parent.name} {pack.name}" if pack else "[red]none[/red]"
        if not path.exists():
            table.add_row(skill.id, "-", "-", "-", shown)
            continue
        report = EvaluationReport.read(path)
        idle = report.baselines["do_nothing"]
        table.add_row(
            skill.id, f"{report.policy.num_successes} of {report.policy.num_rollouts}",
            f"{report.policy.low:.0%} to {report.policy.high:.0%}",
            f"{idle.num_successes} of {idle.num_rollouts}", shown,
        )  # fmt: skip
    out.print(table)
    out.print("Success is counted in simulation, from starts that no demonstration used.\n")
    for key, message in result.failures.items():
        out.print(f"[red]failed[/red] {key}: {message}", highlight=False)
    if packs:
        show_demo_sale(lake)
        out.print("")
    option = "" if lake == type(lake).at() else f" --home {lake.home}"
    out.print(f"Open the shop:     .venv/bin/deftworks shop{option}       then http://localhost:8501")
    out.print(f"Open Dagster:      .venv/bin/deftworks dagster{option}    then http://localhost:3000")
