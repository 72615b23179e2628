"""Which of the robot's cameras belongs into which slot of the policy, by what its owner says that it sees.

A camera's name is no evidence: in public recordings `laptop` shows the table from above as often as from the front. The map
is LeRobot's `rename_map`: observation keys of the robot to those of the policy, everything else keeps its key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from data_contracts.robot_profile import ProfileCamera, RobotProfile
from data_contracts.skill_pack import CameraSlot, Requirements
from skill_packs.fit_item import Item, listed

_SLOT = re.compile(r"observation\.images\.camera[1-9]")
COLOURS = 3
_PREFIX = "observation.images."
LARGEST_ASPECT_CHANGE = 1.1
SMALLEST_SHARE = 0.5


def check_cameras(needs: Requirements, profile: RobotProfile) -> tuple[list[Item], dict[str, str]]:
    """Returns an item per slot for the camera and one for its picture, and the rename_map: {} where nothing needs a new name."""
    items: list[Item] = []
    chosen: dict[str, str] = {}
    for slot in needs.cameras:
        item, camera = _choose(slot, [camera for camera in profile.cameras if camera.key not in chosen])
        items.append(item)
        if camera is not None:
            chosen[camera.key] = slot.key
            items.append(_picture(slot, camera))
    if not needs.cameras:
        items.append(Item("cameras", "ok", "The pack looks at no camera."))
    return items, _rename_map(chosen, profile.cameras)


def _choose(slot: CameraSlot, cameras: Sequence[ProfileCamera]) -> tuple[Item, ProfileCamera | None]:
    name = f"camera {slot.role}"
    roles = tuple(word.strip() for word in slot.role.split(" or "))
    fitting = [camera for camera in cameras if camera.role in roles]
    if len(fitting) > 1:
        reason = f"{listed(c.key for c in fitting)} are all said to be {slot.role}; the pack takes one."
        return Item(name, "unknown", reason, slot.is_required), None
    if fitting:
        camera = fitting[0]
        if camera.channels != COLOURS:
            reason = f"{camera.key} has {camera.channels} channels, the pack looks at {COLOURS} (red, green, blue)."
            return Item(name, "fails", reason, True), None
        if camera.key == slot.key:
            return Item(name, "ok", f"{camera.key} shows {camera.role}, as the pack's slot of that name.", True), camera
        return Item(name, "mapped", f"{camera.key} shows {camera.role}: it goes to {slot.key}.", True), camera
    silent = [camera.key for camera in cameras if camera.role in (None, "unknown")]
    if silent and slot.is_required:
        reason = f"The pack needs a camera that shows {slot.role}. Nobody said what {listed(silent)} shows; say it, a name is no evidence."
        return Item(name, "unknown", reason, True), None
    have = listed(f"{camera.role} ({camera.key})" for camera in cameras if camera.role) or "none"
    reason = f"The pack needs a camera that shows {slot.role}; your robot has {have}."
    if slot.is_required:
        return Item(name, "fails", reason, True), None
    return Item(name, "warning", f"{reason} Some of its training episodes had none either.", True), None


def _picture(slot: CameraSlot, camera: ProfileCamera) -> Item:
    name = f"picture {slot.role}"
    wanted = f"{slot.width_px} x {slot.height_px} px"
    if camera.height_px is None or camera.width_px is None:
        return Item(name, "unknown", f"The recording does not say how large its pictures are; training had {wanted}.")
    found = f"{camera.width_px} x {camera.height_px} px"
    ratio = (camera.width_px / camera.height_px) / (slot.width_px / slot.height_px)
    if max(ratio, 1 / ratio) > LARGEST_ASPECT_CHANGE:
        return Item(
            name,
            "warning",
            f"{found} has another shape than {wanted} of training: things appear smaller and bars wider.",
        )
    if camera.width_px < SMALLEST_SHARE * slot.width_px:
        return Item(name, "warning", f"{found} shows less than half as many details as {wanted} of training.")
    return Item(name, "ok", f"{found}, {wanted} in training; the policy scales it.")


def _rename_map(chosen: dict[str, str], cameras: Sequence[ProfileCamera]) -> dict[str, str]:
    """Returns the map, with every other camera that bears the name of a slot moved out of its way: the policy would look at it."""
    renamed = {key: slot for key, slot in chosen.items() if key != slot}
    for camera in cameras:
        if camera.key not in chosen and _SLOT.fullmatch(camera.key):
            renamed[camera.key] = f"{_PREFIX}unused_{camera.key.removeprefix(_PREFIX)}"
    return dict(sorted(renamed.items()))
