"""The folder `vlm/` of a checkpoint: SmolVLM's architecture, tokenizer and processor settings, all that a loader asks for.

Written so that transformers 4.57 (LeRobot 0.4) and 5 read it without a network. No weights: those are the checkpoint's.
"""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from data_contracts.stages import write_json
from policy.tokenizer import VISION_TOKENS
from policy.vlm import SmolVLMConfig

_HALF = [0.5, 0.5, 0.5]


def save_vlm(folder: Path, architecture: SmolVLMConfig, tokenizer: PreTrainedTokenizerFast) -> None:
    """Writes the folder. Its processor settings only let SmolVLM's processor be built; the policy makes its own pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture.save_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", _tokenizer_config(tokenizer))
    size = architecture.vision_config.image_size
    tokens = (size // architecture.vision_config.patch_size) ** 2 // architecture.scale_factor**2
    pixels = {
        "do_convert_rgb": True, "do_resize": True, "do_image_splitting": False, "do_pad": True, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": _HALF, "image_std": _HALF,
        "size": {"longest_edge": size}, "max_image_size": {"longest_edge": size}, "processor_class": "SmolVLMProcessor",
    }  # fmt: skip
    write_json(folder / "preprocessor_config.json", {"image_processor_type": "SmolVLMImageProcessor"} | pixels)
    write_json(folder / "video_preprocessor_config.json", {"video_processor_type": "SmolVLMVideoProcessor"} | pixels)
    write_json(folder / "processor_config.json", {"processor_class": "SmolVLMProcessor", "image_seq_len": tokens})


def _tokenizer_config(tokenizer: PreTrainedTokenizerFast) -> dict[str, object]:
    plain = {"bos_token": tokenizer.bos_token, "eos_token": tokenizer.eos_token, "unk_token": tokenizer.unk_token}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "processor_class": "SmolVLMProcessor",
        "model_max_length": min(tokenizer.model_max_length, 8192),
        "padding_side": "right",
        "pad_token": tokenizer.pad_token,
        **{name: token for name, token in plain.items() if token is not None},
        "extra_special_tokens": {
            name: getattr(tokenizer, name, None) or token for name, token in VISION_TOKENS.items()
        },
    }
