"""Pairs of pack and robot with the answer that a person gave, and the item that decides it (None where nothing stands out)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skill_packs.fit import Machine
from tests.skill_packs.make_robots import (
    ARM,
    BOTH,
    HONEST,
    HONEST_NORMALISED,
    HONEST_SAWYER,
    RECORDED,
    RECORDED_NORMALISED,
    SAWYER_STATE,
    SO,
    TO_OLD_ZERO,
    TO_RADIANS,
    TRAINED,
    Files,
    calibration,
    changed,
    converted,
    reordered,
)

RUNS, MAPPED, NOT = "runs", "runs_with_mapping", "does_not_run"
GIB = 2**30
OLD_NAMES = tuple(f"main_{joint}" for joint in ARM)
OLD_RECORDED = converted(RECORDED, *TO_OLD_ZERO)
NARROW = converted(RECORDED, (1, 0.5, 0.5, 0.5, 1, 1), (0, 0, 0, 37, 0, 0))
"""The same arm, never beyond -100..100 nor at its ends: degrees or normalised, the values do not tell."""
NARROW_STEPS = {name: [round(v * 4095 / 360) * 360 / 4095 for v in row] for name, row in NARROW.items()}
NARROW_NORMALISED = converted(RECORDED_NORMALISED, (0.9, 0.9, 0.9, 0.9, 0.9, 1))
EITHER = changed(changed(RECORDED, 1, mean=75, min=40, max=100, std=15), 2, mean=60, min=10, max=115, std=20)
"""Degrees whose upper arm and elbow lie within their limits from either zero."""
EITHER_TOO = changed(changed(RECORDED, 1, mean=-5, min=-28, max=30, std=10), 2, mean=30, min=-25, max=70, std=20)
STILL = {"mean": TRAINED["mean"], "std": [0] * 6, "min": TRAINED["mean"], "max": TRAINED["mean"]}
SHUFFLED = (5, 4, 3, 2, 1, 0)
MIRRORED = {joint: entry | {"drive_mode": int(joint == "elbow_flex")} for joint, entry in calibration().items()}


def cameras(**roles: str) -> dict:
    """Cameras of these names (role=name)."""
    return {"cameras": dict.fromkeys(roles.values(), (480, 640)), "roles": roles}


class Pair(NamedTuple):
    name: str
    pack: str
    files: Files
    answer: str
    item: str | None
    machine: Machine = Machine()


PAIRS = [
    # what fits
    Pair("an honest SO-100 in degrees", "degrees", HONEST, RUNS, None),
    Pair("an SO-101 is of the family", "degrees", HONEST.with_(robot_type="so101_follower"), RUNS, None),
    Pair("an honest SO-100 in -100..100", "normalised", HONEST_NORMALISED, RUNS, None),
    Pair("a pack that states no units shows them", "degrees, units not stated", HONEST, RUNS, None),
    Pair("an honest sawyer, units seen by their size", "sawyer", HONEST_SAWYER, RUNS, None),
    Pair("the same calibration", "calibrated", HONEST.with_(calibration=calibration()), RUNS, None),
    Pair("a calibration 3 degrees aside", "calibrated", HONEST.with_(calibration=calibration(elbow_flex=(682, 3482))), RUNS, None),
    Pair("a calibration 8 degrees aside warns", "calibrated", HONEST.with_(calibration=calibration(elbow_flex=(740, 3540))), RUNS, "calibration"),
    Pair("a sound calibration beside a pack without one", "degrees", HONEST.with_(calibration=calibration()), RUNS, "calibration"),
    Pair("degrees that are said to be degrees", "degrees", HONEST.with_(units={"*": "degrees"}), RUNS, None),
    Pair("either zero, with a calibration of the present form", "degrees", HONEST.with_(statistics=EITHER_TOO, calibration=calibration()), RUNS, "calibration"),
    Pair("a narrow movement in steps of the encoder", "degrees", HONEST.with_(statistics=NARROW_STEPS), RUNS, None),
    Pair("a narrow movement that is said to be -100..100", "normalised", HONEST_NORMALISED.with_(statistics=NARROW_NORMALISED, units={"*": "normalised"}), RUNS, None),
    Pair("a top camera where top or front will do", "top or front", HONEST.with_(**cameras(top="camera1", wrist="camera2")), RUNS, None),
    Pair("no wrist camera where some episodes had none", "wrist optional", HONEST.with_(**cameras(front="camera1")), RUNS, "camera wrist"),
    Pair("29.97 is 30", "degrees", HONEST.with_(fps=29.97), RUNS, None),
    Pair("a big enough machine", "degrees", HONEST, RUNS, None, Machine(16 * GIB, 400.0, "0.4.4")),
    Pair("a slow but sufficient machine warns", "degrees", HONEST, RUNS, "latency", Machine(16 * GIB, 1500.0, "0.4.4")),
    Pair("wide pictures warn", "degrees", HONEST.with_(cameras={"camera1": (480, 1280), "camera2": (480, 640)}), RUNS, "picture front"),
    Pair("an honest pair of arms", "two arms", HONEST.with_(robot_type="bi_so100_follower", names=BOTH, statistics={k: (*v, *v) for k, v in RECORDED.items()}), RUNS, None),
    # what fits with a mapping
    Pair("cameras of other names", "degrees", HONEST.with_(**cameras(front="laptop", wrist="phone")), MAPPED, "camera front"),
    Pair("cameras swapped", "degrees", HONEST.with_(roles={"front": "camera2", "wrist": "camera1"}), MAPPED, "camera wrist"),
    Pair("a third camera that bears the name of a slot", "degrees", HONEST.with_(**cameras(front="desk", side="camera1", wrist="camera2")), MAPPED, "camera front"),
    Pair("another order of the same joints", "degrees", HONEST.with_(names=SO[::-1], statistics=reordered(RECORDED, SHUFFLED)), MAPPED, "state joints"),
    Pair("joints without their suffix, the zero seen in their ranges", "degrees", HONEST.with_(names=ARM), MAPPED, "state joints"),
    Pair("recorded at twice the rate", "degrees", HONEST.with_(fps=60), MAPPED, "fps"),
    # another robot
    Pair("a Koch arm with the names of an SO-100", "degrees", HONEST.with_(robot_type="koch_follower"), NOT, "robot"),
    Pair("a robot that is not named", "degrees", HONEST.with_(robot_type=None), NOT, "robot"),
    Pair("a robot that is called unknown", "degrees", HONEST.with_(robot_type="unknown"), NOT, "robot"),
    Pair("a Sawyer for an SO-100 pack", "degrees", HONEST_SAWYER, NOT, "robot"),
    Pair("an SO-100 for a Sawyer pack", "sawyer", HONEST, NOT, "robot"),
    Pair("two arms for a pack of one", "degrees", HONEST.with_(robot_type="bi_so100_follower", names=BOTH, statistics={k: (*v, *v) for k, v in RECORDED.items()}), NOT, "state joints"),
    Pair("one arm for a pack of two", "two arms", HONEST, NOT, "state joints"),
    Pair("one arm that calls itself two", "degrees", HONEST.with_(robot_type="bi_so100_follower"), NOT, "robot"),
    # joints
    Pair("an extra joint", "degrees", HONEST.with_(names=(*SO, "rail.pos"), statistics={k: (*v, 0) for k, v in RECORDED.items()}), NOT, "state joints"),
    Pair("a joint too few", "degrees", HONEST.with_(names=SO[:5], statistics={k: v[:5] for k, v in RECORDED.items()}), NOT, "action joints"),
    Pair("a joint of another name", "degrees", HONEST.with_(names=(*SO[:5], "screwdriver.vel")), NOT, "state joints"),
    Pair("joints without names", "degrees", HONEST.with_(names=None), NOT, "state joints"),
    Pair("joints that are numbers", "degrees", HONEST.with_(names=tuple(f"motor_{n}" for n in range(6))), NOT, "state joints"),
    Pair("numbers on both sides", "numbered", HONEST.with_(names=tuple(f"motor_{n}" for n in range(6))), NOT, "state joints"),
    Pair("the same joint twice", "degrees", HONEST.with_(names=(*SO[:5], SO[0])), NOT, "state joints"),
    Pair("only the action is in another order, and its values are not", "degrees", HONEST.with_(action_names=SO[::-1]), NOT, "action units"),
    Pair("names swapped, values not", "degrees", HONEST.with_(names=SO[::-1]), NOT, "state units"),
    # units and zero
    Pair("radians for degrees", "degrees", HONEST.with_(statistics=converted(RECORDED, TO_RADIANS)), NOT, "state units"),
    Pair("degrees for -100..100", "normalised", HONEST, NOT, "state units"),
    Pair("-100..100 for degrees", "degrees", HONEST_NORMALISED, NOT, "state units"),
    Pair("-100..100 said to be degrees", "degrees", HONEST_NORMALISED.with_(units={"*": "degrees"}), NOT, "state units"),
    Pair("radians said to be degrees", "degrees", HONEST.with_(statistics=converted(RECORDED, TO_RADIANS), units={"*": "degrees"}), NOT, "state units"),
    Pair("degrees said to be radians", "degrees", HONEST.with_(units={"*": "radians"}), NOT, "state units"),
    Pair("doubtful values of which nothing is said", "degrees", HONEST.with_(statistics=NARROW), NOT, "state units"),
    Pair("doubtful values that are said to be degrees", "degrees", HONEST.with_(statistics=NARROW, units={"*": "degrees"}), NOT, "state units"),
    Pair("steps of the encoder that are said to be -100..100", "normalised", HONEST.with_(statistics=NARROW_STEPS, units={"*": "normalised"}), NOT, "state units"),
    Pair("doubtful values that are said to be normalised", "degrees", HONEST.with_(statistics=NARROW, units={"*": "normalised"}), NOT, "state units"),
    Pair("encoder counts", "degrees", HONEST.with_(statistics={"mean": [2048] * 6, "std": [300] * 6, "min": [1000] * 6, "max": [3000] * 6}), NOT, "state units"),
    Pair("names and values from before PR 777", "degrees", HONEST.with_(names=OLD_NAMES, statistics=OLD_RECORDED, version="v2.1"), NOT, "state units"),
    Pair("new names on values from before PR 777", "degrees", HONEST.with_(statistics=OLD_RECORDED), NOT, "state units"),
    Pair("values from before PR 777 that could be either", "degrees", HONEST.with_(statistics=EITHER), NOT, "state units"),
    Pair("the same, said to be degrees", "degrees", HONEST.with_(statistics=EITHER, units={"*": "degrees"}), NOT, "state units"),
    Pair("a gripper as a fraction", "degrees", HONEST.with_(statistics=changed(RECORDED, 5, mean=0.4, std=0.2, min=0, max=1)), NOT, "state units"),
    Pair("a gripper in degrees", "degrees", HONEST.with_(statistics=changed(RECORDED, 5, mean=60, std=50, min=-20, max=150)), NOT, "state units"),
    Pair("centimetres for metres", "sawyer", HONEST_SAWYER.with_(statistics=converted(SAWYER_STATE, (100, 100, 100, 1))), NOT, "state units"),
    Pair("metres that are said to be centimetres", "sawyer", HONEST_SAWYER.with_(units={"x": "cm"}), NOT, "state units"),
    Pair("a gripper in percent for a fraction", "sawyer", HONEST_SAWYER.with_(statistics=converted(SAWYER_STATE, (1, 1, 1, 100))), NOT, "state units"),
    Pair("a pack in -100..100 that states degrees, and an arm in degrees", "contradicts itself", HONEST, NOT, "state units"),
    Pair("a pack in -100..100 that states degrees, and an arm in -100..100", "contradicts itself", HONEST_NORMALISED, NOT, "action units"),
    Pair("no statistics", "degrees", HONEST.with_(statistics=None), NOT, "state distribution"),
    Pair("no statistics, and units as said", "degrees", HONEST.with_(statistics=None, units={"*": "degrees"}), NOT, "state distribution"),
    # values
    Pair("absurdly large values", "degrees", HONEST.with_(statistics=converted(RECORDED, 1e6)), NOT, "state units"),
    Pair("an arm that reaches where none does", "degrees", HONEST.with_(statistics=changed(RECORDED, 0, min=-170, max=170)), NOT, "ranges"),
    Pair("a joint far from where training had it", "degrees", HONEST.with_(statistics=changed(RECORDED, 4, mean=95, std=5, min=60, max=120)), NOT, "state distribution"),
    Pair("an arm that does not move at all", "degrees", HONEST.with_(statistics={"mean": [0] * 6, "std": [0] * 6, "min": [0] * 6, "max": [0] * 6}), NOT, "state units"),
    Pair("a joint that counts backwards", "degrees", HONEST.with_(statistics=converted(RECORDED, (1, 1, 1, -1, 1, 1))), NOT, "state distribution"),
    Pair("a gripper that is open in another task warns", "degrees", HONEST.with_(statistics=changed(RECORDED, 5, mean=80, std=5, min=40, max=100)), RUNS, "state distribution"),
    Pair("an arm that stands still, though where training was", "degrees", HONEST.with_(statistics=STILL, units={"*": "degrees"}), NOT, "state distribution"),
    # calibration
    Pair("a drifted calibration", "calibrated", HONEST.with_(calibration=calibration(elbow_flex=(848, 3648))), NOT, "calibration"),
    Pair("a drifted end of the range, normalised", "calibrated, normalised", HONEST_NORMALISED.with_(calibration=calibration(elbow_flex=(648, 3648))), NOT, "calibration"),
    Pair("a mirrored drive_mode beside the pack's", "calibrated", HONEST.with_(calibration=MIRRORED), NOT, "calibration"),
    Pair("a mirrored drive_mode on an SO arm", "degrees", HONEST.with_(calibration=MIRRORED), NOT, "calibration"),
    Pair("a joint that was not moved while calibrating", "degrees", HONEST.with_(calibration=calibration(wrist_flex=(2000, 2100))), NOT, "calibration"),
    Pair("a range that is upside down", "degrees", HONEST.with_(calibration=calibration(elbow_flex=(3448, 648))), NOT, "calibration"),
    Pair("a motor without calibration", "degrees", HONEST.with_(calibration={k: v for k, v in calibration().items() if k != "gripper"}), NOT, "calibration"),
    Pair("two motors of one id", "degrees", HONEST.with_(calibration={k: v | {"id": 1} for k, v in calibration().items()}), NOT, "calibration"),
    Pair("a calibrated range that the pack leaves", "degrees", HONEST.with_(calibration=calibration(shoulder_lift=(1448, 2648))), NOT, "ranges"),
    # cameras
    Pair("no wrist camera", "degrees", HONEST.with_(**cameras(front="camera1")), NOT, "camera wrist"),
    Pair("no camera at all", "degrees", HONEST.with_(**cameras()), NOT, "camera front"),
    Pair("no camera roles, though the names are the pack's", "degrees", HONEST.with_(roles={}), NOT, "camera front"),
    Pair("one role of two", "degrees", HONEST.with_(roles={"front": "camera1"}), NOT, "camera wrist"),
    Pair("a side view for a front view", "degrees", HONEST.with_(roles={"side": "camera1", "wrist": "camera2"}), NOT, "camera front"),
    Pair("a top view for a front view", "degrees", HONEST.with_(roles={"top": "camera1", "wrist": "camera2"}), NOT, "camera front"),
    Pair("a depth camera for the front view", "degrees", HONEST.with_(cameras={"camera1": (480, 640, 1), "camera2": (480, 640)}), NOT, "camera front"),
    # rate and machine
    Pair("a third of the rate", "degrees", HONEST.with_(fps=10), NOT, "fps"),
    Pair("too little memory", "degrees", HONEST, NOT, "memory", Machine(GIB)),
    Pair("a chunk takes longer than it lasts", "degrees", HONEST, NOT, "latency", Machine(16 * GIB, 3600.0)),
    Pair("an older LeRobot", "degrees", HONEST, NOT, "LeRobot", Machine(lerobot_version="0.3.3")),
    # several at once: one good sign outweighs no bad one
    Pair("mapped cameras and radians", "degrees", HONEST.with_(**cameras(front="a", wrist="b"), statistics=converted(RECORDED, TO_RADIANS)), NOT, "state units"),
    Pair("another order and a missing wrist camera", "degrees", HONEST.with_(names=SO[::-1], statistics=reordered(RECORDED, SHUFFLED), **cameras(front="camera1")), NOT, "camera wrist"),
    Pair("normalised, far away", "normalised", HONEST_NORMALISED.with_(statistics=changed(RECORDED_NORMALISED, 4, mean=90, std=2, min=80, max=99)), NOT, "state distribution"),
]  # fmt: skip
assert np.unique([pair.name for pair in PAIRS]).size == len(PAIRS)
