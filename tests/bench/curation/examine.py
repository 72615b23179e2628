"""Makes one damaged dataset, has it judged blind, and keeps what was said, so that a second run does nothing again.

Two things are kept: the damaged datasets, until an injector changes, and the answers, until the code that judges changes.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.errors import DeftworksError
from data_contracts.stages import digest_of, file_sha256, write_json
from tests.bench.curation.copies import Copy, link_tree
from tests.bench.curation.injection import DoesNotFit, Target
from tests.bench.curation.plan import Variant
from tests.bench.curation.subjects import Subject

HERE = Path(__file__).parent
INJECTORS = ("copies.py", "injection.py", "inject_structure.py", "inject_tables.py", "structure_forms.py", "inject_time.py", "inject_motion.py", "inject_video.py", "inject_words.py")  # fmt: skip
ASKING = ("examine.py", "scores.py")
JUDGE = "curation.quality.judge"
CRASH = "crash"


@dataclass(frozen=True)
class Answer:
    """What was said of one variant. `findings` are (code, severity, episodes or None, message); `scores` code -> episode -> score.

    `left_out` are the planted pairs, by number, that did not fit; `touched` the episodes that carry a defect, also those that a
    planted one brought along. A crash is a finding called `crash`: no dataset may do that.
    """

    variant: Variant
    findings: list[tuple[str, str, list[int] | None, str]]
    scores: dict[str, dict[int, float]]
    left_out: frozenset[int]
    touched: frozenset[int]
    seconds: float

    def without_notes(self, codes: frozenset[str]) -> Answer:
        """Returns the answer without what is said of these codes as a mere note."""
        return replace(self, findings=[f for f in self.findings if not (f[0] in codes and f[1] == "note")])

    def episodes_with(self, code: str) -> set[int]:
        """Returns the episodes for which the code was raised; all of them where the dataset was meant."""
        everything = set(range(self.variant.subject.num_episodes))
        named = [everything if episodes is None else set(episodes) for c, _, episodes, _ in self.findings if c == code]
        return set().union(*named)

    def said_of(self, code: str) -> set[str]:
        return {message for c, _, _, message in self.findings if c == code}


def judge_digest() -> str:
    """Returns the digest of the code that judges: of every module of ours that it loads, and of the folders those lie in."""
    importlib.import_module(JUDGE)
    ours = ("curation.", "data_contracts.")
    files = {
        Path(m.__file__) for name, m in sys.modules.items() if name.startswith(ours) and getattr(m, "__file__", None)
    }
    files |= {
        path
        for folder in {file.parent for file in files}
        for path in folder.glob("*.py")
        if "quality" in str(folder) or "lerobot" in str(folder)
    }
    return _digest_of_files([*sorted(files), *(HERE / name for name in ASKING)])


def injector_digest() -> str:
    """Returns the digest of the code that plants."""
    return _digest_of_files([HERE / name for name in INJECTORS])


def _digest_of_files(paths: list[Path]) -> str:
    return digest_of([[path.name, file_sha256(path)] for path in paths])


def examine(variant: Variant, donors: tuple[Subject, ...], folder: Path, injectors: str, judge: str) -> Answer:
    """Returns the answer to one variant: the kept one, or a new one.

    Args:
        donors: clean datasets from which foreign pictures are taken.
        folder: where damaged datasets and answers are kept.
        injectors, judge: the digests of the code, taken once for a whole run.
    """
    key = hashlib.sha256(f"{variant.name} {_source_digest(variant.subject)} {injectors}".encode()).hexdigest()[:24]
    answers = folder / "answers" / f"{key}.json"
    kept = json.loads(answers.read_text()) if answers.is_file() else {}
    if kept.get("judge") != judge:
        damaged, planted = _damaged(variant, donors, folder / "variants" / key)
        begun = time.perf_counter()
        findings, scores = _judged(damaged, planted["dataset_id"], variant.looks_at_videos)
        kept = {
            "judge": judge, "variant": variant.name, "findings": findings, "scores": scores, "left_out": planted["left_out"],
            "touched": planted["touched"], "seconds": round(time.perf_counter() - begun, 3),
        }  # fmt: skip
        write_json(answers, kept)
    scores = {code: {int(episode): score for episode, score in of.items()} for code, of in kept["scores"].items()}
    findings = [tuple(finding) for finding in kept["findings"]]
    return Answer(variant, findings, scores, frozenset(kept["left_out"]), frozenset(kept["touched"]), kept["seconds"])


def _source_digest(subject: Subject) -> str:
    stage = subject.root / "stage.json"
    return json.loads(stage.read_text())["digest"] if stage.is_file() else file_sha256(subject.root / "meta/info.json")


def _damaged(variant: Variant, donors: tuple[Subject, ...], folder: Path) -> tuple[Path, dict[str, Any]]:
    """Returns the damaged dataset, and of it: the name it goes by, the planted pairs that did not fit, the episodes touched."""
    note = folder / "planted.json"
    root = folder / "dataset"
    if not note.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        without = frozenset() if variant.looks_at_videos else frozenset({"videos"})
        link_tree(variant.subject.root, root, without=without)
        write_json(note, {"variant": variant.name, **_plant(variant, donors, root)})
    return root, json.loads(note.read_text())


def _plant(variant: Variant, donors: tuple[Subject, ...], root: Path) -> dict[str, Any]:
    planted: dict[str, Any] = {"dataset_id": variant.subject.id, "left_out": [], "touched": []}
    if not variant.planted:
        return planted
    copy, touched = Copy(root), {episode for _, episode in variant.planted}
    for number, (injection, episode) in enumerate(variant.planted):
        rng = np.random.default_rng(
            list(hashlib.sha256(f"{variant.subject.id} {injection.name} {episode}".encode()).digest()[:8])
        )
        others = [donor for donor in donors if donor.id != variant.subject.id]
        donor = others[int(rng.integers(len(others)))] if others else None
        target = Target(copy, variant.subject.id, episode, rng, variant.subject, donor, touched)
        try:
            planted["dataset_id"] = injection.inject(target) or planted["dataset_id"]
        except DoesNotFit:
            planted["left_out"].append(number)
    copy.finish()
    return planted | {"touched": sorted(touched)}


def _judged(root: Path, dataset_id: str, looks_at_videos: bool) -> tuple[list[list[Any]], dict[str, dict[int, float]]]:
    from curation.quality.judge import judge, judge_unreadable
    from tests.bench.curation.scores import kept_scores

    try:
        with kept_scores() as scores:
            verdict = judge(root, dataset_id, has_videos=looks_at_videos).verdict
    except DeftworksError as error:
        verdict, scores = judge_unreadable(dataset_id, error).verdict, {}
    except Exception as error:  # the one thing that no dataset may bring about: it is counted, and the run goes on
        return [[CRASH, "gate", None, f"{type(error).__name__}: {error}"]], {}
    findings = [
        [f.code, f.severity, None if f.episodes is None else list(f.episodes), f.message] for f in verdict.findings
    ]
    return findings, scores
