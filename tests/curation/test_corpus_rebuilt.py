"""The same recordings give the same corpus, byte for byte, in another place, on other threads, in another language."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = {
    "here": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C", "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
    "far/away": {
        "PYTHONHASHSEED": "4242", "TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8",
        "POLARS_MAX_THREADS": "3", "OMP_NUM_THREADS": "2",
    },
}  # fmt: skip


def deftworks(environment: dict[str, str], *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "deftworks", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name not in ("LANG", "DEFTWORKS_HOME")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=inherited | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_builds_in_two_environments_are_bit_identical(tmp_path, write_dataset):
    datasets = tmp_path / "recordings"
    write_dataset(datasets / "lab-a__pick-cube", [1, 2])
    write_dataset(datasets / "lab-b__copied", [2], licence=None)
    (datasets / "lab-c__empty" / "meta").mkdir(parents=True)
    (datasets / "lab-c__empty" / "meta" / "info.json").write_text("{")
    built = {}
    for place, environment in ENVIRONMENTS.items():
        source, home = tmp_path / place / "recordings", tmp_path / place / "lake"
        shutil.copytree(datasets, source)
        deftworks(environment, "run", "--source", f"folder:{source}", "--until", "corpus", "--home", home)
        files = {
            name: (home / "corpus" / name).read_bytes()
            for name in ("manifest.json", "episodes.parquet", "findings.parquet")
        }
        built[place] = files | {"report": deftworks(environment, "corpus", "report", "--json", "--home", home)}
        figures = json.loads(deftworks(environment, "corpus", "build", "--json", "--home", home))
        assert figures["states"]["accepted"] == 1
        assert (home / "corpus" / "manifest.json").read_bytes() == files["manifest.json"]
    one, other = built.values()
    assert [name for name in one if one[name] != other[name]] == []
    assert b"duplicate.exact_copy" in one["manifest.json"]
    assert str(tmp_path) not in one["report"] + one["manifest.json"].decode()
