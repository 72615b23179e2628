"""The attack suite: `python tests/bench/attacks FOLDER...` over folders of LeRobot datasets, writes docs/evidence/duplicates.md.

One third of the datasets of each task is for tuning: its honest pairs give the score at 0.1% false positives. Everything that
is reported is of the other two thirds. The fixed limits in `curation.duplicates.matching` were chosen on the sample community
and on pairs drawn from all of a first recording of the benchmark's, so only the recall by score is free of tuning.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from attacks import ATTACKS
from measure import AttackResult, attack, honest, threshold
from recordings import dataset_folders, honest_rows, published_row, read_recording, task_of
from report import report

from data_contracts.catalogue import FINGERPRINTS

SEED = 20261122


def main() -> None:
    """Fingerprints all episodes, attacks some, and writes the table."""
    options = _options()
    folders = dataset_folders(options.folders)
    tuned, reported = _divided(folders)
    tables = {folder: FINGERPRINTS.frame(honest_rows(folder)) for folder in folders}
    tuning, tuning_scores = honest(_together(tables, tuned), options.pairs)
    kept = _together(tables, reported)
    result, scores = honest(kept, options.pairs)
    limit = threshold(tuning_scores)
    attacks = run_attacks(kept, {folder.name: folder for folder in reported}, options.victims, limit)
    text = report(options, tuning, result, limit, float((scores <= limit).mean()), attacks)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    print(text)


def run_attacks(rows: pl.DataFrame, folders: dict[str, Path], num_victims: int, limit: float) -> list[AttackResult]:
    """Returns the outcome of each attack on the same victims, drawn evenly over the episodes."""
    candidates = rows.filter(pl.col("picture_signals").list.len() > 0).select("dataset_id", "episode_index").rows()
    places = np.unique(np.linspace(0, len(candidates) - 1, min(num_victims, len(candidates))).astype(int))
    results = []
    for number, (name, publish) in enumerate(ATTACKS.items()):
        copies, victims = [], []
        for copy, place in enumerate(places):
            rng = np.random.default_rng([SEED, number, copy])
            dataset, episode = candidates[place]
            others = [e for d, e in candidates if d == dataset and e != episode]
            other = int(rng.choice(others))
            recordings = [read_recording(folders[dataset], index) for index in (episode, other)]
            if set(recordings[0].cameras) != set(recordings[1].cameras):
                continue
            scratch = Path(tempfile.mkdtemp())
            codec = "av1" if name == "re-encode" else "h264"
            copies.append(published_row(publish(*recordings, rng), scratch / "d", "attacker__copies", copy, codec))
            shutil.rmtree(scratch)
            needs_both = name in ("two joined", "video of one, joints of another")
            victims.append([(dataset, episode), (dataset, other)] if needs_both else [(dataset, episode)])
        results.append(attack(name, rows, FINGERPRINTS.frame(copies), victims, limit))
        print(results[-1], flush=True)
    return results


def _divided(folders: list[Path]) -> tuple[list[Path], list[Path]]:
    """Returns the datasets for tuning, every third of a task, and those that are reported."""
    by_task: dict[str, list[Path]] = {}
    for folder in folders:
        by_task.setdefault(task_of(folder.name), []).append(folder)
    tuned = [folder for own in by_task.values() for folder in own[2::3]]
    return tuned, [folder for folder in folders if folder not in tuned]


def _together(tables: dict[Path, pl.DataFrame], folders: list[Path]) -> pl.DataFrame:
    """Returns the rows of distinct episodes; what is published twice already is no honest pair."""
    rows = pl.concat([FINGERPRINTS.frame([]), *(tables[folder] for folder in folders)])
    return rows.unique("episode_hash", keep="first", maintain_order=True).sort("dataset_id", "episode_index")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold LeRobot datasets")
    parser.add_argument("--victims", type=int, default=100, help="episodes that are attacked, each in every way")
    parser.add_argument("--pairs", type=int, default=100_000, help="honest pairs that are compared at most, per part")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/duplicates.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
