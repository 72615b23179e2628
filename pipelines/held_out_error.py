"""How far a policy's predicted actions are from those that held-out demonstrations recorded. Shown, and never called success:
a policy can predict well and still fail, since its own mistakes lead it to where no demonstration was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.errors import PolicyError

if TYPE_CHECKING:
    from data_contracts.lerobot import LeRobotDataset

NUM_FRAMES = 64
STATE = "observation.state"


def held_out_error(
    policy: Path, folders: Sequence[Path], *, device: str = "cpu", num_frames: int = NUM_FRAMES
) -> dict[str, Any]:
    """Returns the error of whole predicted chunks on frames spread evenly over the datasets' episodes, as plain JSON:
    `mean_absolute_error` per action value in the robot's units, and `relative_error`, the root mean square over the standard
    deviation of the recorded actions (1 is what always predicting their mean gives).

    Raises:
        PolicyError: a dataset's cameras, states or actions are not the policy's.
        SimulationError: a folder holds no LeRobot dataset.
    """
    from data_contracts.lerobot import open_dataset
    from policy.actor import Actor
    from policy.checkpoint import load_checkpoint
    from simulation.demonstrations import dataset_folders

    actor = Actor(*load_checkpoint(policy, device=device))
    datasets = [open_dataset(root) for folder in folders for root in dataset_folders(folder)]
    episodes = [(dataset, index) for dataset in datasets for index in dataset.episode_indices]
    chosen = episodes[:: max(1, len(episodes) // num_frames)][:num_frames]
    share = -(-num_frames // len(chosen))
    errors, recorded = [], []
    for dataset, index in chosen:
        for error_TA, action_TA in _episode_errors(actor, dataset, index, share):
            errors.append(error_TA)
            recorded.append(action_TA)
    errors_NA, recorded_NA = np.concatenate(errors), np.concatenate(recorded)
    spread_A = np.maximum(recorded_NA.std(axis=0), 1e-6)
    return {
        "num_frames": len(errors),
        "num_episodes": len(chosen),
        "datasets": [dataset.root.name for dataset in datasets],
        "mean_absolute_error": [round(float(value), 6) for value in np.abs(errors_NA).mean(axis=0)],
        "relative_error": round(float(np.sqrt(np.square(errors_NA / spread_A).mean())), 4),
    }


def _episode_errors(
    actor: Any, dataset: LeRobotDataset, index: int, num_frames: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns (predicted minus recorded actions, recorded actions), both (T, A), from some frames of an episode to the end of
    their chunks or of the episode."""
    episode, cameras = dataset.episode(index), _cameras(actor, dataset)
    starts = np.unique(np.linspace(0, episode.num_frames - 1, num_frames + 1)[:-1].astype(int)).tolist()
    frames = {key: episode.frames(source).decode(starts) for key, source in cameras.items()}
    actor.reset(index)
    found = []
    for number, start in enumerate(starts):
        observation = {key: pictures[number] for key, pictures in frames.items()} | {STATE: episode.state_TS[start]}
        chunk_TA = actor.predict_chunk(observation, episode.task)
        action_TA = episode.action_TA[start : start + len(chunk_TA)]
        if action_TA.shape[1] != chunk_TA.shape[1]:
            raise PolicyError(
                f"Actions of {dataset.root} have {action_TA.shape[1]} values, the policy's {chunk_TA.shape[1]}."
            )
        found.append((chunk_TA[: len(action_TA)] - action_TA, action_TA))
    return found


def _cameras(actor: Any, dataset: LeRobotDataset) -> dict[str, str]:
    """Returns the policy's camera -> the dataset's: of the same name, or where none is, in their order."""
    wanted = [key for key in actor.policy.config.camera_keys if ".empty_camera" not in key]
    if set(wanted) <= set(dataset.camera_keys):
        return {key: key for key in wanted}
    if len(wanted) != len(dataset.camera_keys):
        raise PolicyError(
            f"{dataset.root} has the cameras {', '.join(dataset.camera_keys)}, the policy looks through {', '.join(wanted)}.",
            hint="Held-out datasets need the policy's cameras.",
        )
    return dict(zip(wanted, dataset.camera_keys, strict=True))
