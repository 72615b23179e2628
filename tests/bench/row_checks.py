"""How fast the checks of rows are, and how much memory they take, on one core: writes docs/evidence/row_checks.md.

    taskset -c 0 python tests/bench/row_checks.py CACHE_FOLDER [--episodes 50000] [--out docs/evidence/row_checks.md]

Three sets are generated once below CACHE_FOLDER: many datasets of 200 episodes (v2.1 and v3.0 in turn), one v3.0 dataset that
holds all episodes, and one of v2.1 with a file per episode. Each is judged in a process of its own. Episodes a second are
counted in processor time, which other processes on the machine do not disturb; time by the clock is given beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}
EPISODES_PER_DATASET = 200
BAR_EPISODES_PER_S = 100
BAR_PEAK_MB = 2048
FULL_EPISODES = 50_000


def main() -> None:
    options = _options()
    if options.judge:
        sys.stdout.write(json.dumps(judge_all(options.judge)))
        return
    from row_sets import write_set

    results = {}
    for name, num_datasets, num_episodes, version in _sets(options.episodes):
        folder = options.cache / f"{name}_{options.episodes}_{options.frames}"
        if not (folder / "done").exists():
            for seed, (part, of) in enumerate(zip(version, _parts(num_datasets, len(version)), strict=True)):
                write_set(folder / str(seed), num_datasets=of, num_episodes=num_episodes, version=part,
                          mean_frames=options.frames)  # fmt: skip
            (folder / "done").touch()
        command = [sys.executable, __file__, str(options.cache), "--judge", str(folder)]
        found = subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=True, capture_output=True, text=True)
        results[name] = json.loads(found.stdout)
        sys.stdout.write(f"{name}: {results[name]}\n")
    options.out.write_text(report(results, options))


def judge_all(folder: Path) -> dict[str, Any]:
    """Returns what judging every dataset below `folder` took, in this process and on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import resource

    import pyarrow as pa

    pa.set_cpu_count(1)
    from curation.quality import judge

    taken = _time_detectors()
    start, start_s = time.process_time(), time.perf_counter()
    num_episodes = num_frames = 0
    for info in sorted(folder.rglob("meta/info.json")):
        verdict = judge(info.parents[1], f"bench__{info.parents[1].name}", has_videos=False).verdict
        num_episodes, num_frames = num_episodes + verdict.num_episodes, num_frames + verdict.num_frames
    cpu_s = time.process_time() - start
    return {
        "episodes": num_episodes,
        "frames": num_frames,
        "cpu_s": cpu_s,
        "wall_s": time.perf_counter() - start_s,
        "reading_s": taken["reading"],
        "detectors_s": taken["detectors"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _time_detectors() -> dict[str, float]:
    """Wraps what reads rows, and what measures and detects, and returns where their processor time is added up."""
    from curation.quality import judge as judge_package
    from data_contracts import lerobot

    module = sys.modules[f"{judge_package.__module__}"]
    taken = {"reading": 0.0, "detectors": 0.0}
    places = {"read_episode": "reading", "describe_dataset": "reading", "summarise": "detectors", "run": "detectors"}

    def timed(function: Any, kind: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                taken[kind] += time.process_time() - start

        return call

    for name, kind in places.items():
        setattr(module, name, timed(getattr(module, name), kind))
    lerobot.open_dataset = timed(lerobot.open_dataset, "reading")
    return taken


def report(results: dict[str, dict[str, Any]], options: argparse.Namespace) -> str:
    """Returns the page of evidence."""
    lines = [
        "# Checks of rows: speed and memory",
        "",
        f"`taskset -c 0 python tests/bench/row_checks.py CACHE_FOLDER --episodes {options.episodes} --frames {options.frames}`",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; one core, one thread, "
        "one process per set; synthetic SO-100 episodes at 30 fps, no videos; files in the page cache or not as it came.",
        f"Bars: {BAR_EPISODES_PER_S} episodes a second on one core, {BAR_PEAK_MB} MiB.",
        "",
        "| set | episodes | frames each | episodes/s of processor time | by the clock | opening and reading | detectors | rest | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, r in results.items():
        rest = r["cpu_s"] - r["reading_s"] - r["detectors_s"]
        shares = [f"{part / r['cpu_s']:.0%}" for part in (r["reading_s"], r["detectors_s"], rest)]
        lines.append(
            f"| {name} | {r['episodes']} | {r['frames'] / r['episodes']:.0f} | {r['episodes'] / r['cpu_s']:.0f} "
            f"| {r['episodes'] / r['wall_s']:.0f} | {' | '.join(shares)} | {r['peak_mb']:.0f} |"
        )
    slowest = min(r["episodes"] / r["cpu_s"] for r in results.values())
    largest = max(r["peak_mb"] for r in results.values())
    is_met = slowest >= BAR_EPISODES_PER_S and largest <= BAR_PEAK_MB
    verdict = "met" if is_met else "not met"
    if options.episodes < FULL_EPISODES:
        verdict = f"shown for {options.episodes} episodes only; the bars are for {FULL_EPISODES}"
    lines += ["", f"Slowest set {slowest:.0f} episodes/s, largest peak {largest:.0f} MiB: {verdict}.", ""]
    return "\n".join(lines)


def _sets(num_episodes: int) -> list[tuple[str, int, int, tuple[str, ...]]]:
    """Returns name, number of datasets, episodes in each, and the versions that they are divided between."""
    return [
        ("many datasets", max(num_episodes // EPISODES_PER_DATASET, 2), EPISODES_PER_DATASET, ("v2.1", "v3.0")),
        ("one v3.0 dataset", 1, num_episodes, ("v3.0",)),
        ("one v2.1 dataset", 1, num_episodes, ("v2.1",)),
    ]


def _parts(number: int, num_parts: int) -> list[int]:
    return [number // num_parts + (part < number % num_parts) for part in range(num_parts)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cache", type=Path, help="folder for the generated sets, kept for the next run")
    parser.add_argument("--episodes", type=int, default=FULL_EPISODES)
    parser.add_argument("--frames", type=int, default=500, help="mean length of an episode")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/row_checks.md"))
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
