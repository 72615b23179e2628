"""States and actions of every frame of a mixture, in memory, and the arithmetic of action chunks.

One row per frame, episodes one after the other. Values are normalised per embodiment and padded on the right with zeros to
the widest. Pictures are not here: see `training.camera_cache`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_contracts.errors import TrainingError
from data_contracts.lerobot import open_dataset
from data_contracts.lerobot.reader import LeRobotDataset
from training.mixture import Episode, Mixture
from training.statistics import ACTION, STATE, Values, group_statistics

EPSILON = 1e-8
"""Added to the standard deviation, as `policy.statistics.normalise` does."""


@dataclass(frozen=True)
class FrameTable:
    """N frames of E episodes, those that are held out after the others and in no statistics.

    `state_NS` and `action_NA` are normalised; `action_dims_E` says how many of A are real. `start_E` has E + 1 entries.
    """

    state_NS: np.ndarray
    action_NA: np.ndarray
    start_E: np.ndarray
    action_dims_E: np.ndarray
    statistics: dict[str, Values]
    num_frames: dict[str, int]

    @property
    def num_rows(self) -> int:
        return len(self.state_NS)

    def episode_of(self, rows_B: np.ndarray) -> np.ndarray:
        """Returns the episode of each row."""
        return np.searchsorted(self.start_E, rows_B, side="right") - 1

    def chunks(self, rows_B: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the actions from each row on, (B, size, A), and which of them lie past the end of the episode, (B, size).

        Past the end the last action is repeated.
        """
        wanted = rows_B[:, None] + np.arange(size)
        last = self.start_E[self.episode_of(rows_B) + 1][:, None] - 1
        return self.action_NA[np.minimum(wanted, last)], wanted > last


def read_frame_table(mixture: Mixture, on_progress: Callable[[int, int], None] | None = None) -> FrameTable:
    """Reads states and actions of all episodes.

    Raises:
        TrainingError: an episode has another number of frames or values than the index says, non-finite ones, or ones that the
            dataset's own meta/stats.json does not know.
        DatasetUnreadable: a dataset cannot be read.
    """
    states, actions = [], []
    opened: dict[str, LeRobotDataset] = {}
    for number, episode in enumerate(mixture.all_episodes):
        if episode.dataset.id not in opened:
            opened = {episode.dataset.id: open_dataset(episode.dataset.folder)}
        rows = opened[episode.dataset.id].episode(episode.normalised_index)
        _check(episode, rows.state_TS, rows.action_TA)
        published = opened[episode.dataset.id].statistics.dataset
        for feature, values in ((STATE, rows.state_TS), (ACTION, rows.action_TA)):
            _check_statistics(episode, feature, values, published.get(feature))
        states.append(rows.state_TS)
        actions.append(rows.action_TA)
        if on_progress:
            on_progress(number + 1, len(mixture.all_episodes))
    return _table(mixture, states, actions)


def _table(mixture: Mixture, states: list[np.ndarray], actions: list[np.ndarray]) -> FrameTable:
    group_of = [episode.dataset.embodiment for episode in mixture.all_episodes]
    trained = group_of[: len(mixture.episodes)]
    statistics: dict[str, Values] = {}
    num_frames: dict[str, int] = {}
    for group in sorted(set(trained)):
        members = [i for i, name in enumerate(trained) if name == group]
        state, action = (np.concatenate([values[i] for i in members]) for values in (states, actions))
        statistics[group], num_frames[group] = group_statistics(state, action), len(state)
    state_dim, action_dim = (max(values.shape[1] for values in array) for array in (states, actions))
    return FrameTable(
        state_NS=_stacked(states, [statistics[group][STATE] for group in group_of], state_dim),
        action_NA=_stacked(actions, [statistics[group][ACTION] for group in group_of], action_dim),
        start_E=np.cumsum([0, *(len(state) for state in states)]),
        action_dims_E=np.array([action.shape[1] for action in actions]),
        statistics=statistics,
        num_frames=num_frames,
    )


def _stacked(arrays: list[np.ndarray], statistics: list[dict[str, np.ndarray]], width: int) -> np.ndarray:
    out = np.zeros((sum(map(len, arrays)), width), np.float32)
    row = 0
    for values, found in zip(arrays, statistics, strict=True):
        mean, std = found["mean"].astype(np.float32), found["std"].astype(np.float32)
        out[row : row + len(values), : values.shape[1]] = (values - mean) / (std + np.float32(EPSILON))
        row += len(values)
    return out


def _check(episode: Episode, state_TS: np.ndarray, action_TA: np.ndarray) -> None:
    expected = (episode.num_frames, episode.dataset.state_size, episode.dataset.action_size)
    found = (len(action_TA), state_TS.shape[1], action_TA.shape[1])
    if found != expected:
        raise TrainingError(
            f"{episode.id} has (frames, state, action) {found}, the lake says {expected}.",
            hint="Normalise the dataset again.",
        )
    if not state_TS.shape[1] or not action_TA.shape[1]:
        raise TrainingError(f"{episode.id} has no state or no action.", hint="Leave it out of the skill's query.")
    if not (np.isfinite(state_TS).all() and np.isfinite(action_TA).all()):
        raise TrainingError(f"{episode.id} holds values that are not finite.", hint="The detectors should reject it.")


def _check_statistics(episode: Episode, feature: str, values_TD: np.ndarray, published: Any) -> None:
    """Statistics are computed from the frames; a file that was computed from other frames says that the two do not belong together."""
    if not published:
        return
    try:
        low, high = (np.asarray(published[name], np.float64) for name in ("min", "max"))
        slack = 1e-4 * (high - low) + 1e-5 * np.maximum(np.abs(low), np.abs(high)) + 1e-6
        agrees = low.shape == high.shape == values_TD.shape[1:] and bool(
            ((values_TD >= low - slack) & (values_TD <= high + slack)).all()
        )
    except (KeyError, TypeError, ValueError):
        agrees = False
    if not agrees:
        raise TrainingError(
            f"{episode.id}: {feature} is not what {episode.dataset.folder / 'meta/stats.json'} describes.",
            hint="Data and statistics are of different recordings: normalise the dataset again.",
        )
