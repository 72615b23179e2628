"""Videos of rollouts. A rollout is fixed by its seed and its actions, so a video is made afterwards by playing them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulation.worlds import World

if TYPE_CHECKING:
    from simulation.rollouts import Rollout

VIEW = "front"
SIDE_PX = 256
VIDEO_FPS = 20
WATERMARK = "SIMULATION"


def chosen_for_video(rollouts: Sequence[Rollout], num_videos: int) -> list[Rollout]:
    """Returns up to `num_videos` rollouts, successes and failures in turn, the first of each kind first."""
    kinds = [[r for r in rollouts if r.is_success == is_success] for is_success in (True, False)]
    longest = max(map(len, kinds))
    in_turn = [kind[index] for index in range(longest) for kind in kinds if index < len(kind)]
    return in_turn[:num_videos]


def video_path(folder: Path, rollout: Rollout) -> Path:
    """Returns the file that shows a rollout: its outcome and seed in the name."""
    return folder / f"{'success' if rollout.is_success else 'failure'}-{rollout.seed}.mp4"


def write_rollout_video(path: Path, world: World, seed: int, displaced: bool, actions_TA: np.ndarray) -> None:
    """Writes what the actions do in the world: H.264 mp4, about 20 frames/s, marked as a simulation in the picture. The file
    appears whole or not at all."""
    from data_contracts.lerobot.encode import encode_video

    stride = max(1, round(world.fps / VIDEO_FPS))
    frames = _replay(world, seed, displaced, actions_TA, stride)
    partial = path.with_name(f".partial-{path.name}")
    encode_video(frames, partial, fps=round(world.fps / stride), codec="h264")
    partial.replace(path)


def _replay(world: World, seed: int, displaced: bool, actions_TA: np.ndarray, stride: int) -> Iterator[np.ndarray]:
    world.reset(seed, displaced=displaced)
    yield marked(world.render(VIEW, SIDE_PX, SIDE_PX))
    for step, action in enumerate(actions_TA, start=1):
        world.step(action)
        if step % stride == 0 or step == len(actions_TA):
            yield marked(world.render(VIEW, SIDE_PX, SIDE_PX))


def marked(frame: np.ndarray) -> np.ndarray:
    """Returns the uint8 (H, W, 3) frame with SIMULATION written across its upper left corner."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(frame)
    canvas = ImageDraw.Draw(picture)
    size = max(10, frame.shape[0] // 14)
    box = canvas.textbbox((6, 4), WATERMARK, font_size=size)
    canvas.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill=(0, 0, 0))
    canvas.text((6, 4), WATERMARK, fill=(255, 255, 255), font_size=size)
    return np.asarray(picture)
