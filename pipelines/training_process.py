"""A training in a process of its own, as Dagster starts it: `python -m pipelines.training_process`, with Pipes' variables set.

Its memory, its GPU and its crashes are its own. Of Dagster it knows nothing but `dagster_pipes`, through which it hears what to
train and tells how far it is. Who starts it is `pipelines.training_launch`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesContext, open_dagster_pipes

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake
from pipelines.training_stage import base_episodes, line_reporter, skill_episodes, train_stage

if TYPE_CHECKING:
    from training.run import Progress


def main() -> None:
    """Trains what the launcher asked for, and reports `{"is_cached": ...}`, or an error of ours as `{"error": ...}`."""
    with open_dagster_pipes() as pipes:
        try:
            pipes.report_custom_message({"is_cached": _train(pipes)})
        except DeftworksError as error:
            pipes.report_custom_message(
                {"error": type(error).__name__, "message": str(error), "hint": error.hint, "is_retryable": error.is_retryable}
            )  # fmt: skip


def _train(pipes: PipesContext) -> bool:
    from training.recipes import load_recipe

    wanted: dict[str, Any] = pipes.extras
    lake, skill = Lake.at(wanted["home"]), wanted["skill"]
    trained = train_stage(
        lake.skill_policy(skill) if skill else lake.base_policy,
        load_recipe(wanted["recipe"]),
        skill_episodes(lake, skill) if skill else base_episodes(lake),
        lake,
        lake.base_policy if skill else None,
        wanted["approved_budget_hours"],
        never_alone(line_reporter(pipes.log.info)),
        wanted["cache_gib"],
    )
    return trained.is_cached


def never_alone(report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Returns `report`, ending this process when the one that started it is gone: nobody would hear the result, and the next launch
    would find the folder held."""
    parent = os.getppid()

    def heard(progress: Progress) -> None:
        if os.getppid() != parent:
            sys.exit("The process that started this training is gone.")
        report(progress)

    return heard


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
