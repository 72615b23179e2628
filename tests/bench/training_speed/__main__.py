"""Training steps and action chunks beside LeRobot 0.4.4: `python -m tests.bench.training_speed` writes docs/evidence/training_speed.md.

Every case runs in a process of its own, ours and LeRobot's in turn, in several rounds; what is compared are medians over all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from policy.tokenizer import train_tokenizer
from policy.vlm import published_vlm_config
from policy.vlm_files import save_vlm
from tests.bench.training_speed.report import report

HERE = Path(__file__).parent
KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
"""What our training does by itself (training.memory); LeRobot gets it in the cases that are not as its users run it."""
ROOT = HERE.parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "training_speed.md"
BATCHES = (1, 4)
PEER = ROOT / ".peer" / "bin" / "python"

OURS: dict[str, dict[str, Any]] = {
    **{
        f"train {name}, batch {batch}": {"what": "train", "precision": precision, "cached": cached, "batch": batch}
        for batch in BATCHES
        for name, precision, cached in (
            ("float32", "float32", False), ("bfloat16", "bfloat16", False), ("bfloat16, tokens cached", "bfloat16", True),
        )
    },
    **{f"act {precision}": {"what": "act", "precision": precision} for precision in ("float32", "bfloat16")},
    "embed bfloat16": {"what": "embed", "precision": "bfloat16"},
}  # fmt: skip
THEIRS: dict[str, dict[str, Any]] = {
    **{
        f"train {name}, batch {batch}": {"what": "train", "precision": precision, "fused": fused, "batch": batch}
        for batch in BATCHES
        for name, precision, fused in (
            ("as users run it", "float32", False), ("autocast", "autocast", True), ("bfloat16 towers", "bfloat16", True),
        )
    },
    "act as users run it": {"what": "act", "precision": "float32"},
    "act bfloat16 towers": {"what": "act", "precision": "bfloat16"},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training_speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often every case is run")
    parser.add_argument(
        "--times", type=int, default=5, help="steps or chunks that are timed in a case, after two that are not"
    )
    parser.add_argument("--out", type=Path, default=EVIDENCE)
    chosen = parser.parse_args()
    peer = Path(os.environ.get("DEFTWORKS_PEER_PYTHON") or PEER)
    if not peer.is_file():
        raise SystemExit(f"LeRobot 0.4.4 is not at {peer}: build it with `make peer`, or set DEFTWORKS_PEER_PYTHON.")
    with tempfile.TemporaryDirectory() as folder:
        save_vlm(Path(folder), published_vlm_config(), train_tokenizer(["Press the button"]))
        ours, theirs = _measured(chosen.rounds, chosen.times, peer, folder)
    rates, gap = (_run([sys.executable, "ours.py"], {"what": what, "times": 8}, str(ROOT)) for what in ("rates", "gap"))
    chosen.out.write_text(report(ours, theirs, rates, gap), encoding="utf-8")
    sys.stdout.write(f"written: {chosen.out}\n")


def _measured(rounds: int, times: int, peer: Path, vlm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the answers of both sides by case; the cases of one kind follow each other, ours and theirs in turn."""
    answers: tuple[dict[str, list[Any]], dict[str, list[Any]]] = {}, {}
    for number in range(rounds):
        for kind in [f"batch {batch}" for batch in BATCHES] + ["act", "embed"]:
            for side, cases in enumerate((OURS, THEIRS)):
                for name, case in cases.items():
                    if not (name.endswith(kind) or name.startswith(kind)):
                        continue
                    command = [sys.executable, "ours.py"] if side == 0 else [str(peer), "lerobots.py"]
                    case = case | {"times": times} | ({} if side == 0 else {"vlm": vlm})
                    answer = _run(command, case, str(ROOT) if side == 0 else "")
                    answers[side].setdefault(name, []).append(answer)
                    who = ("Deftworks", "LeRobot")[side]
                    sys.stderr.write(f"round {number + 1}: {who}, {name}: {answer['median_s']:.3f} s\n")
    ours, theirs = ({name: _joined(found) for name, found in of_side.items()} for of_side in answers)
    return ours, theirs


def _joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = [second for answer in answers for second in answer["seconds"]]
    peak = max((answer["peak_bytes"] for answer in answers if "peak_bytes" in answer), default=None)
    return {"median_s": statistics.median(seconds), "best_s": min(seconds), "worst_s": max(seconds), "peak_bytes": peak,
            "operations": answers[0].get("operations")}  # fmt: skip


def _run(command: list[str], case: dict[str, Any], python_path: str) -> dict[str, Any]:
    is_tuned = "lerobots.py" in command and case["precision"] != "float32"
    memory = KEEP_FREED_MEMORY if is_tuned else {}
    done = subprocess.run(
        [command[0], str(HERE / command[1]), json.dumps(case)],
        env=os.environ | {"PYTHONPATH": python_path, "HF_HUB_OFFLINE": "1"} | memory, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{command[1]} {json.dumps(case)} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
