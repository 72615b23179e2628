"""`meta/info.json`: what every dataset must have, read leniently.

Raised: what nothing can work without (the file, JSON, a known version, fps, features). Everything else has a default, and
what is odd is a finding.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.errors import DatasetUnreadable, NotADataset, UnknownVersion
from data_contracts.findings import Finding
from data_contracts.lerobot.features import Feature, parse_features
from data_contracts.lerobot.json_files import brief, parsed_json, read_metadata, whole_number

INFO = "meta/info.json"
VERSIONS = ("v2.0", "v2.1", "v3.0")
DEFAULT_CHUNKS_SIZE = 1000
KNOWN_KEYS = frozenset({
    "codebase_version", "robot_type", "total_episodes", "total_frames", "total_tasks", "total_videos", "total_chunks",
    "chunks_size", "data_files_size_in_mb", "video_files_size_in_mb", "fps", "splits", "data_path", "video_path", "features",
    "tools",
})  # fmt: skip
"""What the three versions of the format define; the rest are remarks of whoever wrote the file."""


@dataclass(frozen=True)
class DatasetInfo:
    """`raw` is the JSON object as it stands; the rest is what was understood of it."""

    raw: dict[str, Any]
    version: str
    robot_type: str | None
    fps: float
    features: dict[str, Feature]
    chunks_size: int
    findings: list[Finding]

    @property
    def is_v3(self) -> bool:
        return self.version == "v3.0"

    def template(self, key: str) -> str | None:
        """Returns `data_path` or `video_path`, or None where it is absent or null."""
        value = self.raw.get(key)
        return value if isinstance(value, str) and value else None

    def total(self, name: str) -> int | None:
        """Returns `total_<name>` where it is a whole number."""
        return whole_number(self.raw.get(f"total_{name}"))


def read_info(root: Path) -> DatasetInfo:
    """Returns what `root/meta/info.json` declares.

    Raises:
        NotADataset: there is no such file.
        DatasetUnreadable: it is empty, not JSON, not an object, or lacks `features` or a usable `fps`.
        UnknownVersion: `codebase_version` is absent or names a format other than v2.0, v2.1, v3.0.
    """
    return parse_info(_read_content(root), str(root / INFO))


def parse_info(content: bytes, name: str) -> DatasetInfo:
    """Returns what the bytes of an info.json declare; `name` says in messages where they come from. Raises as `read_info`."""
    raw = _parse_object(content, name)
    version = _version(raw, name)
    declared = raw.get("features")
    if not isinstance(declared, dict) or not declared:
        raise DatasetUnreadable(f"{name} declares no features.", hint="They name the columns and the cameras.")
    features, findings = parse_features(declared)
    robot_type = raw.get("robot_type")
    return DatasetInfo(
        raw=raw,
        version=version,
        robot_type=robot_type if isinstance(robot_type, str) and robot_type else None,
        fps=_fps(raw, name),
        features=features,
        chunks_size=max(whole_number(raw.get("chunks_size")) or DEFAULT_CHUNKS_SIZE, 1),
        findings=findings,
    )


def _read_content(root: Path) -> bytes:
    path = root / INFO
    if not path.is_file():
        raise NotADataset(
            f"{root} holds no LeRobot dataset: there is no {INFO} in it.",
            hint="Name the folder that has meta/, data/ and videos/ in it.",
        )
    try:
        return read_metadata(path)
    except (OSError, ValueError) as error:
        raise DatasetUnreadable(f"{path} cannot be read: {brief(error)}.", hint="Fetch the dataset again.") from error


def _parse_object(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise DatasetUnreadable(f"{name} is empty.", hint="Fetch the dataset again: the upload may have been cut off.")
    if content.startswith(b"version https://git-lfs"):
        raise DatasetUnreadable(f"{name} is a Git LFS pointer.", hint="Run `git lfs pull` in the dataset's repository.")
    try:
        raw = parsed_json(content)
    except (ValueError, RecursionError) as error:
        raise DatasetUnreadable(f"{name} is not JSON: {brief(error)}.", hint="Fetch the dataset again.") from error
    if not isinstance(raw, dict):
        raise DatasetUnreadable(f"{name} holds a {type(raw).__name__}, not an object.", hint="Fetch the dataset again.")
    return raw


def _version(raw: dict[str, Any], name: str) -> str:
    declared = raw.get("codebase_version")
    found = re.match(r"^v?(\d+)\.(\d+)(?:\.\d+)?$", str(declared).strip())
    version = f"v{found[1]}.{found[2]}" if found else None
    if version not in VERSIONS:
        what = "no codebase_version" if declared is None else f"codebase_version {str(declared)[:40]!r}"
        raise UnknownVersion(f"{name} declares {what}.", hint=f"Known versions: {', '.join(VERSIONS)}.")
    return version


def _fps(raw: dict[str, Any], name: str) -> float:
    try:
        fps = float(raw.get("fps"))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        fps = math.nan
    if not math.isfinite(fps) or fps <= 0:
        raise DatasetUnreadable(
            f"{name} declares fps {raw.get('fps')!r}.", hint="It must be a positive number of frames per second."
        )
    return fps
