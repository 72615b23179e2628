"""How errors of the rooms below become Dagster failures, and how a dataset that failed is remembered for the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from data_contracts.errors import DeftworksError
from data_contracts.layout import Lake
from pipelines.failed_stages import failure_kept, failure_path, read_failures

__all__ = ["RETRY", "dataset_failures", "domain_failures", "failure_path", "read_failures"]

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For faults that pass: the network, a busy disk. Faults that do not pass are raised with retries switched off."""


@contextmanager
def dataset_failures(lake: Lake, dataset_id: str, asset: str) -> Iterator[None]:
    """Runs one dataset's stage: an error fails this partition alone and is written down for the corpus until it succeeds."""
    with failure_kept(lake, dataset_id, asset), domain_failures():
        yield


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
