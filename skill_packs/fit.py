"""Does it fit my robot? One pure function: what a pack needs, what an owner knows of a robot, a line per item, an answer.

    does_not_run        an item fails; or something vital is unknown: the robot, which value is which joint, unit and zero, where
                        its states lie against those of training, what a required camera sees
    runs_with_mapping   nothing of that, and what `Fit.mapping` says must be applied
    runs                as it is

Not knowing is never taken for fitting where an arm could be hurt. Memory, latency, picture sizes, LeRobot's release and the
calibration of other people's robots may stay unknown: the first four hurt nothing, and what a calibration does to an arm shows
in where its states lie. Warnings change no answer.

What no file shows no check of files can: a joint that counts backwards around its middle, a camera that its owner took for
another, a robot that is set otherwise than when it recorded. Limits and a dry run beside the arm are for those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from data_contracts.robot_profile import RobotProfile
from skill_packs.fit_calibration import check_calibration
from skill_packs.fit_cameras import check_cameras
from skill_packs.fit_item import Item, Verdict
from skill_packs.fit_joints import Places, check_joints, check_robot
from skill_packs.fit_machine import Machine, check_latency, check_lerobot, check_memory, check_rate
from skill_packs.fit_units import check_units
from skill_packs.fit_values import check_distribution, check_ranges
from skill_packs.pack_needs import PackNeeds

__all__ = ["Answer", "Fit", "Item", "Machine", "RobotMapping", "Verdict", "check_fit"]

Answer = Literal["runs", "runs_with_mapping", "does_not_run"]


@dataclass(frozen=True)
class RobotMapping:
    """What must be applied between robot and policy. Empty fields: nothing to do.

    `rename_map` is LeRobot's (0.4: `--rename_map`, `--dataset.rename_map`): the robot's observation keys to the policy's.
    `state_places` and `action_places` say for each value of the pack its place in the robot's vector: state_pack[i] =
    state_robot[state_places[i]], action_robot[action_places[i]] = action_pack[i]; LeRobot has no option for these.
    `joint_names` are the robot's names of joints that the pack spells otherwise. `fps` is the rate to run at.
    """

    rename_map: dict[str, str] = field(default_factory=dict)
    state_places: Places = ()
    action_places: Places = ()
    joint_names: dict[str, str] = field(default_factory=dict)
    fps: float | None = None

    @property
    def rename_map_json(self) -> str:
        """Returns the map as LeRobot's command line takes it."""
        return json.dumps(self.rename_map, ensure_ascii=False)


@dataclass(frozen=True)
class Fit:
    """The answer, its items in the order to be read in, and what to apply where it is `runs_with_mapping`."""

    answer: Answer
    items: tuple[Item, ...]
    mapping: RobotMapping = field(default_factory=RobotMapping)

    @property
    def is_running(self) -> bool:
        """Whether the pack runs, with or without a mapping."""
        return self.answer != "does_not_run"

    @property
    def obstacles(self) -> tuple[Item, ...]:
        """The items for which it does not run: those that fail first, then what is vital and unknown."""
        fails = [item for item in self.items if item.verdict == "fails"]
        return (*fails, *(item for item in self.items if item.is_vital and item.verdict == "unknown"))

    @property
    def sentence(self) -> str:
        """Returns the answer as a sentence."""
        if self.answer == "runs":
            return "This pack runs on your robot."
        if self.answer == "runs_with_mapping":
            return "This pack runs on your robot with the mapping below."
        first = self.obstacles[0]
        more = f" ({len(self.obstacles) - 1} more below)" if len(self.obstacles) > 1 else ""
        what = "does not run" if first.verdict == "fails" else "does not run as far as is known"
        return f"This pack {what} on your robot: {first.name}: {first.reason}{more}"

    def to_json(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {"answer": self.answer, "sentence": self.sentence, **asdict(self)}


def check_fit(needs: PackNeeds, profile: RobotProfile, machine: Machine | None = None) -> Fit:
    """Returns whether a robot can run a pack, line by line. Pure: it reads no file and measures nothing.

    Args:
        needs: `pack_needs.read_pack_needs(folder)`; without the folder's statistics (`PackNeeds.of_manifest`) the answer is
            never that it runs.
        profile: `robot_profile.profile_from_files(...)`.
        machine: the computer beside the robot, as far as it is known.
    """
    asked, machine = needs.requirements, machine or Machine()
    state_item, state_places = check_joints("state", asked.state, profile)
    action_item, action_places = check_joints("action", asked.action, profile)
    state_units_item, state_units = check_units("state", asked.state, asked.robot_type, profile, state_places)
    action_units_item, action_units = check_units("action", asked.action, asked.robot_type, profile, action_places)
    rate_item, fps = check_rate(asked, profile)
    camera_items, rename_map = check_cameras(asked, profile)
    items = (
        check_robot(asked, profile),
        state_item,
        action_item,
        state_units_item,
        action_units_item,
        check_calibration(asked, profile),
        check_ranges(asked.action, profile, action_places, action_units, state_places, state_units),
        check_distribution(asked.state, needs.state, profile, state_places, state_units),
        rate_item,
        *camera_items,
        check_memory(asked, machine),
        check_latency(asked, needs.num_action_steps, machine),
        check_lerobot(asked, profile, machine),
    )
    mapping = RobotMapping(
        rename_map=rename_map,
        state_places=_unless_same(state_places),
        action_places=_unless_same(action_places),
        joint_names=_other_names(needs, profile, state_places, action_places),
        fps=fps,
    )
    answer = _answer(items, is_mapped=mapping != RobotMapping())
    return Fit(answer, items, mapping if answer == "runs_with_mapping" else RobotMapping())


def _answer(items: tuple[Item, ...], *, is_mapped: bool) -> Answer:
    if any(item.verdict == "fails" or (item.is_vital and item.verdict == "unknown") for item in items):
        return "does_not_run"
    return "runs_with_mapping" if is_mapped or any(item.verdict == "mapped" for item in items) else "runs"


def _unless_same(places: Places | None) -> Places:
    return () if places is None or places == tuple(range(len(places))) else places


def _other_names(needs: PackNeeds, profile: RobotProfile, *places: Places | None) -> dict[str, str]:
    vectors = ((needs.requirements.state, profile.state_names), (needs.requirements.action, profile.action_names))
    pairs: Mapping[str, str] = {
        names[place]: joint.name
        for (joints, names), known in zip(vectors, places, strict=True)
        for joint, place in zip(joints, known or (), strict=False)
    }
    return {own: theirs for own, theirs in pairs.items() if own != theirs}
