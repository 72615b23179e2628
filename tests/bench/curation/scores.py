"""Listens to the continuous scores behind the findings while a dataset is judged, for the area under the curve.

`curation.quality.registry.SCORES` maps a code to a function of the facts of its scope; higher is worse. A function gives one
number for a camera or an episode, or one per episode for a dataset. Several cameras count as the worst of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def kept_scores() -> Iterator[dict[str, dict[int, float]]]:
    """While this is open, every call of the detectors also notes the scores: code -> episode -> score."""
    from curation.quality import judge, registry

    scores: dict[str, dict[int, float]] = defaultdict(dict)
    original, known = judge.run, getattr(registry, "SCORES", {})
    scope_of = {detector.code: detector.scope for detector in registry.DETECTORS}

    def run(scope: Any, facts: Any) -> Any:
        for code, score in known.items():
            if scope_of.get(code) == scope:
                for episode, value in _by_episode(score(facts), facts).items():
                    scores[code][episode] = max(value, scores[code].get(episode, -math.inf))
        return original(scope, facts)

    judge.run = run
    try:
        yield scores
    finally:
        judge.run = original


def _by_episode(score: Any, facts: Any) -> dict[int, float]:
    if score is None:
        return {}
    if isinstance(score, dict):
        return {
            int(episode): float(value) for episode, value in score.items() if value is not None and math.isfinite(value)
        }
    episode = getattr(facts, "episode", getattr(facts, "index", None))
    return {int(episode): float(score)} if episode is not None and math.isfinite(score) else {}
