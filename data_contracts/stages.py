"""How a stage writes a folder: whole or not at all, and only when something changed.

A stage is a pure function of (inputs, settings) to an output folder. `run_stage` gives the function a scratch folder, and
puts it in place of the old one when the function has returned; `stage.json`, written last, records the digest of what
went in. The same digest later means that nothing is done. A stopped process leaves a scratch folder beside the target,
which the next run removes: never half a result.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

MANIFEST = "stage.json"


@dataclass(frozen=True)
class StageResult:
    """`digest` stands for everything that went in, and so for what came out; `is_cached` when nothing had to be done."""

    folder: Path
    digest: str
    is_cached: bool


def digest_of(value: Any) -> str:
    """Returns sha256 over the canonical JSON (RFC 8785) of a value made of plain JSON types."""
    return bytes_sha256(rfc8785.dumps(value))


def bytes_sha256(content: bytes) -> str:
    """Returns the digest of bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> str | None:
    """Returns the digest that `folder` was written for, or None where no finished stage lies there."""
    try:
        return json.loads((folder / MANIFEST).read_text())["digest"]
    except (OSError, ValueError, KeyError):
        return None


def run_stage(folder: Path, inputs: Mapping[str, Any], produce: Callable[[Path], None]) -> StageResult:
    """Makes sure that `folder` holds what `produce` writes for `inputs`.

    Args:
        folder: target; replaced as a whole.
        inputs: plain JSON: digests of what is read, settings, and the version of the code that decides the result.
        produce: writes into the scratch folder that it is given, and is free to fail.
    """
    digest = digest_of(dict(inputs))
    if folder_digest(folder) == digest:
        return StageResult(folder, digest, is_cached=True)
    scratch = folder.with_name(f".{folder.name}.partial")
    remove_folder(scratch)
    scratch.mkdir(parents=True)
    try:
        produce(scratch)
    except Exception:
        remove_folder(scratch)
        raise
    write_json(scratch / MANIFEST, {"digest": digest, "inputs": dict(inputs)})
    replace_folder(folder, scratch)
    return StageResult(folder, digest, is_cached=False)


def replace_folder(folder: Path, new: Path) -> None:
    """Puts `new` in the place of `folder`. A stop in between leaves no `folder` (it is then made again), never a mixture."""
    old = folder.with_name(f".{folder.name}.old")
    remove_folder(old)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    remove_folder(old)


def remove_folder(folder: Path) -> None:
    """Removes a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON atomically: readable, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically (temporary file, then rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
