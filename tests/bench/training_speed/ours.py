"""One case of our side, in a process of its own: `python ours.py '{"what": "train", ...}'` prints a JSON line.

The full model with random weights; a batch as it comes from the processors, two cameras of 480x640.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from policy.configuration import ACTION, IMAGES, STATE, base_450m
from policy.model import FEATURES_SUFFIX, TOKENS, TOKENS_MASK, SmolVLAPolicy
from policy.precision import lower_frozen, lower_towers, mixed
from training.memory import keep_freed_memory
from training.optimiser import new_optimiser
from training.recipes import load_recipe

CAMERAS = (f"{IMAGES}.camera1", f"{IMAGES}.camera2")
CPU = torch.device("cpu")
UNTIMED = 2


def _packed_operations(x: torch.Size, weight: torch.Size, *_: Any, out_shape: torch.Size, **__: Any) -> int:
    return 2 * math.prod(out_shape) * x[-1]


PACKED = {torch.ops.mkldnn._linear_pointwise: _packed_operations}
"""What torch's counter does not know."""


def batch_of(size: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pictures = {key: torch.rand(size, 3, 480, 640, generator=generator) for key in CAMERAS}
    return pictures | {
        STATE: torch.randn(size, 6, generator=generator),
        ACTION: torch.randn(size, 50, 6, generator=generator),
        TOKENS: torch.randint(5, 1000, (size, 48), generator=generator),
        TOKENS_MASK: torch.ones(size, 48, dtype=torch.bool),
    }


def draws(size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(size, 50, 32, generator=generator), torch.rand(size, generator=generator) * 0.999 + 0.001


def timed(work: Callable[[], Any], times: int) -> list[float]:
    for _ in range(UNTIMED):
        work()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def train(policy: SmolVLAPolicy, case: dict[str, Any]) -> dict[str, Any]:
    """Returns the seconds of whole steps, and the operations of one: forward and backward."""
    is_bf16, size = case["precision"] == "bfloat16", case["batch"]
    keep_freed_memory()
    if is_bf16:
        lower_frozen(policy)
    policy.train()
    parameters = [p for p in policy.parameters() if p.requires_grad]
    optimiser = new_optimiser(parameters, load_recipe("smolvla-450m-finetune"))
    batch, (noise, when) = batch_of(size), draws(size)
    if case["cached"]:
        with torch.no_grad():
            cached = {key + FEATURES_SUFFIX: policy.embed_images(batch[key]) for key in CAMERAS}
        batch = {key: value for key, value in batch.items() if key not in CAMERAS} | cached

    def gradients() -> None:
        with mixed(CPU, is_bf16):
            loss = policy(batch, noise, when).mean
        loss.backward()

    def step() -> None:
        gradients()
        torch.nn.utils.clip_grad_norm_(parameters, 10.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return _with_peak(timed(step, case["times"]), gradients)


def act(policy: SmolVLAPolicy, case: dict[str, Any]) -> dict[str, Any]:
    """Returns the seconds of whole chunks: two pictures in, 50 actions out."""
    if case["precision"] == "bfloat16":
        lower_towers(policy)
    policy.eval()
    batch, noise = batch_of(1), draws(1)[0]
    return _with_peak(
        timed(lambda: policy.sample_actions(batch, noise), case["times"]), lambda: policy.sample_actions(batch, noise)
    )


def _with_peak(seconds: list[float], work: Callable[[], Any]) -> dict[str, Any]:
    """Returns them with the peak of memory so far and the operations of `work`."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with FlopCounterMode(display=False, custom_mapping=PACKED) as counter:
        work()
    return {"seconds": seconds, "peak_bytes": peak, "operations": counter.get_total_flops()}


@torch.no_grad()
def embed(policy: SmolVLAPolicy, case: dict[str, Any]) -> dict[str, Any]:
    """Returns the seconds that the cache of image tokens costs for one frame of one camera."""
    if case["precision"] == "bfloat16":
        lower_frozen(policy)
    pixels = batch_of(8)[CAMERAS[0]]
    return {"seconds": [seconds / len(pixels) for seconds in timed(lambda: policy.embed_images(pixels), case["times"])]}


@torch.no_grad()
def gap(policy: SmolVLAPolicy, case: dict[str, Any]) -> dict[str, Any]:
    """Returns how far bfloat16 is from float32 on the same weights, noise and time: losses and actions, in standard deviations."""
    policy.eval()
    batch, (noise, when) = batch_of(4), draws(4)
    exact = policy(batch, noise, when).elementwise, policy.sample_actions(batch, noise)
    lower_frozen(policy)
    with mixed(CPU):
        trained = policy(batch, noise, when).elementwise.float()
    lower_towers(policy)
    acted = policy.sample_actions(batch, noise)
    return {
        "loss": exact[0].mean().item(),
        "loss_bfloat16": trained.mean().item(),
        "largest_elementwise": (trained - exact[0]).abs().max().item(),
        "action_rms": exact[1].square().mean().sqrt().item(),
        "action_gap_rms": (acted - exact[1]).square().mean().sqrt().item(),
        "action_gap_largest": (acted - exact[1]).abs().max().item(),
    }


def rates(_: SmolVLAPolicy | None, case: dict[str, Any]) -> dict[str, Any]:
    """Returns the machine's own speed: operations a second of one large matrix product, and bytes a second of a copy."""
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
        found[str(dtype).removeprefix("torch.")] = 2 * 2048**3 / min(timed(lambda: left @ right, case["times"]))  # noqa: B023
    source, target = torch.zeros(2**28), torch.zeros(2**28)
    copied = 2 * source.numel() * source.element_size()
    return found | {"bytes": copied / min(timed(lambda: target.copy_(source), case["times"]))}


def main() -> None:
    case = json.loads(sys.argv[1])
    work = {"train": train, "act": act, "embed": embed, "gap": gap, "rates": rates}[case["what"]]
    torch.manual_seed(0)
    policy = None
    if case["what"] != "rates":
        cameras = dict.fromkeys(CAMERAS, (3, 480, 640))
        policy = SmolVLAPolicy(base_450m(cameras, load_vlm_weights=False))
    answer = work(policy, case)
    if "seconds" in answer:
        answer["median_s"] = statistics.median(answer["seconds"])
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
