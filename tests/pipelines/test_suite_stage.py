"""A trained policy on a suite: that it fits is known before anything is rolled out, and each seed goes as it always does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("metaworld")

import numpy as np
import torch

from data_contracts.errors import PolicyError, SimulationError
from data_contracts.lerobot import DatasetWriter
from pipelines.held_out_error import held_out_error
from pipelines.suite_stage import Request, evaluate_policy, plan_of
from policy.actor import Actor
from policy.checkpoint import save_checkpoint
from policy.small import new_small_policy
from simulation.legacy_formats import vector_feature, video_feature
from simulation.seeds import evaluation_seeds
from simulation.suites import Suite, load_suite

WORLDS = ("metaworld/handle-press-v3", "metaworld/drawer-open-v3")
SUITE = Suite(name="tiny", title="Tiny", views=("front",), picture=(64, 64), max_steps=20, groups={"some": WORLDS})


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("policy") / "pretrained_model"
    statistics = {
        key: {"mean": torch.zeros(4), "std": torch.full((4,), 0.3)} for key in ("observation.state", "action")
    }
    made = new_small_policy({"observation.images.a": (3, 64, 64)}, 4, 4, ["Open the drawer"], statistics)
    save_checkpoint(folder, *made)
    return str(folder)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of 12 frames, whose actions count the frames."""
    root = tmp_path_factory.mktemp("held_out") / "org__handle"
    features = {key: vector_feature(("x", "y", "z", "gripper")) for key in ("observation.state", "action")}
    features["observation.images.a"] = video_feature(64, 64, 80, "h264")
    frames = np.zeros((12, 64, 64, 3), np.uint8)
    actions = np.repeat(np.arange(12, dtype=np.float32)[:, None], 4, axis=1)
    with DatasetWriter(root, fps=80, robot_type="sawyer", features=features, video_codec="h264") as writer:
        for _ in range(2):
            columns = {"observation.state": actions, "action": actions}
            writer.add_episode(columns=columns, task="Open the drawer", videos={"observation.images.a": frames})
    return root


def request(policy: str, num: int = 2, **changes: object) -> Request:
    return replace(Request(policy, SUITE, seeds=tuple(evaluation_seeds(num))), **changes)  # type: ignore[arg-type]


def test_a_policy_is_rolled_out_beside_what_can_be_had(policy: str, tmp_path: Path) -> None:
    info = evaluate_policy(request(policy, num=1, starts=("standard", "displaced")), tmp_path)
    ours = info["deftworks"]
    assert {(cell["entrant"], cell["role"]) for cell in ours["cells"]} == {
        ("policy", "policy"), ("do-nothing", "baseline"), ("wrong-instruction", "control"),
    }  # fmt: skip
    told = {(cell["world"], cell["entrant"]): cell["instruction"] for cell in ours["cells"]}
    assert told[WORLDS[0], "policy"] == told[WORLDS[1], "wrong-instruction"] == "Press the handle down"
    assert ours["cameras"] == {"observation.images.a": "front"}
    assert (ours["policy"]["chunk_size"], ours["policy"]["executed_steps"]) == (16, 8)
    assert ours["policy"]["digest"].startswith("sha256:")


def test_a_seed_goes_as_always_whatever_was_rolled_out_before(policy: str, tmp_path: Path) -> None:
    both = evaluate_policy(request(policy, beside=()), tmp_path / "both")
    alone = request(policy, beside=(), suite=SUITE.part(["drawer-open-v3"]), seeds=tuple(evaluation_seeds(2)[1:]))
    one = evaluate_policy(alone, tmp_path / "one")
    rewards = both["per_task"][1]["metrics"]["sum_rewards"]
    assert one["per_task"][0]["metrics"]["sum_rewards"] == rewards[1:]
    assert rewards[0] != rewards[1]


def test_executing_more_of_each_chunk_is_another_policy(policy: str, tmp_path: Path) -> None:
    evaluate_policy(request(policy, num=1, beside=()), tmp_path)
    with pytest.raises(SimulationError, match="policy was another one"):
        evaluate_policy(request(policy, num=1, beside=(), action_steps=16), tmp_path)


def test_a_policy_that_does_not_fit_is_refused_before_the_first_step(policy: str) -> None:
    with pytest.raises(SimulationError, match="looks through 1 cameras"):
        plan_of(request(policy, suite=load_suite("five-tasks")))
    with pytest.raises(PolicyError, match=r"states of 4 values, so100/touch-cube has 6: shoulder_pan\.pos"):
        plan_of(request(policy, suite=load_suite("so100")))
    plan = plan_of(request(policy, suite=load_suite("five-tasks"), cameras={"observation.images.a": "top"}))
    assert plan.cameras == {"observation.images.a": "top"}


def test_a_damaged_checkpoint_is_named(policy: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((Path(policy) / "config.json").read_bytes())
    with pytest.raises(SimulationError, match=r"policy failed in metaworld/handle-press-v3.*copy"):
        evaluate_policy(request(str(copy)), tmp_path / "out")


def test_held_out_actions_are_compared_with_whole_chunks(
    policy: str, held_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = held_out_error(Path(policy), [held_out], num_frames=6)
    assert (shown["num_frames"], shown["num_episodes"]) == (6, 2)
    assert shown["relative_error"] > 0.5
    assert shown == held_out_error(Path(policy), [held_out], num_frames=6)

    def nearly(self: Actor, observation: dict[str, np.ndarray], task: str) -> np.ndarray:
        return observation["observation.state"] + np.arange(16)[:, None] + np.float32(0.25)

    monkeypatch.setattr(Actor, "predict_chunk", nearly)
    assert held_out_error(Path(policy), [held_out])["mean_absolute_error"] == [0.25] * 4
    page_facts = evaluate_policy(request(policy, num=1, beside=(), held_out=(held_out,)), tmp_path)
    assert page_facts["deftworks"]["held_out_error"]["mean_absolute_error"] == [0.25] * 4
    assert "Not success:" in (tmp_path / "report.html").read_text()


def test_held_out_data_of_another_robot_are_refused(policy: str, held_out: Path) -> None:
    from data_contracts.lerobot import open_dataset
    from pipelines.held_out_error import _cameras

    actor = SimpleNamespace(policy=SimpleNamespace(config=SimpleNamespace(camera_keys=("x", "y"))))
    with pytest.raises(PolicyError, match=r"has the cameras observation\.images\.a, the policy looks through x, y"):
        _cameras(actor, open_dataset(held_out))
