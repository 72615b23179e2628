"""Manifests, skills.toml and the generated pages."""

from pathlib import Path

import pytest

from data_contracts.documents import pages
from data_contracts.errors import ContractError
from data_contracts.findings import Finding, gated_episodes
from data_contracts.manifests import ReleasePointer
from data_contracts.skills import read_skills
from pipelines.settings import BUNDLED_SKILLS

DOCS = Path(__file__).parents[2] / "docs" / "contracts"


def test_a_manifest_reads_back_and_its_digest_does_not_depend_on_the_file(tmp_path):
    pointer = ReleasePointer(release=3, catalogue_sha256="sha256:0")
    pointer.write(tmp_path / "CURRENT")
    assert ReleasePointer.read(tmp_path / "CURRENT") == pointer
    assert ReleasePointer.read(tmp_path / "CURRENT").digest() == pointer.digest()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"release": 1, "catalogue_sha256": "x", "more": 1}', '{"schema_version": 2}']
)
def test_a_broken_manifest_names_its_file(tmp_path, text):
    (tmp_path / "CURRENT").write_text(text)
    with pytest.raises(ContractError, match="CURRENT"):
        ReleasePointer.read(tmp_path / "CURRENT")


def test_an_unknown_finding_code_is_refused_with_the_nearest():
    with pytest.raises(ContractError, match=r"motion\.static"):
        Finding(code="motion.statik", severity="gate", episodes=None, message="")


def test_gates_name_episodes_or_all_of_them():
    gate = Finding(code="motion.stub", severity="gate", episodes=(1,), message="")
    warn = Finding(code="motion.jump", severity="warn", episodes=None, message="")
    assert gated_episodes([gate, warn], [0, 1, 2]) == {1}
    assert gated_episodes([gate.model_copy(update={"episodes": None})], [0, 1]) == {0, 1}


def test_the_bundled_skills_are_valid():
    skills = read_skills(BUNDLED_SKILLS)
    assert len(skills.skill) >= 4
    with pytest.raises(ContractError, match="Did you mean"):
        skills.get(skills.ids[0] + "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("platform_bp = 3000", "platform_bp = 3001"), "add up"),
        (('id = "', 'id = "Not OK '), "not a skill id"),
        (("title = ", "titel = "), "titel"),
        (("[[skill]]", "[[skill"), "not a valid skills file"),
    ],
)
def test_a_wrong_skills_file_says_what_is_wrong(tmp_path, change, message):
    path = tmp_path / "skills.toml"
    path.write_text(BUNDLED_SKILLS.read_text().replace(*change, 1))
    with pytest.raises(ContractError, match=message):
        read_skills(path)


def test_the_pages_in_docs_are_what_the_code_says():
    """`make docs` was forgotten if this fails: a contract changed and its page did not."""
    assert {path.name: path.read_text() for path in DOCS.glob("*.md")} == pages()
