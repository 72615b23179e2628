"""The lines that the shop prints do what they say, as they stand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from marketplace.downloads import Bundle
from marketplace_ui.services.commands import act_lines, check_lines, folder_of, get_lines

NAME = "press-button-1.0.0"
BUNDLE = Bundle(
    Path("x.tar"),
    f"{NAME}.tar",
    3,
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:0",
)


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_the_digest_line_knows_the_file_from_another(tmp_path: Path):
    line = check_lines(BUNDLE, "http://localhost").splitlines()[0]
    (tmp_path / BUNDLE.name).write_bytes(b"abc")
    assert run(line, tmp_path).returncode == 0
    (tmp_path / BUNDLE.name).write_bytes(b"abd")
    assert run(line, tmp_path).returncode != 0


def test_an_address_is_one_word_of_the_shell(tmp_path: Path):
    line = get_lines(BUNDLE, "http://x/?a=1&b='$(touch evil)").splitlines()[0].replace("curl", "printf '%s\\n'")
    assert run(line, tmp_path).stdout.splitlines()[-1] == "http://x/?a=1&b='$(touch evil)"
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("title", ['Press "the" button', "a\nEND\nrm -rf x", "it's \\ here", 'x"]}; import os  #'])
def test_a_title_stays_a_string_of_the_program(title: str):
    lines = act_lines(folder_of(BUNDLE), title).splitlines()
    assert (lines.count("END"), len(lines)) == (1, 11)
    compile("\n".join(lines[2:-1]), "printed", "exec")
    assert "import os" not in "\n".join(lines[2:-1]).replace(lines[-2], "")
