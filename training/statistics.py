"""What states and actions are normalised with: exact moments and quantiles of the frames that are trained on.

One set per embodiment: joint angles of one robot say nothing about the metres of another. A fine-tune has one embodiment
and so exactly its own statistics. How they are applied is `policy.statistics`'.
"""

from __future__ import annotations

import numpy as np

ACTION = "action"
STATE = "observation.state"
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

Values = dict[str, dict[str, np.ndarray]]


def exact_statistics(values_ND: np.ndarray) -> dict[str, np.ndarray]:
    """Returns mean, std (population), min, max, count and LeRobot's quantiles over the first axis, each float64 (D,)."""
    values = values_ND.astype(np.float64)
    found = {"mean": values.mean(0), "std": values.std(0), "min": values.min(0), "max": values.max(0)}
    found |= {name: np.quantile(values, q, axis=0) for name, q in QUANTILES.items()}
    return found | {"count": np.array([len(values)], np.float64)}


def group_statistics(state_NS: np.ndarray, action_NA: np.ndarray) -> Values:
    """Returns the statistics of one embodiment under exactly `observation.state` and `action`."""
    return {STATE: exact_statistics(state_NS), ACTION: exact_statistics(action_NA)}


def checkpoint_statistics(
    groups: dict[str, Values], num_frames: dict[str, int], state_dim: int, action_dim: int
) -> Values:
    """Returns what a checkpoint stores: under `action` and `observation.state` the one embodiment's own.

    A base over several embodiments stores, under those two names, the statistics of the one with most frames (smaller
    vectors padded with mean 0 and std 1), and each embodiment's beside them as `<embodiment>.action`. It is a start for
    fine-tunes, which bring their own.
    """
    largest = max(sorted(groups), key=lambda name: num_frames[name])
    stored = {STATE: _padded(groups[largest][STATE], state_dim), ACTION: _padded(groups[largest][ACTION], action_dim)}
    if len(groups) > 1:
        stored |= {f"{name}.{feature}": found for name, values in groups.items() for feature, found in values.items()}
    return stored


def _padded(found: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    missing = size - len(found["mean"])
    filler = {name: 1.0 if name == "std" else 0.0 for name in found}
    return {
        name: value if name == "count" else np.concatenate([value, np.full(missing, filler[name])])
        for name, value in found.items()
    }
