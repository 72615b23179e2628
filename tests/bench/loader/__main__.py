"""Loading beside LeRobot 0.4.4's dataset and torch's DataLoader: `python -m tests.bench.loader` writes docs/evidence/loader.md.

The same v3.0 dataset (one AV1 camera of 480x640, chunks of 50 actions), the same batch, two workers each, processes of their own in
turn. Cold: nothing decoded before; the time from opening the dataset until every frame was handed out once on average. Warm: the
cache of decoded frames is there, which LeRobot does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "loader.md"
PEER = ROOT / ".peer" / "bin" / "python"
BATCH = 64
LEAST_EPISODES = 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loader", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=96, help="of 120 frames on average")
    parser.add_argument("--peer-batches", type=int, default=20, help="that LeRobot is timed over, after two")
    parser.add_argument("--out", type=Path, default=EVIDENCE)
    chosen = parser.parse_args()
    peer = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or PEER)
    if not peer.is_file():
        raise SystemExit(f"LeRobot 0.4.4 is not at {peer}: build it with `make peer`, or set DEFTWORKS_PEER_PYTHON.")
    with tempfile.TemporaryDirectory(prefix="loader-bench-") as scratch:
        home = Path(scratch) / "lake"
        dataset = _run([sys.executable, "ours.py"], {"what": "make", "home": str(home), "episodes": chosen.episodes})[
            "folder"
        ]
        found: dict[str, list[dict[str, Any]]] = {"LeRobot": [], "cold": [], "warm": [], "floats": []}
        for number in range(chosen.rounds):
            shutil.rmtree(home / "training_cache", ignore_errors=True)
            case = {"home": str(home), "batch": BATCH, "floats": False}
            found["LeRobot"].append(
                _run([str(peer), "lerobots.py"], {"root": dataset, "batch": BATCH, "batches": chosen.peer_batches})
            )
            found["cold"].append(_run([sys.executable, "ours.py"], case | {"what": "cold"}))
            _run([sys.executable, "ours.py"], case | {"what": "warm"})  # decodes what the pools left out
            found["warm"].append(_run([sys.executable, "ours.py"], case | {"what": "warm"}))
            found["floats"].append(_run([sys.executable, "ours.py"], case | {"what": "warm", "floats": True}))
            for name, answers in found.items():
                sys.stderr.write(f"round {number + 1}: {name}: {json.dumps(answers[-1])}\n")
    chosen.out.write_text(_report(found, chosen.episodes), encoding="utf-8")
    sys.stdout.write(f"written: {chosen.out}\n")


def _run(command: list[str], case: dict[str, Any]) -> dict[str, Any]:
    is_ours = command[1] == "ours.py"
    done = subprocess.run(
        [command[0], str(HERE / command[1]), json.dumps(case)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT) if is_ours else "", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{command[1]} {json.dumps(case)} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _report(found: dict[str, list[dict[str, Any]]], num_episodes: int) -> str:
    rate = {name: statistics.median(answer["items_per_s"] for answer in answers) for name, answers in found.items()}
    mixed = min(answer["least_episodes"] for name in ("cold", "warm") for answer in found[name])
    lines = "\n".join(
        f"| {title} | {rate[name]:,.0f} | {min(a['items_per_s'] for a in found[name]):,.0f} to "
        f"{max(a['items_per_s'] for a in found[name]):,.0f} | {rate[name] / rate['LeRobot']:.1f}x | "
        f"{max(a['peak_bytes'] for a in found[name]) / 2**30:.2f} GiB |"
        for name, title in (
            ("LeRobot", "LeRobot 0.4.4, torchcodec, DataLoader with two workers, shuffled"),
            ("cold", "Deftworks, nothing decoded before"),
            ("warm", "Deftworks, decoded frames on disk"),
            ("floats", "Deftworks, the same, turned into floats on this CPU"),
        )
    )
    return f"""# Loading, beside LeRobot 0.4.4

`make bench-loader`: one v3.0 dataset of {num_episodes} episodes ({found["cold"][0]["num_frames"]:,} frames, one AV1 camera of 480x640), batches
of {BATCH} with chunks of 50 actions, {len(found["cold"])} rounds in turn on two cores. LeRobot's items are float32 pictures as recorded; ours
are uint8, letterboxed to the 512x512 that the policy takes (which LeRobot's policy still has to do), and become floats on the device
that computes the step; the last row does that on this CPU too.

| loader | items a second | range | against LeRobot | peak memory, mapped files included |
|---|---:|---|---:|---:|
{lines}

Cold, from opening the dataset until as many items as it has frames were handed out: an episode is decoded at most once, in order, a
pool of {found["cold"][0]["pool_episodes"]} episodes while the one before is trained on; pools are drawn by chance, and {found["cold"][0]["decoded_episodes"]} of {found["cold"][0]["num_episodes"]} episodes
came up. LeRobot seeks for each item; its first two batches, in which workers start
and videos are opened, are not counted. Every one of our batches mixes at least {mixed} episodes (wanted: {LEAST_EPISODES}). The cache takes
{found["cold"][0]["frame_bytes"] / 1e6:.2f} MB a frame.
"""


if __name__ == "__main__":
    main()
