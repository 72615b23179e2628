"""The names of things: grammar, parsing, formatting, and the canonical episode hash.

    dataset id      org__name                    partition key, folder name; from "org/name" or a folder
    episode id      org__name/000012             one episode of a dataset as its source numbers it
    contributor id  org                          who recorded it; shares are paid to it
    skill id        press-button                 a row of skills.toml
    pack id         sha256:<64 hex>              digest of the pack's manifest
    episode hash    sha256:<64 hex>              what an episode *is*, wherever it was copied to

Nothing else in the project builds or splits these strings.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePath

import numpy as np

from data_contracts.errors import ContractError

_ORG = r"[A-Za-z0-9](?:[A-Za-z0-9.-]|_(?!_))*"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?"
DATASET_ID = re.compile(rf"{_ORG}__{_NAME}")
CONTRIBUTOR_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?")
SKILL_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
NO_ORG = "local"
"""The organisation of a dataset whose folder says none."""


def dataset_id(org: str, name: str) -> str:
    """Returns `org__name`, with every character outside [A-Za-z0-9._-] replaced by `-`.

    Raises:
        ContractError: nothing usable is left of either part.
    """
    key = f"{_slug(org, 'organisation')}__{_slug(name, 'dataset name')}"
    return check_dataset_id(key)


def check_dataset_id(key: str) -> str:
    """Returns `key` if it is a dataset id, otherwise raises ContractError."""
    if len(key) > 200 or ".." in key or not DATASET_ID.fullmatch(key):
        raise ContractError(
            f"{key!r} is not a dataset id.",
            hint="It is written org__name with letters, digits, '.', '_' and '-', at most 200 characters.",
        )
    return key


def split_dataset_id(key: str) -> tuple[str, str]:
    """Returns (organisation, name). The first double underscore divides them."""
    org, _, name = check_dataset_id(key).partition("__")
    return org, name


def dataset_id_of_folder(relative: PurePath) -> str:
    """Returns the id of a dataset folder from its path below the source's root.

    A last part that already reads `org__name` is taken as it is; otherwise the parent folder is the organisation, and a
    folder directly below the root belongs to `local`.
    """
    last = relative.name
    if DATASET_ID.fullmatch(last) and ".." not in last:
        return check_dataset_id(last)
    parent = relative.parent.name
    return dataset_id(parent or NO_ORG, last)


def repo_id(key: str) -> str:
    """Returns the Hub's spelling of a dataset id: `org/name`."""
    return "/".join(split_dataset_id(key))


def episode_id(dataset: str, episode_index: int) -> str:
    """Returns `org__name/000012`."""
    return f"{check_dataset_id(dataset)}/{episode_index:06d}"


def split_episode_id(key: str) -> tuple[str, int]:
    """Returns (dataset id, episode index), or raises ContractError."""
    dataset, slash, index = key.rpartition("/")
    if not slash or not re.fullmatch(r"\d{6,}", index):
        raise ContractError(f"{key!r} is not an episode id.", hint="It is written org__name/000012.")
    return check_dataset_id(dataset), int(index)


def check_contributor_id(name: str) -> str:
    """Returns `name` if it is a contributor id, otherwise raises ContractError."""
    if not CONTRIBUTOR_ID.fullmatch(name) or "__" in name or ".." in name:
        raise ContractError(
            f"{name!r} is not a contributor id.",
            hint="Use letters, digits, '.', '-' and single '_', at most 96 characters.",
        )
    return name


def check_skill_id(name: str) -> str:
    """Returns `name` if it is a skill id, otherwise raises ContractError."""
    if not SKILL_ID.fullmatch(name):
        raise ContractError(f"{name!r} is not a skill id.", hint="Use lower-case words joined by '-': press-button.")
    return name


def split_semantic_version(version: str) -> tuple[int, int, int]:
    """Returns (major, minor, patch), or raises ContractError. Follows Semantic Versioning 2.0.0 without suffixes."""
    found = SEMANTIC_VERSION.fullmatch(version)
    if not found:
        raise ContractError(f"{version!r} is not a semantic version.", hint="It is written 1.2.3.")
    major, minor, patch = (int(part) for part in found.groups())
    return major, minor, patch


def episode_hash(state_TS: np.ndarray, action_TA: np.ndarray) -> str:
    """Returns the canonical hash of an episode: sha256 over its state and action values.

    Two copies of one episode have the same hash whatever the format version, shard layout, numbering, timestamps, task
    text, video codec or float width that they were published with, because values are compared as little-endian float32.
    Every NaN counts as the same NaN, and -0 as 0.

    Args:
        state_TS: state per frame, shape (frames, state dimensions); (frames, 0) where the dataset records none.
        action_TA: action per frame, shape (frames, action dimensions).
    """
    digest = hashlib.sha256(b"deftworks episode hash v1\n")
    for label, values in (("observation.state", state_TS), ("action", action_TA)):
        if values.ndim != 2:
            raise ContractError(
                f"{label} has {values.ndim} dimensions, an episode hash needs 2 (frames, values).",
                hint="Stack the column's rows into one array.",
            )
        canonical = np.array(values, dtype="<f4", order="C", copy=True)
        canonical[np.isnan(canonical)] = np.float32("nan")
        canonical += np.float32(0.0)
        digest.update(f"{label} {canonical.shape[0]} {canonical.shape[1]}\n".encode())
        digest.update(canonical.tobytes())
    return f"sha256:{digest.hexdigest()}"


def _slug(text: str, what: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)
    slug = re.sub(r"_{2,}", "_", re.sub(r"\.{2,}", ".", slug)).strip("-._")
    if not slug:
        raise ContractError(f"{text!r} leaves no usable {what}.", hint="Rename it with letters or digits.")
    return slug[:95]
