"""Which version a new pack gets, decided by what changed for the people who run it. Semantic Versioning 2.0.0.

first pack                                                             1.0.0
what the robot must have changed: type, joints, units, cameras, fps    major
other training episodes                                                minor
anything else: weights, evidence, files, texts, price                  patch
nothing                                                                the same version
"""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.identifiers import split_semantic_version
from data_contracts.manifests import RateWithInterval
from data_contracts.skill_pack import Joint, SkillPack
from skill_packs.layout import DOCUMENTS

FIRST = "1.0.0"


@dataclass(frozen=True)
class Change:
    """`version` of the new pack and the sentence for its changelog; `is_new` is False when nothing changed."""

    version: str
    sentence: str
    is_new: bool


def decide_version(previous: SkillPack | None, draft: SkillPack) -> Change:
    """Returns what `draft` is to `previous`. The draft's own version, changelog and generated documents do not count."""
    if previous is None:
        return Change(FIRST, "First version.", is_new=True)
    major, minor, patch = split_semantic_version(previous.version)
    if sentences := _robot_changes(previous, draft):
        return Change(f"{major + 1}.0.0", " ".join(sentences), is_new=True)
    if sentences := _episode_changes(previous, draft):
        return Change(f"{major}.{minor + 1}.0", " ".join(sentences), is_new=True)
    if _content(previous) != _content(draft):
        return Change(f"{major}.{minor}.{patch + 1}", " ".join(_other_changes(previous, draft)), is_new=True)
    return Change(previous.version, "", is_new=False)


def _robot_changes(old: SkillPack, new: SkillPack) -> list[str]:
    sentences = []
    before, after = old.requirements, new.requirements
    if before.robot_type != after.robot_type:
        sentences.append(f"Drives {after.robot_type} instead of {before.robot_type}.")
    if _vector(before.action) != _vector(after.action):
        sentences.append(f"The action space changed: {_listed(before.action)} became {_listed(after.action)}.")
    if _vector(before.state) != _vector(after.state):
        sentences.append(f"The state changed: {_listed(before.state)} became {_listed(after.state)}.")
    cameras = [{slot.key: (slot.role, slot.is_required) for slot in one.cameras} for one in (before, after)]
    if cameras[0] != cameras[1]:
        roles = [", ".join(slot.role for slot in one.cameras) or "none" for one in (before, after)]
        sentences.append(f"The cameras changed: {roles[0]} became {roles[1]}.")
    if before.fps != after.fps:
        sentences.append(f"Runs at {after.fps:g} instead of {before.fps:g} frames per second.")
    return sentences


def _episode_changes(old: SkillPack, new: SkillPack) -> list[str]:
    before, after = ({episode.episode_hash for episode in pack.provenance.episodes} for pack in (old, new))
    if before == after:
        return []
    added, removed = len(after - before), len(before - after)
    parts = [f"{added} more" if added else "", f"{removed} fewer" if removed else ""]
    return [f"Trained on {' and '.join(part for part in parts if part)} episodes ({len(after)} in all)."]


def _other_changes(old: SkillPack, new: SkillPack) -> list[str]:
    sentences = []
    if _weights(old) != _weights(new):
        sentences.append("Trained again on the same episodes.")
    if old.provenance.base_digest != new.provenance.base_digest:
        sentences.append("Its base policy was pretrained anew.")
    if old.evaluation != new.evaluation:
        sentences.append(
            f"Evaluated again: {_counted(new.evaluation.policy)} successes, was {_counted(old.evaluation.policy)}."
        )
    if old.requirements != new.requirements:
        sentences.append("What it needs of a robot is stated anew; joints and cameras are the same.")
    if old.price != new.price:
        sentences.append("The price changed.")
    if (old.title, old.description) != (new.title, new.description):
        sentences.append("The description changed.")
    return sentences or ["Files or terms changed; the policy is the same."]


def _content(pack: SkillPack) -> dict[str, object]:
    content = pack.model_dump(mode="json", exclude={"version", "changelog"})
    content["files"] = {path: entry for path, entry in content["files"].items() if path not in DOCUMENTS}
    return content


def _weights(pack: SkillPack) -> dict[str, str]:
    return {path: entry.sha256 for path, entry in pack.files.items() if path.endswith(".safetensors")}


def _vector(joints: tuple[Joint, ...]) -> list[tuple[str, str | None]]:
    return [(joint.name, joint.unit) for joint in joints]


def _listed(joints: tuple[Joint, ...]) -> str:
    return ", ".join(f"{joint.name} [{joint.unit}]" if joint.unit else joint.name for joint in joints)


def _counted(rate: RateWithInterval) -> str:
    return f"{rate.num_successes}/{rate.num_rollouts}"
