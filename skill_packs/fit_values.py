"""Whether the pack's values lie where this arm moves: the ranges of its actions, and its states against those of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data_contracts.joint_conventions import family_of
from data_contracts.robot_profile import RobotProfile, VectorStatistics
from data_contracts.skill_pack import Joint
from skill_packs.fit_calibration import reach_deg
from skill_packs.fit_counting import DEGREES, NORMALISED, PERCENT, RADIANS
from skill_packs.fit_item import Item, listed
from skill_packs.fit_joints import Places
from skill_packs.pack_needs import Distribution

FURTHEST_Z, FAR_Z = 6.0, 3.0
"""From 6 standard deviations on the policy has seen nothing like it; from 3 on little."""
STILL = 0.02
"""Share of the training's range within which a joint counts as not moved."""
SLACK_DEG = 5.0
_LEAST_STD = {DEGREES: 2.0, NORMALISED: 2.0, PERCENT: 2.0, RADIANS: 0.035}
"""A joint that stood still in training has next to no deviation; by less than this no two arms agree."""

Units = tuple[str | None, ...]


def check_ranges(
    needed: Sequence[Joint],
    profile: RobotProfile,
    places: Places | None,
    units: Units,
    state_places: Places | None,
    state_units: Units,
) -> Item:
    """Returns whether the arm can go where the pack's actions go, and whether its own recorded states are those of such an arm."""
    if places is None or None in units:
        return Item("ranges", "unknown", "Ranges cannot be compared before joints and units agree.")
    if beyond := _beyond_the_family(profile, state_places, state_units):
        return Item("ranges", "fails", f"{beyond}: no arm of its family reaches that, so its zero or unit is another.")
    if beyond := _beyond_the_calibration(needed, profile, places, units):
        return Item("ranges", "fails", f"{listed(beyond)}.")
    recorded = profile.action_statistics
    if recorded is None:
        return Item("ranges", "unknown", "No statistics of your recording say how far your arm has moved.")
    wider = [
        f"{joint.name} {joint.min:.4g} to {joint.max:.4g} (yours {low:.4g} to {high:.4g})"
        for joint, low, high in _recorded(needed, recorded, places)
        if _is_wider(joint, low, high)
    ]
    if wider:
        return Item("ranges", "warning", f"The pack moves further than your recording does: {listed(wider)}.")
    return Item("ranges", "ok", f"All {len(needed)} actions stay within what your arm has recorded.")


def _is_wider(joint: Joint, low: float, high: float) -> bool:
    slack = 0.05 * max(high - low, joint.max - joint.min)
    return joint.min < low - slack or joint.max > high + slack


def _beyond_the_family(profile: RobotProfile, places: Places | None, units: Units) -> str | None:
    statistics, names = profile.state_statistics, profile.state_names
    family, joints = family_of(names, len(names), None)
    if family is None or statistics is None or places is None:
        return None
    for place, unit in zip(places, units, strict=True):
        bare = joints[place].removeprefix("left_").removeprefix("right_")
        if unit != DEGREES or bare not in family.limits_deg:
            continue
        lowest, highest = family.limits_deg[bare]
        if statistics.min[place] < lowest or statistics.max[place] > highest:
            return f"{names[place]} was recorded at {statistics.min[place]:.4g} to {statistics.max[place]:.4g} degrees, beyond {lowest:g} to {highest:g}"
    return None


def _beyond_the_calibration(needed: Sequence[Joint], profile: RobotProfile, places: Places, units: Units) -> list[str]:
    """Returns what lies beyond the range that was calibrated: commands of the pack, or the recording itself."""
    found = []
    for joint, place, unit in zip(needed, places, units, strict=True):
        name = profile.action_names[place]
        half = reach_deg(profile, name) if unit == DEGREES else None
        if half is None:
            continue
        recorded = profile.action_statistics
        if max(-joint.min, joint.max) > half + SLACK_DEG:
            found.append(
                f"the pack moves {joint.name} from {joint.min:.4g} to {joint.max:.4g} degrees, and your calibration gives it {-half:.4g} to {half:.4g}"
            )
        elif recorded and max(-recorded.min[place], recorded.max[place]) > half + 2 * SLACK_DEG:
            found.append(
                f"{name} was recorded up to {max(-recorded.min[place], recorded.max[place]):.4g} degrees, and your calibration gives it {half:.4g}: it is not of that recording"
            )
    return found


def check_distribution(
    needed: Sequence[Joint], trained: Distribution | None, profile: RobotProfile, places: Places | None, units: Units
) -> Item:
    """Returns whether the robot's states lie where those of training do: |mean - mean of training| over its deviation, per value."""
    name = "state distribution"
    statistics = profile.state_statistics
    if trained is None:
        reason = "The pack's manifest alone does not hold the statistics; the pack's folder does."
        return Item(name, "unknown", reason, True)
    if statistics is None:
        reason = "Give meta/stats.json (or episodes_stats.jsonl) of the recording: without values nothing shows that the zero of each joint is the pack's."
        return Item(name, "unknown", reason, True)
    if places is None:
        return Item(name, "unknown", "It is not clear which joint is which.", True)
    if all(high - low <= STILL * (joint.max - joint.min) for joint, low, high in _recorded(needed, statistics, places)):
        return Item(
            name, "unknown", "Your recording shows no movement, so it does not show how the joints count.", True
        )
    scores = []
    for place, joint, mean, std, unit in zip(places, needed, trained.mean, trained.std, units, strict=True):
        least = _LEAST_STD.get(unit or "", 0.0) or max(0.02 * (joint.max - joint.min), 0.02 * abs(mean), 1e-6)
        scores.append((abs(statistics.mean[place] - mean) / max(std, least), joint.name, statistics.mean[place], mean))
    far = {
        joint: f"{joint} is {own:.4g} on average, {theirs:.4g} in training (z = {z:.1f})"
        for z, joint, own, theirs in sorted(scores, reverse=True)
        if z > FAR_Z
    }
    worst = max(scores)
    if beyond := [
        far[joint] for z, joint, *_ in sorted(scores, reverse=True) if z > FURTHEST_Z and not _is_gripper(joint)
    ]:
        reason = f"Further than {FURTHEST_Z:g} deviations the policy has seen nothing like it: {listed(beyond)}."
        return Item(
            name,
            "fails",
            f"{reason} It is another zero, or another pose: record an episode from a pose like the pack's.",
            True,
        )
    if far:
        return Item(
            name, "warning", f"{listed(far.values())}: start from a pose like those of the pack's recordings.", True
        )
    reason = f"No joint is further than {worst[0]:.1f} deviations from training ({worst[1]}); {FURTHEST_Z:g} would be too far."
    return Item(name, "ok", reason, True)


def _recorded(
    needed: Sequence[Joint], statistics: VectorStatistics, places: Places
) -> Iterator[tuple[Joint, float, float]]:
    """Yields each value of the pack with the ends of what the robot recorded of it."""
    for joint, place in zip(needed, places, strict=True):
        yield joint, statistics.min[place], statistics.max[place]


def _is_gripper(joint: str) -> bool:
    """A gripper stands open in one task and closed in another: its zero is its end, and units have been compared."""
    return "gripper" in joint.lower()
