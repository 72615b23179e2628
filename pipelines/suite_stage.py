"""A policy on a suite beside its baselines: simulation, policies and demonstrations meet here, above their rooms."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.catalogue import SUITE_ROLLOUTS
from data_contracts.errors import PolicyError, SimulationError, did_you_mean
from data_contracts.stages import digest_of, file_sha256, write_json, write_text

if TYPE_CHECKING:
    from simulation.demonstrations import Demonstrations
    from simulation.suite_evaluation import Entrant, OnProgress, Plan
    from simulation.suites import Suite

EXPERT, DO_NOTHING, WRONG_INSTRUCTION = "expert", "do-nothing", "wrong-instruction"
REPLAYS = ("fixed-replay", "nearest-image")
WORDS = (EXPERT, DO_NOTHING)
"""What stands in the place of a policy folder."""
BESIDE = (DO_NOTHING, *REPLAYS, WRONG_INSTRUCTION, EXPERT)
"""What a policy can be compared with."""
POLICY = "policy"
LARGE_BYTES = 200_000_000
EVAL_INFO, TABLE, PAGE = "eval_info.json", "rollouts.parquet", "report.html"


@dataclass(frozen=True)
class Request:
    """What is asked for. `policy` is a `pretrained_model` folder or one of WORDS; `beside` None is all that can be had.

    `held_out` datasets are compared with what the policy predicts there. `action_steps` is how many actions of a chunk are executed, the checkpoint's own number when None. `cameras` says which
    view each of the policy's cameras gets, where the suite's order will not do.
    """

    policy: str
    suite: Suite
    starts: tuple[str, ...] = ("standard",)
    seeds: tuple[int, ...] = ()
    beside: tuple[str, ...] | None = None
    demonstrations: Demonstrations | None = None
    demonstration_seeds: Sequence[int] = ()
    cameras: Mapping[str, str] = field(default_factory=dict)
    action_steps: int | None = None
    device: str = "cpu"
    processes: int = 1
    num_videos: int = 0
    held_out: tuple[Path, ...] = ()


def evaluate_policy(request: Request, out: Path, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Rolls out what is asked for, writes eval_info.json, rollouts.parquet, report.html and videos/ into `out`, and returns
    what eval_info.json holds. Finished rollouts that `out` holds are not done again.

    Raises:
        SimulationError, PolicyError: policy and suite do not fit, a start was demonstrated, or a rollout failed.
    """
    from simulation.demonstrated_starts import check_starts
    from simulation.evaluation_results import eval_info, table_rows
    from simulation.report_page import report_page
    from simulation.suite_evaluation import evaluate_suite

    started = time.perf_counter()
    plan = plan_of(request)
    checked = check_starts(request.suite, request.seeds, request.demonstrations, request.demonstration_seeds)
    offline = _offline(request)
    rows = evaluate_suite(
        plan, out, processes=request.processes, num_videos=request.num_videos, on_progress=on_progress
    )
    about = {
        "policy": describe_policy(request),
        "checked_starts": checked,
        "packages": plan.identity()["packages"],
        "processes": request.processes,
        "last_run_s": round(time.perf_counter() - started, 1),
        **offline,
    }
    info = eval_info(plan, rows, about, out)
    SUITE_ROLLOUTS.write(SUITE_ROLLOUTS.frame(table_rows(plan, rows, out)), out / TABLE)
    write_text(out / PAGE, report_page(info))
    write_json(out / EVAL_INFO, info)
    return info


def plan_of(request: Request) -> Plan:
    """Returns every rollout that a request means.

    Raises:
        PolicyError: the policy cannot be read, or its state or actions have other sizes than the suite's robot.
        SimulationError: its cameras do not fit, a baseline is unknown, a replay lacks demonstrations, or there are no seeds.
    """
    from simulation.suite_evaluation import STARTS, Plan

    if not request.seeds or not request.starts or not set(request.starts) <= set(STARTS):
        raise SimulationError(f"Nothing to roll out from starts {request.starts} and {len(request.seeds)} seeds.")
    keys = None if request.policy in WORDS else _cameras_of(Path(request.policy), request.suite)
    policy = _policy_entrant(request)
    entrants = (policy, *(_entrant(word, request, policy) for word in _beside(request)))
    cameras = request.suite.cameras(keys, request.cameras or None)
    return Plan(request.suite, entrants, cameras, request.starts, request.seeds)


def _offline(request: Request) -> dict[str, Any]:
    if not request.held_out or request.policy in WORDS:
        return {}
    from pipelines.held_out_error import held_out_error

    return {"held_out_error": held_out_error(Path(request.policy), request.held_out, device=request.device)}


def describe_policy(request: Request) -> dict[str, Any]:
    """Returns what the policy is, as plain JSON: its name, digest, and how many actions of a chunk it executes."""
    if request.policy in WORDS:
        return {"name": request.policy}
    from policy.checkpoint import read_config

    config = read_config(Path(request.policy))
    return {
        "name": request.policy,
        "digest": policy_digest(Path(request.policy)),
        "chunk_size": config.chunk_size,
        "executed_steps": request.action_steps or config.n_action_steps,
        "device": request.device,
    }


def policy_digest(folder: Path) -> str:
    """Returns a digest of everything in a `pretrained_model` folder that decides what the policy does."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors", ".txt", ".model"))
    return digest_of({str(path.relative_to(folder)): file_sha256(path) for path in files})


def make_actor(policy: str, action_steps: int | None, device: str, num_threads: int, world: object) -> Any:
    """Returns the policy, ready to act, in the process that runs the world."""
    import torch

    from policy.actor import Actor
    from policy.checkpoint import load_checkpoint

    torch.set_num_threads(num_threads)
    return Actor(*load_checkpoint(Path(policy), device=device), num_action_steps=action_steps)


def _policy_entrant(request: Request) -> Entrant:
    from simulation.suite_evaluation import Entrant

    if request.policy in WORDS:
        return Entrant(request.policy, _acting(request.policy), digest_of(request.policy), role=POLICY)
    make = partial(make_actor, request.policy, request.action_steps, request.device, _num_threads(request))
    digest = digest_of([policy_digest(Path(request.policy)), request.action_steps, request.device])
    return Entrant(POLICY, make, digest, role=POLICY, is_bound=False)


def _num_threads(request: Request) -> int:
    """Returns torch threads per process. A small model's chunk took 16 ms on one thread and 120 ms on two of a busy machine."""
    weights = Path(request.policy) / "model.safetensors"
    if not weights.is_file() or weights.stat().st_size < LARGE_BYTES:
        return 1
    return max(1, (os.cpu_count() or 1) // max(1, request.processes))


def _beside(request: Request) -> tuple[str, ...]:
    """Returns what the policy is compared with: what was asked for, or all that can be had here."""
    from simulation.suite_evaluation import instructions

    if request.beside is not None:
        for word in request.beside:
            if word not in BESIDE:
                raise SimulationError(f"No baseline {word!r}.", hint=did_you_mean(word, BESIDE))
        return tuple(word for word in dict.fromkeys(request.beside) if word != request.policy)
    words = [DO_NOTHING, *(REPLAYS if request.demonstrations else ())]
    if request.policy not in WORDS and len(set(instructions(request.suite).values())) > 1:
        words.append(WRONG_INSTRUCTION)
    return tuple(word for word in words if word != request.policy)


def _entrant(word: str, request: Request, policy: Entrant) -> Entrant:
    from simulation.baselines import replay_factory
    from simulation.suite_evaluation import Entrant, instructions

    if word == WRONG_INSTRUCTION:
        return Entrant(word, policy.make, policy.digest, role="control", is_bound=policy.is_bound, is_misled=True)
    if word in REPLAYS:
        if request.demonstrations is None:
            raise SimulationError(f"{word} needs demonstrations.", hint="Name datasets with --demonstrations.")
        make = replay_factory(word, request.demonstrations, instructions(request.suite))
        return Entrant(word, make, digest_of([word, request.demonstrations.digest()]))
    return Entrant(word, _acting(word), digest_of(word), role="bound" if word == EXPERT else "baseline")


def _acting(word: str) -> Any:
    from simulation.acting import DoNothing, ExpertPolicy

    return ExpertPolicy if word == EXPERT else DoNothing


def _cameras_of(policy: Path, suite: Suite) -> tuple[str, ...]:
    """Returns the policy's cameras in slot order, after checking that its state and actions are those of the suite's robot."""
    from policy.checkpoint import read_config
    from policy.configuration import IMAGES
    from simulation.worlds import value_names

    config = read_config(policy)
    for task in suite.tasks:
        state_names, action_names = value_names(task.world)
        for what, size, names in (
            ("states", config.state_dim, state_names),
            ("actions", config.action_dim, action_names),
        ):
            if size != len(names):
                raise PolicyError(
                    f"The policy has {what} of {size} values, {task.world} has {len(names)}: {', '.join(names)}.",
                    hint=f"{policy} was trained for another robot.",
                )
    return tuple(key for key in config.camera_keys if not key.startswith(f"{IMAGES}.empty_camera"))


def read_eval_info(out: Path) -> dict[str, Any]:
    """Returns the eval_info.json of a finished evaluation."""
    return json.loads((out / EVAL_INFO).read_text(encoding="utf-8"))
