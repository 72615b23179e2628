"""LeRobot loads a dataset by the tag named as its `codebase_version`, not from `main`. Is that tag there, and is it current?

The loader takes the tag of exactly that version, else the highest of the same major version with a lower minor one
(LeRobot, `get_safe_version`). We pin `main`; where the two disagree, what others load is something else.
"""

from __future__ import annotations

import re

from curation.sources.hub.client import Hub
from curation.sources.hub.tree import INFO, PinnedTree
from data_contracts.findings import Finding

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


def check_version_tag(hub: Hub, repo_id: str, sha: str, tree: PinnedTree, version: str) -> Finding | None:
    """Returns `structure.missing_tag` (note) or `structure.stale_tag` (warn), or None where the tag says what `main` does."""
    tags = hub.tags(repo_id)
    name = loaded_tag(tags, version)
    if name is None:
        message = f"The repository has no tag for version {version}; LeRobot refuses to load it by its name alone."
        return Finding(
            code="structure.missing_tag", severity="note", episodes=None, message=message,
            evidence={"main": sha, "tags": sorted(tags)[:20]},
        )  # fmt: skip
    commit, info = tags[name], tree.find(INFO)
    if commit == sha or (info is not None and hub.info_blob(repo_id, commit) == info.blob_id):
        return None
    message = f"Tag {name} is at another commit than main, and its {INFO} differs: LeRobot loads the tag, here main is judged."
    return Finding(
        code="structure.stale_tag", severity="warn", episodes=None, message=message,
        evidence={"tag": name, "tag_commit": commit, "main": sha},
    )  # fmt: skip


def loaded_tag(tags: dict[str, str], version: str) -> str | None:
    """Returns the tag that LeRobot loads for a dataset of that version."""
    wanted = _numbers(version)
    if wanted is None:
        return None
    fitting = {name: numbers for name in tags if (numbers := _numbers(name)) and numbers[0] == wanted[0]}
    return max((name for name, numbers in fitting.items() if numbers <= wanted), key=fitting.__getitem__, default=None)


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = _VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
