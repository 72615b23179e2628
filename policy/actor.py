"""Driving with a policy: one observation in, one action out, chunks kept in a queue between.

Units are the robot's on both sides. When to send actions, and what to do about latency, is `robot_runtime`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np
import torch

from data_contracts.errors import PolicyError
from policy.model import SmolVLAPolicy
from policy.processors import TASK, Processors


class Actor:
    """Acts with a policy, predicting a chunk whenever the actions of the last one are used up.

    Args:
        num_action_steps: how many actions of a chunk are executed; the configuration's `n_action_steps` when None.
        seed: decides the noise that chunks are sampled from.

    Raises:
        PolicyError: the processors have no statistics for `action` or `observation.state`.
    """

    def __init__(
        self, policy: SmolVLAPolicy, processors: Processors, num_action_steps: int | None = None, seed: int = 0
    ) -> None:
        processors.require_statistics("The policy cannot act: it")
        self.policy = policy.eval()
        self.processors = processors
        self.num_action_steps = policy.config.n_action_steps if num_action_steps is None else num_action_steps
        if not 1 <= self.num_action_steps <= policy.config.chunk_size:
            raise PolicyError(
                f"Cannot execute {self.num_action_steps} actions of chunks that have {policy.config.chunk_size}."
            )
        self._noise = torch.Generator().manual_seed(seed)
        self._queue: deque[np.ndarray] = deque()

    @property
    def needs_observation(self) -> bool:
        """Whether the next `act` looks at its observation; while False, cameras need not be rendered or read."""
        return not self._queue

    def reset(self, seed: int | None = None) -> None:
        """Forgets queued actions: a new episode begins. With a seed, it goes as any other with that seed."""
        self._queue.clear()
        if seed is not None:
            self._noise.manual_seed(seed)

    def act(self, observation: Mapping[str, np.ndarray], task: str) -> np.ndarray:
        """Returns the next action, float32 (action_dim,).

        Args:
            observation: uint8 (H, W, 3) under the camera keys and float32 `observation.state`; ignored (and may be empty)
                unless `needs_observation`.
        """
        if self.needs_observation:
            self._queue.extend(self.predict_chunk(observation, task)[: self.num_action_steps])
        return self._queue.popleft()

    def predict_chunk(self, observation: Mapping[str, np.ndarray], task: str) -> np.ndarray:
        """Returns a whole chunk for one observation, float32 (chunk_size, action_dim). The queue is not touched."""
        batch = self.processors.preprocess(dict(observation) | {TASK: task})
        config = self.policy.config
        noise = torch.randn(1, config.chunk_size, config.max_action_dim, generator=self._noise)
        actions = self.policy.sample_actions(batch, noise=noise.to(self.policy.device))
        return self.processors.postprocess(actions)[0].numpy()
