"""Which defect goes into which episode of which dataset: decided from names alone, so that a second run plans the same.

Defects of episodes share damaged datasets: up to a third of the episodes of one carry one defect each, the others stay as they
are. Defects of a dataset have one to themselves.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.curation.injection import Injection
from tests.bench.curation.subjects import Subject

DAMAGED_PART, DAMAGED_PART_OF_FEW = 3, 10
"""One episode in this many is damaged; fewer where only few codes are planted, so that a dataset is not full of one defect."""


@dataclass(frozen=True)
class Amount:
    """How many episodes get each injection of episodes, how many datasets each of datasets, and how many are used at all."""

    episodes: int
    datasets: int
    hosts: int | None = None
    damaged_part: int = DAMAGED_PART


FULL, QUICK = Amount(episodes=60, datasets=10), Amount(episodes=6, datasets=1, hosts=10)
REAL = Amount(episodes=6, datasets=0)


@dataclass(frozen=True)
class Variant:
    """One damaged dataset: `planted` are pairs of injection and episode, -1 where the whole dataset is meant."""

    subject: Subject
    planted: tuple[tuple[Injection, int], ...]

    @property
    def looks_at_videos(self) -> bool:
        return not self.planted or any(injection.looks == "videos" for injection, _ in self.planted)

    @property
    def name(self) -> str:
        planted = [[injection.name, episode] for injection, episode in self.planted]
        return f"{self.subject.id}: {planted or 'clean'}"


def plan(subjects: Sequence[Subject], injections: Sequence[Injection], amount: Amount) -> list[Variant]:
    """Returns the clean datasets as they are, then the damaged ones. A few hosts are taken at equal distances, of all worlds."""
    if amount.hosts is not None:
        subjects = subjects[:: -(-len(subjects) // amount.hosts)]
    variants = [Variant(subject, ()) for subject in subjects]
    shares: dict[tuple[int, str], list[Injection]] = defaultdict(list)
    for injection in injections:
        hosts = [number for number, subject in enumerate(subjects) if injection.fits(subject)]
        random.Random(injection.name).shuffle(hosts)
        if injection.scope == "dataset":
            variants += [Variant(subjects[host], ((injection, -1),)) for host in hosts[: amount.datasets]]
            continue
        for number in range(amount.episodes if hosts else 0):
            host = hosts[number % len(hosts)]
            # No more than there are episodes: a small corpus carries fewer defects and not the same ones twice.
            if number // len(hosts) < subjects[host].num_episodes:
                shares[host, _company(injection)].append(injection)
    for (host, company), planted in sorted(shares.items()):
        variants += _packed(subjects[host], planted, f"{subjects[host].id} {company}", amount.damaged_part)
    return variants


def _company(injection: Injection) -> str:
    """Returns a name that those injections share which may be planted into one dataset side by side."""
    family = "structure" if injection.code.startswith("structure.") else ""
    return f"{injection.looks} {family} {injection.code if injection.is_apart else ''}"


def _packed(subject: Subject, planted: list[Injection], seed: str, damaged_part: int) -> Iterator[Variant]:
    rng = random.Random(seed)
    rng.shuffle(planted)
    size = max(subject.num_episodes // damaged_part, 1)
    for start in range(0, len(planted), size):
        part = planted[start : start + size]
        episodes = rng.sample(range(subject.num_episodes), len(part))
        yield Variant(subject, tuple(zip(part, episodes, strict=True)))
