"""docs/evidence/training_speed.md from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

Answers = Mapping[str, Mapping[str, Any]]

HEADER = """# Speed of training and acting, beside LeRobot 0.4.4

`make bench-training`: the full model, 450 M parameters with random weights, two cameras of 480x640 letterboxed to 512x512, 48 words,
chunks of 50 actions; 99.9 M parameters trained. Seconds are medians over all rounds; each case runs in a process of its own, ours
and LeRobot's in turn. LeRobot's cases other than "as users run it" get what none of its users sets: fused AdamW, and an allocator
that keeps freed memory.
"""
WANTED = """
The project wants: a step 3 times faster than LeRobot as users run it and 1.3 times faster than its best in the same precision, 8
times with image tokens cached; a chunk 4 times faster; less memory.
"""


def report(ours: Answers, theirs: Answers, rates: Mapping[str, float], gap: Mapping[str, float]) -> str:
    """Returns the document."""
    parts = [HEADER, _machine(rates), WANTED, "## Training steps\n"]
    for batch in (1, 4):
        parts.append(_steps(ours, theirs, rates, batch))
    parts += ["## Action chunks\n", _chunks(ours, theirs, rates), _cache(ours), _gap(gap)]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _machine(rates: Mapping[str, float]) -> str:
    can = torch.cpu.get_capabilities()
    matrix = "AMX" if can["amx_bf16"] else "AVX-512 with bfloat16, no AMX" if can["avx512_bf16"] else "no bfloat16"
    return (
        f"Machine: {can['cpu_name']}, {torch.get_num_threads()} threads ({matrix}); large matrix products run at "
        f"{rates['float32'] / 1e9:,.0f} GFLOP/s in float32 and {rates['bfloat16'] / 1e9:,.0f} in bfloat16, copies at "
        f"{rates['bytes'] / 1e9:.1f} GB/s. No GPU was at hand: nothing here was measured on one."
    )


def _steps(ours: Answers, theirs: Answers, rates: Mapping[str, float], batch: int) -> str:
    default = theirs[f"train as users run it, batch {batch}"]
    best = min(
        (theirs[f"train {name}, batch {batch}"] for name in ("autocast", "bfloat16 towers")),
        key=lambda a: a["median_s"],
    )
    lines = [f"### Batch {batch}", "", "| case | s | range | memory | against its default | against its best in bfloat16 | floor |",
             "|---|---:|---|---:|---:|---:|---:|"]  # fmt: skip
    for name in ("as users run it", "autocast", "bfloat16 towers"):
        lines.append(_row(f"LeRobot, {name}", theirs[f"train {name}, batch {batch}"], default, best, None))
    for name in ("float32", "bfloat16", "bfloat16, tokens cached"):
        answer = ours[f"train {name}, batch {batch}"]
        rate = rates["float32" if name == "float32" else "bfloat16"]
        lines.append(_row(f"Deftworks, {name}", answer, default, best, answer["operations"] / rate))
    return "\n".join([*lines, ""])


def _chunks(ours: Answers, theirs: Answers, rates: Mapping[str, float]) -> str:
    default, best = theirs["act as users run it"], theirs["act bfloat16 towers"]
    lines = ["| case | s | range | memory | against its default | against its best in bfloat16 | floor |", "|---|---:|---|---:|---:|---:|---:|"]  # fmt: skip
    lines += [_row("LeRobot, as users run it", default, default, best, None), _row("LeRobot, bfloat16 towers", best, default, best, None)]  # fmt: skip
    for precision in ("float32", "bfloat16"):
        answer = ours[f"act {precision}"]
        lines.append(_row(f"Deftworks, {precision}", answer, default, best, answer["operations"] / rates[precision]))
    return "\n".join([*lines, ""])


def _row(
    name: str, answer: Mapping[str, Any], default: Mapping[str, Any], best: Mapping[str, Any], floor_s: float | None
) -> str:
    ratios = (f"{other['median_s'] / answer['median_s']:.2f}x" for other in (default, best))
    floor = "-" if floor_s is None else f"{floor_s:.2f} s"
    spread = f"{answer['best_s']:.2f} to {answer['worst_s']:.2f}"
    return f"| {name} | {answer['median_s']:.2f} | {spread} | {answer['peak_bytes'] / 2**30:.2f} GiB | {' | '.join(ratios)} | {floor} |"  # fmt: skip


def _cache(ours: Answers) -> str:
    frame = ours["embed bfloat16"]["median_s"]
    step, cached = (ours[f"train {name}, batch 4"]["median_s"] for name in ("bfloat16", "bfloat16, tokens cached"))
    saved = (step - cached) / 8
    return (
        "Floor: operations of the step (counted by torch, forward and backward) over the measured matrix rate; what lies between is "
        "memory traffic (AdamW alone moves 28 bytes for each of 99.9 M weights), narrow products and everything that is no product.\n\n"
        f"**The cache of image tokens** costs {frame:.2f} s a frame and camera once, and 123 kB of disk. At batch 4 it saves "
        f"{saved:.2f} s for every frame and camera that a step reads, so it has paid for itself after {frame / max(saved, 1e-9):.1f} "
        "epochs."
    )


def _gap(gap: Mapping[str, float]) -> str:
    return f"""
## What bfloat16 costs in accuracy

Same random weights, noise and times, batch 4, against float32.

- Training (frozen towers in bfloat16, float32 weights multiplied in bfloat16): mean loss {gap["loss_bfloat16"]:.5f} against
  {gap["loss"]:.5f}; the largest difference of an element's squared error is {gap["largest_elementwise"]:.4f}.
- Acting (both towers in bfloat16): normalised actions differ by {gap["action_gap_rms"]:.4f} (root mean square) and at most
  {gap["action_gap_largest"]:.4f}, where they themselves are {gap["action_rms"]:.3f}.
"""
