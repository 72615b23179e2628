"""Where the recordings come from, as far as names, tags, the card and the licence tell. Notes for whoever selects.

What the pictures show (people, a rendered scene) needs a model and is not decided here.
"""

from __future__ import annotations

import re
from typing import Any

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
WEAK_WORDS = frozenset({"pusht", "synthetic"})
"""Also done with real robots, or of real matter: in a name they count beside a sign that a simulator wrote the rows."""
SIMULATOR_COLUMNS = frozenset({"observation.environment_state", "next.success", "next.reward"})
"""What a simulator knows for nothing. A reward or a success is also written by people who learn on real robots."""
ABOUT_SIMULATOR = frozenset({"sim", "simulator", "is_sim", "is_simulated", "simulated", "sim_engine", "physics_engine"})
ABOUT_ENVIRONMENT = frozenset({"env", "env_name", "env_type", "env_id", "env_args", "environment"})
"""Keys that tools of simulators add to meta/info.json: the first say it by themselves, the second by their value."""
_IN_PROSE = re.compile(
    r"(?P<before>(?:\b(?:no|not|non|without|never)\b[\s-]+(?:\w+\s+)?)?)"
    r"\b(simulated|simulations?|simulator|mujoco|meta-?world|isaac ?(?:sim|gym|lab)|pybullet|robosuite|robocasa|libero"
    r"|maniskill|rlbench|gazebo)\b",
    re.IGNORECASE,
)
"""A card speaks in sentences: only words that mean little else count, and not where they are denied."""
ROLLOUT_WORDS = frozenset({"eval", "evals", "evaluation", "rollout", "rollouts", "inference"})
"""LeRobot itself wants `eval_` before the name of what a policy recorded."""
POLICY_COLUMNS = re.compile(r"(^|[._/])(is_)?(interventions?|policy)([._/]|$)")
"""Columns that tell when a person took over, or what a policy wanted: a policy was driving."""
ABOUT_POLICY = frozenset({"policy", "policy_path", "policy_name", "policy_type", "pretrained_path", "checkpoint"})
TEST_WORDS = frozenset({"test", "tests", "testing", "debug", "tmp", "dummy", "deleteme"})
TRIAL_WORDS = frozenset({"try", "trial", "trying", "demo", "sample", "example", "check", "delete", "first", "hello"})
"""These are also said of good recordings, and count where there are hardly any."""
FEW_EPISODES = 5
"""482 of 1,215 community repositories have fewer, most of them named as tests."""
NO_LICENCE = frozenset(
    {"none", "n/a", "na", "no", "nil", "tbd", "todo", "-", "?", "null", "unspecified", "not specified"}
)
RESTRICTED = frozenset({
    "nc", "nd", "noncommercial", "non-commercial", "research", "academic", "educational", "personal", "proprietary", "unlicensed",
    "reserved", "confidential", "other", "unknown", "custom", "c-uda", "openrail", "llama", "gemma",
})  # fmt: skip
"""Parts of a licence name that forbid selling what was learned, forbid changing it, limit its use, or leave unsaid what is
allowed."""


def detect_simulation(dataset: DatasetFacts) -> Finding | None:
    """Its robot, name, tags, card, or what stands beside its features say that it was recorded in a simulator."""
    places = {
        "robot_type of meta/info.json": _simulation_words(dataset.robot_type or ""),
        "the dataset's name": _simulation_named(dataset),
        "tags of README.md": _simulation_words(" ".join(dataset.tags)),
        "meta/info.json": _simulator_declared(dataset.remarks),
        "the list of columns": set(dataset.columns) & {"observation.environment_state"},
        "README.md": _said_in_prose(dataset.card),
    }
    for where, said in places.items():
        if said:
            word = min(said)
            message = f"Recorded in a simulator: {where} says {word!r}."
            return dataset.finding("provenance.simulation", "note", message, word=word, where=where)
    return None


def detect_policy_rollout(dataset: DatasetFacts) -> Finding | None:
    """Its name or its columns say that a policy was driving, so that its mistakes would be learned as demonstrations."""
    named = _named(dataset, "provenance.policy_rollout", ROLLOUT_WORDS, "a policy's rollouts")
    columns = sorted(key for key in dataset.columns if POLICY_COLUMNS.search(key))
    remarks = sorted(key for key in ABOUT_POLICY & set(dataset.remarks) if dataset.remarks[key])
    if named or not (columns or remarks):
        return named
    what = f"the column {columns[0]!r}" if columns else f"{remarks[0]!r} in meta/info.json"
    message = f"There is {what}: a policy was driving, at least in part."
    return dataset.finding("provenance.policy_rollout", "note", message, columns=columns, remarks=remarks)


def detect_test_repository(dataset: DatasetFacts) -> Finding | None:
    """The name says that something was being tried out, or half says so and there are hardly any episodes."""
    words = TEST_WORDS | (TRIAL_WORDS if dataset.num_episodes < FEW_EPISODES else frozenset())
    name = " ".join(sorted(_words(split_dataset_id(dataset.dataset_id)[1])))
    if re.search(r"\b(tubes?|strips?|paper)\b", name):
        words -= {"test"}  # test tubes, test strips
    what = f"a trial ({dataset.num_episodes} episodes)"
    return _named(dataset, "provenance.test_repository", words, what, num_episodes=dataset.num_episodes)


def detect_licence_absent(dataset: DatasetFacts) -> Finding | None:
    """No licence is stated, so that nobody is allowed anything."""
    if (dataset.licence or "none").strip().lower() not in NO_LICENCE:
        return None
    message = "README.md states no licence in its front matter (license: ...)."
    return dataset.finding("provenance.licence_absent", "warn", message)


def detect_licence_restricts(dataset: DatasetFacts) -> Finding | None:
    """The licence forbids commerce or changes, or does not say what it allows."""
    if not dataset.licence or not _words(dataset.licence) & RESTRICTED:
        return None
    message = f"The licence {dataset.licence!r} of README.md restricts what may be done with the data."
    return dataset.finding("provenance.licence_restricts", "note", message, licence=dataset.licence)


def _named(dataset: DatasetFacts, code: str, words: frozenset[str], what: str, **evidence: Any) -> Finding | None:
    name = split_dataset_id(dataset.dataset_id)[1]
    said = sorted(_words(name) & words)
    if not said:
        return None
    return dataset.finding(code, "note", f"The name {name!r} says {said[0]!r}: {what}.", word=said[0], **evidence)


def _simulation_named(dataset: DatasetFacts) -> set[str]:
    """Returns what the name says. A name that also says `real` is not decided (`pusht_real`, `sim2real`)."""
    name = split_dataset_id(dataset.dataset_id)[1]
    if "real" in _words(name):
        return set()
    found = _simulation_words(name)
    return found if dataset.columns & SIMULATOR_COLUMNS else found - WEAK_WORDS


def _simulation_words(name: str) -> set[str]:
    words = _words(name)
    return words & SIMULATION_WORDS - ({"sim"} if "card" in words else set())


def _simulator_declared(remarks: dict[str, str]) -> set[str]:
    by_key = {
        key for key in ABOUT_SIMULATOR & set(remarks) if remarks[key].lower() not in ("", "false", "none", "no", "0")
    }
    values = " ".join(remarks[key] for key in ABOUT_ENVIRONMENT & set(remarks))
    return by_key | _simulation_words(values)


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
