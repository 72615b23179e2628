"""Finished rollouts of an evaluation, kept as they come, so that a killed one goes on where it was.

`rollouts.jsonl` gets one line per rollout; a line that a kill cut short is dropped. `plan.json` says what the lines are
rollouts of: they are used again only for the same policies, conditions, demonstrations and simulator.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from data_contracts.errors import SimulationError
from data_contracts.locks import exclusive
from data_contracts.stages import write_json
from simulation.rollouts import Rollout

LINES = "rollouts.jsonl"
PLAN = "plan.json"

Key = tuple[str, str, str, int]
"""Contestant, world, start, seed."""


@dataclass(frozen=True)
class KeptRollout:
    """A rollout, and its actions float32 (T, A) where it may be filmed later."""

    rollout: Rollout
    actions_TA: np.ndarray | None


class Keeper:
    """Made by `open_keeper`. `found` are the rollouts of earlier runs."""

    def __init__(self, file: IO[bytes], found: dict[Key, KeptRollout]) -> None:
        self._file = file
        self.found = found

    def keep(self, key: Key, kept: KeptRollout) -> None:
        """Appends a rollout; from now on a kill does not lose it."""
        self._file.write(json.dumps(_to_json(key, kept)).encode() + b"\n")
        self._file.flush()
        self.found[key] = kept


@contextmanager
def open_keeper(folder: Path, plan: Mapping[str, Any]) -> Iterator[Keeper]:
    """Opens the rollouts kept in `folder`, for one process at a time.

    Args:
        plan: plain JSON; what may differ between runs (how many rollouts, processes, videos) is not part of it.

    Raises:
        SimulationError: the folder holds rollouts of another plan, or another evaluation is writing there.
    """
    taken = SimulationError(f"Another evaluation is writing into {folder}.", hint="Wait, or choose --out.")
    with exclusive(folder / LINES, taken, "a+b") as file:
        _check_plan(folder / PLAN, dict(plan))
        yield Keeper(file, dict(_read(file)))


def _check_plan(path: Path, plan: dict[str, Any]) -> None:
    if not path.exists():
        write_json(path, plan)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name in sorted(set(before) | set(plan)):
        if name == "contestants":  # one may be added later; those that are there must be the same
            clash = [one for one in plan[name] if before[name].get(one, plan[name][one]) != plan[name][one]]
            if clash:
                raise _other_plan(path, f"{clash[0]} was another one")
        elif before.get(name) != plan.get(name):
            raise _other_plan(path, f"its {name} differs")
    write_json(path, plan | {"contestants": before["contestants"] | plan["contestants"]})


def _other_plan(path: Path, why: str) -> SimulationError:
    return SimulationError(
        f"{path.parent} holds rollouts of another evaluation: {why}.",
        hint="Choose another --out, or remove the folder.",
    )


def _read(file: IO[bytes]) -> Iterator[tuple[Key, KeptRollout]]:
    file.seek(0)
    end = 0
    for line in file:
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not line.endswith(b"\n") or document is None:
            break
        end += len(line)
        yield _from_json(document)
    file.truncate(end)
    file.seek(end)


def _to_json(key: Key, kept: KeptRollout) -> dict[str, Any]:
    rollout, actions = kept.rollout, kept.actions_TA
    return {
        "key": list(key), "is_success": rollout.is_success, "num_steps": rollout.num_steps,
        "sum_reward": rollout.sum_reward, "max_reward": rollout.max_reward, "wall_s": round(rollout.wall_s, 4),
        "actions": None if actions is None else base64.b64encode(actions.astype("<f4").tobytes()).decode(),
    }  # fmt: skip


def _from_json(document: dict[str, Any]) -> tuple[Key, KeptRollout]:
    contestant, world, start, seed = document["key"]
    values = {name: document[name] for name in ("is_success", "num_steps", "sum_reward", "max_reward", "wall_s")}
    rollout = Rollout(seed, **values)
    if document["actions"] is None:
        return (contestant, world, start, seed), KeptRollout(rollout, None)
    flat = np.frombuffer(base64.b64decode(document["actions"]), "<f4")
    width = len(flat) // rollout.num_steps if rollout.num_steps else 0
    return (contestant, world, start, seed), KeptRollout(rollout, flat.reshape(rollout.num_steps, width))
