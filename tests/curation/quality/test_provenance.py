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

COLUMNS = frozenset({"observation.state", "action"})
REWARDED = COLUMNS | {"next.success"}


@pytest.mark.parametrize("said", [
    {"robot_type": "so100_sim"}, {"robot_type": "pusht"}, {"dataset_id": "ann__aloha_sim_insertion"},
    {"dataset_id": "ann__MuJoCo-reach"}, {"tags": ("LeRobot", "simulation")}, {"tags": ("meta-world",)},
    {"card": "Recorded in simulation (metaworld/reach-v3) by a script."}, {"card": "We used Isaac Sim 4."},
    {"dataset_id": "lerobot__pusht", "columns": REWARDED}, {"columns": COLUMNS | {"observation.environment_state"}},
    {"remarks": {"env_name": "gym_aloha/AlohaInsertion, MuJoCo"}}, {"remarks": {"is_simulated": "true"}},
    {"remarks": {"simulator": "my own"}},
])  # fmt: skip
def test_simulators_are_noticed(make_dataset, said) -> None:
    assert detect_simulation(make_dataset(**said)).severity == "note"


@pytest.mark.parametrize("said", [
    {"robot_type": "so100"}, {"dataset_id": "ann__simple-cubes"}, {"dataset_id": "ann__insert_sim_card"},
    {"dataset_id": "isaac__kitchen"}, {"tags": ("similar", "LeRobot")}, {"card": "Recorded on a desk, no simulation."},
    {"card": "All episodes are real, not simulated."}, {"card": "This dataset was created using LeRobot."},
    {"dataset_id": "ann__kikobot_pusht_real_v2"}, {"dataset_id": "ann__pusht_green1"}, {"dataset_id": "ann__real2sim_cubes"},
    {"dataset_id": "ann__synthetic-leather-folding"}, {"columns": REWARDED}, {"remarks": {"environment": "kitchen"}},
    {"remarks": {"is_simulated": "false"}}, {"remarks": {"recorded_by": "mujoco fan"}},
])  # fmt: skip
def test_real_recordings_are_left_alone(make_dataset, said) -> None:
    assert detect_simulation(make_dataset(**said)) is None


@pytest.mark.parametrize(("name", "is_rollout", "is_test"), [
    ("ann__eval_act_so100", True, False), ("ann__rollouts", True, False), ("ann__so100-test", False, True),
    ("ann__CR5_TCP_test", False, True), ("ann__MyTestRun", False, True), ("ann__evaluate-nothing", False, False),
    ("ann__latest-cubes", False, False), ("test__cubes", False, False), ("ann__contest", False, False),
    ("ann__evaluate-the-cake", False, False), ("ann__retrieval", False, False), ("ann__attest_2", False, False),
    ("ann__bobo_trash_picker", False, False), ("ann__sort_test_tubes", False, False), ("ann__pick_test_strip", False, False),
    ("ann__deploy_parachute", False, False), ("ann__push_cube_demo", False, False), ("ann__TestBoulon7", False, True),
])  # fmt: skip
def test_names(make_dataset, name: str, is_rollout: bool, is_test: bool) -> None:
    dataset = make_dataset(dataset_id=name, num_episodes=50)
    assert bool(detect_policy_rollout(dataset)) == is_rollout
    assert bool(detect_test_repository(dataset)) == is_test


@pytest.mark.parametrize(("num_episodes", "is_test"), [(2, True), (4, True), (5, False)])
def test_a_demo_of_hardly_any_episodes_is_a_trial(make_dataset, num_episodes: int, is_test: bool) -> None:
    found = detect_test_repository(make_dataset(dataset_id="ann__first_demo", num_episodes=num_episodes))
    assert bool(found) == is_test
    assert detect_test_repository(make_dataset(dataset_id="ann__fold-towel", num_episodes=num_episodes)) is None


@pytest.mark.parametrize(("said", "is_rollout"), [
    ({"columns": COLUMNS | {"complementary_info.is_intervention"}}, True), ({"columns": COLUMNS | {"action.policy"}}, True),
    ({"columns": COLUMNS | {"intervention"}}, True), ({"remarks": {"policy_path": "ann/act"}}, True),
    ({"remarks": {"policy_path": ""}}, False), ({"columns": REWARDED | {"next.reward"}}, False),
    ({"columns": COLUMNS | {"observation.policyholder"}}, False), ({"remarks": {"tools": "[]"}}, False),
])  # fmt: skip
def test_columns_and_remarks_of_a_policy(make_dataset, said, is_rollout: bool) -> None:
    assert bool(detect_policy_rollout(make_dataset(**said))) == is_rollout


@pytest.mark.parametrize(("licence", "absent", "restricts"), [
    (None, True, False), ("", True, False), ("apache-2.0", False, False), ("mit", False, False), ("cc-by-4.0", False, False),
    ("cc-by-nc-4.0", False, True), ("CC-BY-ND-4.0", False, True), ("other", False, True), ("research-only", False, True),
    ("CC BY-NC-SA 4.0", False, True), ("Apache License 2.0", False, False), ("NCSA", False, False), ("cc0-1.0", False, False),
    ("unlicense", False, False), ("unlicensed", False, True), ("none", True, False), ("N/A", True, False), ("odc-by", False, False),
    ("non-commercial use", False, True), ("openrail", False, True), ("llama3.1", False, True), ("c-uda", False, True),
    ("All rights reserved", False, True), ("cdla-permissive-2.0", False, False), ("mit, cc-by-nc-4.0", False, True),
    ("unknown", False, True), ("bsl-1.0", False, False), ("gpl-3.0", False, False),
])  # fmt: skip
def test_licences(make_dataset, licence, absent: bool, restricts: bool) -> None:
    dataset = make_dataset(licence=licence)
    assert bool(detect_licence_absent(dataset)) == absent
    assert bool(detect_licence_restricts(dataset)) == restricts


@pytest.mark.parametrize(("text", "tags", "prose"), [
    ("---\ntags:\n- LeRobot\n- 3\n---\nHello", ("LeRobot", "3"), "\nHello"),
    ("---\ntags: [\n---\nHello", (), "\nHello"),
    ("---\njust text\n---\nHello", (), "\nHello"),
    ("---\ntags: [[a], b]\nlicense: 9999-99-99\n---\nHello", ("b",), "\nHello"),
    ("---\ntags: LeRobot\n---\nHello", ("LeRobot",), "\nHello"),
    ("---\n" + "- " * 5_000 + "\n---\nHello", (), "\nHello"),
    ("---\n" + "a: 1\n" * 5_000 + "tags: [b]\n---\nHello", (), "\nHello"),
    ("Hello", (), "Hello"),
    ("---\nnever closed", (), "---\nnever closed"),
])  # fmt: skip
def test_cards(tmp_path: Path, text: str, tags: tuple[str, ...], prose: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert read_card(list_files(tmp_path))[1:] == (tags, prose)


def test_no_card(tmp_path: Path) -> None:
    assert read_card(list_files(tmp_path)) == (None, (), "")


@pytest.mark.parametrize(("front", "licence"), [
    ("license: apache-2.0", "apache-2.0"), ("license: [mit, cc-by-4.0]", "mit, cc-by-4.0"), ("license: null", None),
    ("license: {name: mit}", None), ("license: 2024-01-01", "2024-01-01"), ("license: \"\\ud800\"", "?"),
    ("license: !!python/object/apply:os.system [ls]", "ls"), ("title: x", None), ("license: 0x" + "f" * 5_000, "0x" + "f" * 5_000),
])  # fmt: skip
def test_a_licence_is_the_text_that_stands_there(tmp_path: Path, front: str, licence: str | None) -> None:
    """Nothing is built from it: no date, no number, no object."""
    (tmp_path / "README.md").write_text(f"---\n{front}\n---\nHello")
    assert read_card(list_files(tmp_path)).licence == licence


def test_references_to_references_take_no_time(tmp_path: Path) -> None:
    """Written out, this list would have 3**40 entries."""
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    (tmp_path / "README.md").write_text(f"---\n{laughs}license: *a39\ntags: [*a39, b]\n---\nHello")
    assert read_card(list_files(tmp_path)) == (None, ("b",), "\nHello")
