"""What strangers upload is read or refused with a reason; nothing crashes, and nothing that is no profile becomes one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import ProfileError
from skill_packs.fit import check_fit
from skill_packs.robot_profile import profile_from_files, read_profile, with_roles
from tests.skill_packs.fit_pairs import PAIRS
from tests.skill_packs.make_robots import HONEST, PACKS, SO, calibration

INFO = HONEST.info()


def with_info(**changes) -> bytes:
    return json.dumps(json.loads(INFO) | changes).encode()


def test_a_profile_survives_its_file(tmp_path):
    profile = HONEST.with_(calibration=calibration(), units={"*": "degrees"}).profile()
    profile.write(tmp_path / "arm.json")
    assert read_profile(tmp_path / "arm.json") == profile
    assert read_profile((tmp_path / "arm.json").read_bytes()) == profile
    assert (profile.state_names, profile.fps, profile.cameras[0].role) == (SO, 30, "front")
    assert profile.calibration["gripper"].range_max == 3200


def test_episode_statistics_are_joined():
    rows = [([0.0, 10.0], 100), ([4.0, 20.0], 300)]
    lines = [
        {"episode_index": n, "stats": {"observation.state": {
            "mean": [mean[0]] * 6, "std": [1.0] * 6, "min": [mean[0] - 2] * 6, "max": [mean[0] + 2] * 6, "count": [count]}}}
        for n, (mean, count) in enumerate(rows)
    ]  # fmt: skip
    profile = profile_from_files(INFO, statistics="\n".join(map(json.dumps, lines)).encode())
    found = profile.state_statistics
    assert (found.mean[0], found.min[0], found.max[0]) == (3.0, -2.0, 6.0)
    assert found.std[0] == pytest.approx((0.25 * (1 + 9) + 0.75 * (1 + 1)) ** 0.5)
    assert profile.action_statistics is None
    assert profile_from_files(INFO, statistics=json.dumps(lines[0]).encode()).state_statistics.mean[0] == 0.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a":' * 50_000, "is not JSON"),
        (b"[]", "holds a list"),
        (b"null", "holds a NoneType"),
        (b"1" * 5_000, "is not JSON"),
        (b" " * 600_000, "more than 524,288 bytes"),
        (with_info(codebase_version="v9.0"), "v9.0"),
        (with_info(fps=float("nan")), "fps"),
        (with_info(fps=float("inf")), "fps"),
        (with_info(fps=-30), "fps"),
        (with_info(fps="1e999"), "fps"),
        (with_info(fps=1e9), "fps"),
        (with_info(features=[]), "features"),
        (with_info(features={"observation.state": {"dtype": "float32", "shape": [10**9]}}), "1000000000 values"),
        (with_info(features={"action": {"dtype": "float32", "shape": [200], "names": ["a"] * 200}}), "200 values"),
        (with_info(features={"action": {"dtype": "float32", "shape": [1], "names": ["a\x1b[31m"]}}), "printable"),
        (with_info(features={"action": {"dtype": "float32", "shape": [1], "names": ["a" * 1000]}}), "120"),
        (with_info(features={"action": {"dtype": "video", "shape": [4, 4, 3]}}), "no robot"),
        (with_info(features={f"observation.images.{n}": {"dtype": "video", "shape": [4, 4, 3]} for n in range(99)}), "99 cameras"),
        (with_info(robot_type="so100\n[red]"), "printable"),
    ],
)  # fmt: skip
def test_info_that_is_no_info_is_refused(content, said):
    with pytest.raises(ProfileError, match=said.replace("(", r"\(")):
        profile_from_files(content)


GOOD = json.loads(HONEST.stats())["observation.state"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ([], "no object"),
        ({}, "no mean"),
        (GOOD | {"mean": "0"}, "no mean"),
        (GOOD | {"mean": [True] * 6}, "no mean"),
        (GOOD | {"mean": [[0.0]] * 6}, "no mean"),
        (GOOD | {"mean": [0.0] * 10_000}, "no mean"),
        (GOOD | {"mean": [10**400] * 6}, "no mean"),
        (GOOD | {"mean": [float("nan")] * 6}, "no finite number"),
        (GOOD | {"max": [float("inf")] * 6}, "no finite number"),
        (GOOD | {"std": [0.0] * 5}, "not 6 numbers"),
        (GOOD | {"std": [-1.0] * 6}, "negative std"),
        (GOOD | {"mean": [500.0] * 6}, "no data between"),
        (GOOD | {"min": [100.0] * 6, "max": [-100.0] * 6}, "no data between"),
        ({name: row[:5] for name, row in GOOD.items()}, "statistics of 5"),
    ],
)
def test_statistics_that_no_data_have_are_refused(entry, said):
    with pytest.raises(ProfileError, match=said):
        profile_from_files(INFO, statistics=json.dumps({"observation.state": entry}).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"no", b'{"episode_index":0,"stats":3}\n{}', b'{"stats":{}}\n[1]', b"\x00" * 100]
)
def test_statistics_that_are_none_are_refused_or_empty(content):
    try:
        assert profile_from_files(INFO, statistics=content).state_statistics is None
    except ProfileError as error:
        assert "statistics" in str(error)  # noqa: PT017 (either is an answer)


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b'{"a": 1}', b'{"a": {"id": 1}}', b'{"a": {"id": -1, "drive_mode": 0, "homing_offset": 0, "range_min": 0, "range_max": 1}}',
     json.dumps({"a": calibration()["gripper"] | {"range_max": 1e300}}).encode(),
     json.dumps({"a": calibration()["gripper"] | {"drive_mode": 7}}).encode(),
     json.dumps({"a": calibration()["gripper"] | {"password": "x"}}).encode(),
     json.dumps({f"m{n}": calibration()["gripper"] for n in range(300)}).encode()],
)  # fmt: skip
def test_a_calibration_that_is_none_is_refused(content):
    with pytest.raises(ProfileError, match="calibration"):
        profile_from_files(INFO, calibration=content)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"wrist": "camera9"}, "no camera"),
        ({"elbow": "camera1"}, "must be one of top, wrist"),
        ({"wrist": "camera1", "front": "observation.images.camera1"}, "both wrist and front"),
    ],
)
def test_roles_and_cameras_must_be_known(roles, said):
    with pytest.raises(ProfileError, match=said):
        profile_from_files(INFO, cameras=roles)


def test_roles_can_be_said_anew():
    profile = HONEST.with_(roles={"side": "camera1"}).profile()
    anew = with_roles(profile, {"front": "camera1", "wrist": "observation.images.camera2"})
    assert anew == HONEST.profile()
    assert [camera.role for camera in with_roles(anew, {}).cameras] == [None, None]
    for wrong in ({"wrist": "camera9"}, {"hand": "camera1"}):
        with pytest.raises(ProfileError):
            with_roles(profile, wrong)


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b"", b'{"schema_version": 2}', b"[" * 10**6, INFO, b" " * (2**20 + 1)]
)
def test_a_file_that_is_no_profile_is_refused(content):
    with pytest.raises(ProfileError):
        read_profile(content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"gone\.json"):
        read_profile(tmp_path / "gone.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
PATHS = [
    ("info", *path)
    for path in (("fps",), ("robot_type",), ("codebase_version",), ("features",), ("features", "action"), ("features", "action", "names"),
                 ("features", "action", "shape"), ("features", "observation.images.camera1", "shape"), ("features", "observation.state", "dtype"))
] + [("stats", "action"), ("stats", "observation.state", "std"), ("stats", "observation.state", "count"), ("calibration", "gripper"), ("calibration", "gripper", "range_min")]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_anything_in_any_place_is_read_or_refused(path, value):
    files = {"info": json.loads(INFO), "stats": json.loads(HONEST.stats()), "calibration": calibration()}
    inner = files
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    contents = {name: json.dumps(content).encode() for name, content in files.items()}
    try:
        profile = profile_from_files(
            contents["info"], statistics=contents["stats"], calibration=contents["calibration"], cameras=HONEST.roles
        )
    except ProfileError:
        return
    for needs in PACKS.values():
        json.dumps(check_fit(needs, profile).to_json(), allow_nan=False)


@pytest.mark.skipif(not os.environ.get("DEFTWORKS_REAL_DATASETS"), reason="needs real datasets")
def test_real_recordings_never_crash_and_none_of_them_fits():
    seen = 0
    for info in sorted(Path(os.environ["DEFTWORKS_REAL_DATASETS"]).glob("*/meta/info.json")):
        statistics = next(
            (path for name in ("stats.json", "episodes_stats.jsonl") if (path := info.with_name(name)).is_file()), None
        )
        try:
            profile = profile_from_files(info, statistics=statistics)
        except ProfileError as error:
            assert error.hint  # noqa: PT017 (a refusal says what to do)
            continue
        seen += 1
        for needs in PACKS.values():
            assert not check_fit(needs, profile).is_running
    assert seen >= 5


def test_every_labelled_robot_can_be_written_down(tmp_path):
    for number, pair in enumerate(PAIRS):
        profile = pair.files.profile()
        profile.write(tmp_path / f"{number}.json")
        assert read_profile(tmp_path / f"{number}.json") == profile
