"""A pack is complete, says what it is, and is the same bytes whoever builds it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from data_contracts.errors import PackError
from data_contracts.manifests import EvaluationReport
from data_contracts.stages import digest_of
from skill_packs.build import build_pack
from skill_packs.layout import versions
from skill_packs.signing import open_signing_key
from tests.skill_packs.make_pack import edit_json, make_checkpoint, make_inputs, make_rows


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_pack_is_complete(built):
    pack = built.pack
    assert (built.folder.name, pack.version, built.is_new) == ("1.0.0", "1.0.0", True)
    assert set(content(built.folder)) == {*pack.files, "pack.json", "pack.dsse.json"}
    assert {"config.json", "model.safetensors", "policy_preprocessor.json", "evaluation.json", "rollouts.parquet",
            "media/success-1001.mp4", "media/failure-1002.mp4", "README.md", "NOTICE", "CHANGELOG.md"} <= set(pack.files)  # fmt: skip
    assert list(pack.provenance.contributors.items()) == [("bo", 204), ("anna", 202)]
    assert {video.path: video.is_success for video in pack.videos} == {
        "media/failure-1002.mp4": False,
        "media/success-1001.mp4": True,
    }


def test_the_documents_carry_evidence_people_and_licences(built):
    readme, notice = (built.folder / "README.md").read_text(), (built.folder / "NOTICE").read_text()
    assert "| this policy | 13 of 20 | 65% | 43% to 82% |" in readme
    assert "| do_nothing | 1 of 20 |" in readme
    assert "in simulation (so100/press-button)" in readme
    assert "anna\n    anna__buttons: 2 episodes, CC-BY-4.0" in notice
    assert "bo\n    bo__buttons: 2 episodes, CC-BY-4.0" in notice
    assert "## 1.0.0" in (built.folder / "CHANGELOG.md").read_text()


def test_building_elsewhere_gives_the_same_bytes(tmp_path, built, signer):
    again = build_pack(tmp_path / "elsewhere", make_inputs(tmp_path / "again"), signer)
    assert again.pack_id == built.pack_id
    assert content(again.folder) == content(built.folder)


def test_another_key_gives_the_same_pack_id(tmp_path, built):
    again = build_pack(tmp_path / "other", make_inputs(tmp_path / "again"), open_signing_key(tmp_path / "other_keys"))
    assert again.pack_id == built.pack_id


def test_building_what_is_there_writes_nothing(tmp_path, built, signer):
    before = (built.folder / "pack.json").stat().st_mtime_ns
    again = build_pack(tmp_path / "packs", make_inputs(tmp_path / "again"), signer)
    assert (again.folder, again.pack_id, again.is_new) == (built.folder, built.pack_id, False)
    assert (built.folder / "pack.json").stat().st_mtime_ns == before
    assert [path.name for path in (tmp_path / "packs").iterdir()] == ["1.0.0"]


def test_only_the_episodes_that_it_was_trained_on_are_credited(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    trained = make_rows(num_episodes=3)
    run = inputs.run.model_copy(update={"episodes": tuple(sorted(trained["episode_hash"]))})
    pack = build_pack(tmp_path / "packs", replace(inputs, run=run), signer).pack
    assert [one.episode_hash for one in pack.provenance.episodes] == [
        digest_of(["press-button", i]) for i in (0, 2, 1)
    ], "sorted by dataset, then episode"


@pytest.mark.parametrize("action_key", ["so100.buffer.action", "actions"])
def test_statistics_under_another_name_are_refused(tmp_path, signer, action_key):
    inputs = make_inputs(tmp_path / "inputs")
    other = make_checkpoint(tmp_path / "other", action_key=action_key)
    with pytest.raises(PackError, match=r"no statistics under exactly action\.mean"):
        build_pack(tmp_path / "packs", replace(inputs, checkpoint=other), signer)
    assert versions(tmp_path / "packs") == []


def test_statistics_of_another_length_are_refused(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    names = [f"{feature}.{name}" for feature in ("observation.state", "action") for name in ("mean", "std")]
    save_file(
        {name: np.ones(2) for name in names},
        inputs.checkpoint / "policy_preprocessor_step_0_normalizer_processor.safetensors",
    )
    with pytest.raises(PackError, match=r"observation\.state\.mean is not \(3,\) finite numbers"):
        build_pack(tmp_path / "packs", inputs, signer)


@pytest.mark.parametrize("name", ["optimizer.pt", "modeling.py", "weights.pkl", "vlm/pytorch_model.bin"])
def test_what_could_run_code_is_never_packed(tmp_path, signer, name):
    inputs = make_inputs(tmp_path / "inputs")
    path = inputs.checkpoint / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(PackError, match=name):
        build_pack(tmp_path / "packs", inputs, signer)


def test_remote_code_in_a_configuration_is_refused(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    edit_json(inputs.checkpoint / "config.json", vlm={"auto_map": {"AutoModel": "evil.Model"}})
    with pytest.raises(PackError, match="auto_map"):
        build_pack(tmp_path / "packs", inputs, signer)


def test_weights_that_are_no_safetensors_are_refused(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    (inputs.checkpoint / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(PackError, match="not a safetensors file"):
        build_pack(tmp_path / "packs", inputs, signer)


def test_evidence_of_another_policy_is_refused(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    path = inputs.evaluation / "evaluation.json"
    EvaluationReport.read(path).model_copy(update={"policy_digest": digest_of("another")}).write(path)
    with pytest.raises(PackError, match="The evaluation of press-button"):
        build_pack(tmp_path / "packs", inputs, signer)


def test_an_episode_that_nobody_can_name_is_refused(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    with pytest.raises(PackError, match="1 episodes that the skill index does not list"):
        build_pack(tmp_path / "packs", replace(inputs, episodes=make_rows(num_episodes=3)), signer)


def test_a_missing_recording_leaves_nothing_behind(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    (inputs.evaluation / "videos" / "success-1001.mp4").unlink()
    with pytest.raises(PackError, match=r"success-1001\.mp4 cannot be packed"):
        build_pack(tmp_path / "packs", inputs, signer)
    assert list((tmp_path / "packs").iterdir()) == []
