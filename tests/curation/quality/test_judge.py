"""`judge` over tiny datasets: one bad episode never stops the others, and a rejection says why in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.quality import judge, judge_unreadable
from data_contracts.catalogue import EPISODES, FINDINGS
from data_contracts.errors import DatasetUnreadable, DeftworksError, NotADataset, UnknownVersion
from data_contracts.lerobot import open_dataset
from data_contracts.manifests import DatasetVerdict

TOP = "observation.images.top"
WRIST = "observation.images.wrist"


def found(root: Path) -> dict[str, tuple[int, ...] | None]:
    return {f.code: f.episodes for f in judge(root, "ann__cubes").verdict.findings if f.severity != "note"}


def kept(root: Path) -> list[bool]:
    return judge(root, "ann__cubes").episodes["is_kept"].to_list()


def data_file(root: Path, index: int) -> Path:
    return root / "data" / "chunk-000" / f"episode_{index:06d}.parquet"


def video_file(root: Path, index: int, camera: str = TOP) -> Path:
    return root / "videos" / "chunk-000" / camera / f"episode_{index:06d}.mp4"


def change_info(root: Path, **changes: object) -> None:
    path = root / "meta" / "info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("version", ["v2.0", "v2.1"])
def test_a_clean_dataset_has_no_findings(tmp_path: Path, write_dataset, version: str) -> None:
    root = write_dataset(tmp_path / "d", version=version, cameras=(TOP, WRIST))
    judgement = judge(root, "ann__cubes")
    assert judgement.verdict.findings == ()
    assert judgement.verdict.accepted
    assert (judgement.verdict.num_episodes, judgement.verdict.num_frames) == (3, 60)
    assert judgement.episodes["task"].to_list() == ["Pick up the cube"] * 3
    assert judgement.episodes["duration_s"].to_list() == pytest.approx([20 / 30] * 3)


def test_the_same_files_give_the_same_answer_wherever_they_lie(tmp_path: Path, write_dataset) -> None:
    first = write_dataset(tmp_path / "one" / "d")
    video_file(first, 1).write_bytes(b"no video")
    data_file(first, 2).write_bytes(b"no parquet")
    second = Path(shutil.copytree(first, tmp_path / "two" / "elsewhere"))
    verdicts = [judge(root, "ann__cubes").verdict for root in (first, second)]
    assert verdicts[0] == verdicts[1]
    assert str(tmp_path) not in verdicts[0].model_dump_json()


def test_a_truncated_video_rejects_its_episode_only(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    path = video_file(root, 1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert found(root) == {"video.undecodable": (1,)}
    assert kept(root) == [True, False, True]


def test_a_missing_video_rejects_its_episode_only(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d", cameras=(TOP, WRIST))
    video_file(root, 2, WRIST).unlink()
    assert found(root)["structure.missing_video"] == (2,)
    assert kept(root) == [True, True, False]


def test_a_broken_and_a_lost_parquet_reject_their_episodes_only(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d", num_episodes=4)
    data_file(root, 0).write_bytes(b"PAR1 and nothing more")
    data_file(root, 2).unlink()
    codes = found(root)
    assert codes["structure.undecodable_parquet"] == (0,)
    assert codes["structure.missing_data"] == (2,)
    assert kept(root) == [False, True, False, True]


@pytest.mark.parametrize("has_videos", [True, False])
def test_damaged_pages_reject_their_episode_also_before_videos_are_fetched(
    tmp_path: Path, write_dataset, has_videos: bool
) -> None:
    root = write_dataset(tmp_path / "d")
    content = bytearray(data_file(root, 1).read_bytes())
    quarter = len(content) // 4
    content[4 : 4 + quarter] = bytes(quarter)
    data_file(root, 1).write_bytes(content)
    if not has_videos:
        shutil.rmtree(root / "videos")
    judgement = judge(root, "ann__cubes", has_videos=has_videos)
    assert judgement.episodes["is_kept"].to_list() == [True, False, True]
    assert judgement.episodes["reasons"].to_list()[1] == ["structure.undecodable_parquet"]


def test_planted_defects_are_found_where_they_are(tmp_path: Path, write_dataset) -> None:
    def damage(index, episode):
        columns, videos = dict(episode.columns), dict(episode.videos)
        state = columns["observation.state"]
        if index == 1:
            columns = {key: np.repeat(values[:1], 20, axis=0) for key, values in columns.items()}
        if index == 2:
            columns["observation.state"] = np.where(np.arange(20)[:, None] == 9, np.nan, state)
        if index == 3:
            columns = {key: values[:3] for key, values in columns.items()}
            videos = {key: frames[:3] for key, frames in videos.items()}
        if index == 4:
            columns["timestamp"] = np.arange(20) / 30 + np.where(np.arange(20) > 9, 0.02, 0.0)
        if index == 5:
            videos = {key: frames[:15] for key, frames in videos.items()}
        if index == 6:
            videos = {key: np.zeros_like(frames) for key, frames in videos.items()}
        if index == 7:
            columns["timestamp"] = np.minimum(np.arange(20), 15) / 30
        return replace(episode, columns=columns, videos=videos, task="task" if index == 8 else episode.task)

    root = write_dataset(tmp_path / "d", num_episodes=9, damage=damage)
    assert found(root) == {
        "motion.static": (1,), "motion.not_finite": (2,), "motion.stub": (3,), "time.irregular_step": (4, 7),
        "time.video_shorter": (5,), "video.black": (6,), "time.non_monotonic": (7,), "text.placeholder_task": (8,),
        "agreement.video_without_motion": (1,),
    }  # fmt: skip
    assert kept(root) == [True, False, False, False, True, False, True, False, True]


def test_every_episode_gated_is_a_rejection_with_one_reason(tmp_path: Path, write_dataset) -> None:
    def stub(index, episode):
        if index == 0:
            return replace(episode, columns={k: np.full_like(v, np.nan) for k, v in episode.columns.items()})
        columns = {key: values[:3] for key, values in episode.columns.items()}
        return replace(episode, columns=columns, videos={k: v[:3] for k, v in episode.videos.items()})

    verdict = judge(write_dataset(tmp_path / "d", damage=stub), "ann__cubes").verdict
    assert not verdict.accepted
    assert verdict.reason == "action has 3 frames (0.10 s), too few for a demonstration."


def test_no_camera_no_state_no_action(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "blind", cameras=())
    assert not judge(root, "ann__cubes").verdict.accepted
    assert "meta/info.json declares no camera" in judge(root, "ann__cubes").verdict.reason

    root = write_dataset(tmp_path / "renamed")
    for index in range(3):
        table = pq.read_table(data_file(root, index))
        pq.write_table(
            table.rename_columns(["actions" if n == "action" else n for n in table.column_names]),
            data_file(root, index),
        )
    verdict = judge(root, "ann__cubes").verdict
    assert not verdict.accepted
    assert "'action'" in verdict.reason


def test_an_undeclared_action_is_missed_too(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    features = json.loads((root / "meta" / "info.json").read_text())["features"]
    features["actions"] = features.pop("action")
    change_info(root, features=features)
    for index in range(3):
        table = pq.read_table(data_file(root, index))
        pq.write_table(
            table.rename_columns(["actions" if n == "action" else n for n in table.column_names]),
            data_file(root, index),
        )
    verdict = judge(root, "ann__cubes").verdict
    assert not verdict.accepted
    assert "'action'" in verdict.reason


@pytest.mark.parametrize("column", ["observation.state", "action", "timestamp", "task_index", "episode_index"])
@pytest.mark.parametrize("values", [["text"] * 20, [None] * 20, [[1.0] * (n % 3) for n in range(20)]])
def test_columns_of_another_type_are_findings(tmp_path: Path, write_dataset, column: str, values: list) -> None:
    root = write_dataset(tmp_path / "d")
    table = pq.read_table(data_file(root, 1))
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)).replace_schema_metadata(None), data_file(root, 1))
    judgement = judge(root, "ann__cubes")
    is_kept = judgement.episodes["is_kept"].to_list()
    assert is_kept[0]
    assert is_kept[2]
    assert judgement.verdict.findings
    if column in ("observation.state", "action", "timestamp"):
        assert not is_kept[1]


def test_an_episode_without_rows(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    pq.write_table(pq.read_table(data_file(root, 0)).slice(0, 0), data_file(root, 0))
    assert found(root)["structure.missing_data"] == (0,)
    assert kept(root) == [False, True, True]


def test_an_empty_episode_table(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    shutil.rmtree(root / "data")
    (root / "meta" / "episodes.jsonl").write_text("")
    verdict = judge(root, "ann__cubes").verdict
    assert (verdict.accepted, verdict.num_episodes) == (False, 0)
    assert verdict.reason


def test_declared_codec_and_size_are_compared_even_where_the_data_are_lost(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    features = json.loads((root / "meta" / "info.json").read_text())["features"]
    features[TOP]["info"]["video.codec"] = "av1"
    features[TOP]["shape"] = [48, 64, 3]
    change_info(root, features=features)
    assert {"video.codec_mismatch", "video.size_mismatch"} <= set(found(root))
    shutil.rmtree(root / "data")
    codes = found(root)
    assert {"video.codec_mismatch", "video.size_mismatch"} <= set(codes)
    assert codes["structure.missing_data"] is None
    assert "time.video_longer" not in codes


UNREADABLE = {
    "empty folder": (None, NotADataset, "structure.not_lerobot"),
    "zero bytes": ("", DatasetUnreadable, "structure.unreadable_metadata"),
    "not JSON": ("{", DatasetUnreadable, "structure.unreadable_metadata"),
    "a list": ("[]", DatasetUnreadable, "structure.unreadable_metadata"),
    "no features": ('{"codebase_version": "v2.1", "fps": 30}', DatasetUnreadable, "structure.unreadable_metadata"),
    "unknown version": ('{"codebase_version": "v1.6", "fps": 30}', UnknownVersion, "structure.unknown_version"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_opened_is_rejected_with_the_file(tmp_path: Path, case: str) -> None:
    text, error, code = UNREADABLE[case]
    root = tmp_path / "d"
    root.mkdir()
    if text is not None:
        (root / "meta").mkdir()
        (root / "meta" / "info.json").write_text(text)
    with pytest.raises(error) as raised:
        open_dataset(root)
    judgement = judge_unreadable("ann__cubes", raised.value)
    assert isinstance(judgement.verdict, DatasetVerdict)
    assert [finding.code for finding in judgement.verdict.findings] == [code]
    assert not judgement.verdict.accepted
    assert "meta/info.json" in judgement.verdict.reason
    assert str(tmp_path) not in judgement.verdict.reason
    assert FINDINGS.check(judgement.findings).height == 1
    assert EPISODES.check(judgement.episodes).height == 0


def test_judge_raises_what_opening_raises(tmp_path: Path) -> None:
    with pytest.raises(DeftworksError):
        judge(tmp_path, "ann__cubes")


def test_damage_in_the_middle_of_a_video_is_found(tmp_path: Path, write_dataset) -> None:
    root = write_dataset(tmp_path / "d")
    path = video_file(root, 1)
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + third // 2] = bytes(third // 2)
    path.write_bytes(content)
    assert found(root) == {"video.undecodable": (1,)}
