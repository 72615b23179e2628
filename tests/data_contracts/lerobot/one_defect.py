"""Where the files of the tiny datasets lie that the tests of defects damage."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

CAMERA = "observation.images.front"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"


def data_file(folder: Path, episode: int = 0) -> Path:
    return folder / f"data/chunk-000/episode_{episode:06d}.parquet"


def video_file(folder: Path, episode: int = 0) -> Path:
    return folder / f"videos/chunk-000/{CAMERA}/episode_{episode:06d}.mp4"


def replaced(table: pa.Table, name: str, values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))
