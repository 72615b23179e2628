"""Where recordings come from: what names, tags, cards and licences say, and what they only seem to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.quality.provenance import (
    detect_licence_absent,
    detect_licence_restricts,
    detect_policy_rollout,
    detect_simulation,
    detect_test_repository,
)
from data_contracts.lerobot.card import read_card
from data_contracts.lerobot.files import list_files


@pytest.mark.parametrize("said", [
    {"robot_type": "so100_sim"}, {"robot_type": "pusht"}, {"dataset_id": "ann__aloha_sim_insertion"},
    {"dataset_id": "ann__MuJoCo-reach"}, {"tags": ("LeRobot", "simulation")}, {"tags": ("meta-world",)},
    {"card": "Recorded in simulation (metaworld/reach-v3) by a script."}, {"card": "We used Isaac Sim 4."},
])  # fmt: skip
def test_simulators_are_noticed(make_dataset, said) -> None:
    assert detect_simulation(make_dataset(**said)).severity == "note"


@pytest.mark.parametrize("said", [
    {"robot_type": "so100"}, {"dataset_id": "ann__simple-cubes"}, {"dataset_id": "ann__insert_sim_card"},
    {"dataset_id": "isaac__kitchen"}, {"tags": ("similar", "LeRobot")}, {"card": "Recorded on a desk, no simulation."},
    {"card": "All episodes are real, not simulated."}, {"card": "This dataset was created using LeRobot."},
])  # fmt: skip
def test_real_recordings_are_left_alone(make_dataset, said) -> None:
    assert detect_simulation(make_dataset(**said)) is None


@pytest.mark.parametrize(("name", "is_rollout", "is_test"), [
    ("ann__eval_act_so100", True, False), ("ann__rollouts", True, False), ("ann__so100-test", False, True),
    ("ann__CR5_TCP_test", False, True), ("ann__MyTestRun", False, True), ("ann__evaluate-nothing", False, False),
    ("ann__latest-cubes", False, False), ("test__cubes", False, False), ("ann__contest", False, False),
])  # fmt: skip
def test_names(make_dataset, name: str, is_rollout: bool, is_test: bool) -> None:
    dataset = make_dataset(dataset_id=name)
    assert bool(detect_policy_rollout(dataset)) == is_rollout
    assert bool(detect_test_repository(dataset)) == is_test


@pytest.mark.parametrize(("licence", "absent", "restricts"), [
    (None, True, False), ("", True, False), ("apache-2.0", False, False), ("mit", False, False), ("cc-by-4.0", False, False),
    ("cc-by-nc-4.0", False, True), ("CC-BY-ND-4.0", False, True), ("other", False, True), ("research-only", False, True),
])  # fmt: skip
def test_licences(make_dataset, licence, absent: bool, restricts: bool) -> None:
    dataset = make_dataset(licence=licence)
    assert bool(detect_licence_absent(dataset)) == absent
    assert bool(detect_licence_restricts(dataset)) == restricts


@pytest.mark.parametrize(("text", "tags", "prose"), [
    ("---\ntags:\n- LeRobot\n- 3\n---\nHello", ("LeRobot", "3"), "\nHello"),
    ("---\ntags: [\n---\nHello", (), "\nHello"),
    ("---\njust text\n---\nHello", (), "\nHello"),
    ("Hello", (), "Hello"),
    ("---\nnever closed", (), "---\nnever closed"),
])  # fmt: skip
def test_cards(tmp_path: Path, text: str, tags: tuple[str, ...], prose: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert read_card(list_files(tmp_path)) == (None, tags, prose)


def test_no_card(tmp_path: Path) -> None:
    assert read_card(list_files(tmp_path)) == (None, (), "")
