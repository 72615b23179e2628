"""Where the recordings come from, as far as names, tags, the card and the licence tell. Notes for whoever selects.

What the pictures show (people, a rendered scene) needs a model and is not decided here.
"""

from __future__ import annotations

import re

from curation.quality.detector import Detector
from curation.quality.facts import DatasetFacts
from data_contracts.findings import Finding
from data_contracts.identifiers import split_dataset_id

SIMULATION_WORDS = frozenset({
    "sim", "simulated", "simulation", "simulator", "synthetic", "mujoco", "metaworld", "meta-world", "isaacsim", "isaacgym",
    "isaaclab", "pybullet", "robosuite", "robomimic", "robocasa", "robotwin", "libero", "maniskill", "sapien", "gazebo",
    "coppeliasim", "rlbench", "pusht", "gymnasium", "dm_control", "brax", "webots", "omniverse",
})  # fmt: skip
"""Without names that people and real robots also bear: isaac, calvin, genesis, gym."""
_IN_PROSE = re.compile(
    r"(?P<before>(?:\b(?:no|not|non|without|never)\b[\s-]+(?:\w+\s+)?)?)"
    r"\b(simulated|simulations?|simulator|mujoco|meta-?world|isaac ?(?:sim|gym|lab)|pybullet|robosuite|robocasa|libero"
    r"|maniskill|rlbench|gazebo)\b",
    re.IGNORECASE,
)
"""A card speaks in sentences: only words that mean little else count, and not where they are denied."""
ROLLOUT_WORDS = frozenset({"eval", "evals", "evaluation", "rollout", "rollouts", "inference", "deploy"})
TEST_WORDS = frozenset({"test", "tests", "testing", "debug", "tmp", "dummy", "trash", "delete", "deleteme"})
RESTRICTED = frozenset(
    {"nc", "nd", "noncommercial", "research", "academic", "proprietary", "unlicensed", "other", "unknown"}
)
"""Parts of a licence name that forbid selling what was learned, forbid changing it, or leave unsaid what is allowed."""


def detect_simulation(dataset: DatasetFacts) -> Finding | None:
    """The robot's type, the dataset's name, its tags or its card say that it was recorded in a simulator."""
    places = {
        "robot_type of meta/info.json": _simulation_words(dataset.robot_type or ""),
        "the dataset's name": _simulation_words(split_dataset_id(dataset.dataset_id)[1]),
        "tags of README.md": _simulation_words(" ".join(dataset.tags)),
        "README.md": _said_in_prose(dataset.card),
    }
    for where, said in places.items():
        if said:
            word = min(said)
            message = f"Recorded in a simulator: {where} says {word!r}."
            return dataset.finding("provenance.simulation", "note", message, word=word, where=where)
    return None


def detect_policy_rollout(dataset: DatasetFacts) -> Finding | None:
    """The name says that a policy was driving, so that its mistakes would be learned as demonstrations."""
    return _named(dataset, "provenance.policy_rollout", ROLLOUT_WORDS, "a policy's rollouts")


def detect_test_repository(dataset: DatasetFacts) -> Finding | None:
    """The name says that something was being tried out."""
    return _named(dataset, "provenance.test_repository", TEST_WORDS, "a trial")


def detect_licence_absent(dataset: DatasetFacts) -> Finding | None:
    """No licence is stated, so that nobody is allowed anything."""
    if dataset.licence:
        return None
    message = "README.md states no licence in its front matter (license: ...)."
    return dataset.finding("provenance.licence_absent", "warn", message)


def detect_licence_restricts(dataset: DatasetFacts) -> Finding | None:
    """The licence forbids commerce or changes, or does not say what it allows."""
    if not dataset.licence or not _words(dataset.licence) & RESTRICTED:
        return None
    message = f"The licence {dataset.licence!r} of README.md restricts what may be done with the data."
    return dataset.finding("provenance.licence_restricts", "note", message, licence=dataset.licence)


def _named(dataset: DatasetFacts, code: str, words: frozenset[str], what: str) -> Finding | None:
    name = split_dataset_id(dataset.dataset_id)[1]
    said = sorted(_words(name) & words)
    if not said:
        return None
    return dataset.finding(code, "note", f"The name {name!r} says {said[0]!r}: {what}.", word=said[0])


def _simulation_words(name: str) -> set[str]:
    words = _words(name)
    return words & SIMULATION_WORDS - ({"sim"} if "card" in words else set())


def _words(text: str) -> set[str]:
    """Returns the words of a name in lower case: between anything but letters, also joined by - and _, and of `camelCase`."""
    split_at_capitals = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = (
        re.findall(pattern, name.lower()) for name in (text, split_at_capitals) for pattern in (r"[a-z]+", r"[a-z_-]+")
    )
    return set().union(*words)


def _said_in_prose(card: str) -> set[str]:
    return {found[2].lower() for found in _IN_PROSE.finditer(card) if not found["before"]}


DETECTORS = (
    Detector("provenance.simulation", "dataset", detect_simulation),
    Detector("provenance.policy_rollout", "dataset", detect_policy_rollout),
    Detector("provenance.test_repository", "dataset", detect_test_repository),
    Detector("provenance.licence_absent", "dataset", detect_licence_absent),
    Detector("provenance.licence_restricts", "dataset", detect_licence_restricts),
)
