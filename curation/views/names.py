"""What a camera's name says about its role: a prior that is never trusted alone."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

WORDS_FILE = Path(__file__).with_name("camera_words.toml")
MOVING_SHARE = 0.3
"""Share of all community cameras that move with an arm, by census (1,336 cameras of 1,215 repositories)."""


def words_of(camera_key: str) -> tuple[str, ...]:
    """Returns the words of a feature key, lower case: `observation.images.leftWrist_cam2` -> left, wrist, cam."""
    name = re.sub(r"^observations?\.images?(\.|$)", "", camera_key)
    return tuple(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def named_role(camera_key: str) -> str | None:
    """Returns top, front, side, wrist or other, or None where the name says nothing or contradicts itself.

    A depth picture is `other` whatever else it is called, and a word for the mount ("front_wrist") beats one for the view.
    """
    said = {role for role, words in _table()["words"].items() for word in words_of(camera_key) if word in words}
    if "depth" in words_of(camera_key):
        return "other"
    if "wrist" in said:
        return "wrist"
    return said.pop() if len(said) == 1 else None


def named_arm(camera_key: str) -> str | None:
    """Returns "left" or "right" where the name says which arm."""
    sides = {"left", "right"} & set(words_of(camera_key))
    return sides.pop() if len(sides) == 1 else None


def name_prior(camera_key: str) -> dict[str, float]:
    """Returns the probability of each role before the picture is looked at; "unknown" stands for a fixed camera that is
    none of what the name says."""
    role = named_role(camera_key)
    if role is None:
        return {"wrist": MOVING_SHARE, "unknown": 1 - MOVING_SHARE}
    agreeing, counted = _table()["trust"][role]
    doubt = 1 - agreeing / counted
    if role == "wrist":
        return {"wrist": 1 - doubt, "unknown": doubt}
    return {role: 1 - doubt, "wrist": doubt / 2, "unknown": doubt / 2}


@cache
def _table() -> dict[str, dict[str, list]]:
    return tomllib.loads(WORDS_FILE.read_text(encoding="utf-8"))
