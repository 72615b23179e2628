"""Listens to the continuous scores behind the findings while a dataset is judged, for the area under the curve.

`curation.quality.registry.SCORES` maps a code to a function of an episode's facts, `DATASET_SCORES` one to a function of the
dataset's facts that gives a number per episode; higher is worse.
"""

from __future__ import annotations

import importlib
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OF_PICTURES = ("video.", "agreement.", "time.video_")
HUGE = 1e300


@contextmanager
def kept_scores() -> Iterator[dict[str, dict[int, float]]]:
    """While this is open, every call of the detectors also notes the scores: code -> episode -> score."""
    from curation.quality import registry

    judge = importlib.import_module("curation.quality.judge")  # the package gives this name to the function in it

    scores: dict[str, dict[int, float]] = defaultdict(dict)
    original = judge.run

    def run(scope: Any, facts: Any) -> Any:
        if scope == "episode":
            for code, score in registry.SCORES.items():
                if facts.cameras or not code.startswith(OF_PICTURES):
                    scores[code][facts.index] = _finite(score(facts))
        if scope == "dataset":
            for code, score_all in registry.DATASET_SCORES.items():
                if facts.videos or not code.startswith(OF_PICTURES):
                    scores[code] = {episode: _finite(value) for episode, value in score_all(facts).items()}
        return original(scope, facts)

    judge.run = run
    try:
        yield scores
    finally:
        judge.run = original


def _finite(score: float) -> float:
    """JSON knows no infinity, and the order of scores is all that counts."""
    return float(min(max(score, -HUGE), HUGE)) if not math.isnan(score) else -HUGE
