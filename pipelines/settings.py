"""What an operator chose for one lake: its sources, its skills, its annotator. Kept in `<home>/settings.json`.

The command line writes it, Dagster reads it, so that the browser and the terminal work on the same thing.
"""

from __future__ import annotations

from pathlib import Path

from data_contracts.layout import Lake
from data_contracts.manifests import Manifest
from data_contracts.skills import Skills, read_skills

BUNDLED_SKILLS = Path(__file__).with_name("skills.toml")
UPLOADS = "uploads:"


class Settings(Manifest):
    """Sources are written `folder:PATH`; accepted contributions (`uploads:`) always belong to them."""

    sources: tuple[str, ...] = (UPLOADS,)
    skills_file: str | None = None
    annotator: str = "rules"
    base_recipe: str = "pretrain-small"

    def skills(self) -> Skills:
        """Returns the rows of skills.toml: the operator's file, or the one that comes with Deftworks."""
        return read_skills(Path(self.skills_file) if self.skills_file else BUNDLED_SKILLS)


def settings_path(lake: Lake) -> Path:
    """Returns where the settings of a lake are kept."""
    return lake.home / "settings.json"


def read_settings(lake: Lake) -> Settings:
    """Returns the lake's settings, or the defaults where none were written yet."""
    path = settings_path(lake)
    return Settings.read(path) if path.exists() else Settings()


def write_settings(lake: Lake, settings: Settings) -> Settings:
    """Stores the settings, with `uploads:` added to the sources, and returns what was stored."""
    sources = tuple(dict.fromkeys((*settings.sources, UPLOADS)))
    settings = settings.model_copy(update={"sources": sources})
    settings.write(settings_path(lake))
    return settings
