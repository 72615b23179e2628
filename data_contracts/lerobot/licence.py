"""The licence that a dataset's card declares. Whether it allows anything is for others to judge."""

from __future__ import annotations

from data_contracts.lerobot.files import DatasetFiles

CARD = "README.md"


def declared_licence(files: DatasetFiles) -> str | None:
    """Returns `license` of the front matter of README.md as written there (a list joined by ", "), or None."""
    if CARD not in files:
        return None
    import yaml

    text = files.path(CARD).read_text(encoding="utf-8", errors="replace").lstrip("\ufeff")
    opening, _, rest = text.partition("---")
    if opening.strip() or "\n---" not in rest:
        return None
    try:
        front = yaml.safe_load(rest.partition("\n---")[0])
    except yaml.YAMLError:
        return None
    declared = front.get("license") if isinstance(front, dict) else None
    if isinstance(declared, list):
        declared = ", ".join(str(licence) for licence in declared)
    return str(declared).strip() or None if declared else None
