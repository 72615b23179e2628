"""The table of labels, and the way an annotator is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from annotation import EpisodeToLabel, Label, label_tasks, open_annotator
from annotation.task_labels import gripper_columns
from data_contracts.catalogue import TASK_LABELS
from data_contracts.errors import AnnotationError, ContractError
from data_contracts.stages import write_json


@dataclass
class Looker:
    """Decodes a frame of every camera, as an annotator with a model would."""

    name: str = "looker@1"
    prompt_hash: str | None = "sha256:abc"
    seen: list[EpisodeToLabel] = field(default_factory=list)

    def annotate(self, episode: EpisodeToLabel) -> Label:
        self.seen.append(episode)
        frames = episode.decode(episode.camera_keys[0], [episode.num_frames - 1, 0])
        assert frames.shape == (2, 48, 64, 3)
        assert frames.dtype == np.uint8
        return Label("Look at the cube", 0.8, None, "labelled")


def test_labels_are_keyed_by_the_source_episode_and_keep_the_original(make_dataset) -> None:
    folder = make_dataset([["picks up the cube."], ["valid", "Open the drawer"], ["asdf"]], source_indices=[2, 5, 11])
    table = TASK_LABELS.check(label_tasks(folder, open_annotator("rules")))
    assert table.select("dataset_id", "episode_index", "original", "label").rows() == [
        ("someone__so100_cubes", 2, "picks up the cube.", "Pick up the cube"),
        ("someone__so100_cubes", 5, "valid", "Open the drawer"),
        ("someone__so100_cubes", 11, "asdf", None),
    ]
    assert set(table["annotator"]) == {"rules@1"}
    assert table["prompt_hash"].to_list() == [None] * 3
    assert table.filter(pl.col("label").is_null())["confidence"].to_list() == [0.0]
    assert table["note"][2]


def test_episode_without_a_text_has_no_original(make_dataset) -> None:
    table = label_tasks(make_dataset([[""], ["Open the box"]]), open_annotator("rules"))
    assert table["original"].to_list() == [None, "Open the box"]
    assert table["label"].to_list() == [None, "Open the box"]


def test_failed_episode_is_recorded_and_the_run_goes_on(make_dataset) -> None:
    folder = make_dataset([["Open the box"]] * 3, broken_pictures=[1])
    table = TASK_LABELS.check(label_tasks(folder, Looker()))
    assert table["label"].to_list() == ["Look at the cube", None, "Look at the cube"]
    assert table["note"][1].startswith("failed: ")
    assert table["original"].to_list() == ["Open the box"] * 3


def test_unreadable_rows_fail_their_episodes_only(make_dataset) -> None:
    folder = make_dataset([["Open the box"]])
    (folder / "data/chunk-000/file-000.parquet").write_bytes(b"nonsense")
    table = label_tasks(folder, open_annotator("rules"))
    assert table["label"].to_list() == [None]
    assert table["note"][0].startswith("failed: ")


def test_a_fault_of_ours_is_not_hidden(make_dataset) -> None:
    class Faulty(Looker):
        def annotate(self, episode: EpisodeToLabel) -> Label:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        label_tasks(make_dataset([["Open the box"]]), Faulty())


def test_annotators_see_frames_timeline_and_gripper(make_dataset) -> None:
    looker = Looker()
    label_tasks(make_dataset([["Open the box"]]), looker)
    (episode,) = looker.seen
    assert (episode.fps, episode.num_frames, episode.robot_type) == (10.0, 20, "so100")
    gripper = episode.read_gripper()
    assert gripper.shape == (20, 1)
    assert list(np.flatnonzero(np.diff(gripper[:, 0]))) == [9]


def test_rejected_dataset_has_no_rows(make_dataset) -> None:
    table = label_tasks(make_dataset([]), open_annotator("rules"))
    assert table.height == 0
    assert table.schema == TASK_LABELS.schema


def test_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "meta/info.json", {})
    with pytest.raises(ContractError, match=r"deftworks\.json"):
        label_tasks(tmp_path, open_annotator("rules"))


def test_grippers_are_found_by_name() -> None:
    assert gripper_columns(["left_gripper", "elbow", "Right Gripper"]) == [0, 2]
    assert gripper_columns(["motor_0"]) == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rule", "Did you mean 'rules'"),
        ("qwn:Qwen/Qwen2.5-VL-3B-Instruct", "Did you mean 'qwen'"),
        ("gpt", "Known: qwen, rules"),
        ("qwen", "It is written qwen:<model"),
        ("rules:strict", "It is written rules"),
        ("", "Known: qwen, rules"),
    ],
)
def test_unknown_annotator_names_the_nearest(spec: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        open_annotator(spec)


@pytest.mark.parametrize(
    ("text", "confidence", "note", "status"),
    [
        (None, 0.0, "why", "labelled"),
        ("Open", 0.5, None, "no_label"),
        ("Open", 1.5, None, "labelled"),
        (None, 0.5, "why", "failed"),
        (None, 0.0, None, "failed"),
    ],
)
def test_contradicting_label_is_refused(text: str | None, confidence: float, note: str | None, status: str) -> None:
    with pytest.raises(AnnotationError):
        Label(text, confidence, note, status)


@pytest.mark.skipif("DEFTWORKS_REAL_DATASETS" not in os.environ, reason="needs the real datasets")
def test_texts_of_real_datasets(make_episode) -> None:
    from annotation.rules import RulesAnnotator
    from data_contracts.lerobot import open_dataset

    root = Path(os.environ["DEFTWORKS_REAL_DATASETS"])
    expected = {
        "hmk55555__Isaac-GR00T": {
            "Pick the pear from the counter and place it in the plate",
            "Pick the salt from the counter and place it in the plate",
        },
        "HuangJunkai2023__CR5_TCP_test": {"Put the banana on the plate"},
        "YifanTian07__G1-policy-train": {"Pick up the yellow bottle on the table"},
        "TheWisp__pusht_image_slice": {"Push the T-shaped block onto the T-shaped target"},
        "ioai-tech__lerobotv3": {"Pick cube"},
    }
    for dataset_id, labels in expected.items():
        dataset = open_dataset(root / dataset_id)
        episodes = [dataset.episode(index) for index in dataset.episode_indices]
        texts = [tuple(filter(None, (episode.task, *episode.tasks))) for episode in episodes]
        found = {RulesAnnotator().annotate(make_episode(*each, dataset_id=dataset_id)).text for each in texts}
        assert labels <= found, dataset_id
        assert None not in found, dataset_id
