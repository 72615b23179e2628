"""How errors of the rooms below become Dagster failures, and how a dataset that failed is remembered for the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For faults that pass: the network, a busy disk. Faults that do not pass are raised with retries switched off."""


def failure_path(lake: Lake, dataset_id: str) -> Path:
    """Returns where the failure of a dataset's last attempt is kept."""
    return lake.home / "failures" / f"{dataset_id}.txt"


@contextmanager
def dataset_failures(lake: Lake, dataset_id: str) -> Iterator[None]:
    """Runs one dataset's stage: an error fails this partition alone and is written down for the corpus."""
    path = failure_path(lake, dataset_id)
    try:
        with domain_failures():
            yield
    except Exception as error:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = error.description if isinstance(error, dg.Failure) else f"{type(error).__name__}: {error}"
        path.write_text(f"{text}\n", encoding="utf-8")
        raise
    path.unlink(missing_ok=True)


@contextmanager
def domain_failures() -> Iterator[None]:
    """Turns a DeftworksError into dg.Failure with its hint; only retryable ones are tried again."""
    try:
        yield
    except DeftworksError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "hint": error.hint or "-"},
            allow_retries=error.is_retryable,
        ) from error


def read_failures(lake: Lake, dataset_ids: list[str]) -> dict[str, str]:
    """Returns the datasets whose last attempt failed, with the error's text."""
    found = {name: failure_path(lake, name) for name in dataset_ids}
    return {name: path.read_text(encoding="utf-8").strip() for name, path in found.items() if path.exists()}
