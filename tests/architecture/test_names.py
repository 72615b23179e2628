"""Names: nothing in the shop's folder may hide a library, and no module may be a grab-bag."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "marketplace_ui"
GRAB_BAGS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def shadowing(folder: Path) -> list[str]:
    """Names below `folder` that hide a module of the standard library or of an installed distribution.

    Streamlit puts the entry script's folder first on sys.path, so a `datasets.py` there replaces the library.
    """
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    return sorted(
        path.stem for path in folder.iterdir() if (path.suffix == ".py" or path.is_dir()) and path.stem in taken
    )


def test_no_module_of_the_shop_hides_a_library():
    assert [name for name in shadowing(SHOP) if name != "__init__"] == []


@pytest.mark.parametrize("name", ["datasets", "queue", "calendar", "statistics"])
def test_a_shadowing_module_would_be_found(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("")
    assert shadowing(tmp_path) == [name]


def test_no_module_is_a_grab_bag():
    sources = [path for path in ROOT.glob("*/**/*.py") if not path.relative_to(ROOT).parts[0].startswith(".")]
    assert [str(path.relative_to(ROOT)) for path in sources if path.stem in GRAB_BAGS] == []
