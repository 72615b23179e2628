"""Starts a training in a process of its own through Dagster Pipes, and hears it. What it does is `pipelines.training_process`'."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterPipesExecutionError  # Dagster exports it nowhere else
from dagster_pipes import PipesParams

from data_contracts.layout import Lake

COMMAND = [sys.executable, "-m", "pipelines.training_process"]


class TrainingBudget(dg.Config):
    """What a person allows a training: GPU hours, which a GPU recipe does not start without and ends with at the last checkpoint that
    fits; and room for decoded frames on the lake's disk."""

    approved_budget_hours: float = 0.0
    cache_gib: float = 50.0


def launch_training(
    context: dg.AssetExecutionContext,
    lake: Lake,
    recipe: str,
    skill: str | None,
    budget: TrainingBudget,
    tell: Callable[[str], None],
) -> bool:
    """Makes sure that the lake's base policy, or that of `skill`, is trained; returns whether it had been before.

    Raises:
        dg.Failure: the training refused or failed, with its message and hint; or its process died.
    """
    wanted = {
        "home": str(lake.home),
        "recipe": recipe,
        "skill": skill,
        "approved_budget_hours": budget.approved_budget_hours,
        "cache_gib": budget.cache_gib,
    }
    client = dg.PipesSubprocessClient(message_reader=_Told(tell))
    try:
        with warnings.catch_warnings():  # Dagster's own Pipes session calls what Dagster deprecates
            warnings.simplefilter("ignore", dg.PreviewWarning)
            warnings.filterwarnings("ignore", "AssetExecutionContext.run_id", DeprecationWarning)
            said = client.run(context=context, command=COMMAND, extras=wanted).get_custom_messages()
    except DagsterPipesExecutionError as error:
        raise dg.Failure(
            description=f"The training's process died: {error}.",
            metadata={"hint": "Launch it again: it goes on from its last checkpoint."},
            allow_retries=False,
        ) from error
    [result] = said
    if "error" in result:
        raise dg.Failure(
            description=result["message"],
            metadata={"error": result["error"], "hint": result["hint"] or "-"},
            allow_retries=result["is_retryable"],
        )
    return bool(result["is_cached"])


class _Told(dg.PipesTempFileMessageReader):
    """Reads a process's messages, and hands its lines of progress to `tell` while it runs."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[PipesParams]:
        with super().read_messages(_Heard(handler, self._tell)) as params:
            yield params


class _Heard:
    """Dagster's handler of messages, but for lines of progress."""

    def __init__(self, handler: Any, tell: Callable[[str], None]) -> None:
        self._handler = handler
        self._tell = tell

    def handle_message(self, message: Mapping[str, Any]) -> None:
        if message["method"] == "log":
            self._tell(message["params"]["message"])
        else:
            self._handler.handle_message(message)

    def report_pipes_framework_exception(self, origin: str, exc_info: Any) -> None:
        self._handler.report_pipes_framework_exception(origin, exc_info)
