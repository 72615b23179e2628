"""Draws small recordings of an arm at work, so that the shop has something to show before real packs exist."""

from __future__ import annotations

from math import cos, pi, sin
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

SIDE = 256
PALETTES = (
    ((222, 226, 231), (186, 160, 131), (214, 69, 65)),
    ((215, 225, 221), (120, 134, 124), (70, 120, 190)),
    ((232, 226, 216), (160, 140, 160), (230, 160, 50)),
    ((210, 216, 228), (140, 150, 165), (60, 150, 110)),
)


def write_scene(path: Path, palette: int = 0, is_success: bool = True, num_frames: int = 32, fps: int = 20) -> None:
    """Writes an H.264 mp4 of an arm that reaches a block, or misses it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "20", "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for index in range(num_frames):
            picture = _frame(PALETTES[palette % len(PALETTES)], index / (num_frames - 1), is_success)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frame(palette: tuple[tuple[int, int, int], ...], phase: float, is_success: bool) -> Image.Image:
    wall, table, block = palette
    picture = Image.new("RGB", (SIDE * 2, SIDE * 2), wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 330, 512, 512), fill=table)
    draw.rectangle((0, 330, 512, 338), fill=tuple(int(c * 0.85) for c in table))
    bend = min(phase * 1.4, 1.0) * (1.0 if is_success else 0.72)
    shoulder, reach = (150, 340), 0.95 - 0.62 * bend
    elbow = (shoulder[0] + 130 * cos(pi * reach * 0.5), shoulder[1] - 150 * sin(pi * (0.25 + 0.3 * reach)))
    hand = (elbow[0] + 90 + 40 * bend, elbow[1] + 20 + 120 * bend)
    lift = max(0.0, phase - 0.75) * 240 if is_success else 0.0
    x, y = 352, 346 - lift
    hand = (hand[0], hand[1] - lift)
    draw.ellipse((x - 40, 404, x + 40, 424), fill=tuple(int(c * 0.75) for c in table))
    draw.rounded_rectangle((x - 34, y, x + 34, y + 68), 8, fill=block)
    draw.rounded_rectangle((x - 34, y, x + 34, y + 16), 8, fill=tuple(min(255, int(c * 1.15)) for c in block))
    draw.rounded_rectangle((100, 340, 200, 420), 12, fill=(52, 56, 64))
    for start, end, width in ((shoulder, elbow, 40), (elbow, hand, 30)):
        draw.line((*start, *end), fill=(245, 246, 248), width=width)
    for joint, radius in ((shoulder, 30), (elbow, 24), (hand, 18)):
        box = (joint[0] - radius, joint[1] - radius, joint[0] + radius, joint[1] + radius)
        draw.ellipse(box, fill=(52, 56, 64))
    for side in (-22, 22):
        draw.line((hand[0] + side, hand[1], hand[0] + side, hand[1] + 52), fill=(80, 86, 96), width=12)
    picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    mark = ImageDraw.Draw(picture)
    mark.rectangle((0, 0, 112, 24), fill=(0, 0, 0))
    mark.text((6, 4), "SIMULATION", fill=(255, 255, 255), font_size=16)
    return picture
