"""Evidence for the Dagster UI: tables, contact sheets and joint plots, small enough for the event log (40 kB)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from data_contracts.tables import TableContract

MAX_BYTES = 40_000
TILE_PX = 96


def markdown_table(rows: Iterable[Mapping[str, Any]], limit: int = 50) -> dg.MarkdownMetadataValue:
    """Returns rows as a Markdown table, cut after `limit` with a note of how many are left."""
    rows = list(rows)
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(f"\n… and {len(rows) - limit} more.")
    return dg.MetadataValue.md("\n".join(lines))


def column_schema(contract: TableContract) -> dg.TableSchema:
    """Returns the contract's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(column.dtype),
                description=column.meaning,
                constraints=dg.TableColumnConstraints(nullable=column.is_nullable),
            )
            for column in contract.columns
        ]
    )


def contact_sheet(root: Path, num_frames: int = 6) -> dg.MarkdownMetadataValue:
    """Returns evenly spaced frames of the first episode, one row per camera, as a picture."""
    from PIL import Image

    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(root)
    episode = dataset.episode(dataset.episode_indices[0])
    rows = []
    for camera in dataset.camera_keys:
        if not episode.has_video(camera):
            continue
        indices = np.linspace(0, episode.num_frames - 1, num_frames).round().astype(int)
        frames_NHWC = episode.frames(camera).decode(sorted(set(indices.tolist())))
        tiles = [np.asarray(Image.fromarray(frame).resize((TILE_PX, TILE_PX))) for frame in frames_NHWC]
        tiles += [np.zeros_like(tiles[0])] * (num_frames - len(tiles))
        rows.append(np.concatenate(tiles, axis=1))
    if not rows:
        return dg.MetadataValue.md("no frames")
    return _picture(np.concatenate(rows, axis=0), "frames of the first episode, a row per camera")


def joint_plot(root: Path) -> dg.MarkdownMetadataValue:
    """Returns the first episode's state values over time as a picture: one coloured line per joint."""
    from data_contracts.lerobot import open_dataset

    dataset = open_dataset(root)
    state_TS = dataset.episode(dataset.episode_indices[0]).state_TS
    return _picture(draw_lines(state_TS), "observation.state of the first episode, a line per value")


def draw_lines(values_TS: np.ndarray, height: int = 160, width: int = 480) -> np.ndarray:
    """Returns a plot of each column, scaled to its own range, as uint8 (height, width, 3)."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    finite_TS = np.nan_to_num(values_TS.astype(float))
    low, high = finite_TS.min(axis=0), finite_TS.max(axis=0)
    scaled_TS = (finite_TS - low) / np.where(high > low, high - low, 1.0)
    x_T = np.linspace(4, width - 5, len(scaled_TS))
    for column, line_T in enumerate(scaled_TS.T):
        hue = int(360 * column / max(scaled_TS.shape[1], 1))
        points = list(zip(x_T.tolist(), (height - 6 - line_T * (height - 12)).tolist(), strict=True))
        draw.line(points, fill=f"hsl({hue}, 70%, 45%)", width=2)
    return np.asarray(image)


def loss_plot(losses: list[float]) -> dg.MarkdownMetadataValue:
    """Returns a training loss over its steps as a picture."""
    if not losses:
        return dg.MetadataValue.md("no steps")
    return _picture(draw_lines(np.asarray(losses)[:, None]), "training loss over the steps")


def _picture(pixels_HWC: np.ndarray, caption: str) -> dg.MarkdownMetadataValue:
    from PIL import Image

    image = Image.fromarray(pixels_HWC)
    for quality in (80, 60, 40, 20):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= MAX_BYTES * 3 // 4:
            break
    data = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![{caption}](data:image/jpeg;base64,{data})\n\n{caption}")


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
