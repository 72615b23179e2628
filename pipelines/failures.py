"""How errors of the rooms below become Dagster failures, and how a dataset that failed is remembered for the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake
from data_contracts.stages import write_text

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For faults that pass: the network, a busy disk. Faults that do not pass are raised with retries switched off."""


def failure_path(lake: Lake, dataset_id: str, asset: str) -> Path:
    """Returns where the failure of an asset's last attempt at a dataset is kept."""
    return lake.home / "failures" / dataset_id / f"{asset}.txt"


@contextmanager
def dataset_failures(lake: Lake, dataset_id: str, asset: str) -> Iterator[None]:
    """Runs one dataset's stage: an error fails this partition alone and is written down for the corpus until it succeeds."""
    path = failure_path(lake, dataset_id, asset)
    try:
        with domain_failures():
            yield
    except Exception as error:  # an interruption is no Exception: it says nothing about the dataset
        text = error.description if isinstance(error, dg.Failure) else f"{type(error).__name__}: {error}"
        write_text(path, f"{text}\n")
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
    """Returns the datasets of which a stage failed when it was last tried, with the error's text."""
    found = {name: sorted((lake.home / "failures" / name).glob("*.txt")) for name in dataset_ids}
    return {
        name: "; ".join(f"{path.stem}: {path.read_text(encoding='utf-8').strip()}" for path in paths)
        for name, paths in found.items()
        if paths
    }
