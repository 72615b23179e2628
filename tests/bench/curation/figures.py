"""Recall, false positives and areas under the curve from the answers, beside the two baselines. Numbers only: text is `report`."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.curation.examine import CRASH, Answer
from tests.bench.curation.injection import Injection

DESCRIBED = frozenset({"motion.unit_convention", "motion.zero_convention"})
"""Codes whose notes say how things are, without blame: on clean data they do not count, on damaged data where they are new."""
ALLOWED_FALSE = 0.01
Z_95 = 1.959964


@dataclass(frozen=True)
class Share:
    """`hits` of `n`, with Wilson's 95% interval (Wilson 1927)."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        if not self.n:
            return math.nan, math.nan
        middle = (self.value + Z_95**2 / (2 * self.n)) / (1 + Z_95**2 / self.n)
        half = (
            Z_95
            / (1 + Z_95**2 / self.n)
            * math.sqrt(self.value * (1 - self.value) / self.n + Z_95**2 / (4 * self.n**2))
        )
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True)
class Figures:
    """What one injection came to. Units are episodes, or datasets for defects of a dataset.

    `recall` and `false` are at the detector's own operating point. `recall_by_score` is at the threshold that lets 1% of the clean
    units pass, None where the code has no score. The two baselines are areas under the curve of scores that know nothing of the
    defect: the episode's length (the better of long, short and unusual) and chance.
    """

    injection: Injection
    recall: Share
    false: Share
    auroc: float
    is_scored: bool
    recall_by_score: float | None
    length_auroc: float
    random_auroc: float
    severities: tuple[str, ...]
    left_out: int

    @property
    def holds(self) -> bool:
        """Recall of at least 0.95 at no more than 1% false positives, at its own operating point or by its score."""
        at_its_point = (
            self.recall.value >= 0.95 and not self.false.value > ALLOWED_FALSE
        )  # none, where no clean unit counts
        return at_its_point or (self.recall_by_score or 0) >= 0.95


@dataclass(frozen=True)
class _Unit:
    """One episode (or dataset): was the code raised, how high is its score, how long is it and how far from the usual."""

    is_raised: bool
    score: float | None
    length: float
    oddness: float


def area(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Returns the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    if not positives or not negatives:
        return math.nan
    low = np.sort(np.asarray(negatives))
    below = np.searchsorted(low, positives, side="left")
    not_above = np.searchsorted(low, positives, side="right")
    return float((below + not_above).mean() / 2 / len(low))


def figures(injections: Iterable[Injection], answers: Sequence[Answer]) -> list[Figures]:
    """Returns the figures of every injection that was planted somewhere, in the order of `injections`."""
    clean = [answer for answer in answers if not answer.variant.planted]
    planted: dict[str, list[tuple[Answer, int, bool]]] = defaultdict(list)
    for answer in answers:
        for number, (injection, episode) in enumerate(answer.variant.planted):
            planted[injection.name].append((answer, episode, number in answer.left_out))
    said_by_clean = {answer.variant.subject.id: answer for answer in clean}
    return [
        _figures(injection, planted[injection.name], clean, said_by_clean)
        for injection in injections
        if planted[injection.name] and not injection.is_control
    ]


def _figures(
    injection: Injection, planted: list[tuple[Answer, int, bool]], clean: list[Answer], said_by_clean: dict[str, Answer]
) -> Figures:
    positives = [_unit(injection, answer, episode, said_by_clean) for answer, episode, is_out in planted if not is_out]
    negatives = [unit for answer in clean for unit in _clean_units(injection, answer)]
    is_scored = injection.scope == "episode" and any(unit.score is not None for unit in negatives)
    scores = [
        [_score(unit) if is_scored else float(unit.is_raised) for unit in units] for units in (positives, negatives)
    ]
    chance = random.Random(injection.name)
    return Figures(
        injection=injection,
        recall=Share(sum(unit.is_raised for unit in positives), len(positives)),
        false=Share(sum(unit.is_raised for unit in negatives), len(negatives)),
        auroc=area(*scores),
        is_scored=is_scored,
        recall_by_score=_recall_at(ALLOWED_FALSE, *scores) if is_scored and negatives else None,
        length_auroc=_best_by_length(positives, negatives),
        random_auroc=area([chance.random() for _ in positives], [chance.random() for _ in negatives]),
        severities=tuple(
            sorted({s for answer, _, _ in planted for c, s, _, _ in answer.findings if c in injection.codes})
        ),
        left_out=sum(is_out for _, _, is_out in planted),
    )


def _unit(injection: Injection, answer: Answer, episode: int, said_by_clean: dict[str, Answer]) -> _Unit:
    subject = answer.variant.subject
    clean = said_by_clean[subject.id]
    is_raised = False
    for code in injection.codes:
        # What is true of the clean dataset too counts as found only where something new is said.
        is_new = code not in subject.known | DESCRIBED or answer.said_of(code) - clean.said_of(code)
        named = answer.episodes_with(code)
        is_raised |= bool(is_new) and (bool(named) if injection.scope == "dataset" else episode in named)
        is_raised |= injection.scope == "dataset" and not named and bool(answer.said_of(code))
    return _measured(injection, answer, episode, is_raised)


def _clean_units(injection: Injection, answer: Answer) -> list[_Unit]:
    subject = answer.variant.subject
    if injection.code in subject.known:
        return []
    answer = answer.without_notes(DESCRIBED)
    named = answer.episodes_with(injection.code)
    if injection.scope == "dataset":
        return [_measured(injection, answer, -1, bool(answer.said_of(injection.code)))]
    return [_measured(injection, answer, episode, episode in named) for episode in range(subject.num_episodes)]


def _measured(injection: Injection, answer: Answer, episode: int, is_raised: bool) -> _Unit:
    lengths = answer.variant.subject.lengths
    usual = float(np.median(lengths))
    length = usual if episode < 0 else lengths[episode]
    return _Unit(is_raised, answer.scores.get(injection.code, {}).get(episode), length, abs(length - usual))


def _score(unit: _Unit) -> float:
    """An episode of which the detector says nothing (a camera with too few others) is the least suspicious."""
    return -math.inf if unit.score is None else unit.score


def _best_by_length(positives: list[_Unit], negatives: list[_Unit]) -> float:
    """Returns the better of three: long is suspicious, short is, unusual is. Lengths are those before the defect."""
    by_length = area([unit.length for unit in positives], [unit.length for unit in negatives])
    by_oddness = area([unit.oddness for unit in positives], [unit.oddness for unit in negatives])
    return max(by_length, 1 - by_length, by_oddness)


def _recall_at(allowed: float, positives: list[float], negatives: list[float]) -> float:
    """Returns the share of positives above the score that `allowed` of the negatives reach."""
    threshold = np.sort(negatives)[::-1][int(allowed * len(negatives))]
    return float(np.mean(np.asarray(positives) > threshold))


def crashes(answers: Iterable[Answer]) -> list[str]:
    """Returns what no dataset may bring about: the errors that came through, each with what was planted."""
    return [f"{answer.variant.name}: {m}" for answer in answers for code, _, _, m in answer.findings if code == CRASH]


def raised_on_controls(answers: Iterable[Answer]) -> dict[str, dict[str, Share]]:
    """Returns, by control and strength, how often each code was raised for an episode in which nothing is wrong."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts: dict[str, int] = defaultdict(int)
    for answer in (answer.without_notes(DESCRIBED) for answer in answers):
        for number, (injection, episode) in enumerate(answer.variant.planted):
            if not injection.is_control or number in answer.left_out:
                continue
            counts[f"{injection.form}, {injection.strength}"] += 1
            for code in {code for code, *_ in answer.findings} - answer.variant.subject.known:
                found[f"{injection.form}, {injection.strength}"][code] += episode in answer.episodes_with(code)
    return {
        control: {code: Share(hits, counts[control]) for code, hits in found[control].items() if hits}
        | {"": Share(0, counts[control])}
        for control in counts
    }


def raised_on_untouched(answers: Iterable[Answer]) -> dict[str, Share]:
    """Returns how often each code was raised for an episode that stayed as it was, in a dataset of which others were damaged."""
    hits: dict[str, int] = defaultdict(int)
    total = 0
    for answer in (answer.without_notes(DESCRIBED) for answer in answers):
        if not answer.touched or -1 in answer.touched:
            continue
        untouched = set(range(answer.variant.subject.num_episodes)) - answer.touched
        total += len(untouched)
        for code in {
            code for code, _, episodes, _ in answer.findings if episodes is not None
        } - answer.variant.subject.known:
            hits[code] += len(answer.episodes_with(code) & untouched)
    return {code: Share(count, total) for code, count in sorted(hits.items()) if count}
