"""The attack suite: `python tests/bench/attacks FOLDER...` over folders of LeRobot datasets, writes docs/evidence/duplicates.md.

Datasets whose running number is a multiple of three are for tuning, the others are reported: `--part tuning` runs the same on
the former, for whoever changes a limit. Nothing is fitted here; the limits stand in `curation.duplicates.comparison`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from attacks import ATTACKS
from measure import AttackResult, attack, honest
from recordings import dataset_folders, honest_rows, part_of, published_row, read_recording
from report import report

from data_contracts.catalogue import FINGERPRINTS

SEED = 20261122


def main() -> None:
    """Fingerprints the episodes of one part, attacks some, and writes the table."""
    options = _options()
    folders = [folder for folder in dataset_folders(options.folders) if part_of(folder.name) == options.part]
    rows = _together(folders)
    print(f"{rows.height} episodes fingerprinted", flush=True)
    result = honest(rows, options.pairs)
    print(result, flush=True)
    attacks = run_attacks(rows, {folder.name: folder for folder in folders}, options.victims)
    text = report(options.part, result, attacks)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    print(text)


def run_attacks(rows: pl.DataFrame, folders: dict[str, Path], num_victims: int) -> list[AttackResult]:
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
        results.append(attack(name, rows, FINGERPRINTS.frame(copies), victims))
        print(results[-1], flush=True)
    return results


def _together(folders: list[Path]) -> pl.DataFrame:
    """Returns the rows of distinct episodes; what is published twice already is no honest pair."""
    rows = pl.concat([FINGERPRINTS.frame([]), *(FINGERPRINTS.frame(honest_rows(folder)) for folder in folders)])
    return rows.unique("episode_hash", keep="first", maintain_order=True).sort("dataset_id", "episode_index")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold LeRobot datasets")
    parser.add_argument("--part", choices=["reported", "tuning"], default="reported")
    parser.add_argument("--victims", type=int, default=200, help="episodes that are attacked, each in every way")
    parser.add_argument("--pairs", type=int, default=100_000, help="honest pairs that are compared directly at most")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/duplicates.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
