"""The prompts for a vision-language model: files in annotation/prompts/, known by their hash.

They are `string.Template`s. A changed prompt has another hash, so that labels made with it can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from data_contracts.errors import AnnotationError
from data_contracts.stages import digest_of

PROMPTS = Path(__file__).with_name("prompts")


@dataclass(frozen=True)
class Prompts:
    """`label` asks for a label (robot, cameras, duration_s, original); `correction` asks again after a `fault`."""

    label: str
    correction: str

    @property
    def hash(self) -> str:
        """sha256 over both texts."""
        return digest_of({"label": self.label, "correction": self.correction})

    def ask(self, *, robot: str, cameras: str, duration_s: str, original: str) -> str:
        return Template(self.label).substitute(robot=robot, cameras=cameras, duration_s=duration_s, original=original)

    def ask_again(self, fault: str) -> str:
        return Template(self.correction).substitute(fault=fault)


def read_prompts(folder: Path = PROMPTS) -> Prompts:
    """Returns the prompts of a folder. Raises AnnotationError where a file is missing."""
    try:
        return Prompts(
            label=(folder / "label_episode.md").read_text(encoding="utf-8"),
            correction=(folder / "correct_answer.md").read_text(encoding="utf-8"),
        )
    except OSError as error:
        raise AnnotationError(
            f"A prompt cannot be read from {error.filename}: {error.strerror}.", hint="Install Deftworks again."
        ) from error
