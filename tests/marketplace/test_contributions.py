"""What people hand in is copied, judged and answered; what is no dataset is refused by name and leaves nothing behind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from data_contracts.catalogue import EPISODES
from data_contracts.errors import ContractError, NotADataset, SourceError
from data_contracts.findings import Finding
from data_contracts.manifests import Contribution, DatasetVerdict
from marketplace.contributions import receive
from marketplace.quarantine import Limits


@dataclass
class Judgement:
    verdict: DatasetVerdict
    episodes: pl.DataFrame


class ScriptedJudge:
    """Keeps the first two of three episodes, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Path] = []

    def __call__(self, root: Path, dataset_id: str) -> Judgement:
        self.asked.append(root)
        if not (root / "meta" / "info.json").is_file():
            raise NotADataset(f"{root} holds no LeRobot dataset.", hint="It needs meta/info.json.")
        finding = Finding(code="motion.static", severity="gate", episodes=(2,), message="The arm does not move.")
        verdict = DatasetVerdict(
            dataset=dataset_id, version="v2.1", robot="so100", num_episodes=3, num_frames=300, accepted=True, reason=None,
            findings=(finding,),
        )  # fmt: skip
        rows = [
            {"dataset_id": dataset_id, "episode_index": i, "num_frames": 100, "duration_s": 3.3, "is_kept": i < 2,
             "reasons": [] if i < 2 else ["motion.static"]}
            for i in range(3)
        ]  # fmt: skip
        return Judgement(verdict, EPISODES.frame(rows))


@pytest.fixture
def judge() -> ScriptedJudge:
    return ScriptedJudge()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "pick-cube"
    for name in (
        "meta/info.json",
        "data/chunk-000/episode_000000.parquet",
        "videos/top/episode_000000.mp4",
        "README.md",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / ".gitattributes").write_text("*.mp4 lfs")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("")
    return folder


def contributions(lake) -> list[str]:
    return sorted(path.name for path in lake.contributions.iterdir()) if lake.contributions.exists() else []


def test_a_dataset_is_copied_judged_and_answered(lake, recording, judge):
    receipt = receive(recording, "lab-north", lake, judge)
    answer = receipt.contribution
    assert (answer.contributor, answer.dataset_id) == ("lab-north", "lab-north__pick-cube")
    assert (answer.accepted_episodes, answer.rejected_episodes) == ((0, 1), {2: ("motion.static",)})
    assert receipt.messages == {"motion.static": "The arm does not move."}
    assert receipt.is_new
    assert contributions(lake) == [answer.contribution_id]
    folder = lake.contributions / answer.contribution_id
    assert Contribution.read(folder / "contribution.json") == answer
    copied = {str(path.relative_to(folder / "dataset")) for path in (folder / "dataset").rglob("*") if path.is_file()}
    assert copied == {
        "meta/info.json", "data/chunk-000/episode_000000.parquet", "videos/top/episode_000000.mp4", "README.md",
    }, "hidden files are left out"  # fmt: skip


def test_the_same_folder_twice_gives_the_same_receipt(lake, recording, judge):
    first = receive(recording, "lab-north", lake, judge)
    again = receive(recording, "lab-north", lake, judge)
    assert (again.contribution, again.verdict, again.is_new) == (first.contribution, first.verdict, False)
    assert len(judge.asked) == 1
    assert contributions(lake) == [first.contribution.contribution_id]


def test_changed_content_is_another_contribution_of_the_same_dataset(lake, recording, judge):
    first = receive(recording, "lab-north", lake, judge).contribution
    (recording / "README.md").write_text("now with a licence")
    second = receive(recording, "lab-north", lake, judge).contribution
    assert first.dataset_id == second.dataset_id
    assert contributions(lake) == sorted([first.contribution_id, second.contribution_id])


def test_two_people_may_hand_in_the_same(lake, recording, judge):
    ids = {receive(recording, name, lake, judge).contribution.dataset_id for name in ("anna", "bo")}
    assert ids == {"anna__pick-cube", "bo__pick-cube"}


def test_what_the_judge_sees_is_the_copy(lake, recording, judge):
    receive(recording, "lab-north", lake, judge)
    assert judge.asked[0].is_relative_to(lake.contributions)


def test_what_the_judge_cannot_read_is_not_kept(lake, recording, judge):
    (recording / "meta" / "info.json").unlink()
    with pytest.raises(NotADataset):
        receive(recording, "lab-north", lake, judge)
    assert contributions(lake) == []


def test_a_stop_in_between_leaves_nothing_that_counts(lake, recording, judge):
    def stopped(root: Path, dataset_id: str):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        receive(recording, "lab-north", lake, stopped)
    assert contributions(lake) == []


def test_the_scratch_of_a_killed_process_is_cleared(lake, recording, judge):
    stale = lake.contributions / ".lab-north__pick-cube.partial" / "dataset"
    stale.mkdir(parents=True)
    (stale / "README.md").write_text("half")
    receipt = receive(recording, "lab-north", lake, judge)
    assert contributions(lake) == [receipt.contribution.contribution_id]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("model.pkl", "is not part of a LeRobot dataset"),
        ("setup.py", "is not part of a LeRobot dataset"),
        ("data/archive.tar.gz", "is not part of a LeRobot dataset"),
        ("LICENSE", "is not part of a LeRobot dataset"),
        ("videos/playlist.m3u8", "is not part of a LeRobot dataset"),
        ("a/b/c/d/e/f/g/h/i.json", "lies deeper than 8 folders"),
        ("back\\slash.json", "has a name that no dataset uses"),
        ("new\nline.json", "has a name that no dataset uses"),
    ],
)
def test_other_files_are_refused_by_name(lake, recording, judge, name, why):
    (recording / name).parent.mkdir(parents=True, exist_ok=True)
    (recording / name).write_bytes(b"")
    with pytest.raises(SourceError, match=why):
        receive(recording, "lab-north", lake, judge)
    assert contributions(lake) == []
    assert judge.asked == []


@pytest.mark.parametrize("link", ["meta/link.json", "data/linked"])
def test_links_are_never_followed(lake, recording, judge, tmp_path, link):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "secret.json").write_text("{}")
    (recording / link).symlink_to(secret if link == "data/linked" else secret / "secret.json")
    with pytest.raises(SourceError, match=f"{link} is a symbolic link"):
        receive(recording, "lab-north", lake, judge)
    assert contributions(lake) == []


def test_a_pipe_is_refused_and_not_waited_for(lake, recording, judge):
    os.mkfifo(recording / "meta" / "pipe.json")
    with pytest.raises(SourceError, match=r"meta/pipe\.json is no plain file"):
        receive(recording, "lab-north", lake, judge)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(num_files=3), "beyond the 3 files"),
        (Limits(file_bytes=20), "goes beyond the 20 bytes"),
        (Limits(total_bytes=60), "bytes that are left for it"),
    ],
)
def test_too_much_is_refused(lake, recording, judge, limits, why):
    with pytest.raises(SourceError, match=why):
        receive(recording, "lab-north", lake, judge, limits)
    assert contributions(lake) == []


def test_a_huge_sparse_file_is_stopped_at_the_limit(lake, recording, judge):
    with (recording / "data" / "huge.parquet").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(SourceError, match=r"data/huge\.parquet goes beyond"):
        receive(recording, "lab-north", lake, judge, Limits(total_bytes=2**22))
    assert contributions(lake) == []


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "a__b", "."])
def test_a_name_that_is_no_name_is_refused(lake, recording, judge, name):
    with pytest.raises(ContractError, match="is not a contributor id"):
        receive(recording, name, lake, judge)
    assert contributions(lake) == []


def test_a_folder_that_is_not_there_is_said_so(lake, tmp_path, judge):
    with pytest.raises(SourceError, match="is not a folder"):
        receive(tmp_path / "nowhere", "lab-north", lake, judge)


def test_an_empty_folder_is_said_to_be_empty(lake, tmp_path, judge):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no files"):
        receive(tmp_path / "empty", "lab-north", lake, judge)
