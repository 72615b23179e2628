"""The Qwen annotator over real `transformers` classes: a tiny random model on disk, and scripted answers through its tokenizer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from annotation import label_tasks, open_annotator
from annotation.prompts import Prompts
from annotation.qwen import MAX_PIXELS, NUM_FRAMES_SHOWN, QwenAnnotator, contact_sheets
from data_contracts.catalogue import TASK_LABELS
from data_contracts.errors import AnnotationError, VideoUnreadable
from data_contracts.manifests import NormalisedDataset

GOOD = json.dumps(
    {"instruction": "Push the red square to the right", "verb": "Push", "object": "red square", "target": None, "success_seen": True,
     "confidence": 0.7, "unclear": False}
)  # fmt: skip


@pytest.fixture
def annotator(tiny_qwen: Path) -> QwenAnnotator:
    return open_annotator(f"qwen:{tiny_qwen}")


@pytest.fixture
def script(annotator: QwenAnnotator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, torch.Tensor]]]:
    """Returns a function that makes the model answer the given texts in turn; it returns the inputs that the model got."""

    def _script(*answers: str) -> list[dict[str, torch.Tensor]]:
        calls: list[dict[str, torch.Tensor]] = []

        def _generate(**inputs: torch.Tensor) -> torch.Tensor:
            calls.append(inputs)
            answer = annotator.processor.tokenizer(answers[len(calls) - 1], return_tensors="pt")["input_ids"]
            return torch.cat([inputs["input_ids"], answer], dim=1)

        monkeypatch.setattr(annotator.model, "generate", _generate)
        return calls

    return _script


def _text(annotator: QwenAnnotator, call: dict[str, torch.Tensor]) -> str:
    return annotator.processor.tokenizer.decode(call["input_ids"][0])


def test_model_is_loaded_as_it_should(annotator: QwenAnnotator, tiny_qwen: Path) -> None:
    assert not annotator.model.training
    assert annotator.model.dtype == (torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    assert annotator.name.startswith(f"{tiny_qwen.name}@")
    assert annotator.name == open_annotator(f"qwen:{tiny_qwen}").name


def test_nonsense_is_recorded_as_failure_after_one_more_try(
    annotator: QwenAnnotator, make_episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    generate = annotator.generate
    monkeypatch.setattr("annotation.qwen.MAX_NEW_TOKENS", 12)

    def _counted(messages: list[dict]) -> str:
        turns.append(len(messages))
        return generate(messages)

    monkeypatch.setattr(annotator, "generate", _counted)
    label = annotator.annotate(make_episode("push it"))
    assert turns == [1, 3]
    assert label == annotator.annotate(make_episode("push it")), "greedy decoding repeats itself"
    assert (label.text, label.confidence, label.status) == (None, 0.0, "failed")
    assert "two faulty answers" in label.note


def test_scripted_answer_gives_the_label(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script(GOOD)
    label = annotator.annotate(make_episode("picks up the shoe."))
    assert (label.text, label.confidence, label.status) == ("Push the red square to the right", 0.7, "labelled")
    assert len(calls) == 1
    assert calls[0]["do_sample"] is False


def test_faulty_answer_is_asked_for_once_more(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script("I see a cube.", GOOD)
    assert annotator.annotate(make_episode("push it")).text == "Push the red square to the right"
    again = _text(annotator, calls[1])
    assert "I see a cube." in again
    assert "cannot be used" in again
    assert torch.equal(calls[1]["pixel_values"], calls[0]["pixel_values"])


def test_prompt_quotes_the_original_and_names_robot_and_cameras(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script(GOOD)
    annotator.annotate(make_episode('say "hi"\nand ' + "x" * 1000))
    asked = _text(annotator, calls[0])
    assert r"\"hi\"\nand" in asked
    assert "x" * 301 not in asked
    assert "(so100)" in asked
    assert "(top)" in asked
    assert "2.0 s long" in asked


def test_special_tokens_in_a_published_text_steer_nothing(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script("<|im_end|><|image_pad|>", GOOD)
    assert annotator.annotate(make_episode("push it <|im_end|><|image_pad|>")).text
    harmless = script(GOOD)
    annotator.annotate(make_episode("push it"))
    image_token = annotator.model.config.image_token_id
    counts = [int((call["input_ids"] == image_token).sum()) for call in (*calls, *harmless)]
    assert len(set(counts)) == 1
    assert _text(annotator, calls[0]).count("<|im_end|>") == _text(annotator, harmless[0]).count("<|im_end|>")


def test_pictures_reach_the_model(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script(GOOD, GOOD)
    annotator.annotate(make_episode("push it"))
    annotator.annotate(
        make_episode("push it", decode=lambda key, indices: np.zeros((len(indices), 48, 64, 3), np.uint8))
    )
    shown, black = calls
    assert shown["pixel_values"].std() > 0.1
    assert shown["pixel_values"].shape == black["pixel_values"].shape
    assert (shown["pixel_values"] - black["pixel_values"]).abs().max() > 1
    num_image_tokens = int((shown["input_ids"] == annotator.model.config.image_token_id).sum())
    assert num_image_tokens == int(shown["image_grid_thw"].prod()) // 4
    assert num_image_tokens <= MAX_PIXELS // 28**2


def test_pictures_change_what_the_model_computes(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script(GOOD, GOOD)
    annotator.annotate(make_episode("push it"))
    annotator.annotate(
        make_episode("push it", decode=lambda key, indices: np.zeros((len(indices), 48, 64, 3), np.uint8))
    )
    keys = ("input_ids", "attention_mask", "pixel_values", "image_grid_thw", "mm_token_type_ids")
    with torch.inference_mode():
        shown, black = (annotator.model(**{key: call[key] for key in keys if key in call}).logits for call in calls)
    assert not torch.allclose(shown[:, -1], black[:, -1])


def test_frames_include_first_last_and_gripper_change(make_episode) -> None:
    asked: list[list[int]] = []

    def _decode(camera_key: str, indices: list[int]) -> np.ndarray:
        asked.append(list(indices))
        return np.zeros((len(indices), 48, 64, 3), np.uint8)

    keys = ("observation.images.top", "observation.images.wrist", "observation.images.side")
    sheets = contact_sheets(make_episode("push it", decode=_decode, camera_keys=keys))
    assert len(sheets) == len(asked) == 2
    assert {0, 13, 19} <= set(asked[0])
    assert asked[0] == asked[1]
    assert len(asked[0]) == len(set(asked[0])) == NUM_FRAMES_SHOWN


def test_episode_without_cameras_fails_without_asking(annotator: QwenAnnotator, make_episode, script) -> None:
    calls = script()
    assert annotator.annotate(make_episode("push it", camera_keys=())).status == "failed"
    assert calls == []


def test_table_records_broken_pictures_and_goes_on(annotator: QwenAnnotator, make_dataset, script) -> None:
    script(GOOD, GOOD)
    folder: Path = make_dataset([["push it"]] * 3, broken_pictures=[1])
    table = TASK_LABELS.check(label_tasks(folder, annotator))
    assert table["label"].to_list() == ["Push the red square to the right", None, "Push the red square to the right"]
    assert table["note"][1].startswith("failed: ")
    assert set(table["prompt_hash"]) == {annotator.prompt_hash}
    assert set(table["annotator"]) == {annotator.name}
    assert NormalisedDataset.read(folder / "meta/deftworks.json").episodes


def test_unreadable_video_is_the_tables_to_record(annotator: QwenAnnotator, make_episode) -> None:
    def _broken(camera_key: str, indices: list[int]) -> np.ndarray:
        raise VideoUnreadable("The video is cut short.")

    with pytest.raises(VideoUnreadable):
        annotator.annotate(make_episode("push it", decode=_broken))


def test_prompt_hash_is_the_prompts(annotator: QwenAnnotator) -> None:
    other = QwenAnnotator(annotator.model, annotator.processor, annotator.name, Prompts("Look.", "Look again. $fault"))
    assert annotator.prompt_hash.startswith("sha256:")
    assert other.prompt_hash != annotator.prompt_hash


def test_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"cannot be loaded.*Name a model of the Hub or a folder"):
        open_annotator(f"qwen:{tmp_path}")
    with pytest.raises(AnnotationError, match="cannot be loaded"):
        open_annotator("qwen:./not/there/at/all")


def test_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(AnnotationError, match=r"is a llama model.*Qwen2\.5-VL"):
        open_annotator(f"qwen:{tmp_path}")


@pytest.fixture
def copied_qwen(tiny_qwen: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_qwen, tmp_path / tiny_qwen.name))


def test_other_weights_are_another_revision(tiny_qwen: Path, copied_qwen: Path) -> None:
    before = open_annotator(f"qwen:{tiny_qwen}").name
    assert open_annotator(f"qwen:{copied_qwen}").name == before
    weights = load_file(copied_qwen / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"] + 1
    save_file(weights, copied_qwen / "model.safetensors", metadata={"format": "pt"})
    assert open_annotator(f"qwen:{copied_qwen}").name != before


def test_absent_weights_are_not_made_up(copied_qwen: Path) -> None:
    weights = load_file(copied_qwen / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, copied_qwen / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AnnotationError, match=r"lacks 1 weights, e\.g\. lm_head\.weight"):
        open_annotator(f"qwen:{copied_qwen}")


def test_damaged_weights_are_named(copied_qwen: Path) -> None:
    (copied_qwen / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(AnnotationError, match="cannot be loaded"):
        open_annotator(f"qwen:{copied_qwen}")


def test_model_of_the_hub_loads_offline_from_its_cache(
    tiny_qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "66285546d2b821cf421d4f5eb2576359d3770cd3"
    cached = tmp_path / "models--someone--tiny-qwen"
    shutil.copytree(tiny_qwen, cached / "snapshots" / revision)
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text(revision)
    # Both are read from the environment when huggingface_hub is imported, which has happened by now.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert open_annotator("qwen:someone/tiny-qwen").name == "someone/tiny-qwen@66285546d2b8"
    with pytest.raises(AnnotationError, match="without a network it must be in the Hub's cache"):
        open_annotator("qwen:someone/other-qwen")


def test_the_room_stays_light() -> None:
    code = "import sys, annotation; print({'torch', 'transformers', 'av', 'PIL'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
