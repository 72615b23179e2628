"""The table of the sample community says what the demonstration needs. Needs no simulator."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from data_contracts.errors import SimulationError
from simulation.community_card import card
from simulation.community_table import COMMUNITY_TABLE, CommunityDataset, load_community
from simulation.defects import KINDS, OF_PUBLICATIONS
from tests.bench.learning.community import learning_community

ROWS = load_community().dataset


def _clean_episodes(world: str) -> int:
    rows = [row for row in ROWS if row.world == world]
    return sum(row.num_episodes - len(_unusable(row)) for row in rows)


def _unusable(row: CommunityDataset) -> set[int]:
    return {i for defect in row.defect for i in defect.episodes or ()}


def test_it_is_a_community() -> None:
    assert len(ROWS) >= 12
    assert len({row.contributor for row in ROWS}) >= 6
    assert {row.version for row in ROWS} == {"v2.0", "v2.1", "v3.0"}
    assert {row.codec for row in ROWS} == {"av1", "h264"}
    assert {len(row.cameras) for row in ROWS} == {1, 2, 3}
    assert len({camera.key for row in ROWS for camera in row.cameras}) >= 8
    assert any(height != width for height, width in (row.size for row in ROWS))


def test_so100_comes_in_two_unit_conventions() -> None:
    rows = [row for row in ROWS if row.world.startswith("so100/")]
    assert len(rows) >= 3
    assert {row.units for row in rows} == {"degrees", "normalised"}


@pytest.mark.parametrize(
    ("world", "least"),
    [
        ("metaworld/button-press-topdown-v3", 40),
        ("metaworld/drawer-open-v3", 40),
        ("metaworld/handle-press-v3", 40),
        ("metaworld/window-open-v3", 15),
        ("metaworld/reach-v3", 15),
        ("so100/touch-cube", 25),
    ],
)
def test_there_is_enough_to_train_on(world: str, least: int) -> None:
    assert _clean_episodes(world) >= least


def test_licences_are_mostly_open_one_restricts_and_one_is_absent() -> None:
    licences = Counter(row.licence for row in ROWS)
    assert licences["cc-by-nc-4.0"] == 1
    assert licences[None] == 1
    assert licences["apache-2.0"] + licences["cc-by-4.0"] == len(ROWS) - 2


def test_every_kind_of_defect_is_planted() -> None:
    rows = (*ROWS, *learning_community().dataset)
    assert {defect.kind for row in rows for defect in row.defect} == KINDS


def test_publication_defects_are_planted_in_v2_only() -> None:
    assert all(row.version != "v3.0" for row in ROWS for defect in row.defect if defect.kind in OF_PUBLICATIONS)


def test_no_two_datasets_share_seeds() -> None:
    starts = sorted(row.first_seed for row in ROWS if row.first_seed is not None)
    # Up to 10% of the demonstrations fail and are passed over; a distance of 1000 leaves room.
    assert all(later - earlier >= 1000 for earlier, later in itertools.pairwise(starts))


def test_a_card_says_that_it_is_simulated_and_carries_the_licence() -> None:
    for row in ROWS:
        text = card(row)
        assert "simulation" in text
        assert "sample community of Deftworks" in text
        assert (f"\nlicense: {row.licence}\n" in text) == (row.licence is not None)


def test_a_row_that_breaks_the_schema_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "community.toml"
    broken.write_text(COMMUNITY_TABLE.read_text().replace("structure.missing_video", "structure.lost_video"))
    with pytest.raises(SimulationError, match=r"structure\.lost_video"):
        load_community(broken)
