"""What the README and the docs tell people to type exists."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from deftworks.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def code(text: str) -> str:
    """Returns what stands in code blocks and code spans."""
    blocks = re.findall(r"```(?:sh|bash|console|)\n(.*?)```", text, re.DOTALL)
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def unknown_make_targets(text: str) -> list[str]:
    """Returns `make X` that the Makefile does not have."""
    return sorted(set(re.findall(r"\bmake ([a-z][a-z-]*)", code(text))) - TARGETS)


def unknown_commands(text: str) -> list[str]:
    """Returns `deftworks X --y` whose command or option does not exist."""
    wrong = []
    for line in re.findall(r"(?:^|\s|/)deftworks((?: [^\s`|#;]+)*)", code(text), re.MULTILINE):
        words, command, name = line.split(), get_command(app), "deftworks"
        while words and hasattr(command, "commands"):
            name, word = f"{name} {words[0]}", words.pop(0)
            if word.startswith("-"):
                break
            if word not in command.commands:
                wrong.append(name)
                break
            command = command.commands[word]
        else:
            known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
            wrong += [f"{name} {word}" for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists(page):
    text = page.read_text(encoding="utf-8")
    assert unknown_make_targets(text) == []
    assert unknown_commands(text) == []


def test_a_wrong_command_would_be_found():
    assert unknown_make_targets("`make demoo`") == ["demoo"]
    assert unknown_commands("```sh\ndeftworks runn\n```") == ["deftworks runn"]
    assert unknown_commands("`deftworks run --sourc x`") == ["deftworks run --sourc"]
    assert unknown_commands("`deftworks pack verify PATH --json`") == []


def test_the_readme_is_short_and_its_pictures_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []
