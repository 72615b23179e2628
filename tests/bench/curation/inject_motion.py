"""Joints that are wrong: state and action of single episodes. Pictures stay as they are and are not looked at.

Strengths in parts of a joint's range mean its range over the whole clean dataset.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.bench.curation.copies import ACTION, STATE, TIME, Rows
from tests.bench.curation.injection import DoesNotFit, Target, graded, single
from tests.bench.curation.subjects import is_arm_in_degrees, is_of_even_width

VECTORS = (STATE, ACTION)
COUNTS_PER_TURN = 4096


def _vectors(target: Target) -> Rows:
    return {key: values.copy() for key, values in target.rows().items() if key in VECTORS}


def _set(target: Target, changed: Rows) -> None:
    target.set_rows(target.rows() | changed)


def _joint_of_both(target: Target) -> int:
    """Returns a joint that moves in the state and, under the same number, stands in the action."""
    joint = target.joint(STATE)
    if target.reach[ACTION][0].shape != target.reach[STATE][0].shape:
        raise DoesNotFit("state and action differ in width")
    return joint


def _range(target: Target, key: str, joint: int) -> float:
    low_D, high_D = target.reach[key]
    return float(high_D[joint] - low_D[joint])


# --- discontinuities ------------------------------------------------------------------------------------------------


def _wrap(target: Target, share: float) -> None:
    """The joint is mounted so that the top `share` of what it covers in the episode lies beyond 180 degrees."""
    vectors = _vectors(target)
    spread = np.ptp(vectors[STATE][:, :5], axis=0)
    candidates = np.flatnonzero(spread > 0.2 * spread.max())
    joint = int(target.rng.choice(candidates))
    values = vectors[STATE][:, joint]
    offset = 180 - (values.max() - share * spread[joint])
    for key in VECTORS:
        vectors[key][:, joint] = (vectors[key][:, joint] + offset + 180) % 360 - 180
    _set(target, vectors)


def _teleport(target: Target, share: float, keys: tuple[str, ...] = VECTORS) -> None:
    """For three to eight frames a joint is reported somewhere else."""
    joint, vectors = _joint_of_both(target), _vectors(target)
    length = len(vectors[STATE])
    start = int(target.rng.integers(length // 5, length - length // 5))
    stop = start + int(target.rng.integers(3, 9))
    sign = target.rng.choice([-1, 1])
    for key in keys:
        vectors[key][start:stop, joint] += sign * share * _range(target, STATE if key == STATE else ACTION, joint)
    _set(target, vectors)


def _teleport_state(target: Target, share: float) -> None:
    _teleport(target, share, (STATE,))


def _relocate(target: Target, share: float) -> None:
    """From one frame on everything happens elsewhere: a piece of the recording is lost."""
    joint, vectors = _joint_of_both(target), _vectors(target)
    length = len(vectors[STATE])
    start = int(target.rng.integers(length // 5, length - length // 5))
    sign = target.rng.choice([-1, 1])
    for key in VECTORS:
        vectors[key][start:, joint] += sign * share * _range(target, key, joint)
    _set(target, vectors)


# --- little or nothing happens --------------------------------------------------------------------------------------


def _idle_start(target: Target, share: float) -> None:
    """The arm waits for `share` of the episode; what follows is the beginning of the motion. The length stays."""
    vectors = _vectors(target)
    length = len(vectors[STATE])
    waiting = round(share * length)
    _set(
        target,
        {key: np.concatenate([np.repeat(v[:1], waiting, 0), v[: length - waiting]]) for key, v in vectors.items()},
    )


def _idle_end(target: Target, share: float) -> None:
    """The motion stops where it is and the recording goes on. The length stays."""
    vectors = _vectors(target)
    moving = len(vectors[STATE]) - round(share * len(vectors[STATE]))
    _set(
        target,
        {
            key: np.concatenate([v[:moving], np.repeat(v[moving - 1 : moving], len(v) - moving, 0)])
            for key, v in vectors.items()
        },
    )


def _static(target: Target, noise: float) -> None:
    """Nothing moves but `noise` of each joint's range, as an encoder flickers."""
    vectors = _vectors(target)
    for key, values in vectors.items():
        low_D, high_D = target.reach[key]
        flicker = target.rng.normal(0, 1, values.shape) * noise * (high_D - low_D)
        vectors[key] = np.repeat(values[:1], len(values), 0) + flicker
    _set(target, vectors)


def _cut(target: Target, num_frames: int) -> None:
    """Rows and videos end after `num_frames`."""
    rows = target.rows()
    length = len(rows[TIME])
    if length <= num_frames:
        raise DoesNotFit("already as short")
    cameras = [key for key in target.copy.video_keys if target.copy.video_file(target.episode, key)]
    if len(cameras) < len(target.copy.video_keys):
        raise DoesNotFit("no video file of its own")
    for camera in cameras:
        target.copy.set_frames(target.episode, camera, target.copy.frames(target.episode, camera)[:num_frames])
    target.set_rows({key: values[:num_frames] for key, values in rows.items()})


def _cut_to(target: Target, share: float) -> None:
    """A control: a clean episode that ends early. What remains is at least half a second and twenty frames."""
    length = len(target.rows()[TIME])
    remaining = round(share * length)
    if remaining < max(20, 0.3 * target.copy.fps):
        raise DoesNotFit("too short to be cut and still an episode")
    _cut(target, remaining)


# --- values ---------------------------------------------------------------------------------------------------------


def _not_finite(target: Target, num_frames: int) -> None:
    joint, vectors = target.joint(STATE), _vectors(target)
    start = int(target.rng.integers(0, len(vectors[STATE]) - num_frames))
    vectors[STATE][start : start + num_frames, joint] = np.nan
    _set(target, vectors)


def _infinite_action(target: Target, num_frames: int) -> None:
    joint, vectors = target.joint(ACTION), _vectors(target)
    start = int(target.rng.integers(0, len(vectors[ACTION]) - num_frames))
    vectors[ACTION][start : start + num_frames, joint] = np.inf
    _set(target, vectors)


def _saturate(target: Target, share: float) -> None:
    """A motor stops at a limit: for `share` of the frames the joint stands at the highest value that it is let to."""
    joint, vectors = _joint_of_both(target), _vectors(target)
    for values in vectors.values():
        limit = np.quantile(values[:, joint], 1 - share)
        values[:, joint] = np.minimum(values[:, joint], limit)
    _set(target, vectors)


def _noise(target: Target, share: float) -> None:
    """Every joint trembles: white noise of `share` of its range as standard deviation."""
    vectors = _vectors(target)
    for key, values in vectors.items():
        low_D, high_D = target.reach[key]
        vectors[key] = values + target.rng.normal(0, 1, values.shape) * share * (high_D - low_D)
    _set(target, vectors)


def _raw_counts(target: Target) -> None:
    """Encoder counts of 0 to 4095 in place of degrees."""
    _set(target, {key: np.round(2048 + values / 360 * COUNTS_PER_TURN) for key, values in _vectors(target).items()})


def _radians(target: Target) -> None:
    _set(target, {key: np.radians(values) for key, values in _vectors(target).items()})


def _normalised(target: Target) -> None:
    """-100 to 100 over what the joints cover, in place of degrees."""
    vectors = _vectors(target)
    for values in vectors.values():
        values[:, :5] *= 100 / 126  # 2.2 rad to both sides, the pan joint's
    _set(target, vectors)


def _old_zero(target: Target) -> None:
    """Zero with the arm stretched out, as before LeRobot's pull request 777: lift turned round and both by 90 degrees."""
    vectors = _vectors(target)
    for values in vectors.values():
        values[:, 1], values[:, 2] = 90 - values[:, 1], values[:, 2] + 90
    _set(target, vectors)


def _offset(target: Target, degrees: float) -> None:
    joint, vectors = int(target.rng.integers(5)), _vectors(target)
    for values in vectors.values():
        values[:, joint] += degrees
    _set(target, vectors)


# --- state against action -------------------------------------------------------------------------------------------


def _lag(target: Target, num_frames: int) -> None:
    """Actions are written `num_frames` late."""
    vectors = _vectors(target)
    action = vectors[ACTION]
    if len(action) < 3 * num_frames:
        raise DoesNotFit("too short for the lag")
    _set(target, {ACTION: np.concatenate([np.repeat(action[:1], num_frames, 0), action[:-num_frames]])})


def _lead(target: Target, num_frames: int) -> None:
    """Actions are written `num_frames` early, so that the state seems to follow late."""
    action = _vectors(target)[ACTION]
    if len(action) < 3 * num_frames:
        raise DoesNotFit("too short for the lag")
    _set(target, {ACTION: np.concatenate([action[num_frames:], np.repeat(action[-1:], num_frames, 0)])})


def _action_of_another(target: Target) -> None:
    """The actions of another episode, stretched to the length of this one."""
    others = [episode for episode in range(len(target.copy.episodes)) if episode != target.episode]
    own = _vectors(target)[ACTION]
    donor = target.as_it_was().rows(int(target.rng.choice(others)))[ACTION]
    places = np.linspace(0, len(donor) - 1, len(own)).round().astype(int)
    _set(target, {ACTION: donor[places]})


def _action_reversed(target: Target) -> None:
    """The actions in the reverse order: the values are right, the moments are not."""
    _set(target, {ACTION: _vectors(target)[ACTION][::-1]})


# --- the dataset as a whole -----------------------------------------------------------------------------------------


def _for_every_episode(inject):  # type: ignore[no-untyped-def]
    def everywhere(target: Target) -> None:
        for episode in range(len(target.copy.episodes)):
            inject(replace(target, episode=episode))

    return everywhere


def _dead_dimension(target: Target, key: str) -> None:
    """One joint reports the same value in every episode."""
    joint = target.joint(key)
    for episode in range(len(target.copy.episodes)):
        rows = target.copy.rows(episode)
        rows[key][:, joint] = target.reach[key][0][joint]
        target.copy.set_rows(episode, rows)


def _state_is_action(target: Target) -> None:
    """What was commanded stands where what was measured belongs."""
    vectors = _vectors(target)
    if vectors[STATE].shape != vectors[ACTION].shape:
        raise DoesNotFit("state and action differ in width")
    _set(target, {STATE: vectors[ACTION]})


ARM: dict[str, Any] = {"fits": is_arm_in_degrees, "is_apart": True}
RANGE = [("5% of the range", 0.05), ("15%", 0.15), ("45%", 0.45)]
IDLE = [("20% of the episode", 0.2), ("40%", 0.4), ("80%", 0.8)]
NOT_FINITE = [("1 frame", 1), ("5 frames", 5), ("15 frames", 15)]

INJECTIONS = (
    *graded("motion.wrap", "beyond 180 degrees", RANGE, _wrap, **ARM),
    *graded("motion.jump", "joint displaced for 3 to 8 frames", RANGE, _teleport),
    *graded("motion.jump", "only the state displaced", RANGE, _teleport_state),
    *graded("motion.jump", "displaced to the end", RANGE, _relocate),
    *graded("motion.long_idle", "idle at the start", IDLE, _idle_start),
    *graded("motion.long_idle", "idle at the end", IDLE, _idle_end),
    *graded("motion.static", "flicker of the encoder", [("0.2% of the range", 0.002), ("0.05%", 0.0005), ("none", 0.0)], _static),
    *graded("motion.stub", "cut", [("7 frames", 7), ("3 frames", 3), ("1 frame", 1)], _cut, looks="videos"),
    *graded("motion.not_finite", "NaN in the state", NOT_FINITE, _not_finite),
    *graded("motion.not_finite", "infinity in the action", NOT_FINITE, _infinite_action),
    *graded("motion.saturation", "joint at its limit", [("5% of frames", 0.05), ("15%", 0.15), ("40%", 0.4)], _saturate),
    *graded("motion.tremor", "white noise", [("1% of the range", 0.01), ("3%", 0.03), ("10%", 0.1)], _noise),
    *graded("motion.action_lag", "actions late", [("2 frames", 2), ("5 frames", 5), ("10 frames", 10)], _lag),
    *graded("motion.action_lag", "state late", [("2 frames", 2), ("5 frames", 5), ("10 frames", 10)], _lead),
    single("motion.raw_counts", "some episodes", _raw_counts, **ARM),
    single("motion.raw_counts", "every episode", _for_every_episode(_raw_counts), scope="dataset", **ARM),
    single("motion.unit_convention", "some episodes in radians", _radians, **ARM),
    single("motion.unit_convention", "some episodes -100 to 100", _normalised, **ARM),
    single("motion.unit_convention", "every episode in radians", _for_every_episode(_radians), scope="dataset", **ARM),
    single("motion.zero_convention", "some episodes with the old zero", _old_zero, also=frozenset({"motion.unit_convention"}), **ARM),
    single("motion.zero_convention", "every episode with the old zero", _for_every_episode(_old_zero), scope="dataset", **ARM),
    *graded("motion.calibration_offset", "some episodes, one joint", [("10 degrees", 10.0), ("25 degrees", 25.0), ("56 degrees", 56.0)], _offset, **ARM),
    *graded("motion.dead_dimension", "one joint in every episode", [("state", STATE), ("action", ACTION)], _dead_dimension, scope="dataset"),
    single("motion.state_equals_action", "some episodes", _state_is_action, fits=is_of_even_width),
    single("motion.state_equals_action", "every episode", _for_every_episode(_state_is_action), scope="dataset", fits=is_of_even_width),
    single("agreement.state_action_mismatch", "actions of another episode", _action_of_another),
    single("agreement.state_action_mismatch", "actions reversed", _action_reversed),
    *graded("control", "clean episode cut short", [("to 70%", 0.7), ("to 50%", 0.5)], _cut_to, looks="videos", is_control=True),
)  # fmt: skip
