"""An annotator that looks: Qwen2.5-VL through `transformers`, in this process.

It shows the model contact sheets of an episode and asks for a checked JSON answer (`annotation.answer`); a faulty answer is
asked for once more, then the failure is recorded. Greedy decoding: the same episode, weights and prompt give the same label.

Imported only when a Qwen annotator is opened, because it imports torch and transformers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from annotation.annotator import EpisodeToLabel, Label, failed
from annotation.answer import parse_answer
from annotation.contact_sheet import contact_sheet
from annotation.keyframes import choose_frames, gripper_changes
from annotation.prompts import Prompts, read_prompts
from data_contracts.errors import AnnotationError
from data_contracts.stages import digest_of, file_sha256
from policy.torchvision_on_cpu import let_torchvision_import

let_torchvision_import()

from qwen_vl_utils import process_vision_info  # noqa: E402
from safetensors import SafetensorError  # noqa: E402
from transformers import AutoConfig, AutoProcessor, Qwen2_5_VLForConditionalGeneration  # noqa: E402
from transformers.utils import cached_file  # noqa: E402

if TYPE_CHECKING:
    from PIL.Image import Image

MODEL_TYPE = "qwen2_5_vl"
NUM_FRAMES_SHOWN = 12
MAX_CAMERAS = 2
MAX_NEW_TOKENS = 256
MAX_ORIGINAL_CHARACTERS = 300
PATCH_PX = 28
"""Side of the square that becomes one visual token: patches of 14, merged 2 by 2."""
MIN_PIXELS = 256 * PATCH_PX**2
MAX_PIXELS = 1280 * PATCH_PX**2
"""Budget per contact sheet, kept by `process_vision_info`: a sheet of twelve 4:3 frames is 576 tokens."""


@dataclass
class QwenAnnotator:
    """A loaded model with its processor. `name` carries the model and its revision."""

    model: Any
    processor: Any
    name: str
    prompts: Prompts = field(default_factory=read_prompts)

    @classmethod
    def load(cls, model: str) -> QwenAnnotator:
        """Returns an annotator with a model of the Hub (by name) or of a local folder; code from there is never run.

        bfloat16 on a GPU where there is one, else float32 on the CPU. A folder, or HF_HUB_OFFLINE=1 with a filled cache, needs no
        network.

        Raises:
            AnnotationError: it is not there, cannot be loaded, or is not a Qwen2.5-VL.
        """
        folder = Path(model).expanduser()
        try:
            if folder.is_dir():
                weights, processor = _load(str(folder), {"local_files_only": True})
                return cls(weights, processor, f"{folder.resolve().name}@{_folder_revision(folder)[:12]}")
            revision = _hub_revision(model)
            weights, processor = _load(model, {"revision": revision})
            return cls(weights, processor, f"{model}@{revision[:12]}")
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise AnnotationError(
                f"The model {model!r} cannot be loaded: {str(error).strip().splitlines()[0]}",
                hint="Name a model of the Hub or a folder with its files; without a network it must be in the Hub's cache.",
            ) from error

    @property
    def prompt_hash(self) -> str:
        return self.prompts.hash

    def annotate(self, episode: EpisodeToLabel) -> Label:
        """Returns the label that the model gives, `failed` after two faulty answers.

        Raises:
            VideoUnreadable: a camera's frames cannot be decoded.
        """
        if not episode.camera_keys or not episode.num_frames:
            return failed("the episode has no camera with frames")
        messages = [{"role": "user", "content": [*_image_parts(contact_sheets(episode)), self._question(episode)]}]
        answer = self.generate(messages)
        try:
            return parse_answer(answer).to_label()
        except AnnotationError as error:
            fault = str(error)
        messages += [
            {"role": "assistant", "content": [_text_part(answer)]},
            {"role": "user", "content": [_text_part(self.prompts.ask_again(fault))]},
        ]
        try:
            return parse_answer(self.generate(messages)).to_label()
        except AnnotationError as error:
            return failed(f"two faulty answers. {error.message}")

    @torch.inference_mode()
    def generate(self, messages: list[dict[str, Any]]) -> str:
        """Returns the model's next turn in a conversation, decoded greedily."""
        inputs = self.inputs(messages).to(self.model.device)
        tokens = self.model.generate(
            **inputs, do_sample=False, temperature=None, top_p=None, top_k=None, max_new_tokens=MAX_NEW_TOKENS
        )
        new_tokens = tokens[:, inputs["input_ids"].shape[1] :]
        return self.processor.batch_decode(new_tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)[0]

    def inputs(self, messages: list[dict[str, Any]]) -> Any:
        """Returns the model's input tensors for a conversation: token ids, and pixel values of its pictures."""
        text = self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        images, _ = process_vision_info(messages)
        return self.processor(text=[text], images=images, padding=True, return_tensors="pt")

    def _question(self, episode: EpisodeToLabel) -> dict[str, str]:
        original = (episode.original or "")[:MAX_ORIGINAL_CHARACTERS]
        text = self.prompts.ask(
            robot=episode.robot_type or "of an unknown type",
            cameras=", ".join(_short(key) for key in episode.camera_keys[:MAX_CAMERAS]),
            duration_s=f"{episode.num_frames / episode.fps:.1f}",
            original=json.dumps(original, ensure_ascii=False),
        )
        return _text_part(text)


def _load(source: str, where: dict[str, Any]) -> tuple[Any, Any]:
    """Returns (model on its device, processor). Raises AnnotationError for another kind of model and for absent weights."""
    options: dict[str, Any] = {"trust_remote_code": False, **where}
    config = AutoConfig.from_pretrained(source, **options)
    if config.model_type != MODEL_TYPE:
        raise AnnotationError(
            f"{source} is a {config.model_type} model.", hint="Name a Qwen2.5-VL, e.g. Qwen/Qwen2.5-VL-3B-Instruct."
        )
    has_gpu = torch.cuda.is_available()
    model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        source, dtype=torch.bfloat16 if has_gpu else torch.float32, output_loading_info=True, **options
    )
    if report["missing_keys"]:  # transformers would fill them with random numbers and only warn
        raise AnnotationError(
            f"{source} lacks {len(report['missing_keys'])} weights, e.g. {min(report['missing_keys'])}.",
            hint="Fetch the model again.",
        )
    processor = AutoProcessor.from_pretrained(source, **options)
    return model.to("cuda" if has_gpu else "cpu").eval(), processor


def contact_sheets(episode: EpisodeToLabel) -> list[Image]:
    """Returns one sheet for each of the first MAX_CAMERAS cameras. Each frame shown is decoded once."""
    indices = choose_frames(episode.num_frames, gripper_changes(episode.read_gripper()), NUM_FRAMES_SHOWN)
    return [
        contact_sheet(episode.decode(key, indices), [f"{_short(key)} {index / episode.fps:.1f} s" for index in indices])
        for key in episode.camera_keys[:MAX_CAMERAS]
    ]


def _image_parts(sheets: list[Image]) -> list[dict[str, Any]]:
    return [{"type": "image", "image": sheet, "min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS} for sheet in sheets]


def _text_part(text: str) -> dict[str, str]:
    """Published texts and answers may hold `<|im_end|>` or `<|image_pad|>`; split, they are text and steer nothing."""
    return {"type": "text", "text": text.replace("<|", "< |")}


def _short(camera_key: str) -> str:
    return camera_key.rpartition(".")[2]


def _hub_revision(model: str) -> str:
    """Returns the commit that the Hub, or offline its cache, has of a model. Raises OSError where neither has it."""
    config = cached_file(model, "config.json")
    return Path(config).parent.name  # snapshots/<commit>/config.json


def _folder_revision(folder: Path) -> str:
    """Returns the hash of a model folder's files: two folders of one name with other weights are other models."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return digest_of({path.name: file_sha256(path) for path in files}).removeprefix("sha256:")
