"""LeRobot 0.4.4's side, in its own interpreter: `python lerobots.py '{"root": ..., ...}'` prints a JSON line.

Nothing of Deftworks is imported here. Dataset and loader are set up as lerobot-train does, with two workers.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset, LeRobotDatasetMetadata

UNTIMED = 2


def main():
    case = json.loads(sys.argv[1])
    metadata = LeRobotDatasetMetadata("bench/set", root=case["root"])
    dataset = LeRobotDataset(
        "bench/set", root=case["root"], video_backend="torchcodec",
        delta_timestamps={"action": [i / metadata.fps for i in range(50)]},
    )  # fmt: skip
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=case["batch"], shuffle=True, num_workers=2, drop_last=True, prefetch_factor=2
    )
    batches = iter(loader)
    for _ in range(UNTIMED):
        next(batches)
    begun = time.perf_counter()
    for _ in range(case["batches"]):
        batch = next(batches)
    seconds = time.perf_counter() - begun
    del batches
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    answer = {"items_per_s": case["batches"] * case["batch"] / seconds, "seconds": seconds, "peak_bytes": peak * 1024}
    picture = list(batch[dataset.meta.camera_keys[0]].shape)
    sys.stdout.write(json.dumps(answer | {"picture": picture}) + "\n")


if __name__ == "__main__":
    main()
