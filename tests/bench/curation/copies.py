"""A dataset copied by hard links, of which rows, frames and files can be changed without touching the original.

Belongs here: how v2.0, v2.1 and v3.0 keep rows and frames, for writing. What is changed is decided by the injectors.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STATE, ACTION, TIME = "observation.state", "action", "timestamp"
INFO, EPISODE_LINES, TASK_LINES = "meta/info.json", "meta/episodes.jsonl", "meta/tasks.jsonl"
TASK_TABLE = "meta/tasks.parquet"
STATISTICS_LINES = "meta/episodes_stats.jsonl"
LEFT_BEHIND = frozenset({"stage.json"})
"""What the recorder keeps beside a dataset and no contributor would publish."""

Rows = dict[str, np.ndarray]
"""Column -> one value or vector per frame. An episode's parquet rows."""


@dataclass
class Copy:
    """The copy in `root` (see `link_tree`). `finish` writes what was changed in memory."""

    root: Path
    info: dict[str, Any] = field(init=False)
    _tables: dict[Path, dict[int, pa.Table]] = field(init=False, default_factory=dict)
    _touched: set[Path] = field(init=False, default_factory=set)
    _is_length_changed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.info = json.loads((self.root / INFO).read_text(encoding="utf-8"))
        self._episodes = self._read_episodes()

    # --- metadata ---------------------------------------------------------------------------------------------------

    @property
    def is_v3(self) -> bool:
        return str(self.info["codebase_version"]).startswith("v3")

    @property
    def fps(self) -> float:
        return float(self.info["fps"])

    @property
    def video_keys(self) -> list[str]:
        return [key for key, feature in self.info["features"].items() if feature["dtype"] == "video"]

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """The episode table as plain rows; changed ones are written by `finish` after `write_episodes` was called."""
        return self._episodes

    @property
    def episode_table(self) -> Path:
        return next(iter(sorted((self.root / "meta" / "episodes").rglob("*.parquet"))))

    def _read_episodes(self) -> list[dict[str, Any]]:
        if self.is_v3:
            return pq.read_table(self.episode_table).to_pylist()
        return read_lines(self.root / EPISODE_LINES)

    def write_info(self) -> None:
        rewrite(self.root / INFO, json.dumps(self.info, indent=4))

    def write_episodes(self) -> None:
        if not self.is_v3:
            write_lines(self.root / EPISODE_LINES, self._episodes)
            return
        table = pq.read_table(self.episode_table)
        columns = [
            pa.array([row[name] for row in self._episodes], table.schema.field(name).type)
            for name in table.column_names
        ]
        replace_table(self.episode_table, pa.table(columns, schema=table.schema))

    # --- rows -------------------------------------------------------------------------------------------------------

    def data_file(self, episode: int) -> Path:
        """Returns the parquet file that holds the episode's rows."""
        row = self._episodes[episode]
        if self.is_v3:
            values = {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}
            return self.root / self.info["data_path"].format(**values)
        return next(self.root.glob(f"data/**/*episode_{episode:06d}.parquet"))

    def rows(self, episode: int) -> Rows:
        """Returns the episode's numbers, float columns as float64."""
        table = self._table(episode)
        rows = {}
        for name in table.column_names:
            if pa.types.is_struct(table.schema.field(name).type):
                continue  # a picture kept in the rows
            values = np.array(table[name].to_pylist())
            rows[name] = values.astype(np.float64) if values.dtype.kind == "f" else values
        return rows

    def set_rows(self, episode: int, rows: Mapping[str, np.ndarray]) -> None:
        """Replaces the episode's numbers. With fewer rows the episode becomes shorter, and what counts rows follows."""
        table = self._table(episode)
        length = len(next(iter(rows.values())))
        if length != table.num_rows:
            self._is_length_changed = True
            table = table.slice(0, length)
            self._episodes[episode]["length"] = length
        for name, values in rows.items():
            declared = table.schema.field(name)
            column = pa.array(values.tolist(), declared.type)
            table = table.set_column(table.schema.get_field_index(name), declared, column)
        self._put(episode, table)

    def _table(self, episode: int) -> pa.Table:
        path = self.data_file(episode)
        if path not in self._tables:
            table = pq.read_table(path)
            of_row = np.array(table["episode_index"].to_pylist()).astype(int)
            starts = np.flatnonzero(np.diff(of_row, prepend=-1))
            ends = [*starts[1:], len(of_row)]
            self._tables[path] = {
                int(of_row[start]): table.slice(int(start), int(end - start))
                for start, end in zip(starts, ends, strict=True)
            }
        return self._tables[path][episode]

    def _put(self, episode: int, table: pa.Table) -> None:
        path = self.data_file(episode)
        self._tables[path][episode] = table
        self._touched.add(path)

    # --- frames -----------------------------------------------------------------------------------------------------

    def video_file(self, episode: int, camera: str) -> Path | None:
        """Returns the file of the episode's frames, or None where there is none or other episodes share it."""
        row = self._episodes[episode]
        if not self.is_v3:
            return next(self.root.glob(f"videos/**/{camera}/episode_{episode:06d}.mp4"), None)
        place = [row[f"videos/{camera}/{part}_index"] for part in ("chunk", "file")]
        sharing = sum(
            [other[f"videos/{camera}/{part}_index"] for part in ("chunk", "file")] == place for other in self._episodes
        )
        path = self.root / self.info["video_path"].format(video_key=camera, chunk_index=place[0], file_index=place[1])
        return path if sharing == 1 and path.is_file() else None

    def frames(self, episode: int, camera: str) -> np.ndarray:
        """Returns all frames of the episode, uint8 (T, H, W, 3)."""
        import av

        path = self.video_file(episode, camera)
        assert path is not None, f"episode {episode} has no video file of {camera} for itself"
        with av.open(str(path)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    def set_frames(self, episode: int, camera: str, frames: np.ndarray, *, codec: str | None = None) -> None:
        """Encodes the frames as the episode's video, with the codec that the file had."""
        from data_contracts.lerobot.encode import encode_video

        path = self.video_file(episode, camera)
        assert path is not None
        codec = codec or codec_of(path)
        path.unlink()
        encode_video(frames, path, fps=round(self.fps), codec=codec)
        if self.is_v3:
            row = self._episodes[episode]
            row[f"videos/{camera}/to_timestamp"] = row[f"videos/{camera}/from_timestamp"] + len(frames) / self.fps
            self.write_episodes()

    # --- writing ----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Writes the rows that were changed; after a change of length also everything that counts rows."""
        if self._is_length_changed:
            self._renumber()
        for path in self._touched:
            tables = self._tables[path]
            schema = next(iter(tables.values())).schema
            path.unlink()
            with pq.ParquetWriter(path, schema, compression="snappy") as file:
                for table in tables.values():
                    file.write_table(table, row_group_size=max(table.num_rows, 1))

    def _renumber(self) -> None:
        first = 0
        for episode, row in enumerate(self._episodes):
            table, length = self._table(episode), row["length"]
            column = pa.array(range(first, first + length), table.schema.field("index").type)
            self._put(
                episode, table.set_column(table.schema.get_field_index("index"), table.schema.field("index"), column)
            )
            if self.is_v3:
                row["dataset_from_index"], row["dataset_to_index"] = first, first + length
            first += length
        self.info["total_frames"] = first
        self.write_info()
        self.write_episodes()


def link_tree(source: Path, target: Path, *, without: frozenset[str] = frozenset()) -> None:
    """Makes `target` a copy of `source` whose files are hard links, or copies on another file system.

    Args:
        without: folders at the top that are left out.
    """
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() or relative.name in LEFT_BEHIND or relative.parts[0] in without:
            continue
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target / relative)
        except OSError:
            shutil.copyfile(path, target / relative)


def codec_of(path: Path) -> str:
    """Returns "av1" or "h264", as `encode_video` names them."""
    import av

    with av.open(str(path)) as container:
        name = container.streams.video[0].codec_context.codec.canonical_name
    return name if name in ("av1", "h264") else "h264"


def rewrite(path: Path, content: str | bytes) -> None:
    """Writes a file anew, so that the original behind a hard link keeps its bytes."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def replace_table(path: Path, table: pa.Table) -> None:
    """Writes a parquet file anew."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Returns the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes one JSON object per line."""
    rewrite(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
