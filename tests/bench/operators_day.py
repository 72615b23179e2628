"""An operator's day: hundreds of datasets through the Dagster job, what the event log weighs, how long the pages take.

    python -m tests.bench.operators_day                     300 datasets, writes docs/evidence/operators_day.md
    python -m tests.bench.operators_day --datasets 20       a rehearsal, prints only

The datasets are made up (two episodes of two small videos each): it is Dagster and the lake that are measured here, not the
detectors.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.layout import Lake
from tools.dagster_jobs import run_job
from tools.serving import chromium, served

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "operators_day.md"
FOLDER = Path(".bench") / "operators_day"
REHEARSAL = 100
"""Fewer datasets than this only print."""
PAGES = {
    "the asset graph": ("/asset-groups", "policies"),
    "the catalogue of assets": ("/assets", "dataset_findings"),
    "partitions of dataset_findings": ("/assets/dataset_findings?view=partitions", "PARTITION"),
    "one partition of it": ("/assets/dataset_findings?view=partitions&partition=PARTITION", "num_episodes"),
    "its checks": ("/assets/dataset_findings?view=checks", "Fails where"),
    "the corpus": ("/assets/corpus", "corpus_hash"),
    "the runs": ("/runs", "curate_dataset"),
}
"""What it is called -> (address, a text that is there once the page is of use)."""


def main() -> None:
    """Runs the day and writes what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="removed first")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    community, lake = options.folder / "community", Lake.at(options.folder / "lake")
    names = make_community(community, options.datasets)
    figures: dict[str, str] = {}

    seconds, peak = deftworks("run", "--source", f"folder:{community}", "--until", "corpus", lake=lake)
    figures["the first run"] = (
        f"{seconds:.0f} s, {seconds / len(names):.2f} s a dataset; {peak / 2**20:.0f} MiB at its peak"
    )
    figures["the event log after it"] = log_size(lake, len(names))
    seconds, _ = deftworks("run", "--until", "corpus", lake=lake)
    figures["a second run, in which nothing changed"] = f"{seconds:.0f} s, {seconds / len(names):.2f} s a dataset"
    figures["the event log after that"] = log_size(lake, len(names))
    changed = names[len(names) // 2]
    (community / changed / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    with served("dagster", lake) as address:
        figures["one changed dataset, run again alone from the browser"] = f"{run_alone(address, changed):.0f} s"
        figures |= {f"page: {name}": took for name, took in page_times(address, names[0]).items()}
    report(figures, len(names))


def make_community(folder: Path, count: int) -> list[str]:
    """Writes `count` small datasets, each with other numbers; every tenth has lost a video."""
    from simulation.legacy_formats import LegacyEpisode, vector_feature, video_feature, write_v2

    joints = ("shoulder_pan.pos", "shoulder_lift.pos", "gripper.pos")
    cameras = ("observation.images.front", "observation.images.wrist")
    rng = np.random.default_rng(0)
    scene = rng.integers(40, 215, (64, 128, 3), dtype=np.uint8)
    videos = {
        key: np.stack([np.roll(scene, -step * t, 1)[:, :64] for t in range(40)]) for step, key in enumerate(cameras, 1)
    }
    names = []
    for number in range(count):
        phase_T = np.linspace(0, 3, 40) + number
        states = [
            np.stack([30 * np.sin(k * phase_T), 20 * np.cos(phase_T), 50 + 40 * np.sin(2 * phase_T)], 1) for k in (1, 2)
        ]
        episodes = [
            LegacyEpisode(
                {"observation.state": s.astype("f4"), "action": np.roll(s, -1, 0).astype("f4")},
                "Pick up the cube",
                videos,
            )
            for s in states
        ]
        names.append(f"maker-{number % 40:02d}__pick-cube-{number:03d}")
        features = {key: vector_feature(joints) for key in ("observation.state", "action")}
        features |= {key: video_feature(64, 64, 30, "h264") for key in cameras}
        write_v2(
            folder / names[-1], version="v2.1", fps=30, robot_type="so100", codec="h264", features=features, episodes=episodes
        )  # fmt: skip
        (folder / names[-1] / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
        if number % 10 == 9:
            next((folder / names[-1]).rglob("*.mp4")).unlink()
    return names


def deftworks(*arguments: str, lake: Lake) -> tuple[float, float]:
    """Runs a command, and returns its seconds and the peak memory of any child so far in bytes."""
    started = time.monotonic()
    command = [sys.executable, "-m", "deftworks", *arguments, "--home", str(lake.home), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024.0


def log_size(lake: Lake, num_datasets: int) -> str:
    """Returns what Dagster keeps, in MB, in all and per dataset."""
    files = [path.stat().st_size for path in lake.dagster.rglob("*") if path.is_file()]
    return f"{sum(files) / 1e6:.0f} MB in {len(files)} files, {sum(files) / 1e3 / num_datasets:.0f} kB a dataset"


def run_alone(address: str, dataset: str) -> float:
    """Lists the sources again and runs one partition, as the browser does; returns the seconds of both."""
    started = time.monotonic()
    for job, partition in (("crawl", None), ("curate_dataset", dataset)):
        if (status := run_job(address, job, partition)) != "SUCCESS":
            raise SystemExit(f"{job} of {dataset} ended as {status}.")
    return time.monotonic() - started


def page_times(address: str, partition: str) -> dict[str, str]:
    """Opens each page three times with a fresh cache of data, and returns the median until it shows what it is for."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(address, timeout=120_000)  # the program itself is loaded once and stays in the browser's cache
        page.wait_for_load_state("networkidle", timeout=120_000)
        return {name: _opened(page, f"{address}{path}", text, partition) for name, (path, text) in PAGES.items()}


def _opened(page: Any, url: str, text: str, partition: str) -> str:
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        page.goto(url.replace("PARTITION", partition), timeout=120_000)
        page.get_by_text(text.replace("PARTITION", partition)).first.wait_for(timeout=120_000)
        seconds.append(time.monotonic() - started)
    return f"{statistics.median(seconds):.1f} s"


def report(figures: dict[str, str], num_datasets: int) -> None:
    """Prints the figures, and writes them down when there were enough datasets to speak of."""
    lines = [
        "# An operator's day",
        "",
        f"`make bench-operators-day`: {num_datasets} made-up datasets of two episodes and two cameras each through the Dagster jobs, one after the",
    ]
    lines += [
        f"other on {os.cpu_count()} cores, then the Dagster UI in Chromium. Times depend on the machine; sizes do not.",
        "",
        "| what | measured |",
        "|---|---|",
    ]
    lines += [f"| {name} | {value} |" for name, value in figures.items()]
    text = "\n".join(lines) + "\n"
    print(text)
    if num_datasets >= REHEARSAL:
        EVIDENCE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
