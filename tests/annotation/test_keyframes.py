"""Frames that are shown, and the sheet that shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.contact_sheet import NUM_COLUMNS, TILE_WIDTH_PX, contact_sheet
from annotation.keyframes import choose_frames, gripper_changes


def test_gripper_changes_are_found_once_each() -> None:
    opening = np.array([0, 0, 0, 5, 10, 10, 9, 10, 4, 0, 0, 1], np.float32)
    assert gripper_changes(opening[:, None]) == [4, 9]


def test_trembling_and_flat_grippers_change_nothing() -> None:
    trembling = 0.5 + 0.1 * np.sin(np.arange(50))
    trembling[[0, 1]] = [0.0, 1.0]
    assert gripper_changes(trembling[:, None]) == [1]
    assert gripper_changes(np.full((50, 1), 3.0)) == []
    assert gripper_changes(np.full((50, 1), np.nan)) == []
    assert gripper_changes(np.zeros((50, 0))) == []


def test_two_grippers_are_taken_together() -> None:
    left, right = np.zeros(20), np.zeros(20)
    left[5:], right[11:] = 1, 1
    assert gripper_changes(np.stack([left, right], axis=1)) == [5, 11]


def test_first_last_and_changes_are_always_shown() -> None:
    frames = choose_frames(300, [7, 8, 150], 12)
    assert {0, 7, 8, 150, 299} <= set(frames)
    assert len(frames) == 12
    assert max(np.diff(frames)) < 60


@given(num_frames=st.integers(1, 500), count=st.integers(2, 20), changes=st.sets(st.integers(0, 499), max_size=60))
def test_chosen_frames_are_distinct_ascending_and_within(num_frames: int, count: int, changes: set[int]) -> None:
    frames = choose_frames(num_frames, sorted(frame for frame in changes if frame < num_frames), count)
    assert len(frames) == min(num_frames, count)
    assert list(frames) == sorted(set(frames))
    assert (frames[0], frames[-1]) == (0, num_frames - 1)


@pytest.mark.parametrize(
    ("num_frames", "columns", "rows"), [(1, 1, 1), (4, 4, 1), (12, NUM_COLUMNS, 3), (5, NUM_COLUMNS, 2)]
)
def test_sheet_holds_every_frame_with_its_caption(num_frames: int, columns: int, rows: int) -> None:
    frames = np.stack([np.full((48, 64, 3), 40 + 10 * number, np.uint8) for number in range(num_frames)])
    sheet = np.asarray(contact_sheet(frames, [f"top {number}.0 s" for number in range(num_frames)]))
    tile_height = 168
    assert sheet.shape == (rows * (tile_height + 2) - 2, columns * (TILE_WIDTH_PX + 2) - 2, 3)
    for number in range(num_frames):
        row, column = divmod(number, columns)
        tile = sheet[row * (tile_height + 2) :, column * (TILE_WIDTH_PX + 2) :][:tile_height, :TILE_WIDTH_PX]
        assert (tile[100, 100] == 40 + 10 * number).all()
        corner = tile[:25, :100]
        assert corner.min() == 0, "the caption's ground"
        assert corner.max() == 255, "the caption's letters"


def test_captions_differ() -> None:
    frame = np.full((1, 48, 64, 3), 90, np.uint8)
    sheets = [np.asarray(contact_sheet(frame, [caption])) for caption in ("top 0.0 s", "top 7.3 s")]
    assert (sheets[0] != sheets[1]).any()
