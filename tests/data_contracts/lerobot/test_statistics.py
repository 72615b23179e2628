"""Statistics against numpy over all rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_contracts.lerobot.statistics import (
    QUANTILES,
    image_statistics,
    joined_statistics,
    numeric_statistics,
    sampled_frames,
    usable_image_statistics,
)

FLOATS = st.floats(-1e4, 1e4, width=32)
VALUES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 4)),
    elements=FLOATS,
)
PIXELS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.just(3)))


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_numbers_are_exact(values):
    statistics = numeric_statistics(values)
    doubles = values.astype(np.float64)
    np.testing.assert_array_equal(statistics["min"], doubles.min(axis=0))
    np.testing.assert_array_equal(statistics["max"], doubles.max(axis=0))
    np.testing.assert_allclose(statistics["mean"], doubles.mean(axis=0))
    np.testing.assert_allclose(statistics["std"], doubles.std(axis=0))
    assert statistics["count"].tolist() == [len(values)]
    for name, quantile in QUANTILES.items():
        np.testing.assert_allclose(statistics[name], np.quantile(doubles, quantile, axis=0))


def test_scalar_columns_and_booleans_have_shape_one():
    statistics = numeric_statistics(np.array([True, False, True, True]))
    assert {name: value.shape for name, value in statistics.items()} == dict.fromkeys(statistics, (1,))
    assert statistics["mean"] == 0.75


@given(PIXELS)
@settings(max_examples=60, deadline=None)
def test_images_are_exact_over_their_pixels(frames):
    statistics = image_statistics(frames)
    pixels = frames.reshape(-1, 3) / 255.0
    expected = {"min": pixels.min(0), "max": pixels.max(0), "mean": pixels.mean(0), "std": pixels.std(0)}
    expected |= {name: np.quantile(pixels, quantile, axis=0) for name, quantile in QUANTILES.items()}
    for name, value in expected.items():
        assert statistics[name].shape == (3, 1, 1)
        np.testing.assert_allclose(statistics[name].ravel(), value, atol=1e-7)
    assert statistics["count"].tolist() == [len(frames)]


def test_large_images_are_thinned():
    image = np.zeros((300, 400, 3), np.uint8)
    image[1::2] = 255  # rows that the rule passes over: int(400 / 150) = 2
    assert image_statistics([image])["max"].max() == 0


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (50, 50), (100, 100), (500, 105), (1000, 177), (2000, 299), (20000, 1681)]
)
def test_sampling_rule(length, count):
    """Counts of LeRobot's documentation; 500 ** 0.75 is 105.7."""
    frames = sampled_frames(length)
    assert len(frames) == count
    assert (frames[0], frames[-1]) == (0, length - 1)
    assert frames == sorted(frames)


@given(
    st.lists(hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(2)), elements=FLOATS), min_size=1, max_size=4)
)
@settings(max_examples=30, deadline=None)
def test_joined_means_and_deviations_are_exact(parts):
    separate = [numeric_statistics(part) for part in parts]
    joined = joined_statistics(separate)
    whole = numeric_statistics(np.concatenate(parts))
    for name in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(joined[name], whole[name], rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(joined["q50"], np.min([part["q50"] for part in separate], axis=0))
    np.testing.assert_array_equal(joined["q90"], np.max([part["q90"] for part in separate], axis=0))


def test_quantiles_that_an_episode_lacks_are_left_out():
    whole, bare = numeric_statistics(np.ones((3, 2))), numeric_statistics(np.zeros((3, 2)))
    del bare["q50"]
    joined = joined_statistics([whole, bare])
    assert "q50" not in joined
    assert "q99" in joined


def good() -> dict:
    return {name: [[[0.5]], [[0.5]], [[0.5]]] for name in ("min", "max", "mean", "std", "q50")} | {"count": [10]}


def test_published_image_statistics_are_taken_where_they_are_whole():
    statistics = usable_image_statistics(good())
    assert statistics is not None
    assert statistics["mean"].shape == (3, 1, 1)
    assert "q50" in statistics


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [[[128.0]], [[128.0]], [[128.0]]]},
        {"mean": [0.5, 0.5, 0.5]},
        {"std": [[[float("nan")]], [[0.1]], [[0.1]]]},
        {"count": [0]},
        {"count": 10},
        {"max": "high"},
    ],
)
def test_published_image_statistics_that_cannot_be_used(change):
    assert usable_image_statistics(good() | change) is None
    assert usable_image_statistics({key: value for key, value in good().items() if key not in change}) is None
    assert usable_image_statistics(None) is None
