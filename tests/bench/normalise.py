"""Normalising beside LeRobot 0.4.4's v2.1-to-v3.0 converter: time and memory on the same sets, results compared by LeRobot.

    python -m tests.bench.normalise [--pairs 7] [--small 50] [--large 500] [--codec av1] [--out docs/evidence/normalise.md]

Each run is a process of its own on a fresh copy (hard links) of the set; the two take turns. What counts is the time of the
large set less that of the small one, so that start-up and imports are left out. Needs the peer (`make peer`).
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
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peer" / "bin" / "python"
COMPARE = ROOT / "tests" / "peer" / "compare_datasets.py"
CONVERTER = "lerobot.datasets.v30.convert_dataset_v21_to_v30"
BAR_TIME, BAR_MEMORY = 3.0, 0.5


@dataclass(frozen=True)
class Run:
    """One process: wall time, processor time, and the largest resident set that it or a child of it had."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--small", type=int, default=50)
    parser.add_argument("--large", type=int, default=500)
    parser.add_argument("--codec", choices=("av1", "h264"), default="av1")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evidence" / "normalise.md")
    parser.add_argument("--normalise", nargs=2, type=Path, metavar=("SRC", "DST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.normalise:
        normalise_all(*options.normalise)
        return
    with tempfile.TemporaryDirectory(prefix="normalise-bench-") as scratch:
        report = measure(Path(scratch), options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(report, encoding="utf-8")
    print(report)


def normalise_all(source: Path, target: Path) -> None:
    """Normalises every episode of a set: what the converter does too, without judging, whose table is made up here."""
    from curation.normalise import normalise
    from data_contracts.catalogue import EPISODES
    from data_contracts.manifests import RawDataset

    told = [json.loads(line) for line in (source / "meta" / "episodes.jsonl").read_text().splitlines()]
    rows = [
        {"dataset_id": source.name, "episode_index": episode["episode_index"], "num_frames": episode["length"],
         "duration_s": episode["length"] / 30, "is_kept": True, "reasons": []}
        for episode in told
    ]  # fmt: skip
    raw = RawDataset(
        dataset_id="bench__set", source="bench", path=str(source), revision="sha256:" + "0" * 64, contributor="bench",
        size_bytes=1, num_files=1,
    )  # fmt: skip
    target.mkdir(parents=True)
    normalise(source, EPISODES.frame(rows), raw, target)


def measure(scratch: Path, options: argparse.Namespace) -> str:
    sets = {n: scratch / f"set-{n}" for n in (options.small, options.large)}
    for size, folder in sets.items():
        # In processes of their own: a child starts with the peak memory of the one that it was forked from.
        subprocess.run(
            [sys.executable, "-m", "tests.bench.normalise_sets", str(folder), str(size), options.codec],
            check=True,
            cwd=ROOT,
        )
    runs: dict[str, dict[int, list[Run]]] = {"Deftworks": {}, "LeRobot 0.4.4": {}}
    for pair in range(options.pairs):
        for size, source in sets.items():
            for name, run in (("Deftworks", ours), ("LeRobot 0.4.4", theirs)):
                runs[name].setdefault(size, []).append(run(source, scratch / name.split()[0].lower() / str(size)))
                print(f"pair {pair + 1}, {size} episodes, {name}: {runs[name][size][-1]}", file=sys.stderr)
    agreement = {size: compare(scratch, size) for size in sets}
    return report_of(runs, agreement, options)


def ours(source: Path, work: Path) -> Run:
    remove(work)
    copy = linked(source, work / "source")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.bench.normalise", "--normalise", str(copy), str(work / "result")]
    return timed(command, environment)


def theirs(source: Path, work: Path) -> Run:
    remove(work)
    linked(source, work / "me" / "result")
    command = [
        str(PEER), "-m", CONVERTER, "--repo-id=me/result", f"--root={work}", "--push-to-hub=false",
    ]  # fmt: skip
    run = timed(command, os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hf"), "HOME": str(work)})
    (work / "me" / "result").rename(work / "result")
    return run


def timed(command: list[str], environment: dict[str, str]) -> Run:
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{log.read().decode()[-3000:]}")
    return Run(round(wall_s, 3), round(usage.ru_utime + usage.ru_stime, 3), round(usage.ru_maxrss / 1024, 1))


def compare(scratch: Path, size: int) -> str:
    """Returns what LeRobot says of the two results: rows, tasks and some frames of each."""
    folders = [str(scratch / name / str(size) / "result") for name in ("deftworks", "lerobot")]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(scratch / "hf")}
    done = subprocess.run([str(PEER), str(COMPARE), *folders], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"LeRobot reads the results differently:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])["said"]


def report_of(runs: dict[str, dict[int, list[Run]]], agreement: dict[int, str], options: argparse.Namespace) -> str:
    small, large = options.small, options.large
    differences = {
        name: [b.wall_s - a.wall_s for a, b in zip(of[small], of[large], strict=True)] for name, of in runs.items()
    }
    middle = {name: statistics.median(values) for name, values in differences.items()}
    peaks = {name: max(run.peak_mib for run in of[large]) for name, of in runs.items()}
    ratio = middle["LeRobot 0.4.4"] / middle["Deftworks"]
    cpu = {
        name: statistics.median(b.cpu_s - a.cpu_s for a, b in zip(of[small], of[large], strict=True))
        for name, of in runs.items()
    }
    share = peaks["Deftworks"] / peaks["LeRobot 0.4.4"]
    lines = [
        "# Normalising beside LeRobot 0.4.4's converter",
        "",
        f"`python -m tests.bench.normalise --pairs {options.pairs} --small {small} --large {large} --codec {options.codec}`: "
        f"generated v2.1 sets, six joints, two {options.codec} cameras of 480 x 640, 3 to 5 s an episode. Normalising",
        "plans names and units, hashes every episode and computes exact quantiles besides; judging is not part of it.",
        "The processes take turns; times are medians over the pairs.",
        "",
        f"| | {small} episodes | {large} episodes | difference | peak memory at {large} |",
        "|---|---|---|---|---|",
    ]
    for name, of in runs.items():
        walls = [statistics.median(run.wall_s for run in of[size]) for size in (small, large)]
        lines.append(f"| {name} | {walls[0]:.2f} s | {walls[1]:.2f} s | {middle[name]:.2f} s | {peaks[name]:.0f} MiB |")
    lines += [
        "",
        f"Ratio of the differences: **{ratio:.1f}** times faster (bar: {BAR_TIME:g}); "
        f"per pair {', '.join(f'{b / a:.1f}' for a, b in zip(*differences.values(), strict=True))}.",
        f"Processor time: {cpu['Deftworks']:.2f} s against {cpu['LeRobot 0.4.4']:.2f} s of difference, "
        f"{cpu['LeRobot 0.4.4'] / cpu['Deftworks']:.1f} times less; it is the steadier figure on a machine with other work.",
        f"Ratio of peak memory: **{share:.2f}** (bar: below {BAR_MEMORY:g}).",
        f"Bars: {'met' if ratio >= BAR_TIME and share < BAR_MEMORY else 'MISSED'}.",
        "",
        "LeRobot 0.4.4 loads both results:",
        "",
        *[f"- {size} episodes: {said}" for size, said in agreement.items()],
    ]
    return "\n".join(lines) + "\n"


def linked(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, copy_function=os.link)
    return target


def remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
