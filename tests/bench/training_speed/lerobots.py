"""One case of LeRobot 0.4.4, in its own interpreter: `python lerobots.py '{"what": "train", ...}'` prints a JSON line.

Nothing of Deftworks is imported here. `precision`: float32, as `lerobot-train` runs on a CPU; autocast, with `--policy.use_amp`;
bfloat16, both towers in bfloat16 under autocast, as its weights are when they come from the published model.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.smolvla.configuration_smolvla import SmolVLAConfig
from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

CAMERAS = ("observation.images.camera1", "observation.images.camera2")
UNTIMED = 2


def batch_of(size):
    generator = torch.Generator().manual_seed(0)
    pictures = {key: torch.rand(size, 3, 480, 640, generator=generator) for key in CAMERAS}
    return pictures | {
        "observation.state": torch.randn(size, 6, generator=generator),
        "action": torch.randn(size, 50, 6, generator=generator),
        "observation.language.tokens": torch.randint(5, 1000, (size, 48), generator=generator),
        "observation.language.attention_mask": torch.ones(size, 48, dtype=torch.bool),
    }


def timed(work, times):
    for _ in range(UNTIMED):
        work()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def lowered(policy, case):
    if case["precision"] == "bfloat16":
        policy.model.vlm_with_expert.to(torch.bfloat16)
    return policy


def train(policy, case):
    lowered(policy, case).train()
    parameters = [p for p in policy.parameters() if p.requires_grad]
    config = policy.config
    optimiser = torch.optim.AdamW(
        parameters, lr=config.optimizer_lr, betas=config.optimizer_betas, eps=config.optimizer_eps,
        weight_decay=config.optimizer_weight_decay, fused=case["fused"] or None,
    )  # fmt: skip
    batch = batch_of(case["batch"])

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=case["precision"] != "float32"):
            loss, _ = policy.forward(dict(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, config.optimizer_grad_clip_norm, error_if_nonfinite=False)
        optimiser.step()
        optimiser.zero_grad()

    return timed(step, case["times"])


def act(policy, case):
    lowered(policy, case).eval()
    batch = {key: value for key, value in batch_of(1).items() if key != "action"}

    def chunk():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=case["precision"] != "float32"):
            policy.reset()
            policy.predict_action_chunk(dict(batch))

    return timed(chunk, case["times"])


def main():
    case = json.loads(sys.argv[1])
    torch.manual_seed(0)
    features = {key: PolicyFeature(FeatureType.VISUAL, (3, 480, 640)) for key in CAMERAS}
    config = SmolVLAConfig(
        input_features={"observation.state": PolicyFeature(FeatureType.STATE, (6,))} | features,
        output_features={"action": PolicyFeature(FeatureType.ACTION, (6,))},
        vlm_model_name=case["vlm"], load_vlm_weights=False, device="cpu",
    )  # fmt: skip
    policy = SmolVLAPolicy(config)
    seconds = {"train": train, "act": act}[case["what"]](policy, case)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(
        json.dumps({"seconds": seconds, "peak_bytes": peak, "median_s": statistics.median(seconds)}) + "\n"
    )


if __name__ == "__main__":
    main()
