"""Name and motion together: the role of every camera of a normalised dataset.

A role is the most probable one by Bayes' rule: the name gives the prior (`names`), the picture the evidence (`motion`).
Below MIN_CONFIDENCE nothing is claimed. What does not belong here: which policy slot a role fills (`slots`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from curation.views.motion import PictureMotion, measure_motion, sample_indices, small_grey
from curation.views.names import name_prior, named_arm, named_role, words_of
from data_contracts.catalogue import CAMERA_ROLE_TABLE
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import NormalisedDataset

if TYPE_CHECKING:
    from data_contracts.lerobot import LeRobotDataset

MAX_EPISODES = 3
MIN_CONFIDENCE = 0.6
EVEN_STATIC_FRACTION = 0.45
"""Static fraction at which a camera is as likely to move as not; see `motion` for what was measured on both sides."""
STATIC_FRACTION_SCALE = 0.03
SUREST = 0.98
"""No picture makes more certain than this: a fixed camera may have been knocked over, a wrist camera may see little."""
MAX_CHANGE_AT_REST = 0.5


def assign_camera_roles(normalised: Path) -> pl.DataFrame:
    """Returns one row per camera of a normalised dataset (table CAMERA_ROLE_TABLE); none for a rejected dataset.

    Decodes at most 24 frames of at most 3 episodes per camera, each once.

    Raises:
        DatasetUnreadable, VideoUnreadable: what was normalised cannot be read back.
    """
    manifest = NormalisedDataset.read(normalised / "meta" / "deftworks.json")
    if not manifest.episodes:
        return CAMERA_ROLE_TABLE.frame([])
    dataset = open_dataset(normalised)
    rows = [
        {
            "dataset_id": manifest.dataset_id,
            "camera_key": camera.key,
            "height_px": camera.height_px,
            "width_px": camera.width_px,
            **role_of_camera(camera.key, _motions(dataset, camera.key)),
        }
        for camera in manifest.cameras
    ]
    return CAMERA_ROLE_TABLE.check(CAMERA_ROLE_TABLE.frame(rows)).sort(CAMERA_ROLE_TABLE.key)


def role_of_camera(camera_key: str, motions: list[PictureMotion]) -> dict[str, Any]:
    """Returns role, confidence, moving_fraction and evidence of one camera.

    Args:
        motions: what was measured, one per episode; empty where nothing could be.
    """
    static = float(np.median([motion.static_fraction for motion in motions])) if motions else None
    resting = [motion.change_at_rest for motion in motions if motion.change_at_rest is not None]
    at_rest = float(np.median(resting)) if resting else None
    chance = _chance_of_moving_with_arm(static, at_rest)
    weights = {role: p * (chance if role == "wrist" else 1 - chance) for role, p in name_prior(camera_key).items()}
    role, weight = max(weights.items(), key=lambda entry: entry[1])
    confidence = weight / sum(weights.values())
    if confidence < MIN_CONFIDENCE:
        role = "unknown"
    if role == "wrist" and (arm := named_arm(camera_key)):
        role = f"wrist_{arm}"
    return {
        "role": role,
        "confidence": round(confidence, 3),
        "moving_fraction": None if static is None else round(1 - static, 3),
        "evidence": _evidence(camera_key, static, at_rest),
    }


def _chance_of_moving_with_arm(static: float | None, at_rest: float | None) -> float:
    if static is None:
        return 0.5
    odds = (EVEN_STATIC_FRACTION - static) / STATIC_FRACTION_SCALE
    if odds > 0 and at_rest is not None and at_rest > MAX_CHANGE_AT_REST:
        odds = 0.0  # it moves, but also while the arm rests: held by a person, or the light changes
    return float(np.clip(1 / (1 + np.exp(-odds)), 1 - SUREST, SUREST))


def _motions(dataset: LeRobotDataset, camera_key: str) -> list[PictureMotion]:
    shown = [number for number in dataset.episode_indices if dataset.has_frames(camera_key, number)]
    chosen = sorted({shown[k] for k in np.linspace(0, len(shown) - 1, MAX_EPISODES).astype(int)}) if shown else []
    measured = []
    for number in chosen:
        episode = dataset.episode(number)
        frames = episode.frames(camera_key)
        indices = sample_indices(min(len(frames), episode.num_frames))
        grey = small_grey(frames.decode(indices))
        measured.append(measure_motion(grey, episode.state_TS[np.asarray(indices)]))
    return [motion for motion in measured if motion is not None]


def _evidence(camera_key: str, static: float | None, at_rest: float | None) -> str:
    said = named_role(camera_key)
    named = (
        f"the name says {said}" if said else f"the name says nothing ({' '.join(words_of(camera_key)) or 'no words'})"
    )
    if static is None:
        return f"{named}; the picture could not be measured (few frames, no edges, or the arm stands still)."
    moving = "moves" if static < EVEN_STATIC_FRACTION else "stands still"
    resting = "" if at_rest is None else f", and while the arm rests it changes {at_rest:.0%} as much as else"
    return f"{named}; the picture {moving}: {static:.0%} of its edges stay in place{resting}."
