"""What an injection is: one defect, in one form, at one strength, planted into an episode or a dataset of a copy.

Nothing of `curation` is imported here or by the injectors: what looks for defects must not be made of what plants them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from tests.bench.curation.copies import Copy, Rows
from tests.bench.curation.subjects import Reach, Subject

Scope = Literal["episode", "dataset"]
Looks = Literal["rows", "videos"]


class DoesNotFit(Exception):
    """This dataset or episode cannot carry the defect: it is too short, has no such joint, or lacks the file."""


@dataclass(frozen=True)
class Target:
    """Where a defect is planted. `episode` is -1 for injections into the dataset.

    `name` is the dataset's id, `clean` the dataset before it was copied, `donor` another clean one. `touched` are the episodes
    that carry a defect; who changes one more adds it.
    """

    copy: Copy
    name: str
    episode: int
    rng: np.random.Generator
    clean: Subject
    donor: Subject | None = None
    touched: set[int] = field(default_factory=set)

    @property
    def reach(self) -> Reach:
        return self.clean.reach

    def as_it_was(self) -> Copy:
        """Returns the dataset before any defect, to read other episodes from."""
        return Copy(self.clean.root)

    def rows(self) -> Rows:
        return self.copy.rows(self.episode)

    def set_rows(self, rows: Rows) -> None:
        self.copy.set_rows(self.episode, rows)

    def camera(self) -> str:
        """Returns a camera whose frames of the episode lie in a file of their own."""
        whole = [key for key in self.copy.video_keys if self.copy.video_file(max(self.episode, 0), key)]
        if not whole:
            raise DoesNotFit("no video file of its own")
        return whole[int(self.rng.integers(len(whole)))]

    def joint(self, key: str) -> int:
        """Returns one of the dimensions that really move: at least a tenth of the largest reach of the vector."""
        low_D, high_D = self.reach[key]
        moving = np.flatnonzero(high_D - low_D >= 0.1 * (high_D - low_D).max())
        return int(self.rng.choice(moving))


def anywhere(subject: Subject) -> bool:
    """Every dataset can carry it, as far as is known before trying."""
    return True


Inject = Callable[[Target], "str | None"]
"""Changes the copy. May return the name under which the dataset is then judged."""


@dataclass(frozen=True)
class Injection:
    """`code` is what a good inspection reports, `also` what it may say in its place. `rank`: 0 weakest, 1 middle, 2 strongest.

    `looks` says whether pictures must be opened to see it, `fits` which datasets can carry it. One that is kept `apart` shares
    a damaged dataset with none of another code, because it changes what is usual there. A control changes nothing that is
    wrong (encoding again, a cut): whatever is raised because of it is false.
    """

    code: str
    form: str
    strength: str
    rank: int
    inject: Inject
    scope: Scope = "episode"
    looks: Looks = "rows"
    also: frozenset[str] = frozenset()
    fits: Callable[[Subject], bool] = anywhere
    is_apart: bool = False
    is_control: bool = False

    @property
    def name(self) -> str:
        return f"{self.code} / {self.form} / {self.strength}"

    @property
    def codes(self) -> frozenset[str]:
        return self.also | {self.code}


def graded(
    code: str, form: str, strengths: Sequence[tuple[str, Any]], inject: Callable[[Target, Any], Any], **more: Any
) -> tuple[Injection, ...]:
    """Returns one injection per strength, weakest first. A single strength counts as the middle one."""
    return tuple(
        Injection(code, form, label, rank if len(strengths) > 1 else 1, partial(_with_value, inject, value), **more)
        for rank, (label, value) in enumerate(strengths)
    )


def single(code: str, form: str, inject: Inject, **more: Any) -> Injection:
    """Returns an injection that is either there or not."""
    return Injection(code, form, "-", 1, inject, **more)


def _with_value(inject: Callable[[Target, Any], Any], value: Any, target: Target) -> Any:
    return inject(target, value)
