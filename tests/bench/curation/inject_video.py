"""Pictures that are wrong: the video of one camera in single episodes. Rows stay as they are, save where it is said.

Every changed video is encoded again as the recorder did, which is itself a control: "clean episode encoded again".
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tests.bench.curation.copies import ACTION, STATE, Copy, codec_of, rewrite
from tests.bench.curation.injection import DoesNotFit, Target, graded, single

LINES = 480
"""Blur is given in pixels of a picture of this height and scaled to the picture's own."""


def _change(target: Target, change) -> None:  # type: ignore[no-untyped-def]
    camera = target.camera()
    frames = target.copy.frames(target.episode, camera)
    target.copy.set_frames(target.episode, camera, np.ascontiguousarray(change(frames)))


# --- length ---------------------------------------------------------------------------------------------------------


def _shorten(target: Target, num_frames: int) -> None:
    _change(target, lambda frames: frames[:-num_frames])


def _lengthen(target: Target, num_frames: int) -> None:
    """Frames of another take follow: here the last ones, backwards."""
    _change(target, lambda frames: np.concatenate([frames, frames[::-1][:num_frames]]))


# --- standing still -------------------------------------------------------------------------------------------------


def _freeze(target: Target, share: float) -> None:
    """One picture stands for `share` of the episode while the robot goes on, then the video catches up."""

    def change(frames: np.ndarray) -> np.ndarray:
        length = max(round(share * len(frames)), 2)
        start = int(target.rng.integers(0, len(frames) - length + 1))
        frames[start : start + length] = frames[start]
        return frames

    _change(target, change)


def _repeat(target: Target, share: float) -> None:
    """`share` of the frames were dropped and the one before is shown again."""

    def change(frames: np.ndarray) -> np.ndarray:
        dropped = np.sort(target.rng.choice(np.arange(1, len(frames)), round(share * len(frames)), replace=False))
        for place in dropped:
            frames[place] = frames[place - 1]
        return frames

    _change(target, change)


# --- another moment, another recording ------------------------------------------------------------------------------


def _shift(target: Target, num_frames: int) -> None:
    """All cameras run `num_frames` behind the joints."""
    cameras = [key for key in target.copy.video_keys if target.copy.video_file(target.episode, key)]
    for camera in cameras:
        frames = target.copy.frames(target.episode, camera)
        if len(frames) <= num_frames + 5:
            raise DoesNotFit("too short for the shift")
        late = np.concatenate([np.repeat(frames[:1], num_frames, 0), frames[:-num_frames]])
        target.copy.set_frames(target.episode, camera, late)
    if not cameras:
        raise DoesNotFit("no video file of its own")


def _foreign(target: Target, apart: tuple[float, float]) -> None:
    """All cameras show another episode of the dataset, from its beginning, cut or held to the length of this one."""
    _show(target.copy, target.episode, target.as_it_was(), _other_episode(target, apart))


def _exchange(target: Target, apart: tuple[float, float]) -> None:
    """All cameras show another episode, and that one's show this one. The other counts on neither side."""
    clean, other = target.as_it_was(), _other_episode(target, apart)
    _show(target.copy, target.episode, clean, other)
    _show(target.copy, other, clean, target.episode)
    target.touched.add(other)


def _show(copy: Copy, episode: int, clean: Copy, donor: int) -> None:
    length = len(clean.rows(episode)[STATE])
    for camera in copy.video_keys:
        if not (copy.video_file(episode, camera) and clean.video_file(donor, camera)):
            raise DoesNotFit("no video file of its own")
        copy.set_frames(episode, camera, _at_length(clean.frames(donor, camera), length))


def _other_episode(target: Target, apart: tuple[float, float]) -> int:
    """Returns an undamaged episode of the dataset whose joints lie so far from this one's: the mean over the episode, in parts of
    its range, of the joint that differs most. Below 5% the videos show the same motion, and it is hardly a defect."""
    clean = target.as_it_was()
    low_D, high_D = target.reach[STATE]
    moves_D = high_D - low_D >= 0.1 * (high_D - low_D).max()
    own = target.rows()[STATE]
    others = []
    for episode in range(len(clean.episodes)):
        away_TD = np.abs(_at_length(clean.rows(episode)[STATE], len(own)) - own)[:, moves_D] / (high_D - low_D)[moves_D]
        if episode not in {target.episode} | target.touched and apart[0] <= away_TD.mean(axis=0).max() < apart[1]:
            others.append(episode)
    if not others:
        raise DoesNotFit("no undamaged episode so far away")
    return int(target.rng.choice(others))


def _foreign_dataset(target: Target) -> None:
    """One camera shows an episode of another dataset, resized to what is declared."""
    from PIL import Image

    if target.donor is None:
        raise DoesNotFit("no other dataset")
    donor = Copy(target.donor.root)  # only read
    episode = int(target.rng.integers(len(donor.episodes)))
    camera = donor.video_keys[int(target.rng.integers(len(donor.video_keys)))]
    other = donor.frames(episode, camera)

    def change(frames: np.ndarray) -> np.ndarray:
        size = (frames.shape[2], frames.shape[1])
        return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in _at_length(other, len(frames))])

    _change(target, change)


def _at_length(frames: np.ndarray, length: int) -> np.ndarray:
    return frames[np.minimum(np.arange(length), len(frames) - 1)]


def _rows_stand_still(target: Target) -> None:
    """The joints report one value while the picture moves on."""
    rows = target.rows()
    target.set_rows(rows | {key: np.repeat(rows[key][:1], len(rows[key]), 0) for key in (STATE, ACTION)})


def _pictures_stand_still(target: Target) -> None:
    """All cameras show their first picture throughout."""
    for camera in target.copy.video_keys:
        if not target.copy.video_file(target.episode, camera):
            raise DoesNotFit("no video file of its own")
        frames = target.copy.frames(target.episode, camera)
        target.copy.set_frames(target.episode, camera, np.repeat(frames[:1], len(frames), 0))


# --- exposure, sharpness, orientation -------------------------------------------------------------------------------


def _expose(target: Target, factor: float) -> None:
    _change(target, lambda frames: np.clip(frames.astype(np.float32) * factor, 0, 255).astype(np.uint8))


def _blur(target: Target, sigma_px: float) -> None:
    from PIL import Image, ImageFilter

    def change(frames: np.ndarray) -> np.ndarray:
        blur = ImageFilter.GaussianBlur(sigma_px * frames.shape[1] / LINES)
        return np.stack([np.asarray(Image.fromarray(frame).filter(blur)) for frame in frames])

    _change(target, change)


def _blacken(target: Target, share: float) -> None:
    """The last `share` of the frames are black, as when the camera is unplugged."""

    def change(frames: np.ndarray) -> np.ndarray:
        frames[len(frames) - round(share * len(frames)) :] = 0
        return frames

    _change(target, change)


def _turn(target: Target) -> None:
    _change(target, lambda frames: frames[:, ::-1, ::-1])


def _mirror(target: Target) -> None:
    _change(target, lambda frames: frames[:, :, ::-1])


def _whole_camera(change):  # type: ignore[no-untyped-def]
    """The same camera in every episode: how it was mounted."""

    def everywhere(target: Target) -> None:
        camera = target.camera()
        for episode in range(len(target.copy.episodes)):
            frames = target.copy.frames(episode, camera)
            target.copy.set_frames(episode, camera, np.ascontiguousarray(change(frames)))

    return everywhere


# --- files ----------------------------------------------------------------------------------------------------------


def _encode_again(target: Target) -> None:
    _change(target, lambda frames: frames)


def _other_codec(target: Target) -> None:
    camera = target.camera()
    path = target.copy.video_file(target.episode, camera)
    other = "h264" if path and codec_of(path) == "av1" else "av1"
    target.copy.set_frames(target.episode, camera, target.copy.frames(target.episode, camera), codec=other)


def _declare_other_codec(target: Target) -> None:
    feature = target.copy.info["features"][target.camera()]
    info = feature.get("info") or feature.get("video_info")
    if not info or "video.codec" not in info:
        raise DoesNotFit("no codec is declared")
    info["video.codec"] = "h264" if info["video.codec"] == "av1" else "av1"
    target.copy.write_info()


def _resize(target: Target, factor: float) -> None:
    from PIL import Image

    def change(frames: np.ndarray) -> np.ndarray:
        height, width = (max(round(side * factor / 2) * 2, 32) for side in frames.shape[1:3])
        return np.stack([np.asarray(Image.fromarray(frame).resize((width, height))) for frame in frames])

    _change(target, change)


def _declare_other_size(target: Target) -> None:
    feature = target.copy.info["features"][target.camera()]
    feature["shape"] = [480, 640, 3]
    for key in ("info", "video_info"):
        if key in feature:
            feature[key] |= {"video.height": 480, "video.width": 640}
    target.copy.write_info()


def _cut_file(target: Target, share: float) -> None:
    """An upload broke off after `share` of the bytes."""
    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    content = path.read_bytes()
    rewrite(path, content[: max(int(share * len(content)), 64)])


def _zero_bytes(target: Target, share: float) -> None:
    """A piece of the file, `share` of it, was never written: zeros, within the frames and not the index before them."""
    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    content = bytearray(path.read_bytes())
    first = content.find(b"mdat") + 4
    length = int(share * (len(content) - first))
    start = int(target.rng.integers(first, len(content) - length + 1))
    content[start : start + length] = bytes(length)
    rewrite(path, bytes(content))


def _uneven_clock(target: Target, share: float) -> None:
    """The frames of the file are shown early or late by up to half of `share` steps, whatever the rows say."""
    import av

    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    content, even = path.read_bytes(), path.with_suffix(".even.mp4")
    even.write_bytes(content)
    path.unlink()
    with av.open(str(even)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream, opaque=True)
        copy.time_base = Fraction(1, 90000)
        step = 90000 / target.copy.fps
        for number, packet in enumerate(packet for packet in source.demux(stream) if packet.dts is not None):
            packet.stream, packet.time_base = copy, copy.time_base
            packet.pts = packet.dts = round((number + target.rng.uniform(0, share / 2)) * step)
            output.mux(packet)
    even.unlink()


def _add_sound(target: Target) -> None:
    """The same frames with a quiet sound track beside them."""
    import av

    path = target.copy.video_file(target.episode, target.camera())
    assert path is not None
    content, silent = path.read_bytes(), path.with_suffix(".silent.mp4")
    silent.write_bytes(content)
    path.unlink()
    with av.open(str(silent)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream, opaque=True)
        sound = output.add_stream("aac", rate=16000, layout="mono")
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                output.mux(packet)
        samples = (target.rng.normal(0, 0.01, (1, 1024 * 16))).astype(np.float32)
        for start in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 1024]), "fltp", "mono")
            frame.sample_rate, frame.pts = 16000, start
            output.mux(sound.encode(frame))
        output.mux(sound.encode())
    silent.unlink()


STANDS = frozenset({"video.frozen", "video.repeated_frames"})
PART = [("10% of frames", 0.1), ("30%", 0.3), ("60%", 0.6)]
FRAMES = [("1 frame", 1), ("5 frames", 5), ("15 frames", 15)]
APART = [("joints 5 to 15% apart", (0.05, 0.15)), ("15 to 45%", (0.15, 0.45)), ("45% and more", (0.45, np.inf))]
EPISODE = {"looks": "videos"}
DATASET = {"looks": "videos", "scope": "dataset"}

INJECTIONS = (
    *graded("time.video_shorter", "frames missing at the end", FRAMES, _shorten, **EPISODE),
    *graded("time.video_longer", "frames too many", FRAMES, _lengthen, **EPISODE),
    *graded("video.frozen", "one picture stands", PART, _freeze, also=STANDS, **EPISODE),
    *graded("video.repeated_frames", "frames dropped and repeated", PART, _repeat, also=STANDS, **EPISODE),
    *graded("agreement.video_joint_mismatch", "video late", [("5 frames", 5), ("15 frames", 15), ("45 frames", 45)], _shift, **EPISODE),
    *graded("agreement.video_joint_mismatch", "video of another episode", APART, _foreign, **EPISODE),
    *graded("agreement.video_joint_mismatch", "videos of two episodes exchanged", APART, _exchange, **EPISODE),
    single("agreement.video_joint_mismatch", "video of another dataset", _foreign_dataset, **EPISODE),
    single("agreement.video_without_motion", "joints stand still", _rows_stand_still, **EPISODE),
    single("agreement.motion_without_video", "all pictures stand still", _pictures_stand_still, also=STANDS, **EPISODE),
    *graded("video.under_exposed", "darker", [("x0.5", 0.5), ("x0.25", 0.25), ("x0.1", 0.1)], _expose, **EPISODE),
    *graded("video.over_exposed", "brighter", [("x2", 2.0), ("x4", 4.0), ("x8", 8.0)], _expose, **EPISODE),
    *graded("video.blurred", "Gaussian", [("2 px of 480", 2.0), ("4 px", 4.0), ("8 px", 8.0)], _blur, **EPISODE),
    *graded("video.black", "black to the end", [("30% of frames", 0.3), ("60%", 0.6), ("100%", 1.0)], _blacken, **EPISODE),
    single("video.upside_down", "some episodes", _turn, **EPISODE),
    single("video.upside_down", "a camera in every episode", _whole_camera(lambda frames: frames[:, ::-1, ::-1]), **DATASET),
    single("video.mirrored", "some episodes", _mirror, **EPISODE),
    single("video.mirrored", "a camera in every episode", _whole_camera(lambda frames: frames[:, :, ::-1]), **DATASET),
    *graded("video.undecodable", "file cut", [("after 90% of the bytes", 0.9), ("after half", 0.5), ("in the index", 0.02)], _cut_file, **EPISODE),
    *graded("video.undecodable", "bytes zeroed", [("3% of the frames' bytes", 0.03), ("20%", 0.2), ("100%", 1.0)], _zero_bytes, **EPISODE),
    single("video.codec_mismatch", "some episodes in another codec", _other_codec, **EPISODE),
    single("video.codec_mismatch", "another codec declared", _declare_other_codec, **DATASET),
    *graded("video.size_mismatch", "some episodes of another size", [("x1.1", 1.1), ("x0.5", 0.5), ("x2", 2.0)], _resize, **EPISODE),
    single("video.size_mismatch", "another size declared", _declare_other_size, **DATASET),
    *graded("video.uneven_clock", "frames early or late", [("10% of the step", 0.1), ("30%", 0.3), ("100%", 1.0)], _uneven_clock, **EPISODE),
    single("video.has_audio", "sound track", _add_sound, **EPISODE),
    single("control", "clean episode encoded again", _encode_again, is_control=True, **EPISODE),
)  # fmt: skip
