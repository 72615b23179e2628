"""The dataset's card (README.md): its tags and its prose. The licence in it is read by `data_contracts.lerobot`."""

from __future__ import annotations

from typing import NamedTuple

from data_contracts.lerobot.files import DatasetFiles

CARD = "README.md"
MAX_CHARACTERS = 200_000


class Card(NamedTuple):
    """`tags` of the front matter, and the text below it."""

    tags: tuple[str, ...] = ()
    prose: str = ""


def read_card(files: DatasetFiles) -> Card:
    """Returns the card, empty where there is none. Front matter that is not YAML has no tags."""
    if CARD not in files:
        return Card()
    import yaml

    text = files.path(CARD).read_text(encoding="utf-8", errors="replace")[:MAX_CHARACTERS].lstrip("\ufeff")
    opening, _, rest = text.partition("---")
    if opening.strip() or "\n---" not in rest:
        return Card(prose=text)
    front, _, prose = rest.partition("\n---")
    try:
        parsed = yaml.safe_load(front)
    except yaml.YAMLError:
        return Card(prose=prose)
    tags = parsed.get("tags") if isinstance(parsed, dict) else None
    return Card(tuple(str(tag) for tag in tags) if isinstance(tags, list) else (), prose)
