"""Training on more than the disk holds decoded: for a stretch of steps all samples come from a pool of a few episodes, which were
decoded, in order, while the pool before was used.

Which episodes make a pool and which frames a step is a function of (seed, step), as everything is. Over pools, each frame has
exactly the chance that it has when every batch draws from all.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import numpy as np

from training.camera_cache import CameraCache, OnDecoded

_ROWS, _POOL = 0, 3
"""Streams of random numbers; see `training.batches`."""
LOOK_S = 0.05


@dataclass(frozen=True)
class Pools:
    """`chance_E`: of each trained episode, adding up to 1. `start_E`: its first frame, with one entry more.

    A pool has `size` places, used for `steps` steps. As long as no episode has more than 1 / size of all chance, its places hold
    different episodes, and so do the samples of a batch of up to `size`.
    """

    chance_E: np.ndarray
    start_E: np.ndarray
    seed: int
    size: int
    steps: int

    def of(self, step: int) -> int:
        """Returns the pool of a step."""
        return step // self.steps

    def members(self, pool: int) -> np.ndarray:
        """Returns the episode at each place of a pool, (size,): a systematic sample of the episodes in random order (Madow 1949),
        so that the places that an episode can expect are exactly size times its chance."""
        random = np.random.default_rng([self.seed, pool, _POOL])
        order = random.permutation(len(self.chance_E))
        ends = np.cumsum(self.chance_E[order])
        points = (random.random() + np.arange(self.size)) / self.size * ends[-1]
        return order[np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)]

    def rows(self, step: int, batch_size: int) -> np.ndarray:
        """Returns the frames of a step, (batch_size,): the places in random order, over and over, and any frame of each."""
        random = np.random.default_rng([self.seed, step, _ROWS])
        places = random.permutation(self.size)[np.arange(batch_size) % self.size]
        episodes = self.members(self.of(step))[places]
        lengths = self.start_E[episodes + 1] - self.start_E[episodes]
        return self.start_E[episodes] + (random.random(batch_size) * lengths).astype(int)


class PoolFiller:
    """Decodes each pool before its first step, and the next one while it is used.

    Args:
        always: episodes that stay decoded throughout.
        decodes: false in all processes but the first, which only wait.
    """

    def __init__(
        self, pools: Pools, cameras: CameraCache, last_step: int, always: frozenset[int], *, decodes: bool, on_decoded: OnDecoded
    ) -> None:  # fmt: skip
        self._pools, self._cameras, self._last_step, self._always = pools, cameras, last_step, always
        self._decodes = decodes
        self._on_decoded: OnDecoded | None = on_decoded
        self._worker = ThreadPoolExecutor(1)
        self._coming: dict[int, Future[None]] = {}
        self._closed = Event()

    def ready(self, step: int) -> None:
        """Returns when the episodes of the step's pool are decoded.

        Raises:
            TrainingError, VideoUnreadable: they cannot be; see `CameraCache.fill`.
        """
        pool = self._pools.of(step)
        self._start(pool)
        self._coming[pool].result()
        if (pool + 1) * self._pools.steps < self._last_step:
            self._start(pool + 1)

    def close(self) -> None:
        """Stops decoding what will not be needed any more."""
        self._closed.set()
        self._worker.shutdown()

    def _start(self, pool: int) -> None:
        if pool not in self._coming:
            self._coming = {number: work for number, work in self._coming.items() if number >= pool - 1}
            self._coming[pool] = self._worker.submit(self._fill if self._decodes else self._wait, pool)

    def _fill(self, pool: int) -> None:
        # The pools around it are in use: other processes may be a step behind.
        around = {int(episode) for near in range(max(pool - 2, 0), pool) for episode in self._pools.members(near)}
        told, self._on_decoded = self._on_decoded, None
        self._cameras.fill(
            map(int, self._pools.members(pool)),
            keep=around | self._always,
            on_decoded=told,
            is_wanted=lambda: not self._closed.is_set(),
        )

    def _wait(self, pool: int) -> None:
        members = [int(episode) for episode in self._pools.members(pool)]
        while not (self._cameras.has(members) or self._closed.is_set()):
            time.sleep(LOOK_S)
