from __future__ import annotations

import shutil
import threading
from collections import Counter

import numpy as np
import pytest

from data_contracts.errors import TrainingError
from data_contracts.layout import Lake
from training.camera_cache import FOLDER, CameraCache
from training.frame_encoders import pixel_encoder
from training.mixture import open_mixture
from training.pools import PoolFiller, Pools
from training.train import train

POOLED = {"kind": "pretrain", "pool_episodes": 2, "pool_steps": 3, "steps": 12, "save_every": 4}


class PowerCut(Exception):
    pass


@pytest.fixture
def pools():
    """Forty episodes of unlike lengths and weights."""
    random = np.random.default_rng(5)
    lengths = random.integers(5, 50, 40)
    chance = lengths * random.choice([1.0, 3.0], 40)
    return Pools(chance / chance.sum(), np.cumsum([0, *lengths]), seed=1, size=12, steps=4)


def test_every_frame_has_the_chance_that_the_mixture_gives_it(pools):
    drawn = Counter()
    num_pools = 4000
    for pool in range(num_pools):
        drawn.update(pools.members(pool).tolist())
    expected = pools.chance_E * pools.size * num_pools
    counts = np.array([drawn[episode] for episode in range(40)])
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())
    rows = np.concatenate([pools.rows(step, 64) for step in range(4000)])
    per_frame = np.bincount(rows, minlength=pools.start_E[-1]) / len(rows)
    for episode, (start, end) in enumerate(zip(pools.start_E[:-1], pools.start_E[1:], strict=True)):
        share = per_frame[start:end].sum()
        assert share == pytest.approx(pools.chance_E[episode], rel=0.25)
        assert per_frame[start:end].min() > 0.5 * share / (end - start)


def test_a_batch_mixes_as_many_episodes_as_the_pool_has_places(pools):
    assert pools.chance_E.max() * pools.size < 1
    for step in range(50):
        rows = pools.rows(step, 12)
        assert len(set(np.searchsorted(pools.start_E, rows, side="right"))) == 12


def test_steps_share_their_pool_and_depend_on_seed_and_step_alone(pools):
    assert [pools.of(step) for step in (0, 3, 4, 11)] == [0, 0, 1, 2]
    again = Pools(pools.chance_E, pools.start_E, 1, 12, 4)
    for step in (9, 2):
        np.testing.assert_array_equal(again.rows(step, 8), pools.rows(step, 8))
        episodes = np.searchsorted(pools.start_E, pools.rows(step, 8), side="right") - 1
        assert set(episodes) <= set(pools.members(pools.of(step)))
    assert set(pools.members(0)) != set(pools.members(1))


@pytest.fixture
def fresh_lake(lake, skill_index, tmp_path):
    """The lake with nothing decoded yet."""
    shutil.copytree(lake.home, tmp_path / "lake", ignore=shutil.ignore_patterns(FOLDER, "policies"))
    return Lake(tmp_path / "lake")


def test_a_pooled_run_decodes_what_it_needs_within_its_budget(
    fresh_lake, skill_index, tiny_recipe, tmp_path, monkeypatch
):
    recipe = tiny_recipe(**POOLED, cache_image_tokens=False)
    mixture = open_mixture(skill_index, fresh_lake, recipe, "c")
    stored = []
    keep = CameraCache._store

    def watched(*arguments):
        position = keep(*arguments)
        stored.append(sum(path.stat().st_size for path in (fresh_lake.home / FOLDER).rglob("*.npy")))
        return position

    monkeypatch.setattr(CameraCache, "_store", watched)
    whole = 64 * 64 * 3 * (2 * 22 + 31)
    budget = int(0.95 * whole)
    with pytest.raises(TrainingError, match="pool_episodes"):
        train(
            tiny_recipe(kind="pretrain", cache_image_tokens=False), mixture, tmp_path / "all", cache_budget_bytes=budget
        )
    run = train(recipe, mixture, tmp_path / "run", cache_budget_bytes=budget)
    assert run.num_steps == 12
    assert max(stored) <= budget + 10 * 200  # headers of the files


def test_a_pooled_run_that_was_cut_off_ends_in_the_same_bytes(lake, skill_index, tiny_recipe, tmp_path):
    recipe = tiny_recipe(**POOLED)
    mixture = open_mixture(skill_index, lake, recipe, "c")
    expected = train(recipe, mixture, tmp_path / "whole")
    for cut_at in (2, 5, 9):

        def cut(progress, cut_at=cut_at):
            if progress.stage == "training" and progress.done == cut_at:
                raise PowerCut

        with pytest.raises(PowerCut):
            train(recipe, mixture, tmp_path / f"cut{cut_at}", on_progress=cut)
        assert train(recipe, mixture, tmp_path / f"cut{cut_at}") == expected
    assert [thread.name for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name] == []


def test_the_next_pool_is_decoded_while_one_is_used_and_a_process_that_only_waits_finds_it(
    fresh_lake, skill_index, tiny_recipe
):
    mixture = open_mixture(skill_index, fresh_lake, tiny_recipe(), "c")
    cameras = CameraCache(mixture, pixel_encoder((64, 64)))
    start_E = np.cumsum([0, *(episode.num_frames for episode in mixture.episodes)])
    pools = Pools(np.full(5, 0.2), start_E, 0, 2, 1)
    told = []
    first = PoolFiller(pools, cameras, 3, frozenset(), decodes=True, on_decoded=lambda *done: told.append(done))
    second = PoolFiller(
        pools, CameraCache(mixture, pixel_encoder((64, 64))), 3, frozenset(), decodes=False, on_decoded=print
    )
    waits = threading.Thread(target=second.ready, args=(0,))
    waits.start()
    waits.join(0.3)
    assert waits.is_alive()
    first.ready(0)
    waits.join(10)
    assert not waits.is_alive()
    assert cameras.has(map(int, pools.members(0)))
    assert told[-1] == (2, 2)
    first._coming[1].result(10)
    assert cameras.has(map(int, pools.members(1)))
    first.ready(2)
    assert 3 not in first._coming
    first.close()
    second.close()


def test_a_file_that_another_training_removed_is_said(fresh_lake, skill_index, tiny_recipe):
    mixture = open_mixture(skill_index, fresh_lake, tiny_recipe(), "c")
    cameras = CameraCache(mixture, pixel_encoder((64, 64)))
    cameras.fill([0])
    for path in (fresh_lake.home / FOLDER).rglob("*.npy"):
        path.unlink()
    with pytest.raises(TrainingError, match="another training on this lake"):
        cameras.gather(np.array([0]), np.array([0]), 0)
