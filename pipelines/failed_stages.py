"""Which stage of which dataset failed when it was last tried, and with what: a text file each, read by the corpus.

What does not belong here: anything of Dagster (`pipelines.failures`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.layout import Lake
from data_contracts.stages import write_text


def failure_path(lake: Lake, dataset_id: str, asset: str) -> Path:
    """Returns where the failure of an asset's last attempt at a dataset is kept."""
    return lake.home / "failures" / dataset_id / f"{asset}.txt"


@contextmanager
def failure_kept(lake: Lake, dataset_id: str, asset: str) -> Iterator[None]:
    """Runs one dataset's stage: its error is written down for the corpus until the stage succeeds, and raised."""
    path = failure_path(lake, dataset_id, asset)
    try:
        yield
    except Exception as error:  # an interruption is no Exception: it says nothing about the dataset
        text = getattr(error, "description", None) or f"{type(error).__name__}: {error}"
        write_text(path, f"{text}\n")
        raise
    path.unlink(missing_ok=True)


def read_failures(lake: Lake, dataset_ids: list[str]) -> dict[str, str]:
    """Returns the datasets of which a stage failed when it was last tried, with the error's text."""
    found = {name: sorted((lake.home / "failures" / name).glob("*.txt")) for name in dataset_ids}
    return {
        name: "; ".join(f"{path.stem}: {path.read_text(encoding='utf-8').strip()}" for path in paths)
        for name, paths in found.items()
        if paths
    }
