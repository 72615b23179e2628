"""The processes of one run: each computes its share of every step, and all move the same weights.

`accelerate launch` starts them, on one machine or many; a process that it did not start is alone. The first one writes
checkpoints, metrics and caches, so `out` and the lake must lie where all processes see them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor

PATIENCE = timedelta(hours=12)
"""How long a process waits for the first one, which may have much to decode."""


@dataclass(frozen=True)
class Processes:
    """This process among all of a run."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each tensor by its sum over all processes, the same in all of them. One message for all tensors."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def wait(self) -> None:
        """Returns when all processes are here."""
        if self.count > 1:
            torch.distributed.barrier()

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Runs the block in the first process, then in the others, which find what it made."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()


def join_processes(device: str) -> tuple[Processes, str]:
    """Returns this process among those that `accelerate launch` started, and the device that is its own."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(), device
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu", timeout=PATIENCE)
    return Processes(state.process_index, state.num_processes), str(state.device)
