"""Whether the machine beside the robot keeps up: rate, memory, time per chunk, LeRobot's release."""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.robot_profile import RobotProfile
from data_contracts.skill_pack import Requirements
from skill_packs.fit_item import Item

BYTES_PER_PARAMETER = 4
"""Policies are loaded in float32, whatever the file holds."""
WORKING_BYTES = 768 * 2**20
"""Python, torch and the activations of one observation. At full size, with 1.68 GiB of parameters, acting took 2.18 GiB here and
2.39 GiB in LeRobot (docs/evidence/training_speed.md)."""
SAME_RATE = 0.02
TIGHT = 0.5


@dataclass(frozen=True)
class Machine:
    """What is known of the computer that would run the policy; None where nobody looked.

    `chunk_ms` is the time that predicting one chunk took on it, `memory_bytes` what it has free, of the graphics card where
    the policy runs on one.
    """

    memory_bytes: int | None = None
    chunk_ms: float | None = None
    lerobot_version: str | None = None


def check_rate(needs: Requirements, profile: RobotProfile) -> tuple[Item, float | None]:
    """Returns whether the robot runs at the pack's rate, and the rate to set where it ran at a higher one."""
    wanted, found = needs.fps, profile.fps
    if abs(found - wanted) <= SAME_RATE * wanted:
        return Item("fps", "ok", f"The pack acts {wanted:g} times a second, and so does your robot."), None
    if found > wanted:
        return Item(
            "fps",
            "mapped",
            f"The pack acts {wanted:g} times a second, your recording ran at {found:g}: run at {wanted:g}.",
        ), wanted
    return Item(
        "fps",
        "fails",
        f"The pack acts {wanted:g} times a second, and your robot was recorded at {found:g} only: it would move too slowly, or not keep up.",
    ), None


def check_memory(needs: Requirements, machine: Machine) -> Item:
    """Returns whether the parameters fit into memory with room to work."""
    need = needs.num_parameters * BYTES_PER_PARAMETER + WORKING_BYTES
    have = machine.memory_bytes
    asked = f"{needs.num_parameters:,} parameters need about {_mib(need)}"
    if have is None:
        return Item("memory", "unknown", f"{asked}; nobody said what the machine has.")
    if have < need:
        return Item("memory", "fails", f"{asked}; the machine has {_mib(have)}.")
    if have < need + needs.weights_bytes:
        return Item(
            "memory",
            "warning",
            f"{asked}, and loading them for a moment {_mib(needs.weights_bytes)} more; the machine has {_mib(have)}.",
        )
    return Item("memory", "ok", f"{asked}; the machine has {_mib(have)}.")


def check_latency(needs: Requirements, num_action_steps: int | None, machine: Machine) -> Item:
    """Returns whether a chunk is there before the one before is used up."""
    if num_action_steps is None:
        return Item("latency", "unknown", "The pack does not say how many actions of a chunk it executes.")
    budget_ms = 1000 * num_action_steps / needs.fps
    asked = f"{num_action_steps} actions at {needs.fps:g} a second leave {budget_ms:.0f} ms for a chunk"
    if machine.chunk_ms is None:
        return Item("latency", "unknown", f"{asked}; it was not measured on this machine.")
    if machine.chunk_ms > budget_ms:
        return Item(
            "latency",
            "fails",
            f"{asked}; this machine takes {machine.chunk_ms:.0f} ms: the arm would stand still in between.",
        )
    if machine.chunk_ms > TIGHT * budget_ms:
        return Item(
            "latency", "warning", f"{asked}; this machine takes {machine.chunk_ms:.0f} ms, which leaves little room."
        )
    return Item("latency", "ok", f"{asked}; this machine takes {machine.chunk_ms:.0f} ms.")


def check_lerobot(needs: Requirements, profile: RobotProfile, machine: Machine) -> Item:
    """Returns whether the installed LeRobot reads the pack."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    if needs.lerobot_versions is None:
        return Item("LeRobot", "unknown", "The pack does not say which releases read it.")
    asked = f"The pack is read by LeRobot {needs.lerobot_versions}"
    if machine.lerobot_version is None:
        if profile.dataset_format.startswith("v2"):
            return Item(
                "LeRobot",
                "warning",
                f"{asked}; your recording is in {profile.dataset_format}, which an older release wrote.",
            )
        return Item("LeRobot", "unknown", f"{asked}; nobody said which one you have.")
    try:
        is_read = SpecifierSet(needs.lerobot_versions).contains(Version(machine.lerobot_version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return Item("LeRobot", "unknown", f"{asked}; {machine.lerobot_version[:40]!r} cannot be compared with that.")
    have = f"{asked}; you have {machine.lerobot_version}."
    return Item("LeRobot", "ok" if is_read else "fails", have)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"
