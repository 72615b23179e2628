"""Who may import whom, and what a light import must not load."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]
ROOMS = sorted(
    path.parent.name for path in ROOT.glob("*/__init__.py") if not path.parent.name.startswith((".", "tests"))
)
HEAVY = ("torch", "transformers", "mujoco", "datasets", "duckdb", "av", "dagster", "streamlit", "stripe")


def test_every_room_is_under_the_import_rules():
    settings = (ROOT / "pyproject.toml").read_text().split("[tool.importlinter]")[1]
    assert [room for room in ROOMS if f'"{room}"' not in settings] == []


def test_the_import_rules_hold(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports() == EXIT_STATUS_SUCCESS, "run lint-imports to see which import breaks which rule"


def test_a_sibling_import_would_be_found(tmp_path, monkeypatch):
    """The rule of pyproject.toml, over copies of two rooms with a planted sibling import, fails."""
    for room in ("curation_room", "training_room"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "training_room" / "planted.py").write_text("import curation_room\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_packages =\n    curation_room\n    training_room\n"
        "[importlinter:contract:layers]\nname = layers\ntype = layers\nlayers =\n    curation_room | training_room\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert lint_imports(config_filename=".importlinter", cache_dir=None) == EXIT_STATUS_ERROR


@pytest.mark.parametrize("module", [*ROOMS, "deftworks.cli", "data_contracts.layout", "data_contracts.errors"])
def test_a_room_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


def test_the_command_line_does_not_even_load_tables():
    code = "import sys, deftworks.cli; print([n for n in ('polars', 'numpy', 'pydantic', 'rich.table') if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"
