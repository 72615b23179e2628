"""The injectors: each changes its episode (or its dataset) and nothing else, and says the truth about how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.findings import ALL_CODES
from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2
from simulation.so100_units import JOINT_NAMES
from tests.bench.curation.copies import ACTION, STATE, TIME, Copy, link_tree
from tests.bench.curation.figures import Share, area
from tests.bench.curation.injection import DoesNotFit, Injection, Target
from tests.bench.curation.injections import INJECTIONS, WITHOUT_INJECTION
from tests.bench.curation.plan import Amount, plan
from tests.bench.curation.subjects import Subject

CAMERAS = ("observation.images.front", "observation.images.wrist")
DAMAGED, LENGTH, SIZE = 1, 40, 64
NAME = "lab-a__pick-cube"


def _episode(number: int) -> LegacyEpisode:
    rng = np.random.default_rng(number)
    phase_T = np.linspace(0, 3, LENGTH)
    state = np.stack([40 * np.sin(phase_T + joint + number) for joint in range(6)], axis=1)
    scene = rng.integers(40, 215, (SIZE, 2 * SIZE, 3), dtype=np.uint8)
    pan = np.stack([scene[:, t : t + SIZE] for t in range(LENGTH)])
    columns = {STATE: state, ACTION: np.roll(state, -1, axis=0)}
    return LegacyEpisode(columns, ("Pick up the cube", "Lift the cube")[number % 2], dict.fromkeys(CAMERAS, pan))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("clean") / NAME
    features = {key: vector_feature(JOINT_NAMES) for key in (STATE, ACTION)}
    features |= {key: video_feature(SIZE, SIZE, 30, "h264") for key in CAMERAS}
    write_v2(folder, version="v2.1", fps=30, robot_type="so100", features=features, episodes=map(_episode, range(3)))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Recordings\n")
    return Subject(folder, world="so100/touch-cube", units="degrees")


def _plant(injection: Injection, clean: Subject, root: Path, seed: int = 1) -> tuple[Copy, str | None, set[int]]:
    link_tree(clean.root, root)
    copy = Copy(root)
    episode = DAMAGED if injection.scope == "episode" else -1
    target = Target(copy, NAME, episode, np.random.default_rng(seed), clean, clean, {episode})
    name = injection.inject(target)
    copy.finish()
    return copy, name, target.touched


def _named(form: str, strength: str) -> Injection:
    return next(i for i in INJECTIONS if i.form == form and i.strength.startswith(strength))


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _rows_without_numbering(path: Path) -> dict:
    return {key: values for key, values in pq.read_table(path).to_pydict().items() if key != "index"}


@pytest.mark.parametrize("injection", [i for i in INJECTIONS if i.rank == 1], ids=lambda injection: injection.name)
def test_changes_what_it_names_and_nothing_else(injection: Injection, clean: Subject, tmp_path: Path) -> None:
    before = _contents(clean.root)
    if not injection.fits(clean):
        pytest.skip("not for this dataset")
    try:
        _, name, touched = _plant(injection, clean, tmp_path / NAME)
    except DoesNotFit as reason:
        pytest.skip(str(reason))
    assert _contents(clean.root) == before  # the original behind the hard links
    after = _contents(tmp_path / NAME)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed or (name and name != NAME)
    if injection.scope == "dataset":
        return
    for path in changed:
        of_another = any(f"episode_{other:06d}" in path for other in {0, 1, 2} - touched)
        if of_another:  # a shorter episode moves the numbers of the rows behind it
            assert path.endswith(".parquet")
            assert _rows_without_numbering(clean.root / path) == _rows_without_numbering(tmp_path / NAME / path)


def test_every_code_is_planted_or_said_why_not() -> None:
    planted = {injection.code for injection in INJECTIONS if not injection.is_control}
    assert planted | WITHOUT_INJECTION.keys() >= ALL_CODES
    assert not planted & WITHOUT_INJECTION.keys()
    assert len({injection.name for injection in INJECTIONS}) == len(INJECTIONS)


def test_detectors_and_injectors_share_nothing() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        if path.name not in ("examine.py", "scores.py", "test_injectors.py"):  # those that ask
            assert "curation.quality" not in path.read_text(encoding="utf-8").replace("`curation.quality", ""), (
                path.name
            )


@pytest.mark.parametrize(("strength", "share"), [("10%", 0.1), ("30%", 0.3), ("100%", 1.0)])
def test_jitter_is_as_large_as_it_says(clean: Subject, tmp_path: Path, strength: str, share: float) -> None:
    copy, *_ = _plant(_named("jitter of every step", strength), clean, tmp_path / NAME)
    steps = np.diff(copy.rows(DAMAGED)[TIME]) * 30
    assert share / 3 < np.abs(steps - 1).max() <= share + 1e-4


def test_wrapped_joint_is_the_same_angle(clean: Subject, tmp_path: Path) -> None:
    copy, *_ = _plant(_named("beyond 180 degrees", "15%"), clean, tmp_path / NAME)
    before, after = Copy(clean.root).rows(DAMAGED)[STATE], copy.rows(DAMAGED)[STATE]
    steps = np.diff(after, axis=0) - np.diff(before, axis=0)
    joints = np.flatnonzero(np.abs(after - before).max(axis=0) > 1e-3)
    assert len(joints) == 1
    assert np.allclose(np.abs(steps[np.abs(steps) > 1e-2]), 360, atol=1e-2)
    assert np.abs(after).max() <= 180


def test_teleport_is_as_far_as_it_says(clean: Subject, tmp_path: Path) -> None:
    copy, *_ = _plant(_named("only the state displaced", "45%"), clean, tmp_path / NAME)
    before, after = Copy(clean.root).rows(DAMAGED)[STATE], copy.rows(DAMAGED)[STATE]
    low_D, high_D = clean.reach[STATE]
    moved = np.abs(after - before) / (high_D - low_D)
    assert moved.max() == pytest.approx(0.45, abs=1e-3)
    assert 3 <= (moved > 0.1).sum() <= 8


def test_frozen_part_is_as_long_as_it_says(clean: Subject, tmp_path: Path) -> None:
    copy, *_ = _plant(_named("one picture stands", "30%"), clean, tmp_path / NAME)
    still = [
        sum(np.abs(np.diff(copy.frames(DAMAGED, camera).astype(int), axis=0)).mean(axis=(1, 2, 3)) < 1)
        for camera in CAMERAS
    ]
    assert sorted(still) == [0, round(0.3 * LENGTH) - 1]


def test_cut_episode_is_counted_everywhere(clean: Subject, tmp_path: Path) -> None:
    copy, *_ = _plant(_named("cut", "3 frames"), clean, tmp_path / NAME)
    assert copy.info["total_frames"] == 2 * LENGTH + 3
    assert [row["length"] for row in Copy(tmp_path / NAME).episodes] == [LENGTH, 3, LENGTH]
    assert copy.rows(2)["index"][0] == LENGTH + 3
    assert all(len(copy.frames(DAMAGED, camera)) == 3 for camera in CAMERAS)


def test_plan_damages_a_third_at_most_and_no_episode_twice(clean: Subject) -> None:
    variants = plan([clean], INJECTIONS, Amount(episodes=2, datasets=1))
    assert variants[0].planted == ()
    for variant in variants:
        episodes = [episode for _, episode in variant.planted]
        assert len(episodes) == len(set(episodes))
        assert len(episodes) <= 1  # a third of three
    assert [v.name for v in variants] == [v.name for v in plan([clean], INJECTIONS, Amount(episodes=2, datasets=1))]


def test_area_and_interval() -> None:
    assert area([2, 3], [0, 1]) == 1
    assert area([1, 1], [1, 1]) == 0.5
    assert area([0], [1, 2]) == 0
    low, high = Share(19, 20).interval  # Wilson 1927, as in Brown, Cai and DasGupta 2001
    assert (low, high) == (pytest.approx(0.764, abs=1e-3), pytest.approx(0.991, abs=1e-3))
